"""What calls are answered with, and which events they hold."""

import pytest
from hypothesis import given, strategies as st
from twilio.twiml.messaging_response import MessagingResponse  # type: ignore[import-untyped]  # it has no types

from hubbub.sdk import (
    Accept,
    AddressChanged,
    AddressState,
    Attachment,
    Fault,
    Ignored,
    Location,
    Media,
    MessageReceived,
    ReceiptReceived,
    ReceiptState,
    Sender,
    Text,
    Unreadable,
)

STATUS_URL = "https://hub.example.com/webhooks/k1?d=01jz0000000000000000000001"
MEDIA = (
    "https://api.twilio.com/2010-04-01/Accounts/AC00000000000000000000000000000009"
    "/Messages/MM00000000000000000000000000000002/Media/ME"
)


@pytest.fixture
def read(channel, connection, signed):
    """Verify a payload and return its events."""

    def events(name="", **more):
        call = signed(name, **more)
        assert isinstance(channel.verify(call, connection), Accept)
        return list(channel.parse(call, connection))

    return events


# --- answers -------------------------------------------------------------------------------


def test_conformance_5_a_message_is_answered_with_an_empty_response(channel, connection, signed):
    answer = channel.verify(signed("message_text.form"), connection).answer
    assert answer.status == 200
    assert answer.content_type == "text/xml"
    assert answer.body == b'<?xml version="1.0" encoding="UTF-8"?><Response/>'
    assert answer.body.decode() == str(MessagingResponse()).replace(" />", "/>")


def test_a_status_callback_is_answered_with_nothing(channel, connection, signed):
    answer = channel.verify(signed("status_sent.form", url=STATUS_URL), connection).answer
    assert (answer.status, answer.body) == (204, b"")


# --- messages ------------------------------------------------------------------------------


def test_conformance_5_a_text_becomes_a_message(read):
    assert read("message_text.form") == [
        MessageReceived(
            key="message:SM00000000000000000000000000000001",
            sender=Sender(address="+15005550006"),
            content=Text(text="Is it ready?"),
            external_id="SM00000000000000000000000000000001",
            our_address="+15005550001",
        )
    ]


def test_conformance_6_the_same_message_twice_has_one_key(read):
    first, second = read("message_text.form"), read("message_text.form")
    assert first[0].key == second[0].key


def test_a_message_that_comes_as_a_get_is_read_from_the_address(channel, connection, call):
    url = "https://hub.example.com/webhooks/k1?MessageSid=SM1&From=%2B15005550006&Body=a+b"
    (event,) = channel.parse(call(url=url, method="GET"), connection)
    assert event.content == Text(text="a b")


def test_a_picture_without_words_has_no_caption(read):
    (event,) = read("message_mms.form")
    assert event.content == Attachment(
        type="image", media=Media(ref=f"{MEDIA}{1:032}", mime_type="image/jpeg")
    )
    assert event.external_id == "MM00000000000000000000000000000002"


def test_each_file_is_a_message_and_the_first_carries_the_words(read):
    events = read("message_mms_five.form")
    sid = "MM00000000000000000000000000000002"
    assert [event.key for event in events] == [
        f"message:{sid}",
        *(f"message:{sid}:{number}" for number in range(1, 5)),
    ]
    assert [event.content.type for event in events] == [
        "image",
        "video",
        "document",
        "audio",
        "document",
    ]
    assert [event.content.caption for event in events] == ["Look 😀", None, None, None, None]
    assert events[2].content.media == Media(ref=f"{MEDIA}3", mime_type="text/vcard")


def test_a_file_that_is_counted_but_missing_harms_no_other(read):
    message, missing = read("message_mms_incomplete.form")
    assert message.content.caption == "Two"
    assert isinstance(missing, Unreadable)
    assert "MediaUrl1" in missing.reason


def test_a_place_becomes_a_location(read):
    (event,) = read("message_location.form")
    assert event.content == Location(
        latitude=52.52, longitude=13.405, name="Office", address="Main Street 1"
    )


def test_words_beside_a_place_are_kept(read):
    body = b"MessageSid=SM1&From=%2B15005550006&Body=Here&Latitude=1&Longitude=2"
    text, place = read(body=body)
    assert text.content == Text(text="Here")
    assert place.content == Location(latitude=1, longitude=2)
    assert (text.key, place.key) == ("message:SM1", "message:SM1:1")


@pytest.mark.parametrize("latitude", ["", "north", "nan", "91", "1e400"])
def test_an_impossible_place_is_told_and_the_words_are_kept(read, latitude):
    body = f"MessageSid=SM1&From=%2B15005550006&Body=Here&Latitude={latitude}&Longitude=2"
    text, place = read(body=body.encode())
    assert text.content == Text(text="Here")
    assert isinstance(place, Unreadable)


