"""Run a whole hub as people do, in processes of its own that can be killed one by one."""

import os
import random
import signal
import subprocess
import sys
import threading
from contextlib import contextmanager

from hubbub.hub import Hub
from hubbub.settings import Settings
from hubbub.store.migrate import migrate
from hubbub.store.session import reading
from hubbub.system import free_port
from tests.services.processes import kill

_KEY = "a key for tests alone"
_PLUGINS = "[plugins.inbox]\n[plugins.keyword]\n[plugins.webchat]\n"
#: Windows that hear at once, each of which is a stream: few, so that tests can fill the room.
STREAMS = 80
#: Seconds until it is given up: it may start beside many other tests.
_START_LIMIT = 120


class Whole:
    """A hub that runs. ``hub`` looks into its database from here."""

    def __init__(self, process, hub, url):
        self._process, self.hub, self.url = process, hub, url

    def kill(self, name):
        """End a process of it by SIGKILL; the hub has to see to another one."""
        kill(self._process.pid, name)

    def line(self, channel_id):
        with reading(self.hub.engine) as db:
            return self.hub.directory.usable(db, channel_id)


@contextmanager
def whole_hub(folder, prepare):
    """Run a hub on an SQLite file in ``folder``; ``prepare`` is given it before that starts."""
    folder.mkdir(exist_ok=True)
    (folder / "plugins.toml").write_text(_PLUGINS)
    port = free_port("127.0.0.1", wanted=random.randrange(20_000, 32_000))
    settings = Settings.read(
        data_dir=folder,
        secret_key=_KEY,
        plugins_file=folder / "plugins.toml",
        port=port,
    )
    hub = Hub.make(settings)
    migrate(hub.engine)
    prepare(hub)
    with (folder / "log").open("w") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "hubbub", "up"],
            env={
                **os.environ,
                "PYTHONPATH": ":".join(sys.path),
                "HUBBUB_DATA_DIR": str(folder),
                "HUBBUB_SECRET_KEY": _KEY,
                "HUBBUB_PLUGINS_FILE": str(settings.plugins_file),
                "HUBBUB_PORT": str(port),
                "HUBBUB_STREAMS": str(STREAMS),
                # So that each visitor may come from elsewhere.
                "HUBBUB_TRUSTED_PROXIES": "127.0.0.1/32",
            },
            stdout=subprocess.PIPE,
            stderr=log,
            text=True,
        )
    guard = threading.Timer(_START_LIMIT, process.kill)
    guard.start()
    try:
        said = process.stdout.readline() if process.stdout else ""
        assert "ready" in said, (folder / "log").read_text()[-2000:]
        guard.cancel()
        yield Whole(process, hub, f"http://127.0.0.1:{port}")
    finally:
        guard.cancel()
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=60)
        hub.engine.dispose()
        hub.redis.close()
