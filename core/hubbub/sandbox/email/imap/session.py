"""Serve one connection: who is logged in, which folder is open, what is answered."""

import socket
import threading
from contextlib import suppress
from typing import BinaryIO, Final

from hubbub.sandbox.email import tokens
from hubbub.sandbox.email.imap import folders, wire
from hubbub.sandbox.email.imap.folders import Asker, No
from hubbub.sandbox.email.imap.opened import Gone, Opened
from hubbub.sandbox.email.imap.wire import Command, Token, Unreadable
from hubbub.sandbox.email.state import Account, Post
from hubbub.sandbox.faults import REQUEST_KINDS, Fault
from hubbub.sandbox.ports import Line

#: Seconds for which ``timeout`` stays silent, unless it says otherwise: longer than anybody waits.
_SILENT: Final = 75.0
_OFFERED: Final = (
    "IMAP4rev1 LITERAL+ SASL-IR AUTH=PLAIN AUTH=XOAUTH2 ID NAMESPACE UIDPLUS MOVE UNSELECT"
    " SPECIAL-USE"
)
_WRONG_LOGIN: Final = "[AUTHENTICATIONFAILED] Invalid credentials"
_BY_ANYBODY: Final = frozenset({"CAPABILITY", "NOOP", "LOGOUT", "LOGIN", "AUTHENTICATE", "ID"})
#: Numbers of letters may change with the answer to every other command.
_KEEPS_NUMBERS: Final = frozenset({"FETCH", "STORE", "SEARCH"})


class _Over(Exception):
    """This connection ends."""


