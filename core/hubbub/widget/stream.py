"""Send a window what happens, as it happens: server-sent events, or an answer that waits.

A window subscribes first and reads what it missed afterwards, so that nothing falls in between.
News only wakes: what is sent is always read from the table, after the last number that was sent.
"""

import json
import random
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from time import monotonic
from typing import Any, Final

from hubbub.api.problems import Problem, Refusal
from hubbub.hub import Hub
from hubbub.live import AGENT_TYPES, PRESENCE, VISITOR_TYPES, LiveEvent, Subscription
from hubbub.widget import shown
from hubbub.widget.limits import slow_down
from hubbub.widget.shown import Place

#: Of one visitor, and of one network.
_OWN: Final = 3
_NEAR: Final = 50
#: Without a sign of life a window takes its stream for dead; it is also when lost news is found.
HEARTBEAT: Final = timedelta(seconds=20)
#: Windows that find no room come back after so many seconds, not all at once.
_COME_BACK: Final = (5, 15)
#: The longest that an answer waits for news.
LONGEST_WAIT: Final = timedelta(seconds=20)


class Room:
    """How many streams there are in this process."""

    def __init__(self, streams: int) -> None:
        self._streams = streams
        self._lock = threading.Lock()
        self._held: Counter[str] = Counter()
        self._all = 0

    def enter(self, visitor: str, network: str) -> None:
        """Take a place; leave it again. Raises `Refusal` where there is none."""
        with self._lock:
            if self._held[visitor] >= _OWN or self._held[network] >= _NEAR:
                raise slow_down(_COME_BACK[0])
            if self._all >= self._streams:
                raise _full()
            self._all += 1
            self._held.update((visitor, network))

    def leave(self, visitor: str, network: str) -> None:
        """Give a place back."""
        with self._lock:
            self._all -= 1
            self._held.subtract((visitor, network))
            self._held += Counter()  # forgets those who hold none

    @contextmanager
    def place(self, visitor: str, network: str) -> Iterator[None]:
        """Hold a place."""
        self.enter(visitor, network)
        try:
            yield
        finally:
            self.leave(visitor, network)


def listen(hub: Hub, place: Place) -> Subscription:
    """Return a subscription to the news of one conversation; close it."""

    def wants(event: LiveEvent) -> bool:
        return event.kind not in {PRESENCE, VISITOR_TYPES}

    return hub.live.subscribe(
        heartbeat=HEARTBEAT, conversation_id=place.conversation_id, wants=wants
    )


def events(
    hub: Hub, place: Place, seq: int, news: Subscription, welcome: Callable[[], bool]
) -> Iterator[str]:
    """Yield what is new after number ``seq``, until the conversation is gone or nobody listens.

    Whether the visitor is still ``welcome`` is asked with each heartbeat.
    """
    yield "retry: 2000\n\n"
    state: dict[str, Any] | None = None
    for event in _while_welcome(news, welcome):
        if event is not None and event.kind == AGENT_TYPES:
            yield _event("typing", {})
            continue
        now = shown.standing(hub, place.conversation_id)
        if now is not None and now.has_more(seq):
            for message in _all_after(hub, place, seq):
                seq = message["seq"]
                yield _event("message", message, seq)
            now = shown.standing(hub, place.conversation_id)
        if now is None:
            yield _event("gone", {})
            return
        if now.state != state:
            state = now.state
            yield _event("state", state)
        elif event is None:
            yield ": still here\n\n"


def wait(hub: Hub, place: Place, seq: int, seconds: float) -> dict[str, Any]:
    """Return what is new after number ``seq``: at once if there is anything, else in a while."""
    over = monotonic() + min(seconds, LONGEST_WAIT.total_seconds())
    with listen(hub, place) as news:
        while True:
            messages = shown.after(hub, place, seq)
            left = over - monotonic()
            if messages or left <= 0:
                break
            news.get(left)
    now = shown.standing(hub, place.conversation_id)
    return {"messages": messages, "state": now.state if now else None}


def _while_welcome(news: Subscription, welcome: Callable[[], bool]) -> Iterator[LiveEvent | None]:
    """Yield once at once, and then whenever there is news or a heartbeat is due."""
    yield LiveEvent("begin")
    for event in news:
        if event is None and not welcome():
            return
        yield event


def _all_after(hub: Hub, place: Place, seq: int) -> Iterator[dict[str, Any]]:
    while messages := shown.after(hub, place, seq):
        yield from messages
        seq = messages[-1]["seq"]


def _event(name: str, data: dict[str, Any], seq: int | None = None) -> str:
    number = "" if seq is None else f"id: {seq}\n"
    return f"event: {name}\n{number}data: {json.dumps(data)}\n\n"


def _full() -> Refusal:
    seconds = random.randint(*_COME_BACK)  # noqa: S311  # so that they do not come back together
    detail = "Too many windows are open. Ask for events now and then instead."
    return Refusal(Problem(code="busy", detail=detail, headers={"Retry-After": str(seconds)}))
