"""Bring the database to this version, and say whether it is there.

``python -m hubbub.store.migrate revision "message"`` writes the next migration.
"""

import fcntl
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from sqlalchemy import Connection, Engine, event, inspect, text

from hubbub.sdk.errors import HubError
from hubbub.store.search import make_indexes
from hubbub.store.session import (
    DatabaseDown,
    make_engine,
    make_file,
    reading,
    transaction,
    unusable,
)

#: Where Alembic finds the migrations.
FOLDER: Final = Path(__file__).with_name("migrations")
_TABLE: Final = "alembic_version"
#: Any number of ours: PostgreSQL's advisory locks are known by one.
_LOCK: Final = 0x68756262


class NotMigrated(HubError):
    """The database is not at this version."""

    code = "not_migrated"


def head() -> str:
    """Return the version this code needs: the number that the newest migration begins with."""
    return max(path.name.partition("_")[0] for path in (FOLDER / "versions").glob("[0-9]*.py"))


def version(engine: Engine) -> str:
    """Return the database's version; empty for a new one. Raises `DatabaseDown`."""
    with reading(engine) as db:
        return _version(db)


def is_current(engine: Engine) -> bool:
    """Whether the code can work with the database. Raises `DatabaseDown`.

    A newer database will do: a migration works with the code before it.
    """
    return version(engine) >= head()


def migrate(engine: Engine) -> bool:
    """Bring the database to this version; return whether there was anything to do.

    Safe to run twice, and from several processes and hosts at once: one migrates, the others
    wait for it. Raises `DatabaseDown`.
    """
    with _alone(engine), _migrating(engine) as own, transaction(own) as db:
        if db.dialect.name == "postgresql":
            db.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": _LOCK})
        if _version(db) >= head():
            return False
        _upgrade(db)
        make_indexes(None, db)
        _check_references(db)
        return True


def wait_until_current(engine: Engine, *, seconds: float) -> None:
    """Return once another process has migrated the database.

    Raises `NotMigrated` when none does so within ``seconds``, and `DatabaseDown`.
    """
    end = time.monotonic() + seconds
    while not _is_current_by_now(engine, last=time.monotonic() >= end):
        if time.monotonic() >= end:
            raise NotMigrated(
                f"The database is at version {version(engine) or 'none'} and this needs "
                f"{head()}: run `hubbub migrate`."
            )
        time.sleep(0.1)


def _is_current_by_now(engine: Engine, *, last: bool) -> bool:
    try:
        with _alone(engine):
            return is_current(engine)
    except DatabaseDown:
        if last:
            raise
        return False


def _version(db: Connection) -> str:
    if not inspect(db).has_table(_TABLE):
        return ""
    return str(db.scalar(text(f"SELECT max(version_num) FROM {_TABLE}")) or "")  # noqa: S608  # our own constant


def _upgrade(db: Connection) -> None:
    # Alembic takes long to load, and most processes only ask for the version.
    from alembic import command  # noqa: PLC0415  # see above
    from alembic.config import Config  # noqa: PLC0415  # see above

    config = Config()
    config.set_main_option("script_location", str(FOLDER).replace("%", "%%"))
    config.attributes["connection"] = db
    command.upgrade(config, "head")


@contextmanager
def _alone(engine: Engine) -> Iterator[None]:
    """Keep other processes from opening a new SQLite file while it is being made."""
    path = _sqlite_file(engine)
    if path is None:
        yield
        return
    make_file(str(engine.url))
    try:
        lock = path.with_name(f"{path.name}.migrating").open("w")
    except OSError as error:
        raise unusable(path.parent, error) from None
    with lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


@contextmanager
def _migrating(engine: Engine) -> Iterator[Engine]:
    """Give an engine under which SQLite tables can be replaced while rows refer to them."""
    if _sqlite_file(engine) is None:
        yield engine
        return
    own = make_engine(engine.url.render_as_string(hide_password=False), pool_size=1)
    # Within a transaction the pragma does nothing, so it is set on connecting.
    event.listen(own, "connect", lambda raw, _: raw.execute("PRAGMA foreign_keys=OFF"))
    try:
        yield own
    finally:
        own.dispose()


def _check_references(db: Connection) -> None:
    if db.dialect.name == "sqlite" and db.exec_driver_sql("PRAGMA foreign_key_check").first():
        raise HubError("The migration would leave rows that refer to nothing; it was undone.")


def _sqlite_file(engine: Engine) -> Path | None:
    name = engine.url.database
    memory = name in {None, "", ":memory:"}
    return None if engine.dialect.name != "sqlite" or memory else Path(str(name))


if __name__ == "__main__":
    from hubbub.store.migrations import revise

    sys.exit(revise.main(sys.argv[1:]))
