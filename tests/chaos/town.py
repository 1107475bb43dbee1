"""Run the processes of a hub by hand, so that each can be killed and started again."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from contextlib import suppress
from pathlib import Path

from redis.exceptions import RedisError

from hubbub.embedded import EmbeddedValkey
from hubbub.redis_client import make_redis

KINDS = ("web", "worker-1", "worker-2", "scheduler-1", "scheduler-2")
KEY = "a secret key of the chaos suite"


class Town:
    """A sandbox, a Valkey, and two of what can be two."""

    def __init__(self, folder: Path, database_url: str):
        self.folder = folder
        self.port, self.sandbox_port = free_port(), free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.sandbox = f"http://127.0.0.1:{self.sandbox_port}"
        self.valkey = EmbeddedValkey(folder)
        self.running: dict[str, subprocess.Popen[bytes]] = {}
        self.environment = {
            **{name: value for name, value in os.environ.items() if not name.startswith("HUBBUB_")},
            "HUBBUB_DATA_DIR": str(folder),
            "HUBBUB_DATABASE_URL": database_url,
            "HUBBUB_SECRET_KEY": KEY,
            "HUBBUB_PORT": str(self.port),
            "HUBBUB_ALLOW_PRIVATE_NETWORKS": "127.0.0.0/8",
            "HUBBUB_PLUGINS_FILE": str(Path(__file__).parents[2] / "plugins.toml"),
            "HUBBUB_LOG_FORMAT": "json",
        }

    def start(self):
        self.environment["HUBBUB_REDIS_URL"] = self.valkey.start()
        self.command("migrate")
        self._spawn("sandbox", ["sandbox", "--port", str(self.sandbox_port)])
        for kind in KINDS:
            self.begin(kind)
        self.wait_until(lambda: ask(f"{self.sandbox}/_sandbox/health") is not None)
        self.wait_until(lambda: ask(f"{self.url}/readyz") is not None)

    def command(self, *words):
        """Run one command of the hub; returns what it printed."""
        done = subprocess.run(
            [sys.executable, "-m", "hubbub", *words],
            env=self.environment,
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
        )
        if done.returncode:
            raise RuntimeError(f"hubbub {words[0]}: {done.stderr}{done.stdout}")
        return done.stdout

    def begin(self, kind, die_at=""):
        """Start a process; with ``die_at`` it kills itself at that step."""
        more = {"HUBBUB_DIE_AT": die_at} if die_at else {}
        self._spawn(kind, [kind.partition("-")[0]], **more)

    def _spawn(self, kind, words, **more):
        with (self.folder / f"{kind}.log").open("ab") as log:
            self.running[kind] = subprocess.Popen(
                [sys.executable, "-m", "hubbub", *words],
                env={**self.environment, **more},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )

    def kill(self, kind):
        """Kill a process and whatever it started, with SIGKILL."""
        process = self.running[kind]
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()

    def dead(self, kind):
        """Whether a process has ended; granian's parent outlives its worker."""
        if kind == "web":
            return ask(f"{self.url}/healthz") is None
        return self.running[kind].poll() is not None

    def restart_valkey(self):
        process = self.valkey._process
        if process is not None:
            process.kill()
            process.wait()
        self.valkey.stop()
        self.valkey.start()

    def empty_valkey(self):
        with suppress(RedisError), make_redis(self.valkey.url) as client:
            client.flushall()

    def stop(self):
        for kind in [*KINDS, "sandbox"]:
            if kind in self.running:
                self.kill(kind)
        self.valkey.stop()

    @staticmethod
    def wait_until(true, seconds=30.0):
        end = time.monotonic() + seconds
        while not true():
            if time.monotonic() > end:
                raise TimeoutError("It did not come about.")
            time.sleep(0.1)


def ask(url, body=None, headers=None, method=None, timeout=15):
    """Return the JSON of an answer, or None when there was none or it was no success."""
    data = None if body is None else body if isinstance(body, bytes) else json.dumps(body).encode()
    request = urllib.request.Request(
        url, data, {"content-type": "application/json", **(headers or {})}, method=method
    )
    try:
        with urllib.request.urlopen(request, timeout=timeout) as answer:
            return json.loads(answer.read() or b"{}")
    except (OSError, ValueError):
        return None


def status_of(url, body, headers):
    """Return the status of an answer to a POST; 0 when there was none."""
    request = urllib.request.Request(url, body, headers)
    try:
        with urllib.request.urlopen(request, timeout=15) as answer:
            return answer.status
    except urllib.error.HTTPError as error:
        return error.code
    except OSError:
        return 0


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]
