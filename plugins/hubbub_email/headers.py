"""Read the header of a letter or of one of its parts, within limits and without ever failing.

Sources: RFC 5322, RFC 2047 (encoded words), RFC 2231 (parameters).
"""

import binascii
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final, NamedTuple

from hubbub_email.texts import decoded, one_line

#: Of a header no more than this is read. What real letters have is a tenth of it.
MOST_BYTES: Final = 256 * 1024
MOST_LINES: Final = 2000
MOST_OF_ONE: Final = 32 * 1024

_FIELD: Final = re.compile(rb"([!-9;-~]{1,200})[ \t]*:[ \t]*")
_MBOX: Final = re.compile(rb">?From [^\r\n]{0,998}\r?\n")


@dataclass(frozen=True)
class Headers:
    """The fields of a header in their order, names in lower case, values as they arrived."""

    fields: tuple[tuple[str, bytes], ...] = ()
    #: What of it was left out, for people; empty when nothing was.
    trouble: str = ""
    _first: dict[str, bytes] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        first: dict[str, bytes] = {}
        for name, value in self.fields:
            first.setdefault(name, value)
        object.__setattr__(self, "_first", first)

    def __contains__(self, name: str) -> bool:
        return name in self._first

    def raw(self, name: str) -> bytes:
        """Return the first field called ``name``, unfolded; empty where there is none."""
        return self._first.get(name, b"")

    def every(self, name: str) -> tuple[bytes, ...]:
        """Return all fields called ``name``."""
        return tuple(value for known, value in self.fields if known == name)

    def text(self, name: str) -> str:
        """Return the first field called ``name`` as one decoded, harmless line."""
        return words(self.raw(name))

    def word(self, name: str) -> str:
        """Return the first token of a field in lower case, such as a transfer encoding."""
        return (self.text(name).partition(";")[0].split() or [""])[0].lower()

    def parameters(self, name: str) -> "Parameters":
        """Return the field ``name`` as a value and its parameters."""
        return parameters(self.raw(name))


class Parameters(NamedTuple):
    """A structured field: ``text/plain`` and ``{"charset": "utf-8"}``."""

    value: str
    named: dict[str, str]


def read_header(raw: bytes, start: int = 0) -> tuple[Headers, int]:
    """Return the header that begins at ``start``, and where the body behind it begins."""
    if start == 0 and (envelope := _MBOX.match(raw)):
        start = envelope.end()
    fields, at, trouble = _fields(raw, start)
    if trouble:
        return Headers(fields, trouble), _behind_blank_line(raw, at)
    if at < len(raw) and not _is_blank(raw, at):
        return Headers(fields, "The blank line between header and body is missing."), at
    return Headers(fields), _next_line(raw, at)


def words(raw: bytes) -> str:
    """Return the text of a field whose encoded words are decoded (RFC 2047), as one line."""
    return one_line("".join(_pieces(in_utf8(raw))))


def in_utf8(raw: bytes) -> bytes:
    """Return a field in UTF-8, all of it read in one charset: to guess that takes its time."""
    return decoded(raw).encode("utf-8", "replace")


def parameters(raw: bytes) -> Parameters:
    """Return a structured field's value and parameters. Names and value are in lower case."""
    value = one_line(raw.partition(b";")[0].decode("ascii", "replace")).lower()
    segments: dict[str, list[_Segment]] = {}
    for found in _PARAMETER.finditer(raw):
        segment = _segment(found[1], found[2])
        segments.setdefault(segment.name, []).append(segment)
    return Parameters(value, {name: _joined(found) for name, found in segments.items()})


# --- fields ----------------------------------------------------------------------------------


def _fields(raw: bytes, start: int) -> tuple[tuple[tuple[str, bytes], ...], int, str]:
    """Return the fields from ``start`` on, the place of the first line that is none, and trouble.

    The place is that of a blank line, or the body begins there without one.
    """
    fields: list[tuple[str, bytearray]] = []
    at, trouble = start, ""
    for _ in range(MOST_LINES):
        stop = _next_line(raw, at)
        line = raw[at : min(stop, at + MOST_OF_ONE)].rstrip(b"\r\n")
        if not _take(fields, line):
            break
        at = stop
        if at - start > MOST_BYTES:
            trouble = "The header is longer than any should be; the rest of it was not read."
            break
    else:
        trouble = "The header has more lines than any should; the rest of it was not read."
    return tuple((name, bytes(value)) for name, value in fields), at, trouble


def _take(fields: list[tuple[str, bytearray]], line: bytes) -> bool:
    """Add a line to ``fields``; return whether it can belong to a header."""
    if line[:1] in {b" ", b"\t"} and fields:
        if len(fields[-1][1]) + len(line) <= MOST_OF_ONE:
            fields[-1][1].extend(line)
        return True
    named = _FIELD.match(line)
    if named is not None:
        value = bytearray(line[named.end() :])
        fields.append((named[1].decode("ascii").lower(), value))
    return named is not None


