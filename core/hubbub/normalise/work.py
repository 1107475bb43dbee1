"""Turn the kept calls of a channel into messages, many in one transaction."""

from collections import Counter
from collections.abc import Mapping
from itertools import takewhile
from typing import Final

import structlog
from sqlalchemy.exc import SQLAlchemyError

from hubbub.deliver.actors import nudge_acknowledge, nudge_deliver, nudge_media, nudge_name
from hubbub.deliver.queries import hold_channel
from hubbub.directory import Line
from hubbub.hub import Hub
from hubbub.live import LiveEvent
from hubbub.metrics import events_settled, messages_stored
from hubbub.normalise import queries
from hubbub.normalise.batch import Batch
from hubbub.normalise.facts import Facts
from hubbub.normalise.relatives import relatives
from hubbub.normalise.rules import Settling, read
from hubbub.sdk.values import Unreadable
from hubbub.steps import step
from hubbub.store.calls import kept_call
from hubbub.store.session import DatabaseDown, transaction

#: Most calls in one transaction.
BATCH: Final = 200

log = structlog.get_logger(__name__)


def normalise(hub: Hub, channel_id: str) -> int:
    """Read every pending call of a channel, oldest first; return how many there were.

    Safe to run twice and by several workers at once: they take turns.
    """
    total = 0
    while done := _batch(hub, channel_id, BATCH):
        total += done
        if done < BATCH:
            break
    return total


def _batch(hub: Hub, channel_id: str, most: int) -> int:
    try:
        batch = _attempt(hub, channel_id, most)
    except DatabaseDown:
        raise
    # One call that cannot be stored must not hold up its neighbours: find it one by one.
    except Exception as error:
        if most > 1:
            log.exception("batch failed, reading calls one by one", channel=channel_id)
            return sum(takewhile(bool, (_batch(hub, channel_id, 1) for _ in range(most))))
        log.exception("call cannot be stored", channel=channel_id)
        refused = isinstance(error, SQLAlchemyError)
        why = "The database refused" if refused else "The hub could not store"
        batch = _attempt(hub, channel_id, 1, unreadable=f"{why} what it says.")
    if batch is None:
        return 0
    _tell(hub, batch)
    for relative in {channel_id for _, channel_id in batch.copies}:
        # Here and now: what was handed on goes no further.
        normalise(hub, relative)
    return len(batch.settlings)


def _attempt(hub: Hub, channel_id: str, most: int, unreadable: str = "") -> Batch | None:
    with transaction(hub.engine) as db:
        hold_channel(db, channel_id)
        line = hub.directory.usable(db, channel_id)
        rows = queries.pending(db, channel_id=channel_id, limit=most) if line else ()
        if line is None or not rows:
            # A channel whose plugin is missing keeps its calls until the plugin is back.
            return None
        calls = [kept_call(row) for row in rows]
        settlings = (
            [Settling(call=call, events=[Unreadable(reason=unreadable)]) for call in calls]
            if unreadable
            else [read(line, call) for call in calls]
        )
        step("normalise.read")
        events = [event for settling in settlings for event in settling.events]
        facts = Facts.look_up(db, channel_id, events)
        related = relatives(hub, db, line, events)
        batch = _applied(hub, line, settlings, facts, related)
        batch.store(db)
        step("normalise.stored")
    step("normalise.committed")
    return batch


def _applied(
    hub: Hub,
    line: Line,
    settlings: list[Settling],
    facts: Facts,
    related: Mapping[str, str],
) -> Batch:
    """Let every event have its effect; after one that fails half-way begin afresh without it."""
    failing: dict[int, str] = {}
    while True:
        known = len(failing)
        batch = Batch(
            hub=hub,
            line=line,
            settlings=settlings,
            now=hub.now(),
            facts=facts,
            relatives=related,
            failing=failing,
        )
        for settling in settlings:
            settling.outcomes.clear()
            for event in settling.events:
                batch.apply(settling, event)
        if len(failing) == known:
            return batch


def _tell(hub: Hub, batch: Batch) -> None:
    """After the commit: nudge what comes next, and tell who watches."""
    outcomes = (one["outcome"] for settling in batch.settlings for one in settling.outcomes)
    for outcome, count in Counter(outcomes).items():
        events_settled(outcome, count)
    for direction, count in Counter(row["direction"] for row in batch.messages).items():
        messages_stored(direction, count)
    if batch.deliveries:
        nudge_deliver(hub)
    if batch.media:
        nudge_media(hub)
    hub.live.publish(
        [
            LiveEvent("message", batch.line.id, row["conversation_id"], row["id"])
            for row in batch.messages
        ]
        + [
            LiveEvent("status", batch.line.id, conversation_id, message_id)
            for conversation_id, message_id in batch.advanced
        ]
    )
    _ask_provider(hub, batch)


def _ask_provider(hub: Hub, batch: Batch) -> None:
    """Nudge what the provider is asked on the side: the names of people, and to wait no longer."""
    hooks = batch.line.hooks
    if hooks.offers("profile"):
        for thread in batch.touched.values():
            if thread.name is None:
                nudge_name(hub, batch.line.id, thread.address)
    if hooks.offers("wants_ack"):
        for settling in batch.settlings:
            if hooks.wants_ack(settling.call):
                nudge_acknowledge(hub, settling.call.id)
