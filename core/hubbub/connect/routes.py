"""Keep the routes of a channel: each version whole, the highest in force."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from pydantic import BaseModel, ValidationError
from sqlalchemy import Connection as Database
from sqlalchemy.exc import IntegrityError

from hubbub.connect import queries
from hubbub.hub import Hub
from hubbub.people.audit import audit
from hubbub.people.errors import Complaint, Conflict, Invalid, NotFound, complaints
from hubbub.plugins import Plugins, UnknownType
from hubbub.route import Invalid as BadRoutes
from hubbub.route.conflicts import Conflict as RouteConflict, find_conflicts
from hubbub.route.rules import INBOX, RouteSet, read_route_set
from hubbub.store.session import reading, transaction
from hubbub.store.types import new_id

#: What the API shows in place of a destination's secret; saved again, it keeps the secret.
HIDDEN: Final = "********"


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
        return _in_force(db, channel_id)


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
            _store(db, channel_id, routes, now=now, actor=actor)
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


def first_route_set(db: Database, channel_id: str, *, now: datetime, actor: str) -> None:
    """Give a new channel its first routes: everything goes to people."""
    _store(db, channel_id, read_route_set(1, []), now=now, actor=actor)


def shown_routes(plugins: Plugins, routes: RouteSet) -> dict[str, Any]:
    """Return routes as JSON whose destinations' secrets are hidden."""
    shown = routes.as_json()
    for rule in shown["routes"]:
        rule["to"] = _hidden(plugins, rule["to"])
    return {"routes": shown["routes"], "fallback": _hidden(plugins, shown["fallback"])}


def _in_force(db: Database, channel_id: str) -> RouteSet:
    row = queries.route_set(db, channel_id)
    if row is None:
        return read_route_set(0, [])
    return read_route_set(row.version, row.routes, row.fallback)


def _read(plugins: Plugins, before: RouteSet, wanted: WantedRoutes) -> RouteSet:
    kept = {route.id: route.to.as_json() for route in before.routes}
    routes = [
        _with_secrets(plugins, route, kept.get(str(route.get("id")), {})) for route in wanted.routes
    ]
    fallback = _revealed(plugins, wanted.fallback or INBOX.as_json(), before.fallback.as_json())
    try:
        read = read_route_set(before.version + 1, routes, fallback)
    except BadRoutes as error:
        raise Invalid(*(Complaint(*one) for one in error.errors)) from None
    wrong = tuple(_wrong_destinations(plugins, read))
    if wrong:
        raise Invalid(*wrong)
    return read


def _wrong_destinations(plugins: Plugins, routes: RouteSet) -> Iterator[Complaint]:
    named = [(f"routes.{number}.to", route.to) for number, route in enumerate(routes.routes)]
    for where, destination in [*named, ("fallback", routes.fallback)]:
        for name, value in destination.settings.items():
            if value == HIDDEN:
                yield Complaint(f"{where}.{name}", "Enter it again: it is not known here.")
        try:
            plugins.route(destination.type).validate(destination.settings)
        except UnknownType as error:
            yield Complaint(f"{where}.type", str(error))
        except ValidationError as error:
            yield from complaints(error, where)


def _store(db: Database, channel_id: str, routes: RouteSet, *, now: datetime, actor: str) -> None:
    written = routes.as_json()
    queries.add_route_set(
        db,
        id=new_id(),
        channel_id=channel_id,
        version=routes.version,
        routes=written["routes"],
        fallback=written["fallback"],
        created_at=now,
        created_by=actor,
    )


def _with_secrets(
    plugins: Plugins, route: Mapping[str, Any], kept: Mapping[str, Any]
) -> dict[str, Any]:
    to = route.get("to")
    return {**route, "to": _revealed(plugins, to, kept)} if isinstance(to, Mapping) else {**route}


def _hidden(plugins: Plugins, to: Mapping[str, Any]) -> dict[str, Any]:
    secret = _secret_fields(plugins, to)
    return {name: HIDDEN if name in secret and value else value for name, value in to.items()}


def _revealed(plugins: Plugins, to: Mapping[str, Any], kept: Mapping[str, Any]) -> dict[str, Any]:
    if to.get("type") != kept.get("type"):
        return dict(to)
    secret = _secret_fields(plugins, to)
    return {
        name: kept.get(name, value) if name in secret and value == HIDDEN else value
        for name, value in to.items()
    }


def _secret_fields(plugins: Plugins, to: Mapping[str, Any]) -> frozenset[str]:
    try:
        fields: type[BaseModel] = plugins.route(str(to.get("type"))).kind.fields
    except UnknownType:
        return frozenset()
    properties = fields.model_json_schema().get("properties", {})
    return frozenset(name for name, one in properties.items() if _write_only(one))


def _write_only(schema: Mapping[str, Any]) -> bool:
    return bool(schema.get("writeOnly")) or any(map(_write_only, schema.get("anyOf", ())))
