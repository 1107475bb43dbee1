"""Conflicts between rules, judged by brute force over a small world."""

import itertools
import re
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given, settings, strategies as st

from hubbub.route import read_message
from hubbub.route.conflicts import find_conflicts
from hubbub.route.rules import decide, read_route_set

NOW = datetime(2026, 1, 5, 12, tzinfo=UTC)


def rules(*whens, teams=None):
    teams = teams or range(len(whens))
    return [
        {"id": f"r{number}", "name": "Rule", "when": when, "to": {"type": "inbox", "team": team}}
        for number, (when, team) in enumerate(zip(whens, teams, strict=True))
    ]


def matching(routes, example):
    message = read_message(example, now=NOW)
    return {
        rule["id"]
        for rule in routes
        if decide(read_route_set(1, [rule]), message).route_id is not None
    }


def conflicts_of(routes):
    """Return the conflicts as pairs, once every example was seen to match."""
    conflicts = find_conflicts(read_route_set(1, routes))
    for conflict in conflicts:
        if conflict.example:
            matched = matching(routes, conflict.example) & set(conflict.routes)
            assert conflict.routes[-1] in matched
            assert len(matched) == len(conflict.routes) or (
                conflict.kind == "unreachable" and len(matched) > 1
            )
    return [(conflict.kind, conflict.routes) for conflict in conflicts]


def text(**test):
    return {"text": test}


def time(**test):
    return {"time": {"zone": "Europe/Berlin", **test}}


OVERLAP = [("overlap", ("r0", "r1"))]
SHADOWED = [("shadowed", ("r0", "r1"))]
DUPLICATE = [("duplicate", ("r0", "r1"))]
DAY = time(**{"from": "09:00", "to": "17:00"})
NIGHT = time(**{"from": "17:00", "to": "09:00"})


@pytest.mark.parametrize(
    ("first", "second", "expected"),
    [
        (text(contains="price"), text(contains="order"), OVERLAP),
        (text(contains="price"), {"content_type": "image"}, OVERLAP),
        (text(contains="price"), {"sender": {"starts_with": "+49"}}, OVERLAP),
        (text(contains="price"), {"first_message": True}, OVERLAP),
        (text(contains="price"), DAY, OVERLAP),
        (text(contains="price"), {"choice": {"equals": "yes"}}, OVERLAP),
        (text(starts_with="hi"), text(starts_with="ho"), []),
        (text(equals="hi"), text(equals="ho"), []),
        (text(equals="hi"), text(word="hi"), []),
        (text(word="hi"), text(contains="hi"), []),
        (text(contains="x"), {}, []),
        ({}, text(contains="x"), SHADOWED),
        (text(contains="hi"), text(word="hi"), SHADOWED),
        (text(contains="price"), text(contains="price list"), SHADOWED),
        (text(contains=["a", "b"]), text(equals="cab"), SHADOWED),
        (text(word="new york"), text(equals="to new york!"), SHADOWED),
        (text(contains="hi"), text(contains="HI"), DUPLICATE),
        (text(contains=["a", "b"]), {"any": [text(contains="b"), text(contains="a")]}, DUPLICATE),
        (text(contains=["ab", "b"]), text(contains="b"), DUPLICATE),
        ({"not": {"not": DAY}}, DAY, DUPLICATE),
        (NIGHT, {"not": DAY}, DUPLICATE),
        (DAY, NIGHT, []),
        (time(days=["sat", "sun"]), time(days=["mon"]), []),
        (time(days=["sat", "sun"]), time(days="sun", **{"from": "10:00", "to": "12:00"}), SHADOWED),
        (time(days="fri", **{"from": "22:00", "to": "06:00"}), time(days="sat"), OVERLAP),
        # The clocks of Berlin and New York differ by five hours only while one is on summer time.
        (
            time(**{"from": "11:00", "to": "11:30"}),
            time(zone="America/New_York", **{"from": "06:00", "to": "06:30"}),
            OVERLAP,
        ),
        (
            time(**{"from": "11:00", "to": "11:30"}),
            time(zone="America/New_York", **{"from": "07:00", "to": "07:30"}),
            [],
        ),
        ({"content_type": ["image", "video"]}, {"content_type": "image"}, SHADOWED),
        ({"content_type": "image"}, {"content_type": ["image", "video"]}, []),
        ({"content_type": "image"}, {"content_type": "text"}, []),
        ({"content_type": "location"}, text(contains="x"), []),
        ({"content_type": "text"}, {"choice": {"equals": "a"}}, []),
        ({"choice": {"equals": "a"}}, {"choice": {"equals": "b"}}, []),
        ({"content_type": "choice"}, {"choice": {"equals": "b"}}, SHADOWED),
        ({"sender": {"starts_with": "+4"}}, {"sender": {"equals": "+49"}}, SHADOWED),
        ({"sender": {"starts_with": "+4"}}, {"sender": {"starts_with": "+1"}}, []),
        ({"command": "help"}, text(starts_with="/help"), []),
        (text(starts_with="/help"), {"command": "help"}, SHADOWED),
        # An opened chat counts as /start, but has no words.
        (text(starts_with="/start"), {"command": "start"}, OVERLAP),
        ({"command": "start"}, text(starts_with="/start@bot"), SHADOWED),
        ({"command": "start"}, text(starts_with="/start@"), SHADOWED),
        (text(starts_with="/start@"), {"command": "start"}, []),
        ({"command": "start"}, {"command": "help"}, []),
        ({"command": "start"}, {"content_type": "system"}, OVERLAP),
        ({"content_type": "system"}, {"command": "help"}, []),
        ({"content_type": "system"}, {"command": "start", **text(contains="x")}, []),
        ({"content_type": "system"}, {"command": "start", "not": text(word="start")}, SHADOWED),
        ({"command": "start"}, text(starts_with="/started"), []),
        (text(matches="pri[ck]e"), text(contains="order"), OVERLAP),
        (text(matches=r"(?:order|invoice)\s+#?\d{4}"), text(word="agent"), OVERLAP),
        (text(matches="^a.*z$"), text(matches="^b"), []),
        (text(matches="ab"), text(matches="ab"), DUPLICATE),
        (text(matches="ab"), {**text(matches="ab"), "content_type": "text"}, SHADOWED),
        (text(matches="a|b"), {"content_type": "location"}, []),
        # True, but nobody can prove it of patterns: no claim is made.
        (text(matches="a*"), text(matches="b*", contains="x"), OVERLAP),
    ],
)
def test_two_rules_with_different_destinations(first, second, expected):
    assert conflicts_of(rules(first, second)) == expected


