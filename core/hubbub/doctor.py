"""Examine each part and channel: what is wrong, why it matters, how to mend it."""

from collections.abc import Iterator
from contextlib import suppress
from typing import Final

import redis
from sqlalchemy import Engine, or_, select

from hubbub import health
from hubbub.connect.work import look_at_channel
from hubbub.directory import fetched
from hubbub.health import Check
from hubbub.hub import Hub
from hubbub.loading import load
from hubbub.relay import is_held
from hubbub.sdk.errors import HubError
from hubbub.sdk.values import Finding
from hubbub.settings import Settings
from hubbub.store.session import make_engine, reading
from hubbub.store.tables import Channel, table
from hubbub.store.types import AnyRow
from hubbub.widget.config import settings_of
from hubbub.widget.inspection import inspect

_UNCHECKED: Final = "No channel can be checked without it."
_AGAIN: Final = "Look at the channel's page in the console, and try again."
_channels = table(Channel)


class NoSuchChannel(HubError):
    """No channel has this id or name."""

    code = "not_found"


def examine(settings: Settings, channel: str | None = None) -> Iterator[Check]:
    """Yield what is found, part by part; with ``channel`` (an id or a name) of that one alone.

    What needs a broken part is left out. Raises `NoSuchChannel`.
    """
    engine = make_engine(settings.database, pool_size=1)
    try:
        if channel is None:
            parts = list(health.examine(settings, engine, _plugins(settings)))
            yield from parts
            database = parts[0]
        elif not (database := health.database(settings, engine)).ok:
            yield database
        if database.ok:
            yield from _connected(settings, channel)
    finally:
        engine.dispose()


def _plugins(settings: Settings) -> Iterator[Check]:
    try:
        loaded = load(settings.plugins_file)
    except HubError as error:
        fix = f"Mend {settings.plugins_file}."
        yield Check(name="Plugins", ok=False, detail=error.detail, why=health.NO_PLUGIN, fix=fix)
        return
    yield from health.plugins(loaded.statuses)


def _connected(settings: Settings, wanted: str | None) -> Iterator[Check]:
    try:
        hub = Hub.make(settings)
    except (HubError, OSError) as error:
        fix = "Mend what is wrong above, and check again."
        yield Check(name="Channels", ok=False, detail=str(error), why=_UNCHECKED, fix=fix)
        return
    rows = _rows(hub.engine, wanted)
    with reading(hub.engine) as db:
        held = {line.id for line in fetched(hub, db)}
        listens = health.listener(db)
    if any(row.id in held for row in rows):
        yield listens
    for row in rows:
        name = f"Channel {row.name} ({row.type})"
        yield from _retired(hub, row.type, name)
        if row.enabled:
            yield from _held(hub, row, name)
            yield from _asked(hub, row.id, name)
            yield from _windows(hub, row.id, name)
        else:
            yield Check(name=name, ok=True, detail="is switched off, and so not checked")


def _retired(hub: Hub, type_: str, name: str) -> Iterator[Check]:
    kind = hub.plugins.channels.get(type_)
    if kind and kind.legacy:
        yield Check(name=name, ok=True, detail=f"legacy: {kind.legacy}")


def _held(hub: Hub, row: AnyRow, name: str) -> Iterator[Check]:
    """Say so when nobody holds a session that the channel needs; nothing where Redis is away."""
    if row.type not in {kind.type for kind in hub.plugins.sessions}:
        return
    with suppress(redis.RedisError):
        if not is_held(hub.redis, row.id):
            yield Check(
                name=name,
                ok=False,
                detail="no listener holds its session",
                why="Nothing arrives, and what is to be sent waits.",
                fix="See that `hubbub up` or `hubbub listener` runs; its log says why it does not.",
            )


def _asked(hub: Hub, channel_id: str, name: str) -> Iterator[Check]:
    why = "Until it is mended, its messages may not arrive or leave."
    try:
        findings = look_at_channel(hub, channel_id)
    except HubError as error:
        yield Check(name=name, ok=False, detail=error.detail, why=why, fix=_AGAIN)
        return
    for found in findings or (Finding(code="connected", ok=True, detail="nothing to report"),):
        yield Check(name=name, ok=found.ok, detail=found.detail, why=why, fix=found.fix or _AGAIN)


def _windows(hub: Hub, channel_id: str, name: str) -> Iterator[Check]:
    """Look at the chat window of a channel that has one, as browsers do."""
    with reading(hub.engine) as db:
        line = hub.directory.usable(db, channel_id)
    settings = settings_of(line) if line else None
    if line is None or settings is None:
        return
    why = "Visitors cannot use the window as they should."
    for found in inspect(hub.settings.base_url, line, settings):
        yield Check(name=name, ok=found.ok, detail=found.detail, why=why, fix=found.fix)


def _rows(engine: Engine, wanted: str | None) -> list[AnyRow]:
    query = select(_channels).where(_channels.c.deleted_at.is_(None)).order_by(_channels.c.id)
    if wanted is not None:
        query = query.where(or_(_channels.c.id == wanted, _channels.c.name == wanted))
    with reading(engine) as db:
        found = list(db.execute(query))
    if wanted is not None and not found:
        raise NoSuchChannel(f"There is no channel {wanted!r}. `hubbub channels` lists them.")
    return found
