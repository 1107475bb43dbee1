"""Writing down how attempts ended: what is held meanwhile is held in everybody's order."""

import threading

import pytest
from sqlalchemy import text

from hubbub.connect.routes import WantedRoutes, save_routes
from hubbub.deliver import lanes
from hubbub.deliver.attempt import Parcel, Result
from hubbub.deliver.record import hold, record
from hubbub.normalise.work import normalise
from hubbub.route.handling import finish
from hubbub.sdk.routing import Outcome
from hubbub.store.session import transaction
from hubbub.store.threads import by_ids
from tests.services.locks import wait_for_who_waits

BOT = {"type": "chatbot", "url": "https://bot.example/", "secret": "a bot secret of good length"}


@pytest.fixture
def database_url(postgresql_url):
    """PostgreSQL alone: SQLite's writers follow one another."""
    return postgresql_url


@pytest.fixture
def results(world):
    """What a bot answered to each of two contacts, the younger conversation first."""
    line = world.channel()
    save_routes(world.hub, line.id, WantedRoutes(routes=(), fallback=BOT), actor="cli")
    hello = [{"id": f"m{who}", "from": f"+{who}", "text": "Hello"} for who in (1, 2)]
    world.call(world.line(line.id), {"items": hello})
    normalise(world.hub, line.id)
    now = world.hub.now()
    ids = [row["id"] for row in world.rows("SELECT id FROM deliveries")]
    with transaction(world.hub.engine) as db:
        rows = lanes.claim(db, ids, claimer="worker", now=now)
    younger_first = sorted(rows, key=lambda row: row.conversation_id, reverse=True)
    return [
        Result(parcel=Parcel(row, line), started_at=now, outcome=Outcome()) for row in younger_first
    ]


@pytest.fixture
def write(world, results):
    """Return what writes ``results`` in a thread, and waits until it is held up."""
    threads = []

    def written():
        with transaction(world.hub.engine) as db:
            hold(db, results)
            record(world.hub, db, results, finish)

    def start():
        threads.append(threading.Thread(target=written))
        threads[0].start()
        wait_for_who_waits(world.hub.engine)

    yield start
    threads[0].join()


def test_who_waits_for_a_conversation_holds_no_later_one_and_no_delivery(world, results, write):
    later, first = (result.parcel.row.conversation_id for result in results)
    with transaction(world.hub.engine) as db:
        by_ids(db, [first])
        write()
        db.execute(
            text("SELECT id FROM conversations WHERE id = :id FOR UPDATE NOWAIT"), {"id": later}
        )
        db.execute(text("SELECT id FROM deliveries FOR UPDATE NOWAIT"))


def test_who_waits_for_a_delivery_holds_no_later_one(world, results, write):
    first, later = sorted(result.parcel.id for result in results)
    with transaction(world.hub.engine) as db:
        lanes.hold(db, [first])
        write()
        db.execute(
            text("SELECT id FROM deliveries WHERE id = :id FOR UPDATE NOWAIT"), {"id": later}
        )
