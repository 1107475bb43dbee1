import json
from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qsl, urlsplit

import pytest

from hubbub.sdk import (
    Attachment,
    AuthFailed,
    Call,
    Headers,
    HttpResponse,
    MessageReceived,
    Polled,
    RateLimited,
    ReceiptReceived,
    Source,
    Text,
    Transient,
    Unreadable,
)
from hubbub_sms_twilio.source import TwilioLog

NOW = datetime(2026, 1, 1, 12, 30, tzinfo=UTC)
BEFORE = "2026-01-01T12:15:00+00:00"
DATED = {"Date": "Thu, 01 Jan 2026 12:30:00 GMT"}
OURS = "+15005550001"
THEIRS = "+15005550006"
ACCOUNT = "/2010-04-01/Accounts/AC00000000000000000000000000000009"


def inbound(sid="SM1", **more):
    return {
        "sid": sid,
        "direction": "inbound",
        "status": "received",
        "from": THEIRS,
        "to": OURS,
        "body": "Is it ready?",
        "num_media": "0",
        "date_sent": "Thu, 01 Jan 2026 12:20:00 +0000",
        **more,
    }


def outbound(sid="SM2", **more):
    return {
        "sid": sid,
        "direction": "outbound-api",
        "status": "delivered",
        "from": OURS,
        "to": THEIRS,
        "body": "Ready",
        "error_code": None,
        "date_sent": "Thu, 01 Jan 2026 06:20:00 +0000",
        **more,
    }


def page(*messages, more=None):
    body = json.dumps({"messages": list(messages), "next_page_uri": more}).encode()
    return HttpResponse(status=200, headers=Headers(DATED), body=body)


def files(*names):
    found = [
        {"uri": f"{ACCOUNT}/Messages/MM1/Media/{name}.json", "content_type": "image/jpeg"}
        for name in names
    ]
    return HttpResponse(
        status=200, headers=Headers({}), body=json.dumps({"media_list": found}).encode()
    )


@pytest.fixture
def look(drive, connection):
    """Make one round: after the clock come these answers; return requests and what it brought."""

    def cycle(*answers, cursor=BEFORE, connection=connection):
        return drive(TwilioLog().cycle(connection, cursor), page(), *answers)

    return cycle


@pytest.fixture
def events(channel, connection):
    """Return the events of what a round brought."""

    def read(polled):
        return [
            event
            for body in polled.calls
            for event in channel.parse(
                Call(method="POLL", url="", headers=Headers(), body=body, received_at=NOW),
                connection,
            )
        ]

    return read


def query(request):
    return dict(parse_qsl(urlsplit(request.url).query))


def test_it_is_a_source_that_can_be_switched_off(connect):
    source = TwilioLog()
    assert isinstance(source, Source)
    assert source.type == "sms_twilio"
    assert source.wanted(connect())
    assert not source.wanted(connect(from_number=OURS, read_log=False))


def test_the_first_round_takes_down_the_time_and_nothing_older(look):
    requests, polled = look(cursor="")
    assert len(requests) == 1
    assert polled == Polled(calls=(), cursor=NOW.isoformat(), rest=timedelta(minutes=15))


def test_a_round_lists_what_came_and_what_was_sent_six_hours_earlier(look):
    (_, came, went), polled = look(page(), page())
    assert query(came) == {
        "To": OURS,
        "DateSent>": "2026-01-01T12:05:00Z",
        "DateSent<": "2026-01-01T12:30:00Z",
        "PageSize": "200",
    }
    assert query(went) == {
        "From": OURS,
        "DateSent>": "2026-01-01T06:15:00Z",
        "DateSent<": "2026-01-01T06:30:00Z",
        "PageSize": "200",
    }
    assert polled == Polled(calls=(), cursor=NOW.isoformat(), rest=timedelta(minutes=15))


def test_after_a_long_time_it_catches_up_hour_by_hour(look):
    _, polled = look(page(), page(), cursor="2026-01-01T03:00:00+00:00")
    assert (polled.cursor, polled.rest) == ("2026-01-01T04:00:00+00:00", timedelta())


def test_a_missed_message_is_read_as_its_call_would_have_been(look, events, read_call):
    _, polled = look(page(inbound()), page())
    (found,) = events(polled)
    assert isinstance(found, MessageReceived)
    assert found.provider_at == datetime(2026, 1, 1, 12, 20, tzinfo=UTC)
    called = read_call("MessageSid=SM1&From=%2B15005550006&To=%2B15005550001&Body=Is+it+ready%3F")
    assert (found.key, found.content, found.sender) == (called.key, called.content, called.sender)


@pytest.fixture
def read_call(channel, connection, call):
    def read(form):
        (event,) = channel.parse(call(form.encode()), connection)
        return event

    return read


