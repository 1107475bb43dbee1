"""Whatever stands in a letter, it is read in bounded time and something of it is shown."""

import pickle

import pytest

from hubbub.sdk import Email, MessageReceived, Unreadable
from hubbub_email.events import Account, events_of
from hubbub_email.letter import read_letter
from tests.patience import within_bounds
from tests.plugins.email.letters import ARRIVAL, LARGE, PAYLOADS, letter, raw, read

ACCOUNT = Account(address="support@example.com", key=b"k" * 32)
#: Nothing at all stands in them.
NOTHING = {"empty", "blank"}
SMALL = sorted(path.stem for path in PAYLOADS.glob("*.eml"))


@pytest.mark.parametrize("name", [name for name in SMALL if name not in NOTHING])
def test_something_of_every_letter_is_shown(name):
    events = list(events_of(read(name), ACCOUNT))

    assert events
    for event in events:
        assert not isinstance(event, Unreadable)
        if isinstance(event, MessageReceived):
            assert isinstance(event.content, Email)
            assert event.sender.address
            assert event.content.text or event.content.attachments or event.content.subject


@pytest.mark.parametrize("name", sorted(NOTHING))
def test_a_letter_with_nothing_in_it_says_so(name):
    assert list(events_of(read(name), ACCOUNT)) == [
        Unreadable(reason="There is nothing in the letter.")
    ]


@pytest.mark.parametrize("name", LARGE)
def test_conformance_06_a_letter_made_to_exhaust_is_read_in_time(name):
    raw_letter = LARGE[name]()

    with within_bounds():
        found = read_letter(raw_letter, ARRIVAL)

    assert not found.empty


@pytest.mark.parametrize("name", SMALL)
def test_what_is_read_can_be_carried_between_processes(name):
    found = read(name)
    assert pickle.loads(pickle.dumps(found)) == found


@pytest.mark.parametrize("name", SMALL)
def test_a_letter_cut_off_anywhere_is_read(name):
    whole = raw(name)
    for share in (0.2, 0.5, 0.8, 0.97):
        read(whole[: int(len(whole) * share)])


@pytest.mark.parametrize("name", SMALL)
def test_a_letter_with_damaged_bytes_is_read(name):
    whole = raw(name)
    for step in (7, 31):
        damaged = bytearray(whole)
        damaged[::step] = bytes((byte * 7 + 13) % 256 for byte in damaged[::step])
        read(bytes(damaged))


def test_no_text_of_a_letter_holds_what_a_database_refuses():
    hostile = "a\x00b\ud800c".encode("utf-8", "surrogatepass")
    found = read(
        letter(
            b"Subject: " + hostile,
            b"From: " + hostile + b" <ada@example.org>",
            b"Message-ID: <" + hostile + b"@example.org>",
            b"Content-Type: text/html; charset=utf-8",
            body=hostile,
        )
    )
    for text in (found.subject, found.text, found.html, found.message_id, found.sender_text):
        assert text
        assert "\0" not in text
        text.encode()