def test_rules_to_the_same_destination_do_not_overlap():
    assert not conflicts_of(rules(text(contains="a"), text(contains="b"), teams="xx"))


def test_rules_to_the_same_destination_can_still_be_superfluous():
    assert conflicts_of(rules(text(contains="a"), text(word="a"), teams="xx")) == SHADOWED


@pytest.mark.parametrize(
    "never",
    [
        {**text(contains="a"), "not": text(contains="a")},
        {**text(contains="ab"), "not": text(contains="a")},
        text(equals="hello", contains="x"),
        {**text(contains="a"), "content_type": "location"},
        {**text(matches="."), "content_type": "location"},
        {"all": [time(days="mon"), time(days="tue")]},
        {"all": [{"first_message": True}, {"first_message": False}]},
        {"all": [{"choice": {"equals": "a"}}, {"choice": {"equals": "b"}}]},
        {"all": [{"content_type": "text"}, {"content_type": "image"}]},
        {"sender": {"equals": "+1", "starts_with": "+4"}},
    ],
)
def test_a_rule_that_can_match_nothing_is_unreachable(never):
    (conflict,) = find_conflicts(read_route_set(1, rules(never)))

    assert conflict.as_json() == {"kind": "unreachable", "routes": ["r0"], "example": {}}


def test_a_rule_that_earlier_ones_cover_together_is_unreachable():
    assert conflicts_of(rules(DAY, NIGHT, text(contains="x"))) == [
        ("unreachable", ("r0", "r1", "r2"))
    ]


def test_only_the_rules_that_take_something_are_named():
    found = conflicts_of(
        rules(
            {"content_type": "location"},
            {"content_type": "image"},
            {"not": {"content_type": "image"}},
            {"content_type": ["image", "video"]},
            teams="xyzz",
        )
    )

    assert ("unreachable", ("r1", "r2", "r3")) in found


def test_an_example_is_what_explain_takes():
    (conflict,) = find_conflicts(
        read_route_set(1, rules({**text(contains="price"), "first_message": True}, DAY))
    )

    assert conflict.as_json()["example"] == {
        "content": {"type": "text", "text": "price"},
        "at": "2026-01-05T12:00:00Z",
        "first_message": True,
    }


