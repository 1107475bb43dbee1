"""Carry a plugin's HTTP requests: pooled, guarded, in time, and exact about what went out.

The one question every failure must answer is whether the provider may have acted. `NotSent` says
that it cannot have; `OutcomeUnknown` that it may. See ``docs/decisions/0002-http-client.md``.
"""

import http.client
import io
import math
import re
import select
import socket
import ssl
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from functools import cached_property
from typing import Any, Final, NamedTuple, Protocol, TypeAlias

import certifi
import tenacity

from hubbub.guard import Deadline, Guard, Origin, head
from hubbub.media import form
from hubbub.sdk.content import Media
from hubbub.sdk.errors import OutcomeUnknown, Permanent, SendError, Transient
from hubbub.sdk.values import Headers, HttpRequest, HttpResponse, Multipart

Files: TypeAlias = Callable[[Media], bytes]

#: Connects in one `perform`, and the seconds left that are too few for another.
_TRIES: Final = 3
_TOO_LATE: Final = 0.5


class NotSent(Transient):
    """Nothing of the request reached the provider: it can be repeated without a double."""

    code = "unreachable"


class AnswerTooLarge(Permanent):
    """The answer to a safe request is larger than ``max_answer`` allows."""

    code = "answer_too_large"


class Transport(Protocol):
    """Makes the requests that plugins describe."""

    def perform(self, request: HttpRequest, *, files: Files) -> HttpResponse:
        """Make one request; ``files`` gives the bytes of a multipart body's files.

        Raises `NotSent` when nothing reached the provider, `OutcomeUnknown` when something may
        have and the request is not ``safe``, and `Transient` or `AnswerTooLarge` when it is safe.
        """


