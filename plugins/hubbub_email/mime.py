"""Find the parts of a letter: where each begins and ends in the raw bytes, in one pass.

The parser of the standard library says nothing of places, takes seconds for a purpose-made
letter and recurses. Here the limits hold before anything is read, and a file of the letter can
be fetched later from the raw letter alone. Source: RFC 2046.
"""

import binascii
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import takewhile
from typing import Final

from hubbub_email.headers import Headers, Parameters, read_header, unbased

MOST_PARTS: Final = 500
MOST_DEPTH: Final = 50
#: Bytes of a boundary. RFC 2046 grants 70; each line that may end a part is compared with it.
_LONGEST_BOUNDARY: Final = 250

_TYPE: Final = re.compile(r"[a-z0-9!#$&^_.+-]{1,127}/[a-z0-9!#$&^_.+-]{1,127}")


@dataclass(frozen=True, kw_only=True)
class Entity:
    """A letter or one of its parts: its header, and the place of its body in the raw letter."""

    headers: Headers
    type: str
    #: Those of its content type.
    parameters: dict[str, str]
    start: int
    end: int
    parts: tuple["Entity", ...] = ()
    trouble: str = ""

    @property
    def multipart(self) -> bool:
        """Whether it is read as its parts."""
        return bool(self.parts)

    @property
    def encoding(self) -> str:
        """How its body is encoded: a key of the decoders below, or anything else for not."""
        return self.headers.word("content-transfer-encoding")

    @property
    def disposition(self) -> Parameters:
        """Its content disposition."""
        return self.headers.parameters("content-disposition")

    def walk(self) -> Iterator["Entity"]:
        """Yield it and all its parts, in the order of the letter."""
        waiting = [self]
        while waiting:
            entity = waiting.pop()
            yield entity
            waiting.extend(reversed(entity.parts))

    def body(self, raw: bytes) -> bytes:
        """Return its body, decoded."""
        return unpacked(raw[self.start : self.end], self.encoding)


def scan(raw: bytes) -> Entity:
    """Return the letter ``raw`` with its parts. Never fails; what is wrong is noted in them."""
    if b"\n" not in raw:
        raw = raw.replace(b"\r", b"\n")  # of the same length: places stay true
    return _Scan(raw).run()


def unpacked(body: bytes, encoding: str) -> bytes:
    """Return ``body`` without its transfer encoding, as far as it is sound."""
    match encoding:
        case "base64":
            return unbased(body)
        case "quoted-printable":
            return binascii.a2b_qp(body)
        case "x-uuencode" | "uuencode" | "x-uue" | "uue":
            return _unuued(body)
    return body


def _unuued(body: bytes) -> bytes:
    lines = iter(body.splitlines())
    begun = any(line.startswith(b"begin ") for line in lines)
    if not begun:
        return body
    return b"".join(map(_unuued_line, takewhile(lambda line: line.strip() != b"end", lines)))


def _unuued_line(line: bytes) -> bytes:
    # The second is for encoders that count wrong; Python's own decoder works around it so.
    for size in (len(line), ((line[0] - 32 & 63) * 4 + 5) // 3 + 1) if line else ():
        try:
            return binascii.a2b_uu(line[:size])
        except binascii.Error:
            continue
    return b""


@dataclass(kw_only=True)
class _Open:
    """A part whose end is not yet found."""

    headers: Headers
    type: str
    parameters: dict[str, str]
    start: int
    #: Of its parts, until the last of them has ended.
    boundary: bytes = b""
    trouble: str = ""
    parts: list[Entity] = field(default_factory=list)

    def closed(self, end: int) -> Entity:
        kind, trouble = self.type, self.trouble or self.headers.trouble
        if self.boundary and not self.parts:
            # What stands there is at least a text.
            kind, trouble = "text/plain", "It says it has parts, and has none."
        return Entity(
            headers=self.headers,
            type=kind,
            parameters=self.parameters,
            start=self.start,
            end=max(self.start, end),
            parts=tuple(self.parts),
            trouble=trouble,
        )


class _Scan:
    """One pass over a letter, holding the parts that are open at the place it has come to."""

    def __init__(self, raw: bytes) -> None:
        self._raw = raw
        self._open: list[_Open] = []
        self._count = 0

    def run(self) -> Entity:
        at = self._begin(0)
        while found := self._delimiter(at):
            self._end_parts(found)
            at = found.end()
            if found["last"]:
                self._open[-1].boundary = b""
            elif self._count < MOST_PARTS:
                at = self._begin(self._next_line(at))
            else:
                self._keep_rest(self._next_line(at))
                break
        self._close(1, len(self._raw))
        return self._open[0].closed(len(self._raw))

    def _begin(self, at: int) -> int:
        """Open the part that begins at ``at``; return where its body does."""
        headers, body = read_header(self._raw, at)
        kind, named = headers.parameters("content-type")
        digest = bool(self._open) and self._open[-1].type == "multipart/digest"
        if not _TYPE.fullmatch(kind):
            kind = "message/rfc822" if digest else "text/plain"
        part = _Open(headers=headers, type=kind, parameters=named, start=body)
        if kind.startswith("multipart/"):
            part.boundary = named.get("boundary", "").encode("utf-8", "replace").rstrip()
            if len(self._open) >= MOST_DEPTH:
                part = _Open(headers=headers, type="message/rfc822", parameters={}, start=at)
                part.trouble = "Parts lie in parts deeper than is read."
            elif not 0 < len(part.boundary) <= _LONGEST_BOUNDARY:
                part.boundary = b""
                part.type, part.trouble = "text/plain", "It says it has parts, but not where."
        self._open.append(part)
        self._count += 1
        return body

    def _delimiter(self, at: int) -> re.Match[bytes] | None:
        """Return the next line after ``at`` that ends a part."""
        # Innermost first; a delimiter of an outer part ends the inner ones, sound or not.
        boundaries = [part.boundary for part in reversed(self._open) if part.boundary]
        if not boundaries:
            return None
        either = b"|".join(map(re.escape, boundaries))
        line = re.compile(rb"\n--(?P<boundary>" + either + rb")(?P<last>--)?[ \t]*(?=\r?\n|\Z)")
        return line.search(self._raw, max(0, at - 1))

    def _end_parts(self, found: re.Match[bytes]) -> None:
        """Close what is open inside the part that has the boundary ``found``."""
        owners = [part.boundary == found["boundary"] for part in self._open]
        owner = len(owners) - owners[::-1].index(True)
        end = found.start()
        self._close(owner, end - (self._raw[end - 1 : end] == b"\r"))

    def _close(self, left: int, end: int) -> None:
        while len(self._open) > left:
            part = self._open.pop().closed(end)
            self._open[-1].parts.append(part)

    def _keep_rest(self, at: int) -> None:
        rest = _Open(headers=Headers(), type="application/octet-stream", parameters={}, start=at)
        rest.trouble = "It has more parts than are read."
        self._open.append(rest)

    def _next_line(self, at: int) -> int:
        found = self._raw.find(b"\n", at)
        return len(self._raw) if found < 0 else found + 1
