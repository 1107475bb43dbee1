"""Receipts come late, twice, out of order and too early; the state only moves forward."""

import itertools
import json
from dataclasses import replace

import pytest

from hubbub.deliver import work as deliver
from hubbub.deliver.actors import nudge_deliver
from hubbub.deliver.work import retry
from hubbub.scheduler import Scheduler
from hubbub.sdk import Correspondent, Email, OutcomeUnknown, Text
from hubbub.store.session import transaction
from hubbub.store.states import NEXT, DeliveryState, advance, message_status
from hubbub.track import receipts, retention
from tests.services.parrot import Parrot

RANK = ["sent", "failed", "delivered", "read"]


@pytest.mark.parametrize("order", list(itertools.permutations(RANK)))
def test_every_order_of_receipts_ends_the_same(order):
    state = DeliveryState.SENDING
    for wanted in (*order, *order):
        state = advance(state, DeliveryState(wanted))
    assert state == DeliveryState.READ


@pytest.mark.parametrize("order", list(itertools.permutations(["sent", "failed"])))
def test_a_failure_outranks_sent(order):
    state = DeliveryState.SENDING
    for wanted in (*order, *order):
        state = advance(state, DeliveryState(wanted))
    assert state == DeliveryState.FAILED


def test_no_state_leads_back_to_one_that_led_to_it_but_for_new_attempts():
    back = {DeliveryState.RETRYING, DeliveryState.SENDING, DeliveryState.UNKNOWN}
    for state, following in NEXT.items():
        for later in following - back:
            assert state not in NEXT[later] - back, (state, later)


@pytest.mark.parametrize(
    ("parts", "status"),
    [
        (["queued"], "queued"),
        (["sending"], "sending"),
        (["retrying"], "sending"),
        (["sent", "queued"], "sending"),
        (["sent", "sent"], "sent"),
        (["delivered", "sent"], "sent"),
        (["read", "delivered"], "delivered"),
        (["read", "failed"], "failed"),
        (["sent", "unknown"], "unknown"),
        (["failed", "queued"], "failed"),
        (["cancelled"], "cancelled"),
    ],
)
def test_a_message_is_as_far_as_its_slowest_part(parts, status):
    assert message_status(map(DeliveryState, parts)) == status


def test_postgresql_finds_what_receipts_speak_of_by_its_indexes(world):
    if world.hub.engine.dialect.name == "sqlite":
        return  # which always reads one index for each part of the union
    with transaction(world.hub.engine) as db:
        form = receipts._NAMED._forms.of(db)
        given = form.given({"channel_id": "c", "external_ids": ["x"], "references": ["r"]})
        plan = db.exec_driver_sql(f"EXPLAIN {form.sql}", given).fetchall()
    told = " ".join(line for (line,) in plan)
    assert "Seq Scan" not in told
    assert "ix_deliveries_channel_id_external_id" in told


@pytest.fixture
def sent(world):
    """A message whose one part the provider will know as out-1; returns its channel."""
    line = world.channel()
    submit(world, line)
    return line, lambda: carry(world)


def submit(world, line, content=None):
    with transaction(world.hub.engine) as db:
        conversation = deliver.start_conversation(world.hub, db, channel_id=line.id, address="+1")
        deliver.submit(
            world.hub,
            db,
            conversation_id=conversation,
            content=content or Text(text="Hi"),
            author="api:t",
        )


def carry(world):
    nudge_deliver(world.hub)
    world.work()


def status(world):
    return world.one("SELECT status FROM messages WHERE direction = 'outbound'")["status"]


@pytest.mark.parametrize("order", list(itertools.permutations(["sent", "delivered", "read"])))
def test_receipts_in_any_order_end_with_read(world, sent, order):
    line, deliver = sent
    deliver()
    for word in order:
        world.hear(line, {"status": word, "id": "out-1"})
    assert status(world) == "read"


def test_receipts_in_one_call_and_twice_end_with_read(world, sent):
    line, deliver = sent
    deliver()
    words = [{"status": word, "id": "out-1"} for word in ("read", "delivered", "read")]
    world.hear(line, *words)
    assert status(world) == "read"
    assert len(world.rows("SELECT id FROM receipts")) == 2


