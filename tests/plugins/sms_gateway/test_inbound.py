"""What gateways call us with: messages and reports."""

import json
from datetime import UTC, datetime

import pytest
from hypothesis import given, strategies as st

from hubbub.sdk import (
    AddressChanged,
    AddressState,
    Ignored,
    MessageReceived,
    ReceiptReceived,
    ReceiptState,
    Sender,
    Text,
    Unreadable,
    UnsupportedContent,
)
from tests.plugins.sms_gateway.conftest import NEEDED, OWN

S = ReceiptState


@pytest.fixture
def hear(channel, connect, call):
    """Return what a call through a preset says."""

    def heard(preset, name="", *, via=None, **what):
        return list(channel.parse(call(name, **what), via or connect(preset)))

    return heard


# --- Kannel: messages ------------------------------------------------------------------------


def test_a_message_of_kannel(hear):
    assert hear("kannel", "kannel_message.query") == [
        MessageReceived(
            key="message:99ed53f9-8d7a-41fe-be68-ea3c2dadb068",
            external_id="99ed53f9-8d7a-41fe-be68-ea3c2dadb068",
            # Eight digits may be a short code, which has no country.
            sender=Sender(address="15550100"),
            content=Text(text="Hello two  spaces"),
            provider_at=datetime.fromtimestamp(1795385065, UTC),
            our_address="12345",
        )
    ]


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("kannel_message_utf16.query", "Привет😀"),
        ("kannel_message_recoded.query", "Привет 😀"),
    ],
)
def test_conformance_7_octets_are_read_by_their_character_set(hear, name, text):
    (message,) = hear("kannel", name)
    assert message.content == Text(text=text)
    assert message.sender == Sender(address="+447700900123")


def test_what_is_no_text_is_kept_as_such(hear):
    (message,) = hear("kannel", "kannel_message_binary.query")
    assert message.content == UnsupportedContent(provider_type="binary")


def test_conformance_6_a_repeat_has_the_same_key(hear):
    first, again = (hear("kannel", "kannel_message.query")[0] for _ in range(2))
    assert first.key == again.key


@pytest.fixture
def in_pieces(connect):
    pieces = "piece_of = ref\npiece = part\npieces = total"
    return connect("kannel", inbound_map=pieces)


def test_pieces_under_one_id_are_told_apart_and_the_gateways_ref_is_no_word_of_ours(
    hear, in_pieces
):
    query = "id=7&from=447700900123&text=x&ref=9&total=2&part="
    found = [hear("kannel", query=f"{query}{part}", via=in_pieces)[0] for part in "12"]
    assert [message.key for message in found] == ["message:7:1", "message:7:2"]
    assert [message.piece.of for message in found] == ["9", "9"]


def test_a_piece_of_json_keeps_its_half_of_a_character_and_a_whole_text_does_not(hear, connect):
    places = {"piece_of": "ref", "piece": "part", "pieces": "total", "text": "text", "from": "from"}
    given = "\n".join(f"{name} = /{place}" for name, place in places.items())
    via = connect("kannel", inbound_map=given)
    said = {"from": "447700900123", "text": "Look \ud83d", "ref": "9", "part": "1", "total": "2"}
    texts = [
        hear("kannel", via=via, method="POST", body=json.dumps(one).encode())[0].content.text
        for one in (said, {**said, "total": "1"})
    ]
    assert texts == ["Look \ud83d", "Look \ufffd"]


@pytest.mark.parametrize(
    ("given", "address"),
    [
        ("447700900123", "+447700900123"),
        ("%2B447700900123", "+447700900123"),
        ("+447700900123", "+447700900123"),
        ("00447700900123", "+447700900123"),
        ("12345", "12345"),
        ("AcmeShop", "AcmeShop"),
    ],
)
def test_one_contact_has_one_spelling(hear, channel, connect, given, address):
    message, *_ = hear("kannel", query=f"from={given}&text=x")
    assert message.sender.address == address


def test_encoding_conformance_10_a_name_cannot_be_answered(hear):
    message, changed = hear("kannel", query="from=AcmeShop&text=x&id=7")
    assert message.sender == Sender(address="AcmeShop")
    assert isinstance(changed, AddressChanged)
    assert (changed.state, changed.key) == (AddressState.BLOCKED, "one_way:7")


