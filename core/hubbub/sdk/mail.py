"""Describe a letter to be handed to a mail server, and read what the server said to it.

A mail server's refusals are answers, as a 4xx of HTTP is; only what breaks the talk is an error.
"""

import base64
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, Final, Literal, TypeAlias

from hubbub.sdk.values import HttpRequest, HttpResponse, Letter, authority

#: From the first byte (`tls`), from a command on (`starttls`), or never.
Security: TypeAlias = Literal["tls", "starttls", "none"]
#: How far the talk came: ``accepted`` means that the server has the letter.
Phase: TypeAlias = Literal["hello", "login", "sender", "recipients", "letter", "accepted"]

SCHEMES: Final[Mapping[Security, str]] = {
    "tls": "smtps",
    "starttls": "smtp+starttls",
    "none": "smtp",
}
SEND: Final = "SEND"
CHECK: Final = "CHECK"
#: Some servers look a letter through before they answer; RFC 5321 wants to grant ten minutes.
_PATIENCE: Final = timedelta(minutes=3)
#: For what is only asked: somebody waits for the answer.
_BRIEF: Final = timedelta(seconds=30)


@dataclass(frozen=True, kw_only=True)
class MailServer:
    """A server that takes letters, and as whom we log in there; without ``username``: as nobody.

    ``token`` is an OAuth access token, and goes by XOAUTH2 instead of a password.
    """

    host: str
    port: int
    security: Security = "tls"
    username: str = ""
    password: str = field(default="", repr=False)
    token: str = field(default="", repr=False)
    #: Certificates (PEM) that may vouch for it beside those that everybody trusts.
    trust: str = field(default="", repr=False)


@dataclass(frozen=True, kw_only=True)
class Reply:
    """What a server said: a code of three digits, as RFC 5321 has them, and a text."""

    code: int
    text: str

    @property
    def good(self) -> bool:
        """Whether it did as asked."""
        return self.code // 100 in {2, 3}

    @property
    def enhanced(self) -> str:
        """The code of RFC 3463 that begins the text, such as ``5.1.1``, or nothing."""
        word = self.text.split(" ", 1)[0]
        parts = word.split(".")
        fits = len(parts) == 3 and all(part.isdecimal() for part in parts)  # noqa: PLR2004  # x.y.z
        return word if fits else ""


@dataclass(frozen=True, kw_only=True)
class Posted:
    """How a talk with a mail server went."""

    phase: Phase
    #: The last thing that the server said; where it refused the first recipient, to that one.
    reply: Reply
    #: Recipients that it refused. It took the letter for the others unless the first is among them.
    refused: Mapping[str, Reply] = field(default_factory=dict)
    #: What it offers (``size``, ``smtputf8``, ...), by name in lower case.
    features: Mapping[str, str] = field(default_factory=dict)


def posting(
    server: MailServer, *, sender: str, recipients: Iterable[str], letter: bytes | Letter
) -> HttpRequest:
    """Return a request that hands ``letter`` (RFC 5322, lines ending in CRLF) to ``server``.

    The first of ``recipients`` is whom it is to: without that one nobody gets it.
    ``sender`` may be empty, for what must not be answered; domains are in ASCII. A letter larger
    than the server takes, or to an address that it cannot carry, is not handed over: the answer
    is then a reply of ours with the code that the server would have given (552, 553).
    """
    to = ", ".join(recipients)
    return _request(server, SEND, {"mail-from": sender, "rcpt-to": to}, letter)


def greeting(server: MailServer, *, sender: str) -> HttpRequest:
    """Return a request that finds out whether ``server`` would take a letter from ``sender``."""
    return _request(server, CHECK, {"mail-from": sender}, b"")


def posted(response: HttpResponse) -> Posted:
    """Return what the answer to `posting` or `greeting` says. Raises `ValueError`."""
    said: Any = response.json()
    return Posted(
        phase=said["phase"],
        reply=Reply(**said["reply"]),
        refused={address: Reply(**reply) for address, reply in said["refused"].items()},
        features=said["features"],
    )


def xoauth2(username: str, token: str) -> str:
    """Return what proves an access token at login, not encoded yet.

    https://developers.google.com/workspace/gmail/imap/xoauth2-protocol
    """
    return f"user={username}\x01auth=Bearer {token}\x01\x01"


def authorization(server: MailServer) -> str:
    """Return what a request says of how to log in."""
    if not server.username:
        return "none"
    way, secret = ("xoauth2", server.token) if server.token else ("password", server.password)
    login = json.dumps([server.username, secret]).encode()
    return f"{way} {base64.b64encode(login).decode()}"


def login_in(authorization: str) -> tuple[str, str, str]:
    """Return what `authorization` says: the way, as whom, and the password or token.

    All are empty for nobody. Raises `ValueError`.
    """
    way, _, encoded = authorization.partition(" ")
    if not encoded:
        return "", "", ""
    username, secret = json.loads(base64.b64decode(encoded))
    return way, username, secret


def _request(
    server: MailServer, method: str, headers: Mapping[str, str], letter: bytes | Letter
) -> HttpRequest:
    return HttpRequest(
        method=method,
        url=f"{SCHEMES[server.security]}://{authority(server.host, server.port)}",
        headers={**headers, "authorization": authorization(server)},
        body=letter,
        timeout=_BRIEF if method == CHECK else _PATIENCE,
        safe=method == CHECK,
        trust=server.trust,
    )