def test_an_example_names_a_sender_where_a_rule_asks_for_one():
    asked = {**text(contains="price"), "sender": {"starts_with": "+49"}}
    (conflict,) = find_conflicts(read_route_set(1, rules(asked, DAY)))

    assert conflict.example["sender"] == "+495550100"


def test_questions_that_are_too_hard_invent_no_conflict():
    pairs = [
        {
            "any": [
                text(contains=f"a{n}b", matches=f"^x{n}$"),
                text(contains=f"c{n}d", matches="^y$"),
            ]
        }
        for n in range(15)
    ]

    assert not conflicts_of(rules({"all": pairs}, teams="x"))


# --- the oracle ------------------------------------------------------------------------------

LETTERS = "abz "
PIECES = ("zaz", "zbz", "zabz", "za bz", "a", "ab", "a b")
HEADS = ("z", "az", "abz", "bz", "/start", "/start z", "/startz")
ZONE = {"zone": "Europe/Berlin"}


def every_text():
    """Yield all short texts, and longer ones that hold several pieces."""
    for length in range(7):
        for letters in itertools.product(LETTERS, repeat=length):
            candidate = "".join(letters)
            if candidate == " ".join(candidate.split()):
                yield from (candidate, "/" + candidate)
    for head in HEADS:
        for size in range(len(PIECES) + 1):
            for pieces in itertools.combinations(PIECES, size):
                yield ".".join([head, *pieces])


# Each condition with what it means, told in other words than the product's.
TEXTS = [
    (text(contains="a"), lambda s: "a" in s),
    (text(contains="ab"), lambda s: "ab" in s),
    (text(contains=["b", "ab"]), lambda s: "b" in s),
    (text(contains="a b"), lambda s: s.count("a b") > 0),
    (text(equals="ab"), lambda s: s == "ab"),
    (text(equals=["a", "b"]), lambda s: len(s) == 1 and s in "ab"),
    (text(starts_with="a"), lambda s: s[:1] == "a"),
    (text(starts_with="ab"), lambda s: s[:2] == "ab"),
    (text(word="a"), lambda s: "a" in re.split("[ ./]", s)),
    (text(word="ab"), lambda s: "ab" in re.split("[ ./]", s)),
    (
        text(word="a b"),
        lambda s: re.search("(^|[ ./])a b($|[ ./])", s) is not None,
    ),
    ({"command": "start"}, lambda s: re.split("[ @]", s)[0] == "/start"),
]
SENDERS = [
    ({"sender": {"starts_with": "+4"}}, lambda s: s.startswith("+4")),
    ({"sender": {"equals": "+49"}}, lambda s: s == "+49"),
]
# Moments are hours since Monday, midnight in Berlin.
TIMES = [
    (time(days="mon"), lambda h: h < 24),
    (time(**{"from": "09:00", "to": "17:00"}), lambda h: 9 <= h % 24 < 17),
    (time(**{"from": "17:00", "to": "09:00"}), lambda h: not 9 <= h % 24 < 17),
    (
        time(days=["sun"], **{"from": "22:00", "to": "02:00"}),
        lambda h: h in {6 * 24 + 22, 6 * 24 + 23, 0, 1},
    ),
]
KINDS = [
    ({"content_type": "system"}, lambda k: k in {"opened", "joined"}),
    ({"content_type": "text"}, lambda k: k == "text"),
    ({"content_type": ["image", "location"]}, lambda k: k in {"image", "location"}),
    ({"choice": {"equals": "x"}}, lambda k: k == "choice x"),
    ({"choice": {"equals": ["x", "y"]}}, lambda k: k in {"choice x", "choice y"}),
]
FIRST = [({"first_message": True}, lambda f: f), ({"first_message": False}, lambda f: not f)]


def distinct(tests, values):
    """Return one value for each way in which ``tests`` can turn out."""
    return list({tuple(bool(test(value)) for _, test in tests): value for value in values}.values())


