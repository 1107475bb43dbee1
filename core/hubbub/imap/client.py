"""Connect to an IMAP server, log in, and tell why not.

What the server refuses is said in its own words; what a failure means is told by its class.
"""

import imaplib
import re
import socket
import ssl
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import timedelta
from io import BufferedReader
from typing import Any, Final, TypeAlias, cast

from imapclient import IMAPClient
from imapclient.exceptions import IMAPClientError, LoginError

from hubbub.guard import Deadline
from hubbub.lines import next_line
from hubbub.sdk.errors import AuthFailed, SendError, Transient
from hubbub.sdk.mail import MailServer, xoauth2
from hubbub.trust import trusting

#: Connects, as `hubbub.guard.Guard.connect` does.
Dial: TypeAlias = Callable[[str, int, Deadline, ssl.SSLContext | None], socket.socket]

#: Seconds that a server may be silent.
SILENCE: Final = 60.0
_TO_CONNECT: Final = timedelta(seconds=15)
#: Seconds for its first word; who waits for TLS never says one.
_TO_GREET: Final = 10.0
#: Bytes of one literal; we ask for a mebibyte at most, and some for its surroundings.
_MOST: Final = 4 << 20
#: Bytes that may follow one command: letters of a piece each, of which a group has one piece where
#: sizes are told rightly.
_MOST_IN_ALL: Final = 16 << 20
#: Times ``silence`` that one command may take.
_PATIENCE: Final = 5
#: Seconds until a quiet connection is probed, between probes, and how many may be lost.
_PROBES: Final = {"TCP_KEEPIDLE": 60, "TCP_KEEPINTVL": 10, "TCP_KEEPCNT": 3}

#: RFC 5530, and what means the same: the password may be right.
_BUSY: Final = frozenset({"UNAVAILABLE", "INUSE", "LIMIT", "SERVERBUG", "OVERQUOTA"})
#: Gmail says so with [ALERT] alone.
_TOO_MANY: Final = re.compile(r"too many (simultaneous )?connections", re.IGNORECASE)
#: How imaplib tells of BAD instead of NO: nothing is wrong with the password. (Microsoft 365 says
#: "BAD User is authenticated but not connected" when it is busy.)
_BAD: Final = re.compile("command error: BAD")
_BYTES: Final = re.compile(r"""\bb(['"])(.*)\1""", re.DOTALL)
_CODE: Final = re.compile(r"\[([A-Z-]+)[^]]*\]")


class Client(IMAPClient):  # type: ignore[misc]  # it has no types
    """An IMAP client whose connections somebody else makes."""

    def __init__(
        self,
        server: MailServer,
        dial: Dial,
        *,
        silence: float = SILENCE,
        within: Deadline | None = None,
    ) -> None:
        """``within``: by when all of the talk must be done; each command has its bounds anyway."""
        self._server = server
        self._dial = dial
        self._within = within
        super().__init__(server.host, server.port, ssl=server.security == "tls", timeout=silence)
        # It would write passwords into the log.
        self._imap.debug = 0
        # Else a time comes naive, in the time of this machine.
        self.normalise_times = False

    def idle(self) -> None:
        """Begin to listen. Unlike IMAPClient, bear what a server says before it listens, too.

        Raises `IMAPClientError` where it will not.
        """
        self._idle_tag = self._imap.listen()

    def idle_done(self) -> Any:
        """Listen no more."""
        self._imap.begin()
        return super().idle_done()

    def early_news(self) -> bool:
        """Whether letters were told of after the folder was opened, and before it was idle."""
        return len(self._imap.untagged_responses.get("EXISTS", ())) > 1

    def _poll_socket(self, sock: socket.socket, timeout: float | None = None) -> Any:
        """Wait for news; what came in one piece with something before it is here already."""
        return self._imap.holds_more() or super()._poll_socket(sock, timeout)

    def _create_IMAP4(self) -> imaplib.IMAP4:  # noqa: N802  # IMAPClient's name for it
        return _Wire(self._server, self._dial, self._timeout.read, self._within)


