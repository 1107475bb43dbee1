"""A watermark speaks of all that went before it, of nothing after it, and waits for what comes."""

import json
import threading
from datetime import timedelta

import pytest
from sqlalchemy import text

from hubbub.deliver import work as deliver
from hubbub.deliver.actors import nudge_deliver
from hubbub.sdk import OutcomeUnknown, Text
from hubbub.store.session import transaction
from hubbub.store.states import NEVER
from hubbub.track import receipts, sweep, watermarks
from hubbub.track.ledger import ledger
from hubbub.track.trace import trace
from tests.services.locks import wait_for_who_waits


@pytest.fixture
def perch(world):
    """A channel, and short words for what happens on it."""
    return Perch(world)


class Perch:
    def __init__(self, world):
        self.world = world
        self.line = world.channel()

    def write(self, *texts, to="+1"):
        with transaction(self.world.hub.engine) as db:
            conversation = deliver.start_conversation(
                self.world.hub, db, channel_id=self.line.id, address=to
            )
            for text in texts:
                deliver.submit(
                    self.world.hub,
                    db,
                    conversation_id=conversation,
                    content=Text(text=text),
                    author="api:t",
                )
        nudge_deliver(self.world.hub)
        self.world.work()

    def mark(self, status="read", to="+1", **later):
        at = self.world.clock.now + timedelta(**later)
        self.world.hear(self.line, {"status": status, "up_to": at.isoformat(), "to": to})

    def echo(self, external_id, **later):
        """Let the provider tell when it took a message."""
        at = self.world.clock.now + timedelta(**later)
        self.world.hear(self.line, {"status": "sent", "id": external_id, "at": at.isoformat()})

    def statuses(self):
        rows = self.world.rows(
            "SELECT status FROM messages WHERE direction = 'outbound' ORDER BY id"
        )
        return [row["status"] for row in rows]


def test_it_settles_all_that_went_before_and_nothing_after(perch):
    perch.write("One", "Two")
    perch.world.clock.forward(seconds=10)
    perch.mark("delivered")
    perch.world.clock.forward(seconds=10)
    perch.write("Three")
    assert perch.statuses() == ["delivered", "delivered", "sent"]
    perch.mark("read", seconds=-5)
    assert perch.statuses() == ["read", "read", "sent"]


def test_it_lowers_nothing_and_counts_once(perch):
    perch.write("One")
    perch.mark("read")
    perch.mark("delivered")
    perch.mark("read")
    assert perch.statuses() == ["read"]
    outcomes = [
        json.loads(row["outcomes"]) if isinstance(row["outcomes"], str) else row["outcomes"]
        for row in perch.world.rows("SELECT outcomes FROM calls ORDER BY id")
    ]
    assert [one["outcome"] for (one,) in outcomes] == ["applied", "applied", "duplicate"]
    with transaction(perch.world.hub.engine) as db:
        assert ledger(db).balanced


def test_it_is_of_one_contact(perch):
    perch.write("One")
    perch.write("Two", to="+2")
    perch.mark(to="+2")
    assert perch.statuses() == ["sent", "read"]


def test_one_that_comes_before_the_answer_waits_for_it(perch):
    def answer(request):
        perch.mark("read")
        return 200, {"id": "out-1"}

    perch.world.provider.will(answer)
    perch.write("One")
    assert perch.statuses() == ["read"]


def test_one_that_comes_before_the_proof_of_a_lost_send_waits_for_it(perch):
    perch.world.provider.will(OutcomeUnknown("The line broke."))
    perch.write("One")
    perch.mark("delivered")
    assert perch.statuses() == ["unknown"]
    delivery = perch.world.one("SELECT id FROM deliveries")["id"]
    perch.world.hear(perch.line, {"id": "out-1", "ref": delivery, "status": "sent"})
    assert perch.statuses() == ["delivered"]


@pytest.mark.parametrize("state", ["sending", "unknown"])
def test_one_that_comes_while_the_answer_is_written_down_waits_until_it_is(perch, state):
    if perch.world.hub.engine.dialect.name == "sqlite":
        return  # its writers follow one another
    perch.world.provider.will(OutcomeUnknown("The line broke."))
    perch.write("One")
    perch.world.write("UPDATE deliveries SET state = :state", state=state)
    with transaction(perch.world.hub.engine) as db:
        db.execute(text("SELECT id FROM deliveries FOR UPDATE"))
        marking = threading.Thread(target=perch.mark, args=["delivered"])
        marking.start()
        wait_for_who_waits(perch.world.hub.engine)
        db.execute(text("UPDATE deliveries SET state = 'sent', external_id = 'out-1'"))
    marking.join()
    assert perch.statuses() == ["delivered"]


