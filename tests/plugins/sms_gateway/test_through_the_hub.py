"""The channel through a whole hub: everything is real but the gateway."""

import io
import json
import logging
from typing import Any
from urllib.parse import quote

import pytest
from werkzeug.datastructures import FileStorage

from hubbub import process
from hubbub.api.media import store_upload
from hubbub.connect import work as connect
from hubbub.deliver import work as deliver
from hubbub.deliver.actors import nudge_deliver
from hubbub.deliver.rules import Refused
from hubbub.receive.work import replay
from hubbub.sdk import Attachment, Email, Media, OutcomeUnknown, Text
from hubbub.store.session import make_engine, transaction
from tests.plugins.sms_gateway.conftest import PAYLOADS
from tests.services.world import make_world

ADA, OURS = "+447700900123", "12345"
KNOWN = (400, b"Missing receiver(s) number(s), rejected")
TAKEN = (202, b"0: Accepted for delivery")
MESSAGE = f"token=inbound-canary&id=m1&from=%2B447700900123&to={OURS}&text=Ready%3F&coding=0"
CREDENTIALS = {
    "username": "chatapp",
    "password": "password-canary",
    "inbound_token": "inbound-canary",
}


class Hub:
    """A hub with one channel, and short words for what its gateway and its people do."""

    def __init__(self, world):
        self.world = world
        self.line: Any = None

    def open(self, preset="kannel", credentials=CREDENTIALS, *, known=KNOWN, **settings):
        self.world.provider.will(known)
        channel_id = connect.create_channel(
            self.world.hub,
            type="sms_gateway",
            name="Shop",
            credentials=credentials,
            settings={"preset": preset, "from_number": OURS, **settings},
            actor="cli",
        )
        self.world.provider.requests.clear()
        self.line = self.world.line(channel_id)
        return self

    def hear(self, query="", body=b"", content_type="", key=None, **headers):
        """Let the gateway call us, and do the work that follows; return what it hears."""
        environ = {
            "REQUEST_METHOD": "POST" if body else "GET",
            "PATH_INFO": f"/webhooks/{key or self.line.webhook_key}",
            "QUERY_STRING": query,
            "CONTENT_TYPE": content_type,
            "CONTENT_LENGTH": str(len(body)),
            "wsgi.input": io.BytesIO(body),
            **{f"HTTP_{name.upper()}": value for name, value in headers.items()},
        }
        answered = []
        said = self.world.webhooks(environ, lambda status, fields: answered.append(status))
        self.world.work()
        return int(answered[0].split()[0]), b"".join(said)

    def report(self, status, ans=""):
        """Call the address for reports of the last message, as Kannel does."""
        asked = self.world.provider.requests[-1].headers["x-kannel-dlr-url"]
        url = asked.replace("%d", str(status)).replace("%A", ans)
        for escape in ("%F", "%T", "%i"):
            url = url.replace(escape, "")
        return self.hear(url.partition("?")[2])

    def write(self, said, *answers, to=ADA):
        self.world.provider.will(*answers)
        with transaction(self.world.hub.engine) as db:
            conversation = deliver.start_conversation(
                self.world.hub, db, channel_id=self.line.id, address=to
            )
            deliver.submit(
                self.world.hub,
                db,
                conversation_id=conversation,
                content=Text(text=said) if isinstance(said, str) else said,
                author="api:t",
            )
        nudge_deliver(self.world.hub)
        self.world.work()

    def statuses(self):
        rows = self.world.rows(
            "SELECT status FROM messages WHERE direction = 'outbound' ORDER BY id"
        )
        return [row["status"] for row in rows]

    def inbound(self):
        rows = self.world.rows("SELECT content FROM messages WHERE direction = 'inbound'")
        return [json.loads(row["content"]).get("text") for row in rows]

    def status(self):
        return self.world.one("SELECT status FROM channels")["status"]


@pytest.fixture
def hub(make_settings, sqlite_url, fake_redis, tmp_path):
    engine = make_engine(sqlite_url)
    settings = make_settings(public_url="https://hub.example.com")
    world = make_world(settings, engine, fake_redis, tmp_path, sections="[plugins.sms_gateway]\n")
    yield Hub(world)
    process.stop_couriers()
    engine.dispose()