def connected(
    server: MailServer,
    dial: Dial,
    *,
    silence: float = SILENCE,
    within: Deadline | None = None,
) -> Client:
    """Return a connection to ``server``, made by ``dial``, on which we are logged in.

    A server may be silent for ``silence`` seconds; the whole talk may be bounded by ``within``.
    Raises `AuthFailed`, `Transient` with a code that says what is wrong, and `Permanent`.
    """
    with telling(server):
        client = Client(server, dial, silence=silence, within=within)
    try:
        with telling(server):
            if server.security == "starttls":
                _encrypt(client, server)
            _log_in(client, server)
    except BaseException:
        leave(client)
        raise
    return client


def leave(client: Client) -> None:
    """Take leave, if anybody is there."""
    try:
        client.socket().settimeout(1.0)
        client.logout()
    except (OSError, IMAPClientError):
        with suppress(OSError):
            client.shutdown()


@contextmanager
def telling(server: MailServer) -> Iterator[None]:
    """Raise what goes wrong in a talk with ``server`` as the `SendError` that it means."""
    try:
        yield
    except (OSError, UnicodeError, IMAPClientError) as error:
        raise _meant(server, error) from error


def code_of(error: IMAPClientError) -> str:
    """Return the response code (RFC 5530) that a server gave with its refusal, or nothing."""
    found = _CODE.search(str(error))
    return found[1] if found else ""


class _NoGreeting(OSError):
    """The server took the connection and says nothing."""


class _Wire(imaplib.IMAP4):
    """A connection to a server that may neither drown us nor hold us up."""

    def __init__(
        self, server: MailServer, dial: Dial, silence: float, within: Deadline | None
    ) -> None:
        self._server = server
        self._dial = dial
        self._silence = silence
        self._within = within
        self.begin()
        super().__init__(server.host, server.port)

    def begin(self) -> None:
        """Grant what is said from now on the time and the bytes of one command."""
        self._until = self._within or Deadline(timedelta(seconds=_PATIENCE * self._silence))
        self._room = _MOST_IN_ALL

    def read(self, size: int) -> bytes:
        """Return ``size`` bytes, if they are not too many."""
        if size > _MOST:
            raise self.abort(f"The server sends {size} bytes at once.")
        self._take(size)
        data = bytearray()
        while len(data) < size:
            self._wait()
            piece = self._stream.read1(size - len(data))
            if not piece:
                break
            data += piece
        return bytes(data)

    def readline(self) -> bytes:
        """Return a line, if it is not too long."""
        line = next_line(self._stream, _MOST, self._wait)
        self._take(len(line))
        return line

    def holds_more(self) -> bool:
        """Whether something was received and not read; does not wait."""
        before = self.sock.gettimeout()
        self.sock.settimeout(0)
        try:
            return bool(self._stream.peek())
        except OSError:  # nothing yet, where TLS is spoken; or what reading will tell
            return False
        finally:
            self.sock.settimeout(before)

    @property
    def _stream(self) -> BufferedReader:
        return cast("BufferedReader", self.file)  # what makefile("rb") makes

    def _take(self, size: int) -> None:
        self._room -= size
        if self._room < 0:
            raise self.abort(f"The server answers with more than {_MOST_IN_ALL} bytes.")

    def _wait(self) -> None:
        """Grant the server no more than the time that is left, unless we only look for news."""
        if self.sock.gettimeout() != 0:
            self.sock.settimeout(min(self._silence, self._until.left()))

    def _command(self, name: str, *args: Any) -> bytes:
        self.begin()
        tag: bytes = super()._command(name, *args)  # type: ignore[misc]  # not in the stubs
        return tag

    def listen(self) -> bytes:
        """Ask for news as they come, until whoever listens says ``DONE``; return the tag."""
        tag: bytes = self._command("IDLE")
        while self._get_response() is not None:
            if refusal := self.tagged_commands[tag]:
                raise self.error(f"It does not let us listen: {refusal}")
        return tag

    def _connect(self) -> None:
        silence, self._silence = self._silence, min(self._silence, _TO_GREET)
        try:
            super()._connect()  # type: ignore[misc]  # reads the greeting; not in the stubs
        except TimeoutError as error:
            raise _NoGreeting from error
        self._silence = silence

    def _create_socket(self, timeout: float | None) -> socket.socket:
        del timeout
        tls = trusting(self._server.trust) if self._server.security == "tls" else None
        link = self._dial(self.host, self.port, Deadline(_TO_CONNECT), tls)
        link.settimeout(self._silence)
        link.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        for name, value in _PROBES.items():
            if (option := getattr(socket, name, None)) is not None:  # not every system has them
                link.setsockopt(socket.IPPROTO_TCP, option, value)
        return link


