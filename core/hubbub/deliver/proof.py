"""Settle sends whose answer was lost: seek proof; without it the channel's policy decides."""

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final

import structlog
from sqlalchemy import Connection

from hubbub.deliver import lanes, queries
from hubbub.deliver.attempt import Parcel, media_bytes, part_of, storable
from hubbub.exchange import Ran, run
from hubbub.hub import Hub
from hubbub.live import LiveEvent
from hubbub.sdk.errors import OutcomeUnknown, SendError
from hubbub.sdk.values import Accepted, ExternalId
from hubbub.store.session import reading, transaction
from hubbub.store.states import DeliveryState
from hubbub.store.threads import by_ids
from hubbub.store.types import new_id
from hubbub.track.receipts import attach_waiting, refresh

#: Until proof is sought again, where the provider could not be asked.
_AGAIN: Final = timedelta(minutes=2)
#: How long a provider that cannot be asked is asked again, before a person has to decide.
_GIVE_UP: Final = timedelta(hours=24)
#: A delivery that waits for a person is not looked at again before this.
_FAR: Final = timedelta(days=3650)
#: How often one part is sent again under the policy ``resend``.
_RESENDS: Final = 1

log = structlog.get_logger(__name__)


def seek_proof(hub: Hub, delivery_id: str) -> None:
    """Find out what became of a delivery whose outcome is unknown. Safe to run twice.

    Meanwhile a receipt may settle it: then nothing is done.
    """
    with reading(hub.engine) as db:
        row = lanes.parcel(db, delivery_id)
    if row is not None:
        with hub.asides.place(row.channel_id) as free:
            if free:  # otherwise the sweep comes back to it
                _seek(hub, delivery_id)


def _seek(hub: Hub, delivery_id: str) -> None:
    now = hub.now()
    with transaction(hub.engine) as db:
        row = lanes.parcel(db, delivery_id)
        line = hub.directory.usable(db, row.channel_id) if row is not None else None
        if row is None or line is None or row.state != DeliveryState.UNKNOWN or row.due_at > now:
            return
        # Whoever else comes along finds that it is not due.
        queries.ask_again(db, row, at=now + _AGAIN)
        others = queries.others(db, row)
    parcel = Parcel(row, line)
    ran = _ask(hub, parcel, others)
    with transaction(hub.engine) as db:
        _settle(db, parcel, ran, now)
        changed = refresh(db, [row.message_id])
    hub.live.publish([LiveEvent("status", line.id, *ids) for ids in changed])


def _ask(hub: Hub, parcel: Parcel, others: frozenset[ExternalId]) -> Ran[Accepted | None] | None:
    """Ask the provider, where it can be asked."""
    if not parcel.line.hooks.capabilities.finds:
        return None
    try:
        part = replace(part_of(hub, parcel), others=others)
    except SendError:
        return None
    exchange = parcel.line.hooks.find(part, parcel.line.connection)
    return run(exchange, hub.http, redact=parcel.line.redactor, files=media_bytes(hub))


def _settle(
    db: Connection, parcel: Parcel, ran: Ran[Accepted | None] | None, now: datetime
) -> None:
    if ran is not None:
        _note(db, parcel, ran, now)
        if ran.error is None:
            _proven(db, parcel, ran.value and storable(ran.value), now)
            return
        if not isinstance(ran.error, OutcomeUnknown) and _young(parcel, now):
            return
    if parcel.line.settings.unknown_outcome == "resend" and parcel.row.attempts <= _RESENDS:
        queries.send_again(db, parcel.row, now=now)
        return
    queries.ask_again(db, parcel.row, at=now + _FAR)
    log.warning("outcome stays unknown", delivery=parcel.id, channel=parcel.line.id)


def _proven(db: Connection, parcel: Parcel, found: Accepted | None, now: datetime) -> None:
    if found is None:
        queries.send_again(db, parcel.row, now=now, lane_until=None)
        return
    # Two equal parts, both lost, may have been shown the same message: it is one of them alone.
    by_ids(db, [parcel.row.conversation_id])
    if found.external_id in queries.others(db, parcel.row):
        return
    queries.move(db, parcel.id, DeliveryState.SENT, external_id=found.external_id, error=None)
    by_watermark = parcel.line.hooks.capabilities.watermarks
    attach_waiting(db, parcel.line.id, {found.external_id}, by_watermark=by_watermark)


def _note(db: Connection, parcel: Parcel, ran: Ran[Accepted | None], now: datetime) -> None:
    if ran.error is not None:
        outcome, detail = "not_proven", ran.error.detail
    elif ran.value is None:
        outcome, detail = "proven_not_sent", "The provider does not have it."
    else:
        outcome, detail = "proven_sent", "The provider has it."
    lanes.add_attempts(
        db,
        [
            {
                "id": new_id(),
                "delivery_id": parcel.id,
                "outcome": outcome,
                "detail": parcel.line.redactor.text(detail),
                "exchanges": ran.exchanges,
                "started_at": now,
                "duration_ms": ran.duration_ms,
            }
        ],
    )


def _young(parcel: Parcel, now: datetime) -> bool:
    return bool(parcel.row.claimed_at and parcel.row.claimed_at > now - _GIVE_UP)
