"""The requests that send a part, and what their answers mean."""

from base64 import b64encode
from datetime import timedelta
from urllib.parse import parse_qsl

import pytest

from hubbub.sdk import (
    Accepted,
    Attachment,
    AuthFailed,
    Draft,
    Location,
    Media,
    OutcomeUnknown,
    Permanent,
    RateLimited,
    Reaction,
    RecipientGone,
    SendError,
    Text,
    Transient,
    Unsupported,
    WindowClosed,
)
from hubbub_sms_twilio import faults
from hubbub_sms_twilio.meanings import MEANINGS

SERVICE = "MG00000000000000000000000000000007"
MESSAGES = (
    "https://api.twilio.com/2010-04-01/Accounts/AC00000000000000000000000000000009/Messages.json"
)
BASIC = b64encode(b"AC00000000000000000000000000000009:0123456789abcdef0123456789abcdef").decode()
CALLBACK = "https://hub.example.com/webhooks/k1?d=r1#rc=5&rp=all"
PICTURE = Attachment(
    type="image", media=Media(url="https://hub.example.com/media/1.png"), caption="The plan"
)


@pytest.fixture
def send(channel, connection, drive, answer, part):
    """Send a part and return the forms that were posted and the result."""

    def run(what="Ready at 5", *answers, via=connection, **more):
        answers = answers or ("created_201.json",)
        replies = [answer(item) if isinstance(item, str | int) else item for item in answers]
        requests, result = drive(channel.send(part(what, **more), via), *replies)
        return [parse_qsl(request.body.decode()) for request in requests], result

    return run


# --- requests ------------------------------------------------------------------------------


def test_a_text_is_one_request(channel, connection, drive, answer, part):
    (request,), accepted = drive(channel.send(part(), connection), answer("created_201.json"))
    assert request.method == "POST"
    assert request.url == MESSAGES
    assert request.headers == {
        "authorization": f"Basic {BASIC}",
        "content-type": "application/x-www-form-urlencoded",
    }
    assert request.body == (
        b"To=%2B15005550006&From=%2B15005550001&Body=Ready+at+5&StatusCallback="
        b"https%3A%2F%2Fhub.example.com%2Fwebhooks%2Fk1%3Fd%3Dr1%23rc%3D5%26rp%3Dall"
    )
    assert not request.safe
    assert accepted == Accepted(external_id="SM00000000000000000000000000000003", note="1 segment")


def test_the_api_base_can_be_a_simulator(channel, connect, drive, answer, part):
    via = connect(from_number="+15005550001", api_base="http://127.0.0.1:9000/twilio/")
    (request,), _ = drive(channel.send(part(), via), answer("created_201.json"))
    assert request.url == MESSAGES.replace("https://api.twilio.com", "http://127.0.0.1:9000/twilio")


def test_a_picture_goes_as_mms_with_its_words(send):
    (form,), _ = send(PICTURE)
    assert form == [
        ("To", "+15005550006"),
        ("From", "+15005550001"),
        ("Body", "The plan"),
        ("MediaUrl", "https://hub.example.com/media/1.png"),
        ("StatusCallback", CALLBACK),
    ]


@pytest.mark.parametrize(
    ("address", "via"),
    [
        ("+4915112345678", {}),
        ("+15005550006", {"facts": {"mms": "no"}}),
        ("+15005550006", {"from_number": "AcmeShop"}),
    ],
)
def test_where_mms_cannot_work_a_file_goes_as_a_link(send, connect, address, via):
    (form,), _ = send(PICTURE, via=connect(**via), address=address)
    assert dict(form)["Body"] == "The plan\nhttps://hub.example.com/media/1.png"
    assert "MediaUrl" not in dict(form)


def test_a_file_that_twilio_refuses_goes_as_a_link(send):
    (first, second), accepted = send(PICTURE, "refused_21620_400.json", "created_201.json")
    assert dict(first)["MediaUrl"] == "https://hub.example.com/media/1.png"
    assert dict(second)["Body"] == "The plan\nhttps://hub.example.com/media/1.png"
    assert "MediaUrl" not in dict(second)
    assert accepted.external_id == "SM00000000000000000000000000000003"


def test_a_link_that_does_not_fit_is_not_tried(send):
    long = Attachment(type="image", media=PICTURE.media, caption="a" * 1600)
    with pytest.raises(Permanent) as caught:
        send(long, "refused_21620_400.json")
    assert caught.value.code == "media_refused"


def test_a_service_sends_from_the_number_that_the_contact_knows(send, connect):
    via = connect(messaging_service_sid=SERVICE)
    (form,), _ = send(via=via, our_address="+15005550002")
    assert form[1:3] == [("From", "+15005550002"), ("MessagingServiceSid", SERVICE)]
    (form,), _ = send(via=via)
    assert form[1] == ("MessagingServiceSid", SERVICE)


def test_a_service_may_be_told_its_sender(send, connect):
    via = connect(messaging_service_sid=SERVICE, from_number="+15005550001")
    (form,), _ = send(via=via)
    assert form[1:3] == [("From", "+15005550001"), ("MessagingServiceSid", SERVICE)]


