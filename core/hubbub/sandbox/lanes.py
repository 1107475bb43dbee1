"""Run work in lanes: one piece at a time in each lane, many lanes at once, later if asked."""

import heapq
import itertools
import logging
import threading
import time
from collections import deque
from collections.abc import Callable, Hashable
from dataclasses import dataclass
from typing import TypeAlias

#: One piece of work; returns the seconds until it must run again, or None when it is done.
Job: TypeAlias = Callable[[], float | None]

_log = logging.getLogger(__name__)


@dataclass(slots=True)
class _Waiting:
    job: Job
    due: float


class Lanes:
    """Lanes of work on a few threads, which start with the first piece of work."""

    def __init__(self, threads: int) -> None:
        self._threads = threads
        self._changed = threading.Condition()
        self._lanes: dict[Hashable, deque[_Waiting]] = {}
        # A lane is in the heap, or in the hands of one thread; never both.
        self._heap: list[tuple[float, int, Hashable]] = []
        self._tie = itertools.count()
        self._started = False
        self._closed = False

    def put(self, lane: Hashable, job: Job, *, delay: float = 0) -> None:
        """Add work to the end of a lane; it runs no earlier than after ``delay`` seconds."""
        waiting = _Waiting(job, time.monotonic() + delay)
        with self._changed:
            self._start()
            queue = self._lanes.get(lane)
            if queue is None:
                self._lanes[lane] = deque((waiting,))
                self._schedule(lane, waiting.due)
            else:
                queue.append(waiting)

    def clear(self) -> None:
        """Forget all work that has not begun."""
        with self._changed:
            self._lanes.clear()
            self._heap.clear()

    def close(self) -> None:
        """Let the threads end; work that has not begun is lost."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()

    def _start(self) -> None:
        if self._started:
            return
        self._started = True
        for number in range(self._threads):
            name = f"sandbox-lane-{number}"
            threading.Thread(target=self._work, name=name, daemon=True).start()

    def _schedule(self, lane: Hashable, due: float) -> None:
        heapq.heappush(self._heap, (due, next(self._tie), lane))
        self._changed.notify()

    def _work(self) -> None:
        while (taken := self._take()) is not None:
            lane, queue = taken
            again = _run(queue[0].job)
            with self._changed:
                self._settle(lane, queue, again)

    def _take(self) -> tuple[Hashable, deque[_Waiting]] | None:
        with self._changed:
            while not self._closed:
                due = self._heap[0][0] if self._heap else None
                left = None if due is None else due - time.monotonic()
                if left is not None and left <= 0:
                    lane = heapq.heappop(self._heap)[2]
                    # This thread may be busy for long: another must watch what is due next.
                    self._changed.notify()
                    return lane, self._lanes[lane]
                self._changed.wait(left)
        return None

    def _settle(self, lane: Hashable, queue: deque[_Waiting], again: float | None) -> None:
        if self._lanes.get(lane) is not queue:
            return  # cleared meanwhile
        if again is None:
            queue.popleft()
        else:
            queue[0].due = time.monotonic() + again
        if queue:
            self._schedule(lane, queue[0].due)
        else:
            del self._lanes[lane]


def _run(job: Job) -> float | None:
    try:
        return job()
    except Exception:  # noqa: BLE001  # the edge of a thread: one failure must not end it
        _log.exception("A piece of the sandbox's work failed")
        return None
