"""Ask for what a batch of calls needs to know, and store what it brings: all set-wise."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any, Final

from sqlalchemy import (
    BigInteger,
    Connection,
    Table,
    bindparam,
    delete,
    func,
    insert,
    or_,
    select,
    text,
    tuple_,
    union,
    update,
)

from hubbub.store.calls import EMPTIED
from hubbub.store.prepared import Adding, Prepared, among, setting
from hubbub.store.states import DUE_STATES, DeliveryState
from hubbub.store.tables import (
    Address,
    AddressChange,
    Call,
    Channel,
    Contact,
    Conversation,
    Delivery,
    MediaFile,
    Message,
    MessageVersion,
    Piece,
    Receipt,
    table,
)
from hubbub.store.types import AnyRow, one_of

calls = table(Call)
contacts = table(Contact)
addresses = table(Address)
conversations = table(Conversation)
messages = table(Message)
versions = table(MessageVersion)
pieces = table(Piece)
address_changes = table(AddressChange)
receipts = table(Receipt)
deliveries = table(Delivery)
files = table(MediaFile)
channels = table(Channel)

_LENGTH: Final = func.length(calls.c.body)
_FIRST: Final = (
    select(calls.c.id, (func.sum(_LENGTH).over(order_by=calls.c.id) - _LENGTH).label("before"))
    .where(calls.c.channel_id == bindparam("channel_id"), calls.c.state == text("'pending'"))
    .order_by(calls.c.id)
    .limit(bindparam("most"))
    .subquery()
)
_PENDING: Final = Prepared(
    select(calls)
    .join(_FIRST, _FIRST.c.id == calls.c.id)
    .where(_FIRST.c.before < bindparam("octets", type_=BigInteger()))
    .order_by(calls.c.id)
)
_KNOWN_MESSAGES: Final = Prepared(
    select(messages.c.id, messages.c.event_key, messages.c.kind).where(
        messages.c.channel_id == bindparam("channel_id"), among(messages.c.event_key, "wanted")
    )
)
_BY_EXTERNAL_ID: Final = Prepared(
    select(messages.c.id, messages.c.external_id, messages.c.content, messages.c.kind)
    .where(
        messages.c.channel_id == bindparam("channel_id"), among(messages.c.external_id, "wanted")
    )
    .order_by(messages.c.seq)
)
_SENT: Final = Prepared(
    select(deliveries.c.message_id, deliveries.c.external_id).where(
        deliveries.c.channel_id == bindparam("channel_id"),
        among(deliveries.c.external_id, "wanted"),
    )
)
_SETTLE: Final = setting(
    calls,
    "state",
    "reason",
    "settled_at",
    "events",
    "applied",
    "duplicate",
    "ignored",
    "dead",
    "outcomes",
)
_JOIN: Final = setting(pieces, "message_id", "due_at")
_TOUCH: Final = Prepared(
    update(channels)
    .where(channels.c.id == bindparam("channel_id"))
    .values(last_active_at=bindparam("now"))
)
_ADD: Final = {
    which: Adding(which)
    for which in (contacts, addresses, conversations, messages, pieces, versions, address_changes)
}


def pending(db: Connection, *, channel_id: str, limit: int, octets: int) -> Sequence[AnyRow]:
    """Return the oldest calls of a channel that nobody has read.

    Their bodies have ``octets`` together, and more only by the last of them.
    """
    return _PENDING.all(db, channel_id=channel_id, most=limit, octets=octets)


def known_messages(db: Connection, channel_id: str, keys: Collection[str]) -> Sequence[AnyRow]:
    """Return the messages that events with these keys have already become."""
    if not keys:
        return []
    return _KNOWN_MESSAGES.all(db, channel_id=channel_id, wanted=keys)


def by_external_id(db: Connection, channel_id: str, ids: Collection[str]) -> Sequence[AnyRow]:
    """Return the messages that the provider knows by these ids, oldest first."""
    if not ids:
        return []
    return _BY_EXTERNAL_ID.all(db, channel_id=channel_id, wanted=ids)


def sent(db: Connection, channel_id: str, ids: Collection[str]) -> Sequence[AnyRow]:
    """Return what was sent that the provider knows by these ids."""
    if not ids:
        return []
    return _SENT.all(db, channel_id=channel_id, wanted=ids)


def by_reference(db: Connection, channel_id: str, references: Collection[str]) -> dict[str, str]:
    """Return the conversations of what was sent with these references (`Part.reference`)."""
    if not references:
        return {}
    found = select(deliveries.c.id, deliveries.c.conversation_id).where(
        deliveries.c.id.in_(references), deliveries.c.channel_id == channel_id
    )
    return {row.id: row.conversation_id for row in db.execute(found)}


def conversations_by_external_id(
    db: Connection, channel_id: str, ids: Collection[str]
) -> dict[str, list[str]]:
    """Return the conversations of what the provider knows by these ids, in or out.

    Strangers may have used the same id.
    """
    if not ids:
        return {}
    known = union(
        *(
            select(which.c.external_id, which.c.conversation_id).where(
                which.c.channel_id == channel_id, which.c.external_id.in_(ids)
            )
            for which in (messages, deliveries)
        )
    ).subquery()
    found: dict[str, list[str]] = {}
    for row in db.execute(select(known).order_by(known.c.conversation_id)):
        found.setdefault(row.external_id, []).append(row.conversation_id)
    return found


def beside(db: Connection, address_ids: Collection[str], related: Collection[str]) -> Sequence[str]:
    """Return the conversations of these addresses that began beside the ``related`` ones."""
    if not address_ids or not related:
        return []
    found = select(conversations.c.id).where(
        conversations.c.address_id.in_(address_ids),
        conversations.c.thread != "",
        conversations.c.related_id.in_(related),
    )
    return db.execute(found).scalars().all()


def by_account(db: Connection, channel_type: str, accounts: Collection[str]) -> Sequence[AnyRow]:
    """Return the channels of a type that have these accounts."""
    found = select(channels.c.id, channels.c.account).where(
        channels.c.type == channel_type,
        channels.c.account.in_(accounts),
        channels.c.deleted_at.is_(None),
    )
    return db.execute(found).all()


def senders(db: Connection, channel_type: str, addresses: Collection[str]) -> set[str]:
    """Return those of ``addresses`` from which channels of a type write."""
    found = select(channels.c.sender).where(
        channels.c.type == channel_type,
        channels.c.sender.in_(addresses),
        channels.c.deleted_at.is_(None),
    )
    return set(db.execute(found).scalars())


def add_calls(db: Connection, rows: Sequence[Mapping[str, Any]]) -> None:
    """Keep calls that came to other channels."""
    if rows:
        db.execute(insert(calls), list(rows))


def known_keys(db: Connection, which: Table, channel_id: str, keys: Collection[str]) -> set[str]:
    """Return those of ``keys`` that ``which`` holds for the channel."""
    if not keys:
        return set()
    found = select(which.c.event_key).where(
        which.c.channel_id == channel_id, which.c.event_key.in_(keys)
    )
    return set(db.execute(found).scalars())


def add(db: Connection, which: Table, rows: Sequence[Mapping[str, Any]]) -> None:
    """Store rows of one table; all must name the same columns."""
    _ADD[which].run(db, rows)


def pieces_of(
    db: Connection,
    channel_id: str,
    *,
    addresses: Collection[str],
    wholes: Collection[str],
    since: datetime,
) -> Sequence[AnyRow]:
    """Return the pieces of these messages that wait, or that came ``since`` then.

    An index finds them by the ``addresses`` that they came from.
    """
    found = select(pieces).where(
        pieces.c.channel_id == channel_id,
        pieces.c.address.in_(addresses),
        pieces.c.whole.in_(wholes),
        or_(pieces.c.due_at.is_not(None), pieces.c.kept_at >= since),
    )
    return db.execute(found).all()


def calls_of(db: Connection, ids: Collection[str]) -> Sequence[AnyRow]:
    """Return these calls."""
    return db.execute(select(calls).where(calls.c.id.in_(ids))).all()


def overdue(db: Connection, channel_id: str, *, now: datetime) -> Sequence[AnyRow]:
    """Return address and ``whole`` of the pieces that have waited too long."""
    found = (
        select(pieces.c.address, pieces.c.whole)
        .distinct()
        .where(pieces.c.channel_id == channel_id, pieces.c.due_at <= now)
    )
    return db.execute(found).all()


def join(db: Connection, rows: Sequence[Mapping[str, Any]]) -> None:
    """Write what pieces became a part of."""
    _JOIN.run(db, rows)


def waiting_pieces(
    db: Connection, channel_id: str, *, address: str, whole: str
) -> Sequence[AnyRow]:
    """Return the pieces of a message that wait, the oldest first."""
    found = select(pieces).where(
        pieces.c.channel_id == channel_id,
        pieces.c.address == address,
        pieces.c.whole == whole,
        pieces.c.due_at.is_not(None),
    )
    return db.execute(found.order_by(pieces.c.id)).all()


def forget_pieces(db: Connection, ids: Collection[str]) -> None:
    """Let it be unknown that these pieces ever came."""
    db.execute(delete(pieces).where(pieces.c.id.in_(ids)))


def settle(db: Connection, rows: Sequence[Mapping[str, Any]]) -> None:
    """Write what became of calls."""
    _SETTLE.run(db, rows)


def empty_calls(db: Connection, ids: Collection[str]) -> None:
    """Take from calls what they told: it was erased before they came."""
    if ids:
        db.execute(update(calls).where(calls.c.id.in_(ids)).values(**EMPTIED))


def touch_channel(db: Connection, channel_id: str, now: datetime) -> None:
    """Remember that the channel was active; no new version, nobody's copy depends on it."""
    _TOUCH.run(db, channel_id=channel_id, now=now)


