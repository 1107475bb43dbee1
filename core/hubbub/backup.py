"""Look at a backup that was restored beside the hub: whether the hub could go on with it.

What was never restored may not be there when it is needed. So no copy is believed by its size or by
the status of a program: the restored database itself is asked, and nothing in it is changed.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from sqlite3 import connect
from typing import Final
from urllib.parse import quote, unquote

from obstore.exceptions import BaseError
from sqlalchemy import Connection, Engine, create_engine, func, select, text
from sqlalchemy.exc import DBAPIError

from hubbub import keyring
from hubbub.health import BACKUP, BACKUP_VERIFIED, VERIFY_AFTER, Check
from hubbub.hub import Hub
from hubbub.media import MediaStore
from hubbub.people.audit import audit
from hubbub.sdk.errors import HubError
from hubbub.settings import known_database
from hubbub.store import migrate
from hubbub.store.search import INDEXES
from hubbub.store.session import DatabaseDown, make_engine, reading, said_by, transaction
from hubbub.store.tables import Call, MediaFile, Message, User, metadata, table
from hubbub.store.types import as_json_time
from hubbub.track.ledger import ledger

#: How many files of the restored media store are looked for, the newest first.
_FILES: Final = 1000
_CALLS: Final = table(Call)
_MEDIA: Final = table(MediaFile)
_MESSAGES: Final = table(Message)
_USERS: Final = table(User)
#: What comes and goes: its ids, which grow with the time, and the times.
_COMING: Final = (
    (_CALLS.c.id, _CALLS.c.received_at),
    (_MESSAGES.c.id, _MESSAGES.c.created_at),
)
#: One PostgreSQL is another when it started at another time, and one database by its number.
_WHICH: Final = text(
    "SELECT pg_postmaster_start_time(), oid FROM pg_database WHERE datname = current_database()"
)
#: Of tables and indexes, and where these have names of their own, of constraints.
_NAMES: Final = {
    "sqlite": "SELECT name FROM sqlite_master",
    "postgresql": "SELECT relname FROM pg_class WHERE relnamespace = {here}"
    " UNION SELECT conname FROM pg_constraint WHERE connamespace = {here}",
}
_HERE: Final = "(SELECT oid FROM pg_namespace WHERE nspname = current_schema())"
#: How many of what is lacking are named.
_NAMED: Final = 5
_UNFINISHED: Final = text(
    "SELECT (SELECT count(*) FROM pg_index WHERE NOT indisvalid)"
    " + (SELECT count(*) FROM pg_constraint WHERE NOT convalidated)"
)


class NotACopy(HubError):
    """There is nothing to look at, or it is the hub's own."""

    code = "not_a_copy"


def verify(hub: Hub, place: str, media: str | None = None) -> Iterator[Check]:
    """Yield what is found in the restored database at ``place``: its URL, or a SQLite file.

    ``media`` is the URL or folder of the restored media store. Where all is well, the hub notes
    it in its audit log. Raises `NotACopy`, and `DatabaseDown` where the hub's own is away.
    """
    copy = _opened(place)
    try:
        with _readable():
            _not_ours(hub.engine, copy)
            version = migrate.version(copy)
        well = True
        for check in _looked_at(hub, copy, version, media):
            well = well and check.ok
            yield check
        if well:
            _note(hub, _until(copy))
    finally:
        copy.dispose()


def _until(engine: Engine) -> datetime | None:
    """Return the second in which the last came in or was written; None: nothing did."""
    with reading(engine) as db:
        found = [
            db.execute(select(at).order_by(number.desc()).limit(1)).scalar()
            for number, at in _COMING
        ]
    last = max((at for at in found if at), default=None)
    return last and last.replace(microsecond=0)


def _opened(place: str) -> Engine:
    if "://" not in place or place.startswith("sqlite:"):
        path = Path(place.removeprefix("sqlite:///"))
        if not path.is_file():
            raise NotACopy(f"There is no file {path}. Restore the backup, and name its database.")
        address = f"file:{quote(str(path.absolute()))}?{_for_reading(path)}"
        return create_engine("sqlite:///", creator=lambda: connect(address, uri=True))
    try:
        return make_engine(known_database(place), pool_size=1)
    except ValueError as error:
        raise NotACopy(f"This is neither a file nor the URL of a database: {error}.") from None