def test_an_empty_message_is_a_message(read):
    (event,) = read(body=b"MessageSid=SM1&From=%2B15005550006&Body=&NumMedia=many")
    assert event.content == Text(text="")


def test_words_are_not_trimmed(read):
    (event,) = read(body=b"MessageSid=SM1&From=%2B15005550006&Body=+two++lines%0A")
    assert event.content == Text(text=" two  lines\n")


def test_a_short_code_stays_as_it_is(read):
    (event,) = read("message_short_code.form")
    assert event.sender == Sender(address="12345")


@pytest.mark.parametrize(
    ("sent", "address"),
    [
        ("AcmeShop", "AcmeShop"),
        ("%2B15550100", "+15550100"),
        ("%2B447700900000", "+447700900000"),
        # A plus that nobody encoded arrives as a blank.
        ("+447700900000", "+447700900000"),
        ("whatsapp:%2B15005550006", "whatsapp:+15005550006"),
    ],
)
def test_senders_keep_their_kind(read, sent, address):
    event, *_ = read(body=f"MessageSid=SM1&From={sent}&Body=x".encode())
    assert event.sender.address == address


def test_encoding_conformance_10_a_name_cannot_be_answered(read):
    _, change = read(body=b"MessageSid=SM1&From=AcmeShop&Body=Your+parcel")
    assert isinstance(change, AddressChanged)
    assert (change.address, change.state) == ("AcmeShop", AddressState.BLOCKED)
    assert "is a name" in change.reason


def test_twilios_addresses_of_other_channels_are_no_names(read):
    assert len(read(body=b"MessageSid=SM1&From=whatsapp:%2B15005550006&Body=x")) == 1


def test_the_name_of_a_profile_is_the_senders(read):
    (event,) = read(body=b"MessageSid=SM1&From=rcs:x&Body=x&ProfileName=Ada")
    assert event.sender == Sender(address="rcs:x", name="Ada")


@pytest.mark.parametrize("sender", ["%2B266696687", ""])
def test_a_withheld_number_cannot_be_answered(read, sender):
    message, change = read(body=f"MessageSid=SM1&From={sender}&Body=Guess+who".encode())
    assert message.sender == Sender(address="+266696687", name="Number withheld")
    assert change == AddressChanged(
        key="one_way:SM1",
        address="+266696687",
        state=AddressState.BLOCKED,
        reason="The sender withholds their number, so nobody can answer.",
    )


@pytest.mark.parametrize(
    ("body", "opt_out"),
    [
        ("Stop.", True),
        ("UNSUBSCRIBE", True),
        ("START", False),
        ("yes", False),
        ("HELP", None),
        ("Stop by later", None),
        ("Bye&OptOutType=STOP", True),
        ("Hello&OptOutType=START", False),
        ("stop&OptOutType=HELP", None),
    ],
)
def test_a_wish_not_to_be_written_to_is_told(read, body, opt_out):
    (event,) = read(body=f"MessageSid=SM1&From=%2B15005550006&Body={body}".encode())
    assert event.opt_out is opt_out


def test_the_word_of_twilio_on_an_opt_out_is_taken(read):
    (event,) = read("message_stop.form")
    assert event.opt_out is True
    assert event.content == Text(text="Stop")


# --- what cannot be read -------------------------------------------------------------------


def test_a_message_without_its_id_is_unreadable(read):
    assert read("message_without_sid.form") == [
        Unreadable(reason="Missing or unusable: MessageSid.")
    ]


def test_a_message_without_sender_is_unreadable(read):
    assert read(body=b"MessageSid=SM1&Body=x") == [Unreadable(reason="Missing or unusable: From.")]


def test_octets_that_are_no_text_are_unreadable(channel, connection, call, payload):
    (event,) = channel.parse(call(payload("message_not_utf8.form")), connection)
    assert event == Unreadable(reason="The form is not valid UTF-8.")


def test_json_is_unreadable(channel, connection, call):
    (event,) = channel.parse(call(b'{"a": 1}', content_type="application/json"), connection)
    assert isinstance(event, Unreadable)


def test_an_announced_message_waits_for_its_words(read):
    (event,) = read(body=b"MessageSid=SM1&From=%2B15005550006&SmsStatus=receiving")
    assert isinstance(event, Ignored)


@given(st.binary(max_size=300))
def test_every_call_holds_at_least_one_event(channel, connection, call, body):
    for content_type in ("application/x-www-form-urlencoded", "application/json", ""):
        assert list(channel.parse(call(body, content_type=content_type), connection))


