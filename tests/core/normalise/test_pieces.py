"""Long messages that come piece by piece."""

import json
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from hubbub.connect.work import delete_channel
from hubbub.contacts.erase import erase_contact
from hubbub.normalise import pieces, rules
from hubbub.normalise.work import give_up, normalise
from hubbub.receive.work import replay
from hubbub.scheduler import nudge_what_waits
from hubbub.sdk import Piece
from hubbub.store.session import reading
from hubbub.track import retention
from hubbub.track.ledger import ledger
from hubbub.track.trace import trace

TEXTS = ("Once upon ", "a time ", "there was")


@pytest.fixture
def line(world):
    return world.channel()


def piece(number, text=None, *, total=3, of="7", **more):
    """Return one piece; its provider's id is of the text."""
    text = TEXTS[number - 1] if text is None else text
    said = {"id": f"{of}-{number}-{text}", "from": "+1", "text": text}
    return {**said, "piece": [of, number, total], **more}


def texts(world):
    rows = world.rows("SELECT content FROM messages ORDER BY id")
    return [_json(row["content"])["text"] for row in rows]


def outcomes(world):
    rows = world.rows("SELECT outcomes FROM calls ORDER BY id")
    return [one["outcome"] for row in rows for one in _json(row["outcomes"])]


def _json(value):
    return json.loads(value) if isinstance(value, str) else value


def balanced(world):
    with reading(world.hub.engine) as db:
        return ledger(db).balanced


@pytest.mark.parametrize("order", [(1, 2, 3), (3, 1, 2), (2, 3, 1)])
def test_pieces_in_any_order_are_one_message_once_all_are_there(world, line, order):
    for number in order[:-1]:
        world.hear(line, piece(number))
    assert texts(world) == []
    world.hear(line, piece(order[-1]))
    assert texts(world) == ["Once upon a time there was"]
    assert world.one("SELECT unread FROM conversations") == {"unread": 1}
    assert outcomes(world) == ["applied"] * 3
    assert balanced(world)


def test_pieces_of_one_batch_are_joined(world, line):
    world.hear(line, piece(2), piece(1), piece(3))
    assert texts(world) == ["Once upon a time there was"]


def test_a_character_that_was_cut_in_two_is_whole_again(world, line):
    world.hear(line, piece(3, "!"))
    world.hear(line, piece(1, "Look \ud83d"))
    world.hear(line, piece(2, "\ude00"))
    assert texts(world) == ["Look 😀!"]


def test_a_piece_that_comes_twice_counts_once(world, line):
    world.hear(line, piece(1))
    world.hear(line, piece(1))
    world.hear(line, piece(1, id="another id, as some carriers give it"))
    world.hear(line, piece(2), piece(3))
    world.hear(line, piece(3))
    world.pass_time(minutes=6)
    assert texts(world) == ["Once upon a time there was"]
    expected = ["applied", "duplicate", "duplicate", "applied", "applied", "duplicate"]
    assert outcomes(world) == expected


def test_a_piece_without_an_id_is_read_twice_and_counts_once(world, line):
    first = piece(1)
    del first["id"]
    world.hear(line, first)
    replay(world.hub, world.one("SELECT id FROM calls")["id"])
    world.work()
    assert outcomes(world) == ["duplicate"]
    world.hear(line, piece(2), piece(3))
    assert texts(world) == ["Once upon a time there was"]


def test_what_is_missing_after_five_minutes_is_marked_and_is_too_late_then(world, line):
    world.hear(line, piece(1))
    world.hear(line, piece(3))
    world.pass_time(minutes=4)
    assert texts(world) == []
    world.pass_time(minutes=1)
    assert texts(world) == ["Once upon […]there was"]
    world.hear(line, piece(2))
    world.pass_time(minutes=6)
    assert texts(world) == ["Once upon […]there was"]
    assert outcomes(world) == ["applied", "applied", "ignored"]
    assert balanced(world)


def test_what_a_channel_says_of_its_patience_counts(world, line):
    world.hear(line, piece(3, patience=30))
    world.pass_time(seconds=29)
    assert texts(world) == []
    world.pass_time(seconds=1)
    assert texts(world) == ["[…]there was"]


def test_a_rest_that_is_here_but_unread_completes_it(world, line):
    world.hear(line, piece(1), piece(2))
    world.clock.forward(minutes=6)
    world.call(line, {"items": [piece(3)]})
    world.hub.nudges.waiting.clear()
    give_up(world.hub, line.id)
    assert texts(world) == ["Once upon a time there was"]


