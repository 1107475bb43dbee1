"""Statements of the hot path say and find what SQLAlchemy's own execution does."""

from datetime import UTC, datetime, timedelta, timezone

import pytest
from sqlalchemy import bindparam, insert, select

from hubbub.store.prepared import Adding, Prepared, among, setting
from hubbub.store.session import reading, transaction
from hubbub.store.states import DeliveryState
from hubbub.store.tables import Contact, table

NOW = datetime(2026, 11, 28, 12, 0, 0, 5, tzinfo=UTC)
contacts = table(Contact)


def row(number: int, **values: object) -> dict[str, object]:
    return {
        "id": f"c{number}",
        "name": f"Zoë “{number}” \\ 😀",
        "attributes": {"list": [1, None, 2.5, True], "text": '"quoted"', "nested": {"a": {}}},
        "blocked_at": None,
        "created_at": NOW,
        **values,
    }


def stored(engine):
    with reading(engine) as db:
        return [dict(found._mapping) for found in db.execute(select(contacts).order_by("id"))]


def test_rows_are_added_as_the_orm_would_add_them(engine):
    rows = [row(1), row(2, name=None, attributes={}, blocked_at=NOW)]
    with transaction(engine) as db:
        Adding(contacts).run(db, rows)
        db.execute(insert(contacts), [row(3)])
    assert stored(engine) == [*rows, row(3)]


@pytest.mark.parametrize("count", [1, 3, 5, 64, 65, 150])
def test_any_number_of_rows_is_added_and_set(engine, count):
    rows = [row(1000 + number) for number in range(count)]
    with transaction(engine) as db:
        Adding(contacts).run(db, rows)
        renamed = [{"id": one["id"], "name": f"new {one['id']}"} for one in rows]
        setting(contacts, "name").run(db, renamed)
    assert [one["name"] for one in stored(engine)] == [one["name"] for one in renamed]


def test_columns_that_rows_do_not_name_get_their_default(engine):
    with transaction(engine) as db:
        Adding(contacts).run(db, [{"id": "c1", "attributes": {}, "created_at": NOW}])
    assert stored(engine) == [row(1, name=None, attributes={})]


def test_no_rows_are_no_statement(engine):
    with transaction(engine) as db:
        Adding(contacts).run(db, [])
        setting(contacts, "name").run(db, [])
    assert stored(engine) == []


def test_times_of_other_zones_are_kept_in_utc_and_sort(engine):
    local = NOW.astimezone(timezone(timedelta(hours=2))) - timedelta(seconds=1)
    with transaction(engine) as db:
        Adding(contacts).run(db, [row(1, created_at=local), row(2)])
    found = Prepared(
        select(contacts.c.id, contacts.c.created_at).where(contacts.c.created_at < bindparam("now"))
    )
    with reading(engine) as db:
        (only,) = found.all(db, now=NOW)
    assert (only.id, only.created_at, only.created_at.tzinfo) == ("c1", local, UTC)


def test_a_time_without_a_zone_is_refused(engine):
    find = Prepared(select(contacts.c.id).where(contacts.c.created_at < bindparam("now")))
    with reading(engine) as db, pytest.raises(ValueError, match="without a zone"):
        find.all(db, now=NOW.replace(tzinfo=None))


def test_rows_are_set_by_their_ids_and_others_stay(engine):
    with transaction(engine) as db:
        Adding(contacts).run(db, [row(1), row(2), row(3)])
        setting(contacts, "name", "attributes", "blocked_at").run(
            db,
            [
                {"id": "c1", "name": None, "attributes": {"x": "y"}, "blocked_at": NOW},
                {"id": "c3", "name": DeliveryState.SENT, "attributes": {}, "blocked_at": None},
            ],
        )
    assert stored(engine) == [
        row(1, name=None, attributes={"x": "y"}, blocked_at=NOW),
        row(2),
        row(3, name="sent", attributes={}),
    ]


@pytest.mark.parametrize("wanted", [[], ["c2"], ["c3", "nobody", "c1"], ["'", '"', "\\"]])
def test_among_finds_what_is_in_a_list_of_any_length(engine, wanted):
    find = Prepared(select(contacts.c.id).where(among(contacts.c.id, "wanted")))
    with transaction(engine) as db:
        Adding(contacts).run(db, [row(1), row(2), row(3)])
        found = {one.id for one in find.all(db, wanted=wanted)}
    assert found == {"c1", "c2", "c3"} & set(wanted)


def test_a_parameter_that_is_missing_is_an_error(engine):
    find = Prepared(select(contacts.c.id).where(contacts.c.id == bindparam("wanted")))
    with reading(engine) as db, pytest.raises(KeyError, match="wanted"):
        find.all(db)
