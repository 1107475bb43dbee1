"""The worked example is a package like any other: packed, and installed beside the hub.

Its own tests run with these (``testpaths`` in pyproject.toml).
"""

import base64
import hashlib
import hmac
import json
import os
import queue
import select
import subprocess
import sys
import sysconfig
import threading
import venv
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.request import Request, urlopen

import pytest
from hatchling.builders.wheel import WheelBuilder

from hubbub.system import free_port
from tests.services.peers import serve

__all__ = ["serve"]
ROOT = Path(__file__).parents[2]
EXAMPLE = ROOT / "examples/hubbub-line"
ADA, SECRET = "U" + "a" * 32, "0c" * 16
SENT = {"sentMessages": [{"id": "461230966842064897", "quoteToken": "IStG5h1Tz7b"}]}
ASKED: dict[str, Any] = {
    "type": "message",
    "mode": "active",
    "timestamp": 1767268800000,
    "source": {"type": "user", "userId": ADA},
    "webhookEventId": "01KDW000000000000000000001",
    "deliveryContext": {"isRedelivery": False},
    "replyToken": "nHuyWiB7yP5Zw52FIkcQobQuGDXCTA",
    "message": {"id": "468789577898262501", "type": "text", "text": "Is it ready? 🍎"},
}


def run(*command, cwd, **variables):
    return subprocess.run(
        command,
        cwd=cwd,
        env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1", **variables},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


@pytest.fixture(scope="module")
def installed(tmp_path_factory):
    """A new environment with the wheels of the hub and the example; return its folder."""
    folder = tmp_path_factory.mktemp("installed")
    wheels = [
        *WheelBuilder(str(ROOT)).build(directory=str(folder), versions=["standard"]),
        *WheelBuilder(str(EXAMPLE)).build(directory=str(folder), versions=["standard"]),
    ]
    venv.create(folder / "venv")
    python = folder / "venv/bin/python"
    pip = (sys.executable, "-m", "pip", "--python", str(python), "install", "--no-deps")
    done = run(*pip, "--no-index", "--no-compile", *wheels, cwd=folder)
    assert done.returncode == 0, done.stderr
    # What the hub depends on is borrowed; what is installed there itself comes first.
    found = run(
        str(python), "-c", "import sysconfig as s; print(s.get_path('purelib'))", cwd=folder
    )
    borrowed = Path(found.stdout.strip()) / "borrowed.pth"
    borrowed.write_text(sysconfig.get_path("purelib"))
    (folder / "plugins.toml").write_text("")
    return folder


def test_the_wheels_install_side_by_side_and_the_hub_loads_the_example(installed):
    hubbub = str(installed / "venv/bin/hubbub")
    where = {"HUBBUB_PLUGINS_FILE": str(installed / "plugins.toml")}
    assert run(hubbub, "plugins", "enable", "line", cwd=installed, **where).returncode == 0
    listed = run(hubbub, "plugins", "--json", cwd=installed, **where)
    (line,) = [one for one in json.loads(listed.stdout) if one["name"] == "line"]
    assert (line["state"], line["channel_types"]) == ("loaded", ["line"])
    assert (line["distribution"], line["version"]) == ("hubbub-line", "0.1.0")


def test_what_runs_there_is_what_was_installed_there(installed):
    code = "import hubbub, hubbub_line; print(hubbub.__file__); print(hubbub_line.__file__)"
    shown = run(str(installed / "venv/bin/python"), "-c", code, cwd=installed)
    paths = shown.stdout.split()
    assert len(paths) == 2
    assert all(Path(path).is_relative_to(installed) for path in paths)


def test_the_installed_hub_makes_new_packages(installed):
    made = run(str(installed / "venv/bin/hubbub"), "plugins", "new", "carrier", cwd=installed)
    assert made.returncode == 0, made.stderr
    assert (installed / "carrier/hubbub_carrier/channel.py").exists()


# --- end to end ------------------------------------------------------------------------------


class Line:
    """LINE, as far as the example asks it: it remembers the webhook and what was pushed."""

    def __init__(self, serve):
        self.endpoint = ""
        self.pushed: queue.Queue[Any] = queue.Queue()
        self.url = serve(self._answer).url("")

    def _answer(self, peer):
        while True:
            head, body = peer.request()
            method, path = head.decode().split(" ")[:2]
            peer.answer(json.dumps(self._said(method, path, head.decode(), body)).encode())

    def _said(self, method, path, head, body):
        if path == "/v2/bot/info":
            return {"displayName": "Our shop", "basicId": "@216ru"}
        if path == "/v2/bot/message/push":
            self.pushed.put((head.lower(), json.loads(body)))
            return SENT
        assert path == "/v2/bot/channel/webhook/endpoint", path
        if method == "PUT":
            self.endpoint = json.loads(body)["endpoint"]
        return {"endpoint": self.endpoint, "active": True}

    def tells(self, *events):
        """Call the hub's webhook; return the status of its answer."""
        body = json.dumps({"destination": "U" + "b" * 32, "events": events}).encode()
        mark = base64.b64encode(hmac.new(SECRET.encode(), body, hashlib.sha256).digest())
        headers = {"x-line-signature": mark.decode(), "content-type": "application/json"}
        with urlopen(Request(self.endpoint, body, headers), timeout=10) as answer:
            return answer.status


@contextmanager
def running(folder, plugins_file):
    """Run the installed hub with its plugins; give a caller of its API."""
    port = free_port("127.0.0.1", wanted=0)
    hubbub = str(folder / "venv/bin/hubbub")
    where = {
        "HUBBUB_DATA_DIR": str(folder / "var"),
        "HUBBUB_PLUGINS_FILE": str(plugins_file),
        "HUBBUB_ALLOW_PRIVATE_NETWORKS": "127.0.0.0/8",
    }
    process = subprocess.Popen(
        [hubbub, "up", "--port", str(port)],
        cwd=folder,
        env={**os.environ, **where},
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    guard = threading.Timer(60, process.kill)
    guard.start()
    try:
        assert process.stdout
        assert "ready" in process.stdout.readline()
        token = run(hubbub, "token", "create", "--name", "test", cwd=folder, **where).stdout.strip()

        def api(path, body=None):
            data = None if body is None else json.dumps(body).encode()
            headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
            url = f"http://127.0.0.1:{port}/api/v1{path}"
            with urlopen(Request(url, data, headers), timeout=20) as answer:
                return json.load(answer)

        yield api
    finally:
        guard.cancel()
        process.terminate()
        process.communicate(timeout=30)


def until(look):
    """Look until there is something to see; return it."""
    for _ in range(400):
        if found := look():
            return found
        select.select([], [], [], 0.05)
    raise AssertionError("It did not happen.")


def test_the_installed_hub_holds_a_conversation_over_the_example(installed, serve):
    plugins_file = installed / "line.toml"
    plugins_file.write_text("[plugins.line]\n[plugins.inbox]\n")
    line = Line(serve)
    with running(installed, plugins_file) as api:
        credentials = {"channel_secret": SECRET, "channel_access_token": "token-of-our-shop"}
        about = {"type": "line", "name": "Shop", "settings": {"api_base": line.url}}
        channel = api("/channels", about | {"credentials": credentials})
        assert (channel["status"], channel["webhook_url"]) == ("connected", line.endpoint)

        assert line.tells(ASKED) == 200
        (asked,) = until(lambda: api("/messages?direction=inbound")["items"])
        assert asked["content"] == {"type": "text", "text": "Is it ready? 🍎"}
        assert asked["sender"]["address"] == ADA
        assert asked["external_id"] == ASKED["message"]["id"]

        content = {"type": "text", "text": "Yes, come in"}
        body = {"conversation_id": asked["conversation_id"], "content": content}
        message = api("/messages", body)
        head, pushed = line.pushed.get(timeout=20)
        assert pushed == {"to": ADA, "messages": [{"type": "text", "text": "Yes, come in"}]}
        assert "authorization: bearer token-of-our-shop" in head
        assert "x-line-retry-key: " in head
        shown = until(lambda: api(f"/messages?status=sent&channel_id={channel['id']}")["items"])
        assert [(one["id"], one["external_id"]) for one in shown] == [
            (message["id"], SENT["sentMessages"][0]["id"])
        ]
    assert line.pushed.empty()
