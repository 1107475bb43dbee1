"""Tell open pages that something changed; they then ask for what they show."""

import json
import threading
from collections.abc import Iterator
from datetime import timedelta
from typing import Any, Final

from flask import Blueprint, Response

from hubbub.hub import Hub
from hubbub.live import AGENT_TYPES, VISITOR_TYPES, LiveEvent, Subscription
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
        stream = Response(_stream(subscription), content_type="text/event-stream")
        stream.headers["X-Accel-Buffering"] = "no"

        @stream.call_on_close
        def closed() -> None:
            subscription.close()
            free.release()

        return stream


def _wanted(news: LiveEvent) -> bool:
    # That somebody here is writing changes nothing on any page of the console.
    return news.kind != AGENT_TYPES


def _stream(subscription: Subscription) -> Iterator[str]:
    yield "retry: 2000\n\n"
    for news in subscription:
        if news is None:
            yield ": still here\n\n"
        else:
            told = {"kind": news.kind, "conversation": news.conversation_id}
            # Of a visitor who is writing only the open conversation speaks; no page asks anew.
            name = "event: typing\n" if news.kind == VISITOR_TYPES else ""
            yield f"{name}data: {json.dumps(told)}\n\n"
