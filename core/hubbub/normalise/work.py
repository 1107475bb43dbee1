"""Turn the kept calls of a channel into messages, many in one transaction."""

from collections import Counter
from collections.abc import Mapping, Sequence
from itertools import takewhile
from typing import Any, Final, NamedTuple

import structlog
from sqlalchemy.exc import SQLAlchemyError

from hubbub.deliver.actors import nudge_acknowledge, nudge_deliver, nudge_media, nudge_name
from hubbub.deliver.media import delete_files
from hubbub.deliver.queries import hold_channel
from hubbub.directory import Line
from hubbub.hub import Hub
from hubbub.live import LiveEvent
from hubbub.metrics import events_settled, messages_stored
from hubbub.normalise import pieces, queries
from hubbub.normalise.batch import Batch
from hubbub.normalise.facts import Facts
from hubbub.normalise.relatives import relatives
from hubbub.normalise.rules import Settling, read
from hubbub.sdk.values import Call, Unreadable
from hubbub.steps import step
from hubbub.store.calls import kept_call
from hubbub.store.session import DatabaseDown, reading, transaction

#: Most calls in one transaction, the octets after which no further one is taken, and the events.
BATCH: Final = 200
_OCTETS: Final = 1 << 21
_EVENTS: Final = 10_000
#: Most calls that are read before a transaction, by types with bounds.
AHEAD: Final = 10

log = structlog.get_logger(__name__)


def normalise(hub: Hub, channel_id: str) -> int:
    """Read every pending call of a channel, oldest first; return how many there were.

    Safe to run twice and by several workers at once: they take turns.
    """
    total, more = 0, True
    while more:
        done, more = _batch(hub, channel_id, BATCH)
        total += done
    return total


def give_up(hub: Hub, channel_id: str) -> None:
    """Show of long messages what is there, where the rest has not come in time.

    Safe to run twice and by several workers at once: they take turns.
    """
    # What the rest waits in may be here, unread.
    normalise(hub, channel_id)
    with reading(hub.engine) as db:
        overdue = queries.overdue(db, channel_id, now=hub.now())
    for address, name in overdue:
        try:
            batch = _given_up(hub, channel_id, address, name)
        except DatabaseDown:
            raise
        # One that cannot be shown must not hold up the others; its time may come.
        except Exception as error:
            log.exception("pieces cannot be joined", channel=channel_id)
            why = f"Its message could not be put together: {type(error).__name__}."
            with transaction(hub.engine) as db:
                hold_channel(db, channel_id)
                pieces.put_off(db, channel_id, address, name, why=why, now=hub.now())
        else:
            if batch is not None:
                _tell(hub, batch)


def _given_up(hub: Hub, channel_id: str, address: str, name: str) -> Batch | None:
    with transaction(hub.engine) as db:
        hold_channel(db, channel_id)
        line, now = hub.directory.usable(db, channel_id), hub.now()
        if line is None:
            return None
        found = pieces.in_turn(db, line, address, name, now)
        # Somebody else may have been here meanwhile.
        if not found or found[-1].due_at is None or found[-1].due_at > now:
            return None
        *earlier, whole = found
        for message in filter(whole.repeats, earlier):
            queries.join(db, whole.ended(message.message_id))
            return None
        facts = Facts.look_up(db, line, [whole.joined()], {name: whole}, now)
        batch = Batch(hub=hub, line=line, settlings=[], now=now, facts=facts)
        batch.join(name)
        batch.store(db)
    return batch


class Rehearsal(NamedTuple):
    """What a call would become if it were run again now; nothing of it was stored."""

    #: As a call keeps them: see `hubbub.store.tables.Call`.
    outcomes: Sequence[Mapping[str, Any]]
    #: The rows of the messages that it would bring.
    messages: Sequence[Mapping[str, Any]]


def rehearse(hub: Hub, line: Line, call: Call) -> Rehearsal:
    """Return what running a kept call again would do, by the very code that would do it."""
    settling = read(line, call)
    with reading(hub.engine) as db:
        now = hub.now()
        wholes = pieces.look_up(db, line, settling.events, now)
        facts = Facts.look_up(db, line, settling.events, wholes, now)
        related = relatives(hub, db, line, settling.events)
        batch = _applied(hub, line, [settling], facts, related)
    return Rehearsal(settling.outcomes, batch.effects.messages)


class _Read(NamedTuple):
    """What one transaction did, and whether more may be pending."""

    batch: Batch
    more: bool