def test_a_receipt_that_comes_before_its_message_is_known_waits_for_it(world, sent):
    line, deliver = sent
    world.hear(line, {"status": "delivered", "id": "out-1"})
    assert status(world) == "delivered" or world.rows(
        "SELECT id FROM receipts WHERE delivery_id IS NULL"
    )
    deliver()
    assert status(world) == "delivered"
    assert world.rows("SELECT id FROM receipts WHERE delivery_id IS NULL") == []


def test_a_receipt_from_long_before_a_message_speaks_of_another_under_the_same_id(world):
    line = world.channel()
    world.hear(line, {"status": "failed", "id": "out-1"})
    world.clock.forward(hours=1)
    submit(world, line)
    carry(world)
    assert status(world) == "sent"


def test_a_receipt_that_was_written_while_its_delivery_was_is_attached_soon(
    world, sent, monkeypatch
):
    line, deliver = sent
    deliver()
    # On PostgreSQL neither of two transactions at the same moment sees what the other writes.
    monkeypatch.setattr(receipts, "_named", lambda *given: {})
    world.hear(line, {"status": "delivered", "id": "out-1"})
    monkeypatch.undo()
    assert status(world) == "sent"
    for task in Scheduler(world.hub).tasks:
        if "receipts" in task.name:
            task.do(world.hub)
    assert status(world) == "sent"  # it may still be under way
    world.clock.forward(seconds=6)
    for task in Scheduler(world.hub).tasks:
        if "receipts" in task.name:
            task.do(world.hub)
    assert status(world) == "delivered"
    assert world.rows("SELECT id FROM receipts WHERE delivery_id IS NULL") == []


@pytest.mark.parametrize(("days", "kept"), [(6, ["out-1", "stray"]), (8, ["out-1"])])
def test_a_receipt_of_nobodys_message_is_forgotten_after_a_week(world, sent, days, kept):
    line, deliver = sent
    deliver()
    world.hear(line, {"status": "delivered", "id": "out-1"}, {"status": "read", "id": "stray"})
    world.clock.forward(days=days)
    retention.forget(world.hub)
    rows = world.rows("SELECT external_id FROM receipts ORDER BY external_id")
    assert [row["external_id"] for row in rows] == kept


def test_a_failure_receipt_fails_the_message_with_the_providers_reason(world, sent):
    line, deliver = sent
    deliver()
    world.hear(line, {"status": "failed", "id": "out-1"})
    assert status(world) == "failed"
    error = world.one("SELECT error FROM messages WHERE direction = 'outbound'")["error"]
    error = json.loads(error) if isinstance(error, str) else error
    assert error["provider_code"] == "9"


def failure(world):
    """Return the reason of the one delivery and that of its message."""
    rows = [world.one("SELECT error FROM deliveries"), world.one("SELECT error FROM messages")]
    return [json.loads(e) if isinstance(e, str) else e for e in (row["error"] for row in rows)]


def test_a_failure_that_is_told_before_the_answer_is_heard_keeps_its_reason(world, sent):
    line, deliver = sent
    delivery_id = world.one("SELECT id FROM deliveries")["id"]

    def accept(_request):
        world.hear(line, {"status": "failed", "ref": delivery_id, "id": "out-1"})
        return 200, {"id": "out-1"}

    world.provider.will(accept)
    deliver()
    assert status(world) == "failed"
    assert [error["provider_code"] for error in failure(world)] == ["9", "9"]


def test_a_proof_of_delivery_that_comes_before_the_answer_is_lost_leaves_no_error(world, sent):
    line, deliver = sent
    delivery_id = world.one("SELECT id FROM deliveries")["id"]

    def accept_and_hang_up(_request):
        world.hear(line, {"status": "delivered", "ref": delivery_id, "id": "out-1"})
        raise OutcomeUnknown("The connection broke.")

    world.provider.will(accept_and_hang_up)
    deliver()
    assert status(world) == "delivered"
    assert failure(world) == [None, None]


def test_a_receipt_that_only_brings_the_providers_id_leaves_the_reason_of_a_failure(world, sent):
    line, deliver = sent
    world.provider.will((400, {}))
    deliver()
    before = failure(world)
    delivery_id = world.one("SELECT id FROM deliveries")["id"]
    world.hear(line, {"status": "sent", "ref": delivery_id, "id": "out-1"})
    assert status(world) == "failed"
    assert before[0] is not None
    assert failure(world) == before


