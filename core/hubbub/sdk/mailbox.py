"""Describe a mailbox to be watched, read what was fetched from it, and ask how it is.

A plugin says which mailbox belongs to a channel; a listener watches it over IMAP, and keeps each
letter as a call, byte for byte, before anything in the mailbox is changed.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any, Final, Literal, NamedTuple, Protocol, TypeAlias, runtime_checkable

from hubbub.sdk.mail import CHECK, MailServer, Security, authorization
from hubbub.sdk.values import (
    Call,
    Connection,
    Exchange,
    Headers,
    HttpRequest,
    HttpResponse,
    Renewed,
    authority,
)

#: The method of calls that are letters.
LETTER: Final = "LETTER"
IMAP_SCHEMES: Final[Mapping[Security, str]] = {
    "tls": "imaps",
    "starttls": "imap+starttls",
    "none": "imap",
}
#: How far a check came: ``ready`` means that every folder is there.
Stage: TypeAlias = Literal["hello", "login", "folders", "ready"]

#: A server may punish a wrong password with seconds of silence.
_PATIENCE: Final = timedelta(seconds=45)


class End(NamedTuple):
    """Where a folder ended at some time: what follows came later, whatever any clock says."""

    #: While it stays the same, numbers mean the same letters, and only rise.
    uidvalidity: int
    #: The number that the next letter was to have.
    uidnext: int


@dataclass(frozen=True, kw_only=True)
class Mailbox:
    """A mailbox, and how it is watched."""

    server: MailServer
    #: The first one is listened to (IDLE), the others are looked into from time to time.
    folders: tuple[str, ...] = ("INBOX",)
    #: Where folders ended when they were chosen (`Looked.ends`): what came since is new. Others end
    #: where they do at the first look.
    ends: Mapping[str, End] = field(default_factory=dict)
    #: What is done to letters that were kept: marked as seen, and moved to a folder if one is
    #: named.
    mark_seen: bool = True
    move_to: str = ""
    #: Letters that were there before are fetched from this day on; None: none of them. An earlier
    #: day fetches what was left out.
    since: date | None = None
    #: Whether the server may push news (where it can), or is only asked.
    idle: bool = True
    #: Whoever lets people choose it grants no less than 15 seconds.
    poll_every: timedelta = timedelta(seconds=60)
    #: RFC 2177 allows 29 minutes, but servers and firewalls forget a quiet connection earlier.
    idle_renewal: timedelta = timedelta(seconds=270)
    #: Of a larger letter only the head and the first text are fetched.
    max_letter: int = 35 << 20


@runtime_checkable
class MailboxType(Protocol):
    """Says which mailbox belongs to a channel of one type."""

    #: The channel type it serves.
    type: str

    def mailbox(self, connection: Connection[Any]) -> Mailbox | None:
        """Return the mailbox of a channel; None where it has none."""

    def renew(self, connection: Connection[Any]) -> Exchange[Renewed | None]:
        """Get another token after a login was refused; None where logins have no token."""


@dataclass(frozen=True, kw_only=True)
class Letter:
    """What a mail server said of a letter, whose bytes are the body of its call."""

    folder: str
    #: The two numbers by which IMAP names it within the folder.
    uidvalidity: int
    uid: int
    #: When the server took it in.
    arrived_at: datetime | None = None
    #: Bytes that it has in the mailbox.
    size: int = 0
    flags: frozenset[str] = frozenset()
    #: Only the head and the first text were fetched, or less if the server gives no more.
    truncated: bool = False
    #: It was there before the hub was: nobody waits for an answer.
    historical: bool = False

    def headers(self) -> dict[str, str]:
        """Return it as headers of its call."""
        return {
            "folder": self.folder,
            "uidvalidity": str(self.uidvalidity),
            "uid": str(self.uid),
            "internaldate": self.arrived_at.isoformat() if self.arrived_at else "",
            "size": str(self.size),
            "flags": " ".join(sorted(self.flags)),
            "truncated": "yes" if self.truncated else "no",
            "historical": "yes" if self.historical else "no",
        }


def letter_of(call: Call) -> Letter:
    """Return what the server said of the letter in a call. Raises `ValueError` or `KeyError`."""
    said = call.headers
    arrived = said["internaldate"]
    return Letter(
        folder=said["folder"],
        uidvalidity=int(said["uidvalidity"]),
        uid=int(said["uid"]),
        arrived_at=datetime.fromisoformat(arrived) if arrived else None,
        size=int(said["size"]),
        flags=frozenset(said["flags"].split()),
        truncated=said["truncated"] == "yes",
        historical=said["historical"] == "yes",
    )


@dataclass(frozen=True, kw_only=True)
class Looked:
    """What a check of a mailbox found."""

    stage: Stage
    #: Where it came no further: a stable word (``auth_failed``, ``imap_busy``, ...), and why.
    code: str = ""
    detail: str = ""
    #: Whether somebody has to mend it, or waiting may help.
    permanent: bool = False
    #: What the server can, such as ``IDLE`` and ``MOVE``.
    capabilities: tuple[str, ...] = ()
    #: The folders that it offers, and the one that it calls junk.
    folders: tuple[str, ...] = ()
    junk: str = ""
    #: Folders that are asked for and hold what did not come in, and what the server calls each:
    #: ``sent``, ``trash``, ``drafts``, ``all`` (RFC 6154).
    special: Mapping[str, str] = field(default_factory=dict)
    #: Folders that are asked for: those that are not there, and those that cannot be written to.
    missing: tuple[str, ...] = ()
    read_only: tuple[str, ...] = ()
    #: Where each folder that is there ends now.
    ends: Mapping[str, End] = field(default_factory=dict)

    @property
    def can_move(self) -> bool:
        """Whether letters can be moved without harm to others."""
        return bool({"MOVE", "UIDPLUS"} & set(self.capabilities))


def looking(mailbox: Mailbox) -> HttpRequest:
    """Return a request that logs in and looks for the folders of ``mailbox``; changes nothing.

    A server that cannot be reached is an error: `Transient` with the code ``imap_unreachable``,
    ``imap_certificate`` or ``imap_security``. All else is an answer.
    """
    server = mailbox.server
    wanted = {"folders": mailbox.folders, "move_to": mailbox.move_to}
    return HttpRequest(
        method=CHECK,
        url=f"{IMAP_SCHEMES[server.security]}://{authority(server.host, server.port)}",
        headers={"authorization": authorization(server)},
        body=json.dumps(wanted).encode(),
        timeout=_PATIENCE,
        safe=True,
        trust=server.trust,
    )


def answer(looked: Looked) -> HttpResponse:
    """Return what carries ``looked`` to `looked_at`."""
    body = json.dumps(vars(looked)).encode()
    return HttpResponse(status=0, headers=Headers({}), body=body)


def looked_at(response: HttpResponse) -> Looked:
    """Return what the answer to `looking` says. Raises `ValueError`."""
    said: Any = response.json()
    fields: dict[str, Any] = {
        name: tuple(value) if isinstance(value, list) else value for name, value in said.items()
    }
    ends = {folder: End(*end) for folder, end in said["ends"].items()}
    return Looked(**{**fields, "ends": ends})
