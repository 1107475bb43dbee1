"""Write down how attempts ended, many in one transaction, and what follows from it."""

import random
from collections import defaultdict
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import Any, Final, TypeAlias

import structlog
from sqlalchemy import Connection

from hubbub.deliver import lanes, queries
from hubbub.deliver.attempt import Parcel, Result
from hubbub.deliver.copies import try_again
from hubbub.deliver.rules import (
    LANE_HOLD,
    PROOF_WAIT,
    RETRY_SCHEDULE,
    ROUTE_SCHEDULE,
    as_error,
    next_state,
    retry_in,
    uses_attempt,
)
from hubbub.directory import Line
from hubbub.hub import Hub
from hubbub.sdk.errors import (
    AuthFailed,
    MarketingRefused,
    OutcomeUnknown,
    RateLimited,
    RecipientGone,
    SendError,
    TemplateRefused,
    Transient,
)
from hubbub.sdk.values import Renewed
from hubbub.store import templates
from hubbub.store.states import DeliveryState
from hubbub.store.threads import by_ids
from hubbub.store.types import new_id
from hubbub.track.receipts import attach_waiting, refresh

#: Does what the end of a destination's handling means, in the transaction that writes it down.
Finish: TypeAlias = Callable[[Hub, Connection, Result], None]
#: A channel whose credentials failed sends nothing until a check finds it well again.
UNTIL_MENDED: Final = timedelta(days=3650)
#: A reply that met a limit of campaigns is tried again after this: replies go on.
_REPLY_WAIT: Final = timedelta(minutes=5)
log = structlog.get_logger(__name__)


def record(
    hub: Hub, db: Connection, results: Sequence[Result], finish: Finish
) -> list[tuple[str, str]]:
    """Write how attempts ended. Returns conversation and message of each changed status.

    The caller holds what is written (`hold`).
    ``finish`` does what the end of a destination's handling means for the conversation.
    """
    now = hub.now()
    lanes.add_attempts(db, [_attempt_row(result) for result in results if _was_tried(result)])
    results = _unanswered(db, results)
    rows: dict[DeliveryState, list[dict[str, Any]]] = defaultdict(list)
    for result in results:
        target, row = _result_row(result, now)
        rows[target].append(row)
    lanes.write_results(db, rows)
    for result in sorted(results, key=_place):
        if result.parcel.to_contact:
            _follow_up(hub, db, result, now)
        else:
            finish(hub, db, result)
    contact = [result for result in results if _goes_by_its_id(result.parcel)]
    changed = _attach(db, contact)
    changed += refresh(db, [result.parcel.row.message_id for result in contact])
    return changed


def hold(db: Connection, results: Sequence[Result], others: Sequence[str] = ()) -> None:
    """Hold all that will be written, in everybody's order: conversations, then deliveries.

    ``others`` are deliveries that are to be claimed or put off.

    Whoever reads receipts or messages meanwhile waits for us, and never we for them too.
    """
    asked = [result.parcel for result in results if not result.parcel.to_contact]
    by_ids(db, {parcel.row.conversation_id for parcel in asked})
    ids = [*(result.parcel.id for result in results), *others]
    if ids:
        lanes.hold(db, ids)


def keep_renewed(hub: Hub, db: Connection, line: Line, renewed: Renewed) -> None:
    """Keep what a send had to renew, unless the channel has changed since: also by another send."""
    row = queries.channel_at(db, line.id, version=line.version)
    if row is not None:
        kept = hub.vault.open(row.secrets, row.id)
        tokens = {**kept.get("tokens", {}), **renewed.tokens}
        secrets = hub.vault.seal({**kept, "tokens": tokens}, row.id)
        queries.renew_channel(db, row.id, secrets=secrets, facts={**row.facts, **renewed.facts})


def _place(result: Result) -> tuple[str, str]:
    """Return by what channels and addresses are written to in the same order by all."""
    return result.parcel.line.id, result.parcel.row.address


def _unanswered(db: Connection, results: Sequence[Result]) -> list[Result]:
    """Return ``results`` without those of destinations that have answered already.

    By the callback, or because one was asked again whose first answer comes as well.
    """
    asked = [result.parcel.id for result in results if not result.parcel.to_contact]
    answered = queries.ended(db, asked)
    first: dict[str, Result] = {}
    for result in results:
        if result.parcel.id not in answered:
            first.setdefault(result.parcel.id, result)
    return list(first.values())


def _goes_by_its_id(parcel: Parcel) -> bool:
    """Whether what the provider tells of its id is about it: a copy shares that of its letter."""
    return parcel.to_contact and not parcel.copy_alone


def _attach(db: Connection, results: Sequence[Result]) -> list[tuple[str, str]]:
    accepted: dict[tuple[str, bool], set[str]] = defaultdict(set)
    for result in results:
        line = result.parcel.line
        can = line.hooks.capabilities
        if result.accepted is not None and can.receipts:
            accepted[line.id, can.watermarks].add(result.accepted.external_id)
    return [
        changed
        for (channel_id, by_watermark), external_ids in accepted.items()
        for changed in attach_waiting(db, channel_id, external_ids, by_watermark=by_watermark)
    ]


def _was_tried(result: Result) -> bool:
    return result.error is None or uses_attempt(result.error) or bool(result.exchanges)


def _attempt_row(result: Result) -> dict[str, Any]:
    error, accepted = result.error, result.accepted
    detail = accepted.note if accepted else ""
    if error is not None:
        code = f" ({error.provider_code})" if error.provider_code else ""
        detail = f"{error.detail}{code}"
    return {
        "id": new_id(),
        "delivery_id": result.parcel.id,
        "outcome": "accepted" if error is None else _snake(type(error).__name__),
        "detail": result.parcel.line.redactor.text(detail),
        "exchanges": list(result.exchanges),
        "started_at": result.started_at,
        "duration_ms": result.duration_ms,
    }


def _result_row(result: Result, now: datetime) -> tuple[DeliveryState, dict[str, Any]]:
    row = {
        "id": result.parcel.id,
        "external_id": None,
        "address": None,
        "attempts": result.parcel.row.attempts,
        "unused": 0,
        "due_at": now,
        "lane_until": result.parcel.row.lane_until,
        "awaits_answer": False,
        "error": None,
    }
    if result.error is not None:
        return _failed_row(result, result.error, row, now)
    if result.accepted is not None:
        row["external_id"] = None if result.parcel.copy_alone else result.accepted.external_id
        row["address"] = result.accepted.address
    wait = result.waits
    if wait is not None:
        row["due_at"] = now + wait
        row["awaits_answer"] = True
        return DeliveryState.RETRYING, row
    return DeliveryState.SENT, row


def _failed_row(
    result: Result, error: SendError, row: dict[str, Any], now: datetime
) -> tuple[DeliveryState, dict[str, Any]]:
    parcel = result.parcel
    row["error"] = as_error(error)
    row["unused"] = 0 if uses_attempt(error) else 1
    if not parcel.to_contact:
        # A destination may be asked twice: every question names its message.
        if isinstance(error, OutcomeUnknown):
            error = Transient(error.detail, code=error.code)
        wait = retry_in(error, parcel.row.attempts, random.random(), ROUTE_SCHEDULE)  # noqa: S311  # jitter
    else:
        schedule = parcel.line.hooks.capabilities.retries or RETRY_SCHEDULE
        wait = retry_in(error, parcel.row.attempts, random.random(), schedule)  # noqa: S311  # jitter
    if wait and isinstance(error, RateLimited) and error.bulk_only and not parcel.row.bulk:
        wait = min(wait, _REPLY_WAIT)
    target = next_state(error, wait)
    row["due_at"] = now + (wait or (PROOF_WAIT if _unknown(target) else timedelta(0)))
    held = LANE_HOLD if uses_attempt(error) else None
    if parcel.row.lane_until is None and held is not None:
        row["lane_until"] = now + held
    return target, row


def _unknown(target: DeliveryState) -> bool:
    return target == DeliveryState.UNKNOWN


def _follow_up(hub: Hub, db: Connection, result: Result, now: datetime) -> None:
    """Do what an attempt's end means for the channel and the address."""
    parcel, error, accepted = result.parcel, result.error, result.accepted
    if accepted is not None and accepted.address is not None:
        queries.rename_address(db, parcel.line.id, parcel.row.address, accepted.address)
    end = accepted or error
    if end is not None and end.renewed is not None:
        keep_renewed(hub, db, parcel.line, end.renewed)
    if error is not None:
        _after_error(db, parcel, error, now)
    if accepted is not None and accepted.put_off and not parcel.copy_alone:
        try_again(db, parcel.line, parcel.row, accepted.put_off, now=now)


def _after_error(db: Connection, parcel: Parcel, error: SendError, now: datetime) -> None:
    match error:
        case AuthFailed():
            queries.pause_channel(
                db,
                parcel.line.id,
                until=now + UNTIL_MENDED,
                status="error",
                # It may be the credentials, or that the account has no credit: the plugin knows.
                reason=error.detail or "The provider refused the credentials.",
                now=now,
            )
        case RateLimited(bulk_only=True, retry_after=wait):
            queries.pause_bulk(db, parcel.line.id, until=now + wait)
            log.warning("bulk paused", channel=parcel.line.id, code=error.code)
        case RateLimited(whole_channel=True, retry_after=wait):
            queries.pause_channel(
                db, parcel.line.id, until=now + wait, status=None, reason="", now=now
            )
        case TemplateRefused():
            templates.doubt(db, parcel.line.id, now=now)
        case MarketingRefused():
            queries.stop_marketing(db, parcel.line.id, parcel.row.address, now=now)
        case RecipientGone(opted_out=opted_out) if not parcel.copy_alone:
            queries.mark_address(
                db,
                parcel.line.id,
                parcel.row.address,
                state="opted_out" if opted_out else "blocked",
                reason=error.detail,
            )


def _snake(name: str) -> str:
    return "".join(f"_{letter.lower()}" if letter.isupper() else letter for letter in name)[1:]
