"""Tell everything that happened to one message, from the rows that made it happen.

Nothing is written for it: the trace cannot disagree with what it tells of.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, Literal, TypeAlias

from sqlalchemy import Connection, select

from hubbub.store.states import ACTIVE, DUE_STATES, NEVER
from hubbub.store.tables import Attempt, Call, Delivery, MediaFile, Message, Piece, Receipt, table
from hubbub.store.types import AnyRow
from hubbub.track.lane import held_up

Stage: TypeAlias = Literal["receive", "normalise", "route", "deliver", "track"]

#: Why a record of what happened is gone; docs/operating.md says how long it is kept.
_AFTER_ITS_TIME: Final = "It was kept for its time (HUBBUB_KEEP_CALLS) and then deleted."

_messages = table(Message)
_calls = table(Call)
_deliveries = table(Delivery)
_attempts = table(Attempt)
_receipts = table(Receipt)
_media = table(MediaFile)
_pieces = table(Piece)


#: What a decision record holds of a fall back, and of where it led.
_AFTER_FALL: Final = ("fell_back", "fell_back_at", "asked", "destination")


@dataclass(frozen=True, kw_only=True)
class TraceItem:
    """One thing that happened: ``what`` in a few words, ``detail`` with the values."""

    at: datetime
    stage: Stage
    what: str
    detail: dict[str, Any]
    duration_ms: int | None = None


def trace(db: Connection, message_id: str) -> list[TraceItem]:
    """Return what happened to a message, oldest first; empty if there is none."""
    message = db.execute(select(_messages).where(_messages.c.id == message_id)).one_or_none()
    if message is None:
        return []
    # In the order of things, for what happened at the same moment.
    items = [
        *_coming_in(db, message),
        *_going_out(db, message),
        *_held_up(db, message),
        *_files(db, message),
        *_fallen_back(message),
    ]
    return sorted(items, key=lambda item: item.at)


def _coming_in(db: Connection, message: AnyRow) -> Iterator[TraceItem]:
    call = db.execute(select(_calls).where(_calls.c.id == message.call_id)).one_or_none()
    if message.direction == "outbound" and message.call_id is None:
        yield TraceItem(
            at=message.created_at,
            stage="deliver",
            what="queued",
            detail={"author": message.author, "content_type": message.kind},
        )
        return
    if call is not None:
        yield TraceItem(
            at=call.received_at,
            stage="receive",
            what="call kept",
            detail={"event_id": call.id, "method": call.method, "bytes": len(call.body)},
        )
    elif message.call_id is not None:
        yield TraceItem(
            at=message.created_at,
            stage="receive",
            what="call deleted",
            detail={"event_id": message.call_id, "reason": _AFTER_ITS_TIME},
        )
    yield from _pieces_of(db, message)
    yield TraceItem(
        at=message.created_at,
        stage="normalise",
        what="message stored",
        detail={"content_type": message.kind, "external_id": message.external_id},
        duration_ms=_milliseconds(call.received_at, message.created_at) if call else None,
    )
    if message.decision is not None:
        yield from _routed(message)


def _pieces_of(db: Connection, message: AnyRow) -> Iterator[TraceItem]:
    rows = db.execute(
        select(_pieces).where(_pieces.c.message_id == message.id).order_by(_pieces.c.id)
    )
    for row in rows:
        yield TraceItem(
            at=row.kept_at,
            stage="normalise",
            what=f"piece {row.number} of {row.total} kept",
            detail={"event_id": row.call_id},
        )


def _going_out(db: Connection, message: AnyRow) -> Iterator[TraceItem]:
    rows = db.execute(
        select(_deliveries).where(_deliveries.c.message_id == message.id).order_by(_deliveries.c.id)
    ).all()
    for row in rows:
        happened = [*_attempts_of(db, row), *_receipts_of(db, row)]
        yield from happened
        if row.state in {*DUE_STATES, "unknown", "failed", "cancelled"} and row.error:
            yield TraceItem(
                # What has come of all that: it stands behind it.
                at=max((row.claimed_at or row.created_at, *(item.at for item in happened))),
                stage="deliver",
                what="held" if row.due_at == NEVER else f"now {row.state}",
                detail={**row.error, **_next_try(row), **_named(row)},
            )


def _next_try(delivery: AnyRow) -> dict[str, Any]:
    """Return when it is tried again, where it is: elsewhere the column has uses of its own."""
    waits = delivery.state in DUE_STATES and delivery.due_at != NEVER
    return {"due_at": delivery.due_at.isoformat()} if waits else {}


def _held_up(db: Connection, message: AnyRow) -> Iterator[TraceItem]:
    """Tell behind what a message waits that has not been begun yet."""
    for behind in held_up(db, [message.id], now=message.created_at).values():
        yield TraceItem(
            at=max(message.created_at, behind.since),
            stage="deliver",
            what="waits behind another message",
            detail={
                "message_id": behind.message_id,
                "until": behind.until.isoformat(),
                "reason": behind.sentence,
            },
        )


def _attempts_of(db: Connection, delivery: AnyRow) -> Iterator[TraceItem]:
    rows = db.execute(
        select(_attempts).where(_attempts.c.delivery_id == delivery.id).order_by(_attempts.c.id)
    ).all()
    if delivery.attempts and not rows and delivery.state not in ACTIVE:
        yield TraceItem(
            at=delivery.claimed_at or delivery.created_at,
            stage="deliver",
            what="attempts deleted",
            detail={"attempts": delivery.attempts, "reason": _AFTER_ITS_TIME, **_named(delivery)},
        )
    for number, row in enumerate(rows, start=1):
        yield TraceItem(
            at=row.started_at,
            stage="deliver",
            what=f"{_tried(row, number)}: {row.outcome.replace('_', ' ')}",
            detail={"detail": row.detail, "exchanges": row.exchanges, **_named(delivery)},
            duration_ms=row.duration_ms,
        )


def _tried(attempt: AnyRow, number: int) -> str:
    # An answer that never came, or a refusal of our own, ended it before any request.
    return f"attempt {number}" if attempt.exchanges else "ended without a request"


def _receipts_of(db: Connection, delivery: AnyRow) -> Iterator[TraceItem]:
    rows = db.execute(
        select(_receipts).where(_receipts.c.delivery_id == delivery.id).order_by(_receipts.c.id)
    )
    for row in rows:
        yield TraceItem(
            at=row.received_at,
            stage="track",
            what=f"receipt: {_heard(row)}",
            detail={"external_id": row.external_id, "fault": row.fault, **_named(delivery)},
        )


def _heard(receipt: AnyRow) -> str:
    """Return what a receipt is about: what went wrong, though it may have arrived, or how far."""
    went_on = receipt.fault is not None and receipt.state != "failed"
    return str(receipt.fault["code"]).replace("_", " ") if went_on else str(receipt.state)


def _files(db: Connection, message: AnyRow) -> Iterator[TraceItem]:
    for row in db.execute(select(_media).where(_media.c.message_id == message.id)):
        yield TraceItem(
            at=row.created_at,
            stage="normalise",
            what=f"file {row.state}",
            detail={"media_id": row.id, "mime_type": row.mime_type, "reason": row.reason},
        )


def _named(delivery: AnyRow) -> dict[str, Any]:
    named: dict[str, Any] = {"delivery_id": delivery.id, "destination": delivery.destination}
    if delivery.destination == "copy":
        named["address"] = delivery.address
    if delivery.parts > 1:
        named["part"] = f"{delivery.part + 1} of {delivery.parts}"
    return named


def place(destination: Mapping[str, Any] | None) -> str:
    """Return where a message went: the type of its destination and, where it has one, the team."""
    known = {"type": "inbox", **(destination or {})}
    return f"{known['type']}, team {known['team']}" if known.get("team") else str(known["type"])


def _routed(message: AnyRow) -> Iterator[TraceItem]:
    decision = dict(message.decision)
    if "not_routed" in decision:
        yield TraceItem(at=message.created_at, stage="route", what="not routed", detail=decision)
        return
    where = place(decision.get("destination"))
    if "fell_back" in decision:
        # Where it is now is where it fell to; the rule led to what was asked first.
        where = decision["asked"]
        decision = {name: decision[name] for name in decision if name not in _AFTER_FALL}
    yield TraceItem(at=message.created_at, stage="route", what=f"went to {where}", detail=decision)


def _fallen_back(message: AnyRow) -> Iterator[TraceItem]:
    decision = message.decision or {}
    if "fell_back" in decision:
        yield TraceItem(
            at=datetime.fromisoformat(decision["fell_back_at"]),
            stage="route",
            what=f"fell back to {place(decision.get('destination'))}",
            detail={name: decision.get(name) for name in _AFTER_FALL},
        )


def _milliseconds(start: datetime, end: datetime) -> int:
    return int((end - start).total_seconds() * 1000)