class HttpTransport:
    """HTTP/1.1 with keep-alive, for any number of threads; make one for each process.

    Takes no proxy from the environment and follows no redirect: a 3xx answer is an answer.
    """

    def __init__(
        self,
        guard: Guard,
        *,
        tls: ssl.SSLContext | None = None,
        sleep: Callable[[float], None] = time.sleep,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._guard = guard
        self._given_tls = tls
        self._sleep = sleep
        self._pool = _Pool(clock)

    def perform(self, request: HttpRequest, *, files: Files) -> HttpResponse:
        """Make one request. Raises as `Transport.perform` says, and `Refused`."""
        letter = _written(request, files)
        link = self._pool.take(letter.origin)
        # A pooled connection may have died unnoticed. If provably nothing went out, a new one
        # takes its place.
        if link is not None:
            with suppress(NotSent):
                return self._converse(link, letter)
        return self._converse(self._dial(letter), letter)

    def close(self) -> None:
        """Close the idle connections; those in use close when they are done."""
        self._pool.close()

    @cached_property
    def _tls(self) -> ssl.SSLContext:
        # Loading the certificates takes 27 ms, which a process that only calls http:// never pays.
        context = self._given_tls or ssl.create_default_context(cafile=certifi.where())
        context.set_alpn_protocols(["http/1.1"])
        return context

    def _converse(self, link: "_Link", letter: "_Letter") -> HttpResponse:
        try:
            answer = _exchanged(link, letter)
        except _FAILURES as error:
            link.shut()
            raise _failure(letter, error, sent=link.sent) from error
        except BaseException:  # a worker's time limit too must not leave a half-read connection
            link.shut()
            raise
        self._pool.give(letter.origin, link)
        return answer

    def _dial(self, letter: "_Letter") -> "_Link":
        retrying = tenacity.Retrying(
            retry=tenacity.retry_if_exception(_worth_repeating),
            stop=lambda tried: tried.attempt_number == _TRIES or letter.deadline.within(_TOO_LATE),
            wait=tenacity.wait_random(0.05, 0.2),
            sleep=self._sleep,
            reraise=True,
        )
        return retrying(self._connect, letter.origin, letter.deadline)

    def _connect(self, origin: Origin, deadline: Deadline) -> "_Link":
        context = self._tls if origin.scheme == "https" else None
        try:
            return _Link(self._guard.connect(origin.host, origin.port, deadline, context))
        except (OSError, UnicodeError) as error:
            raise NotSent(f"{origin.host} cannot be reached: {_reason(error)}.") from error


#: Smaller requests go out in one piece, which saves a system call and a packet.
_ONE_PIECE: Final = 1 << 16


class _Letter(NamedTuple):
    """A request on its way: whom it goes to, its bytes, and when its time is over."""

    request: HttpRequest
    origin: Origin
    pieces: list[bytes]
    deadline: Deadline


def _written(request: HttpRequest, files: Files) -> _Letter:
    headers = {name.lower(): value for name, value in request.headers.items()}
    if isinstance(request.body, Multipart):
        headers["content-type"], body = form(request.body, files)
    else:
        body = [request.body]
    length = sum(map(len, body))
    origin, first = head(request.method, request.url, headers, length)
    pieces = [b"".join((first, *body))] if length <= _ONE_PIECE else [first, *body]
    return _Letter(request, origin, pieces, Deadline(request.timeout))


#: Bytes of headers and chunk marks that an answer may have beside its body.
_FRAMING: Final = 1 << 20
_INFORMATIONAL: Final = range(100, 200)
#: A TLS record. Writing no more at once makes each write all or nothing for the reader.
_RECORD: Final = 16_384
_PATIENCE: Final = re.compile(r"timeout=(\d{1,6})")
_IDLE_SECONDS: Final = 30.0
_IDLE_LINKS: Final = 64


class _Link(io.RawIOBase):
    """A connection that counts what it sent and received, and keeps a deadline at each byte."""

    def __init__(self, sock: socket.socket) -> None:
        self._socket = sock
        self._piece = _RECORD if isinstance(sock, ssl.SSLSocket) else _FRAMING
        self._reader = _Reader(self, 8192)
        self._watch = select.poll()
        self._watch.register(sock, select.POLLIN)
        self._muted = False
        #: Whether any byte of the current request may have left this machine.
        self.sent = False
        #: Whether another request may follow, how many seconds later at most, and so until when.
        self.reusable = False
        self.patience = _IDLE_SECONDS
        self.until = 0.0

    def prepare(self, deadline: Deadline, *, budget: int) -> None:
        """Begin a request that is over at ``deadline`` and reads ``budget`` bytes at most."""
        self._deadline = deadline
        self._budget = budget
        self.sent = self.reusable = self.ended = False

    def send(self, pieces: list[bytes]) -> bool:
        """Send ``pieces``; say whether all of them went out.

        While ``sent`` is unset when it raises, the peer has read nothing: a write that fails was
        not accepted by the kernel, and a TLS record accepted in part cannot be decrypted.
        """
        try:
            for piece in pieces:
                self._send(memoryview(piece))
        except OSError:
            # A provider may refuse a large upload by an answer before it has read all of it.
            if not self.sent:
                raise
            return False
        return True

    def _send(self, rest: memoryview) -> None:
        while rest:
            self._socket.settimeout(self._deadline.left())
            count = self._socket.send(rest[: self._piece])
            self.sent = True
            rest = rest[count:]

    def makefile(self, _mode: str) -> "_Reader":
        """Return what `http.client.HTTPResponse` reads from: the same one for each answer."""
        return self._reader

    def readable(self) -> bool:
        return True  # as `io.BufferedReader` wants to hear

    def readinto(self, buffer: Any) -> int:
        """Read what is there; wait no longer than the deadline."""
        if self._muted:
            return 0
        self._socket.settimeout(self._deadline.left())
        count = self._socket.recv_into(buffer)
        self.ended = count == 0
        self._budget -= count
        if self._budget < 0:
            raise _TooLarge
        return count

    def settle(self, answer: HttpResponse, *, closing: bool) -> None:
        """Note whether and how long the connection can be used again after ``answer``."""
        self._muted = True
        surplus = self._reader.peek(1)  # what came after the answer belongs to nothing
        self._muted = False
        self.reusable = not (closing or surplus or answer.status in _INFORMATIONAL)
        # A server that says how long it waits is not tested to the last second.
        told = _PATIENCE.search(answer.headers.get("keep-alive", ""))
        self.patience = min(_IDLE_SECONDS, int(told[1]) - 1) if told else _IDLE_SECONDS

    def quiet(self) -> bool:
        """Whether the peer neither closed the idle connection nor said anything on it."""
        decrypted = isinstance(self._socket, ssl.SSLSocket) and self._socket.pending()
        return not (self._watch.poll(0) or decrypted)

    def shut(self) -> None:
        """Close the connection at once."""
        self._socket.close()


class _Reader(io.BufferedReader):
    """Outlives the answers read through it: `http.client` closes it after each."""

    def close(self) -> None:
        """Do nothing; the link closes its socket itself."""


class _TooLarge(http.client.HTTPException):
    """The answer exceeds its limit."""


# ``http.client`` raises ValueError for a chunk of negative size.
_FAILURES: Final = (OSError, http.client.HTTPException, ValueError)
_REASONS: Final = {
    TimeoutError: "no answer in time",
    ssl.SSLError: "the encryption failed",
    socket.gaierror: "its name cannot be resolved",
    UnicodeError: "its name cannot be resolved",
    http.client.RemoteDisconnected: "it closed the connection without an answer",
    http.client.IncompleteRead: "the answer broke off",
    _TooLarge: "the answer is too large",
}


def _exchanged(link: _Link, letter: _Letter) -> HttpResponse:
    request = letter.request
    link.prepare(letter.deadline, budget=2 * request.max_answer + _FRAMING)
    complete = link.send(letter.pieces)
    begun = _begun(link, request.method)
    body = _body(begun, request.max_answer)
    answer = HttpResponse(status=begun.status, headers=_headers(begun), body=body)
    link.settle(answer, closing=begun.will_close or not complete)
    return answer


def _begun(link: _Link, method: str) -> http.client.HTTPResponse:
    while True:
        # The link stands in for the socket, of which only ``makefile`` is used.
        answer = http.client.HTTPResponse(link, method=method)  # type: ignore[arg-type]  # see above
        answer.begin()
        if link.ended:  # which `http.client` takes for the end of the headers
            raise http.client.IncompleteRead(b"")
        if answer.status not in _INFORMATIONAL or answer.status == http.client.SWITCHING_PROTOCOLS:
            return answer


def _body(answer: http.client.HTTPResponse, limit: int) -> bytes:
    length = answer.length
    if length == 0:
        return b""
    if length is not None and length > limit:
        raise _TooLarge
    body = answer.read(limit + 1)
    if len(body) > limit:
        raise _TooLarge
    if length is not None and len(body) < length:
        raise http.client.IncompleteRead(body, length - len(body))
    return body


def _headers(answer: http.client.HTTPResponse) -> Headers:
    fields: dict[str, str] = {}
    for name, value in answer.headers.raw_items():
        key = name.lower()
        fields[key] = f"{fields[key]}, {value}" if key in fields else value
    return Headers(fields)


def _failure(letter: _Letter, error: Exception, *, sent: bool) -> SendError:
    host, reason = letter.origin.host, _reason(error)
    if not sent:
        return NotSent(f"{host} cannot be reached: {reason}.")
    if not letter.request.safe:
        return OutcomeUnknown(f"{host} may have done as asked, but its answer is lost: {reason}.")
    if isinstance(error, _TooLarge):
        return AnswerTooLarge(f"{host} answers more than {letter.request.max_answer} bytes.")
    return Transient(f"{host} did not answer properly: {reason}.", code="no_answer")


def _reason(error: Exception) -> str:
    """Say what happened without quoting the other side, who may repeat our secrets."""
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"its certificate is not valid ({error.verify_message})"
    for kind, text in _REASONS.items():
        if isinstance(error, kind):
            return text
    if isinstance(error, OSError):
        return (error.strerror or str(error)).lower()
    return "the answer is no valid HTTP"


def _worth_repeating(error: BaseException) -> bool:
    # 100 ms mend neither a bad certificate nor time that ran out.
    hopeless = isinstance(error.__cause__, ssl.SSLCertVerificationError | TimeoutError)
    return isinstance(error, NotSent) and not hopeless


class _Pool:
    """Idle connections by origin, the last used first, each tested before it is used again."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._idle: dict[Origin, list[_Link]] = {}
        self._swept = clock()
        self._closed = False

    def take(self, origin: Origin) -> _Link | None:
        """Return an idle connection that is fit for use, or None."""
        while True:
            with self._lock:
                idle = self._idle.get(origin)
                if not idle:
                    return None
                link = idle.pop()
            if self._clock() < link.until and link.quiet():
                return link
            link.shut()

    def give(self, origin: Origin, link: _Link) -> None:
        """Keep ``link`` for the next request, or close it."""
        now = self._clock()
        link.until = now + link.patience
        with self._lock:
            idle = self._idle.setdefault(origin, [])
            keep = link.reusable and not self._closed and len(idle) < _IDLE_LINKS
            if keep:
                idle.append(link)
            unwanted = self._removed(now) if now - self._swept > _IDLE_SECONDS else []
        for each in unwanted if keep else [*unwanted, link]:
            each.shut()

    def close(self) -> None:
        """Close what is idle and keep nothing from now on."""
        with self._lock:
            self._closed = True
            links = self._removed(math.inf)
        for link in links:
            link.shut()

    def _removed(self, now: float) -> list[_Link]:
        """Take out what may not be used any more at ``now``, whoever it was for."""
        self._swept = now
        links = [link for idle in self._idle.values() for link in idle]
        kept = {
            origin: [link for link in idle if link.until > now]
            for origin, idle in self._idle.items()
        }
        self._idle = {origin: idle for origin, idle in kept.items() if idle}
        return [link for link in links if link.until <= now]
