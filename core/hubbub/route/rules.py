"""Decide by a channel's rules where a message goes, and keep what is needed to say why.

The rules are asked in their order and the first that matches decides; the fallback takes the
rest. `decide` is pure and on the hot path: everything that can be is compiled by
`read_route_set`.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from itertools import count
from operator import attrgetter
from typing import Annotated, Any, Final, NamedTuple, TypeAlias, cast, get_args
from zoneinfo import ZoneInfo

from pydantic import BaseModel, ConfigDict, Field, StrictBool, TypeAdapter, ValidationError

from hubbub.route import SHOWN, TEXT_TESTS, Invalid, Subject, Window, fold, problems, shorten
from hubbub.route.conditions import (
    DAYS,
    BoundedWhen,
    Group,
    Kind,
    Leaf,
    Node,
    Value,
    When,
    compile_pattern,
    describe,
    tree,
)
from hubbub.route.custom import Custom, Unasked
from hubbub.sdk.content import Choice
from hubbub.sdk.types import ConditionType

__all__ = [
    "INBOX", "Condition", "Considered", "Decision", "Destination", "Invalid", "Looked", "Route",
    "RouteSet", "Subject", "compile_when", "decide", "holds_of", "problems", "read_route_set",
]  # fmt: skip

#: Characters that a decision keeps of a condition.
_WHAT: Final = 200


# --- conditions, compiled --------------------------------------------------------------------

Holds: TypeAlias = Callable[[Subject], bool]
_Shows: TypeAlias = Callable[[Subject], str]


@dataclass(frozen=True, slots=True)
class Condition:
    """One compiled condition: how it reads, whether it holds, and the value it looked at."""

    what: str
    holds: Holds
    saw: _Shows


def compile_when(when: When) -> tuple[Condition, ...]:
    """Return the conditions of ``when``, all of which must hold."""
    return tuple(
        Condition(shorten(describe(part), _WHAT), holds_of(part), _shower(part))
        for part in tree(when).parts
    )


def holds_of(node: Node) -> Holds:
    """Return the function that says whether ``node`` holds for a message."""
    if isinstance(node, Leaf):
        holds = _leaf(node.kind, node.values)
        return (lambda subject: not holds(subject)) if node.negated else holds
    tests = tuple(map(holds_of, node.parts))
    if node.mode == "all":
        return lambda subject: all(test(subject) for test in tests)
    return lambda subject: any(test(subject) for test in tests)


def _leaf(kind: Kind, values: tuple[Value, ...]) -> Holds:
    if kind in TEXT_TESTS:
        test = TEXT_TESTS[kind](tuple(map(str, values)))
        if kind.startswith("sender."):
            return lambda subject: test(fold(subject.address))
        if kind == "command" and "start" in values:
            return lambda subject: subject.opened or test(subject.folded)
        return lambda subject: test(subject.folded)
    if kind == "text.matches":
        return _matcher(tuple(map(str, values)))
    return _plain_leaf(kind, values)


def _plain_leaf(kind: Kind, values: tuple[Value, ...]) -> Holds:
    if kind == "first_message":
        return lambda subject: subject.first
    if kind == "content_type":
        return lambda subject: subject.kind in values
    if kind == "choice.equals":
        return lambda subject: isinstance(subject.content, Choice) and subject.content.id in values
    if isinstance(values[0], Custom):
        return values[0].holds
    window = cast("Window", values[0])
    return lambda subject: window.holds(subject.at)


def _matcher(patterns: tuple[str, ...]) -> Holds:
    searches = tuple(compile_pattern(pattern).search for pattern in patterns)
    return lambda subject: (
        subject.text is not None and any(search(subject.encoded) is not None for search in searches)
    )


def _shower(node: Node) -> _Shows:
    shows = tuple(dict.fromkeys(_shows(node)))
    if len(shows) == 1:
        return shows[0]
    return lambda subject: "; ".join(show(subject) for show in shows)


def _shows(node: Node) -> list[_Shows]:
    if isinstance(node, Group):
        return [show for part in node.parts for show in _shows(part)]
    if isinstance(window := node.values[0], Window):
        return [_clock(window.zone)]
    return [_SHOWS[node.kind]]


@lru_cache(maxsize=64)
def _clock(zone: ZoneInfo) -> _Shows:
    name = f" in {zone.key}"

    def show(subject: Subject) -> str:
        local = subject.at.astimezone(zone)
        return f"{DAYS[local.weekday()]} {local.isoformat()[11:16]}{name}"

    return show


def _show_choice(subject: Subject) -> str:
    content = subject.content
    return f"“{shorten(content.id, SHOWN)}”" if isinstance(content, Choice) else "no choice"


#: How each kind shows what it looked at.
_SHOWS: Final[Mapping[str, _Shows]] = {
    **dict.fromkeys(get_args(Kind), attrgetter("shown")),
    **dict.fromkeys(("sender.equals", "sender.starts_with"), attrgetter("shown_address")),
    "content_type": attrgetter("kind"),
    "first_message": lambda subject: "the first message" if subject.first else "a later message",
    "choice.equals": _show_choice,
    "command": lambda subject: "the chat was opened" if subject.opened else subject.shown,
}


# --- rules -----------------------------------------------------------------------------------


@dataclass(frozen=True)
class Destination:
    """Where a message can go: a route type, and what it needs to know (which may be secret)."""

    type: str
    settings: Mapping[str, Any] = field(default_factory=dict, repr=False)

    @classmethod
    def from_json(cls, to: Mapping[str, Any]) -> "Destination":
        """Return what a JSON object of ``to`` names, as it stands there."""
        settings = {name: value for name, value in to.items() if name != "type"}
        return cls(str(to.get("type")), settings)

    def as_json(self) -> dict[str, Any]:
        """Return the JSON object of ``to``, secrets included."""
        return {"type": self.type, **self.settings}


@dataclass(frozen=True)
class Route:
    """One rule. ``when`` is the JSON as it was written."""

    id: str
    name: str
    when: Mapping[str, Any]
    to: Destination
    #: All of ``when``, for reasoning about it.
    tree: Group = field(repr=False)
    #: All of ``when``, compiled; every one must hold.
    conditions: tuple[Condition, ...] = field(repr=False, compare=False)
    #: Whether it is asked at all.
    enabled: bool = True

    def as_json(self) -> dict[str, Any]:
        """Return the JSON object of the rule, secrets of its destination included."""
        when, off = dict(self.when), {} if self.enabled else {"enabled": False}
        return {"id": self.id, "name": self.name, "when": when, "to": self.to.as_json(), **off}


@dataclass(frozen=True)
class RouteSet:
    """The rules of a channel in one version, in the order in which they are asked."""

    version: int
    routes: tuple[Route, ...]
    fallback: Destination

    def destination(self, route_id: str | None) -> Destination | None:
        """Return where the rule ``route_id`` leads, or without an id the fallback."""
        if route_id is None:
            return self.fallback
        return next((route.to for route in self.routes if route.id == route_id), None)

    def as_json(self) -> dict[str, Any]:
        """Return what the store keeps encrypted, secrets of destinations included."""
        routes = [route.as_json() for route in self.routes]
        return {"routes": routes, "fallback": self.fallback.as_json()}


#: Where messages go while nobody has said otherwise.
INBOX: Final = Destination("inbox")


class _To(BaseModel):
    # Its other fields belong to the route type, which validates them.
    model_config = ConfigDict(extra="allow", hide_input_in_errors=True)

    type: str = Field(min_length=1, max_length=100)


class _Rule(BaseModel):
    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)

    id: Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]{1,64}$")] | None = None
    name: str = Field(min_length=1, max_length=100)
    when: BoundedWhen = Field(default_factory=lambda: When.model_validate({}))
    to: _To
    enabled: StrictBool = True


class _Rules(BaseModel):
    model_config = ConfigDict(hide_input_in_errors=True)

    routes: list[_Rule] = Field(max_length=100)
    fallback: _To


def read_route_set(
    version: int,
    routes_json: Sequence[Mapping[str, Any]],
    fallback_json: Mapping[str, Any] | None = None,
    kinds: Mapping[str, ConditionType] | None = None,
) -> RouteSet:
    """Return the compiled rules that the JSON describes.

    A rule without an id gets one that is free. No fallback means the inbox. What stands beside
    ``to.type`` is left to the route type. ``kinds`` are the conditions that plugins offer: a rule
    that asks for another one never matches. Raises `Invalid`.
    """
    fallback = INBOX.as_json() if fallback_json is None else fallback_json
    try:
        rules = _Rules.model_validate({"routes": routes_json, "fallback": fallback}, context=kinds)
    except ValidationError as error:
        raise Invalid(problems(error)) from None
    ids = _ids(rules.routes)
    written = zip(ids, rules.routes, routes_json, strict=True)
    routes = tuple(_route(rule_id, rule, raw) for rule_id, rule, raw in written)
    return RouteSet(version, routes, _destination(rules.fallback))


def _ids(rules: Sequence[_Rule]) -> list[str]:
    taken = [rule.id for rule in rules if rule.id]
    if len(set(taken)) < len(taken):
        raise Invalid([("routes", "Two rules have the same id: leave out that of the new one.")])
    free = (name for number in count(1) if (name := f"rule-{number}") not in taken)
    return [rule.id or next(free) for rule in rules]


def _route(rule_id: str, rule: _Rule, raw: Mapping[str, Any]) -> Route:
    return Route(
        id=rule_id,
        name=rule.name,
        when=raw.get("when", {}),
        to=_destination(rule.to),
        tree=tree(rule.when),
        conditions=compile_when(rule.when),
        enabled=rule.enabled,
    )


def _destination(to: _To) -> Destination:
    return Destination(to.type, to.model_extra or {})


# --- decisions -------------------------------------------------------------------------------


# Named tuples, because a decision makes many of them for every message.
class Looked(NamedTuple):
    """What came of one condition: how it reads, whether it held, the value it looked at."""

    what: str
    held: bool
    saw: str


class Considered(NamedTuple):
    """What came of one rule."""

    route_id: str
    name: str
    matched: bool
    conditions: tuple[Looked, ...]
    #: Whether it was switched off, and so not asked.
    off: bool = False


@dataclass(frozen=True)
class Decision:
    """Where a message goes, and every rule that was asked until one matched."""

    version: int
    route_id: str | None
    route_name: str
    destination: Destination
    fallback: bool
    considered: tuple[Considered, ...]

    def as_json(self) -> dict[str, Any]:
        """Return what is kept with the message: of the destination its type, no setting."""
        return {
            "version": self.version,
            "route_id": self.route_id,
            "route_name": self.route_name,
            "destination": {"type": self.destination.type},
            "fallback": self.fallback,
            "considered": [
                {
                    "route_id": route_id,
                    "name": name,
                    "matched": matched,
                    "conditions": [looked._asdict() for looked in conditions],
                    **({"off": True} if off else {}),
                }
                for route_id, name, matched, conditions, off in self.considered
            ],
        }

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> "Decision":
        """Return the decision that `as_json` wrote; its destination has no settings."""
        return _DECISION.validate_python(value)


_DECISION: Final[TypeAdapter[Decision]] = TypeAdapter(Decision)


def decide(route_set: RouteSet, subject: Subject) -> Decision:
    """Return where ``subject`` goes: the first rule that matches, else the fallback."""
    considered = []
    winner: Route | None = None
    for route in route_set.routes:
        rule = _consider(route, subject)
        considered.append(rule)
        if rule.matched:
            winner = route
            break
    return Decision(
        version=route_set.version,
        route_id=winner.id if winner else None,
        route_name=winner.name if winner else "",
        destination=winner.to if winner else route_set.fallback,
        fallback=winner is None,
        considered=tuple(considered),
    )


def _consider(route: Route, subject: Subject) -> Considered:
    if not route.enabled:
        return Considered(route.id, route.name, matched=False, conditions=(), off=True)
    matched = True
    looked = []
    for condition in route.conditions:
        try:
            held, saw = condition.holds(subject), condition.saw(subject)
        except Unasked as error:
            held, saw = False, error.detail
        matched = matched and held
        looked.append(Looked(condition.what, held, saw))
    return Considered(route.id, route.name, matched, tuple(looked))
