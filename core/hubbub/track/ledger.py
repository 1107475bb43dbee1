"""Count what was received against what became of it."""

from dataclasses import dataclass
from typing import Final

from sqlalchemy import Connection, func, select

from hubbub.store.states import CallState
from hubbub.store.tables import Call, ForgottenCalls, Message, Receipt, table

_calls = table(Call)
_forgotten = table(ForgottenCalls)
_messages = table(Message)
_receipts = table(Receipt)


@dataclass(frozen=True, kw_only=True)
class Ledger:
    """The sums of all calls, also of those deleted after their time, and of the events in them."""

    #: Calls proven authentic: ``pending + done + dead``.
    calls: int
    pending: int
    done: int
    dead_calls: int
    #: Calls that were not; they are none of the above.
    quarantined: int
    #: Events in settled calls: ``applied + duplicate + ignored + dead``.
    events: int
    applied: int
    duplicate: int
    ignored: int
    dead: int
    #: Effects found in the tables of messages and receipts.
    inbound_messages: int
    receipts: int
    balanced: bool


_SUMS: Final = select(
    _calls.c.state,
    func.count().label("calls"),
    *(
        func.coalesce(func.sum(_calls.c[name]), 0).label(name)
        for name in ("events", "applied", "duplicate", "ignored", "dead")
    ),
).group_by(_calls.c.state)


_FORGOTTEN: Final = select(
    *(
        func.coalesce(func.sum(_forgotten.c[name]), 0).label(name)
        for name in ("calls", "dead_calls", "events", "applied", "duplicate", "ignored", "dead")
    )
)


def ledger(db: Connection) -> Ledger:
    """Return the sums. Balanced: every event of every settled call has exactly one outcome.

    A call that is replayed counts as pending until it is settled anew; each of its events is then
    a duplicate of the first time.
    """
    rows = {row.state: row for row in db.execute(_SUMS)}
    forgotten = db.execute(_FORGOTTEN).one()

    def total(name: str) -> int:
        return int(getattr(forgotten, name)) + sum(
            int(getattr(row, name))
            for state, row in rows.items()
            if state in {CallState.DONE, CallState.DEAD}
        )

    def calls(state: CallState) -> int:
        return rows[state].calls if state in rows else 0

    inbound = select(func.count()).where(_messages.c.direction == "inbound")
    receipts = select(func.count()).select_from(_receipts)
    events = total("events")
    outcomes = {name: total(name) for name in ("applied", "duplicate", "ignored", "dead")}
    counted = {state: calls(state) for state in CallState}
    counted[CallState.DEAD] += int(forgotten.dead_calls)
    counted[CallState.DONE] += int(forgotten.calls) - int(forgotten.dead_calls)
    return Ledger(
        calls=sum(n for state, n in counted.items() if state != CallState.QUARANTINED),
        pending=counted[CallState.PENDING],
        done=counted[CallState.DONE],
        dead_calls=counted[CallState.DEAD],
        quarantined=counted[CallState.QUARANTINED],
        events=events,
        **outcomes,
        inbound_messages=db.execute(inbound).scalar_one(),
        receipts=db.execute(receipts).scalar_one(),
        balanced=events == sum(outcomes.values()) and not _wrong(db),
    )


def _wrong(db: Connection) -> int:
    """Count settled calls whose own sums do not add up."""
    sums = _calls.c.applied + _calls.c.duplicate + _calls.c.ignored + _calls.c.dead
    wrong = select(func.count()).where(
        _calls.c.state.in_([CallState.DONE, CallState.DEAD]), _calls.c.events != sums
    )
    return db.execute(wrong).scalar_one()
