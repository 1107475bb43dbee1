"""Run the hub as a user runs it, with one Telegram channel whose provider is the stub."""

import contextlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from bench.common import ROOT, TOKEN, answers, free_port, named, request, running, wait_until
from bench.stub import Stub
from hubbub.broker import make_broker
from hubbub.embedded import EmbeddedValkey
from hubbub.hub import Hub as Inside
from hubbub.nudge import Nudges
from hubbub.settings import Settings

_HUBBUB = [sys.executable, "-m", "hubbub"]
_KEYWORD_BOT = {"type": "keyword", "otherwise": "We heard you."}


@dataclass(kw_only=True)
class Hub:
    """A running hub."""

    environment: dict[str, str]
    port: int
    pid: int
    #: Seconds from the start to the first success of ``/readyz``.
    started_in: float
    channel_id: str = ""
    path: str = ""
    headers: dict[str, str] = field(default_factory=dict)

    def log(self) -> str:
        """Return what the processes said."""
        return (Path(self.environment["HUBBUB_DATA_DIR"]) / "log").read_text(errors="replace")

    def worker(self) -> int | None:
        """Return the process that works, or None while there is none."""
        return named(self.pid, "hubbub worker")

    def inside(self) -> Inside:
        """Return what a process of this hub works with."""
        names = ("data_dir", "database_url", "secret_key", "plugins_file")
        given = {name: self.environment[f"HUBBUB_{name.upper()}"] for name in names}
        made = Inside.make(Settings.read(**given))
        made.nudges = Nudges(made.redis, make_broker(made.settings.redis))
        return made


@contextlib.contextmanager
def hubbub_up(database_url: str = "", **environment: str) -> Iterator[Hub]:
    """Run ``hubbub up`` on an empty database, an SQLite file where none is given.

    Settings that are not the hub's own defaults are in ``environment``.
    """
    with _folder() as folder:
        yield from _started(_environment(folder, database_url) | environment, "up")


@contextlib.contextmanager
def hubbub_web(database_url: str = "") -> Iterator[Hub]:
    """Run ``hubbub web`` alone: nobody works on what comes in."""
    with _folder() as folder:
        environment = _environment(folder, database_url)
        valkey = EmbeddedValkey(folder)
        try:
            valkey.start()
            command(environment, "migrate")
            yield from _started(environment, "web")
        finally:
            valkey.stop()


def connect(hub: Hub, stub: Stub, number: int) -> None:
    """Add a channel on ``stub`` to ``hub``: the bot ``number``, which answers everything."""
    token = command(hub.environment, "token", "create", "--name", "bench").strip()
    api = {"Authorization": f"Bearer {token}"}
    bot = f"{number}{TOKEN}"
    settings = {
        "mode": "webhook",
        "api_base": f"http://127.0.0.1:{stub.port}",
        "messages_per_second": 100_000,
    }
    body = {
        "type": "telegram",
        "name": "bench",
        "credentials": {"token": bot},
        "settings": settings,
    }
    channel = _asked(hub, "/api/v1/channels", body, api)
    hub.channel_id = str(channel["id"])
    hub.path = str(channel["webhook_url"]).removeprefix(f"http://127.0.0.1:{hub.port}")
    hub.headers = {"X-Telegram-Bot-Api-Secret-Token": stub.secret(bot)}
    routes = {"routes": [], "fallback": _KEYWORD_BOT}
    _asked(hub, f"/api/v1/channels/{hub.channel_id}/routes", routes, api, method="PUT")


def _asked(
    hub: Hub, path: str, body: object, headers: Mapping[str, str], *, method: str = "POST"
) -> dict[str, object]:
    status, said = request(hub.port, path, body, method=method, headers=headers)
    assert status < 300, (path, status, said)
    answer: dict[str, object] = json.loads(said)
    return answer


def _started(environment: dict[str, str], kind: str) -> Iterator[Hub]:
    port = int(environment["HUBBUB_PORT"])
    began = time.monotonic()
    log = Path(environment["HUBBUB_DATA_DIR"]) / "log"
    with running([*_HUBBUB, kind], environment=environment, log=log) as process:
        wait_until(lambda: answers(port, "/readyz"), 60, f"`hubbub {kind}` to be ready")
        took = time.monotonic() - began
        yield Hub(environment=environment, port=port, pid=process.pid, started_in=took)


@contextlib.contextmanager
def _folder() -> Iterator[Path]:
    folder = Path(tempfile.mkdtemp(prefix="hubbub-bench-"))
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _environment(folder: Path, database_url: str) -> dict[str, str]:
    return {
        "HUBBUB_DATA_DIR": str(folder),
        "HUBBUB_DATABASE_URL": database_url or f"sqlite:///{folder / 'hubbub.db'}",
        "HUBBUB_SECRET_KEY": "a secret key of the benchmarks",
        "HUBBUB_PLUGINS_FILE": str(ROOT / "plugins.toml"),
        "HUBBUB_ALLOW_PRIVATE_NETWORKS": "127.0.0.0/8",
        "HUBBUB_LOG_FORMAT": "json",
        "HUBBUB_PORT": str(free_port()),
    }


def command(environment: Mapping[str, str], *words: str, said: str = "") -> str:
    """Run a command of a hub, with ``said`` on its standard input; return what it printed."""
    done = subprocess.run(
        [*_HUBBUB, *words],
        env={**os.environ, **environment},
        input=said,
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout
