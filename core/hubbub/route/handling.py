"""Finish what a destination was asked by request: answers at once, late, or not at all."""

import structlog
from sqlalchemy import Connection

from hubbub.deliver import lanes, queries
from hubbub.deliver.attempt import Parcel, Result, inquiry_of, route_of
from hubbub.deliver.rules import ROUTE_SCHEDULE
from hubbub.deliver.traffic import count_traffic
from hubbub.hub import Hub
from hubbub.route.queue import queue_up
from hubbub.route.work import Case, Placement, carry_out, fall_back
from hubbub.sdk.errors import HubError, Permanent, RateLimited
from hubbub.sdk.routing import Outcome
from hubbub.store.news import note
from hubbub.store.session import reading, transaction
from hubbub.store.threads import Thread, by_ids, save

log = structlog.get_logger(__name__)


class NotAwaited(HubError):
    """Nobody waits for this answer; the text says why."""

    code = "not_awaited"


def finish(hub: Hub, db: Connection, result: Result) -> None:
    """Do what the end of a handling means for its conversation: the answer, or the fallback."""
    if result.outcome is not None and result.waits is None:
        _finish(hub, db, result.parcel, result.outcome)
    elif result.error is not None and _given_up(result):
        why = f"{result.parcel.row.destination} did not answer: {result.error.detail}"
        _fall_back(hub, db, result.parcel, _thread(hub, db, result.parcel), why)


def resume(hub: Hub, delivery_id: str, answer: object) -> None:
    """Carry out an answer that came through the callback, once.

    Raises `NotAwaited`, or `MalformedPayload` with what is wrong with the answer.
    """
    with reading(hub.engine) as db:
        row = lanes.parcel(db, delivery_id)
        line = hub.directory.usable(db, row.channel_id) if row is not None else None
    if row is None or line is None:
        raise NotAwaited("There is no such message any more.")
    parcel = Parcel(row, line)
    kind, settings = route_of(hub, parcel)
    outcome = kind.resume(inquiry_of(hub, parcel), settings, answer)
    with transaction(hub.engine) as db:
        _thread(hub, db, parcel)  # held before its delivery, as everywhere
        # The step out of waiting happens once, whoever repeats the answer.
        if not queries.take_answer(db, delivery_id):
            raise NotAwaited("The answer came twice, or after its time was over.")
        _finish(hub, db, parcel, outcome)


def _finish(hub: Hub, db: Connection, parcel: Parcel, outcome: Outcome) -> None:
    thread = _thread(hub, db, parcel)
    if _overtaken(parcel, thread):
        log.info("answer dropped", delivery=parcel.id, owner=thread.owner)
        why = f"The answer was dropped: {thread.owner} took over before it came."
        queries.add_to_decision(db, parcel.row.message_id, {"dropped": why})
        return
    if outcome.passed:
        _fall_back(hub, db, parcel, thread, outcome.why or "The destination passed.")
        return
    kind, _ = route_of(hub, parcel)
    placement = Placement(decision={})
    carry_out(_case(hub, parcel, thread), kind, outcome, placement)
    _store(hub, db, parcel, thread, placement)


def _fall_back(hub: Hub, db: Connection, parcel: Parcel, thread: Thread, why: str) -> None:
    note(db, "message_routed", parcel.row.message_id)
    case = _case(hub, parcel, thread)
    _store(hub, db, parcel, thread, fall_back(case, why, asked=parcel.row.destination))


def _case(hub: Hub, parcel: Parcel, thread: Thread) -> Case:
    return Case(
        plugins=hub.plugins,
        line=parcel.line,
        thread=thread,
        inquiry=inquiry_of(hub, parcel),
        seq=parcel.row.seq,
    )


def _overtaken(parcel: Parcel, thread: Thread) -> bool:
    asked_under = parcel.row.owner_version
    return asked_under is not None and thread.owner_version != asked_under


def _given_up(result: Result) -> bool:
    match result.error:
        case RateLimited():
            return False
        case Permanent():
            return True
    return bool(result.parcel.row.attempts > len(ROUTE_SCHEDULE))


def _thread(hub: Hub, db: Connection, parcel: Parcel) -> Thread:
    conversation_id = parcel.row.conversation_id
    thread = by_ids(db, [conversation_id])[conversation_id]
    count_traffic(db, parcel.line, thread, hub.now())
    return thread


def _store(hub: Hub, db: Connection, parcel: Parcel, thread: Thread, placement: Placement) -> None:
    queue_up(db, [(thread, placement)], now=hub.now())
    queries.add_to_decision(db, parcel.row.message_id, placement.decision)
    for message in placement.messages:
        queries.add_message(db, message)
    queries.add_deliveries(db, placement.deliveries)
    save(db, [thread])
