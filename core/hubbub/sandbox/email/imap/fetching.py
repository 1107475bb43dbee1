"""Answer FETCH: say what a client wants to know of a letter. Source: RFC 3501, 6.4.5 and 7.4.2."""

import re
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from hubbub.sandbox.email.imap import parts, wire
from hubbub.sandbox.email.imap.wire import Token, Unreadable
from hubbub.sandbox.email.state import Stored

_MACROS: Final = {
    b"FAST": [b"FLAGS", b"INTERNALDATE", b"RFC822.SIZE"],
    b"ALL": [b"FLAGS", b"INTERNALDATE", b"RFC822.SIZE", b"ENVELOPE"],
    b"FULL": [b"FLAGS", b"INTERNALDATE", b"RFC822.SIZE", b"ENVELOPE", b"BODY"],
}
_BODY: Final = re.compile(rb"BODY(\.PEEK)?\[(.*)\](?:<(\d+)\.(\d+)>)?", re.IGNORECASE | re.DOTALL)
#: Older names of sections.
_SECTIONS: Final = {b"RFC822": b"", b"RFC822.HEADER": b"HEADER", b"RFC822.TEXT": b"TEXT"}
_PEEKS: Final = frozenset({b"RFC822.HEADER"})
_MONTHS: Final = [
    "Jan",
    "Feb",
    "Mar",
    "Apr",
    "May",
    "Jun",
    "Jul",
    "Aug",
    "Sep",
    "Oct",
    "Nov",
    "Dec",
]


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is asked of each letter."""

    items: list[bytes]

    @property
    def reads(self) -> bool:
        """Whether the letters are seen thereby."""
        return any(
            not found[1] if (found := _BODY.fullmatch(item)) else item in _SECTIONS.keys() - _PEEKS
            for item in self.items
        )

    @property
    def brings_body(self) -> bool:
        """Whether more is asked for than heads."""
        return any(
            b"HEADER" not in found[2].upper()
            if (found := _BODY.fullmatch(item))
            else item in _SECTIONS.keys() - _PEEKS
            for item in self.items
        )

    def of(self, letter: Stored) -> bytes:
        """Return what is said of one letter."""
        return wire.listed(_said(item, letter) for item in self.items)


def wanted(token: Token, *, by_uid: bool) -> Wanted:
    """Return what a FETCH asks for."""
    tokens = token if isinstance(token, list) else [token]
    items: list[bytes] = []
    for one in tokens:
        if not isinstance(one, bytes):
            raise Unreadable("A list in a list means nothing here.")
        items += _MACROS.get(one.upper(), [one if b"[" in one else one.upper()])
    if by_uid and b"UID" not in items:
        items.insert(0, b"UID")
    return Wanted(items)


def internal_date(at: float) -> bytes:
    """Return a time as INTERNALDATE has it, whatever language the machine speaks."""
    when = datetime.fromtimestamp(at).astimezone()
    return wire.quoted(when.strftime(f"%d-{_MONTHS[when.month - 1]}-%Y %H:%M:%S %z"))


def moment(word: bytes) -> float:
    """Return the time that a client wrote. Raises `Unreadable`."""
    try:
        day, month, rest = word.decode("ascii", "replace").strip().split("-", 2)
        number = _MONTHS.index(month.title()) + 1
        return datetime.strptime(f"{day}-{number}-{rest}", "%d-%m-%Y %H:%M:%S %z").timestamp()
    except ValueError:
        raise Unreadable("That is no time.") from None


def _said(item: bytes, letter: Stored) -> bytes:
    match item:
        case b"UID":
            return b"UID %d" % letter.uid
        case b"FLAGS":
            return b"FLAGS " + wire.flags(letter.flags)
        case b"INTERNALDATE":
            return b"INTERNALDATE " + internal_date(letter.at)
        case b"RFC822.SIZE":
            return b"RFC822.SIZE %d" % len(letter.raw)
        case b"ENVELOPE":
            return b"ENVELOPE " + parts.envelope(letter.raw)
        case b"BODY" | b"BODYSTRUCTURE":
            extended = item == b"BODYSTRUCTURE"
            return item + b" " + parts.structure(letter.raw, extended=extended)
    if item in _SECTIONS:
        return item + b" " + wire.literal(parts.section(letter.raw, _SECTIONS[item]))
    return _body(item, letter)


def _body(item: bytes, letter: Stored) -> bytes:
    found = _BODY.fullmatch(item)
    if found is None:
        raise Unreadable("There is nothing of that name in a letter.")
    octets, origin = parts.section(letter.raw, found[2]), b""
    if found[3]:
        start, size = int(found[3]), int(found[4])
        octets, origin = octets[start : start + size], b"<%d>" % start
    return b"BODY[" + found[2] + b"]" + origin + b" " + wire.literal(octets)