@pytest.mark.parametrize(
    ("said", "text"),
    [
        (lambda file: Attachment(type="image", media=file, caption="Our menu"), "Our menu\n"),
        (lambda file: Attachment(type="document", media=file), ""),
        (
            lambda file: Email(subject="Menu", text="As told", attachments=(file,)),
            "Menu\n\nAs told",
        ),
    ],
)
def test_an_uploaded_file_goes_as_a_link_that_whoever_has_it_may_follow(hub, said, text):
    hub.open()
    upload = FileStorage(io.BytesIO(b"\x89PNG\r\n\x1a\n"), "menu.png", content_type="image/png")
    row = store_upload(hub.world.hub, upload)
    hub.write(said(Media(id=row["id"])), TAKEN)
    (request,) = hub.world.provider.requests
    written = request.body.decode()
    assert written.startswith(text)
    assert f"https://hub.example.com/api/v1/media/{row['id']}?sig=" in written
    assert json.loads(hub.world.one("SELECT content FROM messages")["content"]).get("url") is None


def test_a_conversation_with_kannel(hub):
    hub.open()
    assert hub.status() == "connected"
    assert hub.hear(MESSAGE) == (200, b"")
    assert hub.inbound() == ["Ready?"]
    hub.write("Yes, готово", TAKEN)
    (request,) = hub.world.provider.requests
    reference = request.headers["x-kannel-dlr-url"].partition("ref=")[2].partition("&")[0]
    assert len(reference) == 26
    assert (request.method, request.url) == ("POST", "http://127.0.0.1:13013/cgi-bin/sendsms")
    assert request.headers == {
        "content-type": "text/plain; charset=utf-8",
        "x-kannel-username": "chatapp",
        "x-kannel-password": "password-canary",
        "x-kannel-from": OURS,
        "x-kannel-to": ADA,
        "x-kannel-coding": "2",
        "x-kannel-dlr-mask": "31",
        "x-kannel-dlr-url": f"{hub.line.connection.webhook_url}?hubbub_ref={reference}"
        f"&token={hub.line.connection.webhook_secret}"
        "&status=%d&ans=%A&foreign=%F&ts=%T&smsc=%i",
    }
    assert request.body == "Yes, готово".encode()
    assert hub.statuses() == ["sent"]
    assert hub.report(8, "ACK%2F") == (200, b"")
    assert hub.statuses() == ["sent"]
    hub.report(1)
    assert hub.statuses() == ["delivered"]


@pytest.mark.parametrize("order", [(8, 1), (1, 8), (1, 8, 1, 4)])
def test_conformance_3_receipts_come_in_any_order(hub, order):
    hub.open().write("Ready", TAKEN)
    for status in order:
        hub.report(status)
    assert hub.statuses() == ["delivered"]


def test_conformance_4_an_expired_message_failed_and_may_be_sent_again(hub):
    hub.open().write("Ready", TAKEN)
    hub.report(34, "stat%3AEXPIRED")
    (row,) = hub.world.rows("SELECT status, error FROM messages")
    error = json.loads(row["error"])
    assert (row["status"], error["code"], error["retryable"]) == ("failed", "expired", True)


def test_conformance_6_the_same_message_twice_is_one(hub):
    hub.open()
    for _ in range(2):
        assert hub.hear(MESSAGE) == (200, b"")
    assert hub.inbound() == ["Ready?"]


def test_conformance_9_refused_credentials_stop_the_channel_and_no_message_is_lost(hub):
    hub.open().write("Ready", (403, b"Authorization failed for sendsms"))
    assert (hub.status(), hub.statuses()) == ("error", ["sending"])
    hub.world.provider.will(KNOWN, TAKEN)
    connect.check_channel(hub.world.hub, hub.line.id)
    hub.world.pass_time(seconds=5)
    assert (hub.status(), hub.statuses()) == ("connected", ["sent"])