def test_a_number_sends_as_itself_whatever_was_written_to(send):
    (form,), _ = send(our_address="+15005550002")
    assert dict(form)["From"] == "+15005550001"


def test_smart_encoding_is_asked_for_when_set(send, connect):
    (form,), _ = send(via=connect(from_number="+15005550001", smart_encoding=True))
    assert dict(form)["SmartEncoded"] == "true"


def test_a_hub_without_public_address_asks_for_no_callback(send, connect):
    (form,), _ = send(via=connect(webhook_url=""))
    assert "StatusCallback" not in dict(form)


def test_the_reference_joins_a_query_that_is_there(send, connect):
    (form,), _ = send(via=connect(webhook_url="https://hub.example.com/w?x=1"))
    assert dict(form)["StatusCallback"] == "https://hub.example.com/w?x=1&d=r1#rc=5&rp=all"


def test_accents_typed_apart_are_composed(send):
    (form,), _ = send("cafe\u0301 & +")
    assert dict(form)["Body"] == "café & +"


def test_conformance_14_a_text_of_1601_characters_is_two_parts_in_order(
    channel, connection, send, part
):
    words = "word " * 320 + "x"
    parts = channel.render(Draft(content=Text(text=words)), part(), connection)
    assert len(words) == 1601
    assert [piece.content.text for piece in parts] == [("word " * 320).rstrip(), "x"]
    for piece in parts:
        ((form,), _) = send(piece.content)
        assert dict(form)["Body"] == piece.content.text


def test_conformance_14_emoji_are_counted_in_ucs2(send, answer):
    reply = answer("created_service_201.json")
    _, accepted = send("😀" * 36, reply)
    assert accepted.note == "about 2 segments"


@pytest.mark.parametrize(
    ("what", "reason"),
    [
        (Reaction(emoji="👍", target_external_id="SM1"), "cannot carry 'reaction'"),
        (Attachment(type="image", media=Media()), "has no address"),
    ],
)
def test_what_cannot_be_sent_is_refused_before_any_request(channel, connection, part, what, reason):
    with pytest.raises(Unsupported, match=reason):
        next(channel.send(part(what), connection))


def test_encoding_conformance_5_1601_characters_are_refused_before_the_call(
    channel, connection, part
):
    with pytest.raises(Unsupported, match="1601 characters, but Twilio takes at most 1600"):
        next(channel.send(part("a" * 1601), connection))


def test_a_place_is_put_into_words(channel, connection, part):
    place = Draft(content=Location(latitude=52.5, longitude=13.4, name="Office"))
    (piece,) = channel.render(place, part(), connection)
    assert piece.content.text.startswith("Office\nhttps://")


# --- answers -------------------------------------------------------------------------------


def test_an_address_that_twilio_spells_otherwise_is_told(send, answer):
    reply = answer(201, b'{"sid": "SM3", "to": "+525512345678", "num_segments": "2"}')
    _, accepted = send("x", reply, address="+5215512345678")
    assert accepted == Accepted(external_id="SM3", address="+525512345678", note="2 segments")


def test_conformance_11_who_sent_stop_is_opted_out(send):
    with pytest.raises(RecipientGone) as caught:
        send("x", "refused_21610_400.json")
    error = caught.value
    assert error.opted_out
    assert (error.code, error.provider_code) == ("opted_out", "21610")
    assert "Attempt to send to unsubscribed recipient" in error.detail


def test_conformance_12_too_many_requests_pause_the_channel_until_one_is_taken(send, answer):
    with pytest.raises(RateLimited) as first:
        send("x", "refused_20429_429.json")
    assert (first.value.retry_after, first.value.whole_channel) == (timedelta(seconds=2), True)
    with pytest.raises(RateLimited) as second:
        send("x", answer("refused_20429_429.json", retry_after="7"))
    assert second.value.retry_after == timedelta(seconds=7)
    _, accepted = send("x")
    assert accepted.external_id == "SM00000000000000000000000000000003"


@pytest.mark.parametrize("retry_after", ["", "soon", "0", "²"])
def test_an_unusable_pause_becomes_the_usual_one(send, answer, retry_after):
    with pytest.raises(RateLimited) as caught:
        send("x", answer(429, retry_after=retry_after))
    assert caught.value.retry_after == timedelta(seconds=2)


def test_conformance_13_refused_credentials_stop_the_channel(send):
    with pytest.raises(AuthFailed) as caught:
        send("x", "refused_20003_401.json")
    assert "0123456789abcdef" not in caught.value.detail


def test_a_message_created_as_failed_is_failed(send):
    with pytest.raises(RecipientGone) as caught:
        send("x", "created_failed_201.json")
    assert caught.value.provider_code == "30006"


@pytest.mark.parametrize(
    "body", [b"", b"<html>", b"[]", b"{}", b'{"sid": ""}', b"[" * 100_000, b"\xff"]
)
def test_an_answer_that_cannot_be_read_leaves_the_outcome_unknown(send, answer, body):
    with pytest.raises(OutcomeUnknown):
        send("x", answer(201, body))


