"""Make two contacts one, and undo that.

All that is said belongs to an address, and an address to a contact. So a merge moves the addresses
of one to the other, with their conversations and messages, and remembers which; undone, the same
addresses go back, with all that was said there since.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection

from hubbub.contacts import queries
from hubbub.contacts.rules import Known, Taken, merged, parted
from hubbub.contacts.work import find_contact, missing
from hubbub.hub import Hub
from hubbub.live import LiveEvent
from hubbub.people.audit import audit
from hubbub.people.errors import Complaint, Conflict, Invalid, NotFound
from hubbub.store.news import note
from hubbub.store.session import reading, transaction
from hubbub.store.types import AnyRow, new_id


@dataclass(frozen=True, kw_only=True)
class Preview:
    """What a merge would do."""

    #: What moves, as `hubbub.contacts.queries.held` counts it.
    moves: Mapping[str, int]
    #: What is known of the contact afterwards, and what of that it took over.
    known: Known
    taken: Taken


@dataclass(frozen=True, kw_only=True)
class Past:
    """A merge that can be undone, or could once those were that came after it."""

    id: str
    contact_id: str
    name: str | None
    addresses: int
    merged_at: datetime
    merged_by: str
    #: Whether it came along with another merge, which has to be undone first.
    carried: bool


def preview(hub: Hub, contact_id: str, other_id: str) -> Preview:
    """Say what merging ``other_id`` into a contact would do. Raises as `merge`."""
    _refuse_itself(contact_id, other_id)
    with reading(hub.engine) as db:
        mine, theirs = find_contact(db, contact_id), find_contact(db, other_id)
        known, taken = merged(_known(mine), _known(theirs))
        return Preview(moves=queries.held(db, other_id), known=known, taken=taken)


def merge(hub: Hub, contact_id: str, other_id: str, *, actor: str) -> None:
    """Make the contact ``other_id`` a part of another, whose id and choices stay.

    Raises `NotFound`, `hubbub.contacts.work.Merged`, or `Invalid` for one and the same.
    """
    _refuse_itself(contact_id, other_id)
    now = hub.now()
    with transaction(hub.engine) as db:
        held = queries.hold(db, (contact_id, other_id))
        for wanted in (contact_id, other_id):
            if wanted not in held:
                raise missing(db, wanted)
        theirs = held[other_id]
        known, taken = merged(_known(held[contact_id]), _known(theirs))
        address_ids = [row.id for row in queries.addresses(db, [other_id])]
        carried = [row.contact_id for row in queries.merges_into(db, other_id)]
        queries.hand_merges(db, carried, before=other_id, after=contact_id)
        moved = queries.move(db, address_ids, before=other_id, after=contact_id)
        _write(db, contact_id, known)
        queries.drop_contact(db, other_id)
        queries.add_merge(
            db,
            id=new_id(),
            contact_id=other_id,
            into_id=contact_id,
            name=theirs.name,
            attributes=theirs.attributes,
            blocked_at=theirs.blocked_at,
            created_at=theirs.created_at,
            address_ids=address_ids,
            carried=carried,
            taken=taken.written(),
            merged_at=now,
            merged_by=actor,
        )
        _note(db, moved)
        audit(
            db,
            now=now,
            actor=actor,
            action="contact.merged",
            object_id=contact_id,
            detail={"merged": other_id, "conversations": len(moved)},
        )
    _tell(hub, moved)


def past_merges(db: Connection, contact_id: str) -> list[Past]:
    """Return what was merged into a contact, the latest first."""
    rows = queries.merges_into(db, contact_id)
    carried = {one for row in rows for one in row.carried}
    return [
        Past(
            id=row.id,
            contact_id=row.contact_id,
            name=row.name,
            addresses=len(row.address_ids),
            merged_at=row.merged_at,
            merged_by=row.merged_by,
            carried=row.contact_id in carried,
        )
        for row in rows
    ]


def unmerge(hub: Hub, contact_id: str, merge_id: str, *, actor: str) -> str:
    """Undo a merge; return the id of the contact that is there again, the same as it was.

    Raises `NotFound`, `hubbub.contacts.work.Merged`, or `Conflict` for one that came along with
    another.
    """
    now = hub.now()
    with transaction(hub.engine) as db:
        held = queries.hold(db, [contact_id])
        if contact_id not in held:
            raise missing(db, contact_id)
        row = _undoable(db, contact_id, merge_id)
        rest, back = parted(_known(held[contact_id]), _known(row), Taken.read(row.taken))
        queries.add_contact(
            db,
            id=row.contact_id,
            name=back.name,
            attributes=dict(back.attributes),
            blocked_at=back.blocked_at,
            created_at=row.created_at,
        )
        moved = queries.move(db, row.address_ids, before=contact_id, after=row.contact_id)
        queries.hand_merges(db, row.carried, before=contact_id, after=row.contact_id)
        _write(db, contact_id, rest)
        queries.drop_merge(db, merge_id)
        _note(db, moved)
        audit(
            db,
            now=now,
            actor=actor,
            action="contact.unmerged",
            object_id=contact_id,
            detail={"unmerged": row.contact_id, "conversations": len(moved)},
        )
    _tell(hub, moved)
    return str(row.contact_id)


def _refuse_itself(contact_id: str, other_id: str) -> None:
    if contact_id == other_id:
        raise Invalid(Complaint("contact_id", "This is the same contact."))


def _undoable(db: Connection, contact_id: str, merge_id: str) -> AnyRow:
    rows = queries.merges_into(db, contact_id)
    row = next((row for row in rows if row.id == merge_id), None)
    if row is None:
        raise NotFound("There is no such merge: perhaps it was undone.")
    with_it = next((one for one in rows if row.contact_id in one.carried), None)
    if with_it is not None:
        raise Conflict(
            f"It came along with the contact {with_it.contact_id}: undo that merge first.",
            code="merge_carried",
        )
    return row


def _known(row: AnyRow) -> Known:
    return Known(name=row.name, attributes=row.attributes or {}, blocked_at=row.blocked_at)


def _write(db: Connection, contact_id: str, known: Known) -> None:
    queries.change_contact(
        db,
        contact_id,
        name=known.name,
        attributes=dict(known.attributes),
        blocked_at=known.blocked_at,
    )


def _note(db: Connection, moved: Sequence[AnyRow]) -> None:
    for conversation in moved:
        note(db, "conversation_changed", conversation.id)


def _tell(hub: Hub, moved: Sequence[AnyRow]) -> None:
    hub.live.publish([LiveEvent("conversation", row.channel_id, row.id) for row in moved])
