"""Carry news from every process to the open pages of the console.

News says only that something changed; a page asks for what it shows. So news may be lost, as
long as it is said that some was: a `GAP` tells a page to load itself anew.
"""

import json
import threading
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from itertools import chain
from typing import Any, Final, Self

from redis import Redis
from redis.client import PubSub
from redis.exceptions import RedisError

from hubbub.redis_client import Outage

_CHANNEL: Final = "live"
#: How long the listening thread waits before it looks whether it should stop.
_LOOK_UP: Final = 1.0
#: How long the first subscription of a process waits for the listener, to miss nothing.
_FIRST_WAIT: Final = 1.0


@dataclass(frozen=True, slots=True)
class LiveEvent:
    """Something changed: ``kind`` says what, the ids say where."""

    kind: str
    channel_id: str | None = None
    conversation_id: str | None = None
    message_id: str | None = None

    @property
    def fields(self) -> tuple[str | None, ...]:
        """What it is made from."""
        return self.kind, self.channel_id, self.conversation_id, self.message_id


#: News was lost: load everything again.
GAP: Final = LiveEvent("gap")
#: Kinds of news about somebody who is writing, and has said nothing yet.
AGENT_TYPES: Final = "agent types"
VISITOR_TYPES: Final = "visitor types"
#: Somebody here opened a conversation, began to write in it, or left it.
PRESENCE: Final = "presence"
#: Somebody's login ended: whoever is told of news looks whether it was theirs.
LOGINS: Final = "logins"


def _all(event: LiveEvent) -> bool:
    del event
    return True


class Subscription:
    """The news for one open page: bounded, so that a slow reader costs nobody memory."""

    def __init__(
        self,
        live: "Live",
        *,
        heartbeat: timedelta,
        size: int,
        conversation_id: str | None,
        wants: Callable[[LiveEvent], bool],
    ) -> None:
        self._live = live
        self.conversation_id = conversation_id
        self._wants = wants
        self._heartbeat = heartbeat.total_seconds()
        self._size = size
        #: One lock and a list: a queue needs three times as much memory, for each open window.
        self._changed = threading.Condition()
        self._news: list[LiveEvent | None] = []
        self._closed = False

    def __iter__(self) -> Iterator[LiveEvent | None]:
        """Yield news as it comes, and None when ``heartbeat`` passed without any."""
        while not self._closed:
            event = self.get(self._heartbeat)
            if not self._closed:
                yield event

    def get(self, timeout: float) -> LiveEvent | None:
        """Return the next news, or None after ``timeout`` seconds or `close`."""
        with self._changed:
            self._changed.wait_for(lambda: self._news or self._closed, timeout)
            return self._news.pop(0) if self._news else None

    def put(self, event: LiveEvent | None) -> None:
        """Hand over news, or None: to look as if a heartbeat were due.

        A reader too slow for it loses what is queued and gets a `GAP`.
        """
        with self._changed:
            if len(self._news) >= self._size:
                self._news, event = [], GAP
            self._news.append(event)
            self._changed.notify()

    def tell(self, event: LiveEvent) -> None:
        """Hand over news that is wanted here, or a `GAP`."""
        if event == GAP or self._wants(event):
            self.put(event)

    def close(self) -> None:
        """Stop; whoever iterates is woken. Safe to call twice."""
        self._live.forget(self)
        with self._changed:
            self._closed = True
            self._changed.notify_all()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


