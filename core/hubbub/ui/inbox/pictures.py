"""Fetch pictures that letters show from elsewhere, so that nobody there learns who reads.

A page of ours names them by addresses that are signed and grow old: the frame of a letter has no
login, and nobody else is to have anything fetched.
"""

from datetime import timedelta
from threading import BoundedSemaphore
from typing import Any, Final
from urllib.parse import urlencode

from flask import Blueprint, Response, abort, request

from hubbub.fetch import file_at
from hubbub.guard import Guard
from hubbub.hub import Hub
from hubbub.media import sniff
from hubbub.sdk.errors import HubError
from hubbub.transport import HttpTransport, Transport

#: What may be shown; nothing that could run, such as SVG.
_SHOWN: Final = frozenset({"image/png", "image/jpeg", "image/gif", "image/webp"})
_LARGEST: Final = 5 << 20
_PATIENCE: Final = timedelta(seconds=5)
#: How long a page that is open may still ask.
_LASTS: Final = timedelta(hours=1)
#: Fetched at once by one process, which has eight times as many threads: hosts that are slow must
#: not keep webhooks waiting.
_AT_ONCE: Final = 16
_TURN: Final = 10.0


def picture_address(hub: Hub, url: str) -> str:
    """Return the address by which a page of ours shows the picture at ``url`` for a while."""
    until = str(int((hub.now() + _LASTS).timestamp()))
    given = {"url": url, "until": until, "sig": hub.vault.sign(_claim(url, until))}
    return f"/pictures?{urlencode(given)}"


def public_internet() -> Transport:
    """Return what reaches no private network, whatever operators allow: strangers say where to."""
    return HttpTransport(Guard())


def add_pictures(ui: Blueprint, hub: Hub, outside: Transport) -> None:
    """Add the address of pictures from elsewhere; the signature is what lets in."""
    turns = BoundedSemaphore(_AT_ONCE)

    @ui.get("/pictures")
    def picture() -> Any:
        url, until = request.args.get("url", ""), request.args.get("until", "")
        if not hub.vault.signed(_claim(url, until), request.args.get("sig", "")):
            abort(404)
        if int(until) < hub.now().timestamp() or not turns.acquire(timeout=_TURN):
            abort(404)
        try:
            return _answer(outside, url)
        finally:
            turns.release()


def _claim(url: str, until: str) -> str:
    return f"picture:{until}:{url}"


def _answer(outside: Transport, url: str) -> Response:
    try:
        body = file_at(outside, url, most=_LARGEST, accept="image/*", patience=_PATIENCE)
    except HubError:
        abort(404)
    mime_type = sniff(body)
    if mime_type not in _SHOWN:
        abort(404)
    answer = Response(body, content_type=mime_type)
    answer.headers.update(
        {
            "Content-Security-Policy": "default-src 'none'; sandbox",
            # The frame of a letter has no origin of its own.
            "Cross-Origin-Resource-Policy": "cross-origin",
            "Cache-Control": f"private, max-age={int(_LASTS.total_seconds())}",
        }
    )
    return answer
