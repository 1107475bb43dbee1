"""Keep a bind with a message centre: let us in, answer, ask, and notice when it is silent.

Pure: what to write, to keep and to hand back is returned as steps, and the hub does it.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import count
from typing import Any, Final

from hubbub.sdk import (
    Answered,
    AuthFailed,
    Connection,
    Endpoint,
    Headers,
    HttpRequest,
    HttpResponse,
    Keep,
    OutcomeUnknown,
    Over,
    Ready,
    Session,
    Step,
    Transient,
    Write,
)
from hubbub_sms_smpp import meanings, pdu
from hubbub_sms_smpp.fields import SmppConnection
from hubbub_sms_smpp.pdu import RESPONSE, Command, Framer, Malformed, Pdu

#: The highest number of a unit; then they begin anew.
_LAST: Final = 0x7FFFFFFF
#: Seconds for which nothing is submitted after the centre said that it is too much: doubled each
#: time, up to the longest.
_FIRST_PAUSE: Final = 1.0
_LONGEST_PAUSE: Final = 15.0


@dataclass(frozen=True, kw_only=True)
class _Asked:
    """A unit of ours that waits for its answer; ``ticket`` where a worker waits for it too."""

    command: int
    until: float
    ticket: str | None = None


class SmppSessions:
    """Binds as the settings say: as a transceiver, or as a transmitter beside a receiver."""

    type = "sms_smpp"

    def begin(self, connection: Connection[Any]) -> Sequence[Session]:
        """Return the binds of a channel, the one that submits first."""
        if connection.fields.settings.bind_mode == "transceiver":
            return [Bind(Command.BIND_TRANSCEIVER, connection)]
        return [
            Bind(Command.BIND_TRANSMITTER, connection),
            Bind(Command.BIND_RECEIVER, connection),
        ]


class Bind:
    """One bind, from being let in to the end."""

    def __init__(self, command: Command, connection: SmppConnection) -> None:
        settings = connection.fields.settings
        self.endpoint: Endpoint = settings.endpoint
        self._request = bind_request(command, connection)
        self._window = settings.window if command != Command.BIND_RECEIVER else 0
        self._idle = settings.enquire_link_s
        self._patience = settings.response_timeout_s
        self._framer = Framer()
        self._numbers = count(1)
        self._asked: dict[int, _Asked] = {}
        self._bound = False
        self._last_heard = 0.0
        self._pause = _FIRST_PAUSE
        self._paused_until = 0.0
        self._now = 0.0
        #: What is to be answered once it is kept.
        self._unanswered: list[Pdu] = []

    @property
    def room(self) -> int:
        """How many units may be submitted now."""
        if not self._bound or self._now < self._paused_until:
            return 0
        waiting = sum(1 for asked in self._asked.values() if asked.ticket is not None)
        return max(0, self._window - waiting)

    def opened(self, now: float) -> Iterator[Step]:
        """Ask to be let in."""
        self._last_heard = now
        yield self._ask(self._request, now)

    def heard(self, data: bytes, now: float) -> Iterator[Step]:
        """Answer each unit that is whole now; what is to be kept is kept in one go."""
        self._now = self._last_heard = now
        try:
            for unit in self._framer.feed(data):
                if unit.command == Command.DELIVER_SM:
                    self._unanswered.append(unit)
                elif unit.is_response:
                    yield from self._answered(unit, now)
                else:
                    yield from self._requested(unit)
        except Malformed as error:
            yield Write(pdu.nack(0, meanings.INVALID_LENGTH).encoded())
            yield Over(Transient(f"The centre does not speak SMPP: {error}", code="no_smpp"))
        if self._unanswered:
            yield Keep(calls=tuple(unit.encoded() for unit in self._unanswered))

    def asked(self, ticket: str, request: HttpRequest, now: float) -> Iterator[Step]:
        """Submit what a worker wrote, under a number of this bind."""
        self._now = now
        body = request.body if isinstance(request.body, bytes) else b""
        yield self._ask(pdu.decode(body), now, ticket)

    def settled(self, *, kept: bool, now: float) -> Iterator[Step]:
        """Confirm what was kept; let what was not come again."""
        self._now = now
        status = meanings.OK if kept else meanings.NOT_KEPT
        for unit in self._unanswered:
            # The body is an empty message_id.
            yield Write(unit.answered(status, b"\0").encoded())
        self._unanswered.clear()

    def passed(self, now: float) -> Iterator[Step]:
        """Notice what has no answer, and silence."""
        self._now = now
        overdue = [number for number, asked in self._asked.items() if asked.until <= now]
        for asked in [self._asked.pop(number) for number in overdue]:
            if asked.ticket is None:
                yield Over(Transient("The centre does not answer.", code="no_answer"))
                return
            yield Answered(ticket=asked.ticket, answer=_lost())
        silent = overdue or now - self._last_heard >= self._idle
        if self._bound and silent and not self._enquires():
            yield self._ask(Pdu(command=Command.ENQUIRE_LINK), now)

    def closing(self, now: float) -> Iterator[Step]:
        """Take leave."""
        yield self._ask(Pdu(command=Command.UNBIND), now)

    # --- what the centre asks --------------------------------------------------------------

    def _requested(self, unit: Pdu) -> Iterator[Step]:
        match unit.command:
            case Command.ENQUIRE_LINK:
                yield Write(unit.answered().encoded())
            case Command.UNBIND:
                yield Write(unit.answered().encoded())
                yield Over(Transient("The centre ended the session.", code="unbound"))
            case _:
                nack = pdu.nack(unit.sequence, meanings.INVALID_COMMAND)
                yield Write(nack.encoded())

    # --- what the centre answers -----------------------------------------------------------

    def _answered(self, unit: Pdu, now: float) -> Iterator[Step]:
        asked = self._asked.pop(unit.sequence, None)
        if asked is None:
            return  # it comes too late, or answers nothing
        if asked.ticket is not None:
            self._heed(unit.status, now)
            yield Answered(ticket=asked.ticket, answer=_response(unit))
        elif asked.command == self._request.command:
            yield self._let_in(unit)
        elif asked.command == Command.UNBIND:
            yield Over()

    def _let_in(self, unit: Pdu) -> Step:
        if unit.status == meanings.OK and unit.command == self._request.command | RESPONSE:
            self._bound = True
            return Ready()
        error = meanings.error(unit.status or meanings.INVALID_COMMAND)
        if isinstance(error, AuthFailed | Transient):
            return Over(error)
        # Whatever it is: this is no message that could be given up.
        return Over(Transient(error.detail, code=error.code, provider_code=error.provider_code))

    def _heed(self, status: int, now: float) -> None:
        """Submit nothing for a moment after it was too much."""
        # What was on its way together was too much together: that is one pause, and no longer one.
        if status == meanings.THROTTLED and now >= self._paused_until:
            self._paused_until = now + self._pause
            self._pause = min(2 * self._pause, _LONGEST_PAUSE)
        elif status == meanings.OK:
            self._pause = _FIRST_PAUSE

    # --- what we ask -----------------------------------------------------------------------

    def _ask(self, unit: Pdu, now: float, ticket: str | None = None) -> Write:
        number = next(self._numbers)
        if number == _LAST:
            self._numbers = count(1)
        self._asked[number] = _Asked(
            command=unit.command, until=now + self._patience, ticket=ticket
        )
        return Write(Pdu(command=unit.command, sequence=number, body=unit.body).encoded())

    def _enquires(self) -> bool:
        return any(
            asked.command == Command.ENQUIRE_LINK and asked.ticket is None
            for asked in self._asked.values()
        )


def bind_request(command: Command, connection: SmppConnection) -> Pdu:
    """Return the request to be let in as the settings say."""
    credentials, settings = connection.fields.credentials, connection.fields.settings
    return pdu.bind(
        command,
        system_id=settings.system_id,
        password=credentials.password,
        system_type=settings.system_type,
        sequence=1,
    )


def _response(unit: Pdu) -> HttpResponse:
    """Return an answer as the log of attempts shows it."""
    told = {"command_status": meanings.name_of(unit.status)}
    return HttpResponse(status=unit.status, headers=Headers(told), body=unit.encoded())


def _lost() -> OutcomeUnknown:
    return OutcomeUnknown("The centre did not answer in time: it may have taken the message.")
