"""Look at this instance's own parts: what is wrong, why it matters, how to mend it.

The doctor on the command line, the console and the API say the same, since they ask here.
"""

import ipaddress
import os
import platform
import shutil
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final
from urllib.parse import urlsplit

import redis
from obstore.exceptions import BaseError
from sqlalchemy import ColumnElement, Connection, Engine, func, literal, select

from hubbub import __version__, keyring
from hubbub.alive import DEAD_AFTER
from hubbub.directory import fetched
from hubbub.hub import Hub
from hubbub.media import MediaStore, Missing
from hubbub.people import queries as people
from hubbub.plugins import PluginStatus
from hubbub.redis_client import make_redis
from hubbub.sdk.errors import HubError
from hubbub.settings import Settings, unknown_variables
from hubbub.store import migrate
from hubbub.store.session import DatabaseDown, make_file, reading
from hubbub.store.states import DUE_STATES
from hubbub.store.tables import Call, Channel, Delivery, Lease, MediaFile, Process, table
from hubbub.store.types import UtcDateTime, as_json_time, one_of

#: Why a plugin that does not run matters.
NO_PLUGIN: Final = "Its channels turn to error, and their messages wait."
#: Bytes below which the disk is called full.
_LOW_DISK: Final = 500 * 2**20
#: The id of no file.
_NO_FILE: Final = "00000000"
#: Kinds of process that must run somewhere, and what stands still otherwise.
_NEEDED: Final = {
    "worker": "Calls are kept but not read, and nothing is sent.",
    "scheduler": "Retries, scheduled messages and checks do not start.",
}
#: The same of a kind that must run where a channel is fetched.
_LISTENER: Final = "Letters stay in their mailboxes, and nothing that is fetched comes in."
#: What the audit log says of a backup that was verified, and after how long it should be again.
BACKUP: Final = "backup"
BACKUP_VERIFIED: Final = "backup.verified"
VERIFY_AFTER: Final = timedelta(days=35)
#: What the name of a source's lease begins with.
_SOURCE: Final = "source:"
_calls = table(Call)
_channels = table(Channel)
_deliveries = table(Delivery)
_leases = table(Lease)
_media = table(MediaFile)
_processes = table(Process)


@dataclass(frozen=True, kw_only=True)
class Check:
    """One thing looked at. ``why`` and ``fix`` matter where it is not ``ok``."""

    name: str
    ok: bool
    detail: str
    why: str = ""
    fix: str = ""
    #: Whether it is ``ok`` for who tries the hub, and not for more.
    limited: bool = False


@dataclass(frozen=True, kw_only=True)
class Queue:
    """What waits to be done, and since when the oldest of it does."""

    name: str
    waiting: int
    oldest_at: datetime | None


@dataclass(frozen=True, kw_only=True)
class Running:
    """A process, and whether it has given a sign of life."""

    id: str
    kind: str
    host: str
    started_at: datetime
    seen_at: datetime
    alive: bool


@dataclass(frozen=True, kw_only=True)
class Source:
    """A channel from which a listener fetches, and who does."""

    channel_id: str
    name: str
    holder: str
    alive: bool


@dataclass(frozen=True, kw_only=True)
class Health:
    """How this instance is."""

    version: str
    python: str
    checks: tuple[Check, ...]
    #: The rest is empty while the database is away.
    queues: tuple[Queue, ...] = ()
    processes: tuple[Running, ...] = ()
    sources: tuple[Source, ...] = ()

    @property
    def ok(self) -> bool:
        """Whether nothing is wrong."""
        return all(check.ok for check in self.checks)


def health(hub: Hub) -> Health:
    """Return how this instance is, as the process that was asked sees it. No provider is asked."""
    checks = tuple(examine(hub.settings, hub.engine, plugins(hub.plugins.statuses)))
    python = platform.python_version()
    try:
        with reading(hub.engine) as db:
            now = hub.now()
            if fetched(hub, db):
                checks += (listener(db),)
            return Health(
                version=__version__,
                python=python,
                checks=checks,
                queues=tuple(_queues(db, now)),
                processes=tuple(_running(db, now)),
                sources=tuple(_sources(db, now)),
            )
    except DatabaseDown:
        return Health(version=__version__, python=python, checks=checks)


def examine(settings: Settings, engine: Engine, loaded: Iterable[Check]) -> Iterator[Check]:
    """Yield what is found, part by part, the ``loaded`` plugins among them.

    What needs a broken part is left out.
    """
    found = database(settings, engine)
    yield from (found, _redis(settings), *loaded)
    yield from (_disk(settings), _storage(settings), _public_url(settings), *_variables())
    if found.ok:
        yield _key(settings, engine)
        with reading(engine) as db:
            yield from [_alive(db, kind, why) for kind, why in _NEEDED.items()]
            yield backup(db)


