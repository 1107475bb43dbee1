"""Know the channels: decrypted and compiled once, and again whenever their version rises."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import structlog
from pydantic import ValidationError
from sqlalchemy import Connection as Database, bindparam, select
from sqlalchemy.exc import SQLAlchemyError

from hubbub.connect.former import Former, channel_secrets, open_former
from hubbub.connect.rules import open_connection, open_routes
from hubbub.plugins import ChannelHooks, UnknownType
from hubbub.redact import Redactor, registry, secrets_of
from hubbub.route.rules import RouteSet
from hubbub.sdk.capabilities import Limit
from hubbub.sdk.types import ChannelSettings
from hubbub.sdk.values import Connection
from hubbub.store.prepared import Prepared, among
from hubbub.store.session import DatabaseDown, reading
from hubbub.store.tables import Channel, RouteSet as RouteSetRow, table
from hubbub.store.templates import Templates, known_templates
from hubbub.store.types import AnyRow
from hubbub.vault import Undecryptable

if TYPE_CHECKING:
    from hubbub.hub import Hub

_channels = table(Channel)
_route_sets = table(RouteSetRow)
_BY_KEY = select(_channels.c.id).where(
    _channels.c.webhook_key == bindparam("key"), _channels.c.deleted_at.is_(None)
)
_BY_IDS = Prepared(
    select(_channels.c.id, _channels.c.version).where(
        among(_channels.c.id, "ids"), _channels.c.deleted_at.is_(None)
    )
)
_ON = select(_channels.c.id).where(
    _channels.c.type.in_(bindparam("types", expanding=True)),
    _channels.c.enabled,
    _channels.c.deleted_at.is_(None),
)
_WHOLE = select(_channels).where(_channels.c.id == bindparam("id"))
_ROUTES = (
    select(_route_sets)
    .where(_route_sets.c.channel_id == bindparam("id"))
    .order_by(_route_sets.c.version.desc())
    .limit(1)
)
_ROUTES_OF = select(_route_sets).where(
    _route_sets.c.channel_id == bindparam("id"), _route_sets.c.version == bindparam("version")
)

log = structlog.get_logger(__name__)


@dataclass(frozen=True, kw_only=True)
class Line:
    """One channel in one version, ready for use."""

    id: str
    type: str
    name: str
    version: int
    enabled: bool
    webhook_key: str
    hooks: ChannelHooks
    connection: Connection[Any] = field(repr=False)
    former: Former | None
    routes: RouteSet
    templates: Templates
    redactor: Redactor = field(repr=False)

    @property
    def settings(self) -> ChannelSettings:
        """The settings of the channel that the hub itself understands."""
        settings: ChannelSettings = self.connection.fields.settings
        return settings

    @property
    def limits(self) -> tuple[Limit, ...]:
        """The rate limits in force."""
        per_second = self.settings.messages_per_second
        if per_second is None:
            return self.hooks.capabilities.limits
        return (Limit.per_second(per_second),)


def fetched(hub: "Hub", db: Database) -> list[Line]:
    """Return the channels that are switched on and that a listener is to hold."""
    found = db.execute(_ON, {"types": list(hub.plugins.fetched_types)}).scalars()
    lines = hub.directory.all_usable(db, list(found)).values()
    return [line for line in lines if hub.plugins.fetches(line.type, line.connection)]


class Directory:
    """The channels that this process has met, each checked against the database's version."""

    def __init__(self, hub: "Hub") -> None:
        self._hub = hub
        self._lines: dict[str, Line] = {}
        self._ids: dict[str, str] = {}

    def known(self, webhook_key: str) -> Line | None:
        """Return the channel with this webhook as last seen, without asking the database."""
        return self._lines.get(self._ids.get(webhook_key, ""))

    def met(self, channel_id: str) -> Line | None:
        """Return the channel as last seen; asks the database only for one never seen."""
        line = self._lines.get(channel_id)
        if line is not None:
            return line
        with reading(self._hub.engine) as db:
            return self.usable(db, channel_id)

    def by_key(self, db: Database, webhook_key: str) -> Line | None:
        """Return the channel with this webhook, or None. Raises like `current`."""
        found = db.execute(_BY_KEY, {"key": webhook_key}).scalar()
        return None if found is None else self.current(db, [found]).get(found)

    def current(self, db: Database, ids: Iterable[str]) -> dict[str, Line]:
        """Return those of the channels ``ids`` that exist, as they are now.

        Raises `UnknownType` or `Undecryptable` for one that cannot be used at all.
        """
        versions = self.versions(db, ids).items()
        return {one: self._line(db, one, version) for one, version in versions}

    def usable(self, db: Database, channel_id: str) -> Line | None:
        """Return the channel, or None where its plugin or key is missing or it is deleted."""
        return self.all_usable(db, [channel_id]).get(channel_id)

    def all_usable(self, db: Database, ids: Iterable[str]) -> dict[str, Line]:
        """Return those of the channels ``ids`` that can be used, as `usable` does each."""
        found = {}
        for channel_id, version in self.versions(db, ids).items():
            try:
                found[channel_id] = self._line(db, channel_id, version)
            except (UnknownType, Undecryptable):
                continue
            except (DatabaseDown, SQLAlchemyError):
                raise
            except Exception:
                # A plugin read the form once and fails at it now: no other channel must hear of it.
                log.exception("channel cannot be opened", channel=channel_id)
        return found

    def versions(self, db: Database, ids: Iterable[str]) -> dict[str, int]:
        """Return the version in force of each channel that exists."""
        return {row.id: row.version for row in _BY_IDS.all(db, ids=ids)}

    def destination_settings(
        self, line: Line, destination: str, *, version: int, route_id: str | None
    ) -> Mapping[str, Any]:
        """Return the settings of a destination that the rule ``route_id`` once chose.

        What the rule says today, so that what waits is helped by what was mended; where it now
        leads elsewhere, what it said in ``version``.
        """
        chosen = line.routes.destination(route_id)
        if chosen is None or chosen.type != destination:
            with reading(self._hub.engine) as db:
                row = db.execute(_ROUTES_OF, {"id": line.id, "version": version}).one_or_none()
            chosen = open_routes(self._hub, row).destination(route_id)
        return chosen.settings if chosen is not None and chosen.type == destination else {}

    def _line(self, db: Database, channel_id: str, version: int) -> Line:
        line = self._lines.get(channel_id)
        if line is None or line.version != version:
            line = self._load(db, channel_id)
            self._keep(line)
        return line

    def _keep(self, line: Line) -> None:
        self._lines[line.id] = line
        self._ids[line.webhook_key] = line.id

    def _load(self, db: Database, channel_id: str) -> Line:
        row: AnyRow = db.execute(_WHOLE, {"id": channel_id}).one()
        routes = open_routes(self._hub, db.execute(_ROUTES, {"id": channel_id}).one_or_none())
        hooks = self._hub.plugins.channel(row.type)
        connection = open_connection(self._hub, row)
        former = open_former(self._hub, row)
        secrets = channel_secrets(connection, former)
        registry.add(secrets | self._destination_secrets(routes))
        return Line(
            id=row.id,
            type=row.type,
            name=row.name,
            version=row.version,
            enabled=row.enabled,
            webhook_key=row.webhook_key,
            hooks=hooks,
            connection=connection,
            former=former,
            routes=routes,
            templates=known_templates(db, row.id) if hooks.capabilities.templates else {},
            redactor=Redactor(secrets),
        )

    def _destination_secrets(self, routes: RouteSet) -> set[str]:
        found: set[str] = set()
        for destination in (routes.fallback, *(route.to for route in routes.routes)):
            try:
                kind = self._hub.plugins.route(destination.type)
                found |= secrets_of(kind.validate(destination.settings))
            except (UnknownType, ValidationError):
                # Nobody can use it, so nobody can give its secrets away.
                continue
        return found
