"""Requests handed to whoever holds a session: sent once, provably not sent, or unknown."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta

import pytest
from redis.exceptions import RedisError

from hubbub.redis_client import make_redis
from hubbub.relay import Desk, Relay
from hubbub.sdk import Headers, HttpRequest, HttpResponse, OutcomeUnknown
from hubbub.transport import NotSent

REQUEST = HttpRequest(
    method="SUBMIT_SM", url="session:c1", body=b"\0\xff", timeout=timedelta(seconds=20)
)
SHORT = replace(REQUEST, timeout=timedelta(milliseconds=1))
TAKEN = HttpResponse(status=0, headers=Headers({"said": "yes"}), body=b"\xff\0")


@pytest.fixture
def desk(valkey):
    desk = Desk(valkey, "c1")
    desk.open()
    return desk


@pytest.fixture
def asked(valkey):
    """Return what asks in a thread of its own."""
    with ThreadPoolExecutor() as pool:
        yield lambda request=REQUEST: pool.submit(Relay(valkey).perform, request)


def test_a_request_reaches_the_holder_and_its_answer_whoever_asked(desk, asked):
    asking = asked()
    errand = desk.take(desk.next())
    assert errand.request == REQUEST
    desk.answer(errand.ticket, TAKEN)
    answer = asking.result()
    assert (answer.status, answer.body, answer.headers["said"]) == (0, b"\xff\0", "yes")


def test_what_the_session_could_not_tell_is_raised_where_it_was_asked(desk, asked):
    asking = asked()
    errand = desk.take(desk.next())
    desk.answer(errand.ticket, OutcomeUnknown("Who knows."))
    with pytest.raises(OutcomeUnknown, match="Who knows"):
        asking.result()


def test_each_answer_goes_to_who_asked_for_it(desk, asked):
    asking = {asked(replace(REQUEST, body=bytes((one,)))): one for one in range(8)}
    for _ in asking:
        errand = desk.take(desk.next())
        desk.answer(errand.ticket, replace(TAKEN, body=errand.request.body * 2))
    for future, one in asking.items():
        assert future.result().body == bytes((one, one))


def test_without_a_holder_it_is_not_sent(valkey):
    with pytest.raises(NotSent) as raised:
        Relay(valkey).perform(REQUEST)
    assert raised.value.code == "no_session"


def test_what_nobody_took_in_time_is_taken_back_and_provably_not_sent(desk, valkey):
    with pytest.raises(NotSent):
        Relay(valkey).perform(SHORT)
    assert desk.take(desk.next()) is None


def test_what_was_taken_and_not_answered_is_unknown(desk, valkey, monkeypatch):
    relay = Relay(valkey)
    monkeypatch.setattr(relay, "_awaited", lambda *_: desk.take(desk.next()) and None)
    with pytest.raises(OutcomeUnknown):
        relay.perform(REQUEST)


def test_a_redis_that_goes_away_proves_nothing(desk, valkey, monkeypatch):
    def away(*_):
        raise RedisError

    monkeypatch.setattr(valkey, "pipeline", away)
    monkeypatch.setattr(valkey, "delete", away)
    with pytest.raises(OutcomeUnknown):
        Relay(valkey).perform(REQUEST)


def test_a_redis_that_is_away_before_anything_was_handed_over_proves_that_nothing_was_sent():
    with make_redis("redis://127.0.0.1:9") as away, pytest.raises(NotSent):
        Relay(away).perform(REQUEST)


def test_a_redis_that_was_emptied_meanwhile_leaves_the_outcome_open(desk, valkey, monkeypatch):
    relay = Relay(valkey)
    monkeypatch.setattr(relay, "_awaited", lambda *_: valkey.flushall() and None)
    with pytest.raises(OutcomeUnknown):
        relay.perform(REQUEST)


def test_a_ticket_that_is_given_back_goes_to_the_next_holder(desk, asked):
    asking = asked()
    desk.give_back(desk.next())
    errand = desk.take(desk.next())
    desk.answer(errand.ticket, TAKEN)
    assert asking.result().status == 0


def test_a_holder_that_leaves_is_asked_no_more(desk, valkey):
    desk.close()
    with pytest.raises(NotSent):
        Relay(valkey).perform(REQUEST)