NAMES = st.sampled_from(
    [
        "MessageSid",
        "From",
        "To",
        "Body",
        "NumMedia",
        "MediaUrl0",
        "MediaUrl1",
        "MediaContentType0",
        "Latitude",
        "Longitude",
        "SmsStatus",
        "MessageStatus",
        "ErrorCode",
        "OptOutType",
    ]
)
VALUES = st.sampled_from(
    ["", "SM1", "%2B15005550006", "received", "failed", "7", "-1", "%00", "%FF", "9" * 400]
)


@given(st.lists(st.tuples(NAMES, VALUES), max_size=12))
def test_no_form_breaks_the_reading(channel, connection, call, fields):
    body = "&".join(f"{name}={value}" for name, value in fields).encode()
    assert list(channel.parse(call(body), connection))


# --- receipts ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "state"),
    [("sent", ReceiptState.SENT), ("delivered", ReceiptState.DELIVERED)],
)
def test_conformance_8_a_receipt_names_our_reference_and_the_message(read, name, state):
    assert read(f"status_{name}.form", url=STATUS_URL) == [
        ReceiptReceived(
            key=f"status:SM00000000000000000000000000000003:{name}",
            state=state,
            external_id="SM00000000000000000000000000000003",
            reference="01jz0000000000000000000001",
        )
    ]


def test_conformance_9_a_late_queued_says_nothing(read):
    (event,) = read("status_queued.form", url=STATUS_URL)
    assert isinstance(event, Ignored)


def test_conformance_10_a_number_that_is_gone_is_told_apart_from_one_out_of_reach(read):
    (gone,) = read("status_undelivered_30005.form", url=STATUS_URL)
    (silent,) = read("status_undelivered_30003.form", url=STATUS_URL)
    assert gone.key == "status:SM00000000000000000000000000000003:undelivered:30005"
    assert gone.state is silent.state is ReceiptState.FAILED
    assert gone.fault == Fault(
        code="recipient_gone",
        detail="The number does not exist any more, or is a landline.",
        provider_code="30005",
        recipient="gone",
    )
    assert silent.fault == Fault(
        code="unreachable",
        detail="The handset is off or has no signal: send it again later.",
        provider_code="30003",
        retryable=True,
    )


def test_conformance_15_a_callback_names_a_part_whose_answer_was_lost(read):
    (event,) = read("status_sent.form", url=STATUS_URL)
    assert event.reference == "01jz0000000000000000000001"


def test_a_callback_without_our_reference_is_known_by_its_message(read):
    (event,) = read("status_sent.form")
    assert event.reference is None
    assert event.external_id == "SM00000000000000000000000000000003"


@pytest.mark.parametrize(
    ("status", "code", "state", "fault"),
    [
        ("read", "", ReceiptState.READ, None),
        ("partially_delivered", "", ReceiptState.DELIVERED, None),
        ("failed", "", ReceiptState.FAILED, ("rejected", False, None)),
        ("failed", "21610", ReceiptState.FAILED, ("opted_out", False, "opted_out")),
        ("failed", "30007", ReceiptState.FAILED, ("filtered", False, None)),
        ("undelivered", "30999", ReceiptState.FAILED, ("rejected", False, None)),
        ("undelivered", "x%C2%B2", ReceiptState.FAILED, ("rejected", False, None)),
        ("canceled", "", ReceiptState.FAILED, ("cancelled", False, None)),
        ("delivered", "30003", ReceiptState.DELIVERED, None),
    ],
)
def test_statuses_become_states(read, status, code, state, fault):
    body = f"MessageSid=SM3&MessageStatus={status}&SmsStatus={status}&ErrorCode={code}"
    (event,) = read(body=body.encode(), url=STATUS_URL)
    assert event.state is state
    told = event.fault
    assert (told and (told.code, told.retryable, told.recipient)) == fault


@pytest.mark.parametrize("status", ["accepted", "scheduled", "queued", "sending"])
def test_what_is_under_way_is_ignored_with_its_reason(channel, connection, call, status):
    body = f"MessageSid=SM3&MessageStatus={status}".encode()
    (event,) = channel.parse(call(body, url=STATUS_URL), connection)
    assert event == Ignored(
        reason=f"The message is under way at Twilio: {status}.", key=f"status:SM3:{status}"
    )


def test_an_unknown_status_is_not_dropped(read):
    assert read("status_unknown.form") == [
        Unreadable(reason="Twilio tells an unknown status: 'teleported'.")
    ]
