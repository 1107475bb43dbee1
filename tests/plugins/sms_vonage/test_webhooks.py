"""What the webhooks of the Messages API say."""

import json
from datetime import UTC, datetime

import pytest

from hubbub.sdk import (
    AddressChanged,
    AddressState,
    Attachment,
    Ignored,
    Media,
    MessageReceived,
    ReceiptReceived,
    ReceiptState,
    Sender,
    Text,
    Unreadable,
    UnsupportedContent,
)

ID = "00000000-0000-4000-8000-00000000000"
NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)


@pytest.fixture
def parse(channel, connection, call, payload):
    def events(body):
        body = payload(body) if isinstance(body, str) else body
        return list(channel.parse(call(body), connection))

    return events


def changed(payload, name, **change):
    said = json.loads(payload(name)) | change
    return json.dumps({key: value for key, value in said.items() if value is not None}).encode()


# --- messages ------------------------------------------------------------------------------


def test_conformance_4_a_text_is_a_message_of_a_number_with_plus(parse):
    assert parse("message_text.json") == [
        MessageReceived(
            key=f"message:{ID}1",
            sender=Sender(address="+447700900001"),
            content=Text(text="Is it ready?"),
            external_id=f"{ID}1",
            provider_at=NOON,
            our_address="+447700900000",
        )
    ]


def test_conformance_4_the_same_message_has_the_same_key(parse, payload):
    (first,), (second,) = (parse("message_text.json"), parse("message_text.json"))
    assert first.key == second.key


def test_a_text_may_name_its_type_or_not(parse, payload):
    body = changed(payload, "message_text.json", message_type="text")
    assert parse(body) == parse("message_text.json")


@pytest.mark.parametrize(
    ("text", "meant"), [("Stop.", True), ("START", False), ("yes", False), ("Stop by at 5", None)]
)
def test_the_words_of_opting_out_are_ours_to_know(parse, payload, text, meant):
    (event,) = parse(changed(payload, "message_text.json", text=text))
    assert event.opt_out is meant
    assert event.content == Text(text=text)


def test_encoding_conformance_10_a_name_is_kept_and_cannot_be_answered(parse):
    message, blocked = parse("message_name.json")
    assert message.sender == Sender(address="AcmeShop")
    assert isinstance(blocked, AddressChanged)
    assert (blocked.address, blocked.state) == ("AcmeShop", AddressState.BLOCKED)


@pytest.mark.parametrize(
    ("written", "ours"),
    [("447700900001", "+447700900001"), ("12345", "12345"), (" 447700900001", "+447700900001")],
)
def test_encoding_conformance_9_addresses_have_one_spelling(parse, payload, written, ours):
    (event,) = parse(changed(payload, "message_text.json", **{"from": written}))
    assert event.sender.address == ours


def test_a_message_to_another_number_of_the_application_is_kept(parse, payload):
    (event,) = parse(changed(payload, "message_text.json", to="447700900999"))
    assert event.our_address == "+447700900999"


def test_an_empty_text_is_a_message(parse, payload):
    (event,) = parse(changed(payload, "message_text.json", text=None))
    assert event.content == Text(text="")


@pytest.mark.parametrize("kind", ["hologram", "image"])
def test_a_kind_of_which_nothing_is_understood_keeps_its_place(parse, payload, kind):
    (event,) = parse(changed(payload, "message_text.json", text=None, message_type=kind))
    assert event.content == UnsupportedContent(provider_type=kind)
    (event,) = parse(changed(payload, "message_text.json", message_type=kind))
    assert event.content == Text(text="Is it ready?")


def test_a_picture_has_its_words_and_its_file(parse):
    (event,) = parse("message_mms_image.json")
    media = Media(ref="https://api-us.nexmo.com/v3/media/1", filename="cup.png")
    assert event.content == Attachment(type="image", media=media, caption="Look")


@pytest.mark.parametrize(
    ("kind", "ours", "mime_type"),
    [
        ("image", "image", None),
        ("audio", "audio", None),
        ("video", "video", None),
        ("vcard", "document", "text/vcard"),
        ("file", "document", None),
    ],
)
def test_each_kind_of_file_is_known(parse, payload, kind, ours, mime_type):
    file = {"url": "https://api-us.nexmo.com/v3/media/2"}
    body = changed(payload, "message_mms_vcard.json", **{"vcard": None, kind: file})
    (event,) = parse(body)
    media = Media(ref=file["url"], mime_type=mime_type)
    assert event.content == Attachment(type=ours, media=media)


