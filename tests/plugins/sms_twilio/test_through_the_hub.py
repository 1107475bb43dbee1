"""The conformance cases of the channel, by number, through a whole hub and the sandbox."""

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any
from urllib.parse import parse_qs, parse_qsl

import pytest
from twilio.request_validator import RequestValidator  # type: ignore[import-untyped]  # it has no types

from hubbub import process
from hubbub.connect import work as connect
from hubbub.deliver import work as deliver
from hubbub.deliver.actors import nudge_deliver
from hubbub.deliver.rules import Refused
from hubbub.sdk import Attachment, Choices, Headers, Media, Option, Text
from hubbub.store.session import make_engine, transaction
from hubbub_sms_twilio.source import TwilioLog
from tests.plugins.sms_twilio.conftest import PAYLOADS
from tests.services.world import make_world

SID = "AC" + "0" * 31 + "9"
SERVICE = "MG" + "0" * 31 + "1"
CREDENTIALS = {"account_sid": SID, "auth_token": "0123456789abcdef0123456789abcdef"}
OURS = "+12025550100"
SECOND = "+12025550101"
ADA = "+12065550107"
PICTURE = "iVBORw0KGgo="


@pytest.fixture
def phone(joined):
    """A channel with one number; nothing is told of its messages but what the test tells."""
    joined.control("rules", {"twilio_receipts": False}, method="PATCH")
    return joined.channel("sms_twilio", CREDENTIALS, from_number=OURS)


@pytest.fixture
def text(joined, phone):
    """Let a customer text, and the hub hear it."""

    def texted(body="Is it ready?", **more):
        told = joined.control(
            f"twilio/{SID}/messages", {"from": ADA, "to": OURS, "body": body, **more}
        )
        joined.heard()
        return told["sid"]

    return texted


@pytest.fixture
def tell(joined):
    """Let Twilio tell what became of our last message."""

    def told(*statuses, **more):
        sid = joined.sent()[-1]["external_id"]
        for status in statuses:
            joined.control(f"twilio/{SID}/receipts", {"sid": sid, "status": status, **more})
        joined.heard(len(statuses))

    return told


def contents(joined):
    read = (row["content"] for row in joined.inbound())
    return [json.loads(column) if isinstance(column, str) else column for column in read]


def state(joined):
    return joined.world.one("SELECT state FROM addresses")["state"]


def test_case_01_a_call_with_a_wrong_signature_is_quarantined(joined, phone):
    joined.fault("bad_signature", "webhook", times=1)
    joined.control(f"twilio/{SID}/messages", {"from": ADA, "to": OURS, "body": "Hi"})
    # The address that we registered asks for more tries.
    assert joined.heard(2) == [401, 200]
    states = joined.world.rows("SELECT state FROM calls ORDER BY state")
    assert [row["state"] for row in states] == ["done", "quarantined"]


class Proxied:
    """A hub behind a proxy that ends TLS: Twilio knows only the public address."""

    def __init__(self, world):
        self.world = world
        world.provider.will(*[self._twilio] * 3)
        channel_id = connect.create_channel(
            world.hub,
            type="sms_twilio",
            name="Shop",
            credentials=CREDENTIALS,
            settings={"from_number": "+15005550001"},
            actor="cli",
        )
        self.line = world.line(channel_id)

    def _twilio(self, request):
        name = "numbers_200" if "IncomingPhoneNumbers" in request.url else "account_200"
        return 200, (PAYLOADS / f"{name}.json").read_bytes()

    def called(self, name, query=""):
        """Let Twilio call the public address, and the proxy call the inner one."""
        body = (PAYLOADS / f"{name}.form").read_bytes()
        url = self.line.connection.webhook_url + (f"?{query}" if query else "")
        said = dict(parse_qsl(body.decode(), keep_blank_values=True))
        signature = RequestValidator(CREDENTIALS["auth_token"]).compute_signature(url, said)
        inner: dict[str, Any] = {
            "QUERY_STRING": query,
            "CONTENT_TYPE": "application/x-www-form-urlencoded",
            "wsgi.url_scheme": "http",
            "HTTP_HOST": "10.0.0.7:8080",
            "HTTP_X_FORWARDED_PROTO": "http",
            "HTTP_X_TWILIO_SIGNATURE": signature,
        }
        status, _ = self.world.call(self.line, body, **inner)
        self.world.work()
        return status

    def write(self, address, content):
        hub = self.world.hub
        with transaction(hub.engine) as db:
            told = deliver.start_conversation(hub, db, channel_id=self.line.id, address=address)
            deliver.submit(hub, db, conversation_id=told, content=content, author="api:t")
        nudge_deliver(hub)
        self.world.work()


