"""Take letters apart, byte for byte, and describe what they are made of."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from email.message import Message
from email.parser import BytesHeaderParser
from email.utils import getaddresses
from functools import lru_cache
from typing import Final

from hubbub.sandbox.email.imap.wire import Unreadable, listed, quoted

_FIELD: Final = re.compile(rb"[^\r\n]*(?:\r\n[ \t][^\r\n]*)*(?:\r\n|\Z)")
_WANTED: Final = re.compile(rb"(?:(\d+(?:\.\d+)*)(?:\.|\Z))?(.*)", re.DOTALL)
_NAMES: Final = re.compile(rb"HEADER\.FIELDS(\.NOT)? \(([^)]*)\)", re.IGNORECASE)
_PARSER: Final = BytesHeaderParser()


@dataclass(frozen=True, slots=True)
class Part:
    """A letter, or a part of one: its head with the empty line, and its body."""

    head: bytes
    body: bytes
    headers: Message = field(repr=False)
    children: tuple["Part", ...] = ()


@lru_cache(maxsize=8)
def taken_apart(raw: bytes) -> Part:
    """Return a letter with its parts."""
    head, empty, body = raw.partition(b"\r\n\r\n")
    if raw.startswith(b"\r\n"):
        head, empty, body = b"", b"\r\n", raw[2:]
    headers = _PARSER.parsebytes(head)
    return Part(head + empty, body, headers, _children(headers, body))


def section(raw: bytes, wanted: bytes) -> bytes:
    """Return the section of a letter that ``BODY[...]`` names. Raises `Unreadable`."""
    path, what = _WANTED.fullmatch(wanted).groups()  # type: ignore[union-attr]  # it fits anything
    if not path and not what:
        return raw
    part: Part | None = taken_apart(raw)
    numbers = [int(one) for one in path.split(b".")] if path else []
    for number in numbers:
        part = _child(part, number)
    if part is None:
        return b""
    return _of(part, what, inner=bool(numbers))


def structure(raw: bytes, *, extended: bool) -> bytes:
    """Return BODYSTRUCTURE, or BODY, which leaves the newer half out."""
    return _described(taken_apart(raw), extended)


def envelope(raw: bytes) -> bytes:
    """Return ENVELOPE."""
    return _envelope(taken_apart(raw).headers)


def _children(headers: Message, body: bytes) -> tuple[Part, ...]:
    kind = headers.get_content_type()
    if kind == "message/rfc822":
        return (taken_apart(body),)
    boundary = headers.get_boundary()
    if headers.get_content_maintype() != "multipart" or not boundary:
        return ()
    mark = re.escape(boundary.encode("utf-8", "surrogateescape"))
    ending = re.compile(rb"(?:\A|\r\n)--" + mark + rb"(--)?[ \t]*(?:\r\n|\Z)")
    marks = list(ending.finditer(body))
    last = next((at for at, one in enumerate(marks) if one[1]), len(marks) - 1)
    return tuple(
        taken_apart(body[one.end() : marks[at + 1].start() if at + 1 < len(marks) else len(body)])
        for at, one in enumerate(marks[: last if last < len(marks) and marks[last][1] else None])
    )


def _child(part: Part | None, number: int) -> Part | None:
    if part is None:
        return None
    inner = part
    if part.headers.get_content_type() == "message/rfc822":
        inner = part.children[0]
    if inner.headers.get_content_maintype() != "multipart":
        return inner if number == 1 else None
    return inner.children[number - 1] if 0 < number <= len(inner.children) else None


def _of(part: Part, what: bytes, *, inner: bool) -> bytes:
    name = what.upper()
    if name == b"MIME" and inner:
        return part.head
    if not name:
        return part.body
    letter = part.children[0] if inner and _is_letter(part) else part
    if name == b"TEXT":
        return letter.body
    if name == b"HEADER":
        return letter.head
    found = _NAMES.fullmatch(what)
    if found is None:
        raise Unreadable("There is no such section.")
    names = {one.strip(b'"').lower() for one in found[2].split()}
    return _fields(letter.head, names, without=bool(found[1]))


def _is_letter(part: Part) -> bool:
    return part.headers.get_content_type() == "message/rfc822"


def _fields(head: bytes, names: set[bytes], *, without: bool) -> bytes:
    kept = [
        one
        for one in _FIELD.findall(head)
        if one.strip() and (one.partition(b":")[0].strip().lower() in names) != without
    ]
    return b"".join(kept) + b"\r\n"


def _described(part: Part, extended: bool) -> bytes:  # noqa: FBT001  # passed on as it is
    headers = part.headers
    if headers.get_content_maintype() == "multipart" and part.children:
        inner = b"".join(_described(child, extended) for child in part.children)
        words = [quoted(headers.get_content_subtype())]
        if extended:
            words += [_parameters(headers, "content-type"), *_newer(headers)]
        return b"(" + inner + b" " + b" ".join(words) + b")"
    words = [
        quoted(headers.get_content_maintype()),
        quoted(headers.get_content_subtype()),
        _parameters(headers, "content-type"),
        quoted(headers.get("content-id")),
        quoted(headers.get("content-description")),
        quoted(headers.get("content-transfer-encoding", "7bit")),
        b"%d" % len(part.body),
    ]
    lines = b"%d" % part.body.count(b"\n")
    if _is_letter(part):
        letter = part.children[0]
        words += [_envelope(letter.headers), _described(letter, extended), lines]
    elif headers.get_content_maintype() == "text":
        words.append(lines)
    if extended:
        words += [quoted(headers.get("content-md5")), *_newer(headers)]
    return listed(words)


def _newer(headers: Message) -> list[bytes]:
    """Return disposition, language and location."""
    disposition = headers.get_content_disposition()
    said = b"NIL"
    if disposition:
        said = listed([quoted(disposition), _parameters(headers, "content-disposition")])
    return [said, quoted(headers.get("content-language")), quoted(headers.get("content-location"))]


def _parameters(headers: Message, name: str) -> bytes:
    found = headers.get_params([], header=name, unquote=True)[1:]
    if not found:
        if name == "content-type" and headers.get_content_type() == "text/plain":
            return b'("charset" "us-ascii")'
        return b"NIL"
    return listed(one for key, value in found for one in (quoted(key), quoted(_plain(value))))


def _plain(value: str | tuple[str | None, str | None, str]) -> str:
    return value if isinstance(value, str) else value[2]


def _envelope(headers: Message) -> bytes:
    def said(name: str) -> bytes:
        value = headers.get(name)
        return quoted(None if value is None else " ".join(str(value).split()))

    def people(*names: str) -> bytes:
        found = next((values for name in names if (values := headers.get_all(name))), [])
        return _addresses([str(value) for value in found])

    return listed(
        [
            said("date"),
            said("subject"),
            people("from"),
            people("sender", "from"),
            people("reply-to", "from"),
            people("to"),
            people("cc"),
            people("bcc"),
            said("in-reply-to"),
            said("message-id"),
        ]
    )


def _addresses(values: Sequence[str]) -> bytes:
    people = [(name, address) for name, address in getaddresses(list(values)) if address]
    if not people:
        return b"NIL"
    return (
        b"("
        + b"".join(
            listed([quoted(name or None), b"NIL", quoted(local), quoted(domain)])
            for name, address in people
            for local, _, domain in [address.rpartition("@")]
        )
        + b")"
    )
