"""The SMS API: what its webhooks say, and how it sends."""

import json
from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qsl, urlencode

import pytest

from hubbub.sdk import (
    Accepted,
    AuthFailed,
    Ignored,
    MessageReceived,
    OutcomeUnknown,
    Permanent,
    Piece,
    RateLimited,
    ReceiptReceived,
    ReceiptState,
    RecipientGone,
    Sender,
    Text,
    Transient,
    Unreadable,
    Unsupported,
    UnsupportedContent,
)
from tests.plugins.sms_vonage.conftest import REFERENCE, WEBHOOK

SEND = "https://rest.nexmo.com/sms/json"


@pytest.fixture
def parse(channel, legacy, call, payload):
    return lambda name: list(channel.parse(call(payload(name)), legacy))


# --- what comes in -------------------------------------------------------------------------


def test_a_character_that_is_cut_by_the_end_of_a_piece_stays_in_halves(
    channel, legacy, call, payload
):
    said = json.loads(payload("legacy_message_part_1.json")) | {"text": "Look \ud83d"}
    form = urlencode(said, errors="surrogatepass")
    calls = [
        call(json.dumps(said).encode(), content_type="application/json"),
        call(form.encode(), content_type="application/x-www-form-urlencoded"),
        call(url=f"{WEBHOOK}?{form}", method="GET"),
    ]
    for one in calls:
        (event,) = channel.parse(one, legacy)
        assert event.content == Text(text="Look \ud83d")


def test_a_whole_text_with_half_a_character_is_read_but_for_that(channel, legacy, call, payload):
    said = json.loads(payload("legacy_message_text.json")) | {"text": "Look \ud83d"}
    (event,) = channel.parse(call(json.dumps(said).encode()), legacy)
    assert event.content == Text(text="Look \ufffd")


def test_conformance_5_query_form_and_json_say_the_same(channel, legacy, call, payload):
    said = json.loads(payload("legacy_message_text.json"))
    form = urlencode(said)
    calls = [
        call(payload("legacy_message_text.json"), content_type="application/json"),
        call(form.encode(), content_type="application/x-www-form-urlencoded"),
        call(url=f"{WEBHOOK}?{form}", method="GET"),
        call(url=f"{WEBHOOK}?{form}", method="POST"),
    ]
    assert [list(channel.parse(one, legacy)) for one in calls] == [
        [
            MessageReceived(
                key="message:0A0000000123ABCD1",
                sender=Sender(address="+447700900001"),
                content=Text(text="Is it ready?"),
                external_id="0A0000000123ABCD1",
                provider_at=datetime(2026, 1, 1, 12, tzinfo=UTC),
                our_address="+447700900000",
            )
        ]
    ] * 4


def test_conformance_6_pieces_of_a_long_text_say_which_they_are(parse):
    (second,), (first,) = parse("legacy_message_part_2.json"), parse("legacy_message_part_1.json")
    assert (first.content, second.content) == (Text(text="Is it "), Text(text="ready?"))
    assert first.piece == Piece(of="7", number=1, total=2)
    assert second.piece == Piece(of="7", number=2, total=2)
    assert second.key == "message:0A0000000123ABCD3:2"


@pytest.mark.parametrize("told", ["", "0", "3", "x", "1e0"])
def test_a_piece_that_says_not_which_it_is_stands_for_itself(channel, legacy, call, payload, told):
    said = json.loads(payload("legacy_message_part_1.json")) | {"concat-part": told, "text": "Stop"}
    (event,) = channel.parse(call(json.dumps(said).encode()), legacy)
    assert (event.piece, event.opt_out) == (None, True)


def test_a_piece_is_no_stop_word(channel, legacy, call, payload):
    said = json.loads(payload("legacy_message_part_1.json")) | {"text": "stop"}
    (event,) = channel.parse(call(json.dumps(said).encode()), legacy)
    assert event.opt_out is None


def test_data_that_is_no_text_is_kept_as_unsupported(parse):
    (event,) = parse("legacy_message_binary.json")
    assert event.content == UnsupportedContent(provider_type="binary")