class Session:
    """One connection."""

    def __init__(self, post: Post, link: socket.socket) -> None:
        self._post = post
        self._link = link
        self._line = Line(link)
        #: Held while news is told, which another thread does during IDLE.
        self._telling = threading.Lock()
        self._account: Account | None = None
        self._opened: Opened | None = None

    @property
    def address(self) -> str:
        """As whom somebody is logged in."""
        return self._account.address if self._account else ""

    def freeze(self) -> None:
        """Say nothing any more, and keep the connection."""
        self._line.broken = True

    def serve(self, stream: BinaryIO) -> None:
        """Answer until the connection ends."""
        fault = self._post.world.faults.pick(REQUEST_KINDS, "email", "imap", "imap.connect")
        with suppress(_Over):
            if fault is not None and not self._suffer(fault, b"*", "CONNECT"):
                return
            self._say(f"* OK [CAPABILITY {self._offered()}] Sandbox ready")
            while self._hear(stream):
                pass

    def end(self) -> None:
        """Forget who was here."""
        if self._account is not None:
            with self._post.world.lock:
                self._account.sessions -= 1

    def _hear(self, stream: BinaryIO) -> bool:
        try:
            command = wire.read(stream, lambda: self._say("+ go on"))
        except Unreadable as error:
            self._say(f"* BAD {error}")
            return True
        if command is None:
            return False
        fault = self._fault(command)
        if fault is not None and not self._suffer(fault, command.tag, command.name):
            return True
        self._answer(command, stream)
        if fault is not None and fault.kind in {"drop_after_accept", "garbage"}:
            raise _Over
        return command.name != "LOGOUT"

    def _answer(self, command: Command, stream: BinaryIO) -> None:
        try:
            said = self._done(command, stream)
        except No as error:
            said = f"NO {error}"
        except (Unreadable, ValueError, IndexError) as error:
            said = f"BAD {error}"
        if command.by_uid or command.name not in _KEEPS_NUMBERS:
            self._tell_news()
        self._say(command.tag + b" " + said.encode())

    def _done(self, command: Command, stream: BinaryIO) -> str:
        name, given = command.name, command.arguments
        if name in _BY_ANYBODY:
            return self._for_anybody(name, given, stream)
        account = self._account
        if account is None:
            return "BAD Log in first"
        if name == "IDLE":
            return self._idle(account, stream)
        if name in {"SELECT", "EXAMINE"}:
            return self._open(account, given, writable=name == "SELECT")
        if do := folders.COMMANDS.get(name):
            return do(Asker(self._post, account, self._say), given)
        return self._in_folder(self._opened, command)

    def _in_folder(self, opened: Opened | None, command: Command) -> str:
        if opened is None:
            return "BAD Select a folder first"
        if command.name == "CLOSE":
            opened.expunge(None)
        if command.name in {"CLOSE", "UNSELECT"}:
            return self._leave()
        with self._telling:
            return opened.do(command, self._say)

    def _for_anybody(self, name: str, given: list[Token], stream: BinaryIO) -> str:
        match name:
            case "CAPABILITY":
                self._say(f"* CAPABILITY {self._offered()}")
            case "ID":
                self._say('* ID ("name" "Hubbub sandbox")')
            case "LOGOUT":
                self._say("* BYE See you")
            case "LOGIN":
                username, password = (wire.text(one) for one in given)
                return self._let_in(tokens.by_password(self._post, username, password))
            case "AUTHENTICATE":
                return self._authenticate(given, stream)
        return f"OK {name} done"

    def _authenticate(self, given: list[Token], stream: BinaryIO) -> str:
        way = wire.text(given[0]).upper()
        if way not in {"PLAIN", "XOAUTH2"}:
            raise No("[CANNOT] There is no such way to log in")
        if len(given) > 1:
            word = wire.text(given[1])
        else:
            self._say("+ ")
            word = stream.readline(1 << 16).decode("ascii", "replace").strip()
        if word == "*":
            return "BAD Given up"
        proof = tokens.decoded("" if word == "=" else word)
        if way == "PLAIN":
            return self._let_in(tokens.by_plain(self._post, proof))
        account = tokens.by_xoauth2(self._post, proof)
        if account is None:
            # The client says nothing to it, and is refused then.
            self._say(f"+ {tokens.encoded(tokens.REFUSED_TOKEN)}")
            stream.readline(1 << 16)
        return self._let_in(account)

    def _let_in(self, account: Account | None) -> str:
        if account is None:
            raise No(_WRONG_LOGIN)
        if self._account is None:
            self._account = account
            with self._post.world.lock:
                account.sessions += 1
        return f"OK [CAPABILITY {self._offered()}] Logged in"

    def _idle(self, account: Account, stream: BinaryIO) -> str:
        if not self._post.world.rules.email_idle:
            return "BAD IDLE is not offered"
        self._say("+ idling")
        account.watchers.append(self._tell_news)
        try:
            self._tell_news()
            over = stream.readline(1 << 16)
        finally:
            account.watchers.remove(self._tell_news)
        if over.strip().upper() != b"DONE":
            raise _Over
        return "OK IDLE done"

    def _open(self, account: Account, given: list[Token], *, writable: bool) -> str:
        self._opened = None
        folder = folders.named(account, given[0])
        with self._telling:
            self._opened = Opened(self._post, account, folder, writable=writable)
            for line in self._opened.greeting():
                self._say(line)
        return f"OK [READ-{'WRITE' if writable else 'ONLY'}] {folder.name} is open"

    def _leave(self) -> str:
        self._opened = None
        return "OK The folder is closed"

    def _tell_news(self) -> None:
        with self._telling:
            if self._opened is None:
                return
            try:
                for line in self._opened.news():
                    self._say(line)
            except Gone:
                self._say("* BYE The folder is another one now")
                self._opened = None
                # Whoever reads the next command, perhaps another thread, finds the end.
                with suppress(OSError):
                    self._link.shutdown(socket.SHUT_RDWR)

    def _offered(self) -> str:
        return f"{_OFFERED} IDLE" if self._post.world.rules.email_idle else _OFFERED

    def _fault(self, command: Command) -> Fault | None:
        name = "login" if command.name == "AUTHENTICATE" else command.name.lower()
        return self._post.world.faults.pick(REQUEST_KINDS, "email", "imap", f"imap.{name}")

    def _suffer(self, fault: Fault, tag: bytes, name: str) -> bool:
        """Let ``fault`` befall a command; return whether it is heard nevertheless."""
        match fault.kind:
            case "slow":
                self._post.world.faults.pause(fault.waits(1))
                return True
            case "drop_after_accept":
                self._line.broken = True
                return True
            case "garbage":
                self._line(b"HTTP/1.1 400 Bad Request\r\n\r\n")
                self._line.broken = True
                return True
            case "timeout" | "drop_before":
                self._post.world.faults.pause(
                    fault.waits(_SILENT if fault.kind == "timeout" else 0)
                )
                raise _Over
        if tag == b"*":
            self._say(f"* BYE {fault.words('[UNAVAILABLE] Try again later')}")
            raise _Over
        self._say(tag + f" NO {fault.words(_refusal(fault, name))}".encode())
        return False

    def _say(self, line: str | bytes) -> None:
        self._line((line.encode() if isinstance(line, str) else line) + b"\r\n")


def _refusal(fault: Fault, name: str) -> str:
    if fault.kind == "rate_limit":
        return "[LIMIT] Too many simultaneous connections"
    if fault.kind == "token_revoked" or name in {"LOGIN", "AUTHENTICATE"}:
        return _WRONG_LOGIN
    return "[UNAVAILABLE] Try again later"
