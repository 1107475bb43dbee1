"""Drive a plugin's exchange with its provider, and keep a redacted record of what was said."""

import codecs
import time
import traceback
from collections.abc import Callable, Generator, Mapping
from contextlib import closing
from dataclasses import dataclass, field
from functools import lru_cache
from itertools import islice
from typing import Final, Generic, TypeAlias, TypedDict, TypeVar, cast

import structlog

from hubbub.plugins import RAISED
from hubbub.redact import Redactor
from hubbub.sdk.errors import HubError, OutcomeUnknown, Permanent, SendError
from hubbub.sdk.values import Exchange, File, HttpRequest, HttpResponse, Letter, Multipart
from hubbub.store.clean import clean
from hubbub.transport import Files, Transport

T = TypeVar("T")
R = TypeVar("R")

#: Requests that one exchange may make.
MOST_REQUESTS: Final = 10
#: Bytes of a body that are recorded.
MOST_BODY: Final = 4000
#: Headers, or fields of a form, that are recorded, and the characters of each header.
MOST_HEADERS: Final = 50
MOST_HEADER: Final = 500

log = structlog.get_logger(__name__)


class Asked(TypedDict):
    """A request, as it is recorded."""

    method: str
    url: str
    headers: dict[str, str]
    body: str


class Answered(TypedDict):
    """An answer, as it is recorded."""

    status: int
    headers: dict[str, str]
    body: str


class Entry(TypedDict):
    """One request and what came of it: ``response``, or ``error`` where there was none."""

    request: Asked
    response: Answered | None
    error: str | None
    duration_ms: int


@dataclass(frozen=True, kw_only=True)
class Ran(Generic[T]):
    """How an exchange went: ``value`` counts when ``error`` is None. Holds no secret."""

    value: T | None
    error: SendError | None
    exchanges: list[Entry]
    duration_ms: int


#: Asks for requests to be made, one after the other, and returns how it all went.
Steps: TypeAlias = Generator[HttpRequest, HttpResponse, Ran[T]]


def run(
    exchange: Exchange[T],
    transport: Transport,
    *,
    redact: Redactor,
    files: Files,
    clock: Callable[[], float] = time.monotonic,
) -> Ran[T]:
    """Carry ``exchange`` to its end; never raises what the plugin or the provider got wrong."""
    return finished(steps(exchange, redact=redact, clock=clock), transport, files=files)


def finished(
    under_way: Generator[HttpRequest, HttpResponse, R],
    transport: Transport,
    *,
    files: Files,
    request: HttpRequest | None = None,
) -> R:
    """Make all requests that ``under_way`` still asks for, ``request`` first; return its end."""
    try:
        if request is None:
            request = next(under_way)
        while True:
            try:
                response = transport.perform(request, files=files)
            except Exception as error:  # noqa: BLE001  # judged there, be it what it may
                request = under_way.throw(error)
            else:
                request = under_way.send(response)
    except StopIteration as end:
        return cast("R", end.value)


def steps(
    exchange: Exchange[T], *, redact: Redactor, clock: Callable[[], float] = time.monotonic
) -> Steps[T]:
    """Ask for each request of ``exchange``, and return how it went.

    What it is sent is the answer; a transport's error is thrown into it, and raised inside the
    plugin, which may react to it. An error of the plugin itself is `OutcomeUnknown` once a request
    that changes something may have arrived.
    """
    record = _Record(redact=redact, clock=clock)
    began = clock()
    value: T | None = None
    error: SendError | None = None
    try:
        value = yield from _recorded(exchange, record)
    except SendError as raised:
        error = _told(raised, redact)
    except HubError as raised:
        error = record.judged(redact.text(raised.detail), code=raised.code)
    except RAISED as raised:  # a plugin is foreign code, and this is its edge
        error = record.judged(f"The plugin failed: {type(raised).__name__}.", code="plugin_error")
        _log(raised)
    return Ran(
        value=value,
        error=error,
        exchanges=record.entries,
        duration_ms=_milliseconds(clock() - began),
    )


@dataclass(kw_only=True)
class _Record:
    redact: Redactor
    clock: Callable[[], float]
    entries: list[Entry] = field(default_factory=list)
    #: Whether a request that changes something may have reached the provider.
    effective: bool = False

    def judged(self, detail: str, *, code: str) -> SendError:
        """Return the error for an exchange that broke off for a reason of our own."""
        if self.effective:
            return OutcomeUnknown(f"{detail} The provider may have acted already.", code=code)
        return Permanent(detail, code=code)


def _recorded(exchange: Exchange[T], record: _Record) -> Generator[HttpRequest, HttpResponse, T]:
    """Run the plugin until it returns or raises."""
    with closing(exchange):
        try:
            request = next(exchange)
            while len(record.entries) < MOST_REQUESTS:
                try:
                    response = yield from _one(request, record)
                except HubError as error:
                    request = exchange.throw(error)
                else:
                    request = exchange.send(response)
        except StopIteration as end:
            return cast("T", end.value)
    raise record.judged(
        f"The plugin wanted more than {MOST_REQUESTS} requests for one thing.",
        code="plugin_error",
    )


