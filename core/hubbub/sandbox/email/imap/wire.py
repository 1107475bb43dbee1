"""Read commands, and write what answers are made of. Source: RFC 3501, chapter 9."""

import base64
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import BinaryIO, Final, TypeAlias

#: A word or string, or a list in parentheses.
Token: TypeAlias = "bytes | list[Token]"  # noqa: S105  # no secret

_LITERAL_AT_END: Final = re.compile(rb"\{(\d+)(\+?)\}\r?\n\Z")
_LITERAL: Final = re.compile(rb"\{(\d+)\+?\}\r?\n")
_QUOTED: Final = re.compile(rb'"((?:[^"\\]|\\.)*)"')
#: A word; what is in brackets belongs to it: ``BODY[HEADER.FIELDS (DATE)]<0.100>``.
_WORD: Final = re.compile(rb"(?:[^\s()\[\]\"{]+|\[[^\]]*\])+")
_LONGEST_LINE: Final = 1 << 16
_LARGEST: Final = 64 << 20
_NOT_PLAIN: Final = re.compile(rb'[\x00-\x1f\x7f-\xff"\\]')
_SHIFTED: Final = re.compile(r"[^\x20-\x7e]+|&")
_SHIFT: Final = re.compile(r"&([^-]*)-")


class Unreadable(ValueError):
    """What came is no command."""


@dataclass(frozen=True, slots=True)
class Command:
    """One command; the ``UID`` before another is not its name."""

    tag: bytes
    name: str
    arguments: list[Token]
    by_uid: bool = False


def read(stream: BinaryIO, go_on: Callable[[], None]) -> Command | None:
    """Read one command, None at the end. ``go_on`` lets the client send a literal.

    Raises `Unreadable`.
    """
    text = _whole(stream, go_on)
    if not text:
        return None
    tokens = parsed(text)
    words = [token for token in tokens[:3] if isinstance(token, bytes)]
    if len(words) < 2:  # noqa: PLR2004  # a tag and a name
        raise Unreadable("A command needs a tag and a name.")
    by_uid = words[1].upper() == b"UID" and len(words) > 2  # noqa: PLR2004  # and another name
    name = words[2 if by_uid else 1].upper().decode("ascii", "replace")
    return Command(words[0], name, tokens[3 if by_uid else 2 :], by_uid)


def parsed(text: bytes) -> list[Token]:
    """Return the words, strings and lists of ``text``. Raises `Unreadable`."""
    stack: list[list[Token]] = [[]]
    at = 0
    while at < len(text):
        one = text[at : at + 1]
        if one.isspace():
            at += 1
        elif one == b"(":
            stack.append([])
            at += 1
        elif one == b")" and len(stack) > 1:
            inner = stack.pop()
            stack[-1].append(inner)
            at += 1
        else:
            value, at = _string(text, at)
            stack[-1].append(value)
    if len(stack) != 1:
        raise Unreadable("A list is not closed.")
    return stack[0]


def text(token: Token) -> str:
    """Return a word or string as text. Raises `Unreadable` for a list."""
    if not isinstance(token, bytes):
        raise Unreadable("A word is missing.")
    return token.decode("utf-8", "replace")


def quoted(value: str | bytes | None) -> bytes:
    """Return a string as an answer has it; nothing as NIL."""
    if value is None:
        return b"NIL"
    octets = value.encode("utf-8", "surrogateescape") if isinstance(value, str) else value
    return literal(octets) if _NOT_PLAIN.search(octets) else b'"' + octets + b'"'


def literal(value: bytes) -> bytes:
    """Return octets with their number before them."""
    return b"{%d}\r\n" % len(value) + value


def listed(items: Iterable[bytes]) -> bytes:
    """Return a list in parentheses."""
    return b"(" + b" ".join(items) + b")"


def flags(names: Iterable[str]) -> bytes:
    """Return flags as a list."""
    return listed(name.encode() for name in sorted(names))


def ranges(uids: Iterable[int]) -> bytes:
    """Return numbers as a set."""
    return b",".join(b"%d" % uid for uid in uids)


def chosen(wanted: Token, numbers: list[int]) -> list[int]:
    """Return those of ``numbers`` (in order) that a set such as ``1:3,7:*`` names.

    A range may be written backwards, and ``*`` is the last number: ``9:*`` always has that one.
    Raises `Unreadable`.
    """
    if not isinstance(wanted, bytes) or not re.fullmatch(rb"[\d*:,]+", wanted):
        raise Unreadable("That is no set of numbers.")
    last = numbers[-1] if numbers else 0
    found: set[int] = set()
    for part in wanted.split(b","):
        ends = [last if one == b"*" else int(one or 0) for one in part.split(b":")]
        found.update(one for one in numbers if min(ends) <= one <= max(ends))
    return sorted(found)


def folder_name(name: Token) -> str:
    """Return a folder's name, which comes in modified UTF-7 (RFC 3501, 5.1.3)."""
    if not isinstance(name, bytes):
        raise Unreadable("A folder has a name.")
    return _SHIFT.sub(_unshifted, name.decode("ascii", "replace"))


def written_name(name: str) -> bytes:
    """Return a folder's name as an answer has it."""
    return quoted(_SHIFTED.sub(_shifted, name))


def _whole(stream: BinaryIO, go_on: Callable[[], None]) -> bytes:
    pieces: list[bytes] = []
    while True:
        line = stream.readline(_LONGEST_LINE)
        if not line.endswith(b"\n"):
            return b""
        pieces.append(line)
        found = _LITERAL_AT_END.search(line)
        if not found:
            return b"".join(pieces)
        size = int(found[1])
        if size > _LARGEST:
            raise Unreadable("That is too large.")
        if not found[2]:
            go_on()
        pieces.append(stream.read(size))


def _string(text: bytes, at: int) -> tuple[bytes, int]:
    if found := _LITERAL.match(text, at):
        end = found.end() + int(found[1])
        return text[found.end() : end], end
    if found := _QUOTED.match(text, at):
        return re.sub(rb"\\(.)", rb"\1", found[1]), found.end()
    if found := _WORD.match(text, at):
        return found[0], found.end()
    raise Unreadable("That cannot be read.")


def _shifted(found: re.Match[str]) -> str:
    if found[0] == "&":
        return "&-"
    octets = base64.b64encode(found[0].encode("utf-16-be")).decode()
    return f"&{octets.rstrip('=').replace('/', ',')}-"


def _unshifted(found: re.Match[str]) -> str:
    if not found[1]:
        return "&"
    padded = found[1].replace(",", "/") + "=" * (-len(found[1]) % 4)
    return base64.b64decode(padded).decode("utf-16-be", "replace")
