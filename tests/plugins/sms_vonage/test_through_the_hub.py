"""The channel through a whole hub: everything is real but Vonage."""

import io
import json
import logging
from typing import Any
from urllib.parse import urlencode

import pytest
from sqlalchemy.exc import OperationalError

from hubbub import process
from hubbub.connect import work as connect
from hubbub.deliver import work as deliver
from hubbub.deliver.actors import nudge_deliver
from hubbub.deliver.rules import Refused
from hubbub.receive.work import NotReleasable, replay
from hubbub.sdk import OutcomeUnknown, Text
from hubbub.store.session import make_engine, transaction
from tests.plugins.sms_vonage.conftest import (
    API_SECRET,
    APPLICATION,
    KEY,
    PAYLOADS,
    SIGNATURE_SECRET,
)
from tests.services.world import make_world

OURS, ADA = "+447700900000", "+447700900001"
SENT = "00000000-0000-4000-8000-000000000002"
TAKEN = (202, {"message_uuid": SENT})


class Hub:
    """A hub with one channel, and short words for what Vonage and the hub's people do."""

    def __init__(self, world, payload, signed, private_pem):
        self.world, self.payload, self._signed = world, payload, signed
        self._credentials = {
            "api_key": KEY,
            "api_secret": API_SECRET,
            "application_id": APPLICATION,
            "private_key": private_pem,
            "signature_secret": SIGNATURE_SECRET,
        }
        self.line: Any = None

    def open(self, **settings):
        self.in_order()
        channel_id = connect.create_channel(
            self.world.hub,
            type="sms_vonage",
            name="Shop",
            credentials=self._credentials,
            settings={"from_number": OURS, **settings},
            actor="cli",
        )
        self.line = self.world.line(channel_id)
        self.world.provider.answers.clear()
        self.world.provider.requests.clear()
        return self

    def open_legacy(self, **settings):
        self._credentials |= {"application_id": "", "private_key": "", "signature_secret": ""}
        return self.open(mode="sms_legacy", **settings)

    def in_order(self, balance=12.34):
        """Let Vonage answer what a check or a set-up asks."""
        application = json.loads(self.payload("application_200.json"))
        number = {
            "country": "GB",
            "msisdn": OURS[1:],
            "features": ["SMS"],
            "app_id": self._credentials["application_id"],
        }
        answers = {
            "/account/get-balance": {"value": balance},
            "/account/numbers": {"numbers": [number]},
            "/v2/applications/": application,
            "/number/update": {"error-code": "200"},
        }

        def answer(request):
            if request.method == "PUT":
                application.update(json.loads(request.body))
            return 200, next(body for path, body in answers.items() if path in request.url)

        self.world.provider.will(*[answer] * 6)

    def hear(self, body, *, signed=True, method="POST", query="", **claims):
        """Let Vonage call us, and do the work that follows; return status and body of our answer."""
        headers = self._signed(body=body, **claims).headers if signed else {}
        environ = {
            "REQUEST_METHOD": method,
            "PATH_INFO": f"/webhooks/{self.line.webhook_key}",
            "QUERY_STRING": query,
            "CONTENT_TYPE": "application/json",
            "CONTENT_LENGTH": str(len(body)),
            "wsgi.input": io.BytesIO(body),
            **{f"HTTP_{name.upper()}": headers[name] for name in headers if "type" not in name},
        }
        answered = []
        said = self.world.webhooks(environ, lambda status, fields: answered.append(status))
        self.world.work()
        return int(answered[0].split()[0]), b"".join(said)

    def tell(self, name, **changes):
        """Let Vonage tell what became of our last message."""
        asked = json.loads(self.world.provider.requests[-1].body)
        said = json.loads(self.payload(name)) | {"client_ref": asked["client_ref"]} | changes
        return self.hear(json.dumps(said).encode())

    def write(self, text, *answers):
        self.world.provider.will(*answers)
        with transaction(self.world.hub.engine) as db:
            conversation = deliver.start_conversation(
                self.world.hub, db, channel_id=self.line.id, address=ADA
            )
            deliver.submit(
                self.world.hub,
                db,
                conversation_id=conversation,
                content=Text(text=text),
                author="api:t",
            )
        nudge_deliver(self.world.hub)
        self.world.work()

    def inbound(self):
        rows = self.world.rows(
            "SELECT content FROM messages WHERE direction = 'inbound' ORDER BY seq"
        )
        return [json.loads(row["content"])["text"] for row in rows]

    def outbound(self):
        return self.world.one("SELECT * FROM messages WHERE direction = 'outbound'")

    def status(self):
        return self.outbound()["status"]

    def channel(self):
        return self.world.one("SELECT status, status_reason FROM channels")


