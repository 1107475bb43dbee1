"""Talk with one mail server, and be exact about what it was asked and what it said."""

import base64
import re
import smtplib
import socket
from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import timedelta
from typing import Final, NamedTuple

from hubbub.guard import Deadline
from hubbub.lines import next_line
from hubbub.sdk.mail import SCHEMES, Phase, Posted, Reply, login_in, xoauth2
from hubbub.trust import trusting

#: Letters that one session carries.
_LETTERS: Final = 50
#: For taking leave.
_LEAVE: Final = timedelta(seconds=0.5)

#: A line of a reply; RFC 5321 has no other codes, and some servers leave out the text.
_LINE: Final = re.compile(rb"([2-5][0-9]{2})(?:([ -])(.*))?\s*", re.DOTALL)
#: Lines and bytes that a reply may have.
_MOST_LINES: Final = 100
_MOST_BYTES: Final = 64 << 10
_FIRST_DOT: Final = re.compile(rb"(?m)^\.")

_OK: Final = 250
#: What may follow the last dot: the letter was taken, or is refused for now or for good.
_VERDICTS: Final = frozenset({2, 4, 5})
_LOGGED_IN: Final = 235
_GO_ON: Final = 334
_SEND_IT: Final = 354
_GOING: Final = 421
# What we say in a server's name, with the codes that RFC 5321 and RFC 3463 have for it.
_TOO_LARGE: Final = "5.3.4 The letter has {size} bytes, and the server takes {most} at most."
_NO_UTF8: Final = "5.6.7 The server takes no address with letters beyond ASCII before the @."
_NO_TLS: Final = "5.7.10 The server does not offer to encrypt the connection (STARTTLS)."
_NO_LOGIN: Final = "5.7.4 The server offers no way to log in that the hub knows."


class Whom(NamedTuple):
    """A server, and as whom we talk to it; who has all of it alike shares sessions."""

    scheme: str
    host: str
    port: int
    login: str
    trust: str


class Errand(NamedTuple):
    """What to ask of a server; without recipients: whether it would take a letter."""

    sender: str
    recipients: tuple[str, ...]
    letter: bytes


class Refusal(Exception):
    """The server does not do as asked."""

    def __init__(
        self, phase: Phase, reply: Reply, refused: Mapping[str, Reply] | None = None
    ) -> None:
        super().__init__(reply.text)
        self.phase: Final[Phase] = phase
        self.reply: Final = reply
        self.refused: Final = refused or {}