def test_a_redirect_leaves_the_outcome_unknown(send):
    with pytest.raises(OutcomeUnknown):
        send("x", 302)


#: By the fact sheet, "Errors".
CODES: list[tuple[tuple[int, ...], type[SendError], str]] = [
    ((20003, *range(20101, 20108), 20151, 20156, 20403), AuthFailed, "auth_failed"),
    ((20005, 20010, 21470, 21471, 21472, 30002), AuthFailed, "account_inactive"),
    ((20404,), AuthFailed, "wrong_account"),
    ((20429,), RateLimited, "rate_limited"),
    ((20500,), Transient, "provider_down"),
    ((20001, 20422, 21602, 21604, 21609, 21619, 21624, 21626, 21627), Permanent, "bad_request"),
    ((21211, 21217, 21401, 21421, 21614), RecipientGone, "bad_address"),
    ((14108, 21212, 21407, 21601, 21603, 21606, 21616), Permanent, "sender_unusable"),
    ((21408,), Permanent, "country_not_enabled"),
    ((21219, 21607, 21608), Permanent, "trial_account"),
    ((21610,), RecipientGone, "opted_out"),
    ((21611, 30001), RateLimited, "queue_full"),
    ((21612,), Permanent, "no_route"),
    ((21617,), Permanent, "too_long"),
    ((21618,), Permanent, "content_refused"),
    ((11751, 12300, *range(21620, 21624), 30011, 30019), Permanent, "media_refused"),
    ((*range(21701, 21706), 21709), Permanent, "service_unusable"),
    ((30003,), Transient, "unreachable"),
    ((30004, 63033), Permanent, "blocked"),
    ((30005, 30006), RecipientGone, "recipient_gone"),
    ((30007,), Permanent, "filtered"),
    ((30008,), Transient, "undelivered"),
    ((30010,), Permanent, "too_expensive"),
    ((30017, 30022, 30410, 63018), RateLimited, "congested"),
    ((30018, 30024, 30032, 30034), Permanent, "registration_required"),
    ((30023, 30025, 30026, 30027), RateLimited, "daily_cap"),
    ((30036,), Transient, "expired"),
    ((63003, 63024), Permanent, "no_such_recipient"),
    ((63016,), WindowClosed, "window_closed"),
    ((63032,), Permanent, "policy"),
    ((63038,), Permanent, "daily_limit"),
]
EACH_CODE = [(code, kind, word) for codes, kind, word in CODES for code in codes]


@pytest.mark.parametrize(("code", "kind", "word"), EACH_CODE)
def test_each_error_code_has_its_class_at_once_and_later(code, kind, word):
    error = faults.error(code, "No.")
    assert (type(error), error.code, error.provider_code) == (kind, word, str(code))
    told = faults.fault(str(code), "undelivered")
    assert (told.code, told.retryable) == (word, kind.retryable)
    assert (told.recipient is not None) == (kind is RecipientGone)


def test_no_error_code_has_a_meaning_that_no_test_knows():
    assert {code for code, _, _ in EACH_CODE} == MEANINGS.keys()


@pytest.mark.parametrize(
    ("reply", "kind", "word"),
    [
        ((500, None), Transient, "provider_down"),
        ((503, None), Transient, "provider_down"),
        ((500, 20500), Transient, "provider_down"),
        ((401, None), AuthFailed, "auth_failed"),
        ((403, 20403), AuthFailed, "auth_failed"),
        ((404, 20404), AuthFailed, "wrong_account"),
        ((400, 21211), RecipientGone, "bad_address"),
        ((400, 21611), RateLimited, "queue_full"),
        ((400, 21612), Permanent, "no_route"),
        ((400, 63016), WindowClosed, "window_closed"),
        ((400, 99999), Permanent, "rejected"),
        ((400, None), Permanent, "rejected"),
    ],
)
def test_refusals_become_errors_by_their_code_or_else_by_their_status(
    send, answer, reply, kind, word
):
    status, code = reply
    body = b'{"code": %d, "message": "No."}' % code if code else b""
    with pytest.raises(SendError) as caught:
        send("x", answer(status, body))
    error = caught.value
    assert type(error) is kind
    assert (error.code, error.provider_code) == (word, str(code) if code else None)


def test_an_error_says_what_to_do(send, answer):
    with pytest.raises(Permanent) as caught:
        send("x", answer(400, b'{"code": 21408, "message": "Permission to send not enabled."}'))
    assert caught.value.detail == (
        "Twilio: Permission to send not enabled. Allow the country in the Twilio console: "
        "Messaging > Settings > Geo permissions."
    )


@pytest.mark.parametrize(
    ("code", "status", "advice"),
    [
        ("", "undelivered", "Twilio gives no reason"),
        ("99999", "undelivered", "https://www.twilio.com/docs/errors/99999"),
        ("", "canceled", "The message was cancelled"),
    ],
)
def test_a_failure_that_nobody_knows_says_where_to_look(code, status, advice):
    assert advice in faults.fault(code, status).detail


def test_every_meaning_tells_a_person_something():
    assert all(meaning.code and meaning.advice.endswith(".") for meaning in MEANINGS.values())
