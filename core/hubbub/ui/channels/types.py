"""Build what the page shows on which people choose what to add."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Final

from hubbub.connect.simulator import can_simulate
from hubbub.hub import Hub
from hubbub.sdk.types import ChannelType

_GROUPS: Final = {
    "messaging": "Messaging",
    "sms": "SMS",
    "web": "Web",
    "email": "Email",
    "other": "More from plugins",
}
#: The distribution whose plugins are ours.
_OURS: Final = "hubbub"


@dataclass(frozen=True, kw_only=True)
class TypeCard:
    """One channel type to choose from."""

    type: str
    label: str
    description: str
    needs: tuple[str, ...]
    minutes: int | None
    legacy: str
    #: The package that brought it, where that is not the hub's own.
    plugin: str
    simulator: bool


@dataclass(frozen=True, kw_only=True)
class Refused:
    """A plugin that offers nothing, and why."""

    name: str
    reason: str


@dataclass(frozen=True, kw_only=True)
class TypesPage:
    """What can be added, in groups with their names."""

    q: str
    groups: tuple[tuple[str, tuple[TypeCard, ...]], ...]
    refused: tuple[Refused, ...]


def types_page(hub: Hub, q: str = "") -> TypesPage:
    """Return the types that can be added, and the plugins that could not be loaded."""
    packages = {
        name: one.distribution for one in hub.plugins.statuses for name in one.channel_types
    }
    kinds = [kind for kind in hub.plugins.channels.values() if _holds(kind, q)]
    kinds.sort(key=lambda kind: (bool(kind.legacy), kind.label))
    cards = {
        group: tuple(
            _card(hub, kind, packages.get(kind.type, "")) for kind in kinds if kind.group == group
        )
        for group in _GROUPS
    }
    return TypesPage(
        q=q,
        groups=tuple((_GROUPS[group], found) for group, found in cards.items() if found),
        refused=tuple(_refused(hub)),
    )


def _card(hub: Hub, kind: ChannelType[Any], package: str) -> TypeCard:
    return TypeCard(
        type=kind.type,
        label=kind.label,
        description=kind.description,
        needs=kind.needs,
        minutes=kind.minutes,
        legacy=kind.legacy,
        plugin="" if package in {"", _OURS} else package,
        simulator=can_simulate(hub, kind.type),
    )


def _holds(kind: ChannelType[Any], q: str) -> bool:
    said = f"{kind.label} {kind.description} {kind.type}".lower()
    return all(word in said for word in q.lower().split())


def _refused(hub: Hub) -> Iterable[Refused]:
    for one in hub.plugins.statuses:
        if one.state == "refused":
            yield Refused(name=one.name, reason=one.reason)