@pytest.fixture
def world(make_settings, sqlite_url, fake_redis, tmp_path, signed):
    engine = make_engine(sqlite_url)
    settings = make_settings(public_url="https://hub.example.com")
    made = make_world(settings, engine, fake_redis, tmp_path, sections="[plugins.sms_vonage]\n")
    yield made
    process.stop_couriers()
    engine.dispose()


@pytest.fixture
def hub(world, payload, signed, private_pem):
    def timely(**more):
        return signed(**{"iat": int(world.clock.timestamp()), **more})

    return Hub(world, payload, timely, private_pem)


def message(name="message_text.json"):
    return (PAYLOADS / name).read_bytes()


def test_a_conversation(hub):
    hub.open()
    assert hub.channel()["status"] == "connected"
    assert hub.hear(message()) == (200, b"")
    assert hub.inbound() == ["Is it ready?"]
    hub.write("Yes, готово", TAKEN)
    (request,) = hub.world.provider.requests
    body = json.loads(request.body)
    reference = body.pop("client_ref")
    assert len(reference) == 26
    assert (request.method, request.url) == ("POST", "https://api.nexmo.com/v1/messages")
    assert request.headers["authorization"].startswith("Bearer ey")
    assert body == {
        "channel": "sms",
        "message_type": "text",
        "to": "447700900001",
        "from": "447700900000",
        "text": "Yes, готово",
        "webhook_url": f"https://hub.example.com/webhooks/{hub.line.webhook_key}",
        "webhook_version": "v1",
        "sms": {"encoding_type": "auto"},
    }
    assert (hub.status(), hub.outbound()["external_id"]) == ("sent", SENT)
    assert hub.tell("status_submitted.json") == (200, b"")
    assert hub.status() == "sent"
    assert hub.tell("status_delivered.json") == (200, b"")
    assert hub.status() == "delivered"
    assert len(hub.world.rows("SELECT id FROM conversations")) == 1


def test_the_set_up_enters_our_webhook_at_the_application(hub):
    hub.world.provider.requests.clear()
    hub.in_order()
    channel_id = connect.create_channel(
        hub.world.hub,
        type="sms_vonage",
        name="Shop",
        credentials=hub._credentials,
        settings={"from_number": OURS},
        actor="cli",
    )
    (put,) = [request for request in hub.world.provider.requests if request.method == "PUT"]
    webhooks = json.loads(put.body)["capabilities"]["messages"]["webhooks"]
    ours = hub.world.line(channel_id).connection.webhook_url
    assert {hook["address"] for hook in webhooks.values()} == {ours}


def test_conformance_1_and_2_what_is_not_proven_is_quarantined(hub):
    hub.open()
    assert hub.hear(message(), signed=False)[0] == 401
    assert hub.hear(message(), secret="x" * 39)[0] == 401
    assert hub.hear(message(), payload_hash="0" * 64)[0] == 401
    assert {row["state"] for row in hub.world.rows("SELECT state FROM calls")} == {"quarantined"}
    assert hub.inbound() == []


def test_a_call_is_released_once_the_secret_is_mended(hub):
    hub.open().hear(message(), secret="x" * 39)
    call = hub.world.one("SELECT id, state FROM calls")
    assert (call["state"], hub.inbound()) == ("quarantined", [])
    hub.in_order()
    change = connect.ChannelChange(credentials={"signature_secret": "x" * 39})
    connect.change_channel(hub.world.hub, hub.line.id, change, actor="cli")
    replay(hub.world.hub, call["id"])
    hub.world.work()
    assert hub.inbound() == ["Is it ready?"]


