"""Drafts of routes: whatever is done to them can be undone, and nothing of it is in force."""

import pytest
from hypothesis import given, strategies as st

from hubbub.connect.route_drafts import Draft, change_draft, draft_of, save_draft
from hubbub.connect.routes import WantedRoutes, current_routes, save_routes
from hubbub.people.errors import Conflict, NotFound
from hubbub.people.rules import Person
from hubbub.people.users import add_user

RULES = tuple(
    {"id": name, "name": name.upper(), "when": {"text": {"word": name}}, "to": {"type": "inbox"}}
    for name in "abc"
)
BEGUN = Draft(base=1, rules=RULES, fallback={"type": "inbox"})
PLACES = st.integers(-3, 5)
NAMES = st.sampled_from("abc")
CHANGES = st.one_of(
    st.builds(lambda name, place: lambda draft: draft.moved(name, place), NAMES, PLACES),
    st.builds(lambda name: lambda draft: draft.switched(name), NAMES),
    st.builds(lambda name: lambda draft: draft.edited({**draft.rule(name), "name": "x"}), NAMES),
    st.builds(lambda team: lambda draft: draft.with_fallback({"type": "inbox", "t": team}), NAMES),
)


def order(draft):
    return "".join(rule["id"] for rule in draft.rules)


@pytest.mark.parametrize(
    ("name", "place", "expected"),
    [("a", 1, "bac"), ("a", 2, "bca"), ("a", 9, "bca"), ("c", 0, "cab"), ("c", -1, "cab")],
)
def test_a_rule_is_moved_to_a_place(name, place, expected):
    assert order(BEGUN.moved(name, place)) == expected


def test_a_move_to_where_it_stands_is_no_change():
    assert BEGUN.moved("a", -1) == BEGUN


def test_a_copy_stands_behind_its_rule():
    copied = BEGUN.copied("a", new="x")
    assert order(copied) == "axbc"
    assert copied.rule("x")["name"] == "A (copy)"
    assert order(copied.removed("a")) == "xbc"


def test_there_is_no_room_for_the_101st_rule():
    draft = BEGUN.rewritten([{**RULES[0], "id": str(n)} for n in range(100)], BEGUN.fallback)
    with pytest.raises(Conflict, match="at most 100"):
        draft.copied("1", new="x")


def test_what_is_not_there_is_not_found():
    with pytest.raises(NotFound):
        BEGUN.removed("x")


def test_edits_of_one_rule_in_a_row_are_undone_together():
    draft = BEGUN
    for name in ("N", "Ne", "New"):
        draft = draft.edited({**draft.rule("a"), "name": name})
    assert [step.did for step in draft.past] == ["edit “New”"]
    assert draft.undone().rules == RULES


@given(st.lists(CHANGES, max_size=12))
def test_undo_leads_back_to_the_beginning(changes):
    draft = BEGUN
    for change in changes:
        draft = change(draft)
    for _ in draft.past:
        draft = draft.undone()
    assert draft == draft.undone() == BEGUN


@pytest.fixture
def person(every_hub):
    email = "ada@example.org"
    user_id = add_user(every_hub, email=email, password="long enough", role="admin", actor="cli")
    return Person(id=user_id, email=email, name="", role="admin", created_at=every_hub.now())


def save(hub, channel_id, *rules):
    save_routes(hub, channel_id, WantedRoutes(routes=rules), actor="cli")


def test_a_draft_is_saved_as_the_next_version_and_gone(every_hub, add_channel, person):
    channel_id = add_channel(every_hub)
    save(every_hub, channel_id, *RULES)
    change_draft(every_hub, channel_id, person, lambda draft: draft.moved("c", 0))
    assert order(draft_of(every_hub, channel_id, person)) == "cab"
    assert save_draft(every_hub, channel_id, person, accepted=()).version == 3
    assert draft_of(every_hub, channel_id, person).changed_at is None
    assert [route.id for route in current_routes(every_hub, channel_id).routes] == list("cab")


def test_a_draft_that_was_overtaken_is_refused_and_kept(every_hub, add_channel, person):
    channel_id = add_channel(every_hub)
    change_draft(every_hub, channel_id, person, lambda draft: draft.added(RULES[0]))
    save(every_hub, channel_id, RULES[1])
    with pytest.raises(Conflict) as refused:
        save_draft(every_hub, channel_id, person, accepted=())
    assert refused.value.code == "version_conflict"
    assert order(draft_of(every_hub, channel_id, person)) == "a"
    change_draft(every_hub, channel_id, person, lambda draft: draft.rebased(2))
    assert save_draft(every_hub, channel_id, person, accepted=()).version == 3


def test_what_fails_changes_nothing(every_hub, add_channel, person):
    channel_id = add_channel(every_hub)
    with pytest.raises(NotFound):
        change_draft(every_hub, channel_id, person, lambda draft: draft.removed("x"))
    assert draft_of(every_hub, channel_id, person).changed_at is None


def test_what_is_changed_while_the_draft_is_saved_is_kept(
    every_hub, add_channel, person, monkeypatch
):
    channel_id = add_channel(every_hub)
    change_draft(every_hub, channel_id, person, lambda draft: draft.added(RULES[0]))

    def beside(*asked, **more):
        saved = save_routes(*asked, **more)
        change_draft(every_hub, channel_id, person, lambda draft: draft.added(RULES[1]))
        return saved

    monkeypatch.setattr("hubbub.connect.route_drafts.save_routes", beside)
    save_draft(every_hub, channel_id, person, accepted=())
    monkeypatch.undo()
    draft = draft_of(every_hub, channel_id, person)
    assert (order(draft), draft.base) == ("ab", 2)
    assert save_draft(every_hub, channel_id, person, accepted=()).version == 3


def test_a_change_that_waited_for_a_save_goes_on_from_what_is_in_force_then(
    every_hub, add_channel, person, monkeypatch
):
    channel_id = add_channel(every_hub)
    change_draft(every_hub, channel_id, person, lambda draft: draft.added(RULES[0]))

    def late(hub, channel_id):
        before = current_routes(hub, channel_id)
        monkeypatch.undo()
        save_draft(hub, channel_id, person, accepted=())
        return before

    monkeypatch.setattr("hubbub.connect.route_drafts.current_routes", late)
    draft = change_draft(every_hub, channel_id, person, lambda draft: draft.added(RULES[1]))
    assert (order(draft), draft.base) == ("ab", 2)
