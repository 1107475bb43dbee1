"""Ask what failed and why, and remember what is tried again."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any, Final

from sqlalchemy import (
    ColumnElement,
    Connection,
    Select,
    String,
    and_,
    case,
    func,
    insert,
    literal_column,
    select,
    update,
)

from hubbub.sdk.values import AddressState
from hubbub.store.deliveries import LOST
from hubbub.store.states import CallState, DeliveryState
from hubbub.store.tables import (
    Address,
    Call,
    Channel,
    Contact,
    Conversation,
    Delivery,
    Requeue,
    table,
)
from hubbub.store.types import AnyRow, UtcDateTime, one_of

_addresses = table(Address)
_calls = table(Call)
_channels = table(Channel)
_contacts = table(Contact)
_conversations = table(Conversation)
_deliveries = table(Delivery)
_requeues = table(Requeue)

#: Causes that are listed of messages, and of calls.
_CAUSES: Final = 200
_LISTED: Final = 50

_code: ColumnElement[str] = func.coalesce(_deliveries.c.error["code"].as_string(), "")
#: Whether anything can be sent to the contact, as far as is known.
_REACHABLE: Final = and_(
    _addresses.c.state == AddressState.OK,
    _contacts.c.blocked_at.is_(None),
)
_UNREAD: Final = one_of(_calls.c.state, (CallState.DEAD, CallState.QUARANTINED))


def lost_messages(db: Connection) -> Sequence[AnyRow]:
    """Return the causes for which messages were not sent, or perhaps not, with how many."""
    found = (
        select(
            _deliveries.c.channel_id,
            _deliveries.c.state.label("kind"),
            _code.label("cause"),
            func.max(_deliveries.c.error["detail"].as_string(), type_=String()).label("detail"),
            *_counted(_deliveries.c.message_id.distinct(), _deliveries.c.created_at),
            func.count(case((_REACHABLE, _deliveries.c.message_id)).distinct()).label("reachable"),
        )
        .join(_conversations, _conversations.c.id == _deliveries.c.conversation_id)
        .join(_addresses, _addresses.c.id == _conversations.c.address_id)
        .join(_contacts, _contacts.c.id == _conversations.c.contact_id)
        .where(LOST)
        .group_by(_deliveries.c.channel_id, _deliveries.c.state, _code)
    )
    return db.execute(found.limit(_CAUSES)).all()


def unread_calls(db: Connection) -> Sequence[AnyRow]:
    """Return the causes for which calls are dead or quarantined, with how many."""
    found = (
        select(
            _calls.c.channel_id,
            _calls.c.state.label("kind"),
            _calls.c.reason.label("cause"),
            _calls.c.reason.label("detail"),
            *_counted(_calls.c.id, _calls.c.received_at),
        )
        .select_from(_channels.join(_calls, _calls.c.channel_id == _channels.c.id))
        .where(_UNREAD)
        .group_by(_calls.c.channel_id, _calls.c.state, _calls.c.reason)
    )
    return db.execute(found.limit(_CAUSES)).all()


def waiting(
    db: Connection, kind: str, *, channel_id: str, cause: str, after: str, upto: str, limit: int
) -> list[str]:
    """Return the next ids of what failed for a cause, in their order."""
    found = _failed(kind, channel_id, cause).subquery()
    wanted = select(found.c.id).where(found.c.id > after, found.c.id <= upto)
    return list(db.execute(wanted.order_by(found.c.id).limit(limit)).scalars())


def failed_again(db: Connection, requeue_ids: Collection[str]) -> dict[str, int]:
    """Return, by requeue, how many messages that it was for have failed since it began."""
    theirs = and_(
        _deliveries.c.channel_id == _requeues.c.channel_id,
        _deliveries.c.message_id <= _requeues.c.upto,
        # When it failed last.
        _deliveries.c.due_at >= _requeues.c.created_at,
    )
    count = func.count(_deliveries.c.message_id.distinct()).label("count")
    found = (
        select(_requeues.c.id, _requeues.c.done, count)
        .join(_deliveries, theirs)
        .where(LOST, _requeues.c.id.in_(requeue_ids))
        .group_by(_requeues.c.id, _requeues.c.done)
    )
    return {row.id: min(row[2], row.done) for row in db.execute(found)}


def extent(db: Connection, kind: str, *, channel_id: str, cause: str) -> tuple[int, str]:
    """Return how much failed for a cause, and its last id."""
    found = _failed(kind, channel_id, cause).subquery()
    row = db.execute(select(func.count(), func.max(found.c.id)).select_from(found)).one()
    return row[0], row[1] or ""


def failed_page(
    db: Connection, kind: str, *, channel_id: str, cause: str, before: str, limit: int
) -> list[str]:
    """Return ids of what failed for a cause, the newest first."""
    found = _failed(kind, channel_id, cause).subquery()
    wanted = select(found.c.id)
    if before:
        wanted = wanted.where(found.c.id < before)
    return list(db.execute(wanted.order_by(found.c.id.desc()).limit(limit)).scalars())


def add(db: Connection, values: Mapping[str, Any]) -> None:
    """Remember what is tried again. Raises `IntegrityError` where the same goes on already."""
    db.execute(insert(_requeues), dict(values))


def requeue(db: Connection, requeue_id: str, *, hold: bool = False) -> AnyRow | None:
    """Return what is tried again, or None; held until the transaction ends if ``hold``."""
    found = select(_requeues).where(_requeues.c.id == requeue_id)
    return db.execute(found.with_for_update() if hold else found).one_or_none()


def requeues(db: Connection, *, before: str | None = None, limit: int = _LISTED) -> list[AnyRow]:
    """Return what is and was tried again, the newest first."""
    found = select(_requeues)
    if before is not None:
        found = found.where(_requeues.c.id < before)
    return list(db.execute(found.order_by(_requeues.c.id.desc()).limit(limit)))


def due(db: Connection, now: datetime) -> list[str]:
    """Return the ids of what is to go on."""
    found = select(_requeues.c.id).where(
        _requeues.c.state == literal_column("'running'"), _requeues.c.next_at <= now
    )
    return list(db.execute(found.order_by(_requeues.c.id)).scalars())


def change(db: Connection, requeue_id: str, **values: Any) -> None:
    """Write how far it has come."""
    db.execute(update(_requeues).where(_requeues.c.id == requeue_id).values(**values))


def _failed(kind: str, channel_id: str, cause: str) -> Select[Any]:
    if kind in {DeliveryState.FAILED, DeliveryState.UNKNOWN}:
        return (
            select(_deliveries.c.message_id.label("id"))
            .distinct()
            .where(
                LOST,
                _deliveries.c.state == kind,
                _deliveries.c.channel_id == channel_id,
                _code == cause,
            )
        )
    return select(_calls.c.id).where(
        _calls.c.channel_id == channel_id, _calls.c.state == kind, _calls.c.reason == cause
    )


def _counted(each: ColumnElement[Any], at: ColumnElement[Any]) -> tuple[ColumnElement[Any], ...]:
    return (
        func.count(each).label("count"),
        func.min(at, type_=UtcDateTime()).label("first_at"),
        func.max(at, type_=UtcDateTime()).label("last_at"),
    )