class Session(smtplib.SMTP):
    """A talk with one server."""

    def __init__(
        self, whom: Whom, name: str, dial: Callable[[Whom, Deadline], socket.socket]
    ) -> None:
        """``name``: who we say we are; the name of this machine is nobody's business."""
        super().__init__(local_hostname=name)
        self._deadline = Deadline(_LEAVE)
        self._host = whom.host  # what STARTTLS checks the certificate against
        self._whom = whom
        self._dial = dial
        self._letters = 0
        #: Whether we are let in, and whether the server is about to close the connection.
        self._ready = self._going = False
        #: Whether it took the connection, and has not said a word.
        self.mute = False
        #: Whether the server may have the letter.
        self.given = False
        #: Until when it may be idle, on the clock of `monotonic`.
        self.until = 0.0

    @property
    def usable(self) -> bool:
        """Whether another letter may follow."""
        return self._ready and not self._going and self._letters < _LETTERS

    def begin(self, deadline: Deadline, to_greet: Deadline) -> None:
        """Connect, encrypt and log in, if that is still to be done. Raises `Refusal`."""
        self._deadline = deadline
        if self._ready:
            return
        self._deadline = to_greet
        greeted = self.connect(self._whom.host, self._whom.port)
        self._deadline = deadline
        self.mute = False
        self._check("hello", greeted)
        self._hello()
        if self._whom.scheme == SCHEMES["starttls"]:
            if not self.has_extn("starttls"):
                raise Refusal("hello", Reply(code=530, text=_NO_TLS))
            self._check("hello", self.starttls(context=trusting(self._whom.trust)))
            self._hello()
        self._log_in(self._whom.login)
        self._ready = True

    def run(self, errand: Errand) -> Posted:
        """Hand over a letter, or find out whether the server would take one. Raises `Refusal`."""
        self.given = False
        self._letters += 1
        if not errand.recipients:
            self._check("sender", self.mail(errand.sender))
            return self._done("accepted", _reply(self.docmd("RSET")))
        refused = self._address(errand)
        self._check("letter", self.docmd("DATA"), wanted=_SEND_IT)
        self.send(_FIRST_DOT.sub(b"..", errand.letter))
        self.given = True
        self.send(b".\r\n" if errand.letter.endswith(b"\r\n") else b"\r\n.\r\n")
        said = self.getreply()
        if said[0] // 100 not in _VERDICTS:
            raise smtplib.SMTPResponseException(*said)
        return self._done("accepted", self._check("letter", said), refused)

    def told(self, refusal: Refusal) -> Posted:
        """Return how it went when the server did not do as asked."""
        return self._done(refusal.phase, refusal.reply, refusal.refused)

    def answers(self, deadline: Deadline) -> bool:
        """Whether the server is still there, and forgot the last letter."""
        self._deadline = deadline
        try:
            return self.docmd("RSET")[0] == _OK
        except (OSError, smtplib.SMTPException):
            return False

    def close(self) -> None:
        """Take leave, if anybody is there."""
        if self.sock is not None:
            with suppress(OSError):
                self.sock.settimeout(_LEAVE.total_seconds())
                self.sock.sendall(b"QUIT\r\n")
        super().close()

    def getreply(self) -> tuple[int, bytes]:
        """Return what the server says, within the time that is left and some bounds.

        smtplib's own way waits anew for each byte, for as many lines as come, and takes nonsense
        for a refusal. Raises `OSError` and `smtplib.SMTPException`.
        """
        text: list[bytes] = []
        room = _MOST_BYTES
        while len(text) < _MOST_LINES:
            line = self._line(room)
            room -= len(line)
            found = _LINE.fullmatch(line)
            if found is None:
                raise smtplib.SMTPResponseException(-1, line[:100])
            text.append((found[3] or b"").strip())
            if found[2] != b"-":
                return int(found[1]), b"\n".join(text)
        raise smtplib.SMTPResponseException(-1, b"The reply does not end.")

    def _line(self, room: int) -> bytes:
        if self.sock is None:
            raise smtplib.SMTPServerDisconnected
        if self.file is None:  # it begins anew with STARTTLS
            self.file = self.sock.makefile("rb")
        line = next_line(self.file, room, self._wait)
        if not line:
            raise smtplib.SMTPServerDisconnected
        return line

    def _wait(self) -> None:
        """Grant the server no more than the time that is left."""
        if self.sock is not None:
            self.sock.settimeout(self._deadline.left())

    def _get_socket(self, host: str, port: int, timeout: float) -> socket.socket:
        del host, port, timeout
        link = self._dial(self._whom, self._deadline)
        self.mute = True
        return link

    def _done(
        self, phase: Phase, reply: Reply, refused: Mapping[str, Reply] | None = None
    ) -> Posted:
        features = {name: value.strip() for name, value in self.esmtp_features.items()}
        return Posted(phase=phase, reply=reply, refused=refused or {}, features=features)

    def _hello(self) -> None:
        if self.ehlo()[0] != _OK:
            self._check("hello", self.helo())

    def _log_in(self, login: str) -> None:
        way, username, secret = login_in(login)
        if not way:
            return
        offered = self.esmtp_features.get("auth", "").upper().split()
        if way == "xoauth2" and "XOAUTH2" in offered:
            said = self._auth("XOAUTH2", [xoauth2(username, secret)])
        elif way == "password" and "PLAIN" in offered:
            said = self._auth("PLAIN", [f"\0{username}\0{secret}"])
        elif way == "password" and "LOGIN" in offered:
            said = self._auth("LOGIN", [username, secret])
        else:
            raise Refusal("login", Reply(code=504, text=_NO_LOGIN))
        self._check("login", said, wanted=_LOGGED_IN)

    def _auth(self, mechanism: str, answers: list[str]) -> tuple[int, bytes]:
        """Log in; what the server asks for is given in order, then nothing.

        smtplib's own way takes ASCII alone, which a password need not be.
        """
        code, text = self.docmd("AUTH", mechanism)
        while code == _GO_ON:
            answer = answers.pop(0) if answers else ""
            code, text = self.docmd(base64.b64encode(answer.encode()).decode())
        return code, text

    def _address(self, errand: Errand) -> dict[str, Reply]:
        """Say whom the letter is from and to; return the recipients that are refused.

        Without the first one, whom it is to, nobody gets it: else those with a copy would get it
        again when it is tried again.
        """
        options = self._options(errand)
        self._check("sender", self.mail(errand.sender, options))
        replies = {address: _reply(self.rcpt(address)) for address in errand.recipients}
        refused = {address: reply for address, reply in replies.items() if not reply.good}
        self._going = any(reply.code == _GOING for reply in refused.values())
        if self._going or errand.recipients[0] in refused:
            said = sorted(refused.values(), key=lambda reply: reply.code != _GOING)
            raise Refusal("recipients", said[0], refused)
        return refused

    def _options(self, errand: Errand) -> list[str]:
        options = []
        if self.has_extn("size"):
            size, most = len(errand.letter), self.esmtp_features["size"]
            if most.isdecimal() and 0 < int(most) < size:
                text = _TOO_LARGE.format(size=size, most=most)
                raise Refusal("sender", Reply(code=552, text=text))
            options.append(f"size={size}")
        if not all(address.isascii() for address in (errand.sender, *errand.recipients)):
            if not self.has_extn("smtputf8"):
                raise Refusal("recipients", Reply(code=553, text=_NO_UTF8))
            options.append("SMTPUTF8")
        return options

    def _check(self, phase: Phase, said: tuple[int, bytes], wanted: int | None = None) -> Reply:
        """Return the reply if it is a good one. Raises `Refusal`."""
        reply = _reply(said)
        self._going = reply.code == _GOING
        if not reply.good or (wanted is not None and reply.code != wanted):
            raise Refusal(phase, reply)
        return reply


def _reply(said: tuple[int, bytes]) -> Reply:
    code, text = said
    return Reply(code=code, text=text.decode("utf-8", "replace"))
