"""Ask for contacts, hold them, and move what is theirs."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    Row,
    Select,
    Table,
    delete,
    func,
    insert,
    select,
    update,
)

from hubbub.deliver.queries import hold_channel
from hubbub.store import search
from hubbub.store.names import named_messages
from hubbub.store.states import DUE_STATES
from hubbub.store.tables import (
    Address,
    Channel,
    Contact,
    ContactMerge,
    Conversation,
    Delivery,
    MediaFile,
    Message,
    Note,
    table,
)
from hubbub.store.types import AnyRow, one_of

_addresses = table(Address)
_channels = table(Channel)
_contacts = table(Contact)
_conversations = table(Conversation)
_deliveries = table(Delivery)
_media = table(MediaFile)
_merges = table(ContactMerge)
_messages = table(Message)
_notes = table(Note)

# --- ask --------------------------------------------------------------------------------------


def contacts(
    db: Connection,
    *,
    q: str | None,
    before: str | None,
    limit: int,
    blocked: bool | None = None,
) -> list[Row[Any]]:
    """Return contacts, the newest first; ``q`` are words of a name or an address."""
    found = select(_contacts)
    if q:
        found = found.where(search.contacts(db, q))
    if blocked is not None:
        since = _contacts.c.blocked_at
        found = found.where(since.is_not(None) if blocked else since.is_(None))
    if before is not None:
        found = found.where(_contacts.c.id < before)
    return list(db.execute(found.order_by(_contacts.c.id.desc()).limit(limit)))


def contact(db: Connection, contact_id: str, *, lock: bool = False) -> Row[Any] | None:
    """Return a contact, or None; ``lock``: it stays as it is until the end."""
    found = select(_contacts).where(_contacts.c.id == contact_id)
    return db.execute(found.with_for_update() if lock else found).one_or_none()


def addresses(db: Connection, contact_ids: Collection[str]) -> list[Row[Any]]:
    """Return the addresses of contacts, oldest first, with when they last wrote from each."""
    wrote = (
        select(func.max(_conversations.c.last_inbound_at, type_=_conversations.c.created_at.type))
        .where(_conversations.c.address_id == _addresses.c.id)
        .correlate(_addresses)
        .scalar_subquery()
    )
    found = (
        select(
            _addresses,
            wrote.label("wrote_at"),
            _channels.c.name.label("channel_name"),
            _channels.c.type.label("channel_type"),
        )
        .join(_channels, _channels.c.id == _addresses.c.channel_id)
        .where(_addresses.c.contact_id.in_(contact_ids))
    )
    return list(db.execute(found.order_by(_addresses.c.id)))


def address(db: Connection, contact_id: str, address_id: str) -> AnyRow | None:
    """Return an address of a contact, or None."""
    found = select(_addresses).where(
        _addresses.c.id == address_id, _addresses.c.contact_id == contact_id
    )
    return db.execute(found).one_or_none()


def said(db: Connection, contact_id: str, *, before: str | None, limit: int) -> Sequence[Row[Any]]:
    """Return messages with a contact over all channels, the newest first."""
    # An index leads from a conversation to its messages, and none from a contact: that would cost
    # something with every message that comes. They are gathered first, lest the database look for
    # the latest ones among everybody's.
    theirs = select(_messages.c.id).where(_messages.c.conversation_id.in_(of_contact(contact_id)))
    if before is not None:
        theirs = theirs.where(_messages.c.id < before)
    ids = theirs.cte("theirs").prefix_with("MATERIALIZED")
    last = select(ids.c.id).order_by(ids.c.id.desc()).limit(limit)
    found = named_messages().where(_messages.c.id.in_(last))
    return db.execute(found.order_by(_messages.c.id.desc())).all()


def notes(db: Connection, contact_id: str, *, after: str, limit: int) -> Sequence[AnyRow]:
    """Return notes on conversations with a contact, the oldest first."""
    columns = (one for one in _notes.c if one.name != "idempotency_key")
    found = select(*columns).where(
        _notes.c.conversation_id.in_(of_contact(contact_id)), _notes.c.id > after
    )
    return db.execute(found.order_by(_notes.c.id).limit(limit)).all()


def conversations(db: Connection, contact_id: str) -> Sequence[AnyRow]:
    """Return the conversations with a contact, oldest first."""
    found = select(_conversations).where(_conversations.c.contact_id == contact_id)
    return db.execute(found.order_by(_conversations.c.id)).all()


def files(db: Connection, contact_id: str) -> Sequence[AnyRow]:
    """Return the files that are stored of what was said with a contact, oldest first."""
    found = (
        select(_media)
        .join(_messages, _messages.c.id == _media.c.message_id)
        .where(_messages.c.conversation_id.in_(of_contact(contact_id)), _media.c.state == "ready")
    )
    return db.execute(found.order_by(_media.c.id)).all()


def held(db: Connection, contact_id: str) -> Mapping[str, int]:
    """Count what is held of a contact."""
    theirs = of_contact(contact_id)
    messages = select(_messages.c.id).where(_messages.c.conversation_id.in_(theirs))
    waiting = (
        _deliveries.c.conversation_id.in_(theirs),
        _deliveries.c.destination == "contact",
        one_of(_deliveries.c.state, DUE_STATES),
    )
    counted: dict[str, tuple[Table, Sequence[ColumnElement[bool]]]] = {
        "addresses": (_addresses, [_addresses.c.contact_id == contact_id]),
        "conversations": (_conversations, [_conversations.c.contact_id == contact_id]),
        "messages": (_messages, [_messages.c.conversation_id.in_(theirs)]),
        "notes": (_notes, [_notes.c.conversation_id.in_(theirs)]),
        "files": (_media, [_media.c.message_id.in_(messages)]),
        "waiting": (_deliveries, waiting),
    }
    numbers = select(
        *(
            select(func.count()).select_from(rows).where(*wanted).scalar_subquery().label(name)
            for name, (rows, wanted) in counted.items()
        )
    )
    return db.execute(numbers).one()._asdict()


def of_contact(contact_id: str) -> Select[Any]:
    """Return the ids of the conversations with a contact."""
    return select(_conversations.c.id).where(_conversations.c.contact_id == contact_id)


def merges_into(db: Connection, contact_id: str) -> Sequence[AnyRow]:
    """Return what was merged into a contact, the latest first."""
    found = select(_merges).where(_merges.c.into_id == contact_id)
    return db.execute(found.order_by(_merges.c.id.desc())).all()


def merge_of(db: Connection, contact_id: str) -> AnyRow | None:
    """Return into what a contact was merged, or None."""
    return db.execute(select(_merges).where(_merges.c.contact_id == contact_id)).one_or_none()


# --- hold and change --------------------------------------------------------------------------


def hold(db: Connection, contact_ids: Collection[str]) -> dict[str, Row[Any]]:
    """Return those of the contacts that exist, which stay as they are until the end.

    Nobody else reads calls of their channels meanwhile, or writes to their conversations, or begins
    one. Always in this order, channels, conversations, contacts: so do those who bring messages.
    """
    wanted = sorted(contact_ids)
    _hold_channels(db, wanted)
    theirs = select(_conversations.c.id).where(_conversations.c.contact_id.in_(wanted))
    db.execute(theirs.order_by(_conversations.c.id).with_for_update()).all()
    them = select(_contacts).where(_contacts.c.id.in_(wanted)).order_by(_contacts.c.id)
    return {row.id: row for row in db.execute(them.with_for_update())}


def _hold_channels(db: Connection, contact_ids: Collection[str]) -> None:
    theirs = select(_addresses.c.channel_id).where(_addresses.c.contact_id.in_(contact_ids))
    held: set[str] = set()
    # While we waited, an address may have moved to them from elsewhere.
    while more := {*db.execute(theirs.distinct()).scalars()} - held:
        for channel_id in sorted(more):
            hold_channel(db, channel_id)
        held |= more


def change_contact(db: Connection, contact_id: str, **values: Any) -> None:
    """Change columns of a contact."""
    db.execute(update(_contacts).where(_contacts.c.id == contact_id).values(**values))


def add_contact(db: Connection, **values: Any) -> None:
    """Store a contact."""
    db.execute(insert(_contacts).values(**values))


def drop_contact(db: Connection, contact_id: str) -> None:
    """Remove a contact of whom nothing is left."""
    db.execute(delete(_contacts).where(_contacts.c.id == contact_id))


def move(
    db: Connection, address_ids: Collection[str], *, before: str, after: str
) -> Sequence[AnyRow]:
    """Let addresses of one contact be another's, with all that is said there.

    Return the conversations that moved.
    """
    addressed = (_addresses.c.id.in_(address_ids), _addresses.c.contact_id == before)
    theirs = _conversations.c.address_id.in_(select(_addresses.c.id).where(*addressed))
    moved = db.execute(select(_conversations.c.id, _conversations.c.channel_id).where(theirs)).all()
    messages = _messages.c.conversation_id.in_(select(_conversations.c.id).where(theirs))
    db.execute(update(_messages).where(messages).values(contact_id=after))
    db.execute(update(_conversations).where(theirs).values(contact_id=after))
    db.execute(update(_addresses).where(*addressed).values(contact_id=after))
    return moved


def add_merge(db: Connection, **values: Any) -> None:
    """Remember a merge."""
    db.execute(insert(_merges).values(**values))


def drop_merge(db: Connection, merge_id: str) -> None:
    """Forget a merge."""
    db.execute(delete(_merges).where(_merges.c.id == merge_id))


def hand_merges(db: Connection, contact_ids: Collection[str], *, before: str, after: str) -> None:
    """Let contacts that were merged into one be a part of another."""
    carried = (_merges.c.contact_id.in_(contact_ids), _merges.c.into_id == before)
    db.execute(update(_merges).where(*carried).values(into_id=after))
