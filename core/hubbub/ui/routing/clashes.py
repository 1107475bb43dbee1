"""Show the rules that get in each other's way, and know which of that was accepted."""

import json
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Any, Final

from hubbub.connect.routes import conflict_key
from hubbub.route.conflicts import Conflict, find_conflicts
from hubbub.route.rules import RouteSet
from hubbub.sdk.content import from_json, preview

#: What is said of the earlier rules and of the last one.
_KINDS: Final = {
    "duplicate": "{before} and {last} match the same messages: only {before} gets them.",
    "overlap": "{before} and {last} can match the same message and send it to different places.",
    "shadowed": "{before} {take} everything that {last} is for.",
    "unreachable": "{before} {take} everything that {last} is for.",
}
_NEVER: Final = "{last} matches no message at all."


@dataclass(frozen=True, kw_only=True)
class Clash:
    """Rules that get in each other's way."""

    key: str
    #: A sentence that names them all.
    text: str
    example: str
    #: The rules' ids and names.
    rules: tuple[tuple[str, str], ...]
    #: Whether somebody has said that it is meant.
    accepted: bool


def settled_before(current: RouteSet) -> frozenset[str]:
    """Return the keys of the conflicts that are in force, which somebody has accepted."""
    return frozenset(conflict_key(current, one) for one in _conflicts(_Comparable(current)))


def clashes_of(routes: RouteSet, current: RouteSet, accepted: Collection[str]) -> Iterator[Clash]:
    """Yield the conflicts of ``routes``; those of the rules in force are accepted already."""
    meant = {*accepted, *settled_before(current)}
    names = {route.id: route.name for route in routes.routes}
    for conflict in _conflicts(_Comparable(routes)):
        key = conflict_key(routes, conflict)
        yield Clash(
            key=key,
            text=_sentence(conflict.kind, [names[one] for one in conflict.routes]),
            example=_example(conflict.example),
            rules=tuple((one, names[one]) for one in conflict.routes),
            accepted=key in meant,
        )


def _sentence(kind: str, names: Sequence[str]) -> str:
    *before, last = (f"“{name}”" for name in names)
    if not before:
        return _NEVER.format(last=last)
    take = "takes" if len(before) == 1 else "together take"
    return _KINDS[kind].format(before=" and ".join(before), last=last, take=take)


@lru_cache(maxsize=64)
def _conflicts(routes: "_Comparable") -> tuple[Conflict, ...]:
    return find_conflicts(routes.routes)


class _Comparable:
    """Rules that are the same to who compares them when they ask the same, in the same order."""

    def __init__(self, routes: RouteSet) -> None:
        self.routes = routes
        self._key = json.dumps(routes.as_json(), sort_keys=True)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Comparable) and self._key == other._key

    def __hash__(self) -> int:
        return hash(self._key)


def _example(example: Mapping[str, Any]) -> str:
    if not example:
        return ""
    said = example["content"]
    text = preview(from_json(said))
    what = f"“{text}”" if said["type"] == "text" else f"{said['type']} “{text}”"
    at = datetime.fromisoformat(example["at"]).strftime("%A, %H:%M UTC")
    first = ", their first message" if example.get("first_message") else ""
    return f"{what}, from {example.get('sender', 'anybody')} on a {at}{first}"
