"""What failed for one cause is tried again, a few at a time, until somebody stops it."""

import json

import pytest

from hubbub.api.work import Order, send
from hubbub.people.errors import Conflict, Invalid, NotFound
from hubbub.requeue.work import begin, failures, find_requeue, go_on, stop
from hubbub.sdk.content import Text
from hubbub.store.session import reading

REFUSED = (400, {"error": "no such bird"})


@pytest.fixture
def line(world):
    return world.channel()


@pytest.fixture
def lost(world, line):
    """Send a message to each of some addresses, none of which goes out."""

    def lose(*addresses):
        for address in addresses:
            world.provider.will(REFUSED)
            order = Order(
                channel_id=line.id, address=address, content=Text(text=address), author="cli"
            )
            send(world.hub, order)
            world.pass_time(seconds=1)

    return lose


def causes(world):
    with reading(world.hub.engine) as db:
        return [(one.kind, one.cause, one.count) for one in failures(db)]


def start(world, line, **given):
    (kind, cause, _), *_ = causes(world)
    wanted = {"kind": kind, "channel_id": line.id, "cause": cause, "per_minute": 60, **given}
    return begin(world.hub, **wanted, actor="cli")


def test_what_failed_is_told_by_its_cause(world, line, lost):
    lost("+1", "+2")
    world.call(line, {"items": []}, secret="wrong")
    world.hear(line, {"nonsense": 1})
    told = causes(world)
    assert told[0][0::2] == ("failed", 2)
    assert {(kind, count) for kind, _, count in told[1:]} == {("quarantined", 1), ("dead", 1)}


def test_messages_go_out_a_few_in_each_minute_and_none_twice(world, line, lost):
    lost("+1", "+2", "+3")
    world.provider.requests.clear()
    requeue = start(world, line)
    for tried in (1, 2, 3):
        go_on(world.hub)
        go_on(world.hub)  # nothing is due before its time
        assert find_requeue(world.hub, requeue).done == tried
        world.pass_time(seconds=1)
    go_on(world.hub)
    done = find_requeue(world.hub, requeue)
    assert (done.state, done.total, done.done, done.skipped) == ("done", 3, 3, 0)
    assert sorted(world.provider.said) == ["+1", "+2", "+3"]
    assert causes(world) == []


def test_what_fails_again_is_not_tried_for_ever(world, line, lost):
    lost("+1")
    requeue = start(world, line)
    world.provider.will(REFUSED)
    for _ in range(3):
        go_on(world.hub)
        world.pass_time(seconds=2)
    assert find_requeue(world.hub, requeue).state == "done"
    assert [count for *_, count in causes(world)] == [1]


def test_it_can_be_stopped_and_begun_again(world, line, lost):
    lost("+1", "+2")
    requeue = start(world, line)
    with pytest.raises(Conflict):
        start(world, line)
    go_on(world.hub)
    stop(world.hub, requeue, actor="cli")
    stop(world.hub, requeue, actor="cli")
    world.pass_time(minutes=5)
    go_on(world.hub)
    stopped = find_requeue(world.hub, requeue)
    assert (stopped.state, stopped.done) == ("stopped", 1)
    start(world, line)


def test_many_a_minute_go_many_at_once(world, line, lost):
    lost("+1", "+2", "+3")
    requeue = start(world, line, per_minute=600)
    go_on(world.hub)
    assert find_requeue(world.hub, requeue).done == 3


def test_calls_are_run_again_and_those_not_proven_stay(world, line):
    for secret in ("old", "polly wants a cracker "):
        item = {"id": secret, "from": "+1", "text": "Hello"}
        world.call(line, {"items": [item]}, secret=secret)
    world.write("UPDATE calls SET reason = 'The secret is wrong.'")
    requeue = start(world, line, per_minute=600)
    for _ in range(2):
        go_on(world.hub)
        world.pass_time(seconds=5)
    done = find_requeue(world.hub, requeue)
    assert (done.done, done.skipped, done.state) == (0, 2, "done")


def test_dead_calls_are_read_once_they_can_be(world, line):
    world.hear(line, {"nonsense": 1})
    item = {"id": "m1", "from": "+1", "text": "Hello"}
    world.write("UPDATE calls SET body = :body", body=json.dumps({"items": [item]}).encode())
    requeue = start(world, line)
    go_on(world.hub)
    world.work()
    assert find_requeue(world.hub, requeue).done == 1
    assert world.one("SELECT state FROM calls")["state"] == "done"
    assert world.one("SELECT count(*) AS n FROM messages")["n"] == 1


@pytest.mark.parametrize(
    ("given", "refused"),
    [
        ({"kind": "unknown"}, Invalid),
        ({"per_minute": 0}, Invalid),
        ({"per_minute": 6001}, Invalid),
        ({"cause": "another"}, NotFound),
        ({"channel_id": "none"}, NotFound),
    ],
)
def test_what_cannot_be_tried_again_is_refused(world, line, lost, given, refused):
    lost("+1")
    with pytest.raises(refused):
        start(world, line, **given)
