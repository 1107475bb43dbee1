"""Make Dramatiq's Redis broker prompt: wait on the list instead of sleeping between looks.

Producers and the layout in Redis stay Dramatiq's own. What differs is the consumer: it blocks
until there is a message, tells Redis of finished ones in batches, gives back the messages of
dead workers by the clock, and waits out an outage instead of being restarted by it.
See docs/decisions/0003-queue.md for the figures.
"""

import threading
import time
from collections import deque
from collections.abc import Iterable
from datetime import timedelta
from itertools import islice
from typing import Any, Final, cast

import dramatiq
import structlog
from dramatiq.broker import Consumer, MessageProxy
from dramatiq.brokers.redis import RedisBroker
from dramatiq.errors import DecodeError
from redis import Redis
from redis.exceptions import RedisError

from hubbub.redis_client import Outage, make_redis

#: The longest silence between two rounds of maintenance, which are also the heartbeats.
MAINTENANCE: Final = timedelta(seconds=5)
#: The longest wait on a list: a worker that is told to stop looks up this often.
PATIENCE: Final = timedelta(seconds=1)
#: The longest pause between two questions to a Redis that is away.
LONGEST_PAUSE: Final = 1.0
#: How many finished messages one call tells of.
BATCH: Final = 500

# A message whose worker was taken for dead may be in another worker's hands: it is theirs then.
_ACKNOWLEDGE: Final = """
for i = 1, #ARGV do
    if redis.call('srem', KEYS[1], ARGV[i]) == 1 then
        redis.call('hdel', KEYS[2], ARGV[i])
    end
end
"""
log = structlog.get_logger(__name__)


class PromptBroker(RedisBroker):
    """A Redis broker whose consumers block. A worker silent for ``heartbeat`` counts as dead."""

    def __init__(
        self, url: str, *, heartbeat: timedelta, middleware: list[dramatiq.Middleware]
    ) -> None:
        # Not repeated on a lost connection: a second fetch would take other messages.
        client = make_redis(url, timeout=timedelta(seconds=5), retries=0)
        super().__init__(  # type: ignore[no-untyped-call]  # Dramatiq leaves it untyped
            client=client,
            middleware=middleware,
            heartbeat_timeout=int(heartbeat.total_seconds() * 1000),
        )
        #: For commands that block up to `PATIENCE`.
        self.patient: Redis = make_redis(url, timeout=PATIENCE + timedelta(seconds=4), retries=0)
        self.maintenance = min(MAINTENANCE, heartbeat / 3).total_seconds()
        self.outage = Outage("workers wait for it")
        self._acknowledge = client.register_script(_ACKNOWLEDGE)

    def declare_queue(self, queue_name: str) -> None:
        """Declare a queue without its delayed twin. Safe to run twice."""
        if queue_name not in self.queues:
            self.emit_before("declare_queue", queue_name)
            self.queues.add(queue_name)
            self.emit_after("declare_queue", queue_name)

    def enqueue(
        self, message: dramatiq.Message[Any], *, delay: int | None = None
    ) -> dramatiq.Message[Any]:
        """Enqueue a message for now. Raises `ValueError` for a delay, `RedisError` when away."""
        if delay is not None:
            raise ValueError("Delays live in the database: give the row a time when it is due.")
        return super().enqueue(message)

    def consume(
        self, queue_name: str, prefetch: int = 1, timeout: int = 1000
    ) -> "BlockingConsumer":
        """Return a consumer that blocks for ``timeout`` milliseconds, at most `PATIENCE`."""
        patience = min(timeout / 1000, PATIENCE.total_seconds())
        return BlockingConsumer(self, queue_name, prefetch=prefetch, patience=patience)

    def acknowledge(self, queue_name: str, message_ids: Iterable[str]) -> None:
        """Forget finished messages, in one call."""
        keys = [self.unacknowledged(queue_name), f"{self.namespace}:{queue_name}.msgs"]
        self._acknowledge(keys=keys, args=list(message_ids))

    def unacknowledged(self, queue_name: str) -> str:
        """Return the key of the set of messages that this worker fetched and has not finished."""
        return f"{self.namespace}:__acks__.{self.broker_id}.{queue_name}"

    def maintain(self, queue_name: str) -> None:
        """Say that this worker lives, and give back the messages of those that do not."""
        # A command that Dramatiq's script does not know does its preamble alone: just this.
        self.do_maintain(queue_name)

    def close(self) -> None:
        """Close every connection."""
        self.client.close()
        self.patient.close()

    def _should_do_maintenance(self, command: str) -> int:
        return int(command == "maintain")


