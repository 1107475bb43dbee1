"""Find what is due, claim it, and write what became of it: the statements of every turn."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any, Final, NamedTuple

from sqlalchemy import (
    BindParameter,
    Boolean,
    ColumnElement,
    Connection,
    Integer,
    Select,
    and_,
    bindparam,
    case,
    exists,
    false,
    func,
    literal,
    or_,
    select,
    text,
    true,
    tuple_,
    union_all,
    update,
)

from hubbub.store.channels import is_open
from hubbub.store.names import SENDER_NAME
from hubbub.store.prepared import Adding, Many, Prepared, among
from hubbub.store.states import ACTIVE, DUE_STATES, DeliveryState, predecessors
from hubbub.store.tables import (
    Address,
    Attempt,
    Channel,
    Contact,
    Conversation,
    Delivery,
    Message,
    table,
)
from hubbub.store.types import AnyRow, one_of

_deliveries = table(Delivery)
_messages = table(Message)
_channels = table(Channel)
_conversations = table(Conversation)
_addresses = table(Address)
_contacts = table(Contact)


def _unindexed(column: ColumnElement[Any]) -> ColumnElement[Any]:
    """Return ``column`` so that no index speaks of it: rows are to be found by other columns.

    A planner would rather read all that is due, however much that is.
    """
    return func.coalesce(column, column)


def _held_up() -> ColumnElement[bool]:
    """Whether an earlier delivery to the same destination still holds the lane."""
    earlier = _deliveries.alias("earlier")
    now: BindParameter[Any] = bindparam("now")
    return exists().where(
        earlier.c.conversation_id == _deliveries.c.conversation_id,
        tuple_(earlier.c.seq, earlier.c.part) < tuple_(_deliveries.c.seq, _deliveries.c.part),
        one_of(earlier.c.state, ACTIVE),
        earlier.c.destination == _deliveries.c.destination,
        or_(earlier.c.lane_until.is_(None), earlier.c.lane_until > now),
        # What is scheduled for later holds up nobody until then.
        or_(
            earlier.c.starts_at.is_(None),
            earlier.c.starts_at <= now,
            earlier.c.state != DeliveryState.QUEUED,
        ),
        # Nor does a campaign hold up replies, before it has begun: to be throttled is not to begin.
        or_(
            ~earlier.c.bulk,
            _deliveries.c.bulk,
            ~one_of(earlier.c.state, DUE_STATES),
            earlier.c.attempts > 0,
        ),
    )


_CANDIDATE: Final = (
    _deliveries.c.id,
    _deliveries.c.channel_id,
    _deliveries.c.conversation_id,
    _deliveries.c.address,
    _deliveries.c.destination,
    _deliveries.c.onward,
)
_OPEN_CHANNEL: Final = is_open(bindparam("now"), bulk=_deliveries.c.bulk)
_READY: Final = and_(
    one_of(_deliveries.c.state, DUE_STATES),
    _deliveries.c.due_at <= bindparam("now"),
)


def _with_due(*, onward: bool) -> Select[Any]:
    earliest = (
        select(_deliveries.c.due_at)
        .where(
            _deliveries.c.channel_id == _channels.c.id,
            _deliveries.c.bulk == bindparam("bulk"),
            _deliveries.c.onward == (true() if onward else false()),
            _READY,
        )
        .order_by(_deliveries.c.due_at)
        .limit(1)
        .scalar_subquery()
    )
    columns = _channels.c.id, literal(int(onward)).label("onward"), earliest.label("earliest")
    open_ = is_open(bindparam("now"), bulk=bindparam("bulk", type_=Boolean()))
    return select(*columns).where(open_, earliest.is_not(None))


_WAYS: Final = Prepared(
    union_all(_with_due(onward=False), _with_due(onward=True)).order_by(text("earliest"))
)
_DUE: Final = Prepared(
    select(*_CANDIDATE)
    .join(_channels, _channels.c.id == _deliveries.c.channel_id)
    .where(
        _deliveries.c.channel_id == bindparam("channel_id"),
        _deliveries.c.bulk == bindparam("bulk"),
        _deliveries.c.onward == bindparam("onward"),
        _READY,
        _OPEN_CHANNEL,
        ~_held_up(),
    )
    .order_by(_deliveries.c.due_at, _deliveries.c.id)
    .limit(bindparam("most"))
)
_NEXT_IN_LANES: Final = Prepared(
    select(*_CANDIDATE)
    .join(_channels, _channels.c.id == _deliveries.c.channel_id)
    .where(
        among(_deliveries.c.conversation_id, "lanes"),
        one_of(_unindexed(_deliveries.c.state), DUE_STATES),
        one_of(_deliveries.c.state, ACTIVE),
        _unindexed(_deliveries.c.due_at) <= bindparam("now", type_=_deliveries.c.due_at.type),
        _deliveries.c.bulk == bindparam("bulk"),
        _OPEN_CHANNEL,
        ~_held_up(),
    )
)
_CLAIM: Final = Prepared(
    update(_deliveries)
    .where(
        among(_deliveries.c.id, "ids"),
        one_of(_unindexed(_deliveries.c.state), predecessors(DeliveryState.SENDING)),
        _unindexed(_deliveries.c.due_at) <= bindparam("now", type_=_deliveries.c.due_at.type),
        # It may have been closed since they were found.
        exists().where(_channels.c.id == _deliveries.c.channel_id, _OPEN_CHANNEL),
    )
    .values(
        state=DeliveryState.SENDING,
        claimed_by=bindparam("claimer"),
        claimed_at=bindparam("now"),
        attempts=_deliveries.c.attempts + 1,
    )
    .returning(_deliveries.c.id)
)
_PARCELS: Final = Prepared(
    select(
        _deliveries,
        _messages.c.content.label("message_content"),
        _messages.c.direction,
        _messages.c.author,
        _messages.c.sender_address,
        SENDER_NAME,
        _messages.c.contact_id,
        _messages.c.created_at.label("message_created_at"),
        _conversations.c.our_address,
        _conversations.c.last_inbound_at,
        _conversations.c.owner_version.label("current_owner_version"),
        _addresses.c.id.label("address_id"),
        _addresses.c.state.label("address_state"),
        _addresses.c.marketing,
        _contacts.c.blocked_at,
    )
    .join(_messages, _messages.c.id == _deliveries.c.message_id)
    .join(_conversations, _conversations.c.id == _deliveries.c.conversation_id)
    .join(_addresses, _addresses.c.id == _conversations.c.address_id)
    .join(_contacts, _contacts.c.id == _addresses.c.contact_id)
    .where(among(_deliveries.c.id, "ids"))
)
_HOLD: Final = Prepared(
    select(_deliveries.c.id)
    .where(among(_deliveries.c.id, "ids"))
    .order_by(_deliveries.c.id)
    .with_for_update()
)
_POSTPONE: Final = Many(
    {
        "id": _deliveries.c.id.type,
        "now": _deliveries.c.due_at.type,
        "later": _deliveries.c.due_at.type,
    },
    lambda given: (
        update(_deliveries)
        .where(
            _deliveries.c.id == given.c.id,
            one_of(_deliveries.c.state, DUE_STATES),
            _deliveries.c.due_at <= given.c.now,
        )
        .values(due_at=given.c.later)
    ),
)
_SENDING_MESSAGES: Final = Prepared(
    update(_messages)
    .where(among(_messages.c.id, "ids"), _messages.c.status == "queued")
    .values(status="sending")
)


def _step(target: DeliveryState, column: ColumnElement[Any], value: Any) -> ColumnElement[Any]:
    """Return ``value`` where the table of states allows the step to ``target``, as SQL.

    Elsewhere a receipt was faster than the answer of which it speaks, and ``column`` stays.
    """
    return case((one_of(_deliveries.c.state, predecessors(target)), value), else_=column)


def _ending(target: DeliveryState) -> Many:
    """Return what writes how attempts ended that lead to ``target``.

    Where a process was taken for dead, another attempt may be under way by now: what went well
    counts even then, and what failed does not.
    """
    columns = ("id", "external_id", "address", "due_at", "lane_until", "awaits_answer", "error")
    numbers = {"attempts": Integer(), "unused": Integer()}
    went_well = target == DeliveryState.SENT
    return Many(
        {name: _deliveries.c[name].type for name in columns} | numbers,
        lambda given: (
            update(_deliveries)
            .where(
                _deliveries.c.id == given.c.id,
                true() if went_well else _deliveries.c.attempts == given.c.attempts,
            )
            .values(
                state=_step(target, _deliveries.c.state, target.value),
                external_id=func.coalesce(given.c.external_id, _deliveries.c.external_id),
                address=func.coalesce(given.c.address, _deliveries.c.address),
                attempts=_deliveries.c.attempts - given.c.unused,
                due_at=given.c.due_at,
                lane_until=given.c.lane_until,
                awaits_answer=given.c.awaits_answer,
                error=_step(target, _deliveries.c.error, given.c.error),
                claimed_by=None,
            )
        ),
    )


_RESULT: Final = {target: _ending(target) for target in DeliveryState}
_ADD_ATTEMPTS: Final = Adding(table(Attempt))


class Way(NamedTuple):
    """Where deliveries of a channel go: to contacts, or ``onward`` to destinations."""

    channel_id: str
    onward: bool


def ways_with_due(db: Connection, *, now: datetime, bulk: bool) -> list[Way]:
    """Return the ways of open channels on which anything is due, the longest due first."""
    return [Way(row.id, bool(row.onward)) for row in _WAYS.all(db, now=now, bulk=bulk)]


def due(db: Connection, way: Way, *, now: datetime, bulk: bool, limit: int) -> Sequence[AnyRow]:
    """Return deliveries at the head of their lanes whose time has come, the oldest first."""
    return _DUE.all(db, **way._asdict(), now=now, bulk=bulk, most=limit)


def next_in_lanes(
    db: Connection, lanes: Collection[str], *, now: datetime, bulk: bool
) -> Sequence[AnyRow]:
    """Return the deliveries that now stand at the head in these conversations."""
    return _NEXT_IN_LANES.all(db, lanes=lanes, now=now, bulk=bulk)


def claim(db: Connection, ids: Sequence[str], *, claimer: str, now: datetime) -> Sequence[AnyRow]:
    """Take those of ``ids`` that nobody else took; return them with all that sending needs."""
    if not ids:
        return []
    taken = [row.id for row in _CLAIM.all(db, ids=ids, claimer=claimer, now=now)]
    if not taken:
        return []
    rows = _PARCELS.all(db, ids=taken)
    outbound = [row.message_id for row in rows if row.direction == "outbound"]
    if outbound:
        _SENDING_MESSAGES.run(db, ids=outbound)
    return rows


def hold(db: Connection, ids: Sequence[str]) -> None:
    """Let nobody else write to these deliveries before this transaction ends.

    Always in the order of their ids: two that hold several never wait for each other. SQLite's
    writers follow one another anyway.
    """
    if db.dialect.name == "postgresql":
        _HOLD.all(db, ids=ids)


def parcel(db: Connection, delivery_id: str) -> AnyRow | None:
    """Return one delivery with all that sending needs, or None."""
    return next(iter(_PARCELS.all(db, ids=[delivery_id])), None)


def postpone(db: Connection, waits: Mapping[str, datetime], *, now: datetime) -> None:
    """Write when to look again at deliveries that are due and still nobody's; none was tried."""
    _POSTPONE.run(db, [{"id": key, "now": now, "later": later} for key, later in waits.items()])


def add_attempts(db: Connection, rows: Sequence[Mapping[str, Any]]) -> None:
    """Store attempts."""
    _ADD_ATTEMPTS.run(db, rows)


def write_results(
    db: Connection, results: Mapping[DeliveryState, Sequence[Mapping[str, Any]]]
) -> None:
    """Write what attempts led to; a receipt that was faster is not undone."""
    for target, rows in results.items():
        _RESULT[target].run(db, rows)
