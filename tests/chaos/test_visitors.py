"""What a window shows is judged: all of it, once, in order, and the visitor's own words."""

from types import SimpleNamespace

import pytest

from tests.chaos.book import Book
from tests.chaos.visitors import seen_in_windows, windows_verdict


def shown(seq, text, *, own=False):
    content = {"type": "text", "text": text}
    return {"seq": seq, "id": f"m{seq}", "own": own, "content": content, "heard_at": 1.0}


WELL = [shown(1, "say w000", own=True), shown(2, "answer 000"), shown(3, "say w001", own=True)]


def book(messages):
    window = SimpleNamespace(shown=messages, said=["say w000", "say w001"])
    return Book(windows={"v:1": window})  # type: ignore[dict-item]  # no more of it is looked at


def test_a_window_that_shows_all_once_and_in_order_is_well():
    assert list(windows_verdict(book(WELL))) == []


@pytest.mark.parametrize(
    "messages",
    [
        [],
        WELL[:2],
        [WELL[0], WELL[2]],
        [*WELL, WELL[2]],
        [WELL[1], WELL[0], WELL[2]],
        [WELL[0], shown(2, "say w000", own=True), WELL[2]],
    ],
    ids=["nothing", "a word lost", "an answer lost", "twice", "swapped", "doubled"],
)
def test_a_window_that_lost_doubled_or_swapped_something_is_not(messages):
    assert list(windows_verdict(book(messages)))


def test_what_was_shown_is_known_by_the_delivery_that_carried_it():
    carried = [SimpleNamespace(message_id="m2", id="d2", external_id=None)]
    (seen,) = seen_in_windows(book(WELL), carried)  # type: ignore[arg-type]  # rows, as it reads them
    assert (seen.address, seen.text, seen.external_id) == ("v:1", "answer 000", "d2")
