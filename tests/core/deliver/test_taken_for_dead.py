"""A process that was cut off is not taken for dead, and one that was is not believed twice."""

from datetime import timedelta

import pytest
from sqlalchemy import text

from hubbub.alive import BEAT, DEAD_AFTER, say_alive
from hubbub.connect.routes import WantedRoutes, save_routes
from hubbub.deliver import lanes, work as deliver
from hubbub.deliver.attempt import Parcel, Result
from hubbub.deliver.record import hold, record
from hubbub.normalise.work import normalise
from hubbub.route.handling import finish
from hubbub.scheduler import Scheduler
from hubbub.sdk import Text
from hubbub.sdk.errors import Transient
from hubbub.sdk.routing import Outcome, Reply
from hubbub.sdk.values import Accepted
from hubbub.store.session import DatabaseDown, transaction

BOT = {"type": "chatbot", "url": "https://bot.example/", "secret": "a bot secret of good length"}
STEP = timedelta(seconds=1)


@pytest.fixture
def claimed(world):
    """A message to a contact, claimed by a worker; returns its parcel."""
    line = world.channel()
    with transaction(world.hub.engine) as db:
        conversation = deliver.start_conversation(
            world.hub, db, channel_id=line.id, address="+15550001"
        )
        deliver.submit(
            world.hub, db, conversation_id=conversation, content=Text(text="One"), author="api:t"
        )
    return take(world, line)


@pytest.fixture
def asked(world):
    """A message on its way to a bot; returns what it says when it is asked again and again."""
    line = world.channel()
    save_routes(world.hub, line.id, WantedRoutes(routes=(), fallback=BOT), actor="cli")
    world.call(world.line(line.id), {"items": [{"id": "m1", "from": "+1", "text": "Hello"}]})
    normalise(world.hub, line.id)
    return line


@pytest.fixture
def scheduler(world):
    return Scheduler(world.hub)


def take(world, line):
    now = world.hub.now()
    with transaction(world.hub.engine) as db:
        say_alive(db, "a worker", "worker", now)
        ids = [row.id for row in db.execute(text("SELECT id FROM deliveries"))]
        (row,) = lanes.claim(db, ids, claimer="a worker", now=now)
    return Parcel(row, line)


def write(world, *results):
    with transaction(world.hub.engine) as db:
        hold(db, results)
        record(world.hub, db, results, finish)


def run(world, scheduler, seconds, *, worker_lives=False):
    """Let the scheduler tick for ``seconds``."""
    for _ in range(seconds):
        world.clock.forward(seconds=STEP.total_seconds())
        if worker_lives:
            with transaction(world.hub.engine) as db:
                say_alive(db, "a worker", "worker", world.hub.now())
        scheduler.tick()


def state(world):
    return world.one("SELECT state FROM deliveries")["state"]


def test_what_a_dead_process_carried_is_taken_back(world, claimed, scheduler):
    run(world, scheduler, int(DEAD_AFTER.total_seconds()) + 4)
    assert state(world) == "unknown"


def test_after_an_outage_of_the_database_everybody_has_time_to_say_that_he_lives(
    world, claimed, scheduler, monkeypatch
):
    run(world, scheduler, 20, worker_lives=True)

    def away(*_, **__):
        raise DatabaseDown("away")

    monkeypatch.setattr("hubbub.scheduler.hold", away)
    run(world, scheduler, 60)
    monkeypatch.undo()
    run(world, scheduler, int(BEAT.total_seconds()))
    assert state(world) == "sending"
    run(world, scheduler, 30, worker_lives=True)
    assert state(world) == "sending"


def test_a_clock_that_is_put_forward_makes_nobody_dead(world, claimed, scheduler):
    run(world, scheduler, 20, worker_lives=True)
    world.clock.forward(minutes=5)
    run(world, scheduler, 2)
    run(world, scheduler, 20, worker_lives=True)
    assert state(world) == "sending"


def test_a_late_failure_does_not_end_the_attempt_that_is_under_way(world, claimed):
    world.write("UPDATE deliveries SET state = 'retrying'")
    second = take(world, claimed.line)
    failed = Result(parcel=claimed, started_at=world.hub.now(), error=Transient("gone"))

    write(world, failed)

    assert state(world) == "sending"
    accepted = Accepted(external_id="out-1")
    write(world, Result(parcel=second, started_at=world.hub.now(), accepted=accepted))
    assert state(world) == "sent"


def test_a_late_acceptance_counts_even_while_another_attempt_is_under_way(world, claimed):
    world.write("UPDATE deliveries SET state = 'retrying'")
    take(world, claimed.line)
    accepted = Accepted(external_id="out-1")

    write(world, Result(parcel=claimed, started_at=world.hub.now(), accepted=accepted))

    assert state(world) == "sent"


@pytest.mark.parametrize("together", [True, False])
def test_a_bot_that_was_asked_twice_is_heard_once(world, asked, together):
    first = take(world, asked)
    world.write("UPDATE deliveries SET state = 'retrying'")
    second = take(world, asked)
    reply = Outcome(actions=(Reply(content=Text(text="Hello")),))
    results = [
        Result(parcel=one, started_at=world.hub.now(), outcome=reply) for one in (first, second)
    ]

    if together:
        write(world, *results)
    else:
        write(world, results[0])
        write(world, results[1])

    sent = world.rows("SELECT id FROM messages WHERE direction = 'outbound'")
    assert len(sent) == 1
