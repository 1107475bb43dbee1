"""A link to choose a password is good once, and not after it was taken back."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest

from hubbub.people import queries
from hubbub.people.errors import Invalid, NotFound
from hubbub.people.invites import Expired, accept, add_invited, invite, invited
from hubbub.people.users import change_user, end_sessions

PASSWORD = "correct horse"


def link(hub, user_id):
    _, _, user, seconds, signature = invite(hub, user_id, actor="cli").path.split("/")
    return user, int(seconds), signature


@pytest.fixture
def ada(every_hub):
    return add_invited(every_hub, email="ada@example.com", actor="cli")


def test_a_link_lets_its_person_choose_a_password_once(every_hub, ada):
    good = link(every_hub, ada)
    assert invited(every_hub, *good).id == ada
    with pytest.raises(Invalid):
        accept(every_hub, *good, password="short")
    assert accept(every_hub, *good, password=PASSWORD).id == ada
    with pytest.raises(Expired):
        accept(every_hub, *good, password=PASSWORD)


def test_of_many_who_use_a_link_at_once_one_is_let_in(every_hub, ada):
    good = link(every_hub, ada)

    def use(number):
        try:
            return accept(every_hub, *good, password=f"{PASSWORD} {number}").id
        except Expired:
            return None

    with ThreadPoolExecutor(6) as pool:
        assert sorted(pool.map(use, range(6)), key=bool) == [None] * 5 + [ada]


@pytest.mark.parametrize("change", [{"disabled": True}, {"role": "admin"}, {"password": PASSWORD}])
def test_what_changes_about_a_person_takes_the_link_back(every_hub, ada, change):
    good = link(every_hub, ada)
    change_user(every_hub, ada, actor="cli", **change)
    change_user(every_hub, ada, actor="cli", disabled=False)
    with pytest.raises(Expired):
        invited(every_hub, *good)


def test_to_be_logged_out_everywhere_takes_the_link_back(every_hub, ada):
    good = link(every_hub, ada)
    end_sessions(every_hub, ada, actor="cli")
    with pytest.raises(Expired):
        accept(every_hub, *good, password=PASSWORD)


def test_a_link_is_used_up_by_the_password_and_by_nothing_less(every_hub, ada, monkeypatch):
    good = link(every_hub, ada)
    with monkeypatch.context() as broken:
        broken.setattr(queries, "drop_sessions", None)
        with pytest.raises(TypeError):
            accept(every_hub, *good, password=PASSWORD)
    assert accept(every_hub, *good, password=PASSWORD).id == ada


def test_a_link_that_is_not_good_costs_no_hash(every_hub, ada, monkeypatch):
    user, seconds, _ = link(every_hub, ada)
    monkeypatch.setattr("hubbub.people.users._HASHER", None)
    with pytest.raises(Expired):
        accept(every_hub, user, seconds, "0" * 64, password=PASSWORD)


def test_a_newer_link_takes_the_older_back(every_hub, ada):
    older, newer = link(every_hub, ada), link(every_hub, ada)
    with pytest.raises(Expired):
        invited(every_hub, *older)
    assert invited(every_hub, *newer).id == ada


def test_links_that_are_made_up_or_somebody_elses_are_not_good(every_hub, ada):
    bob = add_invited(every_hub, email="bob@example.com", actor="cli")
    user, seconds, signature = link(every_hub, ada)
    link(every_hub, bob)
    later = seconds + int(timedelta(days=1).total_seconds())
    for wrong in ((bob, seconds, signature), (user, later, signature), (user, seconds, "0" * 64)):
        with pytest.raises(Expired):
            invited(every_hub, *wrong)
    with pytest.raises(NotFound):
        invite(every_hub, "0" * 26, actor="cli")
