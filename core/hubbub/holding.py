"""Hold the sessions of one channel: connect, read, write, keep time, keep what is heard.

One thread does all of it; a second one waits for what workers ask. What is heard is committed
before the session learns that it was, so that nothing is confirmed to a provider and then lost.
"""

import queue
import selectors
import socket
import ssl
import threading
from collections.abc import Callable, Iterable, Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from datetime import timedelta
from time import monotonic
from typing import Final, Protocol

import structlog
from redis.exceptions import RedisError

from hubbub.directory import Line
from hubbub.guard import Deadline
from hubbub.hub import Hub
from hubbub.receive.work import keep_polled
from hubbub.relay import PRESENCE, Desk
from hubbub.sdk.errors import OutcomeUnknown, SendError, Transient
from hubbub.sdk.session import Answered, Endpoint, Keep, Over, Ready, Session, Step, Write
from hubbub.sdk.values import Polled
from hubbub.store.session import DatabaseDown

#: For connecting, encryption included; and for writing one step.
_TO_CONNECT: Final = timedelta(seconds=15)
_TO_WRITE: Final = 10.0
#: Seconds between two looks at the clock.
_LOOK: Final = 0.5
#: Seconds for what is under way when the hub stops, and for the leave that is taken then.
_TO_FINISH: Final = 3.0
_TO_LEAVE: Final = 1.0
_PIECE: Final = 1 << 16
_HOLD_OUT: Final = PRESENCE.total_seconds() / 4

log = structlog.get_logger(__name__)


class Dialler(Protocol):
    """Connects."""

    def connect(self, endpoint: Endpoint, deadline: Deadline) -> socket.socket:
        """Return a connection to ``endpoint``, or raise a `SendError`."""


@dataclass(eq=False)
class _Wire:
    """A session and its connection."""

    session: Session
    socket: socket.socket
    ready: bool = False
    over: Over | None = None
    #: Whether nothing can be written any more.
    stuck: bool = False


