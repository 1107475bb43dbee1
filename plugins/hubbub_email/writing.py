"""Write letters. Sources: RFC 5322, RFC 2046 (parts), RFC 3834 (automatic ones), RFC 8058."""

import base64
import re
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from email import policy
from email.header import Header
from email.headerregistry import HeaderRegistry, UnstructuredHeader
from email.message import EmailMessage
from typing import Any, Final, Literal

from hubbub.sdk import File, Letter, Media

#: How many ids of a thread its letters name: the first ones and the last ones.
_ENDS: Final = 20
_LINE: Final = 76
_NOBODY: Final = ("application", "octet-stream")
_TYPE: Final = re.compile(r"([a-z0-9.+-]{1,60})/([a-z0-9._+-]{1,120})")
#: As a name within HTML and as a Content-ID alike.
_CID: Final = re.compile(r"[A-Za-z0-9._@+$=-]{1,200}")


class _Whole(UnstructuredHeader):
    """A header whose words are never cut, nor encoded: ids and links.

    The standard library makes encoded words of what is longer than a line, which no reader of
    such a header undoes.
    """

    name: str

    def fold(self, *, policy: Any) -> str:
        del policy
        lines, line = [], f"{self.name}:"
        for word in str(self).split():
            if len(line) + len(word) >= _LINE and line.strip() and line[-1] != ":":
                lines.append(line)
                line = ""
            line += f" {word}"
        return "\r\n".join([*lines, line, ""])


class _Words(UnstructuredHeader):
    """A header of any words, also where some look like encoded ones.

    The standard library's newer way loses blanks between encoded ones.
    """

    name: str

    @classmethod
    def parse(cls, value: str, kwds: dict[str, Any]) -> None:
        super().parse(value, kwds)
        kwds["decoded"] = value

    def fold(self, *, policy: Any) -> str:
        del policy
        return f"{self.name}: {_encoded(str(self), len(self.name) + 2)}\r\n"


class _Named(UnstructuredHeader):
    """An address, behind a name if there is one: ``name <address>``."""

    name: str

    def fold(self, *, policy: Any) -> str:
        del policy
        name, _, address = str(self).rpartition(" <")
        if not name:
            return f"{self.name}: {address}\r\n"
        if name.isascii():
            escaped = name.replace("\\", "\\\\").replace('"', '\\"')
            return f'{self.name}: "{escaped}"\r\n <{address}\r\n'
        return f"{self.name}: {_encoded(name, len(self.name) + 2)}\r\n <{address}\r\n"


#: The registry derives from each of these classes and the base of all headers.
_REGISTRY: Final[Any] = HeaderRegistry()
for _name in (
    *("to", "cc", "reply-to", "in-reply-to", "references", "content-id"),
    *("list-unsubscribe", "list-unsubscribe-post"),
):
    _REGISTRY.map_to_type(_name, _Whole)
_REGISTRY.map_to_type("subject", _Words)
_REGISTRY.map_to_type("from", _Named)
#: Seven bits in every part, since not every server takes eight.
_POLICY: Final = policy.SMTP.clone(cte_type="7bit", header_factory=_REGISTRY)


@dataclass(frozen=True, kw_only=True)
class Writing:
    """What a letter is to say, to whom, and in answer to what."""

    sender: str
    sender_name: str = ""
    recipient: str
    #: Who gets a copy, for all to see.
    cc: tuple[str, ...] = ()
    #: And unseen, so that the letter does not say it.
    bcc: tuple[str, ...] = ()
    reply_to: str = ""
    subject: str
    text: str
    html: str | None = None
    attachments: tuple[Media, ...] = ()
    message_id: str
    #: The letters before it in the conversation, the oldest first.
    earlier: Sequence[str] = ()
    written_at: datetime | None
    #: What the hub calls it, so that another hub knows it for one of ours.
    reference: str
    #: ``replied`` by a program, or ``generated`` by one that answers nobody; None: a person wrote.
    automatic: Literal["replied", "generated"] | None = None
    #: Where one click ends further letters (RFC 8058).
    unsubscribe: str = ""

    @property
    def recipients(self) -> tuple[str, ...]:
        """All who get it, each once, first whom it is to."""
        return tuple(dict.fromkeys((self.recipient, *self.cc, *self.bcc)))


def letter(writing: Writing) -> Letter:
    """Return ``writing`` as a letter. Raises `ValueError` for what no header can hold."""
    message = EmailMessage(policy=_POLICY.clone(utf8=not "".join(writing.recipients).isascii()))
    _address(message, writing)
    _place(message, writing)
    shown = [media for media in writing.attachments if _is_shown(media, writing.html)]
    others = [media for media in writing.attachments if media not in shown]
    stand_ins = [secrets.token_bytes(24) for _ in writing.attachments]
    _say(message, writing, list(zip(shown, stand_ins, strict=False)))
    for media, stand_in in zip(others, stand_ins[len(shown) :], strict=True):
        kind, subkind = _kind(media)
        message.add_attachment(stand_in, maintype=kind, subtype=subkind, filename=_filename(media))
    return Letter(_split(message.as_bytes(), [*shown, *others], stand_ins))


