"""Versions of rules are compared in sentences that say all that differs, and no secret."""

import pytest
from hypothesis import given, strategies as st

from hubbub.route.rules import read_route_set
from hubbub.route.telling import changes

INBOX = {"type": "inbox"}
BOT = {"type": "bot", "url": "https://bot.example", "secret": "hush"}
A, B, C, D = (
    {"id": name, "name": name.upper(), "when": {"text": {"word": name}}, "to": INBOX}
    for name in "abcd"
)


def differ(before, after, fallback=INBOX):
    old, new = read_route_set(1, before, INBOX), read_route_set(2, after, fallback)
    return list(changes(old, new, lambda to: to.type.capitalize()))


@pytest.mark.parametrize(
    ("before", "after", "said"),
    [
        ([A], [A], []),
        ([A], [], ["Removed rule 1 “A”: If the text has the word “a”, then to Inbox."]),
        ([], [{**A, "when": {}}], ["Added rule 1 “A”: Every message goes to Inbox."]),
        ([A], [{**A, "name": "New"}], ["“A” is now called “New”."]),
        ([A], [{**A, "enabled": False}], ["“A” was switched off."]),
        ([{**A, "enabled": False}], [A], ["“A” was switched on."]),
        ([A], [{**A, "to": BOT}], ["“A” now goes to Bot, no longer to Inbox."]),
        (
            [{**A, "to": BOT}],
            [{**A, "to": {**BOT, "secret": "other", "wait_seconds": 3}}],
            ["“A” goes to Bot with other settings: secret, wait seconds."],
        ),
        (
            [A],
            [{**A, "when": {}}],
            ["“A” now asks: Every message. Before: If the text has the word “a”."],
        ),
        # The same said in other words is no change.
        ([A], [{**A, "when": {"all": [A["when"]]}}], []),
        ([A, B, C], [C, A, B], ["“C” moved from place 3 to 1."]),
        ([A, B, C], [B, C, A], ["“A” moved from place 1 to 3."]),
        (
            [A, B],
            [D, B],
            [
                "Removed rule 1 “A”: If the text has the word “a”, then to Inbox.",
                "Added rule 1 “D”: If the text has the word “d”, then to Inbox.",
            ],
        ),
    ],
)
def test_a_change_reads_as_a_sentence(before, after, said):
    assert differ(before, after) == said


def test_another_fallback_is_told():
    assert differ([A], [A], BOT) == ["Everything else now goes to Bot, no longer to Inbox."]


@given(st.permutations("abcd"))
def test_no_more_rules_are_said_to_move_than_did(order):
    rules = {rule["id"]: rule for rule in (A, B, C, D)}
    moved = {one[1] for one in differ([A, B, C, D], [rules[name] for name in order])}
    left = [name for name in order if name.upper() not in moved]

    assert left == sorted(left)
    # One rule that is put elsewhere is told as one.
    assert len(moved) < len(order)
