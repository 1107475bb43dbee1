"""Find rules that get into each other's way, with a message that shows it.

Rules are formulas over facts such as "the text contains X". To answer a question ("can a message
match both?") a search settles one fact after the other, asking each time whether anything real
can have all of them: the content, the sender and the clock answer that exactly. What a regular
expression matches, and what a plugin says, is left open, so "no message can" holds whatever that
is, and "this message does" is only said of a message tried on the rules themselves.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import lru_cache
from itertools import count, islice
from typing import Any, Final, Literal, TypeAlias

from hubbub.route import SINCE, TEXT_TESTS, Subject, Window, moments, specimen
from hubbub.route.conditions import (
    INBOUND_TYPES,
    Group,
    Kind,
    Leaf,
    Node,
    TextTest,
    Value,
    negate,
)
from hubbub.route.custom import Unasked
from hubbub.route.rules import Holds, Route, RouteSet, holds_of
from hubbub.route.specimens import content_of
from hubbub.sdk.content import ATTACHMENT_TYPES, Content, to_json

#: Facts looked at, a few seconds of work, before all other questions stay open.
_BUDGET: Final = 250_000
#: Messages tried for one set of facts, and sets of facts tried, while looking for an example.
_TRIES: Final = 40
_Kind: TypeAlias = Literal["overlap", "shadowed", "unreachable", "duplicate"]
#: Characters of words and between words; those that no rule uses stand for "anything else".
_LETTERS: Final = ("z", "x", "q", "j", *map(chr, range(0x4E00, 0x9FFF)))
_MARKS: Final = ("|", ";", "~", *map(chr, range(0x2190, 0x2300)))
#: Kinds of condition that hold only for a message with words.
_WORDED: Final = ("command", *(f"text.{name}" for name in TextTest.model_fields))
_TEXTUAL: Final = frozenset({"text", "choice", "email", *ATTACHMENT_TYPES})
_ALWAYS_WORDED: Final = frozenset({"text", "choice", "email"})


@dataclass(frozen=True)
class Conflict:
    """Rules that get into each other's way, by their ids in order.

    ``overlap``: a message can match both, they send it to different places, and neither is a
    special case of the other. ``duplicate``: they match the same. ``shadowed``: the earlier one
    takes all of the later one. ``unreachable``: the last one matches nothing, or the others take
    all of it. ``example`` matches all of them, or the last and one other; empty if none is known.
    """

    kind: _Kind
    routes: tuple[str, ...]
    example: Mapping[str, Any] = field(default_factory=dict, compare=False)

    def as_json(self) -> dict[str, Any]:
        """Return what the API shows."""
        return {"kind": self.kind, "routes": list(self.routes), "example": dict(self.example)}


def find_conflicts(route_set: RouteSet) -> tuple[Conflict, ...]:
    """Return the conflicts in the order of the rules; of a lost rule nothing but that."""
    ask = _Asker().ask
    found: list[Conflict] = []
    alive: list[Route] = []
    routes = tuple(route for route in route_set.routes if route.enabled)
    for index, route in enumerate(routes):
        both = {other.id: ask(other.tree, route.tree) for other in routes[:index]}
        lost = _lost(ask, routes[:index], route, both)
        if lost is None:
            found.extend(_overlaps(ask, alive, route, both))
            alive.append(route)
        else:
            found.append(lost)
    return tuple(found)


# --- the questions ---------------------------------------------------------------------------


@dataclass(frozen=True)
class _Answer:
    #: A message for which the formula holds, where one was found.
    subject: Subject | None
    #: Whether it is certain that there is none.
    never: bool


_Ask: TypeAlias = Callable[..., _Answer]


class _Asker:
    def __init__(self) -> None:
        self.budget = _BUDGET

    def ask(self, *formulas: Node) -> _Answer:
        """Look for a message for which all ``formulas`` hold; without budget it stays open."""
        if self.budget <= 0:
            return _Answer(None, never=False)
        given = min(self.budget, _BUDGET // 10)
        search = _Search(Group("all", formulas), given)
        answer = search.answer()
        self.budget -= given - search.budget
        return answer


def _lost(
    ask: _Ask, earlier: tuple[Route, ...], route: Route, both: Mapping[str, _Answer]
) -> Conflict | None:
    """Return why ``route`` never gets a message, or None when it may."""
    if ask(route.tree).never:
        return Conflict("unreachable", (route.id,))
    takers = [other for other in earlier if not both[other.id].never]
    for taker in takers:
        if ask(route.tree, negate(taker.tree)).never:
            same = ask(taker.tree, negate(route.tree)).never
            kind: _Kind = "duplicate" if same else "shadowed"
            return Conflict(kind, (taker.id, route.id), _example(both[taker.id]))
    if len(takers) > 1 and ask(route.tree, *(negate(taker.tree) for taker in takers)).never:
        names = (*(taker.id for taker in takers), route.id)
        shown = next((one for one in both.values() if one.subject), both[takers[0].id])
        return Conflict("unreachable", names, _example(shown))
    return None


def _overlaps(
    ask: _Ask, alive: list[Route], route: Route, both: Mapping[str, _Answer]
) -> Iterator[Conflict]:
    for other in alive:
        clash = other.to != route.to and both[other.id].subject is not None
        # A special case before the general one is how rules are meant to be written.
        if clash and not ask(other.tree, negate(route.tree)).never:
            yield Conflict("overlap", (other.id, route.id), _example(both[other.id]))


def _example(answer: _Answer) -> dict[str, Any]:
    subject = answer.subject
    if subject is None:
        return {}
    return {
        "content": to_json(subject.content),
        # Where no rule asks for it, it is anybody.
        **({"sender": subject.address} if subject.address else {}),
        "at": subject.at.isoformat().replace("+00:00", "Z"),
        **({"first_message": True} if subject.first else {}),
    }


# --- the search ------------------------------------------------------------------------------

_Fact: TypeAlias = tuple[Kind, Value]
_Known: TypeAlias = Mapping[_Fact, bool]
#: A tree of single facts, or what it came to.
_Formula: TypeAlias = Node | bool


class _TooLarge(Exception): ...


class _Search:
    def __init__(self, formula: Node, budget: int) -> None:
        self.formula = formula
        self.budget = budget
        self.untried = 0

    def answer(self) -> _Answer:
        try:
            subject = self.walk(_single(self.formula), {})
        except (_TooLarge, RecursionError):
            return _Answer(None, never=False)
        return _Answer(subject, never=subject is None and not self.untried)

    def walk(self, formula: _Formula, known: _Known) -> Subject | None:
        """Settle facts until ``formula`` is true or false; try both ways where both may be."""
        while isinstance(formula, Leaf | Group):
            sure = _sure(formula)
            if not sure:
                return self.fork(formula, known)
            known = {**known, **sure}
            formula = self.settle(formula, sure) if self.possible(known, sure) else False
        return self.witness(known) if formula else None

    def fork(self, formula: Node, known: _Known) -> Subject | None:
        leaf = _first(formula)
        for truth in (not leaf.negated, leaf.negated):
            supposed = {(leaf.kind, leaf.values[0]): truth}
            both = {**known, **supposed}
            if self.possible(both, supposed):
                found = self.walk(self.settle(formula, supposed), both)
                if found is not None:
                    return found
        return None

    def possible(self, known: _Known, news: _Known) -> bool:
        self.budget -= len(known)
        if self.budget < 0:
            raise _TooLarge
        return _possible(known, news)

    def settle(self, formula: Node, facts: _Known) -> _Formula:
        """Return what is left of ``formula`` when ``facts`` are known."""
        self.budget -= 1
        if isinstance(formula, Group):
            return _join(formula.mode, (self.settle(part, facts) for part in formula.parts))
        truth = facts.get((formula.kind, formula.values[0]))
        return formula if truth is None else truth != formula.negated

    def witness(self, known: _Known) -> Subject | None:
        """Return a message with the facts ``known``, tried on the formula itself."""
        holds = holds_of(self.formula)
        for subject in islice(_subjects(known), _TRIES):
            if _tried(holds, subject):
                return subject
        self.untried += 1
        if self.untried > _TRIES:
            raise _TooLarge
        return None


def _tried(holds: Holds, subject: Subject) -> bool:
    try:
        return holds(subject)
    except Unasked:
        return False


def _single(node: Node) -> _Formula:
    """Return ``node`` with one value in each leaf, and nothing in it that is always so."""
    if isinstance(node, Group):
        return _join(node.mode, map(_single, node.parts))
    leaves = (Leaf(node.kind, (value,), node.negated) for value in node.values)
    return _join("all" if node.negated else "any", leaves)


def _join(mode: Literal["all", "any"], parts: Iterable[_Formula]) -> _Formula:
    kept: list[Node] = []
    for part in parts:
        if isinstance(part, bool):
            if part is (mode == "any"):
                return part
        elif isinstance(part, Group) and part.mode == mode:
            kept.extend(part.parts)
        else:
            kept.append(part)
    if not kept:
        return mode == "all"
    return kept[0] if len(kept) == 1 else Group(mode, tuple(kept))


def _sure(formula: Node) -> _Known:
    """Return the facts without which ``formula`` cannot hold."""
    if isinstance(formula, Group) and formula.mode == "any":
        return {}
    leaves = [formula] if isinstance(formula, Leaf) else formula.parts
    sure = (leaf for leaf in leaves if isinstance(leaf, Leaf))
    return {(leaf.kind, leaf.values[0]): not leaf.negated for leaf in sure}


def _first(formula: Node) -> Leaf:
    while isinstance(formula, Group):
        formula = formula.parts[0]
    return formula


# --- the worlds ------------------------------------------------------------------------------


def _possible(known: _Known, news: _Known) -> bool:
    """Say whether something real has the facts ``known``; all but ``news`` were asked before."""
    kinds = {kind.partition(".")[0] for kind, _ in news}
    if "time" in kinds and _moment(known) is None:
        return False
    if "sender" in kinds and _phrase(known, sender=True) is None:
        return False
    return kinds <= {"time", "sender", "first_message", "plugin"} or any(_kinds(known))


def _subjects(known: _Known) -> Iterator[Subject]:
    """Yield messages that may have the facts ``known``, the most natural first."""
    moment = _moment(known)
    first = known.get(("first_message", True), False)
    for content in _contents(known):
        for address in _addresses(known):
            yield Subject(
                content=content, address=address, name=None, first=first, at=moment or SINCE
            )


def _moment(known: _Known) -> datetime | None:
    windows = {value: truth for (_, value), truth in known.items() if isinstance(value, Window)}
    return moments(tuple(windows)).get(tuple(windows.values()))


def _wanted(known: _Known, *kinds: str) -> list[str]:
    return [str(value) for (kind, value), truth in known.items() if truth and kind in kinds]


def _kinds(known: _Known) -> Iterator[str]:
    """Yield the content types that a message with the facts ``known`` can have."""
    worded, picked = set(_wanted(known, *_WORDED)), set(_wanted(known, "choice.equals"))
    for name in INBOUND_TYPES:
        fits = all(
            (value == name) == truth
            for (kind, value), truth in known.items()
            if kind == "content_type"
        )
        picks = not picked or (name == "choice" and len(picked) == 1)  # never two at once
        if fits and picks and (not worded or _speaks(name, known)):
            yield name


def _speaks(name: str, known: _Known) -> bool:
    if name == "system":
        # Opening a chat counts as /start, and has no words.
        return _wanted(known, *_WORDED) == ["start"] == _wanted(known, "command")
    return name in _TEXTUAL and _phrase(known) is not None


def _phrase(known: _Known, *, sender: bool = False) -> str | None:
    """Return the text with the facts ``known`` and as few other ones as possible, or None.

    A text that contains X contains all that X does, and so on; between the pieces stand
    characters that are in none of the values, so that nothing else becomes true. If this text
    has a fact that must not be, every text with the wanted facts has it.
    """
    facts = {
        (kind, str(value)): truth
        for (kind, value), truth in known.items()
        if kind in TEXT_TESTS and kind.startswith("sender.") is sender
    }
    text = _least(known, "".join(value for _, value in facts), "sender" if sender else "text")
    if all(_test(kind, value)(text) is truth for (kind, value), truth in facts.items()):
        return text
    return None


def _least(known: _Known, used: str, about: str) -> str:
    for whole in _wanted(known, f"{about}.equals"):
        return whole
    letter = next(one for one in _LETTERS if one not in used)
    mark = next(one for one in _MARKS if one not in used)
    contained = [f"{letter}{word}{letter}" for word in _wanted(known, f"{about}.contains")]
    start = f"{_start(known, about)}{letter}"
    return mark.join([start, *contained, *_wanted(known, f"{about}.word"), letter])


def _start(known: _Known, about: str) -> str:
    commands = [f"/{name} " for name in _wanted(known, "command") if about == "text"]
    starts = _wanted(known, f"{about}.starts_with")
    return max([*starts, *commands], key=len, default="")


@lru_cache(maxsize=4096)
def _test(kind: Kind, value: str) -> Callable[[str], bool]:
    return TEXT_TESTS[kind]((value,))


def _addresses(known: _Known) -> Iterator[str]:
    """Yield addresses that a message may come from; how they look, only the rules can tell."""
    begins = _start(known, "sender")
    if begins and not _wanted(known, "sender.equals"):
        yield f"{begins}5550100"
    asked = any(kind.startswith("sender.") for kind, _ in known)
    yield (_phrase(known, sender=True) or "") if asked else ""


def _contents(known: _Known) -> Iterator[Content]:
    worded = bool(_wanted(known, *_WORDED))
    for kind in islice(_kinds(known), 3):
        texts: list[str | None] = list(dict.fromkeys(_texts(known)))
        if kind not in _TEXTUAL:
            texts = [None]
        elif kind not in _ALWAYS_WORDED and not worded:
            texts.insert(0, None)
        for text in texts:
            yield content_of(kind, text, choice=_choice(known), opened=_opened(known))


def _texts(known: _Known) -> Iterator[str]:
    """Yield texts that may have the facts ``known``, the most natural first."""
    parts = [_start(known, "text").strip(), *_wanted(known, "text.contains", "text.word")]
    pieces = dict.fromkeys(_wanted(known, "text.equals") or parts)
    natural = " ".join(one for one in pieces if not any(one in two for two in pieces if two != one))
    patterns = " ".join(map(specimen, _wanted(known, "text.matches")))
    if patterns:
        yield from (patterns, f"{natural} {patterns}", f"{patterns} {natural}")
    yield natural or "hello"
    yield _phrase(known) or ""


def _choice(known: _Known) -> str:
    named = {str(value) for about, value in known if about == "choice.equals"}
    other = next(name for n in count(1) if (name := f"option-{n}") not in named)
    return next(iter(_wanted(known, "choice.equals")), other)


def _opened(known: _Known) -> bool:
    return bool(_wanted(known, "command"))