@pytest.fixture
def proxied(make_settings, sqlite_url, fake_redis, tmp_path):
    engine = make_engine(sqlite_url)
    settings = make_settings(public_url="https://chat.example.com")
    world = make_world(settings, engine, fake_redis, tmp_path, sections="[plugins.sms_twilio]\n")
    yield Proxied(world)
    process.stop_couriers()
    engine.dispose()


def test_case_02_a_call_through_a_proxy_is_judged_by_the_public_address(proxied):
    assert proxied.line.connection.webhook_url.startswith("https://chat.example.com/")
    assert proxied.called("message_text") == 200
    assert len(proxied.world.rows("SELECT id FROM messages")) == 1


def test_case_08_a_status_that_comes_before_the_answer_finds_its_message(proxied):
    def created(request):
        (callback,) = parse_qs(request.body.decode())["StatusCallback"]
        assert proxied.called("status_delivered", callback.partition("?")[2].partition("#")[0])
        return 201, (PAYLOADS / "created_201.json").read_bytes()

    proxied.world.provider.will(created)
    proxied.write("+15005550006", Text(text="Ready at 5"))
    assert proxied.world.one("SELECT status FROM messages")["status"] == "delivered"


def test_case_03_a_parameter_that_nobody_knows_is_kept(joined, text):
    text(parameters={"Mood": "good"})
    assert b"Mood=good" in joined.world.one("SELECT body FROM calls")["body"]
    assert len(joined.inbound()) == 1


def test_case_05_nothing_is_sent_to_who_wrote(joined, text):
    text()
    assert contents(joined) == [{"type": "text", "text": "Is it ready?"}]
    assert joined.sent() == []


def test_case_06_the_same_message_twice_is_one(joined, text):
    sid = text()
    text(sid=sid)
    assert len(joined.inbound()) == 1


def test_case_07_a_picture_is_fetched_from_where_twilio_points(joined, text):
    text("Look", media=[{"data": PICTURE, "content_type": "image/png"}])
    joined.world.pass_time(seconds=5)
    media = joined.world.one("SELECT * FROM media")
    assert (media["state"], media["mime_type"]) == ("ready", "image/png")
    assert contents(joined)[0]["caption"] == "Look"


def test_case_09_receipts_out_of_order_never_go_back(joined, phone, text, tell):
    text()
    joined.write(phone, ADA, Text(text="Ready"))
    tell("delivered", "sent", "delivered")
    assert joined.statuses() == ["delivered"]


@pytest.mark.parametrize(("code", "marked"), [(30005, "gone"), (30003, "ok")])
def test_case_10_only_a_number_that_is_gone_is_marked(joined, phone, text, tell, *, code, marked):
    text()
    joined.write(phone, ADA, Text(text="Ready"))
    tell("undelivered", error_code=code)
    assert joined.statuses() == ["failed"]
    assert state(joined) == marked


def test_case_11_a_refusal_for_stop_sets_the_mark_and_nothing_more_is_sent(joined, phone, text):
    text()
    joined.fault("status", "Messages.create", status=400, code=21610, times=1)
    joined.write(phone, ADA, Text(text="Ready"))
    assert (joined.statuses(), state(joined)) == (["failed"], "opted_out")
    with pytest.raises(Refused):
        joined.write(phone, ADA, Text(text="Still there?"))
    joined.world.pass_time(hours=7)
    assert joined.sent() == []


