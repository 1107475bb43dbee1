"""What servers say of a sender counts where we trust them, and only where it speaks against it."""

import pytest

from hubbub_email.authentication import FORGED, UNREADABLE, doubt_of
from hubbub_email.events import Account, events_of
from hubbub_email.headers import read_header
from hubbub_email.letter import read_letter
from tests.patience import within_bounds
from tests.plugins.email.letters import ARRIVAL, letter
from tests.plugins.email.test_fields import CUSTOM, fields, wrong

MINE = frozenset({"mx.hub.test"})
RECEIVED = "Received: from a.test by mx.hub.test; Mon, 2 Mar 2026 10:15:00 +0100"


def says(text):
    return f"Authentication-Results: {text}"


def doubt(*lines, trusted=MINE):
    header, _ = read_header("\r\n".join((*lines, "From: ada@a.test", "", "")).encode())
    return doubt_of(header, trusted)


def failed(*lines, trusted=MINE):
    return doubt(*lines, trusted=trusted) == FORGED


@pytest.mark.parametrize(
    "text",
    [
        "mx.hub.test; dmarc=fail",
        "MX.Hub.Test 1; spf=pass smtp.mailfrom=a.test; DMARC = Fail (p=REJECT) header.from=a.test",
        '"mx.hub.test"; dkim=pass reason="good; dmarc=pass"; dmarc=fail header.from=a.test',
        '(a (nested; "one) mx.x;) mx.hub.test (; dmarc=pass); dmarc/1=fail(p=none dis=none)',
        "mx.hub.test;\r\n\tdkim=fail;\r\n\tdmarc=fail (p=NONE \\) ;dmarc=pass) header.from=a.test",
        "mx.hub.test; dmarc=pass header.from=b.test; dmarc=fail header.from=a.test",
    ],
)
def test_a_failure_is_read_however_it_is_written(text):
    assert failed(says(text))


@pytest.mark.parametrize(
    "text",
    [
        "",
        "mx.hub.test",
        "mx.hub.test; none",
        "mx.hub.test; dmarc=pass header.from=a.test",
        "mx.hub.test; dmarc=none; spf=fail; dkim=fail",
        "mx.hub.test; dmarc=temperror",
        "mx.hub.test; spf=pass (dmarc=fail)",
        'mx.hub.test; spf=pass reason="; dmarc=fail"',
        "mx.hub.test; x-dmarc=fail",
        "mx.elsewhere.test; dmarc=fail",
        "notmx.hub.test; dmarc=fail",
        "(mx.hub.test); dmarc=fail",
        "; dmarc=fail",
    ],
)
def test_what_is_no_failure_or_said_by_another_counts_nothing(text):
    assert doubt(says(text)) == ""


@pytest.mark.parametrize(
    "text",
    [
        "mx.hub.test; (dmarc=fail",
        "mx.hub.test; spf=none smtp.mailfrom=a(b@a.test; dmarc=fail (p=none) header.from=a.test",
        "mx.hub.test (; dmarc=pass header.from=a.test",
        'mx.hub.test; spf=none smtp.mailfrom="b@a.test; dmarc=fail header.from=a.test',
        "mx.hub.test; spf=none (\\); dmarc=fail",
        'mx.hub.test; spf=none reason="x\\"; dmarc=fail',
        "mx.hub.test; dmarc=pass header.from=a.test; spf=pass (",
        "mx.hub.test; spf=pass (\\",
        "mx.hub.test; spf=pass (" + "x" * 40_000 + "); dmarc=fail",
    ],
)
def test_what_opens_and_does_not_close_hides_no_failure(text):
    assert doubt(says(text)) == UNREADABLE
    assert doubt(says("mx.hub.test; spf=pass"), says(text)) == UNREADABLE


def test_what_cannot_be_read_counts_nothing_where_another_said_it():
    assert doubt(says("mx.elsewhere.test; (dmarc=fail")) == ""
    assert doubt(says("(mx.hub.test; dmarc=fail")) == ""
    assert doubt(says("mx.hub.test; dmarc=pass"), says("mx.hub.test; (dmarc=fail")) == ""
    assert doubt(says("mx.hub.test; spf=pass"), RECEIVED, says("mx.hub.test; (")) == ""


def test_the_word_on_top_counts_and_none_from_an_earlier_hop():
    good, bad = says("mx.hub.test; dmarc=pass"), says("mx.hub.test; dmarc=fail")
    assert failed(bad, good)
    assert not failed(good, bad)
    # Each method may have a header of its own.
    assert failed(says("mx.hub.test; spf=pass"), bad)
    assert failed(RECEIVED, says("mx.elsewhere.test; dmarc=pass"), bad, RECEIVED)
    assert not failed(RECEIVED, says("mx.hub.test; spf=pass"), RECEIVED, bad)
    assert not failed(bad, trusted=frozenset())


def test_a_header_that_was_made_to_exhaust_is_read_in_no_time():
    with within_bounds():
        failed(*(says(one * 16_000) for one in ("(", '"', "\\", ";a=", "((\\")))


def heard(*given):
    arrival = type(ARRIVAL)(**{**vars(ARRIVAL), "trusted": MINE})
    account = Account(address="support@example.com", key=b"k" * 32)
    (event,) = events_of(read_letter(letter(*given), arrival), account)
    return event


def test_a_letter_that_may_be_forged_says_so_and_is_for_people_alone():
    bad = says("mx.hub.test; dmarc=fail")
    event = heard(bad)
    assert (event.content.doubt, event.not_routed) == (FORGED, FORGED)
    assert event.answers.doubted
    assert not event.quiet
    # It may be from anybody: an automatic letter as well.
    assert heard(bad, "Auto-Submitted: auto-replied").content.doubt == FORGED
    unread = heard(says("mx.hub.test; (dmarc=fail"))
    assert (unread.content.doubt, unread.not_routed) == (UNREADABLE, UNREADABLE)
    assert unread.answers.doubted
    fine = heard(says("mx.hub.test; dmarc=pass"))
    assert (fine.content.doubt, fine.not_routed, fine.answers.doubted) == (None, "", False)


def test_the_servers_that_are_trusted_are_those_that_are_named_or_the_providers_own():
    def trusted(**given):
        return fields(**{**CUSTOM, **given}).settings.trusted_servers

    assert trusted() == frozenset()
    assert trusted(preset="google") == {"mx.google.com"}
    named = {"trusted_authserv_ids": "MX.Hub.test\n mx2.hub.test "}
    assert trusted(preset="google", **named) == {"mx.hub.test", "mx2.hub.test"}
    assert wrong(**CUSTOM, trusted_authserv_ids=["m x"]) == {"settings.trusted_authserv_ids"}