def test_the_same_reference_of_two_senders_is_two_messages(world, line):
    world.hear(line, piece(1, total=2), piece(2, total=2, **{"from": "+2", "id": "x"}))
    world.hear(line, piece(2, total=2), piece(1, total=2, **{"from": "+2", "id": "y"}))
    assert texts(world) == ["Once upon a time "] * 2


def test_a_reference_that_is_used_again_is_another_message(world, line):
    world.hear(line, piece(1, total=2), piece(2, total=2))
    world.hear(line, piece(1, "And ", total=2))
    world.hear(line, piece(2, "then", total=2))
    assert texts(world) == ["Once upon a time ", "And then"]


def test_a_reference_used_again_ends_what_waited_under_it(world, line):
    world.hear(line, piece(1, total=2))
    world.hear(line, piece(1, "And ", total=2))
    assert texts(world) == ["Once upon […]"]
    world.hear(line, piece(2, "then", total=2))
    assert texts(world) == ["Once upon […]", "And then"]


@pytest.mark.parametrize("together", [True, False])
@pytest.mark.parametrize("order", [(1, 2), (2, 1)])
@pytest.mark.parametrize("second", ["Yes, ", "No, "])
def test_a_text_said_again_under_a_reference_is_a_message_however_it_is_read(
    world, line, together, order, second
):
    calls = [
        piece(number, (first, "I do")[number - 1], total=2, id=f"{turn}-{number}")
        for turn, first in (("A", "Yes, "), ("B", second))
        for number in (order if turn == "B" else (1, 2))
    ]
    for one in calls:
        world.call(line, {"items": [one]})
        if not together:
            world.work()
    world.work()
    world.pass_time(minutes=6)
    assert texts(world) == ["Yes, I do", f"{second}I do"]
    assert outcomes(world) == ["applied"] * 4


@pytest.mark.parametrize("number", [1, 2])
def test_a_piece_that_is_repeated_after_its_message_is_shown_as_no_second_one(world, line, number):
    world.hear(line, piece(1, total=2), piece(2, total=2))
    world.hear(line, piece(number, total=2, id="another id, as some carriers give it"))
    world.pass_time(minutes=6)
    assert texts(world) == ["Once upon a time "]
    assert world.rows("SELECT id FROM pieces WHERE due_at IS NOT NULL") == []
    assert balanced(world)


def test_later_messages_do_not_wait_for_a_piece(world, line):
    world.hear(line, piece(1), {"id": "m1", "from": "+1", "text": "Hello?"})
    assert texts(world) == ["Hello?"]


def test_a_replay_changes_nothing(world, line):
    for number in (1, 2, 3):
        world.hear(line, piece(number))
    for row in world.rows("SELECT id FROM calls"):
        replay(world.hub, row["id"])
    world.work()
    world.pass_time(minutes=6)
    assert texts(world) == ["Once upon a time there was"]
    assert outcomes(world) == ["duplicate"] * 3
    assert balanced(world)


def test_pieces_that_come_to_several_workers_at_once_are_one_message(world, line, monkeypatch):
    for number in (3, 1, 2):
        world.call(line, {"items": [piece(number)]})
    monkeypatch.setattr("hubbub.normalise.work.BATCH", 1)
    start = threading.Barrier(4)

    def work(what):
        start.wait()
        what(world.hub, line.id)

    with ThreadPoolExecutor(4) as pool:
        for future in [pool.submit(work, what) for what in (normalise, give_up) * 2]:
            future.result()
    assert texts(world) == ["Once upon a time there was"]


def test_several_workers_give_up_on_a_message_once(world, line):
    world.hear(line, piece(1))
    world.clock.forward(minutes=5)
    start = threading.Barrier(3)

    def work():
        start.wait()
        give_up(world.hub, line.id)

    with ThreadPoolExecutor(3) as pool:
        for future in [pool.submit(work) for _ in range(3)]:
            future.result()
    assert texts(world) == ["Once upon […]"]


def test_a_worker_that_dies_while_it_joins_leaves_the_pieces_to_the_next(world, line, monkeypatch):
    from hubbub.normalise import queries

    world.hear(line, piece(1), piece(2))

    def die(*_):
        raise KeyboardInterrupt

    world.call(line, {"items": [piece(3)]})
    world.hub.nudges.waiting.clear()
    with monkeypatch.context() as patch:
        patch.setattr(queries, "settle", die)
        with pytest.raises(KeyboardInterrupt):
            normalise(world.hub, line.id)
    assert texts(world) == []
    world.pass_time(seconds=1)
    assert texts(world) == ["Once upon a time there was"]


