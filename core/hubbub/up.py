"""Run every process of the hub under one parent: start, watch, start again, drain."""

import gc
import http.client
import importlib
import multiprocessing
import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import closing, suppress
from dataclasses import dataclass
from multiprocessing.process import BaseProcess
from typing import Any, Final

import structlog

from hubbub.cli import run
from hubbub.embedded import EmbeddedValkey
from hubbub.plugins import read_plugins_file
from hubbub.redis_client import make_redis
from hubbub.sdk.errors import HubError
from hubbub.settings import Settings
from hubbub.store import migrate
from hubbub.store.session import make_engine
from hubbub.system import die_with_parent, free_port, name_process, require_free

#: Seconds until the web must answer, and in which everything must have stopped.
START_LIMIT: Final = 60.0
STOP_LIMIT: Final = 30.0
#: Seconds before a child that died is started again: doubled each time, up to the second figure,
#: and forgotten once it has run for the third.
_FIRST_PAUSE: Final = 0.5
_LONGEST_PAUSE: Final = 30.0
_STEADY: Final = 60.0
#: Seconds after which a second signal is a wish of its own.
_TWICE: Final = 1.0
#: Seconds between looks at the children.
_BEAT: Final = 0.25
#: A fork shares the memory of what the parent has loaded, and starts at once. Elsewhere the
#: systems' own libraries do not survive one.
_FORKS: Final = sys.platform == "linux"
_CONTEXT: Final[Any] = multiprocessing.get_context("fork" if _FORKS else "spawn")
#: What the parent loads for its children.
_SHARED: Final = ("hubbub.web", "hubbub.worker", "hubbub.scheduler", "hubbub.listener")
_LOCAL: Final = "127.0.0.1"
_LOOPBACK: Final = "127.0.0.0/8,::1/128"
log = structlog.get_logger(__name__)


#: The status of a process that said in a sentence why it ended.
_EXPLAINED: Final = 1


class NotStarted(HubError):
    """The hub did not come up."""

    code = "not_started"


@dataclass
class Child:
    """One process to keep running: ``hubbub`` with ``arguments``."""

    name: str
    arguments: Sequence[str]
    process: BaseProcess | None = None
    started: float = 0.0
    pause: float = _FIRST_PAUSE
    #: When to start it again, once it has died.
    due: float | None = None

    def start(self) -> None:
        """Start it."""
        self.started, self.due = time.monotonic(), None
        self.process = _CONTEXT.Process(
            target=_be, args=(self.name, self.arguments), name=self.name
        )
        self.process.start()

    @property
    def running(self) -> bool:
        """Whether it runs."""
        return self.process is not None and self.process.is_alive()

    @property
    def status(self) -> int | None:
        """With which status it ended."""
        return self.process.exitcode if self.process else None

    def tell(self, number: signal.Signals) -> None:
        """Send it a signal; a kill goes to all that it started."""
        if self.process is None or self.process.pid is None or not self.running:
            return
        with suppress(ProcessLookupError):
            if number == signal.SIGKILL:
                os.killpg(self.process.pid, number)
            else:
                os.kill(self.process.pid, number)

    def revive(self, now: float) -> None:
        """Start it again if it died and has paused for long enough."""
        if self.running:
            return
        if self.due is None:
            if now - self.started > _STEADY:
                self.pause = _FIRST_PAUSE
            log.error("process ended", child=self.name, status=self.status, again_in=self.pause)
            self.due, self.pause = now + self.pause, min(self.pause * 2, _LONGEST_PAUSE)
        elif now >= self.due:
            self.start()
            log.info("process started again", child=self.name)


class Supervisor:
    """Keeps children running until it is told to stop. Use it from the main thread."""

    def __init__(self, stages: Sequence[Sequence[Child]]) -> None:
        """Take the children in the stages in which they are to stop."""
        self._stages = stages
        self._children = [child for stage in stages for child in stage]
        self._stop = threading.Event()
        self._hurry = threading.Event()
        self._told_at = 0.0

    def start(self) -> None:
        """Start every child, those that stop last first.

        From now on SIGINT and SIGTERM are the wish to stop, and a second one is haste.
        """
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, self._told)
        for child in reversed(self._children):
            child.start()

    def wait_until(self, ready: Callable[[], bool]) -> bool:
        """Return whether ``ready`` came true before somebody wanted us to stop.

        Raises `NotStarted` when a child ends before that, with an empty text where the child has
        said why, or when it takes too long.
        """
        end = time.monotonic() + START_LIMIT
        while not self._stop.is_set():
            if ready():
                return True
            self._require_all()
            if time.monotonic() > end:
                raise NotStarted(f"The hub was not ready within {START_LIMIT:.0f} s.")
            self._stop.wait(0.05)
        return False

    def watch(self) -> None:
        """Start again whatever ends, until somebody wants us to stop."""
        while not self._stop.wait(_BEAT):
            now = time.monotonic()
            for child in self._children:
                child.revive(now)

    def stop(self) -> None:
        """Let each stage end what it is at, within `STOP_LIMIT` for all, and kill what remains."""
        end = time.monotonic() + STOP_LIMIT
        for stage in self._stages:
            for child in stage:
                child.tell(signal.SIGTERM)
            while any(child.running for child in stage) and time.monotonic() < end:
                if self._hurry.wait(0.02):
                    break
        for child in self._children:
            if child.running:
                log.warning("process killed", child=child.name)
                child.tell(signal.SIGKILL)

    def _require_all(self) -> None:
        for child in self._children:
            if not child.running:
                text = f"The {child.name} ended before the hub was ready."
                raise NotStarted("" if child.status == _EXPLAINED else text)

    def _told(self, *_: object) -> None:
        now = time.monotonic()
        if not self._stop.is_set():
            self._told_at = now
            self._stop.set()
        # One wish may come twice: to the process and to its group.
        elif now - self._told_at > _TWICE:
            self._hurry.set()