def _encrypt(client: Client, server: MailServer) -> None:
    if not client.has_capability("STARTTLS"):
        raise Transient(
            f"{server.host} does not offer to encrypt the connection (STARTTLS).",
            code="imap_security",
        )
    client.starttls(trusting(server.trust))


def _log_in(client: Client, server: MailServer) -> None:
    try:
        if server.token:
            client.sasl_login("XOAUTH2", _said_once(xoauth2(server.username, server.token)))
        elif client.has_capability("AUTH=PLAIN"):
            # Unlike LOGIN it carries any letter.
            client.sasl_login("PLAIN", _said_once(f"\0{server.username}\0{server.password}"))
        else:
            client.login(server.username, server.password)
    except UnicodeError as error:
        why = f"{server.host} offers no way to log in with letters beyond ASCII."
        raise AuthFailed(why) from error


def _said_once(proof: str) -> Callable[[bytes], str]:
    """Return what answers the first question with ``proof`` and the next ones with nothing.

    To a refused token a server says why in a second question, and refuses once it is answered.
    """
    answers = [proof]
    return lambda _: answers.pop() if answers else ""


def _meant(server: MailServer, error: Exception) -> SendError:
    match error:
        # Whatever ends a login looks like a refusal, a lost connection too.
        case LoginError() if not isinstance(error.__context__, imaplib.IMAP4.abort):
            return _refused(server, error)
        case imaplib.IMAP4.abort() | LoginError():
            return _unreachable(server, "it closed the connection")
        case ssl.SSLError():
            return _unencrypted(server, error)
        case _NoGreeting() if server.security != "tls":
            why = "it says nothing; it may want TLS from the beginning"
            return _unreachable(server, why, "imap_security")
        case OSError() | UnicodeError():
            return _unreachable(server, _why(error))
    return Transient(f"{server.host} refuses: {_words(error)}", code="imap_refused")


def _unencrypted(server: MailServer, error: ssl.SSLError) -> Transient:
    if isinstance(error, ssl.SSLCertVerificationError):
        why = f"its certificate is not valid ({error.verify_message.rstrip('.')})"
        return _unreachable(server, why, "imap_certificate")
    if error.reason == "WRONG_VERSION_NUMBER":
        why = "it does not speak TLS from the beginning; try STARTTLS"
        return _unreachable(server, why, "imap_security")
    return _unreachable(server, "the encryption failed", "imap_security")


def _why(error: OSError | UnicodeError) -> str:
    if isinstance(error, TimeoutError | _NoGreeting):
        return "no answer in time"
    if isinstance(error, socket.gaierror | UnicodeError):
        return "its name cannot be resolved"
    return (getattr(error, "strerror", None) or str(error)).lower()


def _refused(server: MailServer, error: LoginError) -> SendError:
    text = f"{server.host} does not let us in: {_words(error)}"
    if code_of(error) in _BUSY or _TOO_MANY.search(str(error)):
        return Transient(text, code="imap_busy")
    if _BAD.search(str(error)):
        return Transient(text, code="imap_refused")
    return AuthFailed(text)


def _unreachable(server: MailServer, why: str, code: str = "imap_unreachable") -> Transient:
    where = f"The IMAP server {server.host} (port {server.port})"
    return Transient(f"{where} cannot be reached: {why}.", code=code)


def _words(error: Exception) -> str:
    """Return what the server said; imaplib shows some of it as Python writes bytes."""
    text = str(error)
    shown = _BYTES.search(text)
    return shown[2] if shown else text
