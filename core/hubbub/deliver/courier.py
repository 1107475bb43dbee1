"""Carry what is due, many at a time: claim, attempt in parallel, write down, and again.

One transaction of a round writes what ended and finds what is next; the following one claims it.
A conversation's next part becomes due only when the one before it is written down.
"""

import queue
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from time import monotonic, sleep
from typing import Final

import structlog
from sqlalchemy import Connection

from hubbub.deliver import lanes, queries
from hubbub.deliver.attempt import Parcel, Result
from hubbub.deliver.outgoing import Outgoing
from hubbub.deliver.record import Finish, record
from hubbub.deliver.rules import as_error
from hubbub.directory import Line
from hubbub.hub import Hub
from hubbub.limiter import Bucket
from hubbub.live import LiveEvent
from hubbub.metrics import attempt_ended
from hubbub.sdk.errors import OutcomeUnknown
from hubbub.steps import step
from hubbub.store.session import DatabaseDown, transaction
from hubbub.store.states import DeliveryState
from hubbub.store.types import AnyRow
from hubbub.track.receipts import refresh

#: Parts on their way at once in one process.
SIZE: Final = 64
#: Parts that are found and let go before there is room for them, so that no room stays empty.
_AHEAD: Final = 32
#: Seconds for which what was found holds good.
_FRESH: Final = 0.5
#: How long a part waits whose channel cannot be used, before that is looked at again.
_WITHOUT_PLUGIN: Final = timedelta(minutes=1)
#: Seconds after which an actor message ends, so that it does not hold its thread for ever.
_SHIFT: Final = 30.0
#: Seconds for which it is worth waiting here for a throttled part.
_SHORT: Final = 1.5
#: Seconds at the most between two turns while parts are on their way.
_LINGER: Final = 0.01
#: Seconds between two tries to write to a database that is away.
_OUTAGE_PAUSE: Final = 1.0

log = structlog.get_logger(__name__)


@dataclass(frozen=True, kw_only=True)
class _Turn:
    """What one transaction claimed, found for the next one, and changed."""

    claimed: Sequence[Parcel] = ()
    found: Sequence[tuple[AnyRow, Line]] = ()
    changed: Sequence[tuple[str, str]] = ()


