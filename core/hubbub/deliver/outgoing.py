"""Keep many attempts on their way at once.

One thread sees to all requests that go over a connection which is open already: it writes what is
to be sent, and takes what comes when it comes. What has to wait for more than an answer (a name, a
new connection, a file, a destination) has a thread of its own for as long as it takes.
"""

import select
import selectors
import socket
import threading
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from queue import Empty, SimpleQueue
from time import monotonic
from typing import Final, TypeAlias

import structlog

from hubbub.deliver.attempt import Parcel, Result, attempting, media_bytes, ready
from hubbub.exchange import finished
from hubbub.hub import Hub
from hubbub.link import Link
from hubbub.sdk.errors import OutcomeUnknown
from hubbub.sdk.values import HttpRequest, HttpResponse
from hubbub.steps import step
from hubbub.transport import HttpTransport, Talk

#: Seconds between two looks at whether somebody's time is over.
_LOOK: Final = 0.1
#: Seconds that a channel type may take to say what it wants, before we complain.
_SLOW: Final = 0.5

_UnderWay: TypeAlias = Generator[HttpRequest, HttpResponse, Result]

log = structlog.get_logger(__name__)


@dataclass(slots=True, eq=False)
class _Attempt:
    """An attempt that waits for an answer."""

    parcel: Parcel
    under_way: _UnderWay
    talk: Talk


