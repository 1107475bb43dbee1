from datetime import timedelta

import dramatiq
import pytest
from dramatiq.brokers.stub import StubBroker
from dramatiq.errors import ConnectionClosed
from structlog.testing import capture_logs

from hubbub.nudge import Nudges
from hubbub.redis_client import Outage, make_redis


@pytest.fixture
def broker():
    broker = StubBroker(middleware=[])
    yield broker
    broker.close()


@pytest.fixture
def drain(broker):
    declared = dramatiq.actor(broker=broker, queue_name="inbound", actor_name="drain")
    return declared(lambda _lane: None)


@pytest.fixture
def nudges(fake_redis, broker):
    return Nudges(fake_redis, broker)


@pytest.fixture
def away(tmp_path):
    with make_redis(f"unix://{tmp_path}/nobody.sock") as client:
        yield client


def waiting(broker: StubBroker) -> int:
    return int(broker.queues["inbound"].qsize())


def test_many_nudges_of_a_lane_are_one_message(nudges, drain, broker):
    assert all(nudges.nudge(drain, "a", lane="a") for _ in range(5))
    assert waiting(broker) == 1


def test_lanes_do_not_swallow_each_other(nudges, drain, broker):
    nudges.nudge(drain, "a", lane="a")
    nudges.nudge(drain, "b", lane="b")
    assert waiting(broker) == 2


def test_a_nudge_counts_again_once_the_last_was_taken(nudges, drain, broker):
    nudges.nudge(drain, "a", lane="a")
    nudges.taken("a")
    nudges.nudge(drain, "a", lane="a")
    assert waiting(broker) == 2


def test_a_nudge_that_nobody_takes_stands_for_a_limited_time(nudges, drain, fake_redis):
    nudges.nudge(drain, "a", lane="a", hold=timedelta(seconds=3))
    assert 0 < fake_redis.pttl("nudge:a") <= 3000


def test_an_actor_s_own_broker_is_the_default(fake_redis, drain, broker):
    Nudges(fake_redis).nudge(drain, "a", lane="a")
    assert waiting(broker) == 1


def test_nothing_is_raised_while_redis_is_away(away, broker, drain):
    nudges = Nudges(away, broker)
    with capture_logs() as logs:
        assert [nudges.nudge(drain, "a", lane="a") for _ in range(3)] == [False] * 3
        nudges.taken("a")
    assert [entry["event"] for entry in logs] == ["redis does not answer"]
    assert waiting(broker) == 0


def test_a_nudge_that_was_not_enqueued_does_not_swallow_the_next(
    nudges, drain, broker, fake_redis, monkeypatch
):
    def fails(*_, **__):
        raise ConnectionClosed("gone")

    monkeypatch.setattr(broker, "enqueue", fails)
    assert not nudges.nudge(drain, "a", lane="a")
    assert not fake_redis.exists("nudge:a")


def test_an_outage_is_logged_once_when_it_begins_and_once_when_it_ends():
    outage = Outage("nothing moves")
    with capture_logs() as logs:
        for _ in range(3):
            outage.began(OSError("refused"))
        for _ in range(3):
            outage.over()
    assert [(entry["log_level"], entry["event"]) for entry in logs] == [
        ("warning", "redis does not answer"),
        ("info", "redis answers again"),
    ]


def test_redis_is_asked_again_a_second_after_it_was_found_away():
    now = [100.0]
    outage = Outage("nothing moves", clock=lambda: now[0])
    assert not outage.resting()
    outage.began(OSError("refused"))
    assert outage.resting()
    now[0] += 1
    assert not outage.resting()
