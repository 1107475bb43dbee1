"""Conditions as a form means them are the conditions as the rules mean them."""

from datetime import UTC, datetime
from itertools import product
from typing import Any

from hypothesis import given, settings, strategies as st
from werkzeug.datastructures import MultiDict

from hubbub.route import read_message
from hubbub.route.rules import decide, read_route_set
from hubbub.ui.routing.conditions import read_group, read_when, shown_group, write_when

NOON = datetime(2026, 1, 5, 12, tzinfo=UTC)
LEAVES: tuple[dict[str, Any], ...] = (
    {"text": {"contains": ["a"]}},
    {"text": {"word": "b", "starts_with": ["b"]}},
    {"sender": {"equals": ["+1"]}, "content_type": ["text"]},
    {"first_message": True},
    {"first_message": False},
    {"time": {"days": ["mon"], "zone": "Europe/Berlin"}},
    {"time": {"from": "09:00", "to": "17:00", "zone": "UTC"}},
    {"command": ["start"]},
    {"choice": {"equals": ["x"]}},
)
WHENS = st.recursive(
    st.sampled_from(LEAVES),
    lambda inner: st.one_of(
        st.lists(inner, min_size=1, max_size=3).map(lambda parts: {"all": parts}),
        st.lists(inner, min_size=1, max_size=3).map(lambda parts: {"any": parts}),
        inner.map(lambda part: {"not": part}),
        st.tuples(inner, st.sampled_from(LEAVES)).map(lambda two: {"any": [two[0]], **two[1]}),
    ),
    max_leaves=5,
)
MESSAGES = [
    read_message(
        {
            "content": {"type": "text", "text": said},
            "sender": sender,
            "first_message": first,
            "at": f"2026-01-0{day}T{hour}:30:00Z",
        },
        now=NOON,
    )
    for said, sender, first, (day, hour) in product(
        ("a", "b", "/start", "z"), ("+1", "+2"), (True, False), ((5, 12), (6, 20))
    )
]


def taken(when):
    """Return which of the messages a rule takes."""
    routes = read_route_set(1, [{"name": "x", "when": when, "to": {"type": "inbox"}}])
    return [decide(routes, message).route_id is not None for message in MESSAGES]


def sent(group):
    """Return what a browser sends of a form that nobody touched."""
    form = MultiDict([(f"{group.name}.mode", group.mode)])
    for part in group.parts:
        if hasattr(part, "verbs"):
            form.add(f"{part.name}.kind", part.kind)
            form.add(f"{part.name}.not", "yes" if part.negated else "no")
            for field in part.fields:
                many = field.kind == "checks"
                for value in field.value.split() if many else [field.value]:
                    form.add(field.name, value)
        else:
            form.add(f"{part.name}.kind", "group")
            form.update(sent(part))
    return form


@settings(max_examples=150, deadline=None)
@given(WHENS)
def test_a_when_means_the_same_after_it_was_in_a_form(when):
    group = read_when(when)
    through = read_group({}, sent(shown_group({}, group, {})))

    assert taken(write_when(through)) == taken(write_when(group)) == taken(when)


@given(WHENS)
def test_a_when_that_a_form_wrote_is_written_alike_again(when):
    written = write_when(read_when(when))

    assert write_when(read_when(written)) == written
