"""What went through a channel in a day is added up once, and never counted twice."""

from datetime import timedelta

import pytest

from hubbub.connect.health import NO_TRAFFIC, traffic
from hubbub.deliver.actors import nudge_deliver
from hubbub.deliver.work import submit
from hubbub.sdk.content import Text
from hubbub.store.session import reading, transaction
from hubbub.track import retention, sweep


@pytest.fixture
def line(world):
    return world.channel()


def hear(world, line, *names):
    for name in names:
        world.hear(line, {"id": name, "from": "+1", "text": name})


def send(world):
    conversation = world.one("SELECT id FROM conversations")["id"]
    with transaction(world.hub.engine) as db:
        content = Text(text="No")
        submit(world.hub, db, conversation_id=conversation, content=content, author="api:t")
    nudge_deliver(world.hub)
    world.work()


def day(world, line):
    with reading(world.hub.engine) as db:
        return traffic(db, [line.id], now=world.hub.now()).get(line.id, NO_TRAFFIC)


def add_up(world):
    world.clock.forward(seconds=31)
    sweep.count_traffic(world.hub)


def hours(world):
    return world.rows("SELECT received, sent FROM traffic_hours ORDER BY hour")


def test_what_is_added_up_and_what_came_since_are_told_together(world, line):
    hear(world, line, "a", "b")
    assert (day(world, line).received, hours(world)) == (2, [])
    add_up(world)
    assert [row["received"] for row in hours(world)] == [2]
    hear(world, line, "c")
    assert day(world, line).received == 3
    add_up(world)
    add_up(world)
    assert (day(world, line).received, sum(row["received"] for row in hours(world))) == (3, 3)


def test_what_is_just_being_stored_is_not_added_up_yet(world, line):
    hear(world, line, "a")
    sweep.count_traffic(world.hub)
    assert (hours(world), day(world, line).received) == ([], 1)


def test_each_hour_has_its_own_number_and_a_day_ago_is_forgotten(world, line):
    world.clock.now = world.clock.now.replace(minute=10)
    hear(world, line, "a")
    add_up(world)
    world.clock.forward(hours=2)
    hear(world, line, "b", "c")
    add_up(world)
    assert day(world, line).hours[-3:] == (1, 0, 2)
    world.clock.forward(hours=22)
    assert (day(world, line).received, day(world, line).hours[1]) == (2, 2)
    world.clock.forward(days=2)
    assert day(world, line) == NO_TRAFFIC
    retention.forget(world.hub)
    assert hours(world) == []


def test_answers_and_failures_are_counted_apart_and_the_last_of_each_is_known(world, line):
    hear(world, line, "a")
    heard_at = world.clock.now
    world.clock.forward(minutes=1)
    world.provider.will((400, {}))
    send(world)
    add_up(world)
    found = day(world, line)
    assert (found.received, found.sent, found.failed) == (1, 1, 1)
    assert found.received_at == heard_at
    assert found.sent_at == heard_at + timedelta(minutes=1)


def test_of_what_nobody_added_up_the_newest_is_counted(world, line, monkeypatch):
    monkeypatch.setattr("hubbub.store.traffic._NEWEST", 2)
    hear(world, line, "a", "b", "c")
    assert day(world, line).received == 2
    add_up(world)
    assert day(world, line).received == 3


def test_messages_that_failed_are_counted_once_each_and_up_to_an_end(world, line, monkeypatch):
    hear(world, line, "a")
    for _ in range(3):
        world.provider.will((400, {}))
        send(world)
    assert day(world, line).failed == 3
    monkeypatch.setattr("hubbub.connect.queries.MOST_FAILED", 2)
    assert day(world, line).failed == 2
    world.clock.forward(hours=25)
    assert day(world, line).failed == 0