class Outgoing:
    """Makes attempts, as many at once as it is given; ``ended`` hears how they ended."""

    def __init__(self, hub: Hub, ended: Callable[[Sequence[Result]], None], *, size: int) -> None:
        """``size``: how many attempts may wait for more than an answer at once."""
        self._hub = hub
        self._ended = ended
        self._waiting = ThreadPoolExecutor(size, thread_name_prefix="attempt")
        self._waiting.submit(lambda: None)  # so that there is one thread at least
        self._given: SimpleQueue[Parcel] = SimpleQueue()
        self._selector = selectors.DefaultSelector()
        self._bell, self._ear = socket.socketpair()
        self._ear.settimeout(0)
        self._bell.settimeout(0)
        self._selector.register(self._ear, selectors.EVENT_READ)
        self._attempts: set[_Attempt] = set()
        self._looked = monotonic()
        self._closing = False
        self._thread: threading.Thread | None = None

    def make(self, parcels: Iterable[Parcel]) -> None:
        """Begin an attempt at each of ``parcels``."""
        for parcel in parcels:
            if ready(parcel):
                self._given.put(parcel)
            else:
                self._aside(parcel, attempting(self._hub, parcel), None)
        if not self._given.empty():
            self._start()
            self._ring()

    def close(self) -> None:
        """End, once all attempts have ended. Safe to call twice."""
        if self._closing:
            return
        self._closing = True
        if self._thread is not None:
            self._ring()
            self._thread.join()
        self._waiting.shutdown()
        self._selector.close()
        self._bell.close()
        self._ear.close()

    def _start(self) -> None:
        if self._thread is not None and self._thread.is_alive():
            return
        thread = threading.Thread(target=self._run, name="outgoing", daemon=True)
        try:
            thread.start()
        except RuntimeError as error:
            log.error("no thread to send with", reason=str(error))  # noqa: TRY400  # it is tried again
        else:
            self._thread = thread

    def _ring(self) -> None:
        with suppress(BlockingIOError):  # then it hears us anyway
            self._bell.send(b"!")

    def _run(self) -> None:
        """See to all that goes over open connections, until it is closed and all has ended."""
        while self._attempts or not self._closing or not self._given.empty():
            events = self._selector.select(_LOOK if self._attempts else None)
            awake = [key.data for key, _ in events if key.data is not None]
            ended = [result for attempt in awake for result in self._go_on(attempt)]
            ended += [result for parcel in self._taken() for result in self._begin(parcel)]
            ended += [result for attempt in self._late() for result in self._go_on(attempt)]
            if ended:
                self._ended(ended)

    def _taken(self) -> Iterator[Parcel]:
        with suppress(BlockingIOError):
            self._ear.recv(4096)
        with suppress(Empty):
            while True:
                yield self._given.get_nowait()

    def _late(self) -> list[_Attempt]:
        """Return the attempts whose time is over, as far as it is time to look."""
        now = monotonic()
        if now - self._looked < _LOOK:
            return []
        self._looked = now
        return [attempt for attempt in self._attempts if attempt.talk.late]

    def _begin(self, parcel: Parcel) -> list[Result]:
        under_way = attempting(self._hub, parcel)
        return self._drive(parcel, under_way, lambda: next(under_way))

    def _go_on(self, attempt: _Attempt) -> list[Result]:
        """Take what came, or that nothing comes any more."""
        under_way, link = attempt.under_way, attempt.talk.link
        try:
            answer = attempt.talk.go_on()
        except Exception as error:  # noqa: BLE001  # judged by who asked for the request
            failure = error
            self._forget(attempt)
            return self._drive(attempt.parcel, under_way, lambda: under_way.throw(failure))
        if answer is not None:
            self._forget(attempt)
            return self._drive(attempt.parcel, under_way, lambda: under_way.send(answer))
        self._selector.modify(link.socket, _events(link), attempt)
        return []

    def _drive(
        self, parcel: Parcel, under_way: _UnderWay, ask: Callable[[], HttpRequest]
    ) -> list[Result]:
        """Make the request that ``ask`` returns; or return the result with which it all ends."""
        began = monotonic()
        try:
            request = ask()
            if monotonic() - began > _SLOW:
                log.warning("a channel type holds up all others", channel=parcel.line.id)
            self._request(parcel, under_way, request)
        except StopIteration as end:
            step("deliver.answered")
            result: Result = end.value
            return [result]
        # Whatever it is: this thread serves all channels, and without a result a lane stands still.
        except BaseException as error:  # noqa: BLE001
            return [_failed(self._hub, parcel, error)]
        return []

    def _request(self, parcel: Parcel, under_way: _UnderWay, request: HttpRequest) -> None:
        talk = None
        while talk is None:
            try:
                talk = self._resumed(request)
            except Exception as error:  # noqa: BLE001  # judged by who asked for the request
                request = under_way.throw(error)
                continue
            if talk is None:
                self._aside(parcel, under_way, request)
                return
        attempt = _Attempt(parcel, under_way, talk)
        try:
            self._selector.register(talk.link.socket, _events(talk.link), attempt)
        except BaseException:
            talk.link.shut()
            raise
        self._attempts.add(attempt)

    def _resumed(self, request: HttpRequest) -> Talk | None:
        """Begin ``request``, if that goes without waiting."""
        http = self._hub.http
        if isinstance(http, HttpTransport) and isinstance(request.body, bytes):
            return http.resume(request)
        return None

    def _forget(self, attempt: _Attempt) -> None:
        self._attempts.discard(attempt)
        self._selector.unregister(attempt.talk.link.socket)

    def _aside(self, parcel: Parcel, under_way: _UnderWay, request: HttpRequest | None) -> None:
        """Let an attempt go on in a thread of its own."""
        with suppress(RuntimeError):  # no thread to spare: one of those that there are takes it
            self._waiting.submit(self._alone, parcel, under_way, request)

    def _alone(self, parcel: Parcel, under_way: _UnderWay, request: HttpRequest | None) -> None:
        """Carry an attempt to its end in this thread, from ``request`` on."""
        hub = self._hub
        try:
            files = media_bytes(hub)
            result = finished(under_way, hub.http, files=files, request=request)
            step("deliver.answered")
        except BaseException as error:  # noqa: BLE001  # a thread must not end without a result either
            result = _failed(hub, parcel, error)
        self._ended([result])


def _events(link: Link) -> int:
    """Return what a selector has to look for: its own names for what ``link`` wants."""
    reading = selectors.EVENT_READ if link.wants & select.POLLIN else 0
    return reading | (selectors.EVENT_WRITE if link.wants & select.POLLOUT else 0)


def _failed(hub: Hub, parcel: Parcel, error: BaseException) -> Result:
    log.error("attempt failed", delivery=parcel.id, channel=parcel.line.id, exc_info=error)
    unknown = OutcomeUnknown(
        f"The hub failed while it sent this ({type(error).__name__}); see the log.",
        code="hub_error",
    )
    return Result(parcel=parcel, started_at=hub.now(), error=unknown)
