"""Carry a plugin's HTTP requests: pooled, guarded, in time, and exact about what went out.

The one question every failure must answer is whether the provider may have acted. `NotSent` says
that it cannot have; `OutcomeUnknown` that it may. See ``docs/decisions/0002-http-client.md``.
"""

import math
import socket
import ssl
import threading
import time
from collections.abc import Callable
from functools import cached_property, lru_cache
from typing import Final, Protocol, TypeAlias

import tenacity

from hubbub.answer import Broken, TooLarge
from hubbub.guard import Deadline, Guard, Origin, head
from hubbub.link import Letter, Link
from hubbub.media import form
from hubbub.sdk.content import Media
from hubbub.sdk.errors import OutcomeUnknown, Permanent, SendError, Transient
from hubbub.sdk.values import File, HttpRequest, HttpResponse, Multipart
from hubbub.trust import own_trust

Files: TypeAlias = Callable[[Media], bytes]

#: Connects in one `perform`, and the seconds left that are too few for another.
_TRIES: Final = 3
_TOO_LATE: Final = 0.5
#: Smaller requests go out in one piece, which saves a system call and a packet.
_ONE_PIECE: Final = 1 << 16


class NotSent(Transient):
    """Nothing of the request reached the provider: it can be repeated without a double."""

    code = "unreachable"


class AnswerLost(OutcomeUnknown):
    """``who`` was asked for something, and whether it was done nobody knows."""

    def __init__(self, who: str, reason: str) -> None:
        super().__init__(f"{who} may have done as asked, but its answer is lost: {reason}.")
        self.reason = reason


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
        talk = self._resumed(letter)
        if talk is None:
            talk = Talk(self._pool, letter, self._dial(letter))
        while (answer := talk.go_on()) is None:
            talk.wait()
        return answer

    def resume(self, request: HttpRequest) -> "Talk | None":
        """Begin a request on a connection that is kept, without waiting; None if there is none.

        Its body must be bytes. Raises `Refused`.
        """
        return self._resumed(_written(request, _no_files))

    def close(self) -> None:
        """Close the idle connections; those in use close when they are done."""
        self._pool.close()

    @cached_property
    def _tls(self) -> ssl.SSLContext:
        # Loading the certificates takes 27 ms, which a process that only calls http:// never pays.
        return _context(self._given_tls or own_trust())

    def _resumed(self, letter: Letter) -> "Talk | None":
        # A kept connection may have died unnoticed. If provably nothing went out, another one
        # takes its place.
        while (link := self._pool.take(letter.origin)) is not None:
            talk = Talk(self._pool, letter, link)
            try:
                talk.go_on()
            except NotSent:
                continue
            return talk
        return None

    def _context_for(self, origin: Origin) -> ssl.SSLContext | None:
        if origin.scheme != "https":
            return None
        return _trusting(origin.trust) if origin.trust else self._tls

    def _dial(self, letter: Letter) -> Link:
        retrying = tenacity.Retrying(
            retry=tenacity.retry_if_exception(_worth_repeating),
            stop=lambda tried: tried.attempt_number == _TRIES or letter.deadline.within(_TOO_LATE),
            wait=tenacity.wait_random(0.05, 0.2),
            sleep=self._sleep,
            reraise=True,
        )
        return retrying(self._connect, letter.origin, letter.deadline)

    def _connect(self, origin: Origin, deadline: Deadline) -> Link:
        try:
            context = self._context_for(origin)
            return Link(self._guard.connect(origin.host, origin.port, deadline, context))
        except (OSError, UnicodeError) as error:
            raise NotSent(f"{origin.host} cannot be reached: {_reason(error)}.") from error


class Talk:
    """One request on one connection, which goes on when it is told to and never waits itself."""

    def __init__(self, pool: "_Pool", letter: Letter, link: Link) -> None:
        self._pool = pool
        self._letter = letter
        self._begun = False
        self.link: Final = link

    def go_on(self) -> HttpResponse | None:
        """Go on as far as that goes at once; return the answer once it is there.

        Raises as `Transport.perform` says; then, and with the answer, the talk is over.
        """
        link = self.link
        try:
            if not self._begun:
                self._letter.deadline.left()
                self._begun = True
                link.begin(self._letter)
                return None
            answer = link.go_on()
            if answer is None:
                # Only now: what has come counts, however late somebody looks.
                self._letter.deadline.left()
        except (OSError, Broken, TooLarge) as error:
            link.shut()
            raise _failure(self._letter, error, sent=self._begun and link.sent) from error
        except BaseException:  # a worker's time limit too must not leave a half-read connection
            link.shut()
            raise
        if answer is not None:
            self._pool.give(self._letter.origin, link)
        return answer

    def wait(self) -> None:
        """Wait until it can go on, or its time is over."""
        try:
            self.link.wait(max(0.0, self._letter.deadline.rest()))
        except BaseException:
            self.link.shut()
            raise

    @property
    def late(self) -> bool:
        """Whether its time is over; `go_on` then raises."""
        return self._letter.deadline.within(0)


