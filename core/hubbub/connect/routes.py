"""Keep the routes of a channel: each version whole, the highest in force."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError
from sqlalchemy import Connection as Database
from sqlalchemy.exc import IntegrityError

from hubbub.connect import queries
from hubbub.connect.hidden import hidden, revealed, still_hidden
from hubbub.connect.rules import open_routes, seal_routes
from hubbub.hub import Hub
from hubbub.people.audit import audit
from hubbub.people.errors import Complaint, Conflict, Invalid, NotFound, complaints
from hubbub.plugins import Plugins, UnknownType
from hubbub.route import Invalid as BadRoutes
from hubbub.route.conditions import customs
from hubbub.route.conflicts import Conflict as RouteConflict, find_conflicts
from hubbub.route.rules import INBOX, RouteSet, read_route_set
from hubbub.store.session import reading, transaction
from hubbub.store.types import new_id


class RoutesClash(Conflict):
    """Rules get in each other's way and nobody said that this is meant."""

    code = "route_conflicts"

    def __init__(self, conflicts: Sequence[RouteConflict]) -> None:
        super().__init__(
            "Some of these routes get in each other's way. Change them, or accept the conflicts."
        )
        self.conflicts = tuple(conflicts)


@dataclass(frozen=True, kw_only=True)
class WantedRoutes:
    """The rules that somebody wrote, as JSON; ``fallback`` None: people."""

    routes: Sequence[Mapping[str, Any]]
    fallback: Mapping[str, Any] | None = None
    accept_conflicts: bool = False


def current_routes(hub: Hub, channel_id: str) -> RouteSet:
    """Return the routes in force, secrets of destinations included. Raises `NotFound`."""
    with reading(hub.engine) as db:
        if queries.channel(db, channel_id) is None:
            raise NotFound("There is no such channel.")
        return open_routes(hub, queries.route_set(db, channel_id))


def save_routes(hub: Hub, channel_id: str, wanted: WantedRoutes, *, actor: str) -> RouteSet:
    """Put new routes in force and return them.

    Raises `NotFound`, `Invalid`, `RoutesClash`, or `Conflict` when somebody else saved meanwhile.
    """
    before = current_routes(hub, channel_id)
    routes = _read(hub.plugins, before, wanted)
    conflicts = find_conflicts(routes)
    if conflicts and not wanted.accept_conflicts:
        raise RoutesClash(conflicts)
    now = hub.now()
    try:
        with transaction(hub.engine) as db:
            _store(hub, db, channel_id, routes, actor=actor)
            queries.change_channel(db, channel_id, values={})
            audit(
                db,
                now=now,
                actor=actor,
                action="routes.saved",
                object_id=channel_id,
                detail={"version": routes.version, "accepted_conflicts": len(conflicts)},
            )
    except IntegrityError:
        raise Conflict(
            "Somebody else changed the routes at the same moment: read them again.",
            code="version_conflict",
        ) from None
    return routes


def first_route_set(hub: Hub, db: Database, channel_id: str, *, actor: str) -> None:
    """Give a new channel its first routes: everything goes to people."""
    _store(hub, db, channel_id, read_route_set(1, []), actor=actor)


def shown_routes(plugins: Plugins, routes: RouteSet) -> dict[str, Any]:
    """Return routes as JSON whose destinations' secrets are hidden."""
    shown = routes.as_json()
    for rule in shown["routes"]:
        rule["to"] = hidden(plugins, rule["to"])
    return {"routes": shown["routes"], "fallback": hidden(plugins, shown["fallback"])}


def _read(plugins: Plugins, before: RouteSet, wanted: WantedRoutes) -> RouteSet:
    kept = {route.id: route.to.as_json() for route in before.routes}
    routes = [
        _with_secrets(plugins, route, kept.get(str(route.get("id")), {})) for route in wanted.routes
    ]
    fallback = revealed(plugins, wanted.fallback or INBOX.as_json(), before.fallback.as_json())
    try:
        read = read_route_set(before.version + 1, routes, fallback, kinds=plugins.conditions)
    except BadRoutes as error:
        raise Invalid(*(Complaint(*one) for one in error.errors)) from None
    wrong = (*_wrong_conditions(read), *_wrong_destinations(plugins, read))
    if wrong:
        raise Invalid(*wrong)
    return read


def _wrong_conditions(routes: RouteSet) -> Iterator[Complaint]:
    for number, route in enumerate(routes.routes):
        for custom in customs(route.tree):
            if custom.wrong:
                yield Complaint(f"routes.{number}.when", custom.wrong)


def _wrong_destinations(plugins: Plugins, routes: RouteSet) -> Iterator[Complaint]:
    named = [(f"routes.{number}.to", route.to) for number, route in enumerate(routes.routes)]
    for where, destination in [*named, ("fallback", routes.fallback)]:
        for name, value in destination.settings.items():
            for path in still_hidden(value, f"{where}.{name}"):
                yield Complaint(
                    path,
                    "Enter it again: it is kept only where it stood, and while the address stays.",
                )
        try:
            plugins.route(destination.type).validate(destination.settings)
        except UnknownType as error:
            yield Complaint(f"{where}.type", str(error))
        except ValidationError as error:
            yield from complaints(error, where)


def _store(hub: Hub, db: Database, channel_id: str, routes: RouteSet, *, actor: str) -> None:
    row_id = new_id()
    queries.add_route_set(
        db,
        id=row_id,
        channel_id=channel_id,
        version=routes.version,
        sealed=seal_routes(hub, routes, row_id),
        created_at=hub.now(),
        created_by=actor,
    )


def _with_secrets(
    plugins: Plugins, route: Mapping[str, Any], kept: Mapping[str, Any]
) -> dict[str, Any]:
    to = route.get("to")
    return {**route, "to": revealed(plugins, to, kept)} if isinstance(to, Mapping) else {**route}
