"""Listen on loopback as a message centre: let accounts bind, take what they submit."""

import socket
from collections.abc import Callable
from contextlib import suppress
from typing import Final

from hubbub.sandbox.faults import REQUEST_KINDS, Fault
from hubbub.sandbox.ports import Line, Port
from hubbub.sandbox.smsc import wire
from hubbub.sandbox.smsc.network import accept
from hubbub.sandbox.smsc.state import Account, Bound, Sender, Smsc
from hubbub.sandbox.smsc.wire import RESPONSE, Unit

#: Statuses. Source: SMPP 3.4, 5.1.3.
OK, BAD_COMMAND, NOT_BOUND, ALREADY_BOUND = 0x00, 0x03, 0x04, 0x05
SYSTEM_ERROR, BAD_DEST, BAD_PASSWORD, BAD_SYSTEM_ID, THROTTLED = 0x08, 0x0B, 0x0E, 0x0F, 0x58
_NAME: Final = b"sandbox\0"
#: Seconds for which ``timeout`` stays silent, unless it says otherwise: longer than anybody waits.
_SILENT: Final = 60.0


class Centre:
    """The port, and a thread for each connection."""

    def __init__(self, smsc: Smsc) -> None:
        self._smsc = smsc
        self._port = Port("smsc", self._talk)
        self.hang_up = self._port.hang_up
        self.close = self._port.close

    def address(self) -> str:
        """Return where the centre listens, which it does from now on."""
        return f"smpp://127.0.0.1:{self._port.number()}"

    def _talk(self, link: socket.socket) -> None:
        talk = Talk(self._smsc, link)
        try:
            with link.makefile("rb") as lines:
                while (unit := wire.read(lines.read)) is not None and talk.hear(unit):
                    pass
        finally:
            talk.end()


class Talk:
    """One connection: who is at its other end, and what is answered."""

    def __init__(self, smsc: Smsc, link: socket.socket) -> None:
        self._smsc = smsc
        self._line = _Line(link)
        self._account: Account | None = None
        self._bound: Bound | None = None
        self._submits = False

    def hear(self, unit: Unit) -> bool:
        """Answer one unit; False when that was the last one."""
        if unit.command & RESPONSE:
            if self._bound is not None:
                self._bound.hear(unit)
            return True
        match unit.command:
            case command if command in wire.BINDS:
                return self._bind(unit)
            case wire.ENQUIRE_LINK:
                self._say(unit, OK)
            case wire.UNBIND:
                self._say(unit, OK)
                return False
            case wire.SUBMIT_SM:
                return self._submit(unit)
            case _:
                self._line(Unit(wire.GENERIC_NACK, BAD_COMMAND, unit.sequence))
        return True

    def end(self) -> None:
        """Forget the session."""
        if self._bound is not None and self._account is not None:
            self._bound.end()
            with self._smsc.world.lock, suppress(ValueError):
                self._account.sessions.remove(self._bound)

    def _bind(self, unit: Unit) -> bool:
        system_id, password = wire.texts(unit.body, 2)
        status = self._let_in(system_id, password, unit.command)
        self._say(unit, status, _NAME)
        return status == OK

    def _let_in(self, system_id: str, password: str, command: int) -> int:
        world = self._smsc.world
        fault = world.faults.pick(REQUEST_KINDS, "smsc", "bind")
        if fault is not None:
            return fault.code or BAD_PASSWORD
        with world.lock:
            account = self._smsc.accounts.get(system_id)
            if self._bound is not None:
                return ALREADY_BOUND
            if account is None:
                return BAD_SYSTEM_ID
            if account.password != password:
                return BAD_PASSWORD
            self._account = account
            self._submits = command != wire.BIND_RECEIVER
            self._bound = Bound(self._line, receives=command != wire.BIND_TRANSMITTER)
            account.sessions.append(self._bound)
        return OK

    def _submit(self, unit: Unit) -> bool:
        account = self._account
        if account is None or not self._submits:
            self._say(unit, NOT_BOUND)
            return True
        sent = wire.message(unit.body)
        if not sent.dest.isdigit():
            self._say(unit, BAD_DEST)
            return True
        fault = self._smsc.world.faults.pick(
            REQUEST_KINDS,
            "smsc",
            "submit_sm",
            address=f"+{sent.dest}",
            text=wire.words([sent]),
        )

        def take() -> bool:
            message_id = accept(self._smsc, account, sent)
            self._say(unit, OK, message_id.encode() + b"\0")
            return True

        return take() if fault is None else self._suffer(fault, unit, take)

    def _suffer(self, fault: Fault, unit: Unit, take: Callable[[], bool]) -> bool:
        """Let ``fault`` befall a message; False when it ends the session."""
        faults = self._smsc.world.faults
        match fault.kind:
            case "slow":
                faults.pause(fault.waits(1))
                return take()
            case "timeout":
                faults.pause(fault.waits(0))
                return True
            case "drop_after_accept":
                self._line.lose()
                take()
                return False
            case "drop_before":
                return False
            case "garbage":
                self._line.garble()
                return False
            case "rate_limit":
                self._say(unit, THROTTLED)
            case "token_revoked":
                self._say(unit, NOT_BOUND)
                return False
            case _:
                self._say(unit, fault.code or SYSTEM_ERROR)
        return True

    def _say(self, unit: Unit, status: int, body: bytes = b"") -> None:
        self._line(
            Unit(unit.command | RESPONSE, status, unit.sequence, body if not status else b"")
        )


class _Line(Sender):
    """Writes to a connection, one unit at a time."""

    def __init__(self, link: socket.socket) -> None:
        self._line = Line(link)

    def __call__(self, unit: Unit) -> None:
        """Write ``unit``."""
        self._line(unit.octets())

    def lose(self) -> None:
        """Let what is written be lost from now on."""
        self._line.broken = True

    def garble(self) -> None:
        """Write what is no SMPP."""
        self._line(b"HTTP/1.1 400 Bad Request\r\n\r\n")
