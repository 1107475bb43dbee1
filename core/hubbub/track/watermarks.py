"""Find what a watermark speaks of: all that was sent to a contact until some time.

It does not speak of what may never have arrived: only of deliveries that the provider has named.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import timedelta
from typing import Any, Final

from sqlalchemy import Connection, bindparam, func, select

from hubbub.store.prepared import Prepared, among
from hubbub.store.states import DeliveryState
from hubbub.store.tables import Address, Conversation, Delivery, Message, Receipt, table
from hubbub.store.types import AnyRow, one_of

_receipts = table(Receipt)
_deliveries = table(Delivery)
_messages = table(Message)
_conversations = table(Conversation)
_addresses = table(Address)

#: Our clock and the provider's may differ.
_SKEW: Final = timedelta(seconds=2)
#: No attempt takes so long: what was begun before is with the provider.
_LONGEST: Final = timedelta(minutes=10)
#: Messages of a conversation that one watermark may speak of, counted from the last.
_MOST: Final = 500
#: Messages of a conversation among which echoes are looked for, counted from the last.
_RECENT: Final = 50

#: Those of which a watermark may speak.
ARRIVED: Final = frozenset({DeliveryState.SENT, DeliveryState.DELIVERED})
#: Held as well: whoever finds out meanwhile that one of these arrived waits, and sees the mark.
_MAY_ARRIVE: Final = (*sorted(ARRIVED), DeliveryState.SENDING, DeliveryState.UNKNOWN)

#: When the provider says that it took a delivery, where it does: by an echo.
_TAKEN_AT: Final = (
    select(func.max(_receipts.c.provider_at))
    .where(
        _receipts.c.delivery_id == _deliveries.c.id, _receipts.c.state == DeliveryState.SENT.value
    )
    .scalar_subquery()
    .label("taken_at")
)
_COLUMNS: Final = (
    _deliveries.c.id,
    _deliveries.c.message_id,
    _deliveries.c.conversation_id,
    _deliveries.c.external_id,
    _deliveries.c.address,
    _deliveries.c.state,
    _deliveries.c.error,
    _deliveries.c.channel_id,
    _deliveries.c.claimed_at,
    _deliveries.c.due_at,
    _deliveries.c.attempts,
    _TAKEN_AT,
)
_REACHED: Final = Prepared(
    select(*_COLUMNS)
    .join(_messages, _messages.c.id == _deliveries.c.message_id)
    .join(_conversations, _conversations.c.id == _messages.c.conversation_id)
    .join(_addresses, _addresses.c.id == _conversations.c.address_id)
    .where(
        _addresses.c.channel_id == bindparam("channel_id"),
        among(_addresses.c.address, "addresses"),
        _messages.c.seq > _conversations.c.last_seq - _MOST,
        _messages.c.direction == "outbound",
        _deliveries.c.destination == "contact",
        one_of(_deliveries.c.state, _MAY_ARRIVE),
    )
    .order_by(_deliveries.c.id)
    .with_for_update(of=_deliveries)
)
_NAMED: Final = Prepared(
    select(*_COLUMNS).where(
        _deliveries.c.channel_id == bindparam("channel_id"),
        among(_deliveries.c.external_id, "external_ids"),
    )
)
_ECHOED: Final = Prepared(
    select(_deliveries.c.address)
    .distinct()
    .join(_messages, _messages.c.id == _deliveries.c.message_id)
    .join(_conversations, _conversations.c.id == _messages.c.conversation_id)
    .join(_addresses, _addresses.c.id == _conversations.c.address_id)
    .join(_receipts, _receipts.c.delivery_id == _deliveries.c.id)
    .where(
        _addresses.c.channel_id == bindparam("channel_id"),
        among(_addresses.c.address, "addresses"),
        _messages.c.seq > _conversations.c.last_seq - _RECENT,
        _receipts.c.state == DeliveryState.SENT.value,
        _receipts.c.provider_at.is_not(None),
    )
)
_TOLD: Final = Prepared(
    select(_receipts)
    .where(
        _receipts.c.channel_id == bindparam("channel_id"),
        among(_receipts.c.address, "addresses"),
        _receipts.c.up_to >= bindparam("since", type_=_receipts.c.up_to.type),
    )
    .order_by(_receipts.c.id)
)


def reached(
    db: Connection, channel_id: str, marks: Collection[Mapping[str, Any]]
) -> Sequence[AnyRow]:
    """Return the deliveries that ``marks`` may speak of, held until the transaction ends."""
    if not marks:
        return []
    addresses = {mark["address"] for mark in marks}
    held = _REACHED.all(db, channel_id=channel_id, addresses=addresses)
    return [row for row in held if row.state in ARRIVED]


def named(db: Connection, channel_id: str, external_ids: Collection[str]) -> Sequence[AnyRow]:
    """Return the deliveries with these ids at the provider of which a watermark may speak."""
    found = _NAMED.all(db, channel_id=channel_id, external_ids=external_ids)
    return [row for row in found if row.state in ARRIVED]


def echoed(db: Connection, channel_id: str, sent: Iterable[AnyRow]) -> set[str]:
    """Return to which addresses of what was ``sent``, and is not echoed, other things were."""
    addresses = {row.address for row in sent if row.taken_at is None}
    if not addresses:
        return set()
    return {row.address for row in _ECHOED.all(db, channel_id=channel_id, addresses=addresses)}


def told(db: Connection, channel_id: str, sent: Iterable[AnyRow]) -> list[dict[str, Any]]:
    """Return the watermarks told so far that may speak of what was ``sent``."""
    begun = {row.address: row.claimed_at for row in sent if row.claimed_at is not None}
    if not begun:
        return []
    since = min(begun.values()) - _SKEW
    found = _TOLD.all(db, channel_id=channel_id, addresses=set(begun), since=since)
    return [row._asdict() for row in found]


def covers(mark: Mapping[str, Any], delivery: AnyRow, *, echoed: Collection[str]) -> bool:
    """Whether a delivery was sent until the time of ``mark``, by the provider's clock or ours.

    To those who are ``echoed`` the provider tells when it took a delivery. Until it does, only what
    came after its answer counts: an attempt begins long before, and the contact may have read
    something else meanwhile.
    """
    if mark["address"] != delivery.address:
        return False
    if delivery.taken_at is not None:
        return bool(delivery.taken_at <= mark["up_to"])
    if delivery.claimed_at is None:
        return False
    # What others sent was told by its echo, and never tried by us.
    if delivery.attempts > 0 and delivery.address in echoed:
        # An answer leaves its time there; what was proven otherwise may have a later one.
        return bool(min(delivery.due_at, delivery.claimed_at + _LONGEST) <= mark["up_to"])
    return bool(delivery.claimed_at - _SKEW <= mark["up_to"])
