"""Hand letters to mail servers, over sessions that are kept for a while.

A server has a letter once it may have read the line with nothing but a dot on it: what breaks off
before is `NotSent`, what breaks off after is `OutcomeUnknown`.
"""

import base64
import json
import re
import smtplib
import socket
import ssl
import threading
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from time import monotonic
from typing import Final
from urllib.parse import urlsplit

from hubbub.dkim import signed
from hubbub.guard import Deadline, Guard, Refused
from hubbub.sdk.errors import OutcomeUnknown, Transient
from hubbub.sdk.mail import CHECK, SCHEMES
from hubbub.sdk.values import Headers, HttpRequest, HttpResponse, Letter
from hubbub.smtp.session import Errand, Refusal, Session, Whom
from hubbub.transport import Files, NotSent
from hubbub.trust import trusting

#: The schemes of the requests that go here.
MAIL: Final = frozenset(SCHEMES.values())
#: Seconds that an idle session is kept, and how many are.
_IDLE: Final = 45.0
_KEPT: Final = 8
_GREETED: Final = timedelta(seconds=10)

#: One server takes a lone CR or LF for the end of a line and the next one does not, so that a
#: letter could hide another one.
_SMUGGLING: Final = re.compile(rb"\r(?!\n)|(?<!\r)\n|\0")
_NO_ADDRESS: Final = re.compile(r"[\s<>\x00-\x1f\x7f\ud800-\udfff]")


class MailTransport:
    """Carries requests of `hubbub.sdk.mail`, for any number of threads; one for each process."""

    def __init__(self, guard: Guard) -> None:
        self._guard = guard
        self._lock = threading.Lock()
        self._idle: dict[Whom, list[Session]] = {}
        self._closed = False

    def perform(self, request: HttpRequest, *, files: Files) -> HttpResponse:
        """Do as ``request`` says; the answer is a `Posted`.

        Raises `NotSent`, `OutcomeUnknown` once the letter may have been taken, and `Refused`.
        """
        whom, errand, deadline = _whom(request), _errand(request, files), Deadline(request.timeout)
        session = self._take(whom, deadline) or Session(whom, _domain(errand.sender), self._dial)
        try:
            session.begin(deadline, _to_greet(errand, deadline))
            done = session.run(errand)
        except Refusal as refusal:
            done = session.told(refusal)
        except (OSError, UnicodeError, smtplib.SMTPException) as error:
            session.close()
            raise _broken(whom, error, taken=session.given, mute=session.mute) from error
        except BaseException:
            session.close()
            raise
        self._give(whom, session)
        # A plugin has no clock; providers that speak HTTP tell the time in the same way.
        headers = Headers({"date": format_datetime(datetime.now(UTC), usegmt=True)})
        return HttpResponse(
            status=done.reply.code, headers=headers, body=json.dumps(asdict(done)).encode()
        )

    def close(self) -> None:
        """Take leave of every server; sessions in use end when they are done."""
        with self._lock:
            self._closed = True
            idle = [session for kept in self._idle.values() for session in kept]
            self._idle = {}
        for session in idle:
            session.close()

    def _dial(self, whom: Whom, deadline: Deadline) -> socket.socket:
        tls = trusting(whom.trust) if whom.scheme == SCHEMES["tls"] else None
        return self._guard.connect(whom.host, whom.port, deadline, tls)

    def _take(self, whom: Whom, deadline: Deadline) -> Session | None:
        """Return a session that is open and answers, or None."""
        while True:
            with self._lock:
                kept = self._idle.get(whom)
                session = kept.pop() if kept else None
            if session is None:
                return None
            if session.until > monotonic() and session.answers(deadline):
                return session
            session.close()

    def _give(self, whom: Whom, session: Session) -> None:
        """Keep a session for the next letter, or take leave."""
        now = monotonic()
        session.until = now + _IDLE
        with self._lock:
            old = self._forget_old(now)
            kept = self._idle.get(whom, [])
            if session.usable and not self._closed and len(kept) < _KEPT:
                self._idle[whom] = [*kept, session]
            else:
                old.append(session)
        for one in old:
            one.close()

    def _forget_old(self, now: float) -> list[Session]:
        """Return every session that was idle for too long, and keep it no more.

        Who logs in with tokens never comes back with an old one.
        """
        kept = {
            whom: [one for one in sessions if one.until > now]
            for whom, sessions in self._idle.items()
        }
        old = [one for sessions in self._idle.values() for one in sessions if one.until <= now]
        self._idle = {whom: sessions for whom, sessions in kept.items() if sessions}
        return old


