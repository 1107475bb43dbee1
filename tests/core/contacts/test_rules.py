"""What is known of two contacts that are made one, and of one that is made two again."""

from datetime import UTC, datetime

import pytest

from hubbub.contacts.rules import Known, Taken, merged, parted

THEN = datetime(2026, 1, 2, tzinfo=UTC)
LATER = datetime(2026, 1, 3, tzinfo=UTC)


@pytest.mark.parametrize(
    ("mine", "theirs", "known"),
    [
        (Known(name="Ada"), Known(name="A. L."), Known(name="Ada")),
        (Known(), Known(name="A. L."), Known(name="A. L.")),
        (
            Known(attributes={"city": "London"}),
            Known(attributes={"city": "Paris", "vip": True}),
            Known(attributes={"city": "London", "vip": True}),
        ),
        (
            Known(attributes={"verified": {"plan": "pro"}}),
            Known(attributes={"verified": {"plan": "free", "id": "7"}, "unverified": {"a": "b"}}),
            Known(attributes={"verified": {"plan": "pro", "id": "7"}, "unverified": {"a": "b"}}),
        ),
        (Known(blocked_at=THEN), Known(), Known(blocked_at=THEN)),
        (Known(), Known(blocked_at=THEN), Known(blocked_at=THEN)),
    ],
)
def test_what_a_contact_says_stays_and_the_other_fills_the_gaps(mine, theirs, known):
    assert merged(mine, theirs)[0] == known


@pytest.mark.parametrize("mine", [Known(), Known(name="Ada", attributes={"city": "London"})])
@pytest.mark.parametrize(
    "theirs",
    [
        Known(),
        Known(name="A. L.", attributes={"city": "Paris", "verified": {"id": "7"}}),
        Known(blocked_at=THEN),
    ],
)
def test_a_merge_that_is_undone_at_once_leaves_both_as_they_were(mine, theirs):
    known, taken = merged(mine, theirs)
    assert parted(known, theirs, Taken.read(taken.written())) == (mine, theirs)


def test_what_somebody_changed_since_stays_where_they_changed_it():
    theirs = Known(name="A. L.", attributes={"city": "Paris", "vip": True})
    _, taken = merged(Known(), theirs)
    now = Known(name="Ada", attributes={"city": "Rome", "vip": True, "age": 36})
    rest, back = parted(now, theirs, taken)
    assert rest == Known(name="Ada", attributes={"city": "Rome", "age": 36})
    assert back == theirs


@pytest.mark.parametrize(
    ("mine", "theirs", "now", "rest", "back"),
    [
        (THEN, None, THEN, THEN, None),
        (None, THEN, None, None, None),
        (None, None, LATER, LATER, LATER),
        (None, THEN, LATER, LATER, LATER),
    ],
)
def test_who_blocked_the_two_or_let_them_in_meant_both(mine, theirs, now, rest, back):
    before = Known(blocked_at=theirs)
    _, taken = merged(Known(blocked_at=mine), before)
    parts = parted(Known(blocked_at=now), before, taken)
    assert [one.blocked_at for one in parts] == [rest, back]
