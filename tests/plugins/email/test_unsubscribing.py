"""One click ends what is sent to many, for whom it was sent to and nobody else (RFC 8058)."""

from datetime import UTC, datetime
from urllib.parse import urlsplit

import pytest

from hubbub.sdk import Accept, AddressChanged, Call, Challenge, Headers, Part, Reject, Text
from hubbub_email import unsubscribing
from hubbub_email.channel import EmailChannel
from hubbub_email.outbound import compose
from tests.plugins.email.test_fields import CUSTOM, connection

REFERENCE = "01hzyx8k3m0v9q2r4t6w8y0a1b"
CLICK = b"List-Unsubscribe=One-Click"
#: As some programs send it.
PARTS = (
    b'--b\r\nContent-Disposition: form-data; name="List-Unsubscribe"\r\n\r\nOne-Click\r\n--b--\r\n'
)


def link(one=None, *, address="ada@a.example"):
    return unsubscribing.link(one or connection(**CUSTOM), REFERENCE, address)


def call(url, *, method="POST", body=CLICK):
    return Call(
        method=method,
        url=url,
        headers=Headers({}),
        body=body,
        received_at=datetime(2026, 3, 2, tzinfo=UTC),
    )


def verdict(one):
    return EmailChannel().verify(one, connection(**CUSTOM))


def events(one):
    return list(EmailChannel().parse(one, connection(**CUSTOM)))


@pytest.mark.parametrize("body", [CLICK, PARTS])
def test_a_click_is_believed_and_ends_marketing_alone(body):
    clicked = call(link(), body=body)
    assert isinstance(verdict(clicked), Accept)
    (event,) = events(clicked)
    assert isinstance(event, AddressChanged)
    assert (event.address, event.marketing, event.state) == ("ada@a.example", False, None)


def test_who_looks_at_the_link_is_asked_and_nothing_changes():
    looked = verdict(call(link(address="<b>@a.example"), method="GET", body=b""))
    assert isinstance(looked, Challenge)
    page = looked.answer.body.decode()
    assert looked.answer.content_type.startswith("text/html")
    assert "&lt;b&gt;@a.example" in page
    assert '<form method="post">' in page
    assert "<script" not in page


def test_a_post_without_the_word_is_only_asked():
    assert isinstance(verdict(call(link(), body=b"")), Challenge)


@pytest.mark.parametrize(
    "query",
    ["", "u=", "u=x", "u=x.y", "u=%ff.%00", "u=\ud800", "u=YQ.aaaaaaaaaa", "u=" + "a" * 5000],
)
def test_other_calls_are_rejected_and_say_nothing(query):
    other = call(f"https://hub.test/webhooks/x?{query}")
    assert isinstance(verdict(other), Reject)
    assert not any(isinstance(event, AddressChanged) for event in events(other))


def test_a_link_of_another_channel_or_for_another_address_proves_nothing():
    other = connection(**CUSTOM)
    foreign = type(other)(**{**vars(other), "webhook_secret": "o" * 48})
    assert isinstance(verdict(call(link(foreign))), Reject)
    mine, theirs = link(), link(address="eve@b.example")
    mixed = theirs.rpartition(".")[0] + "." + mine.rpartition(".")[2]
    assert isinstance(verdict(call(mixed)), Reject)


def test_only_what_goes_to_many_can_be_ended_by_a_click():
    part = Part(content=Text(text="News"), address="ada@a.example", reference=REFERENCE, bulk=True)
    one = connection(**CUSTOM)
    assert compose(part, one).unsubscribe == link(one)
    assert compose(part, one).automatic == "generated"
    from dataclasses import replace

    assert compose(replace(part, bulk=False), one).unsubscribe == ""


def test_the_link_stays_short_and_plain():
    assert len(link(address="a" * 64 + "@" + "b" * 180 + ".example")) < 900
    assert urlsplit(link()).query.isascii()