def test_several_files_are_several_messages_and_the_first_has_the_words(parse):
    events = parse("message_mms_several.json")
    assert [event.key for event in events] == [
        f"message:{ID}7",
        f"message:{ID}7:1",
        f"message:{ID}7:2",
        f"message:{ID}7:3",
    ]
    assert [event.content.type for event in events] == ["image", "audio", "document", "document"]
    assert [event.content.caption for event in events] == ["All of it", None, None, None]
    assert events[2].content.media.mime_type == "text/vcard"


def test_what_came_over_another_channel_of_the_application_is_ignored(parse):
    (event,) = parse("message_whatsapp.json")
    assert isinstance(event, Ignored)
    assert "'whatsapp'" in event.reason


@pytest.mark.parametrize(
    "change",
    [{"message_uuid": None}, {"message_uuid": ""}, {"from": None}, {"from": {"number": "1"}}],
)
def test_a_message_that_cannot_be_read_says_what_is_wrong(parse, payload, change):
    (event,) = parse(changed(payload, "message_text.json", **change))
    assert isinstance(event, Unreadable)
    assert next(iter(change)) in event.reason


@pytest.mark.parametrize("body", [b"", b"[]", b"null", b"{", b"[" * 100_000, b"\xff", b'"x"'])
def test_a_body_that_is_no_object_is_unreadable(parse, body):
    (event,) = parse(body)
    assert isinstance(event, Unreadable)


# --- receipts ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "state"),
    [
        ("status_submitted.json", ReceiptState.SENT),
        ("status_delivered.json", ReceiptState.DELIVERED),
    ],
)
def test_a_status_is_a_receipt_known_by_id_and_reference(parse, name, state):
    assert parse(name) == [
        ReceiptReceived(
            key=f"status:{ID}2:{name[7:-5]}",
            state=state,
            external_id=f"{ID}2",
            reference="d" * 26,
            provider_at=datetime(2026, 1, 1, 12, 0, 5, tzinfo=UTC),
        )
    ]


def test_a_rejected_message_failed_for_the_reason_that_vonage_gives(parse):
    (event,) = parse("status_rejected_1190.json")
    assert event.state is ReceiptState.FAILED
    fault = event.fault
    assert (fault.code, fault.provider_code, fault.recipient) == ("recipient_gone", "1190", "gone")
    assert "Absent Subscriber Permanent" in fault.detail


def test_conformance_8_a_recipient_who_opted_out_is_marked(parse):
    (event,) = parse("status_rejected_1240.json")
    assert (event.fault.code, event.fault.recipient) == ("opted_out", "opted_out")
    assert not event.fault.retryable


def test_what_vonage_could_not_hand_on_can_be_sent_again(parse):
    (event,) = parse("status_undeliverable.json")
    assert (event.state, event.fault.retryable) == (ReceiptState.FAILED, True)
    assert event.fault.recipient is None


def test_missing_receipts_of_segments_leave_the_message_sent(parse):
    (event,) = parse("status_rejected_1490.json")
    assert isinstance(event, Ignored)


def test_what_was_sent_already_is_sent(parse):
    (event,) = parse("status_rejected_1320.json")
    assert (event.state, event.fault) == (ReceiptState.SENT, None)


@pytest.mark.parametrize("word", [None, "", "order-7", "D" * 26, "d" * 27])
def test_a_reference_of_another_program_is_not_ours(parse, payload, word):
    (event,) = parse(changed(payload, "status_delivered.json", client_ref=word))
    assert event.reference is None


def test_an_error_that_nobody_knows_still_fails_the_message(parse, payload):
    error = {"title": "9999", "detail": "Novel"}
    (event,) = parse(changed(payload, "status_delivered.json", status="rejected", error=error))
    assert (event.fault.code, event.fault.provider_code) == ("rejected", "9999")


def test_a_status_that_nobody_knows_is_unreadable(parse, payload):
    (event,) = parse(changed(payload, "status_delivered.json", status="paused"))
    assert isinstance(event, Unreadable)


def test_a_time_that_cannot_be_read_is_left_out(parse, payload):
    (event,) = parse(changed(payload, "status_delivered.json", timestamp="noon"))
    assert event.provider_at is None