def _one(request: object, record: _Record) -> Generator[HttpRequest, HttpResponse, HttpResponse]:
    """Ask for one request, and record what came of it."""
    if not isinstance(request, HttpRequest):
        raise TypeError(type(request).__name__)
    began, before = record.clock(), record.effective
    record.effective = before or not request.safe  # unless an error proves otherwise
    response, failure = None, "It was interrupted."
    try:
        response = yield request
    except HubError as error:
        failure = error.detail
        if not isinstance(error, OutcomeUnknown):
            record.effective = before
        raise
    finally:
        taken = record.clock() - began
        record.entries.append(_entry(request, response, failure, taken, record.redact))
    return response


def _told(error: SendError, redact: Redactor) -> SendError:
    """Return ``error`` as it may be shown: what led to it, frames and all, is left behind."""
    error.detail = clean(redact.text(error.detail))
    error.args = (error.detail,)
    error.code = clean(error.code)
    error.provider_code = error.provider_code and clean(redact.text(error.provider_code))
    error.__cause__ = error.__context__ = None
    return error.with_traceback(None)


def _log(raised: BaseException) -> None:
    # Only where and of what kind: the text of the error may quote what people wrote.
    where = "".join(traceback.format_tb(raised.__traceback__))
    log.error("plugin failed", error=type(raised).__name__, traceback=where)


def _milliseconds(seconds: float) -> int:
    return round(seconds * 1000)


def _entry(
    request: HttpRequest,
    response: HttpResponse | None,
    failure: str,
    taken: float,
    redact: Redactor,
) -> Entry:
    entry = Entry(
        request=_asked(request, redact),
        response=None if response is None else _answered(response, redact),
        error=redact.text(failure) if response is None else None,
        duration_ms=_milliseconds(taken),
    )
    return clean(entry)


def _asked(request: HttpRequest, redact: Redactor) -> Asked:
    body = request.body
    return Asked(
        method=request.method,
        url=_address(request.url, redact),
        headers=_headers(request.headers, redact),
        body=_body(body, redact) if isinstance(body, bytes) else _files(body, redact),
    )


@lru_cache(maxsize=256)  # most requests go to the same few addresses, with the secret in them
def _address(url: str, redact: Redactor) -> str:
    return redact.clipped(url, MOST_BODY)


def _answered(response: HttpResponse, redact: Redactor) -> Answered:
    return Answered(
        status=response.status,
        headers=_headers(response.headers, redact),
        body=_body(response.body, redact),
    )


def _headers(headers: Mapping[str, str], redact: Redactor) -> dict[str, str]:
    if len(headers) > MOST_HEADERS:
        headers = dict(islice(headers.items(), MOST_HEADERS))
    return {name: value[:MOST_HEADER] for name, value in redact.headers(headers).items()}


def _files(body: Multipart | File | Letter, redact: Redactor) -> str:
    if isinstance(body, File):
        return _cut(_file(body, redact))
    if isinstance(body, Letter):
        return _cut("".join(_piece(piece, redact) for piece in body.pieces))
    lines = []
    for name, value in body.fields[:MOST_HEADERS]:
        if isinstance(value, File):
            lines.append(f"{name}: {_file(value, redact)}")
        else:
            lines.append(f"{name}: {redact.headers({name: value})[name]}")
    return _cut("\n".join(lines))


def _piece(piece: bytes | File, redact: Redactor) -> str:
    return f"{_file(piece, redact)}\n" if isinstance(piece, File) else _body(piece, redact)


def _file(file: File, redact: Redactor) -> str:
    size = "" if file.media.size is None else f", {file.media.size} bytes"
    return f"<{redact.text(file.filename)}{size}>"


def _body(body: bytes, redact: Redactor) -> str:
    # More than is shown is looked at, so that a secret across the cut is recognised.
    text = _readable(body[: MOST_BODY + redact.reach])
    if text is None:
        return f"<{len(body)} bytes>"
    shown = _cut(redact.clipped(text, MOST_BODY))
    return shown if len(body) <= MOST_BODY else f"{shown}... ({len(body)} bytes)"


def _cut(text: str) -> str:
    if text.isascii():
        return text[:MOST_BODY]
    return text.encode("utf-8", "replace")[:MOST_BODY].decode("utf-8", "ignore")


def _readable(data: bytes) -> str | None:
    try:
        # Unlike ``bytes.decode`` this bears a character that is cut off at the end.
        text, _ = codecs.utf_8_decode(data, "strict", False)  # noqa: FBT003  # not the end yet
    except UnicodeDecodeError:
        return None
    return None if "\0" in text else text