def _for_reading(path: Path) -> str:
    # Not even the way in which the copy is kept is changed. Where all of it is in the one file,
    # SQLite needs none beside it: the folder may be one that nobody can write in.
    beside = (path.with_name(f"{path.name}-{what}") for what in ("wal", "journal"))
    return "mode=ro" if any(one.exists() for one in beside) else "immutable=1"


@contextmanager
def _readable() -> Iterator[None]:
    try:
        yield
    except (DatabaseDown, DBAPIError) as error:
        raise NotACopy(f"The restored database cannot be read: {_said(error)}.") from error


def _said(error: BaseException) -> str:
    cause = error.__cause__ if isinstance(error, DatabaseDown) else error
    return said_by(cause) if isinstance(cause, DBAPIError) else str(error)


def _not_ours(ours: Engine, copy: Engine) -> None:
    if ours.dialect.name != copy.dialect.name:
        return
    if _which(ours) == _which(copy):
        raise NotACopy(
            "This is the database that the hub works with. Restore the backup as another one, "
            "and name that."
        )


def _which(engine: Engine) -> tuple[object, ...]:
    with reading(engine) as db:
        if engine.dialect.name != "sqlite":
            return tuple(db.execute(_WHICH).one())
        stat = Path(db.exec_driver_sql("PRAGMA database_list").one().file).stat()
        return stat.st_dev, stat.st_ino


def _looked_at(hub: Hub, copy: Engine, version: str, media: str | None) -> Iterator[Check]:
    for needed in (_version(version), _whole(copy, version)):
        yield needed
        if not needed.ok:
            return
    yield _same_hub(hub.engine, copy)
    yield _ledger(copy)
    yield _key(hub, copy)
    yield _newest(hub, copy)
    yield _files(copy, media)


def _version(found: str) -> Check:
    fix = (
        "Bring it to this version: `HUBBUB_DATABASE_URL=... hubbub migrate`, with its URL "
        "(sqlite:////restored/hubbub.db)."
        if found
        else "Restore the backup of the hub's database, and name that."
    )
    return Check(
        name="Version",
        ok=found >= migrate.head(),
        detail=f"{found or 'none'}; this program's is {migrate.head()}",
        why="The hub starts with no database that is older than itself.",
        fix=fix,
    )


def _whole(copy: Engine, version: str) -> Check:
    try:
        with reading(copy) as db:
            wrong = _lacking(db, version) or _damage(db)
            detail = wrong or _size(db)
    except (DatabaseDown, DBAPIError) as error:
        wrong = detail = _said(error)
    return Check(
        name="Tables",
        ok=not wrong,
        detail=detail,
        why="What cannot be read now cannot be read when it is needed.",
        fix="Make the backup anew as docs/operating.md says, and restore it once more.",
    )


def _lacking(db: Connection, version: str) -> str:
    """Return what is not there, tables first; empty when all is.

    Who restores a dump may have all rows, and not what was to be made after them. A newer version
    may do without some of that, though not without a table.
    """
    found = set(db.scalars(text(_NAMES[db.dialect.name].format(here=_HERE))))
    lacking = sorted(set(metadata.tables) - found)
    if not lacking and version == migrate.head():
        lacking = sorted(_beside_tables(db.dialect.name) - found)
    more = f" and {len(lacking) - _NAMED} more" if len(lacking) > _NAMED else ""
    return f"lacks {', '.join(lacking[:_NAMED])}{more}" if lacking else ""


def _beside_tables(dialect: str) -> set[str]:
    tables = metadata.tables.values()
    names = {str(index.name) for one in tables for index in one.indexes}
    if dialect == "postgresql":
        names |= {str(constraint.name) for one in tables for constraint in one.constraints}
        names |= INDEXES.keys()
    return names


def _damage(db: Connection) -> str:
    """Return what the database itself finds wrong; empty when all is well."""
    if db.dialect.name == "sqlite":
        found = str(db.exec_driver_sql("PRAGMA integrity_check(1)").scalar())
        if found != "ok":
            return found
        lost = db.exec_driver_sql("PRAGMA foreign_key_check").first()
        return f"has rows of {lost[0]} that refer to nothing" if lost else ""
    unfinished = db.execute(_UNFINISHED).scalar()
    return f"{unfinished} indexes or constraints are not finished" if unfinished else ""


def _size(db: Connection) -> str:
    counts = [select(func.count()).select_from(one) for one in metadata.tables.values()]
    return f"{len(counts)} tables with {sum(db.scalar(one) or 0 for one in counts):,} rows"


