"""Be somebody outside: at one's own pace, and as stubborn as providers are."""

import random
import threading
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar

from tests.chaos.book import Book
from tests.chaos.calls import Caller, Numbers, Post, ask
from tests.chaos.kinds.kind import Line, Told
from tests.chaos.place import Place

#: How long anybody goes on making the same call.
STAMINA = 90.0
#: Seconds before one makes it again.
PAUSE = 0.1


@dataclass(frozen=True, kw_only=True)
class World:
    """What everybody shares."""

    place: Place
    book: Book
    seed: int
    #: Seconds between two messages of one person; more, once there were so many calls.
    pace: float
    calls: int
    numbers: Numbers = field(default_factory=Numbers)
    #: Set when nobody needs to write any more.
    enough: threading.Event = field(default_factory=threading.Event)


@dataclass(kw_only=True)
class Person:
    """One thread's worth of somebody."""

    world: World
    number: int
    #: How many times the common pace are between two acts.
    tempo: ClassVar[float] = 1.0

    def __post_init__(self) -> None:
        self.place, self.book = self.world.place, self.world.book
        self.dice = random.Random(f"{self.world.seed} {type(self).__name__} {self.number}")
        self.caller = Caller(self.dice.sample(self.place.webs, len(self.place.webs)))

    def live(self) -> None:
        """Do what one does, until it is enough."""
        for count in self.days():
            self.act(count)

    def act(self, count: int) -> None:
        """Do what one does at a time, for the time number ``count``."""
        raise NotImplementedError

    def days(self) -> Iterator[int]:
        """Yield one number after the other, with pauses, until it is enough."""
        count = 0
        while not self.world.enough.is_set():
            yield count
            count += 1
            self.world.enough.wait(self._pause())

    def _pause(self) -> float:
        # A slow machine takes long for all deeds; it must not get the more to do for it.
        more = max(1.0, self.book.calls / self.world.calls)
        return self.world.pace * self.tempo * more * (0.5 + self.dice.random())

    def chance(self, probability: float) -> bool:
        """Throw a die."""
        return self.dice.random() < probability

    def until(self, post: Post, *wanted: int) -> bytes | None:
        """Make a call as providers do: again until it is answered with ``wanted``."""
        end = time.monotonic() + STAMINA
        while time.monotonic() < end:
            status, body = self.caller.post(post)
            with self.book.lock:
                self.book.calls += status > 0
                self.book.repeated += status in {0, 503}
            if status in wanted:
                return body
            if status not in {0, 503}:
                self.book.complain(f"{post.path} {post.body[:200]!r}: {status} {body[:300]!r}")
                return None
            time.sleep(PAUSE)
        self.book.complain(f"{post.path} {post.body[:200]!r}: never answered with {wanted}")
        return None

    def confirm(self, line: Line, told: Told) -> None:
        """Tell what became of a message, where the provider does; write down what was told."""
        webhook, office = line.kind.webhook, line.kind.centre or line.kind.mailbox
        if office is not None and self.tell(*office.receipt(told)) is not None:
            self.book.confirm(told.id, told.state)
        if webhook is None or webhook.receipt is None:
            return
        if self.until(webhook.receipt(line, told), 200, 204) is None:
            return
        if webhook.watermarks and told.state == "delivered":
            self.book.mark(told.address, told.up_to)
        else:
            self.book.confirm(told.id, told.state)

    def tell(self, where: str, what: Mapping[str, Any]) -> Any:
        """Tell the sandbox, which nobody torments, what somebody does; return its answer."""
        answer = ask(f"{self.place.sandbox}/_sandbox/{where}", what, timeout=STAMINA)
        with self.book.lock:
            self.book.calls += 1
        if answer is None:
            self.book.complain(f"the sandbox did not take {what}")
        return answer

    def again(self, post: Post) -> None:
        """Tell the same once more, as providers do after a lost answer."""
        if self.until(post, 200, 204) is not None:
            with self.book.lock:
                self.book.doubled += 1

    def rejected(self, post: Post) -> None:
        """Make a call that is to be refused."""
        if self.until(post, 401) is not None:
            with self.book.lock:
                self.book.rejected.add(post.said)

    def malformed(self, post: Post) -> None:
        """Make an authentic call that nobody can read."""
        if self.until(post, 200, 204) is not None:
            with self.book.lock:
                self.book.malformed.add(post.said)