def _whom(request: HttpRequest) -> Whom:
    parts = urlsplit(request.url)
    return Whom(
        scheme=parts.scheme,
        host=parts.hostname or "",
        port=parts.port or 0,
        login=request.headers.get("authorization", ""),
        trust=request.trust,
    )


def _errand(request: HttpRequest, files: Files) -> Errand:
    sender = request.headers.get("mail-from", "")
    to = request.headers.get("rcpt-to", "")
    recipients = tuple(to.split(", ")) if to else ()
    letter = _whole(request.body, files) if isinstance(request.body, Letter) else request.body
    if any(map(_NO_ADDRESS.search, (sender, *recipients))):
        raise Refused("A letter's address holds a blank or a character that has no place there.")
    if not isinstance(letter, bytes) or _SMUGGLING.search(letter):
        raise Refused("A letter's lines must end in CRLF, and hold neither CR, LF nor NUL.")
    if (request.method == CHECK) == bool(recipients):
        raise Refused("A letter needs somebody to go to, and a check has none.")
    return Errand(sender, recipients, letter)


def _whole(letter: Letter, files: Files) -> bytes:
    whole = b"".join(
        piece if isinstance(piece, bytes) else _in_base64(files(piece.media))
        for piece in letter.pieces
    )
    return signed(whole, letter.signed_by) if letter.signed_by else whole


def _in_base64(data: bytes) -> bytes:
    return base64.encodebytes(data).replace(b"\n", b"\r\n")


def _domain(sender: str) -> str:
    return sender.rpartition("@")[2] or "localhost"


def _to_greet(errand: Errand, deadline: Deadline) -> Deadline:
    """Return by when the server must say a first word: people wait for a check.

    Some let whoever sends wait, to be rid of spam.
    """
    return deadline if errand.recipients else Deadline(_GREETED)


def _broken(whom: Whom, error: Exception, *, taken: bool, mute: bool) -> Transient | OutcomeUnknown:
    cause = error.__context__ if isinstance(error, smtplib.SMTPServerDisconnected) else error
    why, code = _why(cause or error), _code(cause or error)
    if taken:
        return OutcomeUnknown(f"{whom.host} may have the letter, but its answer is lost: {why}.")
    if mute and isinstance(cause, TimeoutError) and whom.scheme != SCHEMES["tls"]:
        why, code = "it says nothing; it may want TLS from the beginning", "smtp_security"
    return NotSent(
        f"The SMTP server {whom.host} (port {whom.port}) cannot be reached: {why}.", code=code
    )


def _code(error: BaseException) -> str:
    match error:
        case ssl.SSLCertVerificationError():
            return "smtp_certificate"
        case ssl.SSLError():
            return "smtp_security"
    return "smtp_unreachable"


def _why(error: BaseException) -> str:
    match error:
        case ssl.SSLCertVerificationError():
            return f"its certificate is not valid ({error.verify_message.rstrip('.')})"
        case ssl.SSLError(reason="WRONG_VERSION_NUMBER"):
            return "it does not speak TLS from the beginning; try STARTTLS"
        case ssl.SSLError():
            return "the encryption failed"
        case TimeoutError():
            return "no answer in time"
        case socket.gaierror() | UnicodeError():
            return "its name cannot be resolved"
        case smtplib.SMTPServerDisconnected():
            return "it closed the connection"
        case smtplib.SMTPException():
            return "it does not speak as mail servers do"
    return (getattr(error, "strerror", None) or str(error)).lower()
