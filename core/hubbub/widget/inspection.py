"""Look at the window as a browser does: through the public URL, and whatever stands before it."""

import time
from collections.abc import Iterator
from contextlib import closing
from http.client import HTTPConnection, HTTPException, HTTPResponse, HTTPSConnection
from typing import Final
from urllib.parse import SplitResult, urlsplit

from hubbub.directory import Line
from hubbub.sdk.values import Finding
from hubbub.sdk.widget import WidgetSettings
from hubbub.trust import own_trust, trusting
from hubbub.widget.pages import ancestors

#: Seconds between the two pieces that `probe` sends, and until something has to answer.
PAUSE: Final = 1.0
_PATIENCE: Final = 10.0
_SAYS_NO: Final = "See what the proxy before the hub does with /widget/, and HUBBUB_PUBLIC_URL."


def probe() -> Iterator[str]:
    """Yield two pieces, the second a while after the first, as streams do."""
    yield ": one\n\n"
    time.sleep(PAUSE)
    yield ": two\n\n"


def inspect(base_url: str, line: Line, settings: WidgetSettings) -> Iterator[Finding]:
    """Yield what was found; each thing that is wrong keeps visitors from something."""
    public = urlsplit(base_url)
    widget = f"{public.path}/widget/{line.webhook_key}"
    try:
        yield _loader(public, f"{widget}.js")
        yield _frame(public, f"{widget}/frame", settings.allowed_origins)
        yield _stream(public, f"{widget}/probe")
        if public.scheme == "https":
            yield _http2(public)
    except (OSError, HTTPException) as error:
        yield Finding.bad("reached", f"{base_url} does not answer: {error}", _SAYS_NO)


def _loader(public: SplitResult, path: str) -> Finding:
    with closing(_connection(public)) as link:
        answer = _asked(link, path)
        body = answer.read()
    if answer.status == 200 and b"HubChat" in body:  # noqa: PLR2004  # a status
        return Finding.good("loader", "The script is loaded through the public URL.")
    return Finding.bad(
        "loader", f"The script is not loaded: the public URL answers {answer.status}.", _SAYS_NO
    )


def _frame(public: SplitResult, path: str, sites: tuple[str, ...]) -> Finding:
    with closing(_connection(public)) as link:
        answer = _asked(link, path)
    policy = answer.headers.get("Content-Security-Policy", "")
    wanted = f"frame-ancestors {ancestors(sites)};"
    if wanted in policy and "X-Frame-Options" not in answer.headers:
        whose = "Your sites may show the window, and no others." if sites else "Sites may show it."
        return Finding.good("frame", whose)
    return Finding.bad(
        "frame",
        "The headers that say which sites may show the window do not arrive as they were sent.",
        "Let the proxy neither set X-Frame-Options nor change Content-Security-Policy there.",
    )


def _stream(public: SplitResult, path: str) -> Finding:
    with closing(_connection(public)) as link:
        answer = _asked(link, path)
        answer.read(1)
        began = time.monotonic()
        answer.read()
        apart = time.monotonic() - began
    if answer.status in {429, 503}:
        return Finding.warning("stream", "There is no room for one more stream.", "Try again.")
    if answer.status == 200 and apart > PAUSE / 2:  # noqa: PLR2004  # a status
        return Finding.good("stream", "What happens is told at once.")
    return Finding.warning(
        "stream",
        "Something on the way keeps what streams say until they end: visitors wait for answers.",
        "Switch buffering and compression off for /widget/ at the proxy.",
    )


def _http2(public: SplitResult) -> Finding:
    context = own_trust()
    context.set_alpn_protocols(["h2", "http/1.1"])
    with closing(HTTPSConnection(public.netloc, timeout=_PATIENCE, context=context)) as link:
        link.connect()
        offered = link.sock.selected_alpn_protocol()
    if offered == "h2":
        return Finding.good("http2", "Browsers may have many tabs open.")
    return Finding.warning(
        "http2",
        "HTTP/2 is not offered: browsers that have seven tabs of your sites open wait in the last.",
        "Switch HTTP/2 on at the proxy.",
    )


def _connection(public: SplitResult) -> HTTPConnection:
    if public.scheme == "https":
        return HTTPSConnection(public.netloc, timeout=_PATIENCE, context=trusting())
    return HTTPConnection(public.netloc, timeout=_PATIENCE)


def _asked(link: HTTPConnection, path: str) -> HTTPResponse:
    link.request("GET", path)
    return link.getresponse()
