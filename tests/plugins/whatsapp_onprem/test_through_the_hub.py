"""The channel through a whole hub: everything is real but the client."""

import io
import json

import pytest

from hubbub import process
from hubbub.connect import work as connect
from hubbub.connect.rules import open_connection
from hubbub.deliver import work as deliver
from hubbub.deliver.actors import nudge_deliver
from hubbub.deliver.rules import Refused
from hubbub.sdk import Text
from hubbub.store.session import make_engine, transaction
from tests.plugins.whatsapp_onprem.conftest import ANN, BASE, PASSWORD, PAYLOADS, RENEWED, USERNAME
from tests.services.world import make_world


class Hub:
    """A hub with one channel, and short words for what the client and the hub's people do."""

    def __init__(self, world):
        self.world = world
        self.world.provider.will(*[self._client] * 4)
        channel_id = connect.create_channel(
            world.hub,
            type="whatsapp_onpremise",
            name="Shop",
            credentials={"username": USERNAME, "password": PASSWORD},
            settings={"api_base": BASE},
            actor="cli",
        )
        self.line = world.line(channel_id)
        world.provider.answers.clear()
        world.provider.requests.clear()

    def _client(self, request):
        """Let the client answer what a set-up or a check asks."""
        path = request.url.rpartition("/v1/")[2]
        if path == "users/login":
            return 200, read("login_200")
        if path == "health":
            return 200, read("health_200")
        if request.method == "PATCH":
            self.url = json.loads(request.body)["webhooks"]["url"]
            return 200, {}
        return 200, {"settings": {"application": {"webhooks": {"url": self.url}}}}

    def hear(self, body, *, key=None, work=True):
        """Let somebody call us; return the status of our answer."""
        environ = {
            "REQUEST_METHOD": "POST",
            "PATH_INFO": f"/webhooks/{key or self.line.webhook_key}",
            "QUERY_STRING": "",
            "CONTENT_TYPE": "application/json",
            "CONTENT_LENGTH": str(len(body)),
            "wsgi.input": io.BytesIO(body),
        }
        answered = []
        list(self.world.webhooks(environ, lambda status, fields: answered.append(status)))
        if work:
            self.world.work()
        return int(answered[0].split()[0])

    def write(self, text, *answers):
        """Write to Ann."""
        self.world.provider.will(*answers)
        with transaction(self.world.hub.engine) as db:
            conversation = deliver.start_conversation(
                self.world.hub, db, channel_id=self.line.id, address=ANN
            )
            content = Text(text=text)
            deliver.submit(
                self.world.hub, db, conversation_id=conversation, content=content, author="api:t"
            )
        nudge_deliver(self.world.hub)
        self.world.work()

    def tell(self, status, **more):
        """Let the client tell what became of our message."""
        said = {"id": "gBGGTESTOUT0001", "status": status, "timestamp": "1795000010", **more}
        return self.hear(json.dumps({"statuses": [said]}).encode())

    def connection(self):
        return open_connection(self.world.hub, connect.find_channel(self.world.hub, self.line.id))

    def status(self):
        return self.world.one("SELECT status FROM messages WHERE direction = 'outbound'")["status"]

    def count(self, table):
        return self.world.one(f"SELECT COUNT(*) AS n FROM {table}")["n"]


def read(name):
    return json.loads((PAYLOADS / f"{name}.json").read_bytes())


def payload(name):
    return (PAYLOADS / f"{name}.json").read_bytes()


@pytest.fixture
def hub(make_settings, sqlite_url, fake_redis, tmp_path):
    engine = make_engine(sqlite_url)
    settings = make_settings(public_url="https://hub.example.com")
    sections = "[plugins.whatsapp_onprem]\n"
    yield Hub(make_world(settings, engine, fake_redis, tmp_path, sections=sections))
    process.stop_couriers()
    engine.dispose()


def test_the_token_of_a_login_is_kept_encrypted_and_used(hub):
    assert hub.connection().tokens == {"login": RENEWED}
    rows = hub.world.rows("SELECT * FROM channels")
    assert RENEWED not in str(rows)
    hub.hear(payload("message_text"))
    hub.write("Hello", (200, read("sent_200")))
    (request,) = hub.world.provider.requests
    assert request.headers["authorization"] == f"Bearer {RENEWED}"
    assert hub.line.redactor.text(f"It is {RENEWED}.") == "It is ***."


def test_a_changed_password_forgets_the_token_of_the_old_one(hub):
    hub.world.provider.will((503, {}))
    change = connect.ChannelChange(credentials={"password": "An0ther-Passw0rd"})
    connect.change_channel(hub.world.hub, hub.line.id, change, actor="cli")
    assert hub.connection().tokens == {}


def test_conformance_06_only_who_knows_the_address_is_heard(hub):
    assert hub.hear(payload("message_text"), key="a" * 32) == 404
    assert hub.count("calls") == 0
    assert hub.hear(payload("message_text"), work=False) == 200
    assert hub.count("calls") == 1  # kept, although no worker has looked at it


def test_conformance_07_a_call_delivered_twice_is_applied_once(hub):
    for _ in range(2):
        assert hub.hear(payload("batch_broken")) == 200
    rows = hub.world.rows("SELECT external_id FROM messages ORDER BY external_id")
    assert [row["external_id"] for row in rows] == ["IN1", "IN3"]


def test_conformance_15_a_status_that_comes_before_the_answer_waits_for_it(hub):
    hub.hear(payload("message_text"))

    def early(request):
        hub.hear(payload("status_delivered"), work=False)
        return 200, read("sent_200")

    hub.write("Hello", early)
    assert hub.status() == "delivered"


def test_conformance_15_delivered_beats_an_earlier_failed_and_deleted_changes_nothing(hub):
    hub.hear(payload("message_text"))
    hub.write("Hello", (200, read("sent_200")))
    hub.tell("failed", errors=[{"code": 500, "title": "Generic"}])
    assert hub.status() == "failed"
    hub.tell("delivered")
    assert hub.status() == "delivered"
    hub.tell("deleted")
    assert hub.status() == "delivered"


def test_without_a_message_within_a_day_only_templates_may_be_sent(hub):
    with pytest.raises(Refused):
        hub.write("Hello")


def test_a_token_that_is_renewed_in_the_middle_of_a_send_is_kept_for_the_next(hub):
    hub.hear(payload("message_text"))
    login = {"users": [{"token": "eyJ.another", "expires_after": "2026-12-24 10:00:00+00:00"}]}
    sent = (200, read("sent_200"))
    hub.write("Hello", (401, read("error_1005_401")), (200, login), sent)
    hub.world.provider.requests.clear()
    hub.write("Hello again", (200, {"messages": [{"id": "gBGGTESTOUT0002"}]}))
    (request,) = hub.world.provider.requests
    assert request.headers["authorization"] == "Bearer eyJ.another"
    assert hub.connection().facts["login_ends_at"] == "2026-12-24T10:00:00+00:00"
    assert "eyJ.another" not in str(hub.world.rows("SELECT * FROM channels"))
    assert "eyJ.another" not in str(hub.world.rows("SELECT * FROM attempts"))
