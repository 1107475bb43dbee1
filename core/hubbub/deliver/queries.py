"""Store what is to be carried, and change one's mind about it."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Any, Final

from sqlalchemy import (
    Connection,
    Update,
    case,
    func,
    insert,
    or_,
    select,
    text,
    update,
)

from hubbub.metrics import messages_stored
from hubbub.sdk.values import Fault
from hubbub.store.addresses import choose_marketing
from hubbub.store.deliveries import LOST
from hubbub.store.news import note
from hubbub.store.prepared import Adding
from hubbub.store.states import ACTIVE, DUE_STATES, NEVER, DeliveryState, predecessors
from hubbub.store.tables import (
    Address,
    Attempt,
    Call,
    Channel,
    Contact,
    Conversation,
    Delivery,
    MediaFile,
    Message,
    table,
)
from hubbub.store.threads import Addressee, Thread, row_of, rows_of
from hubbub.store.types import AnyRow, one_of

_deliveries = table(Delivery)
_messages = table(Message)
_channels = table(Channel)
_conversations = table(Conversation)
_addresses = table(Address)
_attempts = table(Attempt)
_calls = table(Call)
_contacts = table(Contact)
_media = table(MediaFile)

#: More than a provider shows at once of what it has.
_MOST_OTHERS: Final = 200


_ADD_DELIVERIES: Final = Adding(_deliveries)
_ADD_MEDIA: Final = Adding(_media)


def add_deliveries(db: Connection, rows: Sequence[Mapping[str, Any]]) -> None:
    """Store deliveries."""
    _ADD_DELIVERIES.run(db, rows)


def add_media(db: Connection, rows: Sequence[Mapping[str, Any]]) -> None:
    """Store files still to be fetched."""
    _ADD_MEDIA.run(db, rows)


def add_message(db: Connection, row: Mapping[str, Any]) -> None:
    """Store one message that goes out."""
    messages_stored("outbound")
    db.execute(insert(_messages), row)


def others(db: Connection, row: AnyRow) -> frozenset[str]:
    """Return the provider's ids of what else went to the contact of the delivery ``row``."""
    found = (
        select(_deliveries.c.external_id)
        .join(_messages, _messages.c.id == _deliveries.c.message_id)
        .where(
            _messages.c.conversation_id == row.conversation_id,
            _deliveries.c.destination == "contact",
            _deliveries.c.external_id.is_not(None),
            _deliveries.c.id != row.id,
        )
        .order_by(_messages.c.seq.desc())
        .limit(_MOST_OTHERS)
    )
    return frozenset(db.execute(found).scalars())


def move(db: Connection, delivery_id: str, target: DeliveryState, **values: Any) -> bool:
    """Move one delivery to ``target`` if the table of states allows it; say whether it did."""
    moved = db.execute(
        update(_deliveries)
        .where(
            _deliveries.c.id == delivery_id,
            one_of(_deliveries.c.state, predecessors(target)),
        )
        .values(state=target, **values)
    )
    return bool(moved.rowcount)


def ask_again(db: Connection, row: AnyRow, *, at: datetime) -> None:
    """Write when to ask again what became of the attempt that ``row`` tells of."""
    db.execute(_still_unknown(row).values(due_at=at))


def send_again(db: Connection, row: AnyRow, *, now: datetime, **values: Any) -> None:
    """Make a delivery due again whose attempt, of which ``row`` tells, was lost."""
    db.execute(_still_unknown(row).values(state=DeliveryState.RETRYING, due_at=now, **values))


def _still_unknown(row: AnyRow) -> Update:
    """Return what changes a delivery if nothing has happened since it was read as ``row``.

    Whoever asks about one attempt must not meddle with the next, which a person may have asked for.
    """
    return update(_deliveries).where(
        _deliveries.c.id == row.id,
        one_of(_deliveries.c.state, (DeliveryState.UNKNOWN,)),
        _deliveries.c.attempts == row.attempts,
    )


def ended(db: Connection, ids: Collection[str]) -> set[str]:
    """Return those of ``ids`` that have ended."""
    if not ids:
        return set()
    found = select(_deliveries.c.id).where(
        _deliveries.c.id.in_(ids), ~one_of(_deliveries.c.state, ACTIVE)
    )
    return set(db.execute(found).scalars())