def up(settings: Settings, *, demo: bool, say: Callable[[str], None]) -> None:
    """Run the hub until a signal ends it; ``say`` tells people what they need to know.

    Raises `HubError` when it cannot start.
    """
    begun = time.monotonic()
    fix = "Stop what listens there, or choose another one with --port."
    require_free(settings.host, settings.port, fix=fix)
    read_plugins_file(settings.plugins_file)
    _ = settings.keys  # before several processes want to make one
    sandbox = free_port(_LOCAL, wanted=settings.port + 1) if demo else 0
    valkey = None if settings.redis_url else EmbeddedValkey(settings.data_dir)
    try:
        redis = valkey.start() if valkey else _answering(settings.redis_url)
        os.environ.update(_environment(settings, redis, sandbox))
        _load()
        _migrate(settings)
        supervisor = Supervisor(_stages(settings, sandbox))
        try:
            supervisor.start()
            if supervisor.wait_until(lambda: _ready(settings, sandbox)):
                _seed(sandbox)
                _welcome(settings, sandbox, time.monotonic() - begun, say)
                supervisor.watch()
        finally:
            supervisor.stop()
    finally:
        if valkey:
            valkey.stop()


def _be(name: str, arguments: Sequence[str]) -> None:
    """Become one of the children."""
    os.setpgid(0, 0)  # Ctrl-C reaches the parent alone
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    die_with_parent()
    name_process(f"hubbub {name}")
    sys.exit(run(arguments))


def _answering(redis_url: str) -> str:
    """Return ``redis_url``. Raises `redis.RedisError` when nobody answers there."""
    with make_redis(redis_url, retries=0) as client:
        client.ping()
    return redis_url


def _migrate(settings: Settings) -> None:
    engine = make_engine(settings.database, pool_size=1)
    try:
        migrate.migrate(engine)
    finally:
        engine.dispose()  # a connection does not survive a fork


def _load() -> None:
    """Load what several children need, once for all of them."""
    if _FORKS:
        for name in _SHARED:
            importlib.import_module(name)
        gc.collect()
        gc.freeze()  # so that the collector leaves the shared memory as it is


def _environment(settings: Settings, redis: str, sandbox: int) -> dict[str, str]:
    """Return what tells every child the same settings, those of the command line included."""
    networks = [settings.allow_private_networks, _LOOPBACK if sandbox else ""]
    return {
        "HUBBUB_DATA_DIR": str(settings.data_dir),
        "HUBBUB_DATABASE_URL": settings.database,
        "HUBBUB_REDIS_URL": redis,
        "HUBBUB_PLUGINS_FILE": str(settings.plugins_file),
        "HUBBUB_ALLOW_PRIVATE_NETWORKS": ",".join(filter(None, networks)),
        "HUBBUB_HOST": settings.host,
        "HUBBUB_PORT": str(settings.port),
    }


def _stages(settings: Settings, sandbox: int) -> list[list[Child]]:
    """Return the children in the order in which they stop: first nothing new comes in."""
    stages = [
        [Child("web", ["web"])],
        [
            Child("worker", ["worker"]),
            Child("background", ["background"]),
        ],
    ]
    if sandbox:
        where = ["--host", _LOCAL, "--port", str(sandbox), "--hub-url", settings.base_url]
        stages.append([Child("sandbox", ["sandbox", *where])])
    return stages


def _ready(settings: Settings, sandbox: int) -> bool:
    near = {"0.0.0.0": _LOCAL, "::": "::1"}.get(settings.host, settings.host)  # noqa: S104  # not bound
    return _answers(near, settings.port, "/readyz") and (
        not sandbox or _answers(_LOCAL, sandbox, "/")
    )


def _answers(host: str, port: int, path: str) -> bool:
    with closing(http.client.HTTPConnection(host, port, timeout=2)) as connection:
        try:
            connection.request("GET", path)
            return connection.getresponse().status == http.client.OK
        except (OSError, http.client.HTTPException):
            return False


def _seed(sandbox: int) -> None:
    """Put the demo's data in, in a process whose memory is then free again."""
    if not sandbox:
        return
    seed = Child("seed", ["seed", f"http://{_LOCAL}:{sandbox}"])
    seed.start()
    if seed.process is not None:
        seed.process.join()
    if seed.status != 0:
        raise NotStarted("The demo's data could not be made.")


def _welcome(settings: Settings, sandbox: int, seconds: float, say: Callable[[str], None]) -> None:
    lines = [f"Hubbub is ready after {seconds:.1f} s.", f"  Console   {settings.base_url}"]
    if sandbox:
        lines.append(f"  Sandbox   http://{_LOCAL}:{sandbox}")
    else:
        lines.append("  First time here? hubbub user add YOUR@EMAIL --role admin")
    say("\n".join([*lines, "  Ctrl-C ends it."]))