def _is_blank(raw: bytes, at: int) -> bool:
    return raw[at : at + 1] == b"\n" or raw[at : at + 2] == b"\r\n"


def _next_line(raw: bytes, at: int) -> int:
    return raw.find(b"\n", at) + 1 or len(raw)


def _behind_blank_line(raw: bytes, at: int) -> int:
    found = ((raw.find(mark, at), len(mark)) for mark in (b"\n\n", b"\n\r\n"))
    return min((place + length for place, length in found if place >= 0), default=len(raw))


# --- encoded words ---------------------------------------------------------------------------

_WORD: Final = re.compile(rb"=\?([^?\s]{1,80})\?([bBqQ])\?([^?]*)\?=")
_HEX: Final = re.compile(rb"=([0-9A-Fa-f]{2})")


def _pieces(raw: bytes) -> Iterator[str]:
    """Yield the decoded pieces of a field.

    Neighbouring words of one charset are decoded together: many programs split a character. The
    charset of those that name none is guessed for all of them.
    """
    like = b"".join(_word(word[2], word[3]) for word in _WORD.finditer(raw))
    at, charset, held = 0, "", b""
    for word in _WORD.finditer(raw):
        between = raw[at : word.start()]
        name = word[1].partition(b"*")[0].decode("ascii", "replace").lower()
        if held and (between.strip() or name != charset):
            yield decoded(held, charset, like=like)
            held = b""
        if between.strip() or at == 0:
            yield decoded(between)
        charset, held, at = name, held + _word(word[2], word[3]), word.end()
    if held:
        yield decoded(held, charset, like=like)
    yield decoded(raw[at:])


def _word(encoding: bytes, text: bytes) -> bytes:
    if encoding in b"qQ":
        return _HEX.sub(lambda found: bytes([int(found[1], 16)]), text.replace(b"_", b" "))
    return unbased(text)


def unbased(text: bytes) -> bytes:
    """Return what base64 says, as far as it says anything."""
    for padding in (b"", b"=", b"=="):
        try:
            return binascii.a2b_base64(text + padding)
        except binascii.Error:
            continue
    # One character too many: what stands before it is whole.
    letters = re.sub(rb"[^A-Za-z0-9+/]", b"", text)
    return binascii.a2b_base64(letters[: len(letters) // 4 * 4])


# --- parameters ------------------------------------------------------------------------------

#: An unquoted value goes on to the next semicolon: many programs forget the quotes.
_PARAMETER: Final = re.compile(
    rb';[ \t\r\n]*([^\s=;"]{1,100})[ \t]*=[ \t]*("(?:[^"\\]|\\.)*"|[^;]*)', re.DOTALL
)
_PERCENT: Final = re.compile(rb"%([0-9A-Fa-f]{2})")
_MOST_SEGMENTS: Final = 1000


class _Segment(NamedTuple):
    """One of the pieces of a parameter, such as ``filename*1*=%20x``."""

    name: str
    number: int
    encoded: bool
    value: bytes


def _segment(name: bytes, value: bytes) -> _Segment:
    base, *stars = name.decode("ascii", "replace").lower().split("*")
    number = stars[0] if stars and stars[0].isdecimal() and len(stars[0]) <= 4 else ""  # noqa: PLR2004  # digits
    # A parameter of one piece that is encoded goes before its plain twin.
    position = int(number) if number else (-1 if stars else _MOST_SEGMENTS)
    return _Segment(base, position, bool(stars and not stars[-1]), _unquoted(value))


def _unquoted(value: bytes) -> bytes:
    value = value.strip()
    if len(value) > 1 and value.startswith(b'"') and value.endswith(b'"'):
        return re.sub(rb"\\(.)", rb"\1", value[1:-1], flags=re.DOTALL)
    return value.strip(b'"')


def _joined(segments: list[_Segment]) -> str:
    """Return a parameter's text from its pieces (RFC 2231), or from its only one."""
    ordered = sorted(segments, key=lambda one: one.number)
    first = ordered[0]
    if not first.encoded and first.number == _MOST_SEGMENTS:
        return words(first.value)
    numbered = [one for one in ordered if 0 <= one.number < _MOST_SEGMENTS]
    pieces = numbered if first.number >= 0 else [first]
    charset, raw = "", b""
    for index, piece in enumerate(pieces):
        value = piece.value
        if piece.encoded:
            if index == 0 and value.count(b"'") >= 2:  # noqa: PLR2004  # charset'language'text
                name, _, value = value.split(b"'", 2)
                charset = name.decode("ascii", "replace")
            value = _PERCENT.sub(lambda found: bytes([int(found[1], 16)]), value)
        raw += value
    return one_line(decoded(raw, charset)) if charset else words(raw)
