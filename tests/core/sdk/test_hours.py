"""Opening hours at every boundary, in the nights in which clocks change too."""

from datetime import UTC, datetime, timedelta

import pytest
from pydantic import ValidationError

from hubbub.sdk.hours import Hours, opening

WEEK = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
BERLIN = "Europe/Berlin"
OFFICE = {day: [["09:00", "12:00"], ["13:00", "17:00"]] for day in WEEK[:5]}
NIGHT = {day: [["22:00", "06:00"]] for day in WEEK}


def at(text):
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def hours(weekly, *exceptions, zone=BERLIN):
    given = {"timezone": zone, "weekly": weekly, "exceptions": list(exceptions)}
    return Hours.model_validate(given)


def told(found):
    changes = found.changes_at
    return found.open, changes and changes.strftime("%m-%d %H:%M")


@pytest.mark.parametrize(
    ("weekly", "now", "open_", "changes"),
    [
        # A winter's Monday in Berlin, and a summer's: 09:00 is another instant.
        (OFFICE, "2026-01-05 07:59", False, "01-05 08:00"),
        (OFFICE, "2026-01-05 08:00", True, "01-05 11:00"),
        (OFFICE, "2026-01-05 10:59", True, "01-05 11:00"),
        (OFFICE, "2026-01-05 11:00", False, "01-05 12:00"),
        (OFFICE, "2026-01-05 15:59", True, "01-05 16:00"),
        (OFFICE, "2026-01-05 16:00", False, "01-06 08:00"),
        (OFFICE, "2026-07-06 06:59", False, "07-06 07:00"),
        (OFFICE, "2026-07-06 07:00", True, "07-06 10:00"),
        # From Friday evening to Monday, over the night of 29 March.
        (OFFICE, "2026-03-27 16:00", False, "03-30 07:00"),
        # A night lasts 7 hours in March and 9 in October.
        (NIGHT, "2026-03-28 21:00", True, "03-29 04:00"),
        (NIGHT, "2026-10-24 20:00", True, "10-25 05:00"),
        (NIGHT, "2026-10-25 04:59", True, "10-25 05:00"),
        (NIGHT, "2026-10-25 05:00", False, "10-25 21:00"),
        # 02:30 does not exist on 29 March: it opens, or closes, at 03:30 summer time.
        ({"sun": [["02:30", "05:00"]]}, "2026-03-29 01:29", False, "03-29 01:30"),
        ({"sun": [["02:30", "05:00"]]}, "2026-03-29 01:30", True, "03-29 03:00"),
        ({"sat": [["22:00", "02:30"]]}, "2026-03-29 01:29", True, "03-29 01:30"),
        # 02:30 comes twice on 25 October: it opens at the first.
        ({"sun": [["02:30", "05:00"]]}, "2026-10-25 00:29", False, "10-25 00:30"),
        ({"sun": [["02:30", "05:00"]]}, "2026-10-25 00:30", True, "10-25 04:00"),
        # The whole day, and days that touch.
        ({"mon": [["00:00", "00:00"]]}, "2026-01-05 12:00", True, "01-05 23:00"),
        ({day: [["00:00", "00:00"]] for day in WEEK}, "2026-01-05 12:00", True, None),
        ({"mon": [["20:00", "00:00"]], "tue": [["00:00", "02:00"]]}, "2026-01-05 22:00", True,
         "01-06 01:00"),
        ({}, "2026-01-05 12:00", False, None),
    ],
)  # fmt: skip
def test_it_is_open_from_one_instant_to_another(weekly, now, open_, changes):
    assert told(opening(hours(weekly), at(now))) == (open_, changes)


@pytest.mark.parametrize(
    ("now", "open_", "changes"),
    [
        ("2026-12-24 10:59", True, "12-24 11:00"),
        ("2026-12-24 11:00", False, "12-28 08:00"),
        ("2027-12-24 12:30", True, "12-24 16:00"),
        ("2027-12-25 10:00", False, "12-27 08:00"),
    ],
)
def test_holidays_count_before_weekdays(now, open_, changes):
    special = (
        {"date": "2026-12-24", "spans": [["09:00", "12:00"]]},
        {"date": "2020-12-25", "yearly": True},
    )
    assert told(opening(hours(OFFICE, *special), at(now))) == (open_, changes)


def test_the_day_on_which_a_span_begins_decides_it():
    holiday = {"date": "2026-01-06"}
    night = opening(hours(NIGHT, holiday), at("2026-01-06 02:00"))
    assert told(night) == (True, "01-06 05:00")
    assert told(opening(hours(NIGHT, holiday), at("2026-01-06 22:00"))) == (False, "01-07 21:00")


def test_half_an_hour_of_summer_time_needs_nothing_special():
    lord_howe = hours({"sun": [["01:00", "04:00"]]}, zone="Australia/Lord_Howe")
    begins = at("2026-10-03 14:30")
    assert told(opening(lord_howe, begins)) == (True, "10-03 17:00")


def test_every_change_that_is_told_is_one():
    for weekly in (OFFICE, NIGHT):
        now = at("2026-03-27 00:00")
        for _ in range(40):
            found = opening(hours(weekly), now)
            assert found.changes_at is not None
            just_before = found.changes_at - timedelta(seconds=1)
            assert opening(hours(weekly), just_before).open == found.open
            assert opening(hours(weekly), found.changes_at).open != found.open
            now = found.changes_at


def test_without_hours_it_is_always_open():
    assert told(opening(None, at("2026-01-05 12:00"))) == (True, None)


@pytest.mark.parametrize(
    "given",
    [
        {"timezone": "Mars/Olympus", "weekly": {}},
        {"timezone": "../etc/passwd", "weekly": {}},
        {"timezone": BERLIN, "weekly": {"mon": [["09:00", "12:00"], ["11:00", "13:00"]]}},
        {"timezone": BERLIN, "weekly": {"mon": [["22:00", "06:00"], ["23:00", "23:30"]]}},
        {"timezone": BERLIN, "weekly": {"mon": [["09:00Z", "12:00Z"]]}},
        {"timezone": BERLIN, "weekly": {"monday": []}},
    ],
)
def test_hours_that_make_no_sense_are_refused(given):
    with pytest.raises(ValidationError):
        Hours.model_validate(given)
