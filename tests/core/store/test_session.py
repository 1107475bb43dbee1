"""Transactions on both databases."""

import secrets
import sys
import threading
import traceback
from contextlib import suppress
from pathlib import Path

import pytest
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError, OperationalError

from hubbub.store.session import DatabaseDown, Deadlock, make_engine, reading, transaction


def insert(db, name):
    db.execute(
        text("INSERT INTO leases (name, holder, expires_at) VALUES (:name, 'x', '2026-01-01')"),
        {"name": name},
    )


def names(engine):
    with reading(engine) as db:
        return list(db.execute(text("SELECT name FROM leases ORDER BY name")).scalars())


def test_a_transaction_is_committed_at_its_end(engine):
    with transaction(engine) as db:
        insert(db, "a")
    assert names(engine) == ["a"]


@pytest.mark.skipif(sys.platform != "linux", reason="It looks into /proc.")
def test_an_engine_that_is_given_up_keeps_no_file_open(sqlite_url, tmp_path):
    def opened():
        for number in Path("/proc/self/fd").iterdir():
            with suppress(FileNotFoundError):
                yield str(number.readlink())

    engine = make_engine(sqlite_url)
    for name in ("a", "b"):  # the second time after it was given up
        with transaction(engine) as db:
            insert(db, name)
        assert any(path.startswith(str(tmp_path)) for path in opened())
        engine.dispose()
        assert not any(path.startswith(str(tmp_path)) for path in opened())


def test_an_exception_undoes_a_transaction(engine):
    with pytest.raises(RuntimeError), transaction(engine) as db:
        insert(db, "a")
        raise RuntimeError
    assert names(engine) == []


def test_what_a_database_refuses_is_told_without_the_row(engine):
    with pytest.raises(IntegrityError) as raised, transaction(engine) as db:
        for word in ("words", "words"):
            insert(db, f"some-{word}")
    told = "".join(traceback.format_exception(raised.value))
    assert "UNIQUE" in told.upper()
    assert "some-words" not in told


def test_who_gives_way_in_a_deadlock_is_told_that_it_was_one(engine):
    class GaveWay(Exception):
        sqlstate = "40P01"

    with pytest.raises(Deadlock), transaction(engine):
        raise OperationalError("UPDATE", {}, GaveWay("deadlock detected"))


def test_a_value_beyond_its_limits_is_no_outage(postgresql_url):
    engine = make_engine(postgresql_url)
    with pytest.raises(OperationalError), transaction(engine) as db:
        insert(db, secrets.token_hex(6000))
    engine.dispose()


def test_reading_within_a_transaction_waits_for_nobody(engine):
    with transaction(engine) as db:
        insert(db, "a")
        assert names(engine) == []


def test_many_threads_write_one_after_the_other(engine):
    def write(number):
        with transaction(engine) as db:
            insert(db, f"{number:02}")

    threads = [threading.Thread(target=write, args=(number,)) for number in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert names(engine) == [f"{number:02}" for number in range(16)]


def test_a_database_that_is_down_says_so_in_one_sentence():
    engine = make_engine("postgresql+psycopg://nobody@127.0.0.1:9/hubbub")
    with (
        pytest.raises(DatabaseDown, match=r"The database \(127.0.0.1\) did not answer"),
        reading(engine) as db,
    ):
        db.execute(text("SELECT 1"))
