"""Read a letter as a mail program does, to show it."""

import re
from dataclasses import dataclass
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from email.utils import getaddresses, parseaddr
from html import unescape
from typing import Final

from hubbub.sandbox.wsgi import Upload

_TAG: Final = re.compile(r"<[^<>]*>")
_LINK: Final = re.compile(r"<(https?://[^<>\s]+)>")


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """A letter to look at."""

    message_id: str
    sender: str
    subject: str
    text: str
    files: tuple[Upload, ...]
    #: The ids of the letters before it, oldest first.
    references: tuple[str, ...]
    #: Everybody in To and Cc.
    to: tuple[str, ...]
    #: Where answers go, and where to tell that it was read if that is asked for.
    reply_to: str
    receipt_to: str
    date: str
    #: Where to leave a mailing list by one click (RFC 8058).
    unsubscribe: str
    #: Whether a program wrote it, which must not be answered by another one (RFC 3834).
    automatic: bool


def read(raw: bytes) -> Shown:
    """Read a letter. What is broken in it is empty."""
    letter = message_from_bytes(raw, policy=default)
    assert isinstance(letter, EmailMessage)  # noqa: S101  # which that policy makes
    sender = header(letter, "from")
    return Shown(
        message_id=header(letter, "message-id"),
        sender=sender,
        subject=header(letter, "subject"),
        text=_text(letter),
        files=tuple(_file(part) for part in letter.walk() if _is_file(part)),
        references=tuple(header(letter, "references").split()),
        to=tuple(
            address
            for _, address in getaddresses([header(letter, "to"), header(letter, "cc")])
            if address
        ),
        reply_to=parseaddr(header(letter, "reply-to") or sender)[1],
        receipt_to=parseaddr(header(letter, "disposition-notification-to"))[1],
        date=header(letter, "date"),
        unsubscribe=_unsubscribe(letter),
        automatic=header(letter, "auto-submitted").lower() not in {"", "no"},
    )


def header(letter: EmailMessage, name: str) -> str:
    """Return a header in one line, or nothing."""
    try:
        return " ".join(str(letter.get(name, "")).split())
    except (ValueError, IndexError):
        return ""  # the library does not understand it


def head(raw: bytes) -> bytes:
    """Return the headers of a letter, lines as they are."""
    return raw.partition(b"\r\n\r\n")[0] + b"\r\n"


def _text(letter: EmailMessage) -> str:
    body = letter.get_body(("plain", "html"))
    if body is None:
        return ""
    try:
        content = str(body.get_content())
    except (LookupError, ValueError, KeyError):
        payload = body.get_payload(decode=True)
        content = payload.decode("utf-8", "replace") if isinstance(payload, bytes) else ""
    text = unescape(_TAG.sub("", content)) if body.get_content_subtype() == "html" else content
    return text.replace("\r\n", "\n").strip()


def _is_file(part: object) -> bool:
    return isinstance(part, EmailMessage) and (
        part.get_filename() is not None or part.get_content_disposition() == "attachment"
    )


def _file(part: EmailMessage) -> Upload:
    payload = part.get_payload(decode=True)
    data = payload if isinstance(payload, bytes) else part.as_bytes()
    return Upload(part.get_filename() or "file", part.get_content_type(), data)


def _unsubscribe(letter: EmailMessage) -> str:
    if "one-click" not in header(letter, "list-unsubscribe-post").lower():
        return ""
    found = _LINK.search(header(letter, "list-unsubscribe"))
    return found[1] if found else ""
