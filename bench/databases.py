"""Give databases as people run them: an SQLite file, a PostgreSQL that syncs to its disk."""

import contextlib
import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import psycopg

from tests.services import postgres
from tests.services.shared import VARIABLE, open_run, run_folder

SQLITE, POSTGRESQL = "SQLite", "PostgreSQL"
KINDS = (SQLITE, POSTGRESQL)
_SOCKETS_ONLY = {"listen_addresses": ""}


class Server:
    """A real PostgreSQL with its own defaults, of which databases are taken."""

    def __init__(self, sockets: Path) -> None:
        self._sockets = sockets

    @contextlib.contextmanager
    def database(self) -> Iterator[str]:
        """Give the address of an empty database, gone afterwards."""
        name = f"bench_{uuid4().hex}"
        self._do(f"CREATE DATABASE {name}")
        try:
            yield postgres.url_of(self._sockets, name)
        finally:
            self._do(f"DROP DATABASE {name} WITH (FORCE)")

    def pid(self) -> int:
        """Return the process whose descendants do the work."""
        return int((self._sockets / "data" / "postmaster.pid").read_text().splitlines()[0])

    def _do(self, statement: str) -> None:
        with psycopg.connect(f"host={self._sockets} user=postgres", autocommit=True) as admin:
            admin.execute(statement)


@contextlib.contextmanager
def postgresql() -> Iterator[Server]:
    """Run PostgreSQL."""
    # What tests switch off for speed is what a benchmark has to pay for.
    postgres.FAST.clear()
    postgres.FAST.update(_SOCKETS_ONLY)
    place = open_run()
    postgres.shared_postgres().close()
    try:
        yield Server(run_folder() / "postgres")
    finally:
        if place is not None:
            postgres.stop_postgres(place)
            shutil.rmtree(place, ignore_errors=True)
            del os.environ[VARIABLE]  # the next one starts anew


def dsn(url: str) -> str:
    """Return what psycopg itself takes, for the address of a PostgreSQL database."""
    return url.replace("postgresql+psycopg://", "postgresql://", 1)


def is_sqlite(url: str) -> bool:
    """Whether ``url`` is that of an SQLite file."""
    return url.startswith("sqlite")
