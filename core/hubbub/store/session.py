"""Open the database and its transactions."""

import threading
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from pathlib import Path
from typing import Any, Final

from pydantic_core import from_json, to_json
from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.engine import make_url
from sqlalchemy.exc import DBAPIError, OperationalError

from hubbub.sdk.errors import HubError
from hubbub.store.news import begin_noting
from hubbub.store.turns import Turns
from hubbub.store.words import has_words

#: What PostgreSQL says to the one of two transactions that it ends.
_DEADLOCK: Final = "40P01"
#: The class of what it says to a value beyond its limits, such as a text too long for an index: it
#: is well, and would refuse that value for ever.
_BEYOND_LIMITS: Final = "54"


class DatabaseDown(HubError):
    """The database cannot be reached or refuses us; what was asked for did not happen."""

    code = "database_down"


class Deadlock(DatabaseDown):
    """Two transactions waited for each other, and this one gave way: it can be repeated at once."""

    code = "deadlock"


def make_engine(url: str, *, pool_size: int = 8) -> Engine:
    """Return an engine for ``url``; no connection is made yet."""
    options: dict[str, Any] = {
        "json_serializer": _dumps,
        "json_deserializer": from_json,
        "pool_size": pool_size,
        # The connection used last knows the statements best.
        "pool_use_lifo": True,
        "hide_parameters": True,
    }
    if url.startswith("sqlite"):
        engine = create_engine(url, **options, max_overflow=56, connect_args={"timeout": 30})
        _prepare_sqlite(engine)
        return engine
    engine = create_engine(
        url,
        **options,
        max_overflow=56,
        pool_pre_ping=False,
        connect_args={"connect_timeout": 5, "prepare_threshold": 3},
    )
    _prepare_postgresql(engine)
    return engine


@contextmanager
def transaction(engine: Engine) -> Iterator[Connection]:
    """Give a connection whose work is committed at the end, or undone by an exception.

    On SQLite only one writes at a time, and it says so at once
    (``BEGIN IMMEDIATE``): readers that turn into writers would fail instead of waiting.
    What it noted (`hubbub.store.news`) is told after the commit. Raises `DatabaseDown` when the
    database cannot be reached.
    """
    with _turn(engine), _answering(engine), engine.begin() as db:
        tell = begin_noting(db)
        yield db
    tell()


@contextmanager
def reading(engine: Engine) -> Iterator[Connection]:
    """Give a connection for reading alone, which holds up nobody.

    Raises `DatabaseDown` when the database cannot be reached.
    """
    with _answering(engine), _intent(writing=False), engine.connect() as db:
        yield db


@contextmanager
def _answering(engine: Engine) -> Iterator[None]:
    """Turn every way in which a database may be away into `DatabaseDown`."""
    try:
        yield
    except DBAPIError as error:
        _say_less(error)
        sqlstate = getattr(error.orig, "sqlstate", None) or ""
        if sqlstate == _DEADLOCK:
            raise Deadlock("Two transactions waited for each other.") from error
        refused = sqlstate.startswith(_BEYOND_LIMITS)
        if error.connection_invalidated or (isinstance(error, OperationalError) and not refused):
            raise DatabaseDown(_reason(engine, error)) from error
        raise


def _say_less(error: DBAPIError) -> None:
    """Keep the first line alone of what the database says: further ones quote rows."""
    for each in (error, error.orig):
        if each is not None and each.args:
            each.args = (str(each.args[0]).partition("\n")[0], *each.args[1:])


def _dumps(value: object) -> str:
    return to_json(value).decode()


def _prepare_postgresql(engine: Engine) -> None:
    @event.listens_for(engine, "connect")
    def _connect(raw: Any, _record: Any) -> None:
        # A prepared plan outlives the size of the tables for which it was made: one made while
        # they were small reads them whole, or reads and sorts all that is due, each time. All that
        # is asked often has an index to go by, row by row and in its order.
        for way in ("seqscan", "bitmapscan", "hashjoin", "mergejoin"):
            raw.execute(f"SET enable_{way} = off")
        raw.commit()


def _prepare_sqlite(engine: Engine) -> None:
    database = engine.url.database
    in_memory = database in {None, "", ":memory:"}
    lock = Turns(None if in_memory else f"{database}-turn")
    engine.dialect.write_lock = lock  # type: ignore[attr-defined]  # ours, found by `_turn`

    @event.listens_for(engine, "engine_disposed")
    def _dispose(_engine: Engine) -> None:
        lock.close()

    @event.listens_for(engine, "connect")
    def _connect(raw: Any, _record: Any) -> None:
        raw.isolation_level = None  # we begin transactions ourselves
        for pragma in (
            "journal_mode=WAL",
            "synchronous=FULL",
            "foreign_keys=ON",
            "temp_store=MEMORY",
            "cache_size=-16000",
            # Pages that change with every message are copied back less often.
            "wal_autocheckpoint=4000",
        ):
            raw.execute(f"PRAGMA {pragma}")
        raw.create_function("has_words", 3, has_words, deterministic=True)

    @event.listens_for(engine, "begin")
    def _begin(db: Connection) -> None:
        # engine.connect() begins on first use: readers must not take the write lock.
        kind = "IMMEDIATE" if getattr(_local, "writing", False) else "DEFERRED"
        db.exec_driver_sql(f"BEGIN {kind}")


_local = threading.local()


def _turn(engine: Engine) -> AbstractContextManager[None]:
    lock = getattr(engine.dialect, "write_lock", None)
    return nullcontext() if lock is None else _writing(lock)


@contextmanager
def _writing(lock: Any) -> Iterator[None]:
    with lock, _intent(writing=True):
        yield


@contextmanager
def _intent(*, writing: bool) -> Iterator[None]:
    """Say what the connections that this thread opens are for; they may be nested."""
    before = getattr(_local, "writing", False)
    _local.writing = writing
    try:
        yield
    finally:
        _local.writing = before


def _reason(engine: Engine, error: DBAPIError) -> str:
    url = make_url(engine.url)
    where = url.database if url.drivername.startswith("sqlite") else f"{url.host or 'socket'}"
    return f"The database ({where}) did not answer: {said_by(error)}. Is HUBBUB_DATABASE_URL right?"


def said_by(error: DBAPIError) -> str:
    """Return what the database said: its first line alone, as further ones quote rows."""
    return str(error.orig).strip().partition("\n")[0].rstrip(".")


def make_file(url: str) -> None:
    """Create an SQLite database file and its folder, where they are missing, for our user alone.

    It holds what people said, and SQLite's other files follow its mode; SQLite itself would make
    one that everybody reads. Raises `DatabaseDown` where that cannot be done.
    """
    database = make_url(url).database
    if not url.startswith("sqlite") or database in {None, "", ":memory:"}:
        return
    path = Path(str(database))
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        if not path.exists():
            path.touch(mode=0o600)
    except OSError as error:
        raise unusable(path.parent, error) from None


def unusable(folder: Path, error: OSError) -> DatabaseDown:
    """Return what to say where the folder of an SQLite database file is of no use."""
    return DatabaseDown(
        f"HUBBUB_DATA_DIR or HUBBUB_DATABASE_URL cannot be used: {error.strerror} ({folder})."
    )