def test_a_call_that_came_unsigned_is_released_by_a_person_alone(hub):
    hub.open().hear(message(), signed=False)
    call = hub.world.one("SELECT id FROM calls")
    with pytest.raises(NotReleasable, match="not signed"):
        replay(hub.world.hub, call["id"])
    replay(hub.world.hub, call["id"], force=True)
    hub.world.work()
    assert hub.inbound() == ["Is it ready?"]


def test_no_secret_is_in_a_log_or_an_attempt(hub, private_pem, caplog, capsys):
    caplog.set_level(logging.DEBUG)
    hub.open().hear(message())
    hub.write("Ready", (401, json.loads(hub.payload("refused_401.json"))))
    assert hub.channel()["status"] == "error"
    kept = [
        row
        for table in ("attempts", "calls", "channels", "messages", "deliveries")
        for row in hub.world.rows(f"SELECT * FROM {table}")
    ]
    said = caplog.text + capsys.readouterr().out + repr([dict(row) for row in kept])
    assert "api.nexmo.com" in said
    for secret in (API_SECRET, SIGNATURE_SECRET, private_pem.splitlines()[1], "Bearer ey"):
        assert secret not in said


def test_conformance_4_the_same_message_twice_is_one(hub):
    hub.open()
    assert hub.hear(message()) == hub.hear(message(), jti="2") == (200, b"")
    assert hub.inbound() == ["Is it ready?"]
    (address,) = hub.world.rows("SELECT address FROM addresses")
    assert address["address"] == ADA


def test_conformance_5_the_sms_api_may_use_query_form_or_json(hub):
    hub.open_legacy()
    said = json.loads(message("legacy_message_text.json"))
    for number, way in enumerate(("query", "form", "json")):
        said["messageId"] = f"M{number}"
        form = urlencode(said)
        if way == "query":
            heard = hub.hear(b"", signed=False, method="GET", query=form)
        else:
            body = form if way == "form" else json.dumps(said)
            heard = hub.hear(body.encode(), signed=False)
        assert heard == (200, b"")
    assert hub.inbound() == ["Is it ready?"] * 3


def test_conformance_5_a_probe_is_answered_and_nothing_is_kept(hub):
    hub.open_legacy()
    assert hub.hear(b"", signed=False, method="GET") == (200, b"")
    assert hub.hear(b"{}", signed=False) == (200, b"")
    assert hub.world.rows("SELECT id FROM calls") == []


def test_conformance_7_receipts_out_of_order_never_go_back(hub):
    hub.open().write("Ready", TAKEN)
    for name in ("status_delivered.json", "status_submitted.json", "status_delivered.json"):
        hub.tell(name)
    assert hub.status() == "delivered"


def test_conformance_8_who_opted_out_is_marked_and_nothing_more_is_sent(hub):
    hub.open().write("Ready", TAKEN)
    hub.tell("status_rejected_1240.json")
    assert hub.status() == "failed"
    assert hub.world.one("SELECT state FROM addresses")["state"] == "opted_out"
    with pytest.raises(Refused):
        hub.write("Still there?")
    assert len(hub.world.provider.requests) == 1


def test_stop_and_start_of_the_customer_set_and_lift_the_mark(hub):
    hub.open().hear(message("message_stop.json"))
    assert hub.world.one("SELECT state FROM addresses")["state"] == "opted_out"
    hub.hear(message().replace(b"Is it ready?", b"START"))
    assert hub.world.one("SELECT state FROM addresses")["state"] == "ok"


def test_conformance_9_a_status_that_comes_before_the_answer_finds_its_message(hub):
    hub.open()

    def taken(request):
        said = json.loads(hub.payload("status_delivered.json"))
        said["client_ref"] = json.loads(request.body)["client_ref"]
        assert hub.hear(json.dumps(said).encode()) == (200, b"")
        return TAKEN

    hub.write("Ready", taken)
    assert hub.status() == "delivered"


def test_a_lost_answer_is_settled_by_the_status_and_not_sent_again(hub):
    hub.open().write("Ready", OutcomeUnknown("The connection broke."))
    assert hub.status() == "unknown"
    hub.tell("status_submitted.json")
    hub.world.pass_time(hours=1)
    assert (hub.status(), hub.outbound()["external_id"]) == ("sent", SENT)
    assert len(hub.world.provider.requests) == 1


