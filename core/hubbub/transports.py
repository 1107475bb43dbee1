"""Carry each request by what its scheme asks for: HTTP, a session, a frame, mail, DNS, a file."""

import socket
import ssl
from contextlib import closing
from functools import cached_property
from typing import Final
from urllib.parse import urlsplit

from redis import Redis

from hubbub.domains import DomainsTransport
from hubbub.guard import Deadline, Guard
from hubbub.imap.check import MAILBOX, MailboxTransport
from hubbub.media import MediaStore
from hubbub.relay import Relay
from hubbub.sdk.dns import DNS
from hubbub.sdk.errors import Transient
from hubbub.sdk.session import FRAME, FRAME_TLS, SESSION, Endpoint
from hubbub.sdk.values import Headers, HttpRequest, HttpResponse
from hubbub.sdk.widget_calls import UPLOAD
from hubbub.smtp.transport import MAIL, MailTransport
from hubbub.transport import Files, HttpTransport, NotSent, Talk
from hubbub.trust import trusting

_LENGTH: Final = 4
_NOT_HTTP: Final = frozenset({SESSION, FRAME, FRAME_TLS, DNS, UPLOAD, *MAILBOX, *MAIL})


class Transports(HttpTransport):
    """What a process reaches providers by."""

    def __init__(self, guard: Guard, redis: Redis, media: MediaStore) -> None:
        super().__init__(guard)
        self._media = media
        self._relay = Relay(redis)
        self._mailboxes = MailboxTransport(guard)
        self._mail = MailTransport(guard)
        self._domains = DomainsTransport()

    def perform(self, request: HttpRequest, *, files: Files) -> HttpResponse:
        """Make one request. Raises as `hubbub.transport.Transport.perform` says, and `Refused`."""
        match request.url.partition(":")[0]:
            case scheme if scheme == SESSION:
                return self._relay.perform(request)
            case scheme if scheme in {FRAME, FRAME_TLS}:
                return self._in_one_frame(request)
            case scheme if scheme in MAILBOX:
                return self._mailboxes.perform(request)
            case scheme if scheme == DNS:
                return self._domains.perform(request)
            case scheme if scheme in MAIL:
                return self._mail.perform(request, files=files)
            case scheme if scheme == UPLOAD:
                body = self._media.get(request.url.partition(":")[2])
                return HttpResponse(status=0, headers=Headers({}), body=body)
        return super().perform(request, files=files)

    def resume(self, request: HttpRequest) -> Talk | None:
        """Begin an HTTP request on a connection that is kept; what is none always waits."""
        if request.url.partition(":")[0] in _NOT_HTTP:
            return None
        return super().resume(request)

    def close(self) -> None:
        """Let go of every connection that is kept."""
        self._mail.close()
        super().close()

    def connect(self, endpoint: Endpoint, deadline: Deadline) -> socket.socket:
        """Return a connection to ``endpoint``. Raises `NotSent` and `Refused`."""
        try:
            return self._guard.connect(
                endpoint.host, endpoint.port, deadline, self._trust if endpoint.tls else None
            )
        except (OSError, UnicodeError) as error:
            raise NotSent(f"{endpoint.host} cannot be reached: {_why(error)}.") from error

    @cached_property
    def _trust(self) -> ssl.SSLContext:
        return trusting()

    def _in_one_frame(self, request: HttpRequest) -> HttpResponse:
        parts, deadline = urlsplit(request.url), Deadline(request.timeout)
        endpoint = Endpoint(
            host=parts.hostname or "", port=parts.port or 0, tls=parts.scheme == FRAME_TLS
        )
        body = request.body if isinstance(request.body, bytes) else b""
        with closing(self.connect(endpoint, deadline)) as link:
            try:
                link.sendall(body)
                frame = _frame(link, deadline, request.max_answer)
            except OSError as error:
                why = f"{endpoint.host} did not answer properly: {_why(error)}."
                raise Transient(why, code="no_answer") from error
        return HttpResponse(status=0, headers=Headers({}), body=frame)


def _frame(link: socket.socket, deadline: Deadline, most: int) -> bytes:
    head = _read(link, deadline, _LENGTH)
    length = int.from_bytes(head, "big")
    if not _LENGTH <= length <= most:
        raise OSError(f"a frame of {length} octets")
    return head + _read(link, deadline, length - _LENGTH)


def _read(link: socket.socket, deadline: Deadline, count: int) -> bytes:
    found = b""
    while len(found) < count:
        link.settimeout(deadline.left())
        piece = link.recv(count - len(found))
        if not piece:
            raise OSError("it closed the connection")
        found += piece
    return found


def _why(error: Exception) -> str:
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"its certificate is not valid ({error.verify_message})"
    if isinstance(error, TimeoutError):
        return "no answer in time"
    return (getattr(error, "strerror", None) or str(error)).lower()