def _same_hub(ours: Engine, copy: Engine) -> Check:
    with reading(ours) as db:
        known = set(db.scalars(select(_USERS.c.id)))
    with reading(copy) as db:
        shared = known & set(db.scalars(select(_USERS.c.id)))
    return Check(
        name="Whose it is",
        ok=bool(shared),
        detail="this hub's" if shared else "none of the people of this hub are in it",
        why="A backup of another hub brings nothing of this one back.",
        fix="Look which database was restored.",
    )


def _ledger(copy: Engine) -> Check:
    with reading(copy) as db:
        found = ledger(db)
    return Check(
        name="Ledger",
        ok=found.balanced,
        detail=f"{found.calls:,} calls, {'all' if found.balanced else 'not all'} accounted for",
        why="A copy that was made while rows changed may hold some of them and not others.",
        fix="Make the backup with a tool that copies one moment: see docs/operating.md.",
    )


def _key(hub: Hub, copy: Engine) -> Check:
    wrong = keyring.fit(hub.settings, copy).sentence
    return Check(
        name="Secret key",
        ok=not wrong,
        detail=wrong or "fits",
        why="Without it the credentials of channels cannot be read.",
        fix="Keep secret.key with each backup; HUBBUB_SECRET_KEY names the one to try.",
    )


def _newest(hub: Hub, copy: Engine) -> Check:
    here, there = _until(hub.engine), _until(copy)
    behind = here - there if here and there else timedelta()
    lacks = _lacks_since(hub.engine, copy)
    return Check(
        name="Newest",
        ok=not here or (there is not None and (not lacks or hub.now() - lacks < VERIFY_AFTER)),
        detail=(f"holds all until {as_json_time(there)}" if there else "nothing was said by then")
        + (f", {_days(behind)} less than the hub" if behind > timedelta() else ""),
        why="What came later would be lost.",
        fix="Make backups more often.",
    )


def _lacks_since(ours: Engine, copy: Engine) -> datetime | None:
    """Return when the first came that the copy lacks; None: it lacks nothing."""
    with reading(copy) as db:
        last = [db.scalar(select(func.max(number))) or "" for number, _ in _COMING]
    with reading(ours) as db:
        first = [
            db.scalar(select(at).where(number > newest).order_by(number).limit(1))
            for (number, at), newest in zip(_COMING, last, strict=True)
        ]
    return min((at for at in first if at), default=None)


def _days(left: timedelta) -> str:
    hours, days = left.seconds // 3600, left.days
    if days:
        return f"{days} day{'' if days == 1 else 's'}"
    return f"{hours} hour{'' if hours == 1 else 's'}" if hours else f"{left.seconds // 60} min"


def _files(copy: Engine, media: str | None) -> Check:
    if media is None:
        detail = "not looked at: --media names where they were restored"
        return Check(name="Media", ok=True, detail=detail)
    kept = select(_MEDIA.c.id, _MEDIA.c.size).where(_MEDIA.c.state == "ready")
    with reading(copy) as db:
        newest = db.execute(kept.order_by(_MEDIA.c.id.desc()).limit(_FILES)).all()
    try:
        store = _store(media)
        whole = sum(store.size(one.id) == one.size for one in newest)
        ok, detail = whole == len(newest), f"{whole} of the {len(newest)} newest files are there"
    except (HubError, OSError, BaseError) as error:
        ok, detail = False, str(error)
    return Check(
        name="Media",
        ok=ok,
        detail=detail,
        why="Conversations would show that a file was there, and not the file.",
        fix="Restore the media store as well, from a copy that is not older than the database's.",
    )


def _store(place: str) -> MediaStore:
    if place.startswith("s3://"):
        return MediaStore(place)
    scheme, is_url, rest = place.partition("://")
    if is_url and scheme != "file":
        raise NotACopy("It must be a folder, or begin with file:// or s3://.")
    path = Path(unquote(rest) if is_url else place)
    if not path.is_dir():
        raise NotACopy(f"There is no folder {path}.")
    return MediaStore(f"file://{quote(str(path.absolute()))}")


def _note(hub: Hub, newest: datetime | None) -> None:
    detail = {"until": as_json_time(newest)}
    with transaction(hub.engine) as db:
        audit(
            db, now=hub.now(), actor="cli", action=BACKUP_VERIFIED, object_id=BACKUP, detail=detail
        )
