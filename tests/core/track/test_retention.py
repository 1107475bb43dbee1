"""What is deleted after its time, what never is, and what is still known of it."""

import pytest

from hubbub.connect import work as connect
from hubbub.receive.work import NotReleasable, replay
from hubbub.store.session import reading
from hubbub.track import retention
from hubbub.track.ledger import ledger
from hubbub.track.trace import trace


@pytest.fixture
def line(world):
    return world.channel()


def age(world, **passed):
    world.clock.forward(**passed)
    retention.forget(world.hub)


def counted(world):
    with reading(world.hub.engine) as db:
        return ledger(db)


def calls(world):
    return [row["state"] for row in world.rows("SELECT state FROM calls ORDER BY id")]


def test_settled_calls_are_deleted_after_their_time(world, line):
    world.hear(line, {"id": "m1", "from": "+1", "text": "one"})
    age(world, days=29)
    assert calls(world) == ["done"]
    age(world, days=2)
    assert calls(world) == []
    assert world.one("SELECT external_id FROM messages")["external_id"] == "m1"


def test_dead_calls_are_kept_longer(world, line):
    world.hear(line, {"bad": "unreadable"})
    age(world, days=89)
    assert calls(world) == ["dead"]
    age(world, days=2)
    assert calls(world) == []


def test_a_call_that_nobody_has_read_is_never_deleted(world, line):
    world.call(line, {"items": [{"id": "m1", "from": "+1", "text": "one"}]})
    age(world, days=4000)
    assert calls(world) == ["pending"]


def test_a_call_that_is_replayed_is_kept_anew(world, line):
    world.hear(line, {"id": "m1", "from": "+1", "text": "one"})
    world.clock.forward(days=29)
    replay(world.hub, world.one("SELECT id FROM calls")["id"])
    world.work()
    age(world, days=2)
    assert calls(world) == ["done"]


def test_the_ledger_balances_as_before(world, line):
    hello = {"id": "m1", "from": "+1", "text": "one"}
    world.hear(line, hello, hello, {"ignore": "why"})
    world.hear(line, {"bad": "unreadable"})
    before = counted(world)
    age(world, days=31)
    age(world, days=60)
    world.hear(line, {"id": "m2", "from": "+1", "text": "two"})
    age(world, days=31)
    after = counted(world)
    assert (after.balanced, calls(world)) == (True, [])
    assert (before.calls, before.done, before.dead_calls, before.events) == (2, 1, 1, 4)
    assert (after.calls, after.done, after.dead_calls, after.events) == (3, 2, 1, 5)
    assert (after.applied, after.duplicate, after.ignored, after.dead) == (2, 1, 1, 1)


def test_more_than_one_batch_is_deleted(world, line, monkeypatch):
    monkeypatch.setattr(retention, "_BATCH", 2)
    for number in range(5):
        world.hear(line, {"id": f"m{number}", "from": "+1", "text": "one"})
    age(world, days=31)
    assert calls(world) == []
    assert counted(world).events == 5


def test_calls_that_were_replayed_keep_none_of_those_behind_them(world, line, monkeypatch):
    monkeypatch.setattr(retention, "_BATCH", 2)
    for number in range(5):
        world.hear(line, {"id": f"m{number}", "from": "+1", "text": "one"})
    world.clock.forward(days=29)
    replayed = [row["id"] for row in world.rows("SELECT id FROM calls ORDER BY id")][:3]
    for call_id in replayed:
        replay(world.hub, call_id)
    world.work()
    age(world, days=2)
    assert [row["id"] for row in world.rows("SELECT id FROM calls ORDER BY id")] == replayed


def test_zero_keeps_for_ever(make_settings, engine, fake_redis, tmp_path):
    from tests.services.world import make_world

    settings = make_settings(keep_calls=0, keep_dead_calls=0, keep_audit=0)
    world = make_world(settings, engine, fake_redis, tmp_path)
    world.hear(world.channel(), {"id": "m1", "from": "+1", "text": "one"}, {"bad": "x"})
    age(world, days=4000)
    assert calls(world) == ["dead"]
    assert world.rows("SELECT id FROM audit")


def test_the_trace_says_what_was_deleted(world, line):
    world.hear(line, {"id": "m1", "from": "+1", "text": "one"})
    age(world, days=31)
    message_id = world.one("SELECT id FROM messages")["id"]
    with reading(world.hub.engine) as db:
        first = trace(db, message_id)[0]
    assert first.what == "call deleted"
    assert "HUBBUB_KEEP_CALLS" in first.detail["reason"]


def test_attempts_are_deleted_and_the_trace_says_so(world, line):
    from tests.core.deliver.test_deliver import send

    world.hear(line, {"id": "m1", "from": "+1", "text": "one"})
    message_id = send(world)
    assert len(world.rows("SELECT id FROM attempts")) == 1
    age(world, days=31)
    assert world.rows("SELECT id FROM attempts") == []
    with reading(world.hub.engine) as db:
        assert [item.what for item in trace(db, message_id)] == ["queued", "attempts deleted"]


def test_a_deleted_call_cannot_be_replayed_and_that_is_said(world, line):
    world.hear(line, {"id": "m1", "from": "+1", "text": "one"})
    call_id = world.one("SELECT id FROM calls")["id"]
    age(world, days=31)
    with pytest.raises(NotReleasable, match="deleted"):
        replay(world.hub, call_id)


def test_the_audit_log_and_processes_are_deleted_after_their_time(world, line):
    world.write(
        "INSERT INTO processes (id, kind, host, started_at, seen_at)"
        " VALUES ('p', 'web', 'h', '2025-01-01', '2025-01-01')"
    )
    age(world, days=364)
    assert world.rows("SELECT id FROM processes") == []
    assert world.rows("SELECT id FROM audit")
    age(world, days=2)
    assert world.rows("SELECT id FROM audit") == []


def test_a_deleted_channel_keeps_no_secret(world, line):
    connect.delete_channel(world.hub, line.id, actor="cli")
    kept = world.one("SELECT secrets, deleted_at FROM channels")
    assert (bytes(kept["secrets"]), bool(kept["deleted_at"])) == (b"", True)
    assert {bytes(row["sealed"]) for row in world.rows("SELECT sealed FROM route_sets")} == {b""}
