"""Give channel types a hub that is joined to the sandbox: all is real but the workers' processes."""

import ipaddress
import threading
from collections.abc import Callable
from contextlib import contextmanager
from typing import Any
from wsgiref.simple_server import WSGIRequestHandler, make_server

import pytest
from hypothesis import settings as hypothesis_settings

from hubbub import process
from hubbub.connect import work as connect
from hubbub.deliver import work as deliver
from hubbub.deliver.actors import nudge_deliver
from hubbub.guard import Guard
from hubbub.receive.work import keep_polled
from hubbub.sandbox import SandboxConfig, live
from hubbub.sdk import HttpRequest, Polled
from hubbub.store.session import make_engine, transaction
from hubbub.transport import HttpTransport
from tests.services.world import make_world

LOOPBACK = (ipaddress.ip_network("127.0.0.0/8"),)
PLUGINS = "".join(
    f"[plugins.{name}]\n"
    for name in (
        "telegram",
        "sms_twilio",
        "sms_gateway",
        "sms_vonage",
        "whatsapp_cloud",
        "messenger",
        "whatsapp_onprem",
        "sms_smpp",
    )
)
#: Below which path of the sandbox a type has its provider.
PROVIDERS = {
    "telegram": "telegram",
    "sms_twilio": "twilio",
    "sms_vonage": "vonage",
    "whatsapp_cloud": "whatsapp",
    "messenger": "messenger",
    "whatsapp_onpremise": "onprem",
}
PATIENCE = 30
# How long an example takes says only how busy the machine is.
hypothesis_settings.register_profile("busy machine", deadline=None)
hypothesis_settings.load_profile("busy machine")


class Joined:
    """A hub, the sandbox it talks to, and short words for what tests do with both."""

    def __init__(self, world, sandbox):
        self.world = world
        self.sandbox = sandbox
        self.http = sandbox.app.test_client()
        self._seen = 0

    def channel(self, kind, credentials, **settings):
        """Add a channel that lives in the sandbox; return it."""
        base = f"{self.sandbox.url}/{PROVIDERS[kind]}"
        channel_id = connect.create_channel(
            self.world.hub,
            type=kind,
            name="Shop",
            credentials=credentials,
            settings={"api_base": base, **settings},
            actor="cli",
        )
        return self.world.line(channel_id)

    def control(self, path, body=None, *, method="POST"):
        """Steer the sandbox."""
        answer = self.http.open(f"/_sandbox/{path}", method=method, json=body)
        assert answer.status_code < 300, answer.text
        return answer.json

    def fault(self, kind, operation, **more):
        self.control("faults", {"kind": kind, "operation": operation, **more})

    def heard(self, calls=1):
        """Wait until the sandbox made so many more calls, and do the work that follows."""
        answers: list[int] = []
        while len(answers) < calls:
            query = {"since": self._seen, "wait": PATIENCE}
            found = self.http.get("/_sandbox/calls", query_string=query).json
            assert found["items"], f"Only {len(answers)} of {calls} calls came."
            answers += [item["status"] for item in found["items"]]
            self._seen = found["next"]
        self.world.pass_time(seconds=1)
        return answers

    def write(self, line, address, *contents):
        """Write to somebody, and carry it out."""
        for content in contents:
            with transaction(self.world.hub.engine) as db:
                conversation = deliver.start_conversation(
                    self.world.hub, db, channel_id=line.id, address=address
                )
                deliver.submit(
                    self.world.hub,
                    db,
                    conversation_id=conversation,
                    content=content,
                    author="api:t",
                )
        nudge_deliver(self.world.hub)
        self.world.work()

    def sent(self, **query):
        """Return what arrived at the sandbox."""
        return self.http.get("/_sandbox/outbound", query_string=query).json["items"]

    def inbound(self):
        return self.world.rows("SELECT * FROM messages WHERE direction = 'inbound' ORDER BY seq")

    def statuses(self):
        rows = self.world.rows(
            "SELECT status FROM messages WHERE direction = 'outbound' ORDER BY id"
        )
        return [row["status"] for row in rows]

    def look(self, line, source, cursor):
        """Make one round of a source, keep what it brought, and do the work that follows."""
        exchange = source.cycle(line.connection, cursor)
        request = next(exchange)
        while True:
            response = self.world.hub.http.perform(request, files=None)
            try:
                request = exchange.send(response)
            except StopIteration as stop:
                polled: Polled = stop.value
                break
        keep_polled(self.world.hub, line, polled)
        self.world.work()
        return polled


@pytest.fixture(scope="session")
def drive() -> Callable[..., tuple[list[HttpRequest], Any]]:
    """Return a runner of exchanges: it hands over the answers, and all of them must be asked for."""

    def run(exchange, *answers):
        requests = []
        waiting = list(answers)
        try:
            requests.append(next(exchange))
            while True:
                requests.append(exchange.send(waiting.pop(0)))
        except StopIteration as stop:
            assert not waiting, f"{len(waiting)} answers were not asked for"
            return requests, stop.value

    return run


@pytest.fixture
def joined(make_settings, sqlite_url, fake_redis, tmp_path):
    """A hub and a sandbox that reach each other over loopback."""
    engine = make_engine(sqlite_url)
    with _web() as server, live(SandboxConfig(retry_base=0.001)) as sandbox:
        settings = make_settings(public_url=f"http://127.0.0.1:{server.server_port}")
        world = make_world(settings, engine, fake_redis, tmp_path, sections=PLUGINS)
        world.hub.http = HttpTransport(Guard(LOOPBACK))
        server.set_app(world.webhooks)
        yield Joined(world, sandbox)
        process.stop_couriers()
        world.hub.http.close()
    engine.dispose()


class _Quiet(WSGIRequestHandler):
    def log_message(self, format, *args):
        """Say nothing."""


@contextmanager
def _web():
    server = make_server("127.0.0.1", 0, lambda environ, start: [], handler_class=_Quiet)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    yield server
    server.shutdown()
    server.server_close()
    thread.join()
