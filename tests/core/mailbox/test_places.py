"""How far a folder was read, by what its server says."""

from dataclasses import replace
from datetime import UTC, date, datetime

import pytest

from hubbub.mailbox.places import (
    Past,
    Place,
    asks,
    begun,
    closed,
    followed,
    kept,
    opened,
    recalled,
    troubled,
)

TODAY = date(2026, 3, 10)
PLACE = Place(uidvalidity=7, first=11, last=20, newest=date(2026, 3, 5))


def follow(place, uidvalidity=7, uidnext=21, since=None):
    return followed(place, uidvalidity, uidnext, since=since, today=TODAY)


def test_at_first_all_that_is_there_is_past_and_nobody_wants_it():
    assert begun(7, 101, since=None, today=TODAY) == Place(
        uidvalidity=7, first=101, last=100, newest=TODAY
    )


def test_from_a_day_on_the_past_is_fetched():
    day = date(2026, 1, 1)
    assert begun(7, 101, since=day, today=TODAY).past == Past(until=100, since=day)
    assert begun(7, 1, since=day, today=TODAY).past is None


def test_a_folder_that_goes_on_goes_on():
    assert follow(PLACE) is PLACE
    assert follow(PLACE, uidnext=30) is PLACE


@pytest.mark.parametrize(("uidvalidity", "uidnext"), [(8, 41), (8, 5), (7, 20)])
def test_a_folder_made_anew_is_read_again_from_two_days_before_the_newest(uidvalidity, uidnext):
    assert follow(PLACE, uidvalidity, uidnext) == Place(
        uidvalidity=uidvalidity,
        first=uidnext,
        last=uidnext - 1,
        newest=PLACE.newest,
        past=Past(until=uidnext - 1, since=date(2026, 3, 3), new_since=date(2026, 3, 3)),
    )


def test_in_a_folder_made_anew_only_what_came_long_before_is_history():
    past = follow(replace(PLACE, past=Past(until=10, since=date(2025, 1, 1))), 8, 41).past
    assert past.historical(datetime(2026, 3, 2, tzinfo=UTC))
    assert not past.historical(datetime(2026, 3, 3, tzinfo=UTC))
    assert not past.historical(None)
    # It may be written long before it "came".
    old, late = datetime(2025, 3, 2, tzinfo=UTC), datetime(2026, 3, 9, tzinfo=UTC)
    assert past.historical(late, old)
    assert not past.historical(late, None)
    assert Past(until=10, since=date(2025, 1, 1)).historical(datetime(2026, 3, 3, tzinfo=UTC))


def test_what_is_new_waits_for_what_a_folder_made_anew_may_hold_and_for_nothing_older():
    assert follow(PLACE, 8, 41).past.comes_first
    assert not Past(until=10, since=date(2026, 3, 3)).comes_first
    old = replace(PLACE, past=Past(until=10, since=date(2025, 1, 1)))
    assert not follow(old, 8, 41).past.comes_first


def test_a_folder_made_anew_twice_forgets_nothing_that_may_be_new():
    once = replace(follow(PLACE, 8, 41), newest=TODAY)
    assert follow(once, 9, 41).past == Past(
        until=40, since=date(2026, 3, 3), new_since=date(2026, 3, 3)
    )


def test_a_folder_made_anew_is_read_from_where_the_past_was_still_wanted():
    place = replace(PLACE, past=Past(until=10, since=date(2025, 1, 1)))
    again = follow(place, 8, 41)
    assert again.past == Past(until=40, since=date(2025, 1, 1), new_since=date(2026, 3, 3))


def test_an_earlier_day_fetches_what_was_left_out_once():
    day, earlier = date(2026, 2, 1), date(2026, 1, 1)
    place = follow(PLACE, since=day)
    assert place.past == Past(until=10, since=day)
    assert follow(place, since=earlier) is place  # one after the other
    place = replace(place, past=None)
    assert follow(place, since=earlier).past == Past(until=10, since=earlier, before=day)
    assert follow(place, since=date(2026, 2, 2)) is place
    assert follow(place, since=None) is place


def test_what_is_kept_is_behind_us_and_to_be_marked_where_that_is_wanted():
    place = kept(PLACE, (21, 23), newest=date(2026, 3, 9), marking=True)
    assert (place.last, place.newest, place.unmarked) == (23, date(2026, 3, 9), (21, 23))
    assert kept(PLACE, (21,), newest=None, marking=False).unmarked == ()


def test_the_past_does_not_move_what_is_new():
    place = follow(PLACE, since=date(2026, 1, 1))
    past = Past(until=10, since=date(2026, 1, 1))
    place = recalled(place, past, (3, 4), marking=True)
    assert (place.last, place.past, place.unmarked) == (20, replace(past, after=4), (3, 4))


def test_of_a_letter_that_always_fails_less_is_asked_and_then_nothing():
    place, asked = PLACE, []
    for _ in range(25):
        asked.append(asks(place, 21))
        place = troubled(place, 21)
    assert asked == ["whole"] * 10 + ["head"] * 10 + ["nothing"] * 5
    assert asks(place, 22) == "whole"
    assert troubled(place, 22).tries == 1
    assert kept(place, (21,), newest=None, marking=False).trouble == 0


def test_a_cursor_says_all_of_it():
    places = {
        "INBOX": replace(
            PLACE,
            since=date(2026, 1, 1),
            past=Past(after=3, until=10, since=date(2026, 1, 1), before=date(2026, 2, 1)),
            unmarked=(20,),
            trouble=21,
            tries=2,
        ),
        "Entwürfe": PLACE,
    }
    assert opened(closed(places)) == places
    assert opened("") == {}
