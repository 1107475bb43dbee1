"""Find contacts and change what is known of them."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from sqlalchemy import Connection, Row

from hubbub.contacts import queries
from hubbub.contacts.rules import GROUPS, own
from hubbub.hub import Hub
from hubbub.people.audit import audit
from hubbub.people.errors import Complaint, Invalid, NotFound
from hubbub.people.overtaken import check_seen, mark_of
from hubbub.sdk.errors import HubError
from hubbub.store.addresses import choose_marketing
from hubbub.store.clean import legible
from hubbub.store.session import transaction
from hubbub.store.tables import Address, table

#: Characters of an attribute's name, and of its value.
_LONGEST_NAME: Final = 100
_LONGEST: Final = 10_000


class Merged(HubError):
    """This contact has become a part of the contact ``into_id``."""

    code = "contact_merged"

    def __init__(self, into_id: str) -> None:
        super().__init__(f"This contact was merged into the contact {into_id}.")
        self.into_id = into_id


@dataclass(frozen=True, kw_only=True)
class ContactChange:
    """What to change of a contact; only ``names`` are looked at.

    ``seen``: the mark of what was seen of them (`mark_of_contact`); None: whatever that was.
    """

    names: frozenset[str]
    name: str | None = None
    attributes: Mapping[str, Any] = field(default_factory=dict)
    blocked: bool = False
    seen: str | None = None


def mark_of_contact(hub: Hub, row: Row[Any]) -> str:
    """Return the mark of what people here write of a contact."""
    return mark_of(hub, row.name, own(row.attributes or {}))


def find_contact(db: Connection, contact_id: str, *, lock: bool = False) -> Row[Any]:
    """Return a contact. Raises `NotFound`, or `Merged` where it is a part of another."""
    row = queries.contact(db, contact_id, lock=lock)
    if row is None:
        raise missing(db, contact_id)
    return row


def missing(db: Connection, contact_id: str) -> HubError:
    """Return why there is no such contact."""
    merge = queries.merge_of(db, contact_id)
    return NotFound("There is no such contact.") if merge is None else Merged(merge.into_id)


def change_contact(hub: Hub, contact_id: str, change: ContactChange, *, actor: str) -> None:
    """Change a contact; attributes are merged, and a null takes one away.

    Raises `NotFound`, `Merged`, `Invalid` or `Overtaken`.
    """
    with transaction(hub.engine) as db:
        row = find_contact(db, contact_id, lock=True)
        check_seen(hub, change.seen, row.name, own(row.attributes or {}))
        columns = _columns(hub, row, change)
        values = {name: new for name, new in columns.items() if new != getattr(row, name)}
        if values:
            queries.change_contact(db, contact_id, **values)
            audit(
                db,
                now=hub.now(),
                actor=actor,
                action="contact.changed",
                object_id=contact_id,
                detail={"changed": sorted(name.removesuffix("_at") for name in values)},
            )


def choose(hub: Hub, contact_id: str, address_id: str, *, marketing: bool, actor: str) -> None:
    """Write what a contact said about marketing to one of their addresses. Raises `NotFound`."""
    now = hub.now()
    with transaction(hub.engine) as db:
        find_contact(db, contact_id)
        if queries.address(db, contact_id, address_id) is None:
            raise NotFound("The contact has no such address.")
        choose_marketing(db, table(Address).c.id == address_id, marketing=marketing, at=now)
        audit(
            db,
            now=now,
            actor=actor,
            action="contact.consent",
            object_id=contact_id,
            detail={"address": address_id, "marketing": marketing},
        )


def _columns(hub: Hub, row: Row[Any], change: ContactChange) -> dict[str, Any]:
    values: dict[str, Any] = {}
    if "name" in change.names:
        values["name"] = legible(change.name or "") or None
    if "attributes" in change.names:
        _refuse_groups(change.attributes)
        _refuse_long(change.attributes)
        both = {**row.attributes, **change.attributes}
        values["attributes"] = {key: value for key, value in both.items() if value is not None}
    if "blocked" in change.names:
        values["blocked_at"] = (row.blocked_at or hub.now()) if change.blocked else None
    return values


def _refuse_groups(attributes: Mapping[str, Any]) -> None:
    """Refuse to write over what a site, or a visitor, says of a contact."""
    why = "It holds what a site or a visitor says of the contact; take another name."
    wrong = [Complaint(f"attributes.{name}", why) for name in GROUPS if name in attributes]
    if wrong:
        raise Invalid(*wrong)


def _refuse_long(attributes: Mapping[str, Any]) -> None:
    """Refuse what no page has room for: each one about the contact shows all of it."""
    long = (
        *(("name", _LONGEST_NAME) for name in attributes if len(name) > _LONGEST_NAME),
        *(("value", _LONGEST) for value in attributes.values() if len(str(value)) > _LONGEST),
    )
    wrong = [f"The {what} of an attribute has at most {most} characters." for what, most in long]
    if wrong:
        raise Invalid(*(Complaint("attributes", why) for why in dict.fromkeys(wrong)))
