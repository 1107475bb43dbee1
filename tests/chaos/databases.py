"""Give a run its own database, which may be restarted under the hub's feet."""

import os
import shutil
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.services import postgres

#: Unlike for other tests: what was acknowledged must outlive the server's sudden end. (``fsync``
#: may stay off: only processes die here, not the machine.)
DURABLE = "-c synchronous_commit=on -c log_min_messages=error"
LIMIT = 30.0


class Sqlite:
    """A file, which nobody can restart."""

    kind = "sqlite"
    restarts = False

    def __init__(self, folder: Path) -> None:
        self.url = f"sqlite:///{folder / 'hubbub.db'}"


class Postgres:
    """A server of this run alone."""

    kind = "postgresql"
    restarts = True

    def __init__(self, folder: Path) -> None:
        self._folder = folder / "postgres"
        self.url = postgres.url_of(self._folder, "postgres")
        folder.chmod(0o711)  # it may run as another user and must get through
        postgres._start(self._folder)
        self.restart(signal.SIGINT)

    def restart(self, how: signal.Signals) -> None:
        """Stop it, gently (SIGINT) or at once (SIGQUIT), and start it again."""
        self.stop(how)
        data, log = str(self._folder / "data"), str(self._folder / "log")
        pg_ctl = postgres._programs(self._folder) / "pg_ctl"
        words = ["-D", data, "-l", log, "-w", "-o", DURABLE, "start"]
        postgres._run(pg_ctl, *words, cwd=self._folder, who=postgres._unprivileged())

    def stop(self, how: signal.Signals = signal.SIGQUIT) -> None:
        """End the server; returns when it is gone."""
        file = self._folder / "data" / "postmaster.pid"
        pid = int(file.read_text().splitlines()[0])
        os.kill(pid, how)
        end = time.monotonic() + LIMIT
        while file.exists():
            if time.monotonic() > end:
                raise TimeoutError("PostgreSQL does not stop.")
            time.sleep(0.02)


@contextmanager
def database(kind: str, folder: Path) -> Iterator[Sqlite | Postgres]:
    """Give a fresh, empty database; its files stay."""
    if kind == "sqlite":
        yield Sqlite(folder)
        return
    server = Postgres(folder)
    try:
        yield server
    finally:
        server.stop()
        shutil.copyfile(folder / "postgres" / "log", folder / "postgres.txt")