def test_a_message_that_cannot_be_shown_holds_up_no_other(world, line, monkeypatch):
    from hubbub.normalise import batch
    from hubbub.route.work import place

    def fail_at_one(case):
        if case.inquiry.address == "+1":
            raise RuntimeError("no place for it")
        return place(case)

    world.hear(line, piece(1), piece(1, of="8", **{"from": "+2"}))
    with monkeypatch.context() as patch:
        patch.setattr(batch, "place", fail_at_one)
        world.pass_time(minutes=5)
        assert [row["sender_address"] for row in world.rows("SELECT * FROM messages")] == ["+2"]
    world.pass_time(hours=1)
    assert texts(world) == ["Once upon […]"] * 2


def test_the_last_piece_of_a_message_that_cannot_be_shown_is_dead_until_it_can(
    world, line, monkeypatch
):
    from hubbub.normalise import batch

    world.hear(line, piece(1), piece(2))
    with monkeypatch.context() as patch:
        patch.delattr(batch, "place")
        world.hear(line, piece(3))
    assert outcomes(world) == ["applied", "applied", "dead"]
    replay(world.hub, world.rows("SELECT id FROM calls ORDER BY id")[-1]["id"])
    world.work()
    assert texts(world) == ["Once upon a time there was"]


def test_a_call_is_kept_while_its_piece_waits(world, line):
    world.hear(line, piece(1))
    world.clock.forward(days=100)
    retention.forget(world.hub)
    assert len(world.rows("SELECT id FROM calls")) == 1
    world.pass_time(seconds=1)
    assert texts(world) == ["Once upon […]"]
    retention.forget(world.hub)
    assert world.rows("SELECT id FROM calls") == []


def test_what_cannot_be_shown_for_a_day_is_dead_until_a_replay(world, line, monkeypatch):
    from hubbub.normalise import batch

    world.hear(line, piece(1), {"id": "m1", "from": "+1", "text": "Hello?"})
    with monkeypatch.context() as patch:
        patch.delattr(batch, "place")
        for _ in range(26):
            world.pass_time(hours=1)
    assert outcomes(world) == ["dead", "applied"]
    call = world.one("SELECT id, state, reason FROM calls")
    assert call["state"] == "dead"
    assert call["reason"] == "Its message could not be put together: NameError."
    assert balanced(world)
    replay(world.hub, call["id"])
    world.work()
    world.pass_time(minutes=6)
    assert texts(world) == ["Hello?", "Once upon […]"]
    assert outcomes(world) == ["applied", "duplicate"]


def test_pieces_of_a_channel_that_was_deleted_are_nobodys_concern(world, line):
    world.hear(line, piece(1))
    delete_channel(world.hub, line.id, actor="cli")
    world.clock.forward(days=100)
    nudge_what_waits(world.hub)
    assert not world.hub.nudges.waiting
    retention.forget(world.hub)
    assert world.rows("SELECT id FROM calls") == []


def test_only_the_calls_of_a_message_are_read_for_it(world, line, monkeypatch):
    read: list[str] = []

    def noting(line, call):
        read.append(call.id)
        return rules.read(line, call)

    monkeypatch.setattr(pieces, "read", noting)
    for number in range(20):
        world.hear(line, piece(1, of=str(number)))
    world.pass_time(minutes=6)
    assert len(texts(world)) == 20
    assert len(read) == 20


def test_a_trace_tells_of_every_piece(world, line):
    world.hear(line, piece(2, total=2))
    world.hear(line, piece(1, total=2))
    with reading(world.hub.engine) as db:
        found = trace(db, world.one("SELECT id FROM messages")["id"])
    assert {item.what for item in found} >= {"piece 1 of 2 kept", "piece 2 of 2 kept"}
    told = {item.detail["event_id"] for item in found if item.what.startswith("piece")}
    assert told == {row["id"] for row in world.rows("SELECT id FROM calls")}


def test_who_is_erased_leaves_no_piece_and_no_call_with_one(world, line):
    world.hear(line, piece(1, total=2))
    world.hear(line, piece(2, total=2))
    world.hear(line, piece(1, of="8"))
    erase_contact(world.hub, world.one("SELECT id FROM contacts")["id"], actor="cli")
    assert world.rows("SELECT id FROM pieces") == []
    assert {bytes(row["body"]) for row in world.rows("SELECT body FROM calls")} == {b""}
    world.hear(line, piece(1, of="8"))
    assert world.rows("SELECT id FROM pieces") == []


@pytest.mark.parametrize(("number", "total"), [(0, 2), (3, 2), (1, 256)])
def test_there_is_no_piece_beyond_the_whole(number, total):
    with pytest.raises(ValueError, match=f"There is no piece {number} of {total}"):
        Piece(of="7", number=number, total=total)