def test_stop_and_start_of_the_customer_set_and_lift_the_mark(joined, phone, text):
    text("Stop.")
    assert state(joined) == "opted_out"
    with pytest.raises(Refused):
        joined.write(phone, ADA, Text(text="Ready"))
    text("START")
    assert state(joined) == "ok"
    joined.write(phone, ADA, Text(text="Ready"))
    assert [line["text"] for line in joined.sent()] == ["Ready"]
    # What they texted is there for people to see.
    assert [content["text"] for content in contents(joined)] == ["Stop.", "START"]


def test_a_stop_within_a_sentence_is_only_a_message(joined, text):
    text("Please stop by at 5")
    assert state(joined) == "ok"


def test_help_changes_nothing_and_is_answered_by_nobody(joined, text):
    text("HELP", parameters={"OptOutType": "HELP"})
    assert (state(joined), joined.sent()) == ("ok", [])
    assert contents(joined) == [{"type": "text", "text": "HELP"}]


def test_case_12_too_many_requests_pause_until_one_is_taken(joined, phone, text):
    text()
    joined.fault("rate_limit", "Messages.create", retry_after=2, times=2)
    joined.write(phone, ADA, Text(text="Ready"))
    assert joined.sent() == []
    for _ in range(3):
        joined.world.pass_time(seconds=3)
    assert [line["text"] for line in joined.sent()] == ["Ready"]
    assert joined.statuses() == ["sent"]


def test_case_13_refused_credentials_stop_the_channel_until_they_are_mended(joined, phone, text):
    text()
    joined.fault("token_revoked", "Messages.create", times=1)
    joined.write(phone, ADA, Text(text="Ready"))
    assert joined.world.one("SELECT status FROM channels")["status"] == "error"
    joined.world.pass_time(minutes=5)
    assert (joined.sent(), joined.statuses()) == ([], ["sending"])
    connect.check_channel(joined.world.hub, phone.id)
    joined.world.pass_time(seconds=5)
    assert joined.world.one("SELECT status FROM channels")["status"] == "connected"
    assert ([line["text"] for line in joined.sent()], joined.statuses()) == (["Ready"], ["sent"])


def test_case_14_a_text_of_1601_characters_is_two_messages_in_order(joined, phone, text):
    text()
    words = " ".join("wörd" for _ in range(321))[:1601]
    joined.write(phone, ADA, Text(text=words))
    joined.world.pass_time(seconds=2)
    texts = [line["text"] for line in joined.sent()]
    assert len(texts) == 2
    assert " ".join(texts) == words.rstrip()


def test_case_15_a_lost_answer_is_settled_by_the_callback_and_not_sent_again(
    joined, phone, text, tell
):
    text()
    joined.fault("drop_after_accept", "Messages.create", times=1)
    joined.write(phone, ADA, Text(text="Ready"))
    assert joined.statuses() == ["unknown"]
    tell("delivered")
    joined.world.pass_time(hours=1)
    assert joined.statuses() == ["delivered"]
    assert len(joined.sent()) == 1


def test_a_lost_answer_without_a_callback_is_settled_by_the_log_of_messages(joined, phone, text):
    text()
    joined.world.clock.now = datetime.now(UTC)
    joined.fault("drop_after_accept", "Messages.create", times=1)
    joined.write(phone, ADA, Text(text="Ready"))
    joined.world.pass_time(minutes=2)
    assert joined.statuses() == ["sent"]
    assert len(joined.sent()) == 1


def test_a_message_that_never_reached_us_is_found_in_the_log(joined, phone):
    joined.fault("drop_before", "webhook", times=1)
    media = [{"data": PICTURE, "content_type": "image/png"}]
    message = {"from": ADA, "to": OURS, "body": "Lost?", "media": media}
    joined.control(f"twilio/{SID}/messages", message)
    before = datetime.now(UTC) - timedelta(minutes=1)
    polled = joined.look(phone, TwilioLog(), before.isoformat())
    assert [content["caption"] for content in contents(joined)] == ["Lost?"]
    joined.world.pass_time(seconds=5)
    assert joined.world.one("SELECT state FROM media")["state"] == "ready"
    joined.look(phone, TwilioLog(), before.isoformat())
    assert len(joined.inbound()) == 1
    assert polled.rest == timedelta(minutes=15)