def database(settings: Settings, engine: Engine) -> Check:
    """Return whether the database answers, and is at this program's version."""
    why = "Without it no webhook call can be kept and no message sent."
    try:
        make_file(settings.database)
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


def plugins(statuses: Iterable[PluginStatus]) -> Iterator[Check]:
    """Yield what is to be said of the plugins that were loaded, or refused."""
    statuses = tuple(statuses)
    loaded = [status.name for status in statuses if status.state == "loaded"]
    yield Check(name="Plugins", ok=True, detail=f"{', '.join(loaded) or 'none'} loaded")
    for status in statuses:
        if status.state == "refused":
            fix = f"Mend or update it, or `hubbub plugins disable {status.name}`."
            name = f"Plugin {status.name}"
            yield Check(name=name, ok=False, detail=status.reason, why=NO_PLUGIN, fix=fix)


def _storage(settings: Settings) -> Check:
    try:
        MediaStore(settings.media).get(_NO_FILE)
    except Missing:
        pass
    except (HubError, OSError, BaseError) as error:
        return Check(
            name="Media store",
            ok=False,
            detail=str(error),
            why="Files of messages can be neither kept nor shown.",
            fix="See that HUBBUB_MEDIA_URL names it, and that it lets us in.",
        )
    return Check(name="Media store", ok=True, detail="answers")


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
        limited=near,
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


def listener(db: Connection) -> Check:
    """Return whether somebody fetches what no provider brings; only some channels need that."""
    return _alive(db, "listener", _LISTENER)


def _alive(db: Connection, kind: str, why: str) -> Check:
    query = select(func.max(_processes.c.seen_at)).where(_processes.c.kind == kind)
    last: datetime | None = db.execute(query).scalar()
    ok = last is not None and datetime.now(UTC) - last < DEAD_AFTER
    detail = "runs" if ok else f"last seen {as_json_time(last)}" if last else "never seen"
    fix = f"Start `hubbub up`, or `hubbub {kind}`."
    return Check(name=kind.capitalize(), ok=ok, detail=detail, why=why, fix=fix)


def backup(db: Connection) -> Check:
    """Return when a backup was last verified: see `hubbub.backup`."""
    verified = people.AuditFilter(object_id=BACKUP, action=BACKUP_VERIFIED)
    (last,) = people.audit(db, verified, before=None, limit=1) or (None,)
    detail = "none was verified yet"
    if last is not None:
        until = last.detail["until"]
        held = f"held all until {until}" if until else "nothing was said by then"
        detail = f"verified {as_json_time(last.at.replace(microsecond=0))}, {held}"
    return Check(
        name="Backup",
        ok=True,
        detail=detail,
        why="What was never restored may not be there when it is needed.",
        fix="Restore one beside the hub, and run `hubbub verify-backup` on it.",
        limited=last is None or datetime.now(UTC) - last.at > VERIFY_AFTER,
    )


def _queues(db: Connection, now: datetime) -> Iterator[Queue]:
    pending = _calls.c.state == "pending"
    yield _queue(db, "Calls to read", _calls.c.received_at, pending)
    due = (one_of(_deliveries.c.state, DUE_STATES), _deliveries.c.due_at <= now)
    for name, bulk in (("Messages to send", False), ("Bulk messages to send", True)):
        yield _queue(db, name, _deliveries.c.due_at, *due, _deliveries.c.bulk.is_(bulk))
    open_ = _deliveries.c.state == "unknown"
    yield _queue(db, "Outcomes that are unknown", _deliveries.c.claimed_at, open_)
    files = (_media.c.state == "pending", _media.c.due_at <= now)
    yield _queue(db, "Files to fetch", _media.c.due_at, *files)


def _queue(
    db: Connection, name: str, since: ColumnElement[datetime], *wanted: ColumnElement[bool]
) -> Queue:
    oldest = func.min(since, type_=UtcDateTime())
    row = db.execute(select(func.count(), oldest).where(*wanted)).one()
    return Queue(name=name, waiting=row[0], oldest_at=row[1])


def _running(db: Connection, now: datetime) -> Iterator[Running]:
    found = select(_processes).order_by(_processes.c.kind, _processes.c.started_at)
    for row in db.execute(found):
        yield Running(**row._asdict(), alive=now - row.seen_at < DEAD_AFTER)


def _sources(db: Connection, now: datetime) -> Iterator[Source]:
    of_sources = _leases.c.name == literal(_SOURCE) + _channels.c.id
    found = (
        select(_channels.c.id, _channels.c.name, _leases.c.holder, _processes.c.seen_at)
        .select_from(_channels.join(_leases, of_sources))
        .outerjoin(_processes, _processes.c.id == _leases.c.holder)
        .where(_channels.c.deleted_at.is_(None))
        .order_by(_channels.c.name)
    )
    for row in db.execute(found):
        alive = row.seen_at is not None and now - row.seen_at < DEAD_AFTER
        yield Source(channel_id=row.id, name=row.name, holder=row.holder, alive=alive)
