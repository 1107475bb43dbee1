"""Tell what is proven of a contact from what somebody merely said.

A site with a chat window proves who its visitor is by a signature. What a visitor typed, or a page
said without one, is anybody's word: people here should see the difference before they act on it.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from hubbub.connect.rules import KNOWN_VISITOR, widget_types
from hubbub.contacts.rules import GROUPS
from hubbub.hub import Hub


@dataclass(frozen=True, kw_only=True)
class Claim:
    """Something that is known of a contact, and whether their site has signed it."""

    name: str
    value: str
    proven: bool


@dataclass(frozen=True, kw_only=True)
class Standing:
    """What a chat window knows of somebody.

    ``proven``: whether it is proven who they are; None: no chat window is asked.
    """

    proven: bool | None
    claims: tuple[Claim, ...]

    def __bool__(self) -> bool:
        return self.proven is not None or bool(self.claims)


def standing(
    hub: Hub, attributes: Mapping[str, Any], addresses: Iterable[tuple[str, str]]
) -> Standing:
    """Return what is known of a contact; ``addresses`` are pairs of a channel's type and one.

    Whoever is proven is called as the site says, whatever they type.
    """
    types = widget_types(hub)
    visitors = [address for kind, address in addresses if kind in types]
    proven = any(address.startswith(KNOWN_VISITOR) for address in visitors)
    return Standing(proven=proven if visitors else None, claims=tuple(_claims(attributes)))


def _claims(attributes: Mapping[str, Any]) -> Iterator[Claim]:
    for group, proven in zip(GROUPS, (True, False), strict=True):
        held = attributes.get(group)
        for name, value in held.items() if isinstance(held, Mapping) else ():
            yield Claim(name=str(name), value=shown_value(value), proven=proven)


def shown_value(value: object) -> str:
    """Return the value of an attribute as people read it."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    return str(value)