def test_a_lost_answer_without_a_status_is_repeated_where_the_channel_says_so(hub):
    hub.open(unknown_outcome="resend").write("Ready", OutcomeUnknown("The connection broke."))
    again = (422, json.loads(hub.payload("refused_1320_422.json")))
    hub.world.provider.will(again)
    for _ in range(3):
        hub.world.pass_time(minutes=2)
    first, second = (json.loads(r.body)["client_ref"] for r in hub.world.provider.requests)
    assert first == second
    assert hub.status() == "sent"
    hub.tell("status_delivered.json")
    assert hub.status() == "delivered"


def test_conformance_10_throttling_pauses_every_conversation_and_uses_up_no_attempt(hub):
    hub.open().write("Ready", (429, json.loads(hub.payload("refused_429.json"))))
    assert hub.status() == "sending"
    assert hub.world.one("SELECT paused_until FROM channels")["paused_until"] is not None
    hub.world.provider.will(TAKEN)
    for _ in range(3):
        hub.world.pass_time(seconds=3)
    assert hub.status() == "sent"


def test_conformance_11_a_torn_text_is_shown_and_not_repeated(hub):
    partly = json.loads(message("legacy_sent_partly_200.json"))
    hub.open_legacy().write("a" * 161, (200, partly))
    hub.world.pass_time(hours=7)
    assert hub.status() == "failed"
    assert json.loads(hub.outbound()["error"])["code"] == "partly_sent"
    assert len(hub.world.provider.requests) == 1


def test_a_text_of_several_segments_is_delivered_with_its_last(hub):
    several = json.loads(message("legacy_sent_several_200.json"))
    hub.open_legacy().write("a" * 161, (200, several))
    form = hub.world.provider.requests[-1].body.decode()
    reference = form.partition("client-ref=")[2].partition("&")[0]
    receipt = json.loads(message("legacy_receipt_several_delivered.json"))
    for segment, status in (("A", "sent"), ("B", "delivered")):
        told = receipt | {"messageId": f"0A0000001234567{segment}", "client-ref": reference}
        hub.hear(json.dumps(told).encode(), signed=False)
        assert hub.status() == status


def test_conformance_13_without_credit_messages_wait_until_it_is_back(hub):
    hub.open().write("Ready", (402, json.loads(hub.payload("refused_402.json"))))
    assert hub.channel()["status"] == "error"
    assert "top it up" in hub.channel()["status_reason"]
    assert hub.status() == "sending"
    hub.in_order(balance=0)
    connect.check_channel(hub.world.hub, hub.line.id)
    assert "no credit" in hub.channel()["status_reason"]
    hub.world.provider.answers.clear()
    hub.in_order()
    connect.check_channel(hub.world.hub, hub.line.id)
    assert hub.channel()["status"] == "connected"
    hub.world.provider.answers.clear()
    hub.world.provider.will(TAKEN)
    hub.world.pass_time(seconds=5)
    assert hub.status() == "sent"


def test_conformance_15_what_cannot_be_kept_is_asked_for_again_and_kept_once(hub, monkeypatch):
    hub.open()
    with monkeypatch.context() as broken:

        def fail(*args):
            raise OperationalError("BEGIN", {}, Exception("down"))

        broken.setattr(hub.world.hub.engine, "connect", fail)
        broken.setattr(hub.world.hub.engine, "begin", fail)
        assert hub.hear(message())[0] == 503
    for _ in range(2):
        assert hub.hear(message())[0] == 200
    assert hub.inbound() == ["Is it ready?"]


PIECES = ("legacy_message_part_2.json", "legacy_message_part_1.json")


def test_conformance_6_pieces_in_any_order_are_one_message(hub):
    hub.open_legacy()
    for name in PIECES:
        assert hub.hear(message(name), signed=False)[0] == 200
    assert hub.inbound() == ["Is it ready?"]


def test_conformance_6_what_is_missing_in_time_is_marked(hub):
    hub.open_legacy(join_within_s=60)
    hub.hear(message(PIECES[0]), signed=False)
    hub.world.pass_time(seconds=59)
    assert hub.inbound() == []
    hub.world.pass_time(seconds=1)
    hub.hear(message(PIECES[1]), signed=False)
    assert hub.inbound() == ["[…]ready?"]