@pytest.mark.parametrize(
    ("text", "opt_out"),
    [("stop.", True), ("Stop+by+later", None), ("START", False), ("HELP", None), ("YES", False)],
)
def test_encoding_conformance_12_nobody_else_minds_who_wants_no_messages(hear, text, opt_out):
    (message,) = hear("kannel", query=f"from=447700900123&text={text}")
    assert message.opt_out is opt_out


def test_without_an_id_each_is_a_message_of_its_own(hear):
    (message,) = hear("kannel", query="from=447700900123&text=x")
    assert (message.key, message.external_id) == (None, None)


@pytest.mark.parametrize(
    ("query", "reason"),
    [
        ("text=x", "no sender"),
        ("from=447700900123", "no text"),
        ("from=447700900123&text=x&charset=klingon", "character set 'klingon'"),
        ("", "no sender"),
    ],
)
def test_what_cannot_be_read_says_why(hear, query, reason):
    (event,) = hear("kannel", query=query)
    assert isinstance(event, Unreadable)
    assert reason in event.reason


def test_an_empty_text_is_a_text(hear):
    (message,) = hear("kannel", query="from=447700900123&text=")
    assert message.content == Text(text="")


def test_octets_of_no_known_set_are_read_all_the_same(hear):
    (message,) = hear("kannel", query="from=447700900123&text=caf%E9")
    assert message.content == Text(text="café")


def test_a_national_number_belongs_to_the_default_region(hear, connect):
    via = connect("custom", default_region="de", number_format_in="national")
    (message,) = hear("custom", via=via, query="from=015112345678&text=x")
    assert message.sender.address == "+4915112345678"


# --- Kannel: reports -------------------------------------------------------------------------


def kannel_report(status, ans="", **more):
    query = {
        "hubbub_ref": "m-1",
        "token": OWN,
        "status": status,
        "ans": ans,
        "ts": "1795384549",
        **more,
    }
    return "&".join(f"{name}={value}" for name, value in query.items())


@pytest.mark.parametrize(
    ("status", "ans", "state", "code", "retryable"),
    [
        (8, "ACK%2F", S.SENT, None, None),
        (4, "stat%3AACCEPTD+err%3A000", S.SENT, None, None),
        (12, "", S.SENT, None, None),
        (1, "id%3A1+stat%3ADELIVRD+err%3A000", S.DELIVERED, None, None),
        (9, "", S.DELIVERED, None, None),
        (33, "", S.DELIVERED, None, None),
        (2, "stat%3AUNDELIV+err%3A00b", S.FAILED, "undelivered", False),
        (2, "stat%3AREJECTD+err%3A001", S.FAILED, "blocked", False),
        (2, "stat%3ADELETED", S.FAILED, "undelivered", False),
        (2, "stat%3AUNKNOWN", S.FAILED, "expired", True),
        (34, "stat%3AEXPIRED+err%3A000", S.FAILED, "expired", True),
        (34, "", S.FAILED, "expired", True),
        (16, "NACK%2FRetries+Exceeded", S.FAILED, "congested", True),
        (16, "NACK%2F0x00000058%2FThrottled", S.FAILED, "congested", True),
        (16, "NACK%2F0x00000014%2FQueue+full", S.FAILED, "congested", True),
        (16, "NACK%2F0x0000000b%2FInvalid+Destination", S.FAILED, "recipient_gone", False),
        (16, "NACK%2F0x0000000a%2FInvalid+Source", S.FAILED, "misconfigured", False),
        (16, "NACK%2F0x0000000e%2FInvalid+Password", S.FAILED, "auth_failed", False),
        (16, "NACK%2F0x0000000d%2FBind+failed", S.FAILED, "auth_failed", False),
        (16, "", S.FAILED, "undelivered", False),
    ],
)
def test_conformance_4_the_bits_of_kannel_tell_the_state(hear, status, ans, state, code, retryable):
    (receipt,) = hear("kannel", query=kannel_report(status, ans))
    assert isinstance(receipt, ReceiptReceived)
    assert (receipt.reference, receipt.external_id, receipt.state) == ("m-1", None, state)
    assert receipt.provider_at == datetime.fromtimestamp(1795384549, UTC)
    assert (receipt.fault and receipt.fault.code) == code
    assert (receipt.fault and receipt.fault.retryable) == retryable


