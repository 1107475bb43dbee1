"""Examine each part and channel: what is wrong, why it matters, how to mend it."""

import ipaddress
import os
import shutil
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final
from urllib.parse import urlsplit

import redis
from sqlalchemy import Engine, func, or_, select

from hubbub import keyring
from hubbub.alive import DEAD_AFTER
from hubbub.connect.work import look_at_channel
from hubbub.directory import fetched
from hubbub.hub import Hub
from hubbub.loading import load
from hubbub.redis_client import make_redis
from hubbub.relay import is_held
from hubbub.sdk.errors import HubError
from hubbub.sdk.values import Finding
from hubbub.settings import Settings, unknown_variables
from hubbub.store import migrate
from hubbub.store.session import DatabaseDown, make_engine, make_folder, reading
from hubbub.store.tables import Channel, Process, table
from hubbub.store.types import AnyRow, as_json_time
from hubbub.widget.config import settings_of
from hubbub.widget.inspection import inspect

#: Bytes below which the disk is called full.
_LOW_DISK: Final = 500 * 2**20
#: Kinds of process that must run somewhere, and what stands still otherwise.
_NEEDED: Final = {
    "worker": "Calls are kept but not read, and nothing is sent.",
    "scheduler": "Retries, scheduled messages and checks do not start.",
}
#: The same of a kind that must run where a channel is fetched.
_LISTENER: Final = "Letters stay in their mailboxes, and nothing that is fetched comes in."
_UNCHECKED: Final = "No channel can be checked without it."
_AGAIN: Final = "Look at the channel's page in the console, and try again."
_channels = table(Channel)
_processes = table(Process)


@dataclass(frozen=True, kw_only=True)
class Check:
    """One thing looked at. ``why`` and ``fix`` matter where it is not ``ok``."""

    name: str
    ok: bool
    detail: str
    why: str = ""
    fix: str = ""


class NoSuchChannel(HubError):
    """No channel has this id or name."""

    code = "not_found"


def examine(settings: Settings, channel: str | None = None) -> Iterator[Check]:
    """Yield what is found, part by part; with ``channel`` (an id or a name) of that one alone.

    What needs a broken part is left out. Raises `NoSuchChannel`.
    """
    engine = make_engine(settings.database, pool_size=1)
    try:
        database = _database(settings, engine)
        if channel is None:
            yield from (database, _redis(settings), *_plugins(settings))
            yield from (_disk(settings), _public_url(settings), *_variables())
        elif not database.ok:
            yield database
        if not database.ok:
            return
        if channel is None:
            yield _key(settings, engine)
            yield from (_alive(engine, kind, why) for kind, why in _NEEDED.items())
        yield from _connected(settings, channel)
    finally:
        engine.dispose()


def _database(settings: Settings, engine: Engine) -> Check:
    why = "Without it no webhook call can be kept and no message sent."
    try:
        make_folder(settings.database)
        if migrate.is_current(engine):
            return Check(name="Database", ok=True, detail=f"version {migrate.version(engine)}")
        found = migrate.version(engine) or "none"
    except (DatabaseDown, OSError) as error:
        fix = "Start it, and see that HUBBUB_DATABASE_URL names it, its user and its password."
        return Check(name="Database", ok=False, detail=str(error), why=why, fix=fix)
    return Check(
        name="Database",
        ok=False,
        detail=f"version {found} is behind this program's, {migrate.head()}",
        why=why,
        fix="Run `hubbub migrate`.",
    )


def _key(settings: Settings, engine: Engine) -> Check:
    fit = keyring.fit(settings, engine)
    more = "; the others may go" if len(settings.keys) > 1 else ""
    if fit.earlier:
        more = "; an earlier one is still needed, until `hubbub rekey` has run"
    return Check(
        name="Secret key",
        ok=not (wrong := fit.sentence),
        detail=wrong or f"fits what is stored{more}",
        why="Without it the credentials cannot be read: nothing is received or sent there.",
        fix=keyring.REMEDY,
    )


