"""Leases: held by one process at a time, and free when that process is known to be dead."""

import threading
import time
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import text

from hubbub.alive import DEAD_AFTER, hold, let_go, living, say_alive, take_from_the_dead
from hubbub.store.session import make_engine, reading, transaction

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
PERIOD = timedelta(minutes=1)


@pytest.fixture
def db(engine):
    with transaction(engine) as db:
        say_alive(db, "first", "listener", NOW)
        say_alive(db, "second", "listener", NOW)
        assert hold(db, "source", holder="first", now=NOW, period=PERIOD)
        yield db


def test_a_lease_is_its_holders_until_it_ends(db):
    assert not hold(db, "source", holder="second", now=NOW + PERIOD, period=PERIOD)
    late = NOW + PERIOD + timedelta(seconds=1)
    assert hold(db, "source", holder="second", now=late, period=PERIOD)
    assert not hold(db, "source", holder="first", now=late, period=PERIOD)


def test_a_lease_that_is_let_go_is_free(db):
    let_go(db, "source", holder="second")
    assert not hold(db, "source", holder="second", now=NOW, period=PERIOD)
    let_go(db, "source", holder="first")
    assert hold(db, "source", holder="second", now=NOW, period=PERIOD)


@pytest.mark.parametrize(("died", "freed"), [(True, True), (False, False)])
def test_a_lease_ends_with_the_process_that_holds_it(db, died, freed):
    later = NOW + DEAD_AFTER
    if not died:
        say_alive(db, "first", "listener", later)
    take_from_the_dead(db, "source", later)
    assert hold(db, "source", holder="second", now=later, period=PERIOD) is freed


def test_of_two_that_take_a_new_lease_at_the_same_moment_one_gets_it(postgresql_url):
    engine = make_engine(postgresql_url)
    waits = text("SELECT 1 FROM pg_locks WHERE NOT granted AND locktype = 'transactionid'")
    got = []

    def second():
        with transaction(engine) as db:
            got.append(hold(db, "source", holder="second", now=NOW, period=PERIOD))
            # What it does in the same transaction is not undone.
            say_alive(db, "second", "listener", NOW)

    with transaction(engine) as db:
        assert hold(db, "source", holder="first", now=NOW, period=PERIOD)
        thread = threading.Thread(target=second)
        thread.start()
        deadline = time.monotonic() + 30
        while db.execute(waits).first() is None:
            assert time.monotonic() < deadline, "it never waited"
    thread.join()
    assert got == [False]
    with reading(engine) as db:
        assert living(db, NOW) == {"second"}
    engine.dispose()