def test_a_missing_receipt_is_read_as_its_call_would_have_been(look, events, read_call):
    failed = outbound(status="undelivered", error_code=30005)
    _, polled = look(page(), page(failed))
    called = read_call("MessageSid=SM2&MessageStatus=undelivered&ErrorCode=30005")
    assert isinstance(called, ReceiptReceived)
    assert events(polled) == [called]


def test_the_files_of_a_missed_message_are_listed_too(look, events):
    message = inbound("MM1", num_media="2", body="Look")
    (_, _, asked, _), polled = look(page(message), files("ME1", "ME2"), page())
    assert asked.url == f"https://api.twilio.com{ACCOUNT}/Messages/MM1/Media.json"
    first, second = (event.content for event in events(polled))
    assert isinstance(first, Attachment)
    assert (first.media.ref, first.caption) == (
        f"https://api.twilio.com{ACCOUNT}/Messages/MM1/Media/ME1",
        "Look",
    )
    assert second.media.ref.endswith("/ME2")


def test_files_that_were_deleted_do_not_cost_the_message(look, events, answer):
    _, polled = look(page(inbound("MM1", num_media="1", body="Look")), answer(404), page())
    assert [event.content for event in events(polled)] == [Text(text="Look")]


@pytest.mark.parametrize(
    "other",
    [
        outbound("SM9"),
        inbound("SM9", to="+15005550099"),
        inbound("SM9", date_sent="Thu, 01 Jan 2026 11:00:00 +0000"),
        inbound("SM9", date_sent="Thu, 01 Jan 2026 13:00:00 +0000"),
    ],
    ids=["sent by us", "another number", "before", "after"],
)
def test_what_is_not_asked_for_is_passed_over(look, events, other):
    _, polled = look(page(other, inbound()), page())
    assert [event.external_id for event in events(polled)] == ["SM1"]


@pytest.mark.parametrize(
    "other",
    [
        outbound("SM9", status="sent"),
        outbound("SM9", status="queued"),
        outbound("SM9", direction="outbound-reply"),
        outbound("SM9", **{"from": "+15005550099"}),
    ],
    ids=["not final", "under way", "by TwiML", "another number"],
)
def test_only_the_end_of_our_own_messages_is_told(look, events, other):
    _, polled = look(page(), page(other, outbound()))
    assert [event.external_id for event in events(polled)] == ["SM2"]


def test_a_service_is_known_by_its_sid(look, events, connect):
    service = "MG00000000000000000000000000000001"
    connection = connect(messaging_service_sid=service)
    mine = inbound("SM3", to="+15005550042", messaging_service_sid=service)
    (_, came, _), polled = look(page(mine, inbound("SM4")), page(), connection=connection)
    assert "To" not in query(came)
    assert [event.external_id for event in events(polled)] == ["SM3"]


def test_all_pages_are_read(look, events):
    more = f"{ACCOUNT}/Messages.json?PageSize=200&Page=1"
    (_, _, second, _), polled = look(page(inbound("SM3"), more=more), page(inbound("SM2")), page())
    assert second.url == f"https://api.twilio.com{more}"
    assert [event.external_id for event in events(polled)] == ["SM3", "SM2"]


@pytest.mark.parametrize("more", ["https://evil.example/x", ".evil.example/x", "@evil.example/"])
def test_a_page_elsewhere_is_not_asked_for(look, more):
    with pytest.raises(Transient):
        look(page(more=more))


def test_one_odd_message_is_shown_and_its_siblings_go_on(look, events):
    _, polled = look(page({"sid": 5}, inbound()), page())
    odd, good = events(polled)
    assert isinstance(odd, Unreadable)
    assert good.external_id == "SM1"


def test_many_messages_are_several_calls(look, events):
    many = [inbound(f"SM{number}") for number in range(450)]
    _, polled = look(page(*many), page())
    assert len(polled.calls) == 3
    assert len({event.key for event in events(polled)}) == 450


@pytest.mark.parametrize(
    ("status", "code", "error"),
    [
        (401, 20003, AuthFailed),
        (429, 20429, RateLimited),
        (500, 20500, Transient),
        # Calls still come in, so the channel is not broken.
        (400, 20001, Transient),
        (200, 0, Transient),
    ],
)
def test_a_log_that_is_not_shown_is_looked_at_later(drive, connection, status, code, error):
    body = json.dumps({"code": code, "message": "No"}).encode()
    refusal = HttpResponse(status=status, headers=Headers({}), body=body)
    with pytest.raises(error) as caught:
        drive(TwilioLog().cycle(connection, BEFORE), refusal)
    assert type(caught.value) is error