def test_conformance_9_what_has_no_route_fails_alone(hub):
    hub.open().write("Ready", (403, b"Not routable. Do not try again."))
    assert (hub.status(), hub.statuses()) == ("connected", ["failed"])


def test_conformance_10_a_denied_status_page_is_an_error(hub):
    hub.world.provider.will(KNOWN)
    hub.open(known=(200, b"Denied"), status_page="http://127.0.0.1:13000")
    assert hub.status() == "error"


def test_conformance_12_a_wrong_address_is_unknown_and_keeps_nothing(hub):
    hub.open()
    assert hub.hear(MESSAGE, key="x" * 32)[0] == 404
    assert hub.world.rows("SELECT id FROM calls") == []


def test_conformance_12_a_wrong_token_is_quarantined_and_released_once_it_is_mended(hub):
    hub.open()
    assert hub.hear(MESSAGE.replace("inbound-canary", "another-word"))[0] == 401
    assert hub.inbound() == []
    call = hub.world.one("SELECT id, state FROM calls")
    assert call["state"] == "quarantined"
    hub.world.provider.will(KNOWN)
    change = connect.ChannelChange(credentials={"inbound_token": "another-word"})
    connect.change_channel(hub.world.hub, hub.line.id, change, actor="cli")
    replay(hub.world.hub, call["id"])
    hub.world.work()
    assert hub.inbound() == ["Ready?"]
    assert "another-word" not in hub.world.one("SELECT url FROM calls")["url"]


def test_conformance_12_what_proves_a_call_or_a_report_is_not_kept_with_it(hub):
    hub.open()
    hub.hear(MESSAGE)
    hub.write("Ready", TAKEN)
    hub.report(1)
    assert hub.statuses() == ["delivered"]
    kept = str(hub.world.rows("SELECT url FROM calls"))
    assert "text=Ready" in kept
    assert "canary" not in kept
    assert hub.line.connection.webhook_secret not in kept


def test_conformance_12_no_secret_is_in_a_log_or_an_attempt(hub, caplog, capsys):
    caplog.set_level(logging.DEBUG)
    hub.open("kannel_query")
    hub.hear(MESSAGE)
    hub.write("Ready", (503, b"password-canary is busy"), TAKEN)
    hub.world.pass_time(minutes=1)
    assert hub.statuses() == ["sent"]
    attempts = str(hub.world.rows("SELECT * FROM attempts"))
    printed = capsys.readouterr()
    seen = attempts + caplog.text + printed.out + printed.err
    assert "sendsms" in attempts
    assert "canary" not in seen
    assert hub.line.connection.webhook_secret not in seen


def test_a_busy_gateway_is_tried_again(hub):
    hub.open().write("Ready", (503, b"Temporal failure, try again later."), TAKEN)
    assert hub.statuses() == ["sending"]
    hub.world.pass_time(minutes=1)
    assert hub.statuses() == ["sent"]


def test_a_lost_answer_is_settled_by_the_report_and_not_sent_again(hub):
    hub.open().write("Ready", OutcomeUnknown("lost"))
    assert hub.statuses() == ["unknown"]
    hub.report(1)
    hub.world.pass_time(hours=1)
    assert hub.statuses() == ["delivered"]
    assert len(hub.world.provider.requests) == 1


def test_a_lost_answer_without_a_report_is_sent_again_where_the_channel_says_so(hub):
    hub.open(unknown_outcome="resend").write("Ready", OutcomeUnknown("lost"), TAKEN)
    hub.world.pass_time(minutes=3)
    hub.world.pass_time(seconds=5)
    assert hub.statuses() == ["sent"]
    assert len(hub.world.provider.requests) == 2


def test_a_lost_answer_of_a_telephone_is_sent_again_and_arrives_once(hub):
    hub.open(
        "android_smsgate",
        {"username": "u", "password": "p"},
        known=(200, b"{}"),
        api_base="http://phone.example:8080",
        # A telephone's own pace would let the second try wait.
        messages_per_second=50,
    )
    hub.write("Ready", OutcomeUnknown("lost"), (409, b"{}"))
    hub.world.pass_time(minutes=3)
    hub.world.pass_time(seconds=5)
    assert hub.statuses() == ["sent"]
    first, second = (json.loads(one.body)["id"] for one in hub.world.provider.requests)
    assert first == second


