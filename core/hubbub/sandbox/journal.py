"""Remember what the hub sent, and which webhooks were called: the judge of "exactly once"."""

import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from itertools import takewhile
from typing import Generic, TypeVar

from hubbub.sandbox.wsgi import Json


@dataclass(frozen=True, slots=True, kw_only=True)
class Sent:
    """One thing the hub did at a provider that the provider accepted."""

    provider: str
    #: The bot's id, or the account's SID.
    endpoint: str
    operation: str
    #: ``message`` for what the customer gets as a message of its own, else ``action``.
    kind: str
    address: str
    external_id: str
    text: str = ""
    #: The parameters as they came.
    params: Json = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Called:
    """One call of a webhook, and what the hub answered."""

    provider: str
    endpoint: str
    #: ``update``, ``message`` or ``status``.
    kind: str
    #: The provider's id of what was told.
    key: str
    attempt: int
    url: str
    body: str
    #: None where nobody answered; ``error`` says why.
    status: int | None = None
    answer: str = ""
    error: str = ""
    duration_ms: float = 0.0


T = TypeVar("T", Sent, Called)


@dataclass(frozen=True, slots=True)
class Entry(Generic[T]):
    """One line of a journal."""

    seq: int
    at: float
    what: T

    def as_json(self) -> Json:
        """Return the line for the control API."""
        return {"seq": self.seq, "at": self.at, **asdict(self.what)}


class Journal(Generic[T]):
    """Lines in the order in which things happened; the oldest are forgotten."""

    def __init__(self, keep: int) -> None:
        self._lines: deque[Entry[T]] = deque(maxlen=keep)
        self._grown = threading.Condition()
        self._seq = 0
        self._total = 0
        self._waiting = 0

    @property
    def total(self) -> int:
        """How many lines were written since the last reset."""
        return self._total

    def add(self, what: T) -> None:
        """Write one line."""
        with self._grown:
            self._seq += 1
            self._total += 1
            self._lines.append(Entry(self._seq, time.time(), what))
            if self._waiting:
                self._grown.notify_all()

    def since(
        self, seq: int = 0, *, wanted: Callable[[T], bool] = lambda _: True, wait: float = 0
    ) -> list[Entry[T]]:
        """Return the wanted lines after ``seq``, oldest first; wait for one if there is none."""
        deadline = time.monotonic() + wait
        with self._grown:
            self._waiting += 1
            try:
                while not (found := self._found(seq, wanted)):
                    left = deadline - time.monotonic()
                    if left <= 0:
                        break
                    self._grown.wait(left)
            finally:
                self._waiting -= 1
        return found

    def clear(self) -> None:
        """Forget every line; the numbers go on."""
        with self._grown:
            self._lines.clear()
            self._total = 0

    def _found(self, seq: int, wanted: Callable[[T], bool]) -> list[Entry[T]]:
        newer = takewhile(lambda line: line.seq > seq, reversed(self._lines))
        return [line for line in newer if wanted(line.what)][::-1]
