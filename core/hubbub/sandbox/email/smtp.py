"""Listen on loopback as a provider's server for outgoing mail."""

import asyncio
import logging
import threading
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any, Final

from aiosmtpd.smtp import SMTP, AuthResult, Envelope as Received, Session

from hubbub.sandbox.email import tokens
from hubbub.sandbox.email.office import Envelope, accept, local_part
from hubbub.sandbox.email.reading import read
from hubbub.sandbox.email.state import Account, Post
from hubbub.sandbox.faults import REQUEST_KINDS, Fault

HOST: Final = "smtp.sandbox.test"
#: Seconds for which ``timeout`` stays silent, unless it says otherwise: longer than anybody waits.
_SILENT: Final = 65.0
#: What befalls a command; what needs a letter that was accepted befalls its final dot alone.
_COMMAND_KINDS: Final = REQUEST_KINDS - {"drop_after_accept", "garbage"}
_WRONG_LOGIN: Final = "535 5.7.8 Error: authentication failed"
_NO_LOGIN: Final = "530 5.7.0 Authentication required"
#: How letters to an address that begins so are refused, beside what `office` does later.
_REFUSALS: Final = {
    "nobody": "550 5.1.1 <{to}>: Recipient address rejected: User unknown",
    "full": "452 4.2.2 <{to}>: Mailbox full",
    "busy": "421 4.7.0 Too many letters, closing the connection",
}
_GREYLISTED: Final = "450 4.2.0 <{to}>: Recipient address rejected: Greylisted, try again later"
_SPAM: Final = "554 5.7.1 Message rejected as spam"
#: The sender of what must not be answered, as aiosmtpd has it.
_NOBODY: Final = "<>"
_PERMANENT: Final = 500


class Door:
    """The port, and the thread on which every connection is served."""

    def __init__(self, post: Post) -> None:
        self._post = post
        self._lock = threading.Lock()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None
        self._server: asyncio.Server | None = None
        self._port = 0

    def port(self) -> int:
        """Return where the server listens, which it does from now on."""
        with self._lock:
            if self._loop is None:
                # It warns of what it does itself.
                logging.getLogger("mail.log").setLevel(logging.ERROR)
                self._loop = loop = asyncio.new_event_loop()
                self._thread = threading.Thread(
                    target=loop.run_forever, name="sandbox-smtp", daemon=True
                )
                self._thread.start()
                self._port = asyncio.run_coroutine_threadsafe(self._listen(), loop).result()
            return self._port

    def close(self) -> None:
        """Listen no more, and end every connection."""
        if self._loop is not None and self._thread is not None:
            asyncio.run_coroutine_threadsafe(self._end(), self._loop).result()
            self._loop.call_soon_threadsafe(self._loop.stop)
            self._thread.join()
            self._loop.close()

    async def _listen(self) -> int:
        loop = asyncio.get_running_loop()
        server = await loop.create_server(partial(_Talk, self._post, loop), "127.0.0.1", 0)
        self._server = server
        return int(server.sockets[0].getsockname()[1])

    async def _end(self) -> None:
        if self._server is not None:
            self._server.close()
        tasks = asyncio.all_tasks() - {asyncio.current_task()}
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await asyncio.sleep(0)  # for what is closed thereby


class _Talk(SMTP):
    """One connection: every command may meet a fault before it is heard."""

    def __init__(self, post: Post, loop: asyncio.AbstractEventLoop) -> None:
        rules = post.world.rules
        super().__init__(
            _Clerk(post),
            hostname=HOST,
            ident="ESMTP Sandbox",
            data_size_limit=rules.email_size_limit,
            enable_SMTPUTF8=rules.email_smtputf8,
            auth_require_tls=False,
            authenticator=partial(_let_in, post),
            loop=loop,
        )
        #: RFC 4954; an access token may be long.
        self.command_size_limits["AUTH"] = 12288
        self._post = post

    async def _handle_client(self) -> None:
        await self._unless_befallen("smtp.connect", super()._handle_client)

    async def smtp_EHLO(self, hostname: str) -> None:  # noqa: N802  # aiosmtpd's names
        await self._unless_befallen("smtp.ehlo", partial(super().smtp_EHLO, hostname))

    async def smtp_AUTH(self, arg: str) -> None:  # noqa: N802
        await self._unless_befallen("smtp.auth", partial(super().smtp_AUTH, arg))

    async def smtp_MAIL(self, arg: str | None) -> None:  # noqa: N802
        await self._unless_befallen("smtp.mail", partial(super().smtp_MAIL, arg))

    async def smtp_DATA(self, arg: str) -> None:  # noqa: N802
        await self._unless_befallen("smtp.data", partial(super().smtp_DATA, arg))

    async def _unless_befallen(self, name: str, hear: Callable[[], Awaitable[None]]) -> None:
        fault = self._post.world.faults.pick(_COMMAND_KINDS, "email", "smtp", name)
        said = await suffered(self, fault)
        if said is None:
            await hear()
        else:
            await self.push(said)
            if said.startswith("421") or name == "smtp.connect":
                self.hang_up()

    def hang_up(self) -> None:
        """Close the connection once what was said is on its way."""
        if self.transport is not None:
            self.transport.close()

    def cut(self) -> None:
        """End the connection at once."""
        if isinstance(self.transport, asyncio.Transport):
            self.transport.abort()