def test_a_telephone_talks_and_listens(hub):
    hub.open(
        "android_smsgate",
        {"username": "u", "password": "p"},
        known=(200, b"{}"),
        api_base="http://phone.example:8080",
    )
    body = (PAYLOADS / "android_received.json").read_bytes()
    assert hub.hear(body=body, content_type="application/json") == (200, b"")
    assert hub.inbound() == ["Is it ready? 😀"]
    hub.write("Yes", lambda request: (202, {"id": json.loads(request.body)["id"]}))
    reference = json.loads(hub.world.provider.requests[-1].body)["id"]
    told = (PAYLOADS / "android_delivered.json").read_bytes().replace(b"r1", reference.encode())
    hub.hear(body=told, content_type="application/json")
    assert hub.statuses() == ["delivered"]


def test_stop_and_start_set_and_lift_the_mark(hub):
    hub.open()
    hub.hear(MESSAGE.replace("Ready%3F", "Stop."))
    with pytest.raises(Refused):
        hub.write("Ready")
    hub.hear(MESSAGE.replace("Ready%3F", "START").replace("m1", "m2"))
    hub.write("Ready", TAKEN)
    assert hub.statuses() == ["sent"]
    assert len(hub.world.provider.requests) == 1


def test_a_long_text_is_several_messages_in_order(hub):
    hub.open(max_parts=2)
    words = " ".join(f"word{number}" for number in range(100))
    hub.write(words, TAKEN, TAKEN, TAKEN, TAKEN)
    hub.world.pass_time(seconds=5)
    texts = [request.body.decode() for request in hub.world.provider.requests]
    assert len(texts) == 3
    assert " ".join(texts) == words


#: A family at 67 units to a piece, as networks cut it: in the middle of a pair.
LONG = "x" + "😀" * 70
UNITS = LONG.encode("utf-16-be")
CUT = [UNITS[at : at + 134] for at in range(0, len(UNITS), 134)]


def ucs2(number):
    """Tell one piece of `LONG` as Kannel does that joins nothing (``%u``, ``%b``)."""
    header = bytes((5, 0, 3, 0xCC, len(CUT), number))
    said = f"token=inbound-canary&id=m{number}&from=%2B447700900123&to={OURS}&coding=2"
    return f"{said}&udh={quote(header)}&text={quote(CUT[number - 1])}"


def test_encoding_conformance_6_pieces_cut_within_a_character_are_one_text(hub):
    hub.open()
    for number in (3, 1, 2):
        assert hub.hear(ucs2(number)) == (200, b"")
    assert hub.inbound() == [LONG]


def test_encoding_conformance_7_a_missing_piece_leaves_a_mark_and_comes_too_late(hub):
    hub.open()
    hub.hear(ucs2(1))
    hub.hear(ucs2(3))
    hub.world.pass_time(minutes=5)
    (torn,) = hub.inbound()
    assert "[…]" in torn
    hub.hear(ucs2(2))
    hub.world.pass_time(minutes=5)
    assert hub.inbound() == [torn]


def test_encoding_conformance_8_the_same_reference_of_two_senders_is_two_messages(hub):
    hub.open()
    for number in (1, 2, 3):
        hub.hear(ucs2(number))
        hub.hear(ucs2(number).replace("900123", "900124").replace("id=m", "id=n"))
    assert hub.inbound() == [LONG, LONG]


def test_who_writes_under_a_name_cannot_be_answered_however_often_they_write(hub):
    hub.open()
    for text in ("One", "Two"):
        hub.hear(f"token=inbound-canary&from=PARCELCO&to={OURS}&text={text}&coding=0")
        assert hub.world.one("SELECT state FROM addresses") == {"state": "blocked"}


def test_a_nul_in_the_address_of_a_call_is_no_text_that_a_database_refuses(hub):
    hub.open()
    hub.hear(MESSAGE.replace("Ready%3F", "mail%00me"))
    assert hub.inbound() == ["mail\ufffdme"]