def change_message(
    db: Connection,
    message_id: str,
    *,
    content: Mapping[str, Any] | None = None,
    kind: str | None = None,
    edited_at: datetime | None = None,
    deleted_at: datetime | None = None,
) -> None:
    """Write an edit, a deletion, or a placeholder's better reading."""
    values = {
        "content": content,
        "kind": kind,
        "edited_at": edited_at,
        "deleted_at": deleted_at,
    }
    given = {name: value for name, value in values.items() if value is not None}
    db.execute(update(messages).where(messages.c.id == message_id).values(given))


def empty(db: Connection, message_id: str, gone: Mapping[str, Any]) -> list[str]:
    """Let ``gone`` be all that is left of what a message said before; return its files.

    Where it waits to be handed on, it does not any more. The keys of its versions stay: what
    changed it is never applied again.
    """
    db.execute(update(versions).where(versions.c.message_id == message_id).values(content=gone))
    parts = update(deliveries).where(deliveries.c.message_id == message_id)
    db.execute(parts.where(deliveries.c.content.is_not(None)).values(content=gone))
    waiting = deliveries.c.onward & one_of(deliveries.c.state, DUE_STATES)
    db.execute(parts.where(waiting).values(state=DeliveryState.CANCELLED))
    # What people here uploaded belongs to no channel, and may be a part of other messages too.
    came = (files.c.message_id == message_id, files.c.channel_id.is_not(None))
    return list(db.execute(delete(files).where(*came).returning(files.c.id)).scalars())


