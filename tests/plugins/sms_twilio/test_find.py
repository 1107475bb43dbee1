"""Whether a part whose answer was lost is found at Twilio."""

import json
from datetime import UTC, datetime

import pytest

from hubbub.sdk import Accepted, Attachment, Media, OutcomeUnknown

FIRST_PAGE = (
    "https://api.twilio.com/2010-04-01/Accounts/AC00000000000000000000000000000009"
    "/Messages.json?To=%2B15005550006&PageSize=50"
)
PICTURE = Attachment(
    type="image", media=Media(url="https://hub.example.com/media/1.png"), caption="The plan"
)


@pytest.fixture
def find(channel, connection, drive, answer, part):
    def run(what, reply="messages_200.json", via=connection, **more):
        reply = answer(reply) if isinstance(reply, str | int) else reply
        (request,), found = drive(channel.find(part(what, **more), via), reply)
        assert (request.method, request.url, request.safe) == ("GET", FIRST_PAGE, True)
        return found

    return run


def test_a_message_that_says_the_same_is_ours(find):
    assert find("Ready at 5") == Accepted(external_id="SM00000000000000000000000000000011")


def test_a_text_that_nobody_sent_is_proven_missing(find):
    assert find("Ready at 6") is None


def test_what_another_sender_sent_is_not_ours(find):
    assert find("From elsewhere") is None


def test_a_picture_is_known_by_its_words(find):
    assert find(PICTURE) == Accepted(external_id="MM00000000000000000000000000000008")


def test_a_text_is_not_taken_for_a_picture_of_the_same_words(find):
    assert find("The plan") is None


def test_a_picture_that_went_as_a_link_is_known_too(find, answer):
    body = (
        b'{"messages": [{"sid": "SM1", "direction": "outbound-api", "from": "+15005550001",'
        b' "to": "+15005550006", "body": "The plan\\nhttps://hub.example.com/media/1.png",'
        b' "num_media": "0"}]}'
    )
    assert find(PICTURE, answer(200, body)) == Accepted(external_id="SM1")


def test_smart_encoding_does_not_hide_a_message(find):
    assert find("Ready\u00a0at 5") == Accepted(external_id="SM00000000000000000000000000000011")


def test_a_trial_accounts_sentence_does_not_hide_a_message(find, connect, answer):
    body = (
        b'{"messages": [{"sid": "SM1", "direction": "outbound-api", "from": "+15005550001",'
        b' "to": "+15005550006", "body": "Sent from a trial account - Hello", "num_media": "0"}]}'
    )
    assert find("Hello", answer(200, body)) is None
    assert find("Hello", answer(200, body), connect(facts={"account_type": "Trial"}))


def test_a_service_finds_what_it_sent(find, connect, answer):
    body = (
        b'{"messages": [{"sid": "SM1", "direction": "outbound-api", "from": "+15005550002",'
        b' "to": "+15005550006", "body": "Hello", "num_media": "0",'
        b' "messaging_service_sid": "MG00000000000000000000000000000007"}]}'
    )
    service = connect(messaging_service_sid="MG00000000000000000000000000000007")
    assert find("Hello", answer(200, body), service) == Accepted(external_id="SM1")
    assert find("Hello", answer(200, body)) is None


def test_several_of_the_same_words_prove_nothing(find):
    with pytest.raises(OutcomeUnknown, match="several"):
        find("Twice")


WRITTEN = datetime(2026, 1, 1, 12, 0, tzinfo=UTC)


def listed(answer, *created, text="Hello"):
    """Return a list of messages that all say ``text``, taken by Twilio at these times."""
    messages = [
        {
            "sid": f"SM{number}",
            "direction": "outbound-api",
            "from": "+15005550001",
            "to": "+15005550006",
            "body": text,
            "num_media": "0",
            "date_created": at,
        }
        for number, at in enumerate(created, start=1)
    ]
    return answer(200, json.dumps({"messages": messages}).encode())


@pytest.mark.parametrize(
    ("taken", "found"),
    [
        ("Thu, 01 Jan 2026 12:00:01 +0000", "SM1"),
        ("Thu, 01 Jan 2026 11:58:00 +0000", "SM1"),  # our clock may be ahead of Twilio's
        ("Thu, 01 Jan 2026 11:00:00 +0000", None),
        ("Wed, 31 Dec 2025 12:00:01 +0000", None),
        (None, "SM1"),
        ("at noon", "SM1"),
        ("Thu, 01 Jan 2026 11:00:00 -0000", "SM1"),  # in a zone that nobody knows
    ],
)
def test_an_older_message_that_says_the_same_is_not_ours(find, answer, taken, found):
    result = find("Hello", listed(answer, taken), created_at=WRITTEN)
    assert result == (found and Accepted(external_id=found))


def test_a_lost_text_is_not_taken_for_equal_ones_that_were_sent_later(find, answer):
    later = ["Thu, 01 Jan 2026 12:03:00 +0000", "Thu, 01 Jan 2026 12:02:00 +0000"]
    others = frozenset({"SM1", "SM2"})
    assert find("Hello", listed(answer, *later), created_at=WRITTEN, others=others) is None
    ours = "Thu, 01 Jan 2026 12:00:02 +0000"
    found = find("Hello", listed(answer, *later, ours), created_at=WRITTEN, others=others)
    assert found == Accepted(external_id="SM3")


def test_a_page_full_of_newer_messages_proves_nothing(find, answer):
    newer = ["Thu, 01 Jan 2026 12:03:00 +0000"] * 50
    with pytest.raises(OutcomeUnknown, match="hidden"):
        find("Hello", listed(answer, *newer, text="Other"), created_at=WRITTEN)
    older = [*newer[:49], "Thu, 01 Jan 2026 11:03:00 +0000"]
    assert find("Hello", listed(answer, *older, text="Other"), created_at=WRITTEN) is None


def test_redacted_messages_prove_nothing(find):
    with pytest.raises(OutcomeUnknown, match="redaction"):
        find("Hello", "messages_redacted_200.json")


@pytest.mark.parametrize("reply", [401, 429, 500, 302])
def test_a_list_that_is_not_shown_proves_nothing(find, reply):
    with pytest.raises(OutcomeUnknown):
        find("Hello", reply)


def test_a_list_that_cannot_be_read_proves_nothing(find, answer):
    with pytest.raises(OutcomeUnknown):
        find("Hello", answer(200, b"<html>"))
