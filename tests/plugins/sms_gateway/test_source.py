"""Asking playSMS for what it tells nobody."""

import json
from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qsl

import pytest

import hubbub_sms_gateway
from hubbub.sdk import (
    AuthFailed,
    Call,
    Headers,
    MessageReceived,
    ReceiptReceived,
    ReceiptState,
    Sender,
    Text,
    Transient,
)
from hubbub_sms_gateway.source import PlaySmsLog

IN = {
    "id": "8",
    "src": "+447700900123",
    "dst": "12345",
    "kwd": "",
    "msg": "Ready?",
    "dt": "2026-11-22 20:00:00",
}
DS = {"smslog_id": "30", "src": "12345", "dst": "+447700900123", "msg": "Yes", "status": "3"}
NOTHING = {"status": "ERR", "error": "501"}


@pytest.fixture
def look(connect, drive, answer):
    def looked(cursor, *pages):
        exchange = PlaySmsLog().cycle(connect("playsms"), cursor)
        return drive(exchange, *(answer(200, json.dumps(page)) for page in pages))

    return looked


@pytest.fixture
def read(channel, connect):
    def events(calls):
        now = datetime(2026, 11, 22, 20, tzinfo=UTC)
        return [
            event
            for body in calls
            for event in channel.parse(
                Call(method="POLL", url="", headers=Headers(), body=body, received_at=now),
                connect("playsms"),
            )
        ]

    return events


def test_the_plugin_offers_the_source():
    (source,) = hubbub_sms_gateway.register_sources()
    assert source.type == "sms_gateway"


def test_only_playsms_has_to_be_asked(connect):
    assert PlaySmsLog().wanted(connect("playsms"))
    assert not PlaySmsLog().wanted(connect("kannel"))


def test_what_was_there_before_the_channel_is_left(look):
    requests, polled = look("", {"data": [IN]}, {"data": [DS]})
    asked = dict(parse_qsl(requests[0].url.partition("?")[2]))
    assert asked == {"app": "ws", "u": "u", "h": "tok-canary", "op": "in", "c": "1"}
    assert all(request.safe for request in requests)
    assert polled.calls == ()
    assert polled.cursor.startswith("8:")
    assert polled.rest == timedelta(seconds=20)


def test_what_came_in_since_is_a_message(look, read):
    requests, polled = look("7:x", {"data": [{**IN, "id": "9", "msg": "Hi"}, IN]}, NOTHING)
    assert "op=in&c=500&last=7" in requests[0].url
    assert polled.cursor.startswith("9:")
    first, second = read(polled.calls)
    assert isinstance(first, MessageReceived)
    assert (first.key, first.sender) == ("message:8", Sender(address="+447700900123"))
    assert (first.content, first.our_address) == (Text(text="Ready?"), "12345")
    assert second.key == "message:9"


@pytest.mark.parametrize(
    ("status", "state"),
    [("1", ReceiptState.SENT), ("2", ReceiptState.FAILED), ("3", ReceiptState.DELIVERED)],
)
def test_what_became_of_ours_is_a_receipt(look, read, status, state):
    _, polled = look("7:x", NOTHING, {"data": [{**DS, "status": status}]})
    (receipt,) = read(polled.calls)
    assert isinstance(receipt, ReceiptReceived)
    assert (receipt.external_id, receipt.state) == ("30", state)
    assert receipt.key == f"status:30:{status}"


def test_what_waits_tells_nothing_and_what_was_told_is_not_told_again(look):
    _, first = look("7:x", NOTHING, {"data": [DS, {**DS, "smslog_id": "31", "status": "0"}]})
    assert len(first.calls) == 1
    _, again = look(first.cursor, NOTHING, {"data": [DS]})
    assert again.calls == ()


def test_nothing_leaves_the_cursor(look):
    _, polled = look("7:x", NOTHING, {"status": "ERR", "error": "400"})
    assert (polled.calls, polled.cursor.partition(":")[0]) == ((), "7")


@pytest.mark.parametrize(
    ("page", "kind"),
    [
        ({"status": "ERR", "error": "100"}, AuthFailed),
        ({"status": "ERR", "error": "106"}, AuthFailed),
        ({"status": "ERR", "error": "102"}, Transient),
        ([], Transient),
        ({"data": {"id": 1}}, Transient),
    ],
)
def test_a_refusal_is_told(look, page, kind):
    with pytest.raises(kind):
        look("7:x", page)


def test_a_page_that_is_no_json_is_told(connect, drive, answer):
    with pytest.raises(Transient):
        drive(PlaySmsLog().cycle(connect("playsms"), "7:x"), answer(200, "<html>"))


def test_odd_rows_harm_no_other(look, read):
    _, polled = look("7:x", {"data": ["x", {"id": "no"}, IN]}, {"data": [None]})
    assert [event.key for event in read(polled.calls)] == ["message:8"]
