"""Say how the content of a message is shown: its files, and letters."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import unquote, urlsplit

from hubbub.sdk.content import Email
from hubbub.ui import words
from hubbub.ui.inbox.copies import lines_of
from hubbub.ui.inbox.letter_page import shows_pictures_from_elsewhere

_FAMILIES: Final = frozenset({"image", "audio", "video"})
#: Bytes.
_SPACER: Final = 1024
#: Characters of a letter's words, new or old, that a conversation shows.
LONGEST_SHOWN: Final = 20_000
#: Characters in a line, and lines of a letter that has room for a few, or some.
_LINE: Final = 80
_STEP: Final = 8
_ROOM: Final = {0: "few", 1: "some", 2: "some"}
#: What mail programs of many languages put before what is answered, perhaps several times.
_ANSWERS: Final = re.compile(
    "^(?:(?:re|aw|sv|antw|tr|rv|odp|回复|答复|ответ)(?:\\[\\d{1,3}\\])?\\s?[:\uff1a]\\s*)+",
    re.IGNORECASE,
)


@dataclass(frozen=True, kw_only=True)
class ShownFile:
    """A file of a message."""

    #: Such as ``image``, ``voice``, ``document``.
    kind: str
    #: The address of it, where a browser may be sent there.
    link: str
    #: Whether the file lies here: a page shows none from elsewhere, which would tell who reads it.
    ours: bool
    name: str
    size: str
    state: str
    width: int | None
    height: int | None


@dataclass(frozen=True, kw_only=True)
class Letter:
    """What a letter says, as it is read at first."""

    subject: str
    #: Why its sender may be another than it says; mostly empty.
    doubt: str
    #: How a program shows that it wrote it; mostly empty.
    automatic: str
    #: To whom it goes, line by line, where that is not us alone.
    named: tuple[tuple[str, str], ...]
    said: str
    #: What was said before, or is a signature.
    folded: str
    #: Whether that is the whole letter, because the new words do not come first in it.
    whole: bool
    #: Whether it can be shown as it was written.
    written: bool
    #: Whether pictures from elsewhere would stand in that.
    pictures: bool
    #: How much room that takes: ``few``, ``some`` or ``many`` lines.
    room: str


def shown_files(kind: str, content: Mapping[str, Any], base_url: str) -> tuple[ShownFile, ...]:
    """Return the files of a message of a kind, as the API tells of it."""
    return tuple(_files(kind, content, base_url))


def _files(kind: str, content: Mapping[str, Any], base_url: str) -> Iterator[ShownFile]:
    if content.get("media"):
        yield _file(kind, content["media"], base_url)
    for media in content.get("attachments", ()):
        if not _is_spacer(media):
            family = (media["mime_type"] or "").partition("/")[0]
            yield _file(family if family in _FAMILIES else "document", media, base_url)


def _file(kind: str, media: Mapping[str, Any], base_url: str) -> ShownFile:
    link = link_to(media.get("url"), base_url)
    return ShownFile(
        kind=kind,
        link=link,
        ours=link.startswith("/"),
        name=media.get("filename") or _name_in(link) or kind.capitalize(),
        size=words.size(media.get("size")),
        state=media["state"],
        width=media.get("width"),
        height=media.get("height"),
    )


def _is_spacer(media: Mapping[str, Any]) -> bool:
    """Whether a picture only holds lines of a letter's HTML apart, as it seems by its size."""
    return bool(media.get("cid")) and (media.get("size") or _SPACER) < _SPACER


def shown_letter(content: Email, ours: str = "") -> Letter:
    """Return what a letter says, what it repeats folded away; ``ours`` is the channel's address."""
    said, folded, whole = _folded(content)
    said, folded = _cut(said), _cut(folded)
    shown = sum(1 for media in content.attachments if media.cid)
    lines = shown * _STEP + sum(1 + len(line) // _LINE for line in content.text.splitlines())
    room = "many" if not content.text.strip() else _ROOM.get(lines // _STEP, "many")
    return Letter(
        subject=content.subject.strip() or "(no subject)",
        doubt=content.doubt or "",
        automatic=content.automatic or "",
        named=lines_of(content, ours),
        said=said,
        folded=folded,
        whole=whole,
        written=bool(content.html),
        pictures=shows_pictures_from_elsewhere(content.html or ""),
        room=room,
    )


def _folded(content: Email) -> tuple[str, str, bool]:
    """Return what a letter says anew, what is folded away, and whether that is the whole of it."""
    text, new = content.text.strip(), content.new.strip()
    if not new or new == text:
        return text, "", False
    if text.startswith(new):
        return new, text[len(new) :].strip("\n"), False
    return new, text, True


def _cut(text: str) -> str:
    """Return as much of ``text`` as a page has room for, which shows many letters."""
    if len(text) <= LONGEST_SHOWN:
        return text
    return f"{text[:LONGEST_SHOWN]}\n(Cut here: {len(text):,} characters in all.)"


def answer_subject(subject: str) -> str:
    """Return about what an answer is to a letter about ``subject``; empty where that is nothing."""
    rest = _ANSWERS.sub("", subject.strip(), count=1)
    return f"Re: {rest}" if rest else ""


def link_to(url: str | None, base_url: str) -> str:
    """Return ``url`` where it leads to a page, and not to a script or a handle of a provider's.

    What lies here is found under whatever name a person reaches us by.
    """
    if not url or not url.startswith(("https://", "http://")):
        return ""
    ours = url.startswith(f"{base_url}/")
    return url.removeprefix(base_url) if ours else url


def _name_in(link: str) -> str:
    """Return what an address elsewhere calls its file; ours are called by their ids."""
    if link.startswith("/"):
        return ""
    return unquote(urlsplit(link).path.rpartition("/")[2])
