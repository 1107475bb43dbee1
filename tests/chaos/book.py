"""Remember what was acknowledged: what the hub must know afterwards."""

import threading
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from typing import NamedTuple

from tests.services.window import Window


class Talk(NamedTuple):
    """What a kind of channel and an address say to each other."""

    kind: str
    address: str
    #: The external id of the first message, where an address may have several conversations.
    thread: str = ""


@dataclass(frozen=True, kw_only=True)
class Heard:
    """A message of a customer that the hub acknowledged, and the answer that it asks for."""

    external_id: str
    answer: str


@dataclass(frozen=True, kw_only=True)
class Texted:
    """A message of a customer that a centre took, which gives it no id on its way to the hub."""

    #: By which the centre counts how often it brought it.
    id: str
    text: str


@dataclass(frozen=True, kw_only=True)
class Written:
    """A message of a colleague that the hub took."""

    message_id: str
    address: str
    text: str


@dataclass
class Book:
    """What was acknowledged; any thread may write."""

    lock: threading.Lock = field(default_factory=threading.Lock)
    #: Calls that were answered, whatever the answer.
    calls: int = 0
    #: Calls that got no answer, or 5xx, and were made again.
    repeated: int = 0
    #: In the order in which they were acknowledged.
    heard: dict[Talk, list[Heard]] = field(default_factory=lambda: defaultdict(list))
    #: In the order in which a centre took them.
    texted: dict[Talk, list[Texted]] = field(default_factory=lambda: defaultdict(list))
    #: How often a message was edited, by its external id, and what it says since.
    edits: dict[str, tuple[int, str]] = field(default_factory=dict)
    #: What was in the files of messages, by external id.
    files: dict[str, bytes] = field(default_factory=dict)
    #: The windows in which visitors see what is sent to them, by address.
    windows: dict[str, Window] = field(default_factory=dict)
    #: Under their Idempotency-Key.
    written: dict[str, Written] = field(default_factory=dict)
    #: What was told of messages, by the id by which the hub knows them.
    receipts: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))
    #: Until when all that an address was sent had reached it, as was told without naming messages.
    marks: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    #: What was said in calls that were rejected with 401, and in such as nobody can read.
    rejected: set[bytes] = field(default_factory=set)
    malformed: set[bytes] = field(default_factory=set)
    #: Events that were told more than once.
    doubled: int = 0
    #: Answers that nobody should get.
    complaints: list[str] = field(default_factory=list)
    #: What the gremlin did, and how often.
    deeds: Counter[str] = field(default_factory=Counter)

    def confirm(self, message_id: str, state: str) -> None:
        """Write down that the hub was told what became of a message."""
        with self.lock:
            self.doubled += state in self.receipts[message_id]
            self.receipts[message_id].add(state)

    def mark(self, address: str, up_to: float) -> None:
        """Write down that the hub was told of all that reached somebody until some time."""
        with self.lock:
            self.marks[address].append(up_to)

    def complain(self, what: str) -> None:
        """Write down an answer that nobody should get."""
        with self.lock:
            self.complaints.append(what)
