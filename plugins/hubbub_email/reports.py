"""Read what mail servers tell of letters that we sent.

Sources: RFC 3464 (delivery), RFC 8098 (reading), RFC 5965 (complaints); and, for servers older
than these, how qmail, Exim and Exchange write.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from hubbub_email.addresses import sound
from hubbub_email.automation import nobody_sent
from hubbub_email.headers import Headers, read_header
from hubbub_email.messageids import message_ids
from hubbub_email.mime import Entity
from hubbub_email.texts import decoded, one_line

MOST_RECIPIENTS: Final = 100


class Said(StrEnum):
    """What a report says of a letter."""

    FAILED = "failed"
    DELAYED = "delayed"
    #: To a server that sends no reports.
    PASSED_ON = "passed on"
    DELIVERED = "delivered"
    READ = "read"
    COMPLAINT = "complaint"


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """What became of a letter at one recipient."""

    said: Said
    recipient: str = ""
    #: RFC 3463, such as ``5.1.1``; empty where the report has none.
    status: str = ""
    #: What the server said, for people.
    detail: str = ""


@dataclass(frozen=True, kw_only=True)
class Report:
    """A report: what it says, and the Message-IDs by which it names the letter it is about."""

    verdicts: tuple[Verdict, ...]
    about: tuple[str, ...] = ()
    #: Whether it was written for people alone, perhaps by one: a postmaster may be a person.
    guessed: bool = False


def report_of(raw: bytes, root: Entity, text: str) -> Report | None:
    """Return what the letter ``root`` with this text reports; None where it is no report."""
    parts = {part.type: part for part in reversed(list(root.walk()))}
    for kind, read in _READERS.items():
        blocks = _blocks(parts[kind].body(raw)) if kind in parts else []
        if verdicts := tuple(read(blocks)):
            named = (one for block in blocks for one in _named(block))
            return Report(verdicts=verdicts, about=(*_returned(raw, parts), *named))
    verdict = _by_hand(root.headers, text)
    about = _returned(raw, parts)
    guessed = bool(_POSTMASTER.match(root.headers.text("from")))
    return Report(verdicts=(verdict,), about=about, guessed=guessed) if verdict else None


# --- the kinds of report ---------------------------------------------------------------------

_ACTIONS: Final = {
    "failed": Said.FAILED,
    "delayed": Said.DELAYED,
    "delivered": Said.DELIVERED,
    "relayed": Said.PASSED_ON,
}
_STATUS: Final = re.compile(r"\b([245]\.\d{1,3}\.\d{1,3})\b")


def _delivery(blocks: list[Headers]) -> Iterator[Verdict]:
    """Read RFC 3464: one block of the letter, then one of each recipient."""
    for block in blocks:
        said = _ACTIONS.get(block.word("action"))
        if said is None:
            continue  # "expanded" says nothing of any person
        found = _STATUS.search(block.text("status"))
        diagnostic = block.text("diagnostic-code")
        yield Verdict(
            said=said,
            recipient=_recipient(block.text("final-recipient") or block.text("original-recipient")),
            status=found[1] if found else "",
            detail=diagnostic.partition(";")[2].strip()[:500] or diagnostic[:500],
        )


def _disposition(blocks: list[Headers]) -> Iterator[Verdict]:
    for block in blocks[:1]:
        what = block.text("disposition").partition(";")[2].strip().lower()
        if re.match(r"displayed\b", what):
            yield Verdict(said=Said.READ, recipient=_recipient(block.text("final-recipient")))


def _complaint(blocks: list[Headers]) -> Iterator[Verdict]:
    for block in blocks[:1]:
        if "feedback-type" in block:
            yield Verdict(
                said=Said.COMPLAINT,
                recipient=_recipient(block.text("original-rcpt-to")),
                detail=f"Reported as {block.word('feedback-type')[:40]}.",
            )


_READERS: Final = {
    "message/delivery-status": _delivery,
    "message/global-delivery-status": _delivery,
    "message/disposition-notification": _disposition,
    "message/feedback-report": _complaint,
}


_RETURNED: Final = ("message/rfc822", "message/global", "text/rfc822-headers")


def _recipient(text: str) -> str:
    return sound(text.rpartition(";")[2].strip().strip("<>"))


# --- which letter it is about ----------------------------------------------------------------


def _blocks(body: bytes) -> list[Headers]:
    """Return the blocks of fields in a report, which blank lines part."""
    pieces = re.split(rb"\n(?:[ \t]*\r?\n)+", body.strip(), maxsplit=MOST_RECIPIENTS + 1)
    found = (read_header(piece + b"\n\n")[0] for piece in pieces[: MOST_RECIPIENTS + 1])
    return [block for block in found if block.fields]


def _returned(raw: bytes, parts: dict[str, Entity]) -> tuple[str, ...]:
    """Return the Message-IDs of the letter that a report gives back, whole or its header."""
    for kind in (
        "message/rfc822",
        "message/global",
        "text/rfc822-headers",
        "message/rfc822-headers",
    ):
        if part := parts.get(kind):
            header, _ = read_header(part.body(raw))
            return _named(header)
    return ()


def _named(header: Headers) -> tuple[str, ...]:
    """Return the ids of the letter with this header; some servers replace its Message-ID."""
    return tuple(
        one
        for name in ("message-id", "original-message-id", "x-original-message-id", "x-hubbub-id")
        for one in message_ids(header.raw(name))
    )


# --- servers older than RFC 3464 -------------------------------------------------------------

_DAEMON: Final = re.compile(r"(?:[^<]*<)?mail(?:er)?-?daemon@", re.IGNORECASE)
_POSTMASTER: Final = re.compile(r"(?:[^<]*<)?postmaster@", re.IGNORECASE)
_FAILED: Final = re.compile(
    r"permanent (?:fatal )?error|this is a permanent error|could ?n[o']t be delivered|undeliverable"
    r"|delivery (?:has )?failed|did not reach the following recipient|giving up on|user unknown"
    r"|mailbox unavailable|no such user|unzustellbar",
    re.IGNORECASE,
)
_DELAYED: Final = re.compile(
    r"will (?:keep trying|be retried|retry)|(?:delivery|is) delayed|warning only", re.IGNORECASE
)
_SOMEBODY: Final = re.compile(r"<([^<>\s@]{1,64}@[^<>\s@]{1,253})>")
_CODE: Final = re.compile(r"#?\b([45]\.\d{1,3}\.\d{1,3})\b")
_LOOKED_AT: Final = 20_000


def _by_hand(headers: Headers, text: str) -> Verdict | None:
    """Read a bounce that is written for people alone."""
    listed = sound(decoded(headers.raw("x-failed-recipients")).partition(",")[0])
    sender = headers.text("from")
    certain = listed or _DAEMON.match(sender) or nobody_sent(headers)
    # Else a person may be away, and say that a letter is "delayed".
    perhaps = _POSTMASTER.match(sender) and headers.word("auto-submitted") != "auto-replied"
    if not (certain or perhaps):
        return None
    text = text[:_LOOKED_AT]
    delayed = _DELAYED.search(text)
    failed = _FAILED.search(text)
    if not (listed or delayed or failed):
        return None
    somebody = _SOMEBODY.search(text)
    code = _CODE.search(text)
    why = text[somebody.start() :] if somebody else text
    return Verdict(
        said=Said.DELAYED if delayed and not failed else Said.FAILED,
        recipient=listed or (sound(somebody[1]) if somebody else ""),
        status=code[1] if code else "",
        detail=one_line(why.partition("\n\n")[0])[:500],
    )
