"""Run the whole hub under one parent."""

import http.client
import os
import time
from collections.abc import Callable
from contextlib import closing
from typing import Final

from hubbub.embedded import EmbeddedValkey
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
    _ = settings.keys  # before several processes want to make one
    sandbox = free_port(_LOCAL, wanted=settings.port + 1) if demo else 0
    valkey = None if settings.redis_url else EmbeddedValkey(settings.data_dir)
    try:
        redis = valkey.start() if valkey else _answering(settings.redis_url)
        os.environ.update(_environment(settings, redis, sandbox))
        load(_SHARED)
        _migrate(settings)
        supervisor = Supervisor(_stages(settings, sandbox))
        try:
            supervisor.start()
            if supervisor.wait_until(lambda: _ready(settings, sandbox)):
                _seed(sandbox)
                _welcome(settings, sandbox, time.monotonic() - begun, say)
                supervisor.watch(valkey.revive if valkey else lambda: None)
        finally:
            supervisor.stop()
    finally:
        if valkey:
            valkey.stop()


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
            *_workers(),
            Child("background", ["background"]),
        ],
    ]
    if sandbox:
        where = ["--host", _LOCAL, "--port", str(sandbox), "--hub-url", settings.base_url]
        stages.append([Child("sandbox", ["sandbox", *where])])
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
        raise NotStarted("" if seed.status == EXPLAINED else "The demo's data could not be made.")


def _welcome(settings: Settings, sandbox: int, seconds: float, say: Callable[[str], None]) -> None:
    lines = [f"Hubbub is ready after {seconds:.1f} s.", f"  Console   {settings.base_url}"]
    if sandbox:
        lines.append(f"  Sandbox   http://{_LOCAL}:{sandbox}")
    else:
        # A command finds this hub by its data directory.
        where = f"HUBBUB_DATA_DIR={settings.data_dir}"
        lines.append(f"  First time here? {where} hubbub user add YOUR@EMAIL --role admin")
    say("\n".join([*lines, "  Ctrl-C ends it."]))