def test_the_hub_has_the_log_for_a_source(joined):
    assert [type(s) for s in joined.world.hub.plugins.sources if s.type == "sms_twilio"] == [
        TwilioLog
    ]


def test_what_reached_us_is_not_doubled_by_the_log(joined, phone, text):
    text("Hi", media=[{"data": PICTURE, "content_type": "image/png"}] * 2)
    before = datetime.now(UTC) - timedelta(minutes=1)
    joined.look(phone, TwilioLog(), before.isoformat())
    assert len(joined.inbound()) == 2
    calls = joined.world.rows("SELECT duplicate FROM calls ORDER BY id")
    assert [row["duplicate"] for row in calls] == [0, 2]


def test_a_receipt_that_never_came_is_found_in_the_log(joined, phone, text, tell):
    text()
    joined.write(phone, ADA, Text(text="Ready"))
    joined.fault("drop_before", "receipt", times=1)
    sid = joined.sent()[-1]["external_id"]
    joined.control(f"twilio/{SID}/receipts", {"sid": sid, "status": "delivered"})
    six_hours_on = datetime.now(UTC) + timedelta(hours=6)
    joined.look(phone, TwilioLog(), (six_hours_on - timedelta(minutes=30)).isoformat())
    assert joined.statuses() == ["sent"]
    joined.look(phone, _Later(hours=6), (six_hours_on - timedelta(minutes=30)).isoformat())
    assert joined.statuses() == ["delivered"]


class _Later:
    """The log, as it is looked at some time later: its answers are dated so."""

    def __init__(self, **later):
        self._later = timedelta(**later)

    def cycle(self, connection, cursor):
        exchange = TwilioLog().cycle(connection, cursor)
        request = next(exchange)
        date = format_datetime(datetime.now(UTC) + self._later, usegmt=True)
        while True:
            response = yield request
            dated = replace(response, headers=Headers({**response.headers, "date": date}))
            try:
                request = exchange.send(dated)
            except StopIteration as stop:
                return stop.value


def test_a_picture_goes_out_as_mms(joined, phone, text):
    text()
    picture = Media(url="https://shop.example/cup.png", mime_type="image/png")
    joined.write(phone, ADA, Attachment(type="image", media=picture, caption="Blue"))
    (sent,) = joined.sent()
    assert sent["params"]["MediaUrl"] == "https://shop.example/cup.png"
    assert sent["params"]["Body"] == "Blue"


def test_options_are_a_numbered_menu_and_come_back_as_a_choice(joined, phone, text):
    text()
    options = (Option(id="s", title="Small"), Option(id="l", title="Large"))
    joined.write(phone, ADA, Choices(text="Which?", options=options))
    assert joined.sent()[-1]["text"] == "Which?\n\n1. Small\n2. Large"
    text("2")
    assert contents(joined)[-1] == {"type": "choice", "id": "l", "title": "Large"}


def test_a_service_answers_from_the_number_that_was_written_to(joined):
    joined.control("rules", {"twilio_receipts": False}, method="PATCH")
    numbers = {"sid": SID, "numbers": [OURS, SECOND]}
    services = {"services": [{"sid": SERVICE, "numbers": [OURS, SECOND]}]}
    joined.control("accounts", {**numbers, **services, "auth_token": CREDENTIALS["auth_token"]})
    line = joined.channel("sms_twilio", CREDENTIALS, messaging_service_sid=SERVICE)
    joined.control(f"twilio/{SID}/messages", {"from": ADA, "to": SECOND, "body": "Hi"})
    joined.heard()
    joined.write(line, ADA, Text(text="Hello"))
    (sent,) = joined.sent()
    assert (sent["params"]["From"], sent["params"]["MessagingServiceSid"]) == (SECOND, SERVICE)
