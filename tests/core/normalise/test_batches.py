"""A transaction takes so much and no more: nobody else waits long, whatever somebody sent us."""

import pytest

from hubbub.normalise import queries, rules, work


@pytest.fixture
def batches(monkeypatch):
    """How many calls each transaction read, in order."""
    sizes = []
    settle = queries.settle

    def counted(db, rows):
        sizes.append(len(rows))
        settle(db, rows)

    monkeypatch.setattr(queries, "settle", counted)
    return sizes


def keep(world, line, *calls):
    """Keep each of ``calls``, which are lists of texts, and read nothing yet."""
    for number, texts in enumerate(calls):
        items = [
            {"id": f"m{number}-{place}", "from": f"+{number}", "text": text}
            for place, text in enumerate(texts)
        ]
        world.call(line, {"items": items})


def test_large_calls_are_read_in_transactions_of_their_own(world, batches, monkeypatch):
    monkeypatch.setattr(work, "_OCTETS", 500)
    keep(world, world.channel(), ["a"], ["b" * 600], ["c"], ["d" * 600], ["e" * 600], ["f"])

    world.work()

    assert batches == [2, 2, 1, 1]
    assert len(world.rows("SELECT id FROM messages")) == 6


def test_calls_of_many_events_are_read_in_transactions_of_their_own(world, batches, monkeypatch):
    monkeypatch.setattr(work, "_EVENTS", 3)
    keep(world, world.channel(), ["a"], ["b"] * 4, ["c"], ["d"])

    world.work()

    assert batches == [2, 2]
    assert len(world.rows("SELECT id FROM messages")) == 7


def test_more_calls_than_one_transaction_takes_are_all_read(world, batches, monkeypatch):
    monkeypatch.setattr(work, "BATCH", 2)
    keep(world, world.channel(), ["a"], ["b"], ["c"], ["d"], ["e"])

    world.work()

    assert batches == [2, 2, 1]


def test_of_a_call_without_end_the_first_events_count_and_the_rest_is_told(world, monkeypatch):
    monkeypatch.setattr(rules, "_MOST_EVENTS", 3)
    keep(world, world.channel(), list("abcde"))

    world.work()

    call = world.one("SELECT state, reason, events, applied, dead FROM calls")
    assert (call["state"], call["events"], call["applied"], call["dead"]) == ("dead", 4, 3, 1)
    assert call["reason"] == "It tells of more than 3 things; the first 3 were read."
    assert len(world.rows("SELECT id FROM messages")) == 3
