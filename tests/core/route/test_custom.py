"""Conditions that plugins offer: asked like others, and harmless when they fail."""

from datetime import UTC, datetime

import pytest

from hubbub.connect.routes import WantedRoutes, current_routes, save_routes
from hubbub.people.errors import Invalid
from hubbub.route import Subject
from hubbub.route.conflicts import find_conflicts
from hubbub.route.rules import decide, read_route_set
from hubbub.route.telling import sentence
from hubbub.sdk import Text
from tests.services.guest import Length

KINDS = {"length": Length()}
LONG = {"plugin": {"length": {"above": 5}}}
BROKEN = {"plugin": {"length": {"above": 666}}}


def subject(text):
    return Subject(
        content=Text(text=text),
        address="+1",
        name=None,
        first=False,
        at=datetime(2026, 1, 5, 12, tzinfo=UTC),
    )


def rules(*whens, kinds=None):
    routes = [
        {"name": f"Rule {number}", "when": when, "to": {"type": "inbox", "team": str(number)}}
        for number, when in enumerate(whens, start=1)
    ]
    return read_route_set(1, routes, kinds=KINDS if kinds is None else kinds)


def winner(text, *whens, **more):
    return decide(rules(*whens, **more), subject(text)).route_id


def conflicts(*whens):
    return [(one.kind, one.routes) for one in find_conflicts(rules(*whens))]


@pytest.mark.parametrize(
    ("when", "text", "matches"),
    [
        (LONG, "Hello there", True),
        (LONG, "Hello", False),
        ({"not": LONG}, "Hello", True),
        ({"any": [LONG, {"text": {"equals": "hi"}}]}, "Hi", True),
        (LONG | {"text": {"contains": "you"}}, "Hello there", False),
    ],
)
def test_a_condition_of_a_plugin_is_one_among_others(when, text, matches):
    assert (winner(text, when) == "rule-1") is matches


def test_the_explanation_says_what_was_asked():
    decision = decide(rules({"not": LONG}, LONG), subject("Hello there"))
    assert sentence(decision) == (
        "Went to inbox because rule 2 “Rule 2” matched: length is above 5 (saw “Hello there”); "
        "rule 1 “Rule 1” skipped: not so that not so that length is above 5 (saw “Hello there”)."
    )


@pytest.mark.parametrize("when", [BROKEN, {"not": BROKEN}, {"any": [BROKEN, LONG]}])
def test_a_rule_whose_condition_fails_does_not_match_and_the_decision_says_so(when):
    decision = decide(rules(when, {}), subject("Hello there"))
    assert decision.route_id == "rule-2"
    (looked,) = decision.considered[0].conditions
    assert (looked.held, looked.saw) == (False, "The condition failed: RuntimeError.")


@pytest.mark.parametrize("when", [LONG, {"not": LONG}])
def test_a_rule_whose_plugin_is_gone_does_not_match(when):
    decision = decide(rules(when, {}, kinds={}), subject("Hello there"))
    assert decision.route_id == "rule-2"
    (looked,) = decision.considered[0].conditions
    assert looked.saw == "No loaded plugin offers the condition 'length'."


@pytest.mark.parametrize(
    ("whens", "found"),
    [
        ((LONG, LONG), [("duplicate", ("rule-1", "rule-2"))]),
        ((LONG, LONG | {"text": {"contains": "you"}}), [("shadowed", ("rule-1", "rule-2"))]),
        ((LONG, {"not": LONG}, {}), [("unreachable", ("rule-1", "rule-2", "rule-3"))]),
        (({"all": [LONG, {"not": LONG}]},), [("unreachable", ("rule-1",))]),
        (({"not": LONG}, {"text": {"contains": "you"}}), [("overlap", ("rule-1", "rule-2"))]),
        # Another setting is another condition: what one has to do with the other only it knows.
        ((LONG, {"plugin": {"length": {"above": 9}}}), []),
    ],
)
def test_rules_are_compared_by_what_is_certain_whatever_the_plugin_says(whens, found):
    assert conflicts(*whens) == found


def test_an_example_is_one_on_which_the_plugin_was_asked():
    (conflict,) = find_conflicts(rules({"not": LONG}, {"text": {"contains": "you"}}))
    assert len(conflict.example["content"]["text"]) <= 5


def test_a_condition_that_fails_shows_nothing():
    assert conflicts(BROKEN, {"text": {"contains": "you"}}) == []


@pytest.mark.parametrize(
    ("condition", "complaint"),
    [
        ({"height": {}}, "No loaded plugin offers the condition 'height'."),
        ({"length": {}}, "length.above: It is missing."),
        ({"length": {"above": "much"}}, "length.above: Input should be a valid integer"),
        ({}, "Name conditions of plugins"),
        ("length", "Name conditions of plugins"),
    ],
)
def test_what_cannot_be_asked_is_refused_on_saving(invite, condition, complaint):
    world = invite("[plugins.guest]")
    line = world.channel()
    rule = {"name": "x", "when": {"not": {"plugin": condition}}, "to": {"type": "inbox"}}
    with pytest.raises(Invalid) as invalid:
        save_routes(world.hub, line.id, WantedRoutes(routes=[rule]), actor="cli")
    (found,) = invalid.value.complaints
    assert found.field.startswith("routes.0.when")
    assert found.message.startswith(complaint)


def test_messages_are_routed_by_it(invite):
    world = invite("[plugins.guest]")
    line = world.channel()
    bot = {"type": "keyword", "otherwise": "That is long."}
    wanted = WantedRoutes(routes=[{"name": "Long", "when": LONG, "to": bot}])
    save_routes(world.hub, line.id, wanted, actor="cli")
    assert current_routes(world.hub, line.id).routes[0].when == LONG
    world.hear(line, {"from": "+1", "text": "Hello"}, {"from": "+2", "text": "Hello there"})
    assert world.provider.said == ["That is long."]
