"""Run the processes of a hub so that each can be killed and started again."""

import json
import os
import random
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

from redis.exceptions import RedisError

from hubbub.embedded import EmbeddedValkey
from hubbub.redis_client import make_redis
from hubbub.settings import Settings
from tests.chaos.calls import ask
from tests.chaos.databases import Postgres, Sqlite

WEBS = ("web-1", "web-2")
WORKERS = ("worker-1", "worker-2")
SCHEDULERS = ("scheduler-1", "scheduler-2")
LISTENERS = ("listener-1", "listener-2")
KINDS = (*WEBS, *WORKERS, *SCHEDULERS, *LISTENERS)
KEY = "CHAOS-secret-key-canary"
ROOT = Path(__file__).parents[2]


class Town:
    """A database, a Valkey, a sandbox, and two of every process that can be two."""

    def __init__(self, folder: Path, database: Sqlite | Postgres) -> None:
        self.folder, self.database = folder, database
        self.ports = {name: _free_port() for name in (*WEBS, "sandbox")}
        self.webs = [f"http://127.0.0.1:{self.ports[name]}" for name in WEBS]
        self.sandbox = f"http://127.0.0.1:{self.ports['sandbox']}"
        self.valkey = EmbeddedValkey(folder)
        self.environment = self._environment()
        self._nursery: subprocess.Popen[str] | None = None

    def _environment(self) -> dict[str, str]:
        clean = {key: value for key, value in os.environ.items() if not key.startswith("HUBBUB_")}
        return {
            **clean,
            "PYTHONPATH": os.pathsep.join([str(ROOT), str(ROOT / "core"), str(ROOT / "plugins")]),
            "HUBBUB_DATA_DIR": str(self.folder),
            "HUBBUB_DATABASE_URL": self.database.url,
            "HUBBUB_SECRET_KEY": KEY,
            "HUBBUB_PUBLIC_URL": self.webs[0],
            "HUBBUB_ALLOW_PRIVATE_NETWORKS": "127.0.0.0/8",
            # Visitors say where they come from, as their proxy would.
            "HUBBUB_TRUSTED_PROXIES": "127.0.0.1/32",
            "HUBBUB_PLUGINS_FILE": str(ROOT / "plugins.toml"),
            "HUBBUB_LOG_FORMAT": "json",
        }

    @property
    def settings(self) -> Settings:
        """The settings of this hub, for looking into it from outside."""
        return Settings.read(
            data_dir=self.folder,
            database_url=self.database.url,
            redis_url=self.valkey.url,
            secret_key=KEY,
            plugins_file=ROOT / "plugins.toml",
            public_url=self.webs[0],
        )

    def start(self) -> None:
        """Start everything; call it, and all else here, from the main thread.

        A Valkey ends with the thread that started it.
        """
        self.environment["HUBBUB_REDIS_URL"] = self.valkey.start()
        self._nursery = subprocess.Popen(
            [sys.executable, "-m", "tests.chaos.nursery"],
            cwd=self.folder,
            env=self.environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert json.loads(self._nursery.stdout.readline())["ready"]  # type: ignore[union-attr]  # a pipe
        self.command("migrate")
        for name in ("sandbox", *KINDS):
            self.begin(name)
        self.until(lambda: ask(f"{self.sandbox}/_sandbox/health") is not None)
        self.until(lambda: all(ask(f"{url}/readyz") is not None for url in self.webs))

    def stop(self) -> None:
        """End everything at once."""
        if self._nursery is not None:
            self._nursery.stdin.close()  # type: ignore[union-attr]  # a pipe
            self._nursery.stdout.close()  # type: ignore[union-attr]  # a pipe
            self._nursery.wait()
        self.valkey.stop()

    def command(self, *words: str) -> str:
        """Run one command of the hub; return what it printed."""
        output = self.folder / "command.out"
        output.unlink(missing_ok=True)
        self._tell("start", name="command", words=words, environment={}, log=str(output))
        self.until(lambda: self.ended("command"), seconds=120)
        said = output.read_text()
        if self._tell("look")["command"] != 0:
            raise RuntimeError(f"hubbub {words[0]}: {said}")
        return said

    def begin(self, name: str, *, die_at: str = "") -> None:
        """Start a process; with ``die_at`` it kills itself at that step."""
        kind = name.partition("-")[0]
        port: list[str] = []
        if name in self.ports:
            # What a killed server had started may hold its port for a moment longer.
            self.until(lambda: _is_free(self.ports[name]))
            port = ["--port", str(self.ports[name])]
        self._tell(
            "start",
            name=name,
            words=[kind, *port],
            environment={"HUBBUB_DIE_AT": die_at},
            log=str(self.folder / f"{name}.log"),
        )

    def end(self, name: str) -> None:
        """Kill a process, with all that it started, by SIGKILL."""
        self._tell("end", name=name)

    def ended(self, name: str) -> bool:
        """Whether a process is gone."""
        return self._tell("look")[name] is not None

    def gone(self) -> list[str]:
        """Return the names of the processes that are not there and should be."""
        found = self._tell("look")
        return [name for name in ("sandbox", *KINDS) if found[name] is not None]

    def answers(self, name: str) -> bool:
        """Whether one of the webs answers; granian's parent may outlive what answers."""
        return ask(f"http://127.0.0.1:{self.ports[name]}/healthz", timeout=5) is not None

    def pids(self) -> set[int]:
        """Return the process ids of all that run."""
        return set(self._tell("pids").values())

    def kill_valkey(self) -> None:
        """Kill Valkey by SIGKILL and start it again."""
        process = self.valkey._process
        if process is not None:
            process.kill()
            process.wait()
        self.valkey.stop()
        self.valkey.start()

    def empty_valkey(self) -> None:
        """Let Valkey forget everything."""
        with suppress(RedisError), make_redis(self.valkey.url) as client:
            client.flushall()

    def restart_database(self, how: signal.Signals) -> None:
        """Restart PostgreSQL."""
        assert isinstance(self.database, Postgres)
        self.database.restart(how)

    @staticmethod
    def until(true: Callable[[], bool], *, seconds: float = 60.0) -> None:
        """Wait until something is true. Raises `TimeoutError`."""
        end = time.monotonic() + seconds
        while not true():
            if time.monotonic() > end:
                raise TimeoutError("It did not come about.")
            time.sleep(0.05)

    def _tell(self, do: str, **more: Any) -> dict[str, Any]:
        assert self._nursery is not None
        pipe_in, pipe_out = self._nursery.stdin, self._nursery.stdout
        assert pipe_in is not None
        assert pipe_out is not None
        pipe_in.write(json.dumps({"do": do, **more}) + "\n")
        pipe_in.flush()
        answer: dict[str, Any] = json.loads(pipe_out.readline())
        return answer


def _free_port() -> int:
    # Below those that the system gives to outgoing connections: one of these could take the port
    # of a web that is dead for a moment.
    while True:
        port = random.randrange(20_000, 32_000)
        if _is_free(port):
            return port


def _is_free(port: int) -> bool:
    with socket.socket() as probe, suppress(OSError):
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        probe.bind(("127.0.0.1", port))
        return True
    return False