class Live:
    """Publish news, and fan it out to the subscriptions of this process."""

    def __init__(self, redis: Redis) -> None:
        self._redis = redis
        self._publishing = Outage("open pages are not told of news")
        self._listening = Outage("open pages get no news")
        self._lock = threading.Lock()
        #: By the conversation that they are about; None: about all.
        self._subscriptions: dict[str | None, set[Subscription]] = defaultdict(set)
        self._thread: threading.Thread | None = None
        self._stop = threading.Event()
        self._ready = threading.Event()
        self._fresh = True

    @property
    def unheard(self) -> bool:
        """Whether what was published last has reached no process, as far as this one knows."""
        return self._publishing.away

    def publish(self, events: Sequence[LiveEvent]) -> None:
        """Tell every process, in one call; nothing is raised and nothing is kept."""
        if not events or self._publishing.resting():
            return
        try:
            self._redis.publish(_CHANNEL, json.dumps([event.fields for event in events]))
        except RedisError as error:
            self._publishing.began(error)
        else:
            self._publishing.over()

    def subscribe(
        self,
        *,
        heartbeat: timedelta = timedelta(seconds=10),
        size: int = 256,
        conversation_id: str | None = None,
        wants: Callable[[LiveEvent], bool] = _all,
    ) -> Subscription:
        """Return a new subscription to the news that it ``wants``, of one conversation or of all.

        Close it. The first one of a process starts the listener.
        """
        subscription = Subscription(
            self, heartbeat=heartbeat, size=size, conversation_id=conversation_id, wants=wants
        )
        with self._lock:
            self._subscriptions[conversation_id].add(subscription)
        self.listen(wait=0 if self._listening.away else _FIRST_WAIT)
        return subscription

    def forget(self, subscription: Subscription) -> None:
        """Hand no more news to ``subscription``."""
        about = subscription.conversation_id
        with self._lock:
            self._subscriptions[about].discard(subscription)
            if not self._subscriptions[about]:
                del self._subscriptions[about]

    def listen(self, *, wait: float = 0.0) -> bool:
        """Start this process's one listener; safe to call again.

        Answers whether it is connected, after up to ``wait`` seconds.
        """
        with self._lock:
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="live", daemon=True)
                self._thread.start()
        return self._ready.wait(wait)

    def close(self) -> None:
        """Stop the listener and end every subscription."""
        self._stop.set()
        if self._thread is not None:
            self._thread.join()
        for subscription in self._who_hears(GAP):
            subscription.close()

    def _run(self) -> None:
        pause = 0.1
        while not self._stop.wait(pause if self._listening.away else 0):
            try:
                with self._redis.pubsub() as pubsub:  # type: ignore[no-untyped-call]  # untyped in redis-py
                    pubsub.subscribe(_CHANNEL)
                    pause = 0.1
                    self._hear(pubsub)
            except RedisError as error:
                self._listening.began(error)
                self._ready.clear()
                self._fresh = False
                pause = min(1.0, pause * 2)

    def _hear(self, pubsub: PubSub) -> None:
        while not self._stop.is_set():
            message = pubsub.get_message(timeout=_LOOK_UP)
            if message is None:
                continue
            if message["type"] == "subscribe":
                self._begin()
            elif message["type"] == "message":
                self._fan_out(_events(message["data"]))

    def _begin(self) -> None:
        """Begin to hear; also after the client mended a lost connection by itself."""
        self._listening.over()
        self._ready.set()
        if not self._fresh:
            self._fan_out([GAP])
        self._fresh = False

    def _fan_out(self, events: Sequence[LiveEvent]) -> None:
        for event in events:
            for subscription in self._who_hears(event):
                subscription.tell(event)

    def _who_hears(self, event: LiveEvent) -> list[Subscription]:
        """Return those whom an event may concern: a chat window hears nothing of other ones."""
        with self._lock:
            if event == GAP:
                return list(chain.from_iterable(self._subscriptions.values()))
            about = {None, event.conversation_id}
            return [one for key in about for one in self._subscriptions.get(key, ())]


def _events(data: bytes) -> list[LiveEvent]:
    """Return the events in ``data``; a GAP for what another version of the hub means."""
    try:
        return [LiveEvent(*map(_text, fields)) for fields in json.loads(data)]
    except (ValueError, TypeError):
        return [GAP]


def _text(value: Any) -> Any:
    if value is not None and not isinstance(value, str):
        raise TypeError("An id is text.")
    return value