def test_only_an_invalid_number_is_gone(hear):
    marks = []
    for ans in ("NACK%2F0x0000000b%2FInvalid", "stat%3AUNDELIV"):
        (receipt,) = hear("kannel", query=kannel_report(16, ans))
        marks.append(receipt.fault.recipient)
    assert marks == ["gone", None]


def test_a_report_is_one_by_its_reference_and_state(hear):
    keys = {
        hear("kannel", query=kannel_report(status, foreign=number))[0].key
        for status, number in ((8, "1"), (8, "2"), (1, "2"))
    }
    assert keys == {"status:m-1:8", "status:m-1:1"}


@pytest.mark.parametrize("status", ["0", "64", "x", ""])
def test_a_state_that_nobody_knows_is_unreadable(hear, status):
    (event,) = hear("kannel", query=kannel_report(status))
    assert isinstance(event, Unreadable)


# --- Jasmin ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "text"),
    [("jasmin_message.form", "Is it ready?"), ("jasmin_message_ucs2.form", "Да")],
)
def test_a_message_of_jasmin(hear, name, text):
    (message,) = hear("jasmin", name)
    assert message.content == Text(text=text)
    assert message.sender == Sender(address="+447700900123")
    assert message.key.startswith("message:jas-")


def test_conformance_5_each_gateway_hears_what_it_wants(channel, connect, call):
    kannel = channel.verify(call("kannel_message.query"), connect("kannel")).answer
    assert (kannel.status, kannel.body) == (200, b"")
    for name in ("jasmin_message.form", "jasmin_delivered.form"):
        jasmin = channel.verify(call(name), connect("jasmin")).answer
        assert (jasmin.status, jasmin.body) == (200, b"ACK/Jasmin")
    own = connect("custom", inbound_reply="201 text/xml <ok/>", status_reply="200 - GOT")
    message = channel.verify(call(query="from=1&text=x"), own).answer
    report = channel.verify(call(query="hubbub_ref=r1&status=sent"), own).answer
    assert (message.status, message.content_type, message.body) == (201, "text/xml", b"<ok/>")
    assert (report.status, report.body) == (200, b"- GOT")


@pytest.mark.parametrize(
    ("word", "state"),
    [
        ("DELIVRD", S.DELIVERED),
        ("ESME_ROK", S.SENT),
        ("ACCEPTD", S.SENT),
        ("UNDELIV", S.FAILED),
        ("ESME_RINVDSTADR", S.FAILED),
        ("ESME_RTHROTTLED", S.FAILED),
    ],
)
def test_reports_of_jasmin(hear, word, state):
    body = f"id=9f2c5f6e&message_status={word}&level=2".encode()
    form = "application/x-www-form-urlencoded"
    (receipt,) = hear("jasmin", query=f"hubbub_ref=r1&token={OWN}", body=body, content_type=form)
    assert (receipt.reference, receipt.external_id) == ("r1", "9f2c5f6e")
    assert receipt.state is state


# --- telephones ------------------------------------------------------------------------------


def test_a_message_of_android(hear):
    assert hear("android_smsgate", "android_received.json") == [
        MessageReceived(
            key="message:evt-1",
            external_id="evt-1",
            sender=Sender(address="+447700900123"),
            content=Text(text="Is it ready? 😀"),
            provider_at=datetime.fromisoformat("2026-11-22T21:55:00+02:00"),
            our_address="+447700900999",
        )
    ]


def test_an_older_android_names_the_sender_otherwise(hear, payload):
    body = payload("android_received.json").replace(b'"sender"', b'"phoneNumber"')
    (message,) = hear("android_smsgate", body=body, content_type="application/json")
    assert message.sender.address == "+447700900123"


@pytest.mark.parametrize(
    ("name", "state", "code"),
    [
        ("android_delivered.json", S.DELIVERED, None),
        ("android_failed.json", S.FAILED, "undelivered"),
    ],
)
def test_reports_of_android(hear, name, state, code):
    (receipt,) = hear("android_smsgate", name)
    assert (receipt.reference, receipt.external_id, receipt.state) == ("r1", "r1", state)
    assert (receipt.fault and receipt.fault.code) == code


def test_what_is_no_message_is_ignored_with_its_name(hear):
    assert hear("android_smsgate", "android_ping.json") == [
        Ignored(reason="The gateway tells of 'system:ping', which is no message.")
    ]


