"""Build what stands beside the open conversation: who the contact is."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

from sqlalchemy import Connection

from hubbub.contacts import queries as contacts
from hubbub.contacts.rules import own
from hubbub.hub import Hub
from hubbub.store.types import AnyRow
from hubbub.ui import words
from hubbub.ui.addresses import AddressRow, address_row
from hubbub.ui.claims import Claim, Standing, shown_value, standing
from hubbub.ui.inbox import queries

#: Other conversations that are named; the contact's page leads to all.
_OTHERS: Final = 5
#: What a page with a chat window says of itself, among all that is said without proof.
_PAGE: Final = ("page", "page_title")


@dataclass(frozen=True, kw_only=True)
class Other:
    """Another conversation."""

    id: str
    name: str
    channel: str
    channel_type: str
    preview: str
    ago: str
    at: str


@dataclass(frozen=True, kw_only=True)
class Visited:
    """The page on which the contact wrote last, as it says itself."""

    title: str
    #: Empty where a browser should not be sent there.
    link: str


@dataclass(frozen=True, kw_only=True)
class Side:
    """Who the contact of a conversation is."""

    contact_id: str
    blocked_since: str
    since: str
    since_at: str
    addresses: tuple[AddressRow, ...]
    #: What a chat window knows of them, beside the page.
    standing: Standing
    visited: Visited | None
    #: What people and programs here noted of them: names and values.
    attributes: tuple[tuple[str, str], ...]
    #: The latest of the other conversations with them, and whether there are more.
    others: tuple[Other, ...]
    more: bool
    #: The one that this began by answering, though its writer has no part in that.
    related: Other | None


def side_of(hub: Hub, db: Connection, row: AnyRow) -> Side:
    """Return who the contact of a conversation is, ``row`` being one of `queries.conversation`."""
    now = hub.now()
    about = row.contact_attributes or {}
    known = standing(hub, about, [(row.channel_type, row.address)])
    others = queries.others(db, contact_id=row.contact_id, but=row.id, limit=_OTHERS + 1)
    return Side(
        contact_id=row.contact_id,
        blocked_since=words.exact(row.contact_blocked_at),
        since=words.ago(row.contact_created_at, now),
        since_at=words.exact(row.contact_created_at),
        addresses=tuple(
            address_row(hub, one, now) for one in contacts.addresses(db, [row.contact_id])
        ),
        standing=replace(known, claims=tuple(one for one in known.claims if not _tells_page(one))),
        visited=_visited(about),
        attributes=tuple((name, shown_value(value)) for name, value in own(about).items()),
        others=tuple(_other(hub, one) for one in others[:_OTHERS]),
        more=len(others) > _OTHERS,
        related=_related(hub, db, row),
    )


def _tells_page(claim: Claim) -> bool:
    return not claim.proven and claim.name in _PAGE


def _visited(about: Mapping[str, Any]) -> Visited | None:
    """Return the page that a chat window told of; anybody may have said so."""
    said = about.get("unverified")
    url, title = (
        (str(said.get(name) or "") for name in _PAGE) if isinstance(said, dict) else ("", "")
    )
    if not url and not title:
        return None
    return Visited(title=title or url, link=url if url.startswith(("https://", "http://")) else "")


def _related(hub: Hub, db: Connection, row: AnyRow) -> Other | None:
    other = queries.conversation(db, row.related_id) if row.related_id else None
    if other is None:
        return None
    subject = queries.last_subject(db, other.id)
    return replace(_other(hub, other), **({"preview": subject} if subject else {}))


def _other(hub: Hub, row: AnyRow) -> Other:
    return Other(
        id=row.id,
        name=row.contact_name or row.address,
        channel=row.channel_name,
        channel_type=row.channel_type,
        preview=row.preview or "No messages yet",
        ago=words.ago(row.last_message_at, hub.now()),
        at=words.exact(row.last_message_at),
    )
