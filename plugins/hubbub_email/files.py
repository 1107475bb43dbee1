"""Name the files of a letter, and find their bytes in it again when somebody wants them."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Final

from hubbub_email import winmail
from hubbub_email.filenames import safe_name
from hubbub_email.headers import read_header
from hubbub_email.markup import cid_of
from hubbub_email.mime import Entity, unpacked

_PLACE: Final = re.compile(r"(\d{1,12})-(\d{1,12})-([a-z0-9-]{0,40})(?:/(\d{1,3}))?")
_WINMAIL: Final = frozenset({"application/ms-tnef", "application/vnd.ms-tnef"})


#: Of a letter. What unpacks into more is in the letter itself, which then is a file too.
MOST_FILES: Final = 500


class NoSuchFile(ValueError):
    """What was asked for is no place in this letter."""


@dataclass(frozen=True, kw_only=True)
class File:
    """A file in a letter."""

    name: str
    mime_type: str
    #: Bytes, without the encoding for the way.
    size: int
    #: Where it is in the raw letter; `file_bytes` reads it.
    place: str
    #: The name by which the letter's HTML shows it; empty when it does not.
    cid: str = ""


def files_of(raw: bytes, parts: Iterable[Entity], cids: frozenset[str]) -> tuple[File, ...]:
    """Return the files that ``parts`` are; ``cids`` are the names of those shown in the HTML."""
    found = (file for part in parts for file in _files(raw, part, cids))
    first = tuple(islice(found, MOST_FILES))
    return first if next(found, None) is None else (*first, whole_letter(raw, ""))


def whole_letter(raw: bytes, subject: str) -> File:
    """Return the raw letter itself as a file."""
    name = safe_name(f"{subject or 'letter'}.eml", "message/rfc822")
    return File(name=name, mime_type="message/rfc822", size=len(raw), place=f"0-{len(raw)}-")


def file_bytes(raw: bytes, place: str) -> bytes:
    """Return the bytes of the file at ``place`` in the letter ``raw``. Raises `NoSuchFile`."""
    found = _PLACE.fullmatch(place)
    if found is None or int(found[2]) > len(raw) or int(found[1]) > int(found[2]):
        raise NoSuchFile(f"The letter has no file at {place!r}.")
    body = unpacked(raw[int(found[1]) : int(found[2])], found[3])
    if found[4] is None:
        return body
    packed = winmail.unpack(body)
    if int(found[4]) >= len(packed):
        raise NoSuchFile(f"The winmail.dat of the letter has no file at {place!r}.")
    return packed[int(found[4])].body


def _files(raw: bytes, part: Entity, cids: frozenset[str]) -> Iterator[File]:
    for inner in part.walk() if part.multipart else (part,):
        if not inner.multipart:
            yield from _leaf(raw, inner, cids)


def _leaf(raw: bytes, part: Entity, cids: frozenset[str]) -> Iterator[File]:
    body, place = part.body(raw), f"{part.start}-{part.end}-{_encoding(part)}"
    name = _name(part, body)
    if part.type in _WINMAIL or name.lower() == "winmail.dat":
        packed = winmail.unpack(body)
        for number, one in enumerate(packed):
            yield File(
                name=safe_name(one.name, ""),
                mime_type="application/octet-stream",
                size=len(one.body),
                place=f"{place}/{number}",
            )
        if packed:
            return
    cid = cid_of(part.headers.text("content-id"))
    yield File(
        name=name,
        mime_type=part.type,
        size=len(body),
        place=place,
        cid=cid if cid in cids else "",
    )


def _encoding(part: Entity) -> str:
    encoding = part.encoding
    return encoding if re.fullmatch(r"[a-z0-9-]{0,40}", encoding) else ""


def _name(part: Entity, body: bytes) -> str:
    given = part.disposition.named.get("filename") or part.parameters.get("name", "")
    if not given and part.type == "message/rfc822":
        given = f"{read_header(body)[0].text('subject') or 'letter'}.eml"
    return safe_name(given, part.type)
