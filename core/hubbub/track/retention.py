"""Delete what was kept for its time, a little at a time, so that nobody waits for it long.

What nobody has settled yet is never deleted. What is deleted of the calls stays in the sums that
`hubbub.track.ledger` adds to what it counts.
"""

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import Connection, Table, delete, insert, select, update

from hubbub.hub import Hub
from hubbub.store.session import reading, transaction
from hubbub.store.states import CallState
from hubbub.store.tables import (
    Attempt,
    Audit,
    Call,
    Channel,
    ChannelDraft,
    ForgottenCalls,
    Piece,
    Process,
    Receipt,
    Session,
    table,
)
from hubbub.store.traffic import forget_before
from hubbub.store.types import AnyRow

#: How long a rejected call stays releasable.
QUARANTINE_KEPT: Final = timedelta(hours=72)
#: How long a receipt waits for its message; one of a message that another program sent by the same
#: account waits in vain.
_STRAY_KEPT: Final = timedelta(days=7)
#: How long a process that ended is remembered.
_PROCESS_KEPT: Final = timedelta(days=7)
#: How long a channel that somebody began to add waits for them.
_DRAFT_KEPT: Final = timedelta(days=30)
#: How long it is known how much went through a channel in an hour.
_TRAFFIC_KEPT: Final = timedelta(days=2)
#: Rows that one transaction deletes, and transactions for one kind of row in one go.
_BATCH: Final = 500
_MOST: Final = 200
#: What is added to the sums of a channel's deleted calls.
SUMS: Final = ("events", "applied", "duplicate", "ignored", "dead")

_attempts = table(Attempt)
_audit = table(Audit)
_calls = table(Call)
_drafts = table(ChannelDraft)
_channels = table(Channel)
_forgotten = table(ForgottenCalls)
_pieces = table(Piece)
_processes = table(Process)
_receipts = table(Receipt)
_sessions = table(Session)

#: What a piece of a message says that is no message yet is nowhere else. On a channel that was
#: deleted it never becomes one.
_HOLDS_A_PIECE: Final = (
    select(_pieces.c.id)
    .join(_channels, _channels.c.id == _pieces.c.channel_id)
    .where(
        _pieces.c.call_id == _calls.c.id,
        _pieces.c.due_at.is_not(None),
        _channels.c.deleted_at.is_(None),
    )
    .exists()
)


def forget(hub: Hub) -> None:
    """Delete what is too old. Safe to run twice and to stop anywhere."""
    now, settings = hub.now(), hub.settings
    with transaction(hub.engine) as db:
        db.execute(delete(_sessions).where(_sessions.c.expires_at < now))
        db.execute(delete(_drafts).where(_drafts.c.changed_at < now - _DRAFT_KEPT))
        forget_before(db, now - _TRAFFIC_KEPT)
        db.execute(delete(_processes).where(_processes.c.seen_at < now - _PROCESS_KEPT))
        db.execute(
            delete(_receipts).where(
                _receipts.c.delivery_id.is_(None), _receipts.c.received_at < now - _STRAY_KEPT
            )
        )
    kept = {CallState.QUARANTINED: QUARANTINE_KEPT}
    if settings.keep_calls:
        kept[CallState.DONE] = timedelta(days=settings.keep_calls)
        _forget_rows(hub, _attempts, _attempts.c.started_at, now - kept[CallState.DONE])
    if settings.keep_dead_calls:
        kept[CallState.DEAD] = timedelta(days=settings.keep_dead_calls)
    if settings.keep_audit:
        _forget_rows(hub, _audit, _audit.c.at, now - timedelta(days=settings.keep_audit))
    for channel_id in _channel_ids(hub):
        for state, age in kept.items():
            _forget_calls(hub, channel_id, state, now - age)


def _forget_calls(hub: Hub, channel_id: str, state: CallState, before: datetime) -> None:
    seen = ""

    def batch(db: Connection) -> bool:
        nonlocal seen
        oldest = _oldest(db, channel_id, state, after=seen)
        # Calls that were replayed stand among them, settled since.
        due = [row.id for row in oldest if (row.settled_at or row.received_at) < before]
        # Somebody may have replayed one meanwhile: then it is not what it was, and stays.
        wanted = (_calls.c.id.in_(due), _calls.c.state == state)
        gone = delete(_calls).where(*wanted, ~_HOLDS_A_PIECE)
        rows = db.execute(gone.returning(*(_calls.c[name] for name in SUMS))).all()
        if rows and state != CallState.QUARANTINED:
            _add(db, channel_id, state, rows)
        seen = oldest[-1].id if oldest else seen
        return len(oldest) == _BATCH and oldest[-1].received_at < before

    _in_batches(hub, batch)


def _oldest(db: Connection, channel_id: str, state: CallState, *, after: str) -> Sequence[AnyRow]:
    """Return the oldest calls in a state, as an index lists them, that come after one."""
    found = select(_calls.c.id, _calls.c.received_at, _calls.c.settled_at).where(
        _calls.c.channel_id == channel_id, _calls.c.state == state, _calls.c.id > after
    )
    return db.execute(found.order_by(_calls.c.id).limit(_BATCH)).all()


def _add(db: Connection, channel_id: str, state: CallState, rows: Any) -> None:
    """Add deleted calls to the sums of their channel."""
    more = {name: sum(getattr(row, name) for row in rows) for name in SUMS}
    more |= {"calls": len(rows), "dead_calls": len(rows) if state == CallState.DEAD else 0}
    added = {name: _forgotten.c[name] + count for name, count in more.items()}
    changed = update(_forgotten).where(_forgotten.c.channel_id == channel_id).values(added)
    if not db.execute(changed).rowcount:
        db.execute(insert(_forgotten).values(channel_id=channel_id, **more))


def _forget_rows(hub: Hub, rows: Table, at: Any, before: datetime) -> None:
    """Delete the rows of before ``before``; ids sort by time, so the oldest come first."""

    def batch(db: Connection) -> bool:
        oldest = select(rows.c.id, at.label("at")).order_by(rows.c.id).limit(_BATCH).subquery()
        due = select(oldest.c.id).where(oldest.c.at < before)
        return db.execute(delete(rows).where(rows.c.id.in_(due))).rowcount == _BATCH

    _in_batches(hub, batch)


def _in_batches(hub: Hub, batch: Callable[[Connection], bool]) -> None:
    """Run ``batch``, each time in a transaction of its own, while it says that there is more."""
    for _ in range(_MOST):
        with transaction(hub.engine) as db:
            more = batch(db)
        if not more:
            return


def _channel_ids(hub: Hub) -> list[str]:
    with reading(hub.engine) as db:
        return list(db.execute(select(_channels.c.id)).scalars())
