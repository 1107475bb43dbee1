import json
from datetime import timedelta

import pytest

from hubbub.sdk import Headers, HttpResponse, MessageReceived, Permanent, Source, Transient
from hubbub_telegram.source import TelegramUpdates

PLAIN = "http://127.0.0.1:8000/webhooks/abcdefghijklmnopqrst"


@pytest.fixture
def source():
    return TelegramUpdates()


def test_it_is_a_source_of_telegram(source):
    assert isinstance(source, Source)
    assert source.type == "telegram"


@pytest.mark.parametrize(
    ("settings", "wanted"),
    [
        ({}, False),
        ({"mode": "polling"}, True),
        ({"webhook_url": PLAIN}, True),
        ({"webhook_url": PLAIN, "mode": "webhook"}, False),
    ],
)
def test_channels_poll_where_chosen_or_where_there_is_no_https(
    source, connection, settings, wanted
):
    assert source.wanted(connection(**settings)) is wanted


def test_one_round_is_one_long_request(source, connection, run, answer):
    polled, (request,) = run(source.cycle(connection(), "700000001"), answer("getUpdates"))
    assert request.url.endswith("/getUpdates")
    assert json.loads(request.body) == {
        "offset": 700000001,
        "timeout": 25,
        "limit": 100,
        "allowed_updates": [
            "message",
            "edited_message",
            "callback_query",
            "my_chat_member",
            "message_reaction",
        ],
    }
    assert request.timeout == timedelta(seconds=40)
    assert request.safe
    assert polled.cursor == "700000004"
    assert len(polled.calls) == 2


def test_each_update_becomes_a_call_that_parse_reads(
    source, telegram, connection, run, answer, *, call
):
    polled, _ = run(source.cycle(connection(), ""), answer("getUpdates"))
    events = [event for body in polled.calls for event in telegram.parse(call(body), connection())]
    assert [event.key for event in events] == ["update:700000001", "update:700000003"]
    assert all(isinstance(event, MessageReceived) for event in events)


def test_the_first_round_confirms_nothing(source, connection, run, answer):
    polled, (request,) = run(source.cycle(connection(), ""), answer("getUpdates_empty"))
    assert "offset" not in json.loads(request.body)
    assert (polled.calls, polled.cursor) == ((), "")


def test_an_empty_round_leaves_the_cursor(source, connection, run, answer):
    polled, _ = run(source.cycle(connection(), "7"), answer("getUpdates_empty"))
    assert polled.cursor == "7"


@pytest.mark.parametrize(
    ("name", "words"), [("409_webhook", "set the channel up"), ("409_other", "Another program")]
)
def test_a_conflict_is_for_people_to_settle(source, connection, refused, answer, *, name, words):
    error, _ = refused(Permanent, source.cycle(connection(), "7"), answer(name))
    assert error.code == "conflict"
    assert words in error.detail


@pytest.mark.parametrize(
    "body",
    [b"", b"<html>", b'{"ok":true}', b'{"ok":true,"result":{}}', b'{"ok":true,"result":[{}]}'],
)
def test_what_cannot_be_read_is_asked_for_again(source, connection, refused, body):
    answer = HttpResponse(status=200, headers=Headers(), body=body)
    refused(Transient, source.cycle(connection(), "7"), answer)


def test_one_odd_update_is_kept_and_its_siblings_go_on(source, connection, run):
    body = b'{"ok":true,"result":[{"update_id":8},"odd",{"text":"\\ud83d"}]}'
    answer = HttpResponse(status=200, headers=Headers(), body=body)
    polled, _ = run(source.cycle(connection(), "7"), answer)
    assert polled.calls == (b'{"update_id":8}', b'"odd"', b'{"text":"\\ud83d"}')
    assert polled.cursor == "9"