def test_an_older_one_says_nothing_of_a_later_message(perch):
    perch.write("One")
    perch.mark("read")
    perch.world.clock.forward(seconds=10)
    perch.write("Two")
    assert perch.statuses() == ["read", "sent"]


@pytest.fixture
def slow(perch):
    """A channel that echoes; its second message takes 20 s to send, and 5 s on all is read."""
    perch.write("One")
    perch.echo("out-1")

    def answer(_request):
        perch.world.clock.forward(seconds=5)
        perch.mark("read")
        perch.world.clock.forward(seconds=15)
        return 200, {"id": "out-2"}

    perch.world.provider.will(answer)
    perch.write("Two")
    return perch


def test_what_was_not_sent_yet_is_not_read_however_long_it_takes_to_send(slow):
    assert slow.statuses() == ["read", "sent"]
    slow.echo("out-2", seconds=-2)
    slow.mark("read", seconds=-3)
    assert slow.statuses() == ["read", "sent"]
    slow.mark("read", seconds=-2)
    assert slow.statuses() == ["read", "read"]


def test_an_echo_that_comes_late_lets_it_speak_of_the_message_after_all(slow):
    slow.mark("read", seconds=-1)
    assert slow.statuses() == ["read", "sent"]
    slow.echo("out-2", seconds=-1)
    assert slow.statuses() == ["read", "read"]


def test_an_echo_that_is_found_by_the_sweep_does_so_too(slow, monkeypatch):
    slow.mark("read", seconds=-1)
    monkeypatch.setattr(receipts, "_named", lambda *given: {})
    slow.echo("out-2", seconds=-1)
    monkeypatch.undo()
    slow.world.clock.forward(seconds=6)
    sweep.attach_strays(slow.world.hub, back=timedelta(minutes=1))
    assert slow.statuses() == ["read", "read"]


def test_without_its_echo_a_message_is_with_the_provider_once_that_has_answered(slow):
    slow.mark("read")
    assert slow.statuses() == ["read", "read"]


def test_an_echo_of_what_a_person_says_has_arrived_is_awaited_for_as_long_as_a_send_takes(slow):
    slow.world.provider.will(OutcomeUnknown("The line broke."))
    slow.write("Three")
    lost = slow.world.one("SELECT id FROM messages WHERE status = 'unknown'")["id"]
    slow.world.write(
        "UPDATE deliveries SET due_at = :far WHERE message_id = :id", far=NEVER, id=lost
    )
    with transaction(slow.world.hub.engine) as db:
        deliver.settle_by_hand(db, lost, arrived=True)
    slow.mark("read", minutes=9)
    assert slow.statuses() == ["read", "read", "sent"]
    slow.mark("read", minutes=10)
    assert slow.statuses() == ["read", "read", "read"]


def test_what_others_sent_needs_no_echo(slow):
    slow.world.hear(slow.line, {"said": "x", "to": "+1", "text": "Three"})
    slow.mark("read", seconds=-1)
    assert slow.statuses() == ["read", "sent", "read"]


def test_an_echo_of_what_failed_since_does_not_let_it_be_read(slow):
    slow.world.hear(slow.line, {"status": "failed", "id": "out-2"})
    slow.mark("read")
    slow.echo("out-2", seconds=-1)
    assert slow.statuses() == ["read", "failed"]


def test_the_trace_of_each_message_tells_of_it(perch):
    perch.write("One", "Two")
    perch.mark("read")
    for row in perch.world.rows("SELECT id FROM messages"):
        with transaction(perch.world.hub.engine) as db:
            told = [item.what for item in trace(db, row["id"])]
        assert told[-1] == "receipt: read"


def test_postgresql_finds_what_it_speaks_of_by_its_indexes(world):
    if world.hub.engine.dialect.name == "sqlite":
        return
    asked = {
        watermarks._REACHED: {"channel_id": "c", "addresses": ["+1"]},
        watermarks._ECHOED: {"channel_id": "c", "addresses": ["+1"]},
        watermarks._TOLD: {"channel_id": "c", "addresses": ["+1"], "since": world.clock.now},
    }
    with transaction(world.hub.engine) as db:
        db.exec_driver_sql("SET LOCAL enable_seqscan = off")
        for statement, given in asked.items():
            form = statement._forms.of(db)
            plan = db.exec_driver_sql(f"EXPLAIN {form.sql}", form.given(given)).fetchall()
            assert "Seq Scan" not in " ".join(line for (line,) in plan)
