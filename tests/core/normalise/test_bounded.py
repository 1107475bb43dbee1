"""Calls that may be made to exhaust us are read in a process beside the hub."""

import pytest

from hubbub.normalise import rules, work
from hubbub.sdk import Bounds
from hubbub.store import session
from tests.services.parrot import Parrot


@pytest.fixture(autouse=True)
def bounds(monkeypatch):
    """Before the world is made, which loads the parrot."""
    monkeypatch.setattr(Parrot, "bounds", Bounds(seconds=0.3, memory=512 << 20))


def settled(world):
    return [
        (row["state"], row["reason"])
        for row in world.rows("SELECT state, reason FROM calls ORDER BY id")
    ]


def hello(number):
    return {"id": f"m{number}", "from": "+1", "text": f"Hello {number}"}


def test_a_call_is_read_as_everywhere(world):
    line = world.channel()
    world.hear(line, hello(1))
    assert world.one("SELECT external_id FROM messages") == {"external_id": "m1"}


@pytest.mark.parametrize(
    ("item", "reason"),
    [
        ({"ponder": 10**12}, "Reading it was given up. It took longer than 0.3 seconds."),
        ({"learn": 1 << 30}, "Reading it was given up. It took more memory than it may."),
        ({"explode": "explode"}, "The channel type failed: RuntimeError."),
    ],
)
def test_a_call_made_to_exhaust_is_dead_and_its_neighbours_are_read(world, item, reason):
    line = world.channel()
    world.call(line, {"items": [hello(1)]})
    world.call(line, {"items": [item]})
    world.call(line, {"items": [hello(2)]})
    world.work()
    assert settled(world) == [("done", ""), ("dead", reason), ("done", "")]
    assert len(world.rows("SELECT id FROM messages")) == 2


def test_many_calls_are_read_in_several_batches(world):
    line = world.channel()
    count = work.AHEAD * 2 + 1
    for number in range(count):
        world.call(line, {"items": [hello(number)]})
    world.work()
    assert [row["seq"] for row in world.rows("SELECT seq FROM messages ORDER BY seq")] == [
        *range(1, count + 1)
    ]


def test_nothing_is_read_while_a_transaction_is_open(world, monkeypatch):
    line, open_transactions, seen = world.channel(), [], []
    transaction, read = session.transaction, rules.read

    def counted(engine):
        open_transactions.append(1)
        return transaction(engine)

    def watched(one, call):
        seen.append(len(open_transactions))
        return read(one, call)

    world.call(line, {"items": [hello(1)]})
    monkeypatch.setattr(work, "transaction", counted)
    monkeypatch.setattr(work, "read", watched)
    world.work()
    assert seen == [0]


def test_what_another_worker_took_meanwhile_holds_nothing_up(world, monkeypatch):
    line, read_ahead = world.channel(), work._read_ahead
    first: list[dict[str, rules.Settling]] = [{}]
    monkeypatch.setattr(
        work, "_read_ahead", lambda *asked: first.pop() if first else read_ahead(*asked)
    )
    world.hear(line, hello(1))
    assert world.one("SELECT external_id FROM messages") == {"external_id": "m1"}