def test_a_receipt_names_message_and_reference(parse):
    assert parse("legacy_receipt_delivered.json") == [
        ReceiptReceived(
            key="status:0A0000001234567B:delivered",
            state=ReceiptState.DELIVERED,
            external_id="0A0000001234567B",
            reference=REFERENCE,
            provider_at=datetime(2026, 1, 1, 12, 0, 6, tzinfo=UTC),
        )
    ]
    (buffered,) = parse("legacy_receipt_buffered.json")
    assert buffered.state is ReceiptState.SENT


def test_a_receipt_that_knows_nothing_changes_nothing(parse):
    assert isinstance(parse("legacy_receipt_unknown.json")[0], Ignored)


def test_conformance_8_a_recipient_who_opted_out_is_marked(parse):
    (event,) = parse("legacy_receipt_rejected_9.json")
    assert (event.fault.code, event.fault.provider_code) == ("opted_out", "9")
    assert event.fault.recipient == "opted_out"


def test_a_delivered_segment_of_several_proves_the_text_sent_and_itself_delivered(parse):
    sent, delivered = parse("legacy_receipt_several_delivered.json")
    assert (sent.state, sent.reference, sent.external_id) == (ReceiptState.SENT, REFERENCE, None)
    assert (delivered.state, delivered.reference) == (ReceiptState.DELIVERED, None)
    assert delivered.external_id == "0A0000001234567B"


def test_a_failed_segment_of_several_fails_the_whole(parse):
    (event,) = parse("legacy_receipt_several_failed.json")
    assert (event.state, event.reference) == (ReceiptState.FAILED, REFERENCE)


def test_a_status_that_nobody_knows_is_unreadable(channel, legacy, call, payload):
    body = payload("legacy_receipt_delivered.json").replace(b"delivered", b"paused")
    (event,) = channel.parse(call(body), legacy)
    assert isinstance(event, Unreadable)


def test_numbers_in_json_are_read_as_words(channel, legacy, call):
    body = b'{"messageId": 12, "msisdn": 447700900001, "text": "Hi", "concat": true, "x": null}'
    (event,) = channel.parse(call(body), legacy)
    assert (event.external_id, event.sender.address) == ("12", "+447700900001")


# --- what goes out -------------------------------------------------------------------------


@pytest.fixture
def send(channel, legacy, drive, answer, part):
    """Send a part and return the form that was posted and the result."""

    def run(what="Ready at 5", reply="legacy_sent_200.json", via=legacy, **more):
        reply = answer(reply) if isinstance(reply, str | int) else reply
        (request,), result = drive(channel.send(part(what, **more), via), reply)
        assert (request.method, request.url) == ("POST", SEND)
        return dict(parse_qsl(request.body.decode())), result

    return run


def test_a_text_is_one_form(send):
    form, accepted = send()
    assert form == {
        "from": "447700900000",
        "to": "447700900001",
        "text": "Ready at 5",
        "type": "text",
        "client-ref": REFERENCE,
        "callback": WEBHOOK,
    }
    assert accepted == Accepted(external_id="0A0000001234567B", note="1 segment")


def test_a_long_text_is_known_by_its_last_segment(send):
    form, accepted = send("a" * 161, "legacy_sent_several_200.json")
    assert form["client-ref"] == f"{REFERENCE}.2"
    assert accepted == Accepted(external_id="0A0000001234567B", note="2 segments")


@pytest.mark.parametrize(("text", "kind"), [("😀", "unicode"), ("я", "unicode"), ("€{}", "text")])
def test_conformance_14_we_choose_the_alphabet(send, text, kind):
    assert send(text)[0]["type"] == kind


def test_registered_ids_are_sent_where_given(send, connect):
    via = connect(mode="sms_legacy", entity_id="E1", content_id="C1")
    form, _ = send(via=via)
    assert (form["entity-id"], form["content-id"]) == ("E1", "C1")


def test_an_address_too_long_for_receipts_is_not_given(send, connect):
    via = connect(mode="sms_legacy", webhook_url=f"https://{'h' * 93}")
    assert "callback" not in send(via=via)[0]
    via = connect(mode="sms_legacy", webhook_url=f"https://{'h' * 92}")
    assert len(send(via=via)[0]["callback"]) == 100