def take_answer(db: Connection, delivery_id: str) -> bool:
    """Take the answer that came through the callback; False when the delivery has ended.

    It may come before the promise of it is written down, or after one that was lost.
    """
    taken = db.execute(
        update(_deliveries)
        .where(
            _deliveries.c.id == delivery_id,
            one_of(_deliveries.c.state, predecessors(DeliveryState.SENT)),
        )
        .values(state=DeliveryState.SENT, awaits_answer=False, error=None)
    )
    return bool(taken.rowcount)


def release(db: Connection, message_id: str, *, now: datetime) -> int:
    """Make the parts of a message that waits for a person due, none before its time.

    Return how many there were.
    """
    released = db.execute(
        update(_deliveries)
        .where(
            _deliveries.c.message_id == message_id,
            _deliveries.c.state == DeliveryState.QUEUED,
            _deliveries.c.due_at == NEVER,
        )
        .values(
            due_at=case((_deliveries.c.starts_at > now, _deliveries.c.starts_at), else_=now),
            lane_until=None,
            error=None,
        )
    )
    if released.rowcount:
        db.execute(update(_messages).where(_messages.c.id == message_id).values(error=None))
    return released.rowcount


def revive(db: Connection, message_id: str, *, now: datetime) -> int:
    """Make the failed and unknown parts of a message due again, on a person's word.

    They lose the provider's ids, by which it may still tell of the try before.
    """
    revived = db.execute(
        update(_deliveries)
        .where(
            _deliveries.c.message_id == message_id,
            LOST,
        )
        .values(
            state=DeliveryState.QUEUED,
            due_at=now,
            lane_until=None,
            starts_at=None,
            external_id=None,
            error=None,
        )
    )
    return revived.rowcount


def cancel(db: Connection, message_id: str) -> int:
    """Cancel the parts of a message that nobody has begun to send; return how many."""
    cancelled = db.execute(
        update(_deliveries)
        .where(
            _deliveries.c.message_id == message_id,
            _deliveries.c.destination == "contact",
            one_of(_deliveries.c.state, DUE_STATES),
        )
        .values(state=DeliveryState.CANCELLED)
    )
    return cancelled.rowcount


def pause_channel(
    db: Connection,
    channel_id: str,
    *,
    until: datetime,
    status: str | None,
    reason: str,
    now: datetime,
) -> None:
    """Send nothing through a channel before ``until``; with ``status``, say why in the list.

    A pause that is longer already stays.
    """
    this = update(_channels).where(_channels.c.id == channel_id)
    shorter = or_(_channels.c.paused_until.is_(None), _channels.c.paused_until < until)
    db.execute(this.where(shorter).values(paused_until=until))
    if status is None:
        return
    told = {"status": status, "status_reason": reason, "status_since": now}
    if db.execute(this.where(_channels.c.status != status).values(told)).rowcount:
        note(db, "channel_status_changed", channel_id)


def stop_marketing(db: Connection, channel_id: str, address: str, *, now: datetime) -> None:
    """Note that an address takes no marketing any more."""
    this = (_addresses.c.channel_id == channel_id, _addresses.c.address == address)
    choose_marketing(db, *this, marketing=False, at=now)


def pause_bulk(db: Connection, channel_id: str, *, until: datetime) -> None:
    """Send no campaigns through a channel before ``until``; a pause that is longer stays."""
    paused = _channels.c.bulk_paused_until
    this = update(_channels).where(_channels.c.id == channel_id)
    db.execute(this.where(or_(paused.is_(None), paused < until)).values(bulk_paused_until=until))


def channel_at(db: Connection, channel_id: str, *, version: int) -> AnyRow | None:
    """Return a channel, held until the transaction ends, if that is its version still."""
    found = select(_channels).where(_channels.c.id == channel_id, _channels.c.version == version)
    return db.execute(found.with_for_update()).one_or_none()


def renew_channel(
    db: Connection, channel_id: str, *, secrets: bytes, facts: Mapping[str, str]
) -> None:
    """Write what was renewed of a channel."""
    new = {"secrets": secrets, "facts": facts, "version": _channels.c.version + 1}
    db.execute(update(_channels).where(_channels.c.id == channel_id).values(new))


def mark_address(db: Connection, channel_id: str, address: str, *, state: str, reason: str) -> None:
    """Remember that an address cannot be written to any more."""
    db.execute(
        update(_addresses)
        .where(_addresses.c.channel_id == channel_id, _addresses.c.address == address)
        .values(state=state, state_reason=reason)
    )


