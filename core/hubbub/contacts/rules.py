"""Decide what becomes of two contacts that are made one, and of one that is made two again."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import Any, Final, Self

from hubbub.store.types import as_json_time

#: Attributes that hold others, which are known otherwise than by a person here: what somebody's
#: site has signed, and what a visitor merely says.
GROUPS: Final = ("verified", "unverified")


@dataclass(frozen=True, kw_only=True)
class Known:
    """What is known of a contact beside their addresses."""

    name: str | None = None
    attributes: Mapping[str, Any] = field(default_factory=dict)
    blocked_at: datetime | None = None


@dataclass(frozen=True, kw_only=True)
class Taken:
    """What a contact took over from one that was merged into it, so that it can be given back."""

    name: str | None = None
    attributes: Mapping[str, Any] = field(default_factory=dict)
    #: Whether it is blocked for the other's sake, and since when the two are, if they are.
    blocked: bool = False
    blocked_at: str | None = None

    @classmethod
    def read(cls, kept: Mapping[str, Any]) -> Self:
        """Return what `written` has written."""
        return cls(**kept)

    def written(self) -> dict[str, Any]:
        """Return it as it is stored."""
        return asdict(self)


def merged(mine: Known, theirs: Known) -> tuple[Known, Taken]:
    """Return what is known of a contact once ``theirs`` is theirs too, and what it took over.

    Whatever ``mine`` says stays: the other only fills gaps. Who was blocked stays blocked.
    """
    attributes, more = _joined(mine.attributes, theirs.attributes)
    blocked_at = mine.blocked_at or theirs.blocked_at
    taken = Taken(
        name=theirs.name if mine.name is None else None,
        attributes=more,
        blocked=mine.blocked_at is None and theirs.blocked_at is not None,
        blocked_at=as_json_time(blocked_at),
    )
    known = Known(name=mine.name or theirs.name, attributes=attributes, blocked_at=blocked_at)
    return known, taken


def parted(now: Known, theirs: Known, taken: Taken) -> tuple[Known, Known]:
    """Return what is known of each of two contacts that were one until ``now``.

    ``theirs`` is what was known of the one that had become a part of the other, which gives back
    what it took over, unless somebody has changed that since. Whoever blocked the two, or let them
    in again, meant both.
    """
    untouched = as_json_time(now.blocked_at) == taken.blocked_at
    rest = Known(
        name=None if taken.name is not None and now.name == taken.name else now.name,
        attributes=_without(now.attributes, taken.attributes),
        blocked_at=None if untouched and taken.blocked else now.blocked_at,
    )
    back = Known(
        name=theirs.name,
        attributes=theirs.attributes,
        blocked_at=theirs.blocked_at if untouched else now.blocked_at,
    )
    return rest, back


def own(attributes: Mapping[str, Any]) -> dict[str, Any]:
    """Return the attributes that people and programs here wrote."""
    return {name: value for name, value in attributes.items() if name not in GROUPS}


def _joined(
    mine: Mapping[str, Any], theirs: Mapping[str, Any]
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return the attributes of both, and those that were only ``theirs``; groups by their parts."""
    joined, taken = dict(mine), {}
    for name, value in theirs.items():
        before = mine.get(name)
        if name in GROUPS and isinstance(before, Mapping):
            joined[name], more = _joined(before, value)
            if more:
                taken[name] = more
        elif name not in mine:
            joined[name] = taken[name] = value
    return joined, taken


def _without(attributes: Mapping[str, Any], taken: Mapping[str, Any]) -> dict[str, Any]:
    """Return ``attributes`` but for those that are still as they were taken over."""
    rest = dict(attributes)
    for name, value in taken.items():
        now = rest.get(name)
        if name in GROUPS and isinstance(now, Mapping):
            rest[name] = _without(now, value)
        if rest.get(name) in (value, {}):
            rest.pop(name, None)
    return rest
