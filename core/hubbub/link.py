"""Speak HTTP/1.1 on one connection without ever waiting for it."""

import re
import select
import socket
import ssl
from collections import deque
from typing import Final, NamedTuple

from hubbub.answer import Answer, TooLarge
from hubbub.guard import Deadline, Origin
from hubbub.sdk.values import HttpRequest, HttpResponse

#: Bytes of heads and of chunk marks that an answer may have beside its body.
_FRAMING: Final = 1 << 20
#: A TLS record. Writing no more at once makes each write all or nothing for the reader.
_RECORD: Final = 1 << 14
_READ: Final = 1 << 15
_PATIENCE: Final = re.compile(r"timeout=(\d{1,6})")
_IDLE_SECONDS: Final = 30.0


class Letter(NamedTuple):
    """A request on its way: whom it goes to, its bytes, and when its time is over."""

    request: HttpRequest
    origin: Origin
    pieces: list[bytes]
    deadline: Deadline


class Link:
    """A connection that carries one request at a time, and counts what it sends and receives."""

    def __init__(self, sock: socket.socket) -> None:
        sock.settimeout(0)
        self.socket: Final = sock
        self._encrypted = isinstance(sock, ssl.SSLSocket)
        self._piece = _RECORD if self._encrypted else _FRAMING
        self._watch: select.poll | None = None
        #: What it waits for: until it can be read (`select.POLLIN`), written, or either.
        self.wants = select.POLLIN
        #: Whether any byte of the current request may have left this machine.
        self.sent = False
        #: Whether another request may follow, how many seconds later at most, and so until when.
        self.reusable = False
        self.patience = _IDLE_SECONDS
        self.until = 0.0

    def begin(self, letter: Letter) -> None:
        """Begin to send ``letter``, as far as that goes at once.

        While ``sent`` is unset when it raises, the peer has read nothing: a write that fails was
        not accepted by the kernel, and a TLS record accepted in part cannot be decrypted.
        """
        request = letter.request
        self._rest = deque(memoryview(piece) for piece in letter.pieces)
        self._answer = Answer(request.method, limit=request.max_answer)
        self._budget = 2 * request.max_answer + _FRAMING
        self._complete = True
        self.sent = self.reusable = False
        self.wants = select.POLLIN | self._write()

    def go_on(self) -> HttpResponse | None:
        """Go on as far as that goes at once; return the answer once all of it is there.

        Raises `OSError`, and `Broken` or `TooLarge` for an answer that is none.
        """
        # A refusal may come before all of the request is written: nobody waits for that.
        wants = select.POLLIN | self._write()
        while True:
            try:
                data = self.socket.recv(_READ)
            except ssl.SSLWantWriteError:
                self.wants = select.POLLOUT
                return None
            except (BlockingIOError, ssl.SSLWantReadError):
                self.wants = wants
                return None
            self._budget -= len(data)
            self._answer.feed(data)
            if self._answer.whole:
                return self._settled()
            if self._budget < 0:
                raise TooLarge
            # What is decrypted already does not show in the socket.
            if not self._encrypted:
                self.wants = wants
                return None

    def wait(self, seconds: float) -> None:
        """Wait until it can go on, or until ``seconds`` have passed."""
        self._poll().modify(self.socket, self.wants)
        self._poll().poll(seconds * 1000)

    def quiet(self) -> bool:
        """Whether the peer neither closed the idle connection nor said anything on it."""
        decrypted = isinstance(self.socket, ssl.SSLSocket) and self.socket.pending()
        self._poll().modify(self.socket, select.POLLIN)
        return not (self._poll().poll(0) or decrypted)

    def shut(self) -> None:
        """Close the connection at once."""
        self.socket.close()

    def _write(self) -> int:
        """Write as far as that goes at once; return what it waits for then, if anything is left."""
        while self._rest:
            piece = self._rest[0]
            try:
                count = self.socket.send(piece[: self._piece])
            except ssl.SSLWantReadError:
                return select.POLLIN
            except (BlockingIOError, ssl.SSLWantWriteError):
                return select.POLLOUT
            except OSError:
                # A provider may refuse a large upload by an answer before it has read all of it.
                if not self.sent:
                    raise
                self._complete = False
                self._rest.clear()
            else:
                self.sent = True
                if count == len(piece):
                    self._rest.popleft()
                else:
                    self._rest[0] = piece[count:]
        return 0

    def _settled(self) -> HttpResponse:
        """Return the answer; note whether and how long the connection can be used again."""
        response = self._answer.response()
        self.reusable = self._answer.reusable and self._complete and not self._rest
        # A server that says how long it waits is not tested to the last second.
        told = _PATIENCE.search(response.headers.get("keep-alive", ""))
        self.patience = min(_IDLE_SECONDS, int(told[1]) - 1) if told else _IDLE_SECONDS
        return response

    def _poll(self) -> select.poll:
        if self._watch is None:
            self._watch = select.poll()
            self._watch.register(self.socket, select.POLLIN)
        return self._watch
