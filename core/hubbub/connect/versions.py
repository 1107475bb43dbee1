"""Look at earlier versions of a channel's routes, and put one of them back in force."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

from sqlalchemy import Connection as Database

from hubbub.connect import queries
from hubbub.connect.routes import check_routes, put_in_force
from hubbub.connect.rules import open_routes
from hubbub.hub import Hub
from hubbub.people.errors import Conflict, NotFound
from hubbub.route.rules import Destination, RouteSet
from hubbub.route.telling import changes
from hubbub.store.session import reading
from hubbub.store.types import AnyRow

#: More than anybody ever saved, and as much as a database counts.
_LAST: Final = 2**31 - 1
#: What the first version is compared with.
_NOTHING = RouteSet(0, (), Destination("inbox"))


@dataclass(frozen=True, kw_only=True)
class RoutesVersion:
    """Routes as somebody saved them, and what they changed about those before."""

    routes: RouteSet
    at: datetime
    by: str
    in_force: bool
    changed: tuple[str, ...]

    @property
    def version(self) -> int:
        """Its number."""
        return self.routes.version


def list_versions(
    hub: Hub, channel_id: str, *, up_to: int | None = None, limit: int
) -> list[RoutesVersion]:
    """Return versions, the latest first, from ``up_to`` on downwards. Raises `NotFound`."""
    with reading(hub.engine) as db:
        newest = _newest(db, channel_id)
        first = None if up_to is None else min(max(up_to, 0), _LAST)
        # One more, since each is compared with the one before it.
        rows = queries.route_sets(db, channel_id, up_to=first, limit=limit + 1)
    return _compared(hub, rows, newest)[:limit]


def find_version(hub: Hub, channel_id: str, number: int) -> RoutesVersion:
    """Return one version. Raises `NotFound`."""
    found = list_versions(hub, channel_id, up_to=number, limit=1)
    if not found or found[0].version != number:
        raise NotFound("There is no such version of the routes.")
    return found[0]


def restore_version(hub: Hub, channel_id: str, number: int, *, actor: str) -> RouteSet:
    """Put an earlier version back in force, as a new one.

    Its conflicts were accepted when it was saved. Raises `NotFound`, `Invalid` when a plugin no
    longer accepts what it says, or `Conflict`.
    """
    found = find_version(hub, channel_id, number)
    if found.in_force:
        raise Conflict("This version is in force already.")
    with reading(hub.engine) as db:
        newest = _newest(db, channel_id)
    check_routes(hub.plugins, found.routes)
    routes = replace(found.routes, version=newest + 1)
    put_in_force(hub, channel_id, routes, actor=actor, detail={"restored": number})
    return routes


def names_of(hub: Hub, destination: Destination) -> str:
    """Return how a destination reads."""
    return hub.plugins.destination(destination.type, destination.settings)


def _newest(db: Database, channel_id: str) -> int:
    if queries.channel(db, channel_id) is None:
        raise NotFound("There is no such channel.")
    row = queries.route_set(db, channel_id)
    return row.version if row else 0


def _compared(hub: Hub, rows: Sequence[AnyRow], newest: int) -> list[RoutesVersion]:
    opened = [open_routes(hub, row) for row in rows]
    return [
        RoutesVersion(
            routes=routes,
            at=row.created_at,
            by=row.created_by,
            in_force=row.version == newest,
            changed=changes(earlier, routes, lambda to: names_of(hub, to)),
        )
        for row, routes, earlier in zip(rows, opened, [*opened, _NOTHING][1:], strict=True)
    ]
