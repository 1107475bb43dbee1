"""How long a mailbox that fails is waited for."""

import pytest

from hubbub.mailbox.patience import Pace, Patience
from hubbub.sdk.errors import AuthFailed, Transient

LOST, REFUSED = Transient("Gone."), AuthFailed("No.")


@pytest.fixture
def patience():
    return Patience(Pace())


def test_pauses_double_up_to_a_quarter_of_an_hour(patience):
    pauses = [patience.failed(LOST, at, 1.0) for at in range(10)]
    assert pauses == [5, 10, 20, 40, 80, 160, 320, 640, 900, 900]


def test_pauses_are_cut_at_random(patience):
    assert patience.failed(LOST, 0, 0.5) == 2.5


@pytest.mark.parametrize(("lasted", "pause"), [(299, 10), (300, 5)])
def test_after_five_good_minutes_the_first_pause_comes_again(patience, lasted, pause):
    patience.failed(LOST, 0, 1.0)
    patience.connected(10)
    assert patience.failed(LOST, 10 + lasted, 1.0) == pause


def test_a_refused_login_is_tried_once_more_ten_minutes_later(patience):
    assert patience.failed(REFUSED, 100, 0.1) == 600
    with pytest.raises(AuthFailed):
        patience.failed(REFUSED, 700, 0.1)


def test_what_fails_between_two_refusals_does_not_count_as_one(patience):
    patience.failed(REFUSED, 100, 0.1)
    patience.failed(LOST, 701, 1.0)
    with pytest.raises(AuthFailed):
        patience.failed(REFUSED, 710, 0.1)


def test_a_login_that_works_forgets_the_refusal(patience):
    patience.failed(REFUSED, 100, 0.1)
    patience.connected(700)
    assert patience.failed(REFUSED, 800, 0.1) == 600


def test_a_refused_login_is_shown_at_once_until_we_are_let_in(patience):
    patience.failed(REFUSED, 0, 0.1)
    assert patience.over(0)
    patience.connected(600)
    assert not patience.over(600)


def test_failures_are_shown_when_nothing_worked_for_ten_minutes(patience):
    patience.failed(LOST, 0, 1.0)
    assert not patience.over(599)
    assert patience.over(600)
    patience.connected(601)
    assert not patience.over(700)