def answer_to(subject: str) -> str:
    """Return the subject of an answer to a letter about ``subject``."""
    plain = subject.strip()
    return plain if plain.lower().startswith("re:") else f"Re: {plain}".strip()


def _say(message: EmailMessage, writing: Writing, shown: Sequence[tuple[Media, bytes]]) -> None:
    """Write the text, the HTML beside it, and the pictures in that."""
    message.set_content(writing.text, charset="utf-8", cte=_encoding(writing.text))
    if writing.html is None:
        return
    message.add_alternative(
        writing.html, subtype="html", charset="utf-8", cte=_encoding(writing.html)
    )
    page: Any = list(message.iter_parts())[-1]
    for media, stand_in in shown:
        kind, subkind = _kind(media)
        page.add_related(
            stand_in,
            maintype=kind,
            subtype=subkind,
            cid=f"<{media.cid}>",
            filename=_filename(media),
            disposition="inline",
        )


def _is_shown(media: Media, page: str | None) -> bool:
    """Whether the HTML shows the file."""
    return bool(media.cid and page and _CID.fullmatch(media.cid) and f"cid:{media.cid}" in page)


def _kind(media: Media) -> tuple[str, str]:
    """Return the type of a file; what may not be in base64 (RFC 2046) is just a file."""
    found = _TYPE.fullmatch((media.mime_type or "").lower())
    if found is None or found[1] in {"message", "multipart"}:
        return _NOBODY
    return found[1], found[2]


def _address(message: EmailMessage, writing: Writing) -> None:
    name = _harmless(writing.sender_name)
    message["From"] = f"{name} <{writing.sender}>" if name else writing.sender
    message["To"] = writing.recipient
    if writing.cc:
        message["Cc"] = ", ".join(writing.cc)
    if writing.reply_to:
        message["Reply-To"] = writing.reply_to
    message["Subject"] = _harmless(writing.subject)
    if writing.written_at is not None:
        message["Date"] = writing.written_at
    message["Message-ID"] = writing.message_id


def _place(message: EmailMessage, writing: Writing) -> None:
    """Say what the letter belongs to, and who or what wrote it."""
    message["X-Hubbub-Id"] = writing.reference
    if writing.earlier:
        message["In-Reply-To"] = writing.earlier[-1]
        message["References"] = " ".join(_ends(writing.earlier))
    if writing.automatic is not None:
        message["Auto-Submitted"] = f"auto-{writing.automatic}"
        message["X-Auto-Response-Suppress"] = "All"
    if writing.unsubscribe:
        message["Precedence"] = "bulk"
        message["List-Unsubscribe"] = f"<{writing.unsubscribe}>"
        message["List-Unsubscribe-Post"] = "List-Unsubscribe=One-Click"


def _ends(ids: Sequence[str]) -> list[str]:
    """Return the first and the last of ``ids``: a header of hundreds is refused by some."""
    if len(ids) <= 2 * _ENDS:
        return list(ids)
    return [*ids[:_ENDS], *ids[-_ENDS:]]


def _encoded(text: str, behind: int) -> str:
    """Return ``text`` as it stands in a header, ``behind`` characters that come before it."""
    plain = text.isascii() and "=?" not in text and max(map(len, text.split()), default=0) < _LINE
    charset = "us-ascii" if plain else "utf-8"
    header = Header(text, charset, maxlinelen=_LINE, header_name="x" * max(0, behind - 2))
    return header.encode(linesep="\r\n")


def _harmless(text: str) -> str:
    """Return ``text`` without what has no place in a header. The rest the library refuses."""
    return "".join(char if char.isprintable() else " " for char in text).strip()


def _encoding(text: str) -> str:
    """Return the encoding that keeps a text legible where most of it is."""
    plain = sum(char.isascii() for char in text)
    return "quoted-printable" if 2 * plain > len(text) else "base64"


def _filename(media: Media) -> str:
    name = _harmless(media.filename or "").replace("/", "_").replace("\\", "_")
    return name or "file"


def _split(
    data: bytes, files: Sequence[Media], stand_ins: Sequence[bytes]
) -> tuple[bytes | File, ...]:
    """Put the files where something stands in for them."""
    pieces: list[bytes | File] = []
    for media, stand_in in zip(files, stand_ins, strict=True):
        before, _, data = data.partition(base64.b64encode(stand_in) + b"\r\n")
        pieces += [before, File(media=media, filename=_filename(media))]
    return (*pieces, data)
