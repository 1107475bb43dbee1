"""Tell people in sentences what rules say, what they decided, and what was changed about them."""

from bisect import bisect_left
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, TypeAlias

from hubbub.route.rules import Considered, Decision, Destination, Route, RouteSet

#: Says where a destination leads, as people call it.
Naming: TypeAlias = Callable[[Destination], str]


# --- rules -----------------------------------------------------------------------------------


def asks(route: Route) -> str:
    """Return what a rule asks of a message: "If ...", or that it takes every one."""
    asked = " and ".join(condition.what for condition in route.conditions)
    return f"If {asked}" if asked else "Every message"


def reads(route: Route, destination: str) -> str:
    """Return a rule as a sentence."""
    then = ", then to" if route.conditions else " goes to"
    return f"{asks(route)}{then} {destination}."


# --- decisions -------------------------------------------------------------------------------


def sentence(decision: Decision, destination: str | None = None) -> str:
    """Explain ``decision`` to a person; ``destination`` names it better than its type does."""
    where = destination or decision.destination.type
    if not decision.considered:
        return f"Went to {where} because the channel has no rules."
    told = [_told(number, rule) for number, rule in enumerate(decision.considered, start=1)]
    if decision.fallback:
        return f"Went to {where}, the fallback, because no rule matched: {'; '.join(told)}."
    *skipped, winner = told
    return f"Went to {where} because {'; '.join([winner, *skipped])}."


def _told(number: int, rule: Considered) -> str:
    title = f"rule {number} “{rule.name}”"
    if rule.off:
        return f"{title} is switched off"
    if rule.matched:
        reasons = ", ".join(f"{one.what} (saw {one.saw})" for one in rule.conditions)
        return f"{title} matched: {reasons or 'it takes every message'}"
    wanting = ", ".join(f"{one.what} (saw {one.saw})" for one in rule.conditions if not one.held)
    return f"{title} skipped: not so that {wanting}"


# --- changes ---------------------------------------------------------------------------------


def changes(before: RouteSet, after: RouteSet, named: Naming) -> tuple[str, ...]:
    """Return what differs between two versions, a sentence for each change; no setting's value."""
    return tuple(_changes(before, after, named))


def _changes(before: RouteSet, after: RouteSet, named: Naming) -> Iterator[str]:
    old = {route.id: route for route in before.routes}
    new = {route.id: route for route in after.routes}
    for number, route in enumerate(before.routes, start=1):
        if route.id not in new:
            yield f"Removed rule {number} “{route.name}”: {reads(route, named(route.to))}"
    for number, route in enumerate(after.routes, start=1):
        if route.id not in old:
            yield f"Added rule {number} “{route.name}”: {reads(route, named(route.to))}"
        else:
            yield from _changed(old[route.id], route, named)
    yield from _moved(before, after)
    yield from _redirected("Everything else", before.fallback, after.fallback, named)


def _changed(old: Route, new: Route, named: Naming) -> Iterator[str]:
    title = f"“{new.name}”"
    if old.name != new.name:
        yield f"“{old.name}” is now called {title}."
    if old.enabled != new.enabled:
        yield f"{title} was switched {'on' if new.enabled else 'off'}."
    if old.tree != new.tree:
        yield f"{title} now asks: {asks(new)}. Before: {asks(old)}."
    yield from _redirected(title, old.to, new.to, named)


def _redirected(title: str, old: Destination, new: Destination, named: Naming) -> Iterator[str]:
    if old.type != new.type:
        yield f"{title} now goes to {named(new)}, no longer to {named(old)}."
    elif differing := _differing(old.settings, new.settings):
        names = ", ".join(name.replace("_", " ") for name in differing)
        yield f"{title} goes to {named(new)} with other settings: {names}."


def _differing(old: Mapping[str, Any], new: Mapping[str, Any]) -> list[str]:
    return [name for name in {**old, **new} if old.get(name) != new.get(name)]


def _moved(before: RouteSet, after: RouteSet) -> Iterator[str]:
    """Tell of as few rules as possible that they moved; the others kept their order."""
    places = {route.id: place for place, route in enumerate(before.routes)}
    both = [route for route in after.routes if route.id in places]
    kept = _rising([places[route.id] for route in both])
    for route in both:
        if places[route.id] not in kept:
            now = after.routes.index(route) + 1
            yield f"“{route.name}” moved from place {places[route.id] + 1} to {now}."


def _rising(numbers: Sequence[int]) -> frozenset[int]:
    """Return a longest rising subsequence of ``numbers``, which all differ."""
    tails: list[int] = []
    before: dict[int, int | None] = {}
    for number in numbers:
        place = bisect_left(tails, number)
        before[number] = tails[place - 1] if place else None
        tails[place : place + 1] = [number]
    chain, last = set(), tails[-1] if tails else None
    while last is not None:
        chain.add(last)
        last = before[last]
    return frozenset(chain)