def _redis(settings: Settings) -> Check:
    try:
        with make_redis(settings.redis) as client:
            client.ping()
    except redis.RedisError as error:
        return Check(
            name="Redis",
            ok=False,
            detail=f"does not answer: {error}",
            why="Nothing is lost, but work waits for a sweep and live updates stand still.",
            fix=(
                "Start it, and see that HUBBUB_REDIS_URL names it."
                if settings.redis_url
                else "Start the hub with `hubbub up`, which brings its own."
            ),
        )
    return Check(name="Redis", ok=True, detail="answers")


def _plugins(settings: Settings) -> Iterator[Check]:
    why = "Its channels turn to error, and their messages wait."
    try:
        statuses = load(settings.plugins_file).statuses
    except HubError as error:
        fix = f"Mend {settings.plugins_file}."
        yield Check(name="Plugins", ok=False, detail=error.detail, why=why, fix=fix)
        return
    loaded = [status.name for status in statuses if status.state == "loaded"]
    yield Check(name="Plugins", ok=True, detail=f"{', '.join(loaded) or 'none'} loaded")
    for status in statuses:
        if status.state == "refused":
            fix = f"Mend or update it, or `hubbub plugins disable {status.name}`."
            name = f"Plugin {status.name}"
            yield Check(name=name, ok=False, detail=status.reason, why=why, fix=fix)


def _disk(settings: Settings) -> Check:
    folder = settings.data_dir
    why = "The database, media and the secret key are kept there."
    if not os.access(folder, os.W_OK | os.X_OK):
        fix = f"Make {folder} a directory that this user may write to, or set HUBBUB_DATA_DIR."
        return Check(name="Disk", ok=False, detail=f"{folder} is not writable", why=why, fix=fix)
    free = shutil.disk_usage(folder).free
    return Check(
        name="Disk",
        ok=free >= _LOW_DISK,
        detail=f"{free / 2**30:.1f} GiB free in {folder}",
        why="A full disk stops everything: calls are answered 503 until there is room.",
        fix="Make room, or move HUBBUB_DATA_DIR.",
    )


def _public_url(settings: Settings) -> Check:
    url = urlsplit(settings.base_url)
    near = _is_near(url.hostname or "")
    note = " (only from nearby: providers cannot call it)" if near else ""
    return Check(
        name="Public URL",
        ok=url.scheme == "https" or near,
        detail=settings.base_url + note,
        why="Providers call webhooks by https alone, and what passes in the clear can be read.",
        fix="Put a proxy with a certificate in front and set HUBBUB_PUBLIC_URL to its https URL.",
    )


def _variables() -> Iterator[Check]:
    for name, meant in unknown_variables(os.environ).items():
        yield Check(
            name="Environment",
            ok=False,
            detail=f"{name} is set, and no setting has this name",
            why="What it should change stays as it was.",
            fix=f"Did you mean {meant}?"
            if meant
            else "Remove it; docs/operating.md has the names.",
        )


def _is_near(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_private
    except ValueError:
        return host == "localhost" or host.endswith((".localhost", ".local"))


def _alive(engine: Engine, kind: str, why: str) -> Check:
    query = select(func.max(_processes.c.seen_at)).where(_processes.c.kind == kind)
    with reading(engine) as db:
        last: datetime | None = db.execute(query).scalar()
    ok = last is not None and datetime.now(UTC) - last < DEAD_AFTER
    detail = "runs" if ok else f"last seen {as_json_time(last)}" if last else "never seen"
    fix = f"Start `hubbub up`, or `hubbub {kind}`."
    return Check(name=kind.capitalize(), ok=ok, detail=detail, why=why, fix=fix)


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
    if any(row.id in held for row in rows):
        yield _alive(hub.engine, "listener", _LISTENER)
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
