"""Tell letters that programs wrote, which no program may answer. Source: RFC 3834, and habits."""

import re
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from hubbub_email.headers import Headers


class Kind(StrEnum):
    """What wrote a letter, where it was no person."""

    REPORT = "report"
    #: Out of office, or a receipt that a letter came in.
    REPLY = "reply"
    AUTOMATIC = "automatic"
    LIST = "list"
    ROBOT = "robot"
    SPAM = "spam"


@dataclass(frozen=True)
class Sign:
    """Why a letter must not be answered automatically; ``reason`` is for people."""

    kind: Kind
    reason: str

    @property
    def by_program(self) -> bool:
        """Whether no person wrote the letter, rather than somebody who is not welcome."""
        return self.kind is not Kind.SPAM


_SUPPRESSED: Final = frozenset({"all", "autoreply", "oof"})
_BULK: Final = frozenset({"bulk", "junk", "list"})
_LIST_HEADERS: Final = ("List-Id", "List-Unsubscribe", "Feedback-ID")
_ROBOT_HEADERS: Final = ("X-Autoreply", "X-Autorespond", "X-Auto-Reply-From", "X-Loop")
_ROBOTS: Final = re.compile(
    r"(?:mailer-daemon|postmaster|no-?_?reply|do-?not-?reply|bounces?)(?:[+=-].*)?@"
)


def sign_of(headers: Headers, sender: str, ours: str = "") -> Sign | None:
    """Return the first sign that a program wrote the letter, or None.

    A mailbox may be fed by a list of its own address, ``ours``: that makes no letter one to many.
    """
    return (
        _report(headers)
        or _automatic(headers)
        or (None if ours and _is_list_of(headers, ours) else _list(headers))
        or _robot(headers, sender)
        or _spam(headers)
    )


def nobody_sent(headers: Headers) -> bool:
    """Whether the envelope named no sender, so that nothing may be sent back (RFC 5321)."""
    path = headers.raw("return-path").split()
    return path == [b"<>"]


def _report(headers: Headers) -> Sign | None:
    if headers.parameters("content-type").value == "multipart/report":
        return Sign(Kind.REPORT, "It is a report of a mail server.")
    if nobody_sent(headers):
        return Sign(Kind.REPORT, "Its envelope names no sender (Return-Path: <>).")
    return None


def _automatic(headers: Headers) -> Sign | None:
    submitted = headers.word("auto-submitted")
    if submitted and submitted != "no":
        kind = Kind.REPLY if submitted == "auto-replied" else Kind.AUTOMATIC
        return Sign(kind, f"It was written by a program (Auto-Submitted: {submitted}).")
    suppressed = headers.text("x-auto-response-suppress").lower()
    if _SUPPRESSED & set(re.split(r"[,;\s]+", suppressed)):
        why = "It asks for no automatic answer (X-Auto-Response-Suppress)."
        return Sign(Kind.AUTOMATIC, why)
    return None


def _list(headers: Headers) -> Sign | None:
    precedence = headers.word("precedence")
    if precedence in _BULK:
        return Sign(Kind.LIST, f"It was sent to many (Precedence: {precedence}).")
    for name in _LIST_HEADERS:
        if name.lower() in headers:
            return Sign(Kind.LIST, f"It was sent to many ({name}).")
    return None


def _is_list_of(headers: Headers, address: str) -> bool:
    """Whether the list is ``address`` itself; RFC 2919 writes it with a dot for the ``@``."""
    return f"<{address.replace('@', '.')}>" in headers.text("list-id").lower()


def _robot(headers: Headers, sender: str) -> Sign | None:
    for name in _ROBOT_HEADERS:
        if name.lower() in headers:
            return Sign(Kind.ROBOT, f"It was written by a program ({name}).")
    if _ROBOTS.match(sender):
        return Sign(Kind.ROBOT, f"Nobody reads what is sent to {sender}.")
    return None


def _spam(headers: Headers) -> Sign | None:
    if headers.word("x-spam-flag") == "yes":
        return Sign(Kind.SPAM, "The mail server takes it for spam (X-Spam-Flag).")
    return None