@lru_cache(maxsize=64)
def _trusting(trust: str) -> ssl.SSLContext:
    """Return what also believes in the certificates ``trust``. Raises `ssl.SSLError`."""
    return _context(own_trust(trust))


def _context(context: ssl.SSLContext) -> ssl.SSLContext:
    context.set_alpn_protocols(["http/1.1"])
    return context


def _no_files(media: Media) -> bytes:
    raise ValueError(f"A file ({media.id}) takes time to read.")


def _written(request: HttpRequest, files: Files) -> Letter:
    headers = {name.lower(): value for name, value in request.headers.items()}
    if isinstance(request.body, Multipart):
        headers["content-type"], body = form(request.body, files)
    elif isinstance(request.body, File):
        body = [files(request.body.media)]
    elif isinstance(request.body, bytes):
        body = [request.body]
    else:
        raise TypeError(type(request.body).__name__)
    length = sum(map(len, body))
    origin, first = head(request.method, request.url, headers, length)
    pieces = [b"".join((first, *body))] if length <= _ONE_PIECE else [first, *body]
    if request.trust:
        origin = origin._replace(trust=request.trust)
    return Letter(request, origin, pieces, Deadline(request.timeout))


_IDLE_LINKS: Final = 64
_SWEEP: Final = 30.0
_REASONS: Final = {
    TimeoutError: "no answer in time",
    ssl.SSLError: "the encryption failed",
    socket.gaierror: "its name cannot be resolved",
    UnicodeError: "its name cannot be resolved",
}


def _failure(letter: Letter, error: Exception, *, sent: bool) -> SendError:
    host, reason = letter.origin.host, _reason(error)
    if not sent:
        return NotSent(f"{host} cannot be reached: {reason}.")
    if not letter.request.safe:
        return AnswerLost(host, reason)
    if isinstance(error, TooLarge):
        return AnswerTooLarge(f"{host} answers more than {letter.request.max_answer} bytes.")
    return Transient(f"{host} did not answer properly: {reason}.", code="no_answer")


def _reason(error: Exception) -> str:
    """Say what happened without quoting the other side, who may repeat our secrets."""
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"its certificate is not valid ({error.verify_message})"
    if isinstance(error, Broken | TooLarge):
        return str(error)
    for kind, text in _REASONS.items():
        if isinstance(error, kind):
            return text
    return (getattr(error, "strerror", None) or str(error)).lower()


def _worth_repeating(error: BaseException) -> bool:
    # 100 ms mend neither a bad certificate nor time that ran out.
    hopeless = isinstance(error.__cause__, ssl.SSLCertVerificationError | TimeoutError)
    return isinstance(error, NotSent) and not hopeless


class _Pool:
    """Idle connections by origin, the last used first, each tested before it is used again."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._idle: dict[Origin, list[Link]] = {}
        self._swept = clock()
        self._closed = False

    def take(self, origin: Origin) -> Link | None:
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

    def give(self, origin: Origin, link: Link) -> None:
        """Keep ``link`` for the next request, or close it."""
        now = self._clock()
        link.until = now + link.patience
        with self._lock:
            idle = self._idle.setdefault(origin, [])
            keep = link.reusable and not self._closed and len(idle) < _IDLE_LINKS
            if keep:
                idle.append(link)
            unwanted = self._removed(now) if now - self._swept > _SWEEP else []
        for each in unwanted if keep else [*unwanted, link]:
            each.shut()

    def close(self) -> None:
        """Close what is idle and keep nothing from now on."""
        with self._lock:
            self._closed = True
            links = self._removed(math.inf)
        for link in links:
            link.shut()

    def _removed(self, now: float) -> list[Link]:
        """Take out what may not be used any more at ``now``, whoever it was for."""
        self._swept = now
        links = [link for idle in self._idle.values() for link in idle]
        kept = {
            origin: [link for link in idle if link.until > now]
            for origin, idle in self._idle.items()
        }
        self._idle = {origin: idle for origin, idle in kept.items() if idle}
        return [link for link in links if link.until <= now]
