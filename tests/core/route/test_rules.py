"""Rule sets: read, decide, explain."""

import json
import random
import timeit
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, strategies as st

from hubbub.route import read_message
from hubbub.route.rules import (
    Decision,
    Destination,
    Invalid,
    Subject,
    decide,
    read_route_set,
)
from hubbub.route.telling import sentence
from hubbub.sdk.content import Text

NOON = datetime(2026, 1, 5, 12, tzinfo=UTC)
SALES = {"type": "inbox", "team": "sales"}
BOT = {"type": "chatbot", "url": "https://bot.example/", "secret": "whsec_Zm9vYmFy"}
WEEKEND = {
    "time": {"days": ["sat", "sun"], "from": "09:00", "to": "17:00", "zone": "Europe/Berlin"}
}
ROUTES = [
    {"id": "a", "name": "Weekend", "when": WEEKEND, "to": BOT},
    {
        "name": "Human",
        "when": {"text": {"word": ["human", "agent"]}, "content_type": "text"},
        "to": SALES,
    },
    {"name": "Price", "when": {"text": {"contains": "price"}}, "to": BOT},
]


def say(text, **changes):
    values = {"address": "+15550100", "name": None, "first": False, "at": NOON, **changes}
    return Subject(content=Text(text=text), **values)


def test_the_first_rule_that_matches_decides():
    decision = decide(read_route_set(3, ROUTES, {"type": "inbox"}), say("a human price"))

    assert (decision.version, decision.route_id, decision.route_name) == (3, "rule-1", "Human")
    assert decision.destination == Destination("inbox", {"team": "sales"})
    assert not decision.fallback
    assert [rule.matched for rule in decision.considered] == [False, True]


def test_the_fallback_takes_what_no_rule_wants():
    decision = decide(read_route_set(3, ROUTES, SALES), say("hello"))

    assert decision.fallback
    assert decision.route_id is None
    assert decision.destination == Destination("inbox", {"team": "sales"})
    assert len(decision.considered) == 3


def test_a_new_channel_sends_everything_to_the_inbox():
    decision = decide(read_route_set(0, []), say("hello"))

    assert decision.destination == Destination("inbox")
    assert sentence(decision) == "Went to inbox because the channel has no rules."


def test_every_condition_of_a_considered_rule_is_kept_with_what_it_saw():
    human = decide(read_route_set(1, ROUTES), say("Hello")).considered[1]

    assert [one.held for one in human.conditions] == [False, True]
    assert [one.saw for one in human.conditions] == ["“Hello”", "text"]


def test_a_decision_survives_being_stored():
    decision = decide(read_route_set(1, ROUTES), say("the price, please"))
    stored = json.loads(json.dumps(decision.as_json()))
    again = Decision.from_json({**stored, "why": "added by a later step"})

    assert again.considered == decision.considered
    assert again.as_json() == decision.as_json()
    assert sentence(again) == sentence(decision)


def test_a_stored_decision_and_a_repr_hold_no_secret_of_the_destination():
    route_set = read_route_set(1, ROUTES)
    decision = decide(route_set, say("the price"))

    assert decision.destination.settings["secret"] == BOT["secret"]
    assert "Zm9vYmFy" not in json.dumps(decision.as_json())
    assert "Zm9vYmFy" not in repr(decision) + repr(route_set)


def test_the_sentence_names_the_winner_and_why_the_others_were_skipped():
    decision = decide(read_route_set(1, ROUTES), say("What price?"))

    assert sentence(decision, "Sales") == (
        "Went to Sales because rule 3 “Price” matched: the text contains “price” (saw “What price?”); "
        "rule 1 “Weekend” skipped: not so that the time is sat sun 09:00 to 17:00 in Europe/Berlin "
        "(saw mon 13:00 in Europe/Berlin); "
        "rule 2 “Human” skipped: not so that the text has the word “human” or “agent” (saw “What price?”)."
    )


def test_the_sentence_tells_of_the_fallback_and_of_rules_without_conditions():
    nothing = decide(read_route_set(1, ROUTES[2:]), say("x"))
    everything = decide(read_route_set(1, [{"name": "All", "to": SALES}]), say("x"))

    assert sentence(nothing) == (
        "Went to inbox, the fallback, because no rule matched: "
        "rule 1 “Price” skipped: not so that the text contains “price” (saw “x”)."
    )
    assert sentence(everything).endswith("rule 1 “All” matched: it takes every message.")


def test_a_rule_set_is_written_as_it_was_read_with_ids_added():
    route_set = read_route_set(1, ROUTES, SALES)

    assert route_set.as_json() == {
        "routes": [ROUTES[0], {"id": "rule-1", **ROUTES[1]}, {"id": "rule-2", **ROUTES[2]}],
        "fallback": SALES,
    }
    assert read_route_set(1, **_arguments(route_set.as_json())) == route_set


def _arguments(body):
    return {"routes_json": body["routes"], "fallback_json": body["fallback"]}


def test_a_new_rule_never_gets_the_id_of_an_old_one():
    rule = {"name": "x", "to": SALES}
    route_set = read_route_set(1, [{**rule, "id": "rule-2"}, rule, {**rule, "id": "rule-1"}, rule])

    assert [route.id for route in route_set.routes] == ["rule-2", "rule-3", "rule-1", "rule-4"]


