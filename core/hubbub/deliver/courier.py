"""Carry what is due, many at a time: claim, attempt in parallel, write down, and again.

One transaction of a round writes what ended and finds what is next; the following one claims it.
A conversation's next part becomes due only when the one before it is written down.
"""

import queue
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from time import monotonic, sleep
from typing import Final

import structlog

from hubbub.deliver import lanes, queries
from hubbub.deliver.attempt import Parcel, Result
from hubbub.deliver.outgoing import Outgoing
from hubbub.deliver.record import Finish, hold, record
from hubbub.deliver.rules import as_error
from hubbub.deliver.stock import Lines, Stock
from hubbub.hub import Hub
from hubbub.live import LiveEvent
from hubbub.metrics import attempt_ended
from hubbub.sdk.errors import OutcomeUnknown
from hubbub.steps import step
from hubbub.store.session import DatabaseDown, Deadlock, transaction
from hubbub.store.states import DeliveryState
from hubbub.track.receipts import refresh

#: Parts on their way at once in one process.
SIZE: Final = 144
#: Seconds after which an actor message ends, so that it does not hold its thread for ever.
_SHIFT: Final = 30.0
#: Seconds at the most between two turns while parts are on their way.
_LINGER: Final = 0.01
#: Seconds between two tries to write to a database that is away.
_OUTAGE_PAUSE: Final = 1.0

log = structlog.get_logger(__name__)


@dataclass(frozen=True, kw_only=True)
class _Turn:
    """What one transaction claimed and changed."""

    claimed: Sequence[Parcel] = ()
    changed: Sequence[tuple[str, str]] = ()


class Courier:
    """What a worker process sends with: at most one round at a time, however often it is called."""

    def __init__(self, hub: Hub, finish: Finish, *, bulk: bool = False, size: int = SIZE) -> None:
        self._hub = hub
        self._finish = finish
        self._ended: queue.SimpleQueue[Sequence[Result] | None] = queue.SimpleQueue()
        self._outgoing = Outgoing(hub, self._ended.put, size=size)
        self._stock = Stock(hub, bulk=bulk, size=size)
        self._turn = threading.Lock()
        self._stopping = threading.Event()
        #: When the last turn ended, and how many seconds it took.
        self._turned = self._took = 0.0

    def run(self) -> bool:
        """Carry until nothing is due; True if there may be more. Safe to call from many threads."""
        self._ended.put(None)
        # Whoever is at it hears of the new work through the queue.
        if self._stopping.is_set() or not self._turn.acquire(blocking=False):
            return False
        try:
            return self._shift()
        finally:
            self._turn.release()

    def halt(self) -> None:
        """Begin nothing new from now on."""
        self._stopping.set()
        self._ended.put(None)

    def stop(self) -> None:
        """Begin nothing new, and wait for what is on its way."""
        self.halt()
        with self._turn:
            while self._stock.out:
                self._round()
            self._outgoing.close()

    def _shift(self) -> bool:
        """Work until there is nothing to do, or time is up.

        What is on its way then is not waited for: one slow answer must not keep all others from
        being sent. The next shift hears of it.
        """
        over = monotonic() + _SHIFT
        while not self._stopping.is_set():
            self._round()
            if not (self._stock.out or self._stock.promising):
                return False
            if monotonic() > over:
                return True
        return False

    def _round(self) -> None:
        """Wait for something to do, and make one turn over all that there is."""
        ended = self._wait()
        begun = monotonic()
        try:
            turn = self._turn_over(ended)
        except Deadlock:
            self._keep(ended)
            return
        except DatabaseDown as error:
            log.warning("deliveries wait for the database", reason=str(error))
            self._keep(ended)
            sleep(_OUTAGE_PAUSE)
            return
        # One result that cannot be written must not hold up its neighbours.
        except Exception:
            if not ended:
                raise  # the sweep tries again, once a second
            log.exception("results not written, writing them one by one")
            turn = self._one_by_one(ended)
        self._turned = monotonic()
        self._took = self._turned - begun
        self._stock.went(turn.claimed)
        self._outgoing.make(turn.claimed)
        self._tell(ended, turn)

    def _wait(self) -> list[Result]:
        """Return what has ended, waiting for something to end if there is nothing else to do."""
        stock = self._stock
        stock.forget_stale()
        ended: list[Result] = []
        busy = not self._stopping.is_set() and (stock.next() or stock.curious)
        until = self._unhurried() if busy else monotonic() + stock.patience
        while True:
            try:
                results = self._ended.get(timeout=max(0.0, until - monotonic()))
            except queue.Empty:
                break
            if results is None:
                stock.look()
            else:
                stock.came_back(results)
                ended += results
            until = self._unhurried()
        stock.wake()
        return ended

    def _unhurried(self) -> float:
        """Return until when to wait for more of what is on its way.

        As long again as the last turn took: a turn over many costs little more than one over few.
        """
        return self._turned + min(self._took, _LINGER) if self._stock.out else 0.0

    def _turn_over(self, ended: Sequence[Result]) -> _Turn:
        """Write what ended, claim what may go, find what is next: in one transaction."""
        hub, stock = self._hub, self._stock
        stopping = self._stopping.is_set()
        wanted = [] if stopping else stock.next()
        curious = not stopping and stock.curious
        if not (ended or wanted or curious):
            return _Turn()
        go, put_off = stock.judged(wanted)
        lines: Lines = {}
        with transaction(hub.engine) as db:
            # Two that both claim and put off must not wait for each other.
            hold(db, ended, [*(found.row.id for found in go), *put_off] if put_off else ())
            changed = record(hub, db, ended, self._finish) if ended else []
            usable = stock.usable(db, [found.row for found in go], lines)
            rows = lanes.claim(db, list(usable), claimer=hub.process_id, now=hub.now())
            lanes.postpone(db, put_off, now=hub.now())
            stock.drop({found.row.id for found in go} | put_off.keys())
            if not stopping:
                stock.find(db, ended, lines)
            step("deliver.recorded" if ended else "deliver.found")
        claimed = {row.id for row in rows}
        stock.give_back([found for found in go if found.row.id not in claimed])
        if rows:
            step("deliver.claimed")
        if ended:
            step("deliver.committed")
        return _Turn(claimed=[Parcel(row, usable[row.id]) for row in rows], changed=changed)

    def _keep(self, results: Sequence[Result]) -> None:
        """Let ``results`` wait until they can be written; and look again for what is due."""
        self._stock.went(result.parcel for result in results)
        self._ended.put(results)
        self._ended.put(None)

    def _one_by_one(self, ended: Sequence[Result]) -> _Turn:
        """Write each result by itself; of one that cannot be written the outcome is unknown."""
        changed: list[tuple[str, str]] = []
        for result in ended:
            try:
                changed += self._write_alone(result)
            except DatabaseDown as error:
                log.warning("a result waits for the database", reason=str(error))
                self._keep([result])
            except Exception:
                # Its claim is found by the sweep, whatever this is.
                log.exception("result lost", delivery=result.parcel.id)
        self._stock.look()
        return _Turn(changed=changed)

    def _write_alone(self, result: Result) -> list[tuple[str, str]]:
        hub, parcel = self._hub, result.parcel
        try:
            with transaction(hub.engine) as db:
                hold(db, [result])
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

    def _tell(self, ended: Sequence[Result], turn: _Turn) -> None:
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