def test_conformance_11_a_text_of_which_parts_were_taken_is_not_repeated(send):
    with pytest.raises(Permanent) as caught:
        send("a" * 161, "legacy_sent_partly_200.json")
    assert type(caught.value) is Permanent
    assert (caught.value.code, caught.value.provider_code) == ("partly_sent", "1")
    assert "Only 1 of 2 segments" in caught.value.detail


STATUSES = [
    (1, RateLimited, "rate_limited"),
    (2, Permanent, "bad_request"),
    (3, Permanent, "bad_request"),
    (4, AuthFailed, "auth_failed"),
    (5, Transient, "provider_down"),
    (6, RecipientGone, "bad_address"),
    (7, RecipientGone, "opted_out"),
    (8, AuthFailed, "account_inactive"),
    (9, AuthFailed, "no_credit"),
    (10, RateLimited, "rate_limited"),
    (11, AuthFailed, "not_enabled"),
    (12, Permanent, "too_long"),
    (14, AuthFailed, "auth_failed"),
    (15, Permanent, "sender_unusable"),
    (17, Permanent, "blocked"),
    (22, Permanent, "bad_request"),
    (23, Permanent, "bad_request"),
    (29, Permanent, "trial_account"),
    (32, AuthFailed, "auth_failed"),
    (33, RecipientGone, "bad_address"),
    (77, Permanent, "rejected"),
]


@pytest.mark.parametrize(("status", "kind", "word"), STATUSES)
def test_each_status_of_an_answer_has_its_class(send, answer, status, kind, word):
    body = {"messages": [{"status": str(status), "error-text": "Said so"}]}
    with pytest.raises(kind) as caught:
        send(reply=answer(200, json.dumps(body).encode()))
    assert type(caught.value) is kind
    assert (caught.value.code, caught.value.provider_code) == (word, str(status))
    assert "Said so" in caught.value.detail


def test_a_throttled_text_waits_as_long_as_the_answer_says(send, answer):
    text = "Throughput Rate Exceeded - please wait [ 250 ] and retry"
    body = {"messages": [{"status": "1", "error-text": text}]}
    with pytest.raises(RateLimited) as caught:
        send(reply=answer(200, json.dumps(body).encode()))
    assert caught.value.retry_after == timedelta(milliseconds=250)
    assert caught.value.whole_channel


@pytest.mark.parametrize(
    ("status", "kind"), [(401, AuthFailed), (429, RateLimited), (500, Transient)]
)
def test_a_refusal_by_http_status_has_its_class(send, status, kind):
    with pytest.raises(kind):
        send(reply=status)


@pytest.mark.parametrize("body", [b"", b"<html>", b"{}", b'{"messages": []}', b"[]"])
def test_an_answer_that_cannot_be_read_leaves_the_outcome_unknown(send, answer, body):
    with pytest.raises(OutcomeUnknown):
        send(reply=answer(200, body))


def test_a_text_that_is_too_long_is_refused_before_any_request(channel, legacy, part):
    with pytest.raises(Unsupported, match="3201 characters"):
        next(channel.send(part("a" * 3201), legacy))


CODES = [
    (1, True, None),
    (2, True, None),
    (3, False, "gone"),
    (4, False, "opted_out"),
    (5, True, None),
    (6, False, None),
    (7, True, None),
    (8, True, None),
    (9, False, "opted_out"),
    (10, False, None),
    (11, True, None),
    (12, False, "gone"),
    (13, False, None),
    (14, False, None),
    (15, False, None),
    (16, True, None),
    *((code, False, None) for code in range(50, 55)),
    (99, True, None),
    (77, False, None),
]


@pytest.mark.parametrize(("code", "retryable", "recipient"), CODES)
def test_each_code_of_a_receipt_has_its_class(
    channel, legacy, call, payload, code, retryable, recipient
):
    body = payload("legacy_receipt_rejected_9.json").replace(
        b'"err-code":"9"', f'"err-code":"{code}"'.encode()
    )
    (event,) = channel.parse(call(body), legacy)
    assert (event.fault.retryable, event.fault.recipient) == (retryable, recipient)