class Courier:
    """What a worker process sends with: at most one round at a time, however often it is called."""

    def __init__(self, hub: Hub, finish: Finish, *, bulk: bool = False, size: int = SIZE) -> None:
        self._hub = hub
        self._finish = finish
        self._bulk = bulk
        self._size = size
        self._ended: queue.SimpleQueue[Sequence[Result] | None] = queue.SimpleQueue()
        self._outgoing = Outgoing(hub, self._ended.put, size=size)
        self._turn = threading.Lock()
        self._stopping = threading.Event()
        self._out = 0
        self._look = False
        #: What the rate limits let go, and nobody has claimed yet, with the time until which
        #: that holds good.
        self._approved: list[tuple[float, AnyRow]] = []
        #: When the last turn ended, and how many seconds it took.
        self._turned = self._took = 0.0
        #: When a throttled part may go, where it is worth waiting for it here.
        self._wake_at: float | None = None

    def run(self) -> bool:
        """Carry until nothing is due; True if there may be more. Safe to call from many threads."""
        self._ended.put(None)
        if not self._turn.acquire(blocking=False):
            # Whoever is at it hears of the new work through the queue.
            return False
        try:
            return self._shift()
        finally:
            self._turn.release()

    def stop(self) -> None:
        """Begin nothing new, and wait for what is on its way."""
        self._stopping.set()
        self._ended.put(None)
        with self._turn:
            self._outgoing.close()

    def _shift(self) -> bool:
        over = monotonic() + _SHIFT
        ended: list[Result] = []
        while True:
            closing = self._stopping.is_set() or monotonic() > over
            self._forget_stale(closing=closing)
            ended += self._wait(idle=not (self._next or self._curious))
            begun = monotonic()
            try:
                turn = self._turn_over(ended, closing=closing)
            except DatabaseDown as error:
                log.warning("deliveries wait for the database", reason=str(error))
                sleep(_OUTAGE_PAUSE)
                continue
            # One result that cannot be written must not hold up its neighbours.
            except Exception:
                if not ended:
                    raise  # the sweep tries again, once a second
                log.exception("results not written, writing them one by one")
                turn = self._one_by_one(ended)
            self._turned = monotonic()
            self._took = self._turned - begun
            self._out += len(turn.claimed)
            self._outgoing.make(turn.claimed)
            self._tell(ended, turn)
            ended = []
            fresh_until = monotonic() + _FRESH
            self._approved += [(fresh_until, row) for row in self._approve(turn.found)]
            if closing and not self._out:
                return True
            if not (self._out or self._approved or self._look or self._wake_at):
                return False

    def _forget_stale(self, *, closing: bool) -> None:
        """Drop what was found too long ago: its channel may have been closed meanwhile."""
        if closing:
            self._approved, self._look = [], False
        elif self._next and self._approved[0][0] < monotonic():
            self._approved, self._look = [], True

    @property
    def _curious(self) -> bool:
        """Whether it is worth looking for what is due."""
        return self._look and self._room(_AHEAD) > 0

    @property
    def _next(self) -> Sequence[AnyRow]:
        """What there is room for now."""
        return [row for _, row in self._approved[: self._size - self._out]]

    def _room(self, ahead: int = 0) -> int:
        """Return for how many parts there is room beside those found already."""
        return self._size + ahead - self._out - len(self._approved)

    def _wait(self, *, idle: bool) -> list[Result]:
        """Return what has ended, waiting for something to end if there is nothing else to do."""
        ended: list[Result] = []
        until = monotonic() + self._patience() if idle else self._unhurried()
        while True:
            try:
                results = self._ended.get(timeout=max(0.0, until - monotonic()))
            except queue.Empty:
                break
            if results is None:
                self._look = True
            else:
                self._out -= len(results)
                ended += results
            until = self._unhurried()
        if self._wake_at and monotonic() >= self._wake_at:
            self._wake_at, self._look = None, True
        return ended

    def _unhurried(self) -> float:
        """Return until when to wait for more of what is on its way.

        As long again as the last turn took: a turn over many costs little more than one over few.
        """
        return self._turned + min(self._took, _LINGER) if self._out else 0.0

    def _patience(self) -> float:
        if self._wake_at is None:
            return 1.0
        return min(1.0, max(0.0, self._wake_at - monotonic()))

    def _turn_over(self, ended: Sequence[Result], *, closing: bool) -> "_Turn":
        """Write what ended, claim what was approved, find what is next: in one transaction."""
        hub = self._hub
        wanted = self._next
        if not (ended or wanted or self._curious):
            return _Turn()
        with transaction(hub.engine) as db:
            changed = record(hub, db, ended, self._finish) if ended else []
            lines: dict[str, Line | None] = {}
            usable = self._usable(db, wanted, lines)
            ids = [row.id for row, _ in usable]
            rows = lanes.claim(db, ids, claimer=hub.process_id, now=hub.now())
            found = self._usable(db, () if closing else self._find(db, ended), lines)
            step("deliver.recorded" if ended else "deliver.found")
        if rows:
            step("deliver.claimed")
        if ended:
            step("deliver.committed")
        del self._approved[: len(wanted)]
        line_of = {row.id: line for row, line in usable}
        claimed = [Parcel(row, line_of[row.id]) for row in rows]
        return _Turn(claimed=claimed, found=found, changed=changed)

    def _usable(
        self, db: Connection, rows: Sequence[AnyRow], lines: dict[str, Line | None]
    ) -> list[tuple[AnyRow, Line]]:
        """Return ``rows`` with their channels; put off those whose plugin or key is missing.

        ``lines`` holds the channels that this turn has looked at.
        """
        for channel_id in {row.channel_id for row in rows} - lines.keys():
            lines[channel_id] = self._hub.directory.usable(db, channel_id)
        later = self._hub.now() + _WITHOUT_PLUGIN
        waiting = {row.id: later for row in rows if lines[row.channel_id] is None}
        if waiting:
            # Else they would be found again and again, before all others.
            lanes.postpone(db, waiting)
        return [(row, line) for row in rows if (line := lines[row.channel_id]) is not None]

    def _one_by_one(self, ended: Sequence[Result]) -> "_Turn":
        """Write each result by itself; of one that cannot be written the outcome is unknown."""
        changed: list[tuple[str, str]] = []
        for result in ended:
            try:
                changed += self._write_alone(result)
            except DatabaseDown as error:
                log.warning("a result waits for the database", reason=str(error))
                self._out += 1
                self._ended.put([result])
        self._look = True
        return _Turn(changed=changed)

    def _write_alone(self, result: Result) -> list[tuple[str, str]]:
        hub, parcel = self._hub, result.parcel
        try:
            with transaction(hub.engine) as db:
                return record(hub, db, [result], self._finish)
        except DatabaseDown:
            raise
        except Exception as error:
            log.exception("result not written", delivery=parcel.id)
            fault = as_error(
                OutcomeUnknown(
                    f"The hub could not write down what came of it ({type(error).__name__}); "
                    "see the log.",
                    code="hub_error",
                )
            )
        # A destination cannot be asked what became of it; a person sees the message anyway.
        target = DeliveryState.UNKNOWN if parcel.to_contact else DeliveryState.FAILED
        with transaction(hub.engine) as db:
            queries.move(db, parcel.id, target, due_at=hub.now(), error=fault)
            return refresh(db, [parcel.row.message_id])

    def _find(self, db: Connection, ended: Sequence[Result]) -> Sequence[AnyRow]:
        now = self._hub.now()
        known = {row.id for _, row in self._approved}
        rows: Sequence[AnyRow] = ()
        if self._curious:
            # What is known and not claimed yet is found again, before anything else.
            most = self._room(_AHEAD) + len(known)
            rows = lanes.due(db, now=now, bulk=self._bulk, limit=most)
            self._look = len(rows) >= most
        elif ended:
            conversations = {result.parcel.row.conversation_id for result in ended}
            rows = lanes.next_in_lanes(db, conversations, now=now, bulk=self._bulk)
        return [row for row in rows if row.id not in known]

    def _approve(self, found: Sequence[tuple[AnyRow, Line]]) -> list[AnyRow]:
        """Return those of ``found`` that the rate limits let go now; put the others off."""
        if not found:
            return []
        waits = self._hub.limiter.acquire([_buckets(row, line) for row, line in found])
        judged = [(row, wait) for (row, _), wait in zip(found, waits, strict=True)]
        late = [(row, wait) for row, wait in judged if wait]
        if late:
            now = self._hub.now()
            with transaction(self._hub.engine) as db:
                lanes.postpone(db, {row.id: now + timedelta(seconds=wait) for row, wait in late})
            shortest = min(wait for _, wait in late)
            if shortest < _SHORT:
                self._wake_at = monotonic() + shortest
        return [row for row, wait in judged if not wait]

    def _tell(self, ended: Sequence[Result], turn: "_Turn") -> None:
        for result in ended:
            error = result.error
            attempt_ended("accepted" if error is None else error.code)
            if error is not None:
                log.info(
                    "attempt ended",
                    delivery=result.parcel.id,
                    channel=result.parcel.line.id,
                    error=error.code,
                )
        if ended:
            told = [
                LiveEvent("status", None, conversation_id, message_id)
                for conversation_id, message_id in turn.changed
            ]
            told += [
                LiveEvent("message", result.parcel.line.id, result.parcel.row.conversation_id)
                for result in ended
                if not result.parcel.to_contact
            ]
            self._hub.live.publish(told)


def _buckets(row: AnyRow, line: Line) -> list[Bucket]:
    if row.destination != "contact":
        return []
    return [
        Bucket(
            key=f"{line.id}:{number}:{row.address if limit.scope == 'address' else ''}",
            count=limit.count,
            per=limit.per,
            burst=limit.burst,
        )
        for number, limit in enumerate(line.limits)
        if row.address.startswith(limit.only)
    ]