def _batch(hub: Hub, channel_id: str, most: int) -> tuple[int, bool]:
    """Read some calls; return how many, and whether more may be pending."""
    try:
        found = _attempt(hub, channel_id, most)
    except DatabaseDown:
        raise
    # One call that cannot be stored must not hold up its neighbours: find it one by one.
    except Exception as error:
        if most > 1:
            log.exception("batch failed, reading calls one by one", channel=channel_id)
            singly = (_batch(hub, channel_id, 1)[0] for _ in range(most))
            return sum(takewhile(bool, singly)), True
        log.exception("call cannot be stored", channel=channel_id)
        refused = isinstance(error, SQLAlchemyError)
        why = "The database refused" if refused else "The hub could not store"
        found = _attempt(hub, channel_id, 1, unreadable=f"{why} what it says.")
    if found is None:
        return 0, False
    batch = found.batch
    _tell(hub, batch)
    for relative in {channel_id for _, channel_id in batch.effects.copies}:
        # Here and now: what was handed on goes no further.
        normalise(hub, relative)
    return len(batch.settlings), found.more


def _attempt(hub: Hub, channel_id: str, most: int, unreadable: str = "") -> _Read | None:
    ahead = None if unreadable else _read_ahead(hub, channel_id, most)
    with transaction(hub.engine) as db:
        hold_channel(db, channel_id)
        line = hub.directory.usable(db, channel_id)
        # A channel whose plugin is missing keeps its calls until the plugin is back.
        if line is None:
            return None
        rows = queries.pending(db, channel_id=channel_id, limit=most, octets=_OCTETS)
        if not rows:
            return None
        calls = [kept_call(row) for row in rows]
        settlings = (
            [Settling(call=call, events=[Unreadable(reason=unreadable)]) for call in calls]
            if unreadable
            else _settlings(line, calls, ahead)
        )
        step("normalise.read")
        events = [event for settling in settlings for event in settling.events]
        now = hub.now()
        wholes = pieces.look_up(db, line, events, now)
        facts = Facts.look_up(db, line, events, wholes, now)
        related = relatives(hub, db, line, events)
        batch = _applied(hub, line, settlings, facts, related)
        batch.store(db)
        step("normalise.stored")
    step("normalise.committed")
    octets = sum(len(call.body) for call in calls)
    return _Read(batch, len(settlings) == most or len(settlings) < len(rows) or octets >= _OCTETS)


def _settlings(
    line: Line, calls: Sequence[Call], ahead: Mapping[str, Settling] | None
) -> list[Settling]:
    """Read ``calls`` until there are many events; what comes after is for the next transaction.

    On SQLite everybody else waits meanwhile. Where calls are read ``ahead``, none is read here.
    """
    settlings: list[Settling] = []
    events = 0
    for call in calls:
        settling = read(line, call) if ahead is None else ahead.get(call.id)
        if settling is None:
            break
        events += len(settling.events)
        settlings.append(settling)
        if events >= _EVENTS:
            break
    return settlings


def _read_ahead(hub: Hub, channel_id: str, most: int) -> Mapping[str, Settling] | None:
    """Return what pending calls say, where to read them may take too long for a transaction.

    One that another worker settles meanwhile was read in vain, and that is all.
    """
    line = hub.directory.met(channel_id)
    if line is None or line.hooks.kind.bounds is None:
        return None
    with reading(hub.engine) as db:
        line = hub.directory.usable(db, channel_id)
        limit = min(most, AHEAD)
        rows = queries.pending(db, channel_id=channel_id, limit=limit, octets=_OCTETS)
    return {row.id: read(line, kept_call(row)) for row in rows} if line else {}


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
    for direction, count in Counter(row["direction"] for row in batch.effects.messages).items():
        messages_stored(direction, count)
    if batch.effects.deliveries:
        nudge_deliver(hub)
    if batch.effects.media:
        nudge_media(hub)
    delete_files(hub, batch.effects.files_gone)
    hub.live.publish(
        [
            LiveEvent("message", batch.line.id, row["conversation_id"], row["id"])
            for row in batch.effects.messages
        ]
        + [
            LiveEvent("status", batch.line.id, conversation_id, message_id)
            for conversation_id, message_id in batch.effects.advanced
        ]
    )
    _ask_provider(hub, batch)


def _ask_provider(hub: Hub, batch: Batch) -> None:
    """Nudge what the provider is asked on the side: the names of people, and to wait no longer."""
    hooks = batch.line.hooks
    if hooks.offers("profile"):
        for thread in batch.effects.touched.values():
            if thread.addressee.name is None:
                nudge_name(hub, batch.line.id, thread.address)
    if hooks.offers("wants_ack"):
        for settling in batch.settlings:
            if hooks.wants_ack(settling.call):
                nudge_acknowledge(hub, settling.call.id)