class World:
    """All messages of a small world; a set of them is an integer with a bit for each."""

    def __init__(self):
        texts = distinct(TEXTS, every_text())
        worded = ("text", "image", "video", "choice x", "choice y", "choice z")
        bodies = [
            *itertools.product(worded, texts),
            *((kind, None) for kind in ("image", "video", "location", "order", "joined")),
            ("opened", None),
        ]
        addresses = distinct(SENDERS, ["+49", "+491", "+1"])
        hours = distinct(TIMES, range(7 * 24))
        messages = list(itertools.product(bodies, addresses, hours, (True, False)))
        self.all = (1 << len(messages)) - 1
        self.sets = {}
        looks = (
            (TEXTS, lambda m: m[0][1]),
            (KINDS, lambda m: m[0][0]),
            (SENDERS, lambda m: m[1]),
            (TIMES, lambda m: m[2]),
            (FIRST, lambda m: m[3]),
        )
        for tests, look in looks:
            seen = [look(message) for message in messages]
            for when, test in tests:
                bits = "".join("1" if one is not None and test(one) else "0" for one in seen)
                self.sets[repr(when)] = int(bits, 2)
        opened = "".join("1" if message[0][0] == "opened" else "0" for message in messages)
        self.sets[repr({"command": "start"})] |= int(opened, 2)

    def matching(self, when):
        """Return the messages that ``when`` matches."""
        if repr(when) in self.sets:
            return self.sets[repr(when)]
        ((word, inner),) = when.items()
        if word == "not":
            return self.all & ~self.matching(inner)
        found = self.all if word == "all" else 0
        for part in inner:
            found = found & self.matching(part) if word == "all" else found | self.matching(part)
        return found

    def conflicts(self, routes):
        """Return what `find_conflicts` should find."""
        sets = {rule["id"]: self.matching(rule["when"]) for rule in routes}
        found: list[tuple[str, tuple[str, ...]]] = []
        alive: list[dict[str, Any]] = []
        for number, rule in enumerate(routes):
            lost = _lost(sets, [one["id"] for one in routes[:number]], rule["id"])
            if lost:
                found.append(lost)
                continue
            for other in alive:
                mine, theirs = sets[rule["id"]], sets[other["id"]]
                if rule["to"] != other["to"] and mine & theirs and theirs & ~mine:
                    found.append(("overlap", (other["id"], rule["id"])))
            alive.append(rule)
        return found


def _lost(sets, earlier, name):
    mine = sets[name]
    if not mine:
        return "unreachable", (name,)
    takers = [other for other in earlier if sets[other] & mine]
    for other in takers:
        if not mine & ~sets[other]:
            return "duplicate" if sets[other] == mine else "shadowed", (other, name)
    rest = mine
    for other in takers:
        rest &= ~sets[other]
    return None if rest else ("unreachable", (*takers, name))


@pytest.fixture(scope="module")
def world():
    return World()


LEAVES = [when for when, _ in (*TEXTS, *SENDERS, *TIMES, *KINDS, *FIRST)]
WHENS = st.recursive(
    st.sampled_from(LEAVES),
    lambda inner: st.one_of(
        st.lists(inner, min_size=1, max_size=3).map(lambda parts: {"all": parts}),
        st.lists(inner, min_size=1, max_size=3).map(lambda parts: {"any": parts}),
        inner.map(lambda part: {"not": part}),
    ),
    max_leaves=5,
)
#: Whether a rule is switched on.
OFTEN = st.sampled_from([True, True, True, False])


@pytest.mark.parametrize(
    "sample", ["a b", "za b", "a bz", "z.a b", "/start b", "ab/a", "a b z", "b"]
)
def test_the_world_and_the_rules_mean_the_same_by_a_text(sample):
    message = {"content": {"type": "text", "text": sample}}

    for when, test in TEXTS:
        assert bool(matching(rules(when), message)) is bool(test(sample)), when


@settings(max_examples=300, deadline=None)
@given(st.lists(st.tuples(WHENS, st.sampled_from("xyz"), OFTEN), min_size=1, max_size=4))
def test_the_conflicts_are_those_that_brute_force_finds(world, written):
    whens, teams, enabled = zip(*written, strict=True)
    plain = rules(*whens, teams=teams)
    routes = [{**rule, "enabled": on} for rule, on in zip(plain, enabled, strict=True)]

    # A rule that is switched off is in nobody's way.
    assert conflicts_of(routes) == world.conflicts([one for one in routes if one["enabled"]])


@settings(max_examples=150, deadline=None)
@given(st.sampled_from(TEXTS), st.sampled_from(TEXTS))
def test_pairs_of_text_conditions_agree_with_brute_force(world, first, second):
    routes = rules(first[0], second[0])

    assert conflicts_of(routes) == world.conflicts(routes)
