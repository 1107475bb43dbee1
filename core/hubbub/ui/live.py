"""Tell open pages that something changed; they then ask for what they show."""

import json
import threading
from collections.abc import Iterator
from datetime import timedelta
from typing import Any, Final

from flask import Blueprint, Response

from hubbub.hub import Hub
from hubbub.live import AGENT_TYPES, GAP, LOGINS, VISITOR_TYPES, LiveEvent, Subscription
from hubbub.people.sessions import person_of
from hubbub.store.session import DatabaseDown
from hubbub.ui.guard import Guard

#: Open streams in one process: each holds a thread, and webhooks must always find one.
STREAMS: Final = 48
#: Without a sign of life a proxy, or the browser, takes the stream for dead.
_HEARTBEAT: Final = timedelta(seconds=12)


def add_live(ui: Blueprint, hub: Hub, guard: Guard) -> None:
    """Add the stream of news."""
    free = threading.BoundedSemaphore(STREAMS)

    @ui.get("/live")
    @guard.page
    def live() -> Any:
        if not free.acquire(blocking=False):
            # The page then asks by itself every few seconds.
            return Response("Too many pages are open.\n", 503, {"Retry-After": "10"})
        subscription = hub.live.subscribe(heartbeat=_HEARTBEAT, wants=_wanted)
        told = _stream(subscription, _Login(hub, guard.cookie()))
        stream = Response(told, content_type="text/event-stream")
        stream.headers["X-Accel-Buffering"] = "no"

        @stream.call_on_close
        def closed() -> None:
            subscription.close()
            free.release()

        return stream


def _wanted(news: LiveEvent) -> bool:
    # That somebody here is writing changes nothing on any page of the console.
    return news.kind != AGENT_TYPES


class _Login:
    """The login that a stream was opened by."""

    def __init__(self, hub: Hub, cookie: str) -> None:
        self._hub = hub
        self._cookie = cookie
        self._looked_at = hub.now()

    def is_over(self, news: LiveEvent | None) -> bool:
        """Whether it ended: asked when that may be, and every few seconds, as news may be lost."""
        quiet = news is not None and news.kind != LOGINS and news != GAP
        if quiet and self._hub.now() - self._looked_at < _HEARTBEAT:
            return False
        self._looked_at = self._hub.now()
        try:
            return person_of(self._hub, self._cookie) is None
        except DatabaseDown:
            return True  # the page asks for another stream, and says what is wrong


def _stream(subscription: Subscription, login: _Login) -> Iterator[str]:
    yield "retry: 2000\n\n"
    for news in subscription:
        if login.is_over(news):
            return
        if news is None:
            yield ": still here\n\n"
        elif news.kind != LOGINS:
            yield _told(news)


def _told(news: LiveEvent) -> str:
    told = {"kind": news.kind, "conversation": news.conversation_id}
    # Of a visitor who is writing only the open conversation speaks; no page asks anew.
    name = "event: typing\n" if news.kind == VISITOR_TYPES else ""
    return f"{name}data: {json.dumps(told)}\n\n"