def name_contact(db: Connection, channel_id: str, address: str, name: str) -> None:
    """Write what a contact is called, where nobody has said so yet."""
    found = select(_addresses.c.id, _addresses.c.contact_id).where(
        _addresses.c.channel_id == channel_id,
        _addresses.c.address == address,
        _addresses.c.name.is_(None),
    )
    row = db.execute(found).one_or_none()
    if row is None:
        return
    db.execute(update(_addresses).where(_addresses.c.id == row.id).values(name=name))
    db.execute(
        update(_contacts)
        .where(_contacts.c.id == row.contact_id, _contacts.c.name.is_(None))
        .values(name=name)
    )


def rename_address(db: Connection, channel_id: str, before: str, after: str) -> None:
    """Write the form under which the provider knows an address from now on."""
    taken = select(_addresses.c.id).where(
        _addresses.c.channel_id == channel_id, _addresses.c.address == after
    )
    if db.execute(taken).first() is None:
        db.execute(
            update(_addresses)
            .where(_addresses.c.channel_id == channel_id, _addresses.c.address == before)
            .values(address=after)
        )


def settle_unknown(
    db: Connection, message_id: str, target: DeliveryState, *, error: Mapping[str, Any] | None
) -> int:
    """Move the unknown parts of a message to ``target``; return how many there were."""
    settled = db.execute(
        update(_deliveries)
        .where(
            _deliveries.c.message_id == message_id,
            _deliveries.c.state == DeliveryState.UNKNOWN,
        )
        .values(state=target, error=error)
    )
    return settled.rowcount


def hold_channel(db: Connection, channel_id: str) -> None:
    """Let nobody else read this channel's calls or open conversations before this transaction ends.

    Two workers on one channel would mix up the order of its conversations, or open one twice.
    SQLite's writers follow one another anyway.
    """
    if db.dialect.name == "postgresql":
        db.execute(
            text("SELECT pg_advisory_xact_lock(hashtextextended(:channel_id, 7))"),
            {"channel_id": channel_id},
        )


def add_addressee(db: Connection, addressee: Addressee, now: datetime) -> dict[str, Any]:
    """Store a contact that nobody has heard of, and where to reach them: return that row."""
    contact, address = rows_of(addressee, now)
    db.execute(insert(_contacts), contact)
    db.execute(insert(_addresses), address)
    return address


def add_thread(db: Connection, thread: Thread, now: datetime) -> None:
    """Store a new conversation."""
    db.execute(insert(_conversations), row_of(thread, now))
    note(db, "conversation_changed", thread.conversation_id)


def message(db: Connection, message_id: str) -> AnyRow | None:
    """Return a message, or None."""
    return db.execute(select(_messages).where(_messages.c.id == message_id)).one_or_none()


def earlier(db: Connection, conversation_id: str, seq: int, *, most: int) -> Sequence[AnyRow]:
    """Return the first and the last messages before number ``seq``, oldest first.

    ``reference`` is what carried one of which is unknown whether it arrived.
    """
    lost = select(func.min(_deliveries.c.id)).where(
        _deliveries.c.message_id == _messages.c.id, _deliveries.c.state == DeliveryState.UNKNOWN
    )
    before = select(
        _messages.c.seq,
        _messages.c.external_id,
        _messages.c.content,
        _messages.c.direction,
        lost.scalar_subquery().label("reference"),
    ).where(_messages.c.conversation_id == conversation_id, _messages.c.seq < seq)
    last = db.execute(before.order_by(_messages.c.seq.desc()).limit(most)).all()[::-1]
    if not last:
        return last
    first = before.where(_messages.c.seq < last[0].seq).order_by(_messages.c.seq).limit(most)
    return [*db.execute(first), *last]


def add_to_decision(db: Connection, message_id: str, more: Mapping[str, Any]) -> None:
    """Add to the record of why a message went where it went."""
    row = message(db, message_id)
    if row is not None:
        merged = {**(row.decision or {}), **more}
        db.execute(update(_messages).where(_messages.c.id == message_id).values(decision=merged))


def call(db: Connection, call_id: str) -> AnyRow | None:
    """Return a kept call, or None."""
    return db.execute(select(_calls).where(_calls.c.id == call_id)).one_or_none()


def fault_json(fault: Fault | None) -> dict[str, Any] | None:
    """Return ``fault`` as it is stored."""
    return None if fault is None else asdict(fault)
