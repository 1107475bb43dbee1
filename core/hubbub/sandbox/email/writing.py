"""Write letters as people's mail programs do."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime, formataddr, localtime, make_msgid
from html import escape
from typing import Final

from hubbub.sandbox.email.reading import Shown
from hubbub.sandbox.wsgi import Upload

#: Lines are never folded: the library would break long ids into encoded words.
_POLICY: Final = SMTP.clone(cte_type="7bit", max_line_length=998)
#: Ids of earlier letters that are named; more would not fit into what a header should have.
_REFERENCES: Final = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """What somebody wants to write."""

    sender: str
    to: str
    name: str = ""
    cc: str = ""
    subject: str = ""
    text: str = ""
    #: The letter as HTML too; empty: without.
    html: str = ""
    files: Sequence[Upload] = ()
    #: The letter that is answered, and whether it is quoted below.
    answers: Shown | None = None
    quoted: bool = True
    message_id: str = ""
    #: More headers, or others; an empty one is left out.
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Written:
    """A letter, ready to go."""

    message_id: str
    raw: bytes


def write(draft: Draft) -> Written:
    """Return ``draft`` as a letter (RFC 5322). Raises `ValueError` for what a header cannot say."""
    letter = EmailMessage(policy=_POLICY)
    text, html = draft.text, draft.html
    if draft.answers is not None and draft.quoted:
        text, html = _with_quote(text, draft.answers), html and _with_cite(html, draft.answers)
    letter.set_content(text + "\n", cte="quoted-printable")
    if html:
        letter.add_alternative(html, subtype="html", cte="quoted-printable")
    for file in draft.files:
        kind, _, subtype = (file.mime_type or "application/octet-stream").partition("/")
        letter.add_attachment(file.data, maintype=kind, subtype=subtype, filename=file.name)
    message_id = draft.message_id or make_msgid(domain=draft.sender.rpartition("@")[2])
    for name, value in (_headers(draft, message_id) | dict(draft.headers)).items():
        del letter[name]
        if value:
            letter[name] = value
    return Written(message_id, _named(draft.answers) + letter.as_bytes())


def answer_subject(subject: str) -> str:
    """Return the subject of an answer."""
    return subject if subject.lower().startswith("re:") else f"Re: {subject}"


def as_html(text: str) -> str:
    """Return a plain text as a mail program that writes HTML would."""
    return "".join(f"<div>{escape(line) or '<br>'}</div>" for line in text.split("\n"))


def now() -> str:
    """Return the time as a letter has it."""
    return format_datetime(localtime())


def received(sender: str, to: str, host: str) -> bytes:
    """Return what a server writes on top of a letter that it takes in."""
    return (
        f"Return-Path: <{sender}>\r\n"
        f"Delivered-To: {to}\r\n"
        f"Received: from [127.0.0.1] by {host} with ESMTP id {time.time_ns():x}; {now()}\r\n"
    ).encode()


def _headers(draft: Draft, message_id: str) -> dict[str, str]:
    answered = draft.answers.subject if draft.answers else ""
    return {
        "From": formataddr((draft.name, draft.sender)),
        "To": draft.to,
        "Cc": draft.cc,
        "Subject": draft.subject or (answer_subject(answered) if draft.answers else ""),
        "Date": now(),
        "Message-ID": message_id,
    }


def _named(answered: Shown | None) -> bytes:
    """Return the headers that name earlier letters; the library would spoil long ids."""
    if answered is None or not answered.message_id:
        return b""
    earlier = [*answered.references, answered.message_id][-_REFERENCES:]
    joined = "\r\n ".join(earlier)
    return f"In-Reply-To: {answered.message_id}\r\nReferences: {joined}\r\n".encode()


def _with_quote(text: str, answered: Shown) -> str:
    quoted = "\n".join(f"> {line}".rstrip() for line in answered.text.split("\n"))
    return f"{text}\n\n{_attribution(answered)}\n{quoted}"


def _with_cite(html: str, answered: Shown) -> str:
    cited = as_html(answered.text)
    return (
        f'{html}<br><div class="gmail_quote"><div dir="ltr" class="gmail_attr">'
        f"{escape(_attribution(answered))}<br></div>"
        f'<blockquote class="gmail_quote" type="cite">{cited}</blockquote></div>'
    )


def _attribution(answered: Shown) -> str:
    return f"On {answered.date or 'some day'}, {answered.sender} wrote:"