async def suffered(talk: _Talk, fault: Fault | None) -> str | None:
    """Let ``fault`` befall a command; return what is answered in place of hearing it, if it is."""
    if fault is None:
        return None
    match fault.kind:
        case "slow":
            await asyncio.sleep(fault.waits(1))
            return None
        case "timeout" | "drop_before":
            await asyncio.sleep(fault.waits(_SILENT if fault.kind == "timeout" else 0))
            talk.cut()
            raise asyncio.CancelledError
        case "rate_limit":
            return f"421 {fault.words('4.7.0 Too many connections, try again later')}"
        case "token_revoked":
            return _WRONG_LOGIN
    return f"{fault.status} {fault.words(_usual(fault.status))}"


class _Clerk:
    """Decides what is taken."""

    def __init__(self, post: Post) -> None:
        self._post = post
        self._world = post.world

    async def auth_XOAUTH2(self, server: SMTP, args: list[str]) -> AuthResult:  # noqa: N802
        """Log in with an access token."""
        proof = tokens.decoded(args[1]) if len(args) > 1 else await server.challenge_auth("")
        if not isinstance(proof, bytes):
            return AuthResult(success=False)
        account = tokens.by_xoauth2(self._post, proof)
        if account is None:
            # The client says nothing to it, and is refused then.
            await server.challenge_auth(tokens.REFUSED_TOKEN)
        return _result(account)

    async def handle_MAIL(  # noqa: N802
        self, server: SMTP, session: Session, envelope: Received, address: str, options: list[str]
    ) -> str:
        """Take a sender, if it is the account's own."""
        del server
        account = _logged_in(session)
        if account is None:
            return _NO_LOGIN
        if address != _NOBODY and not account.owns(address):
            return f"553 5.7.1 <{address}>: Sender address rejected: not owned by user"
        if not address.isascii() and "SMTPUTF8" not in options:
            return "553 5.6.7 Address needs SMTPUTF8"
        envelope.mail_from = address
        envelope.mail_options.extend(options)
        return "250 2.1.0 Ok"

    async def handle_RCPT(  # noqa: N802
        self, server: Any, session: Session, envelope: Received, address: str, options: list[str]
    ) -> str:
        """Take a recipient, or say why not."""
        del options
        faults = self._world.faults
        fault = faults.pick(_COMMAND_KINDS, "email", "smtp", "smtp.rcpt", address=address)
        said = await suffered(server, fault) or self._refusal(session, envelope, address)
        if not said:
            envelope.rcpt_tos.append(address)
        elif said.startswith("421"):
            asyncio.get_running_loop().call_soon(server.hang_up)
        return said or "250 2.1.5 Ok"

    async def handle_DATA(  # noqa: N802
        self, server: Any, session: Session, envelope: Received
    ) -> str:
        """Take a letter, or say why not."""
        account = _logged_in(session)
        if account is None:
            return _NO_LOGIN
        raw = envelope.content if isinstance(envelope.content, bytes) else b""
        to = [str(one) for one in envelope.rcpt_tos]
        text = read(raw).text
        fault = self._world.faults.pick(
            REQUEST_KINDS, "email", "smtp", "smtp.dot", address=to[0], text=text
        )

        def take() -> str:
            if any(local_part(one) == "spam" for one in to):
                return _SPAM
            handed = Envelope(
                account=account,
                sender="" if envelope.mail_from == _NOBODY else envelope.mail_from or "",
                recipients=tuple(to),
                raw=raw,
            )
            return f"250 2.0.0 Ok: queued as {accept(self._post, handed)}"

        if fault is not None and fault.kind in {"drop_after_accept", "garbage"}:
            take()
            await asyncio.sleep(fault.waits(0))
            if fault.kind == "garbage":
                return fault.words("HTTP/1.1 400 Bad Request")
            server.cut()
            raise asyncio.CancelledError
        return await suffered(server, fault) or take()

    def _refusal(self, session: Session, envelope: Received, to: str) -> str:
        account = _logged_in(session)
        if account is None:
            return _NO_LOGIN
        if not to.isascii() and "SMTPUTF8" not in envelope.mail_options:
            return "553 5.6.7 Address needs SMTPUTF8"
        name = "nobody" if to.lower() in account.closed else local_part(to)
        if name == "greylist":
            seen = (envelope.mail_from or "", to)
            known = seen in self._post.greylist
            self._post.greylist.add(seen)
            return "" if known else _GREYLISTED.format(to=to)
        return _REFUSALS.get(name, "").format(to=to)


def _let_in(post: Post, *told: Any) -> AuthResult:
    data = told[-1]  # after server, session, envelope and mechanism
    username, password = data.login.decode("utf-8", "replace"), data.password
    return _result(tokens.by_password(post, username, password.decode("utf-8", "replace")))


def _logged_in(session: Session) -> Account | None:
    account: Any = session.auth_data
    return account if isinstance(account, Account) else None


def _result(account: Account | None) -> AuthResult:
    if account is None:
        return AuthResult(success=False, handled=False, message=_WRONG_LOGIN)
    return AuthResult(success=True, auth_data=account)


def _usual(status: int) -> str:
    return "5.0.0 Refused" if status >= _PERMANENT else "4.3.0 Try again later"
