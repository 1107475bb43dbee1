"""Send a window what happens, as it happens: server-sent events, or an answer that waits.

A window subscribes first and reads what it missed afterwards, so that nothing falls in between.
News only wakes: what is sent is always read from the table, after the last number that was sent.
"""

import json
import random
import threading
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import timedelta
from time import monotonic
from typing import Any, Final

from hubbub.api.problems import Problem, Refusal
from hubbub.hub import Hub
from hubbub.live import AGENT_TYPES, PRESENCE, VISITOR_TYPES, LiveEvent, Subscription
from hubbub.store.session import DatabaseDown
from hubbub.widget import shown
from hubbub.widget.limits import slow_down
from hubbub.widget.shown import Place

#: Streams of one visitor, and of one network.
_OWN: Final = 3
_NEAR: Final = 50
#: Without a sign of life a window takes its stream for dead; it is also when lost news is found.
HEARTBEAT: Final = timedelta(seconds=20)
#: Windows that find no room come back after so many seconds, not all at once.
_COME_BACK: Final = (5, 15)
#: The longest that an answer waits for news.
LONGEST_WAIT: Final = timedelta(seconds=20)
#: The visitor opened one more stream than they may have: this one, their oldest, ends.
CROWDED: Final = LiveEvent("crowded")
#: What is told as it is, by the kind of the news.
_SAID: Final = {AGENT_TYPES: "typing", CROWDED.kind: "crowded"}


@dataclass(frozen=True, eq=False)
class _Guest:
    """Who holds a place, and how to ask for it back."""

    visitor: str
    network: str
    make_room: Callable[[], None]


class Room:
    """How many streams there are in this process.

    Whoever was here first makes room for the same visitor: a page that was left holds its stream
    until the next heartbeat finds nobody there, and people turn pages faster than that.
    """

    def __init__(self, streams: int) -> None:
        self._streams = streams
        self._lock = threading.Lock()
        #: Of each visitor those that were not asked to go, the oldest first.
        self._own: dict[str, list[_Guest]] = defaultdict(list)
        #: Of each network; those that were asked to go count until they are gone.
        self._near: Counter[str] = Counter()

    @contextmanager
    def place(self, visitor: str, network: str, make_room: Callable[[], None]) -> Iterator[None]:
        """Hold a place. Raises `Refusal` where there is none.

        ``make_room`` is called when the visitor opened more than they may have: end soon.
        """
        guest = _Guest(visitor, network, make_room)
        oldest = self._enter(guest)
        try:
            if oldest is not None:
                oldest.make_room()
            yield
        finally:
            self._leave(guest)

    def _enter(self, guest: _Guest) -> _Guest | None:
        with self._lock:
            if self._near[guest.network] >= _NEAR:
                raise slow_down(_COME_BACK[0])
            if self._near.total() >= self._streams:
                raise _full()
            self._near[guest.network] += 1
            own = self._own[guest.visitor]
            own.append(guest)
            return own.pop(0) if len(own) > _OWN else None

    def _leave(self, guest: _Guest) -> None:
        with self._lock:
            self._near -= Counter([guest.network])  # forgets those who hold none
            own = self._own[guest.visitor]
            if guest in own:
                own.remove(guest)
            if not own:
                del self._own[guest.visitor]


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

    Whose conversation it is is asked whenever there is news, and whether the visitor is still
    ``welcome`` as often as a heartbeat is due. `CROWDED` ends it, and so does a database that is
    away: the window comes back, and goes on after what it saw last.
    """
    yield "retry: 2000\n\n"
    with suppress(DatabaseDown):
        yield from _told(hub, place, seq, news, welcome)


def _told(
    hub: Hub, place: Place, seq: int, news: Subscription, welcome: Callable[[], bool]
) -> Iterator[str]:
    state: dict[str, Any] | None = None
    for event in _while_welcome(news, welcome):
        if event is not None and event.kind in _SAID:
            yield _event(_SAID[event.kind], {})
            continue
        now = shown.standing(hub, place)
        if now is not None and now.has_more(seq):
            for message in _all_after(hub, place, seq):
                seq = message["seq"]
                yield _event("message", message, seq)
            now = shown.standing(hub, place)
        if now is None:
            yield _event("gone", {})
            return
        if now.state != state:
            state = now.state
            yield _event("state", state)
        elif event is None:
            yield ": still here\n\n"


def look(hub: Hub, place: Place, seq: int) -> dict[str, Any]:
    """Return what is new after number ``seq``."""
    now = shown.standing(hub, place)
    if now is None:
        return {"messages": [], "state": None}
    messages = shown.after(hub, place, seq)
    return {"messages": messages, "state": now.state}


def wait(hub: Hub, place: Place, seq: int, news: Subscription, seconds: float) -> dict[str, Any]:
    """Return what is new after number ``seq``: at once if there is anything, else in a while."""
    over = monotonic() + min(seconds, LONGEST_WAIT.total_seconds())
    found = look(hub, place, seq)
    while found["state"] and not found["messages"] and (left := over - monotonic()) > 0:
        event = news.get(left)
        found = look(hub, place, seq)
        if event == CROWDED:
            break
    return found


def _while_welcome(news: Subscription, welcome: Callable[[], bool]) -> Iterator[LiveEvent | None]:
    """Yield once at once, and then whenever there is news or a heartbeat is due."""
    yield LiveEvent("begin")
    asked = monotonic()
    for event in news:
        # By the clock: where there is always news, no heartbeat is ever due.
        if event is None or monotonic() - asked >= HEARTBEAT.total_seconds():
            if not welcome():
                return
            asked = monotonic()
        yield event
        if event == CROWDED:
            return


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
