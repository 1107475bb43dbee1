"""Run the whole hub under one parent."""

import http.client
import os
import time
from collections.abc import Callable
from contextlib import closing
from functools import partial
from multiprocessing.process import BaseProcess
from typing import Final, Self

from hubbub.beside import leave
from hubbub.embedded import EmbeddedValkey
from hubbub.keyring import secret_keys
from hubbub.loading import read_plugins_file
from hubbub.redis_client import make_redis
from hubbub.settings import QUEUES, Settings
from hubbub.store import migrate
from hubbub.store.session import make_engine
from hubbub.supervise import EXPLAINED, Child, NotStarted, Supervisor, load
from hubbub.system import free_port, require_free

#: What the parent loads for its children.
_SHARED: Final = ("hubbub.web", "hubbub.worker", "hubbub.scheduler", "hubbub.listener")
_LOCAL: Final = "127.0.0.1"
_LOOPBACK: Final = "127.0.0.0/8,::1/128"


def up(settings: Settings, *, demo: bool, say: Callable[[str], None]) -> None:
    """Run the hub until a signal ends it; ``say`` tells people what they need to know.

    Raises `HubError` when it cannot start.
    """
    begun = time.monotonic()
    fix = "Stop what listens there, or choose another one with --port."
    require_free(settings.host, settings.port, fix=fix)
    read_plugins_file(settings.plugins_file)
    sandbox = _Sandbox.beside(settings) if demo else None
    valkey = None if settings.redis_url else EmbeddedValkey(settings.data_dir)
    try:
        redis = valkey.start() if valkey else _answering(settings.redis_url)
        environment = _environment(settings, redis, sandbox)
        os.environ.update(environment)
        load(_SHARED)
        _prepare(settings)
        leave(settings, networks=environment["HUBBUB_ALLOW_PRIVATE_NETWORKS"])
        supervisor = Supervisor(_stages(sandbox))
        try:
            supervisor.start()
            if supervisor.wait_until(lambda: _ready(settings, sandbox)):
                if sandbox:
                    sandbox.fill()
                _welcome(settings, sandbox, time.monotonic() - begun, say)
                supervisor.watch(partial(_look, valkey, sandbox))
        finally:
            supervisor.stop()
    finally:
        if valkey:
            valkey.stop()


def _look(valkey: EmbeddedValkey | None, sandbox: "_Sandbox | None") -> None:
    """Look after what the supervisor does not know of."""
    if valkey:
        valkey.revive()
    if sandbox:
        sandbox.fill_again()


def _answering(redis_url: str) -> str:
    """Return ``redis_url``. Raises `redis.RedisError` when nobody answers there."""
    with make_redis(redis_url, retries=0) as client:
        client.ping()
    return redis_url


def _prepare(settings: Settings) -> None:
    """See to the secret key, before several processes want to make one, and to the database."""
    engine = make_engine(settings.database, pool_size=1)
    try:
        secret_keys(settings, engine)
        migrate.migrate(engine)
    finally:
        engine.dispose()  # a connection does not survive a fork


def _environment(settings: Settings, redis: str, sandbox: "_Sandbox | None") -> dict[str, str]:
    """Return what tells every child the same settings, those of the command line included."""
    networks = [settings.allow_private_networks, _LOOPBACK if sandbox else ""]
    return {
        "HUBBUB_DATA_DIR": str(settings.data_dir),
        "HUBBUB_DATABASE_URL": settings.database,
        "HUBBUB_REDIS_URL": redis,
        "HUBBUB_PLUGINS_FILE": str(settings.plugins_file),
        "HUBBUB_ALLOW_PRIVATE_NETWORKS": ",".join(filter(None, networks)),
        "HUBBUB_SANDBOX_URL": sandbox.url if sandbox else settings.sandbox_url,
        "HUBBUB_HOST": settings.host,
        "HUBBUB_PORT": str(settings.port),
    }


def _stages(sandbox: "_Sandbox | None") -> list[list[Child]]:
    """Return the children in the order in which they stop: first nothing new comes in."""
    stages = [
        [Child("web", ["web"])],
        [
            *_workers(),
            Child("background", ["background"]),
        ],
    ]
    if sandbox:
        stages.append([sandbox.child])
    return stages


def _workers() -> list[Child]:
    """Return who works: one who reads and one who sends, where they need not share a core."""
    if (os.cpu_count() or 1) < 2:  # noqa: PLR2004  # see above
        return [Child("worker", ["worker"])]
    sending = ("outbound", "bulk")
    reading = [queue for queue in QUEUES if queue not in sending]
    return [
        Child("worker", ["worker", *(f"--queue={queue}" for queue in reading)]),
        Child("courier", ["worker", *(f"--queue={queue}" for queue in sending)]),
    ]


def _ready(settings: Settings, sandbox: "_Sandbox | None") -> bool:
    near = {"0.0.0.0": _LOCAL, "::": "::1"}.get(settings.host, settings.host)  # noqa: S104  # not bound
    return _answers(near, settings.port, "/readyz") and (not sandbox or sandbox.answers())


def _answers(host: str, port: int, path: str) -> bool:
    with closing(http.client.HTTPConnection(host, port, timeout=2)) as connection:
        try:
            connection.request("GET", path)
            return connection.getresponse().status == http.client.OK
        except (OSError, http.client.HTTPException):
            return False


class _Sandbox:
    """The sandbox of a demo. It remembers nothing: whenever it starts anew it is filled again."""

    def __init__(self, port: int, hub_url: str) -> None:
        where = ["--host", _LOCAL, "--port", str(port), "--hub-url", hub_url]
        self.url = f"http://{_LOCAL}:{port}"
        self.child = Child("sandbox", ["sandbox", *where])
        self._port = port
        # A process of its own, whose memory is then free again.
        self._seed = Child("seed", ["seed", self.url])
        self._filled: BaseProcess | None = None

    @classmethod
    def beside(cls, settings: Settings) -> Self:
        """Return one on a free port next to the hub's."""
        return cls(free_port(_LOCAL, wanted=settings.port + 1), settings.base_url)

    def answers(self) -> bool:
        """Whether it is up."""
        return _answers(_LOCAL, self._port, "/")

    def fill(self) -> None:
        """Put the demo's data in. Raises `NotStarted`."""
        self._fill()
        if self._seed.process is not None:
            self._seed.process.join()
        if self._seed.status != 0:
            why = "" if self._seed.status == EXPLAINED else "The demo's data could not be made."
            raise NotStarted(why)

    def fill_again(self) -> None:
        """Put the demo's data in if the sandbox was started anew since; waits for nothing."""
        if self.child.process is not self._filled and self.answers():
            self._fill()

    def _fill(self) -> None:
        self._filled = self.child.process
        self._seed.start()


def _welcome(
    settings: Settings, sandbox: _Sandbox | None, seconds: float, say: Callable[[str], None]
) -> None:
    lines = [f"Hubbub is ready after {seconds:.1f} s.", f"  Console   {settings.base_url}"]
    if sandbox:
        lines.append(f"  Sandbox   {sandbox.url}")
        lines.append(f"  Website   {sandbox.url}/shop")
    else:
        # A command finds this hub by its data directory.
        where = f"HUBBUB_DATA_DIR={settings.data_dir}"
        lines.append(f"  First time here? {where} hubbub user add YOUR@EMAIL --role admin")
    say("\n".join([*lines, "  Ctrl-C ends it."]))
