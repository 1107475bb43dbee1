"""Keep the routes of a channel: each version whole, the highest in force."""

import json
from collections.abc import Collection, Iterator, Mapping, Sequence
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
from hubbub.route.rules import INBOX, Destination, RouteSet, read_route_set
from hubbub.store.session import reading, transaction
from hubbub.store.types import new_id
from hubbub.vault import digest


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
    #: Whether all conflicts are meant.
    accept_conflicts: bool = False
    #: The conflicts that are meant, by their `conflict_key`.
    accepted: Collection[str] = ()
    #: The version that they are to replace; None: whichever is in force.
    version: int | None = None


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
    if wanted.version not in {None, before.version}:
        raise _overtaken()
    routes = read_wanted(hub.plugins, before, wanted)
    conflicts = find_conflicts(routes)
    unsettled = [one for one in conflicts if conflict_key(routes, one) not in wanted.accepted]
    if unsettled and not wanted.accept_conflicts:
        raise RoutesClash(unsettled)
    put_in_force(
        hub, channel_id, routes, actor=actor, detail={"accepted_conflicts": len(conflicts)}
    )
    return routes


def put_in_force(
    hub: Hub, channel_id: str, routes: RouteSet, *, actor: str, detail: Mapping[str, Any]
) -> None:
    """Store checked routes as the version that they carry.

    Raises `Conflict` when there is such a version already.
    """
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
                detail={"version": routes.version, **detail},
            )
    except IntegrityError:
        raise _overtaken() from None


def conflict_key(routes: RouteSet, conflict: RouteConflict) -> str:
    """Return what stays the same of a conflict as long as its rules ask the same."""
    asked = {route.id: (route.when, route.to.type) for route in routes.routes}
    about = [conflict.kind, *((one, *asked[one]) for one in conflict.routes)]
    return digest(json.dumps(about, sort_keys=True))[:20]


def _overtaken() -> Conflict:
    return Conflict(
        "Somebody else changed the routes meanwhile: read them again.", code="version_conflict"
    )


def first_route_set(hub: Hub, db: Database, channel_id: str, *, actor: str) -> None:
    """Give a new channel its first routes: everything goes to people."""
    _store(hub, db, channel_id, read_route_set(1, []), actor=actor)


def shown_routes(plugins: Plugins, routes: RouteSet) -> dict[str, Any]:
    """Return routes as JSON whose destinations' secrets are hidden."""
    shown = routes.as_json()
    for rule in shown["routes"]:
        rule["to"] = hidden(plugins, rule["to"])
    fallback = hidden(plugins, shown["fallback"])
    return {"version": routes.version, "routes": shown["routes"], "fallback": fallback}


def read_wanted(plugins: Plugins, before: RouteSet, wanted: WantedRoutes) -> RouteSet:
    """Return the routes that somebody wrote, as the version after ``before``, which keeps secrets.

    Raises `Invalid`.
    """
    kept = {route.id: route.to.as_json() for route in before.routes}
    routes = [
        _with_secrets(plugins, route, kept.get(str(route.get("id")), {})) for route in wanted.routes
    ]
    fallback = revealed(plugins, wanted.fallback or INBOX.as_json(), before.fallback.as_json())
    try:
        read = read_route_set(before.version + 1, routes, fallback, kinds=plugins.conditions)
    except BadRoutes as error:
        raise Invalid(*(Complaint(*one) for one in error.errors)) from None
    check_routes(plugins, read)
    return read


def check_routes(plugins: Plugins, routes: RouteSet) -> None:
    """Raise `Invalid` for what plugins do not accept, or no longer."""
    wrong = (*_wrong_conditions(routes), *_wrong_destinations(plugins, routes))
    if wrong:
        raise Invalid(*wrong)


def faults_of(plugins: Plugins, rule: Mapping[str, Any]) -> tuple[Complaint, ...]:
    """Return what keeps one rule from being saved, by paths within it; no rule minds another."""
    try:
        read = read_route_set(0, [rule], kinds=plugins.conditions)
        wrong = [*_wrong_conditions(read)]
    except BadRoutes as error:
        wrong = [Complaint(*one) for one in error.errors]
    within = [Complaint(one.field.removeprefix("routes.0."), one.message) for one in wrong]
    return (*within, *faults_of_destination(plugins, rule.get("to") or {}))


def faults_of_destination(
    plugins: Plugins, to: Mapping[str, Any], where: str = "to"
) -> tuple[Complaint, ...]:
    """Return what keeps a destination from being saved."""
    return tuple(_wrong_destination(plugins, Destination.from_json(to), where))


def _wrong_conditions(routes: RouteSet) -> Iterator[Complaint]:
    for number, route in enumerate(routes.routes):
        for custom in customs(route.tree):
            if custom.wrong:
                yield Complaint(f"routes.{number}.when", custom.wrong)


def _wrong_destinations(plugins: Plugins, routes: RouteSet) -> Iterator[Complaint]:
    for number, route in enumerate(routes.routes):
        yield from _wrong_destination(plugins, route.to, f"routes.{number}.to")
    yield from _wrong_destination(plugins, routes.fallback, "fallback")


def _wrong_destination(
    plugins: Plugins, destination: Destination, where: str
) -> Iterator[Complaint]:
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