class Holding:
    """The sessions of one channel, from connecting to the end of the first of them."""

    def __init__(
        self,
        hub: Hub,
        line: Line,
        sessions: Sequence[Session],
        *,
        dialler: Dialler,
        stop: threading.Event,
        still: Callable[[], bool],
    ) -> None:
        """``still`` is asked time and again whether the channel is to be held, and by us."""
        self._hub = hub
        self._line = line
        self._sessions = sessions
        self._dialler = dialler
        self._stop = stop
        self._still = still
        self._wires: list[_Wire] = []
        self._selector = selectors.DefaultSelector()
        self._bell, self._ear = socket.socketpair()
        self._desk = Desk(hub.redis, line.id)
        self._errands: queue.Queue[str] = queue.Queue(maxsize=1)
        self._ended = threading.Event()
        self._under_way: set[str] = set()
        #: Whether the provider let us in, on every connection.
        self.was_ready = False

    def run(self) -> None:
        """Hold them until they end, or it is time to stop. Raises the `SendError` they end with."""
        with ExitStack() as ending:
            ending.callback(self._close)
            for session in self._sessions:
                link = self._dialler.connect(session.endpoint, Deadline(_TO_CONNECT))
                ending.callback(link.close)
                link.settimeout(_TO_WRITE)
                wire = _Wire(session, link)
                self._wires.append(wire)
                self._selector.register(link, selectors.EVENT_READ, wire)
            self._selector.register(self._ear, selectors.EVENT_READ, None)
            for wire in self._wires:
                self._do(wire, wire.session.opened(self._now()))
            self._hold()

    # --- the loop --------------------------------------------------------------------------

    def _hold(self) -> None:
        looked = shown = monotonic()
        while not self._over() and not self._stop.is_set():
            self._turn(_LOOK)
            now = monotonic()
            if now - looked < _LOOK:
                continue
            looked = now
            self._pass_time()
            if not self._still():
                break
            if self._open and now - shown > _HOLD_OUT:
                shown = now
                self._show()
        self._finish()
        self._raise()

    def _turn(self, seconds: float) -> None:
        """Take what came, and hand over what is asked as far as there is room."""
        for key, _ in self._selector.select(seconds):
            if key.data is None:
                self._ear.recv(_PIECE)
            else:
                self._read(key.data)
        self._hand_over()

    def _read(self, wire: _Wire) -> None:
        try:
            data = wire.socket.recv(_PIECE)
            # What TLS has decrypted already wakes no selector.
            while data and isinstance(wire.socket, ssl.SSLSocket) and wire.socket.pending():
                data += wire.socket.recv(_PIECE)
        except OSError as error:
            wire.over = wire.over or Over(_lost(error))
            return
        if data:
            self._do(wire, wire.session.heard(data, self._now()))
        else:
            wire.over = wire.over or Over(Transient("The provider closed the connection."))

    def _hand_over(self) -> None:
        sender = self._wires[0]
        while self.was_ready and sender.over is None and sender.session.room > 0:
            try:
                ticket = self._errands.get_nowait()
            except queue.Empty:
                return
            try:
                errand = self._desk.take(ticket)
            except RedisError as error:
                log.warning("request not taken", channel=self._line.id, error=str(error))
                continue
            if errand is not None:
                self._under_way.add(ticket)
                self._do(sender, sender.session.asked(ticket, errand.request, self._now()))

    def _pass_time(self) -> None:
        for wire in self._wires:
            if wire.over is None:
                self._do(wire, wire.session.passed(self._now()))

    def _over(self) -> bool:
        return any(wire.over is not None for wire in self._wires)

    def _raise(self) -> None:
        for wire in self._wires:
            if wire.over is not None and wire.over.error is not None:
                raise wire.over.error

    def _now(self) -> float:
        return self._hub.now().timestamp()

    # --- what sessions want done -----------------------------------------------------------

    def _do(self, wire: _Wire, steps: Iterable[Step]) -> None:
        for step in steps:
            match step:
                case Write(data):
                    self._write(wire, data)
                case Ready():
                    wire.ready = True
                    self._welcome()
                case Keep():
                    kept = self._keep(step)
                    self._do(wire, wire.session.settled(kept=kept, now=self._now()))
                case Answered():
                    self._answer(step)
                case Over():
                    wire.over = wire.over or step

    def _write(self, wire: _Wire, data: bytes) -> None:
        # To who does not read, each further step would wait as long as the first.
        if wire.stuck:
            return
        try:
            wire.socket.sendall(data)
        except OSError as error:
            wire.stuck = True
            wire.over = wire.over or Over(_lost(error))

    def _keep(self, keep: Keep) -> bool:
        try:
            keep_polled(self._hub, self._line, Polled(calls=keep.calls, cursor=""))
        except DatabaseDown as error:
            log.warning("calls not kept", channel=self._line.id, reason=str(error))
            return False
        # Whatever it is, the provider must not believe that we have it.
        except Exception:
            log.exception("calls not kept", channel=self._line.id)
            return False
        return True

    def _answer(self, answered: Answered) -> None:
        self._under_way.discard(answered.ticket)
        try:
            self._desk.answer(answered.ticket, answered.answer)
        except RedisError as error:
            # Who waits for it will not know, and says so.
            log.warning("answer not handed back", channel=self._line.id, error=str(error))

    # --- workers that ask ------------------------------------------------------------------

    def _welcome(self) -> None:
        """Take requests once every connection is let in."""
        if self.was_ready or not all(wire.ready for wire in self._wires):
            return
        self.was_ready = True
        log.info("session held", channel=self._line.id)
        self._show()
        threading.Thread(target=self._listen, name=f"desk-{self._line.id}", daemon=True).start()

    def _show(self) -> None:
        try:
            self._desk.open()
        except RedisError as error:
            log.warning("session not announced", channel=self._line.id, error=str(error))

    @property
    def _open(self) -> bool:
        return self.was_ready and not self._ended.is_set()

    def _listen(self) -> None:
        """Fetch tickets, one ahead of what the session has room for."""
        while not self._ended.is_set():
            try:
                ticket = self._desk.next()
                if ticket is not None and not self._passed_on(ticket):
                    self._desk.give_back(ticket)
            except RedisError as error:
                # A ticket that is lost by this is taken back by who waits for it.
                log.warning("nothing is asked", channel=self._line.id, error=str(error))
                self._ended.wait(_LOOK)

    def _passed_on(self, ticket: str) -> bool:
        """Hand a ticket to the loop; False when that has ended."""
        while not self._ended.is_set():
            with suppress(queue.Full, OSError):
                self._errands.put(ticket, timeout=_LOOK)
                self._bell.send(b"!")
                return True
        return False

    # --- the end ---------------------------------------------------------------------------

    def _finish(self) -> None:
        """Take nothing new, wait a little for what is under way, and take leave."""
        self._shut_desk()
        until = monotonic() + _TO_FINISH
        while self._under_way and not self._over() and monotonic() < until:
            self._wait(until)
        if self._over():
            return
        for wire in self._wires:
            self._do(wire, wire.session.closing(self._now()))
        until = monotonic() + _TO_LEAVE
        while any(wire.over is None for wire in self._wires) and monotonic() < until:
            self._wait(until)

    def _wait(self, until: float) -> None:
        for key, _ in self._selector.select(max(0.0, until - monotonic())):
            if key.data is None:
                self._ear.recv(_PIECE)
            elif key.data.over is None:
                self._read(key.data)
            else:
                self._selector.unregister(key.fileobj)

    def _shut_desk(self) -> None:
        self._ended.set()
        try:
            self._desk.close()
        except RedisError as error:
            log.warning("session not taken back", channel=self._line.id, error=str(error))

    def _close(self) -> None:
        if not self._ended.is_set():
            self._shut_desk()
        lost = "The session ended before the provider answered."
        for ticket in list(self._under_way):
            self._answer(Answered(ticket=ticket, answer=OutcomeUnknown(lost)))
        self._give_back()
        self._selector.close()
        self._bell.close()
        self._ear.close()

    def _give_back(self) -> None:
        """Leave what nobody took to whoever holds the session next."""
        with suppress(queue.Empty, RedisError):
            while True:
                self._desk.give_back(self._errands.get_nowait())


def _lost(error: OSError) -> SendError:
    why = getattr(error, "strerror", None) or str(error) or type(error).__name__
    return Transient(f"The connection was lost: {why.lower()}.")
