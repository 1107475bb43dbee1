"""Say addresses as people would, and what is known of each."""

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from hubbub.connect.rules import KNOWN_VISITOR, widget_types
from hubbub.hub import Hub
from hubbub.store.types import AnyRow
from hubbub.ui import words

_STATES: Final = {
    "ok": "can be reached",
    "gone": "does not exist any more",
    "blocked": "blocked us",
    "opted_out": "asked not to be written to",
}


@dataclass(frozen=True, kw_only=True)
class AddressRow:
    """One address of a contact."""

    id: str
    channel: str
    channel_id: str
    channel_type: str
    address: str
    #: The same as people say it; empty where it tells them nothing.
    said: str
    also: str
    name: str
    #: Whether it can be reached, and why not.
    state: str
    reason: str
    reachable: bool
    #: How far it is proven that it is theirs.
    proof: str
    wrote: str
    wrote_at: str
    marketing: bool
    #: When that was said; empty: nobody has said anything.
    marketing_at: str


def said_as(hub: Hub, channel_type: str, address: str) -> str:
    """Return an address as people say it; empty where it tells them nothing.

    A visitor of a chat window is somebody whom the site knows, or has only the hub's number.
    """
    if channel_type not in widget_types(hub):
        return address
    return address.removeprefix(KNOWN_VISITOR) if address.startswith(KNOWN_VISITOR) else ""


def _state(row: AnyRow) -> str:
    if row.state == "blocked" and row.state_reason:
        return "cannot be reached"  # and the reason says whether they blocked us
    return _STATES.get(row.state, str(row.state).replace("_", " "))


def address_row(hub: Hub, row: AnyRow, now: datetime) -> AddressRow:
    """Return what is shown of one of `hubbub.contacts.queries.addresses`."""
    return AddressRow(
        id=row.id,
        channel=row.channel_name,
        channel_id=row.channel_id,
        channel_type=row.channel_type,
        address=row.address,
        said=said_as(hub, row.channel_type, row.address),
        also=row.also or "",
        name=row.name or "",
        state=_state(row),
        reason=row.state_reason,
        reachable=row.state == "ok",
        proof="wrote from it" if row.wrote_at else "never wrote from it: nothing proves it theirs",
        wrote=words.ago(row.wrote_at, now) if row.wrote_at else "",
        wrote_at=words.exact(row.wrote_at),
        marketing=row.marketing,
        marketing_at=words.exact(row.marketing_at),
    )