@pytest.fixture
def tried_again(world, sent):
    """A message that failed, which a person lets go out again; returns like `sent`, and its id."""
    line, deliver = sent
    deliver()
    world.hear(line, {"status": "failed", "id": "out-1"})
    with transaction(world.hub.engine) as db:
        retry(world.hub, db, world.one("SELECT id FROM messages")["id"])
    return line, deliver, world.one("SELECT id FROM deliveries")["id"]


def test_another_report_that_the_first_try_failed_does_not_stop_the_second(world, tried_again):
    line, deliver, delivery_id = tried_again
    world.hear(line, {"status": "failed", "ref": delivery_id, "id": "out-1", "key": "again"})
    assert status(world) == "queued"
    deliver()
    assert status(world) == "sent"
    assert world.provider.said == ["Hi", "Hi"]


@pytest.mark.parametrize("answer", [(500, {}), OutcomeUnknown("The line broke.")])
def test_a_report_by_the_id_of_the_first_try_says_nothing_of_the_second(world, tried_again, answer):
    line, deliver, _delivery_id = tried_again
    world.provider.will(answer)
    deliver()
    before = status(world)
    world.hear(line, {"status": "failed", "id": "out-1", "key": "again"})
    assert (status(world), before in {"sending", "unknown"}) == (before, True)


def test_what_arrived_after_all_is_not_sent_again(world, tried_again):
    line, deliver, delivery_id = tried_again
    world.hear(line, {"status": "delivered", "ref": delivery_id, "id": "out-1"})
    deliver()
    assert status(world) == "delivered"
    assert world.provider.said == ["Hi"]


def test_the_ledger_balances(world, sent):
    from hubbub.store.session import reading
    from hubbub.track.ledger import ledger

    line, deliver = sent
    deliver()
    hello = {"id": "m1", "from": "+2", "text": "Hi"}
    world.hear(line, hello, hello, {"bad": "x"}, {"status": "read", "id": "out-1"})
    world.hear(line, hello, secret="wrong")
    with reading(world.hub.engine) as db:
        found = ledger(db)
    assert found.balanced
    assert (found.applied, found.duplicate, found.dead, found.quarantined) == (2, 1, 1, 1)


def test_the_trace_tells_the_whole_way_oldest_first(world, sent):
    from hubbub.store.session import reading
    from hubbub.track.trace import trace

    line, deliver = sent
    deliver()
    world.clock.forward(seconds=1)
    world.hear(line, {"status": "delivered", "id": "out-1"})
    message_id = world.one("SELECT id FROM messages")["id"]
    with reading(world.hub.engine) as db:
        items = trace(db, message_id)
    assert [(item.stage, item.what) for item in items] == [
        ("deliver", "queued"),
        ("deliver", "attempt 1: accepted"),
        ("track", "receipt: delivered"),
    ]
    assert "polly" not in str(items)


@pytest.mark.parametrize(
    ("said", "ends"),
    [
        ({"status": "failed", "about": "+2"}, "sent"),
        ({"status": "failed", "about": "+3"}, "sent"),
        ({"status": "failed", "about": None}, "sent"),
        ({"status": "delivered"}, "sent"),
        ({"status": "read"}, "sent"),
        ({"status": "failed", "about": "+1"}, "failed"),
    ],
)
def test_where_others_got_copies_only_what_names_whom_it_is_to_says_what_became_of_it(
    world, monkeypatch, said, ends
):
    can = Parrot.capabilities
    monkeypatch.setattr(Parrot, "capabilities", replace(can, outbound=can.outbound | {"email"}))
    line = world.channel()
    submit(world, line, Email(subject="Hi", text="Hi", cc=(Correspondent(address="+2"),)))
    carry(world)
    world.hear(line, {"id": "out-1", **said})
    assert status(world) == ends
    # Each of them could have made the report up: no address is given up for it.
    assert {row["state"] for row in world.rows("SELECT state FROM addresses")} == {"ok"}
    assert len(world.rows("SELECT id FROM receipts WHERE delivery_id IS NOT NULL")) == 1
