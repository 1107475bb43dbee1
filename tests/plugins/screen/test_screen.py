"""The lists of an operator: what they keep out, and what they keep in."""

import re
import tomllib
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from hubbub.sdk import (
    Attachment,
    Choice,
    Choices,
    Drop,
    Email,
    Hold,
    Incoming,
    Location,
    Media,
    Option,
    Outgoing,
    Quarantine,
    Refuse,
    Text,
)
from hubbub_screen import Screen, ScreenOptions
from tests.services.world import make_world

DOC = (Path(__file__).parents[3] / "docs" / "screening.md").read_text(encoding="utf-8")
NOW = datetime(2026, 1, 2, tzinfo=UTC)
COMMON: dict[str, Any] = {
    "channel_id": "1",
    "channel_type": "parrot",
    "channel_name": "Perch",
    "now": NOW,
}


def screen(**lists):
    return Screen(ScreenOptions(**lists))


def coming_in(content, address="+15550100"):
    content = Text(text=content) if isinstance(content, str) else content
    return Incoming(**COMMON, address=address, name=None, content=content)


def going_out(text, address="+15550100", author="api:1"):
    content = Text(text=text)
    return Outgoing(**COMMON, conversation_id="2", address=address, content=content, author=author)


@pytest.mark.parametrize(
    ("blocked", "address", "kept_out"),
    [
        ("+19005550100", "+19005550100", True),
        ("+19005550100", "+190055501001", False),
        ("+1900*", "+19005550100", True),
        ("+1900*", "+15550100", False),
        ("Spam@Example.org", "spam@example.ORG", True),
    ],
)
def test_an_address_is_blocked_both_ways(blocked, address, kept_out):
    lists = screen(block=[blocked])
    reason = f"The address {address} is blocked."
    found = lists.screen_inbound(coming_in("Hi", address))
    assert found == (Drop(reason=reason) if kept_out else None)
    sent = lists.screen_outbound(going_out("Hi", address))
    assert sent == (Refuse(reason=reason) if kept_out else None)


@pytest.mark.parametrize(
    ("content", "found"),
    [
        ("FREE   money now!", "free money"),
        ("freedom money", ""),
        ("The word is crypto.", "crypto"),
        ("cryptography", ""),
        (Choice(id="1", title="Crypto"), "crypto"),
        (Choices(text="?", options=(Option(id="1", title="crypto"),)), "crypto"),
        (Attachment(type="image", media=Media(), caption="crypto"), "crypto"),
        (Attachment(type="image", media=Media()), ""),
        (Email(subject="crypto", text="Hi"), "crypto"),
        (Location(latitude=0, longitude=0), ""),
    ],
)
def test_a_message_with_suspect_words_is_set_aside(content, found):
    verdict = screen(quarantine=["Free money", "crypto"]).screen_inbound(coming_in(content))
    assert verdict == (Quarantine(reason=f"It says “{found}”.") if found else None)


@pytest.mark.parametrize(
    ("author", "hold_people", "held"),
    [
        ("api:1", False, True),
        ("bot:keyword", False, True),
        ("user:1", False, False),
        ("user:1", True, True),
    ],
)
def test_confidential_words_wait_for_a_person(author, hold_people, held):
    lists = screen(hold=["internal only"], hold_people=hold_people)
    verdict = lists.screen_outbound(going_out("Internal only: no.", author=author))
    assert verdict == (Hold(reason="It says “internal only”.") if held else None)


def test_empty_lists_keep_nothing():
    assert screen().screen_inbound(coming_in("anything")) is None
    assert screen().screen_outbound(going_out("anything")) is None


@pytest.mark.parametrize(
    ("lists", "told"),
    [
        ({"block": ["*"]}, "It would block everybody"),
        ({"block": [""]}, "It would block everybody"),
        ({"block": ["+1*00"]}, "A * may only stand at the end"),
        ({"hold": [" "]}, "It is empty and would fit every message"),
        ({"quarantine": "crypto"}, "valid tuple"),
        ({"blok": []}, "Extra inputs"),
    ],
)
def test_a_list_that_means_something_else_than_it_says_is_refused(lists, told):
    with pytest.raises(ValidationError, match=re.escape(told)):
        screen(**lists)


def test_the_example_of_the_docs_is_one():
    (example,) = re.findall(r"```toml\n(.*?)```", DOC, re.DOTALL)
    given = tomllib.loads(example)["plugins"]["screen"]
    del given["enabled"]
    assert ScreenOptions(**given).block == ("+1900*", "spam@example.org")
    shown = re.findall(r"^\| `(\w+)` \|", DOC, re.MULTILINE)
    assert shown == list(ScreenOptions.model_fields)


def test_the_hub_loads_it_with_its_lists(settings, engine, fake_redis, tmp_path):
    sections = '[plugins.screen]\nblock = ["+666*"]'
    world = make_world(settings, engine, fake_redis, tmp_path, sections=sections)
    world.hear(world.channel(), {"from": "+6661", "text": "Hi"}, {"from": "+1", "text": "Hi"})
    assert world.one("SELECT address FROM addresses") == {"address": "+1"}