class BlockingConsumer(Consumer):
    """Give out the messages of one queue; None when ``patience`` seconds brought none.

    One thread iterates; `ack` and `nack` come from the threads that do the work. No method raises
    because Redis is away: what could not be told is told later.
    """

    def __init__(
        self, broker: PromptBroker, queue_name: str, *, prefetch: int, patience: float
    ) -> None:
        self._broker = broker
        self._queue = queue_name
        self._list = f"{broker.namespace}:{queue_name}"
        self._prefetch = prefetch
        self._patience = patience
        self._ready: deque[dramatiq.Message[Any]] = deque()
        #: What was fetched and Redis does not know to be finished.
        self._known: set[str] = set()
        self._done: deque[str] = deque()
        self._telling = threading.Lock()
        self._freed = threading.Event()
        self._flowing = False
        self._maintain_at = 0.0
        self._failures = 0

    def __next__(self) -> MessageProxy | None:
        """Return the next message, or None when there was none for a while."""
        if not self._ready:
            self._stock_up()
        return MessageProxy(self._ready.popleft()) if self._ready else None

    def ack(self, message: MessageProxy) -> None:
        """Note that ``message`` is finished."""
        self._done.append(_id(message))
        self._tell()

    def nack(self, message: MessageProxy) -> None:
        """Drop ``message``: it was a nudge, and the sweep finds its row again."""
        self.ack(message)

    def requeue(self, messages: Iterable[MessageProxy]) -> None:
        """Give ``messages`` back unstarted; if that fails, the missing heartbeat does it."""
        self._give_back([_id(message) for message in messages])

    def close(self) -> None:
        """Tell what is finished and give back what was not begun."""
        self._tell()
        self._give_back([_id(message) for message in self._ready])
        self._ready.clear()

    def _stock_up(self) -> None:
        try:
            self._maintain_when_due()
            if self._room() <= 0:
                self._wait_for_room()
            elif self._flowing or self._peek():
                self._fetch()
        except RedisError as error:
            self._wait_out(error)

    def _room(self) -> int:
        return self._prefetch - len(self._known)

    def _wait_for_room(self) -> None:
        self._freed.clear()
        if self._room() <= 0:
            self._freed.wait(self._wait())

    def _wait(self) -> float:
        """Return how long to wait for anything: the next heartbeat must not be late."""
        return max(0.01, min(self._patience, self._maintain_at - time.monotonic()))

    def _peek(self) -> bool:
        # Moved from the head to the head: it stays where it was, and we are woken when it comes.
        found = self._broker.patient.blmove(
            self._list,
            self._list,
            self._wait(),  # type: ignore[arg-type]  # typed as int; the command takes fractions
            src="LEFT",
            dest="LEFT",
        )
        return found is not None

    def _fetch(self) -> None:
        room = self._room()
        found = [_decoded(data) for data in self._broker.do_fetch(self._queue, room) or ()]
        messages = [message for message in found if message is not None]
        self._known.update(map(_id, messages))
        self._ready.extend(messages)
        self._flowing = len(found) >= room  # otherwise that was all

    def _maintain_when_due(self) -> None:
        if time.monotonic() < self._maintain_at:
            return
        self._broker.maintain(self._queue)
        self._broker.outage.over()
        if self._failures:
            self._recover_lost()
        self._maintain_at = time.monotonic() + self._broker.maintenance
        self._tell()

    def _recover_lost(self) -> None:
        """Put back what Redis handed to us in an answer that never arrived."""
        known = set(self._known)
        held = self._broker.client.smembers(self._broker.unacknowledged(self._queue))
        lost = {member.decode() for member in cast("set[bytes]", held)} - known
        if lost:
            self._broker.do_requeue(self._queue, *lost)
        self._failures = 0

    def _wait_out(self, error: RedisError) -> None:
        self._broker.outage.began(error)
        self._flowing = False
        self._maintain_at = 0.0
        pause = min(LONGEST_PAUSE, 0.05 * 2 ** min(self._failures, 5))
        self._failures += 1
        time.sleep(pause)

    def _tell(self) -> None:
        """Tell Redis what is finished; the thread that is at it tells for the others too."""
        while self._done and self._telling.acquire(blocking=False):
            try:
                told = self._tell_batch()
            finally:
                self._telling.release()
            if not told:
                return

    def _tell_batch(self) -> bool:
        batch = list(islice(self._done, BATCH))
        try:
            self._broker.acknowledge(self._queue, batch)
        except RedisError as error:
            self._broker.outage.began(error)
            return False
        for message_id in batch:
            self._done.popleft()
            self._known.discard(message_id)
        self._freed.set()
        return True

    def _give_back(self, message_ids: list[str]) -> None:
        if not message_ids:
            return
        try:
            self._broker.do_requeue(self._queue, *message_ids)
        except RedisError as error:
            self._broker.outage.began(error)
        self._known.difference_update(message_ids)


def _id(message: dramatiq.Message[Any] | MessageProxy) -> str:
    return cast("str", message.options["redis_message_id"])


def _decoded(data: bytes | None) -> dramatiq.Message[Any] | None:
    if data is None:  # another worker finished it after this one was taken for dead
        return None
    try:
        return dramatiq.Message.decode(data)
    except DecodeError:
        log.exception("a queued message cannot be read and is left out")
        return None