@pytest.mark.parametrize(
    ("routes", "fallback", "field"),
    [
        ([{"to": SALES}], SALES, "routes.0.name"),
        ([{"name": "", "to": SALES}], SALES, "routes.0.name"),
        ([{"name": "x"}], SALES, "routes.0.to"),
        ([{"name": "x", "to": {}}], SALES, "routes.0.to.type"),
        ([{"name": "x", "to": SALES, "priority": 1}], SALES, "routes.0.priority"),
        ([{"name": "x", "to": SALES, "id": "a b"}], SALES, "routes.0.id"),
        ([{"name": "x", "to": SALES, "id": "a"}] * 2, SALES, "routes"),
        ([{"name": "x", "to": SALES, "when": []}], SALES, "routes.0.when"),
        ([{"name": "x", "to": SALES}] * 101, SALES, "routes"),
        ("x", SALES, "routes"),
        (["x"], SALES, "routes.0"),
        ([], {}, "fallback.type"),
        ([], "inbox", "fallback"),
    ],
)
def test_a_bad_rule_set_is_refused_with_the_field_and_a_sentence(routes, fallback, field):
    with pytest.raises(Invalid) as caught:
        read_route_set(1, routes, fallback)

    ((where, message),) = caught.value.errors
    assert where == field
    assert message
    assert field in str(caught.value)


def test_every_mistake_is_told_at_once():
    with pytest.raises(Invalid) as caught:
        read_route_set(1, [{"name": "", "to": {}}, {"when": {"oops": 1}}])

    assert [field for field, _ in caught.value.errors] == [
        "routes.0.name",
        "routes.0.to.type",
        "routes.1.name",
        "routes.1.when.oops",
        "routes.1.to",
    ]


def test_a_message_to_explain_is_read_with_defaults():
    message = read_message({"content": {"type": "text", "text": "Hi"}}, now=NOON)

    assert message == say("Hi", address="")


def test_a_message_to_explain_is_read_in_full():
    body = {
        "content": {"type": "location", "latitude": 1.5, "longitude": 2},
        "sender": "+1",
        "at": "2026-01-02T03:04:05Z",
        "first_message": True,
    }
    message = read_message(body, now=NOON)

    assert (message.kind, message.address, message.first) == ("location", "+1", True)
    assert message.at == datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "content"),
        ({"content": {}}, "content"),
        ({"content": {"type": "oops"}}, "content"),
        ({"content": {"type": "text"}}, "content.text"),
        ({"content": {"type": "text", "text": "x", "oops": 1}}, "content.oops"),
        ({"content": {"type": "text", "text": "x"}, "at": "2026-01-02T03:04:05"}, "at"),
        ({"content": {"type": "text", "text": "x"}, "senders": ""}, "senders"),
    ],
)
def test_a_bad_message_to_explain_is_refused_with_its_field(body, field):
    with pytest.raises(Invalid) as caught:
        read_message(body, now=NOON)

    assert [where for where, _ in caught.value.errors] == [field]


WHENS = st.recursive(
    st.sampled_from(
        [
            {"text": {"contains": "a"}},
            {"text": {"word": ["b", "a b"]}},
            {"text": {"starts_with": "b"}},
            {"text": {"matches": "a.?b"}},
            {"content_type": ["image"]},
            {"first_message": True},
            {"sender": {"starts_with": "+4"}},
            WEEKEND,
        ]
    ),
    lambda inner: st.one_of(
        st.lists(inner, min_size=1, max_size=3).map(lambda parts: {"all": parts}),
        st.lists(inner, min_size=1, max_size=3).map(lambda parts: {"any": parts}),
        inner.map(lambda part: {"not": part}),
    ),
    max_leaves=5,
)
MESSAGES = st.builds(
    say,
    st.text(alphabet="ab ", max_size=6),
    first=st.booleans(),
    address=st.sampled_from(["+49", "+1"]),
    at=st.integers(0, 366 * 24).map(lambda hours: NOON + timedelta(hours=hours)),
)


@given(st.lists(WHENS, max_size=4), MESSAGES)
def test_deciding_again_gives_the_stored_decision(whens, message):
    routes = [{"name": "r", "when": when, "to": {"type": "inbox"}} for when in whens]
    stored = decide(read_route_set(7, routes), message).as_json()
    written = json.loads(json.dumps(routes))

    assert decide(read_route_set(7, written), message).as_json() == stored


@given(WHENS, MESSAGES)
def test_a_negation_is_the_opposite(when, message):
    def holds(condition):
        routes = [{"name": "r", "when": condition, "to": {"type": "inbox"}}]
        return decide(read_route_set(1, routes), message).route_id is not None

    assert holds({"not": when}) is not holds(when)


def test_deciding_is_fast_enough_for_the_hot_path():
    route_set = read_route_set(1, ROUTES)
    words = random.Random(1).choices(["please", "tell", "me", "about", "shipping"], k=8)

    def once():
        decide(route_set, say(" ".join(words)))

    # About 15 us on an idle core; the bound only catches a change of kind.
    assert min(timeit.repeat(once, number=200, repeat=10)) / 200 < 150e-6
