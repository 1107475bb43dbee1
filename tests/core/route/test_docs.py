"""What docs/routing.md shows is what happens."""

import json
import re
from datetime import UTC, datetime
from pathlib import Path

import pytest

from hubbub.route import read_message
from hubbub.route.conditions import When
from hubbub.route.conflicts import find_conflicts
from hubbub.route.rules import decide, read_route_set
from hubbub.route.telling import sentence

DOC = (Path(__file__).parents[3] / "docs" / "routing.md").read_text(encoding="utf-8")
BLOCKS = [json.loads(block) for block in re.findall(r"```json\n(.*?)```", DOC, re.DOTALL)]
ROWS = re.findall(r"^\| (`\{.*`) \|", DOC, re.MULTILINE)
WHENS = [
    json.loads(code)
    for row in ROWS
    for code in re.findall(r"`(\{.*?\})`(?:, | \||$)", row + " |")
    if "..." not in code
]


def test_the_example_is_a_rule_set():
    body = BLOCKS[0]

    assert len(read_route_set(1, body["routes"], body["fallback"]).routes) == 2


@pytest.mark.parametrize("when", WHENS, ids=json.dumps)
def test_every_condition_shown_is_one(when):
    assert read_route_set(1, [{"name": "x", "when": when, "to": {"type": "inbox"}}])


def test_every_condition_is_shown():
    shown = {name for when in WHENS for name in when} | {"all", "any", "not"}
    texts = {name for when in WHENS for name in when.get("text", {})}

    assert shown == {field.alias or name for name, field in When.model_fields.items()}
    assert texts == {"contains", "equals", "starts_with", "word", "matches"}


def test_the_conflict_is_found_as_shown():
    whens = [{"text": {"contains": "price"}}, {"text": {"contains": "order"}}]
    routes = [
        {"name": "Rule", "when": when, "to": {"type": "inbox", "team": str(number)}}
        for number, when in enumerate(whens)
    ]

    assert [one.as_json() for one in find_conflicts(read_route_set(1, routes))] == [BLOCKS[1]]


def test_the_sentence_reads_as_shown():
    hours = {"days": ["mon"], "from": "09:00", "to": "17:00", "zone": "Europe/Berlin"}
    routes = [
        {"name": "Out of hours", "when": {"not": {"time": hours}}, "to": {"type": "keyword"}},
        {"name": "Sales", "when": {"text": {"contains": "price"}}, "to": {"type": "inbox"}},
    ]
    message = read_message(
        {"content": {"type": "text", "text": "What price?"}},
        now=datetime(2026, 1, 5, 12, tzinfo=UTC),
    )
    quoted = re.findall(r"^> (.*)$", DOC, re.MULTILINE)

    assert sentence(decide(read_route_set(1, routes), message)) == " ".join(quoted)
