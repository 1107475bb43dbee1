"""Fetch letters: many small ones at once, large ones in pieces, too large ones in part."""

import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any, Final

from hubbub.imap.client import Client
from hubbub.sdk.errors import Transient
from hubbub.sdk.mailbox import Letter

#: Bytes that one answer brings of a letter.
PIECE: Final = 1 << 20
#: Letters that are fetched and kept together.
_TOGETHER: Final = 50
#: Letters whose sizes are asked for at once.
_LISTED: Final = 200
_MOST_HEAD: Final = 256 << 10
#: Of the head, where the first empty line ends that.
_DATE: Final = re.compile(rb"\A(?:(?!\r?\n)[^\n]*\n)*?date:([^\r\n]{1,100})", re.IGNORECASE)
_FIRST: Final = "BODY.PEEK[]<0.{}>"

#: What a server says of each letter, by its number.
Told = Mapping[int, Mapping[bytes, Any]]


def listed(client: Client, uids: Sequence[int]) -> Iterator[tuple[Sequence[int], Told]]:
    """Yield ``uids`` in groups, each with what the server says of its letters.

    One that is no longer there is in the group, and nothing is told of it. No group of several
    letters has more than a piece, if the server tells their sizes rightly.
    """
    for start in range(0, len(uids), _LISTED):
        chunk = uids[start : start + _LISTED]
        told = client.fetch(chunk, ["RFC822.SIZE", "INTERNALDATE", "FLAGS"])
        for group in _grouped(chunk, told):
            yield group, told


def bodies(client: Client, uids: Sequence[int], most: int) -> dict[int, bytes | None]:
    """Return each letter that is there, byte for byte; None where it has more than ``most``.

    The size that a server tells is not relied upon: some only estimate it. Raises `Transient` where
    a letter is there and not handed out: to take it for one that is gone would lose it.
    """
    first = client.fetch(list(uids), [_FIRST.format(PIECE)])
    first |= {uid: _again(client, uid) for uid in uids if not _has_body(first.get(uid, {}))}
    return {
        uid: _whole(client, uid, _body(said), most)
        for uid, said in first.items()
        if _has_body(said)
    }


def head(client: Client, uid: int) -> bytes:
    """Return a letter with its head and its first text alone."""
    said = client.fetch([uid], [f"BODY.PEEK[HEADER]<0.{_MOST_HEAD}>", "BODYSTRUCTURE"])
    top = _body(said.get(uid, {}))
    structure = said.get(uid, {}).get(b"BODYSTRUCTURE")
    number = _first_text(structure) if structure else ""
    if not number:
        return top
    if not structure.is_multipart:
        return top + _piece(client, uid, "TEXT")
    top = top if top.endswith(b"\r\n\r\n") else top + b"\r\n\r\n"  # a head may be cut
    boundary = _boundary(structure)
    mime = _piece(client, uid, f"{number}.MIME") if boundary else b""
    text = _piece(client, uid, number)
    return b"".join((top, b"--", boundary, b"\r\n", mime, text, b"\r\n--", boundary, b"--\r\n"))


def letter(
    said: Mapping[bytes, Any],
    *,
    folder: str,
    uidvalidity: int,
    uid: int,
    truncated: bool,
) -> Letter:
    """Return what the server said of a letter, as far as it makes sense."""
    size = said.get(b"RFC822.SIZE")
    return Letter(
        folder=folder,
        uidvalidity=uidvalidity,
        uid=uid,
        arrived_at=_moment(said.get(b"INTERNALDATE")),
        size=size if isinstance(size, int) else 0,
        flags=_flags(said.get(b"FLAGS")),
        truncated=truncated,
    )


def written(body: bytes) -> datetime | None:
    """Return when a letter says that it was written, if it says so soundly."""
    found = _DATE.search(body, 0, _MOST_HEAD)
    try:
        return _moment(parsedate_to_datetime(found[1].decode("ascii"))) if found else None
    except (ValueError, TypeError, IndexError, OverflowError):
        return None


def _moment(said: object) -> datetime | None:
    """Return a time that can be reckoned with: a server may tell of a zone of 99 hours."""
    if not isinstance(said, datetime):
        return None
    try:
        said.astimezone(UTC)
    except (ValueError, OverflowError):
        return None
    return said


def _flags(said: object) -> frozenset[str]:
    given = said if isinstance(said, tuple) else ()
    return frozenset(one.decode("ascii", "replace") for one in given if isinstance(one, bytes))


def _grouped(uids: Sequence[int], told: Told) -> Iterator[Sequence[int]]:
    group: list[int] = []
    room = PIECE
    for uid in uids:
        size = told.get(uid, {}).get(b"RFC822.SIZE") or 0
        if group and (size > room or len(group) == _TOGETHER):
            yield group
            group, room = [], PIECE
        group.append(uid)
        room -= size
    if group:
        yield group


def _again(client: Client, uid: int) -> Mapping[bytes, Any]:
    """Ask alone for a letter that an answer left out."""
    said: Mapping[bytes, Any] = client.fetch([uid], [_FIRST.format(PIECE)]).get(uid, {})
    if not _has_body(said) and client.search(["UID", str(uid)]):
        raise Transient(f"The server does not hand out letter {uid}.", code="imap_refused")
    return said


def _whole(client: Client, uid: int, piece: bytes, most: int) -> bytes | None:
    pieces, size = [piece], len(piece)
    while len(piece) == PIECE:
        if size > most:
            return None
        piece = _piece(client, uid, "", start=size)
        pieces.append(piece)
        size += len(piece)
    return b"".join(pieces) if size <= most else None


def _piece(client: Client, uid: int, section: str, *, start: int = 0) -> bytes:
    said = client.fetch([uid], [f"BODY.PEEK[{section}]<{start}.{PIECE}>"])
    return _body(said.get(uid, {}))


def _body(said: Mapping[bytes, Any]) -> bytes:
    return next((value or b"" for name, value in said.items() if name.startswith(b"BODY[")), b"")


def _has_body(said: Mapping[bytes, Any]) -> bool:
    return any(name.startswith(b"BODY[") for name in said)


def _first_text(structure: Any, number: str = "") -> str:
    """Return the number of the first part that is text, as IMAP counts, or nothing."""
    if structure.is_multipart:
        parts = enumerate(structure[0], start=1)
        found = (_first_text(part, f"{number}.{at}".lstrip(".")) for at, part in parts)
        return next(filter(None, found), "")
    return (number or "1") if (structure[0] or b"").lower() == b"text" else ""


def _boundary(structure: Any) -> bytes:
    """Return what stands between the parts of a letter, as its head says."""
    given = structure[2] or ()
    pairs = zip(given[::2], given[1::2], strict=False)
    return next((value for name, value in pairs if name.lower() == b"boundary"), b"")