def hide_preview(db: Connection, message_id: str) -> None:
    """Show no words of a message that was taken back, where it is the last of its conversation."""
    gone = select(messages.c.conversation_id, messages.c.seq).where(messages.c.id == message_id)
    db.execute(
        update(conversations)
        .where(tuple_(conversations.c.id, conversations.c.last_seq).in_(gone))
        .values(preview="Deleted by its author.")
    )


def change_address(db: Connection, address_id: str, **values: Any) -> None:
    """Write an address's new state, or the new form of it."""
    db.execute(update(addresses).where(addresses.c.id == address_id).values(values))


def rename(db: Connection, address_id: str, contact_id: str, name: str) -> None:
    """Write the name that a contact goes by now; a name given here by a person stays."""
    before = select(addresses.c.name).where(addresses.c.id == address_id).scalar_subquery()
    db.execute(
        update(contacts)
        .where(contacts.c.id == contact_id)
        .where(or_(contacts.c.name.is_(None), contacts.c.name == before))
        .values(name=name)
    )
    db.execute(update(addresses).where(addresses.c.id == address_id).values(name=name))


def move_address(db: Connection, channel_id: str, address_id: str, moved_to: str) -> None:
    """Write the new form of an address, unless the channel knows that form already."""
    if not address_taken(db, channel_id, moved_to):
        change_address(db, address_id, address=moved_to)


def address_taken(db: Connection, channel_id: str, address: str) -> bool:
    """Whether the channel already knows this address."""
    found = select(addresses.c.id).where(
        addresses.c.channel_id == channel_id, addresses.c.address == address
    )
    return db.execute(found).first() is not None
