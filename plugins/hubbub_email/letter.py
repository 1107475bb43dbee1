"""Read a letter: raw bytes and the facts of its arrival become one frozen value.

It never fails, and its work is bounded: the limits hold before anything is decoded. Nothing in
a letter is believed; what it proves is for `hubbub_email.tokens` to say.
"""

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Final

from hubbub_email import bodies, files, invites, reports
from hubbub_email.addresses import Mailbox, identity, mailboxes
from hubbub_email.authentication import BESIDE, doubt_of
from hubbub_email.automation import Kind, Sign, sign_of
from hubbub_email.files import File
from hubbub_email.headers import Headers
from hubbub_email.invites import Invite
from hubbub_email.messageids import dedupe_key, message_ids
from hubbub_email.mime import Entity, scan
from hubbub_email.reports import Report
from hubbub_email.texts import clean, decoded

#: Where the address that a letter was sent to may be found, plus-token and all.
_OUR_ADDRESSES: Final = ("to", "cc", "delivered-to", "x-original-to", "envelope-to")


@dataclass(frozen=True, kw_only=True)
class Arrival:
    """Where in a mailbox a letter was found, and when it came there."""

    folder: str
    uidvalidity: int
    uid: int
    internaldate: datetime
    #: Its own address, where that is known.
    mailbox: str = ""
    #: Whether the folder is for spam.
    junk: bool = False
    #: The servers whose word of a sender counts, as they call themselves.
    trusted: frozenset[str] = frozenset()
    #: Whether it was there before the hub was.
    historical: bool = False
    #: Whether only its beginning was fetched, and how many bytes it has.
    truncated: bool = False
    size: int = 0


@dataclass(frozen=True, kw_only=True)
class Letter:
    """A letter, as far as it could be read: always a little, and usually all of it."""

    arrival: Arrival
    #: ``<local@domain>``; empty where there is none.
    message_id: str
    #: What copies of it share (`messageids.dedupe_key`).
    dedupe_key: str
    #: When it was written, in UTC; when it came, where it does not credibly say.
    date: datetime
    #: Who wrote it; None unless that is exactly one sound address.
    sender: Mailbox | None
    #: The same as it stands there, for people.
    sender_text: str
    reply_to: tuple[Mailbox, ...]
    to: tuple[Mailbox, ...]
    cc: tuple[Mailbox, ...]
    #: All addresses that it says it was sent to.
    sent_to: tuple[str, ...]
    in_reply_to: tuple[str, ...]
    references: tuple[str, ...]
    #: The id that the hub wrote into it, if it did; a claim until its MAC is checked.
    hubbub_id: str
    subject: str
    text: str
    #: What of the text is new; the rest is quoted, or a signature.
    visible: str
    #: Safe to show in a frame of its own.
    html: str | None
    files: tuple[File, ...]
    invites: tuple[Invite, ...]
    #: Whether it is encrypted: then the raw letter is its only file.
    sealed: bool
    sign: Sign | None
    #: Why its sender may be forged; empty where nothing speaks for that.
    doubt: str
    report: Report | None
    #: What of its words is not shown, and why; for people.
    unshown: tuple[str, ...]
    #: What was wrong with it, for people.
    troubles: tuple[str, ...]

    @property
    def empty(self) -> bool:
        """Whether there is nothing in it to show."""
        return not (self.text or self.html or self.subject or self.files or self.sender_text)


def read_letter(raw: bytes, arrival: Arrival) -> Letter:
    """Return what the letter ``raw`` says."""
    root = scan(raw)
    header = root.headers
    parts = bodies.sort(root)
    words = bodies.read_words(raw, parts.bodies)
    sender = _sender(header)
    subject = header.text("subject")
    enclosed = files.files_of(raw, parts.files, words.cids)
    return Letter(
        arrival=arrival,
        message_id=next(iter(message_ids(header.raw("message-id"))), ""),
        dedupe_key=dedupe_key(header, raw[root.start :]),
        date=_date(header) or arrival.internaldate,
        sender=sender,
        sender_text=header.text("from")[:500],
        reply_to=mailboxes(header.raw("reply-to")),
        to=mailboxes(header.raw("to")),
        cc=mailboxes(header.raw("cc")),
        sent_to=_sent_to(header),
        in_reply_to=message_ids(header.raw("in-reply-to")),
        references=message_ids(header.raw("references")),
        hubbub_id=header.text("x-hubbub-id"),
        subject=subject,
        text=words.text,
        visible=words.visible,
        html=words.html,
        files=(files.whole_letter(raw, subject),) if parts.sealed else enclosed,
        invites=_invites(raw, root),
        sealed=parts.sealed,
        sign=_sign(header, sender, arrival),
        doubt=doubt_of(header, arrival.trusted) or _beside(header, sender),
        report=reports.report_of(raw, root, words.text),
        unshown=words.troubles,
        troubles=_troubles(root, words.troubles),
    )


def _sender(header: Headers) -> Mailbox | None:
    # Several may write one letter; then another field names who sent it.
    return _one(header, "from") or _one(header, "sender")


def _one(header: Headers, name: str) -> Mailbox | None:
    # Who finds out about senders, and who shows them, may each look at another of two fields.
    return identity(b",".join(header.every(name)))


def _beside(header: Headers, sender: Mailbox | None) -> str:
    return BESIDE if sender and not _one(header, "from") else ""


def _sent_to(header: Headers) -> tuple[str, ...]:
    found = (
        box.address
        for name in _OUR_ADDRESSES
        for raw in header.every(name)
        for box in mailboxes(raw)
    )
    return tuple(dict.fromkeys(found))


def _date(header: Headers) -> datetime | None:
    text = header.text("date")
    try:
        found = parsedate_to_datetime(text)
    except (ValueError, TypeError, IndexError, OverflowError):
        return None
    # The standard library makes 2000 of 0000.
    if not re.search(rf"\b{found.year}\b", text):
        return None
    try:
        return found.replace(tzinfo=found.tzinfo or UTC).astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def _invites(raw: bytes, root: Entity) -> tuple[Invite, ...]:
    parts = [part for part in root.walk() if part.type == "text/calendar"]
    found = (
        invite
        for part in parts[: invites.MOST_EVENTS]
        for invite in invites.invites(
            clean(
                decoded(
                    part.body(raw)[: invites.MOST_CHARACTERS], part.parameters.get("charset", "")
                )
            )
        )
    )
    return tuple(dict.fromkeys(found))


def _sign(header: Headers, sender: Mailbox | None, arrival: Arrival) -> Sign | None:
    found = sign_of(header, sender.address if sender else "", arrival.mailbox)
    if found is None and arrival.junk:
        return Sign(Kind.SPAM, f"It was in {arrival.folder}, which is for spam.")
    return found


def _troubles(root: Entity, others: tuple[str, ...]) -> tuple[str, ...]:
    found = (part.trouble for part in root.walk() if part.trouble)
    return tuple(dict.fromkeys((*found, *others)))