def test_a_message_of_httpsms(hear):
    (message,) = hear("httpsms", "httpsms_received.json")
    assert (message.key, message.external_id) == ("message:ce-1", "m-7")
    assert message.sender == Sender(address="+447700900123")
    assert message.content == Text(text="Is it ready?")
    assert message.our_address == "+447700900999"


@pytest.mark.parametrize(
    ("name", "state", "code"),
    [("httpsms_delivered.json", S.DELIVERED, None), ("httpsms_expired.json", S.FAILED, "expired")],
)
def test_reports_of_httpsms(hear, name, state, code):
    (receipt,) = hear("httpsms", name)
    assert (receipt.reference, receipt.external_id, receipt.state) == ("r1", "h-9", state)
    assert (receipt.fault and receipt.fault.code) == code


def test_a_message_and_a_report_of_textbee(hear):
    (message,) = hear("textbee", "textbee_received.json")
    assert (message.key, message.external_id) == ("message:idem-1", "s-1")
    assert message.content == Text(text="Is it ready?")
    (receipt,) = hear("textbee", "textbee_failed.json")
    assert (receipt.external_id, receipt.reference, receipt.state) == ("b-9", None, S.FAILED)
    assert receipt.fault.provider_code == "MESSAGE_FAILED GENERIC_FAILURE"


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"null", b"[" * 100_000, b'{"event":7}'])
def test_a_body_that_is_nothing_harms_nobody(hear, body):
    (event,) = hear("android_smsgate", body=body, content_type="application/json", method="POST")
    assert isinstance(event, Unreadable | Ignored)


# --- any gateway -----------------------------------------------------------------------------

MAP = "text = /m/0/body\nfrom = header:X-From\nto = to\nid = /m/0/id\ntime = /m/0/at"


def test_the_settings_say_where_things_stand(hear, connect):
    via = connect("custom", inbound_map=MAP)
    body = json.dumps({"m": [{"body": "Hi", "id": 7, "at": "2026-11-22T19:55:00Z"}]}).encode()
    (message,) = hear("custom", via=via, body=body, query="to=12345", x_from="447700900123")
    assert message.key == "message:7"
    assert message.sender.address == "+447700900123"
    assert message.content == Text(text="Hi")
    assert message.our_address == "12345"
    assert message.provider_at == datetime(2026, 11, 22, 19, 55, tzinfo=UTC)


def test_the_text_may_be_the_whole_body(hear, connect):
    via = connect("kannel", inbound_map="text = body\nfrom = header:X-Kannel-From")
    (message,) = hear(
        "kannel",
        via=via,
        body="Привет".encode(),
        content_type='text/plain; charset="UTF-8"',
        x_kannel_from="+447700900123",
    )
    assert message.content == Text(text="Привет")


def test_the_settings_say_what_a_state_means(hear, connect):
    via = connect(
        "custom",
        status_map="state = result\nid = msg\nerror = why\ndelivered = OK, YES\nfailed = *",
    )
    (good,) = hear("custom", via=via, query="msg=7&result=YES")
    (bad,) = hear("custom", via=via, query="msg=8&result=NO&why=EXPIRED")
    assert (good.external_id, good.state) == ("7", S.DELIVERED)
    assert (bad.external_id, bad.state, bad.fault.code) == ("8", S.FAILED, "expired")


def test_a_report_names_its_message_by_our_own_address(hear):
    (receipt,) = hear("custom", query=f"hubbub_ref=r1&token={OWN}&status=delivered")
    assert (receipt.reference, receipt.state) == ("r1", S.DELIVERED)


def test_a_report_about_nothing_is_unreadable(hear):
    (event,) = hear("custom", query="status=delivered")
    assert isinstance(event, Unreadable)


@given(
    st.sampled_from(sorted(NEEDED)),
    st.binary(max_size=80),
    st.text(st.characters(codec="ascii", exclude_characters="#"), max_size=80),
    st.sampled_from(["", "application/json", "application/x-www-form-urlencoded"]),
)
def test_no_bytes_raise(channel, connect, call, preset, body, query, content_type):
    made = call(body=body, query=query, content_type=content_type)
    for event in channel.parse(made, connect(preset)):
        assert event
    channel.verify(made, connect(preset))
