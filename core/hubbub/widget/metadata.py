"""Cut out of pictures what cameras and programs write into them, such as the place.

What shows the picture stays, and nothing else; nothing is encoded anew, so nothing of it is lost.
What follows its end goes as well, such as a second picture with a place of its own.
"""

import struct
from collections.abc import Callable, Mapping
from typing import Final

_EXIF: Final = b"Exif\0\0"
_ORIENTATION: Final = 0x0112


class Broken(ValueError):
    """The picture is not made as its kind asks: what is in it cannot be told."""


def without_metadata(body: bytes, mime_type: str) -> bytes:
    """Return a JPEG, PNG or WebP without its metadata; another as it is. Raises `Broken`."""
    clean = _CLEANERS.get(mime_type)
    return clean(body) if clean else body


# --- JPEG -------------------------------------------------------------------------------------

#: Markers (ITU-T T.81, table B.1): the end, the beginning of pixels, and those that stand alone.
_END: Final = 0xD9
_SCAN: Final = 0xDA
_ALONE: Final = frozenset({0x01, *range(0xD0, 0xD8)})
#: APP1 may say how to turn it. Of what programs write (APP0 to APP15), what shows it stays: JFIF,
#: the colours (APP2) and how they are stored (APP14). Of the rest, comments go.
_TURNED: Final = 0xE1
_PROGRAMS: Final = range(0xE0, 0xF0)
_COMMENT: Final = 0xFE
_SHOWS: Final = {0xE0: b"JFIF\0", 0xE2: b"ICC_PROFILE\0", 0xEE: b"Adobe"}
#: After FF: within pixels, nothing begins.
_WITHIN: Final = frozenset({0x00, *_ALONE})


def _jpeg(body: bytes) -> bytes:
    """Cut the metadata; how the picture is to be turned stays, as it is needed to show it."""
    kept, at = [b"\xff\xd8"], 2
    while True:
        at, marker = _marker(body, at)
        if marker == _END:
            return b"".join([*kept, b"\xff\xd9"])
        if marker in _ALONE:
            continue
        end = at + int.from_bytes(body[at : at + 2], "big")
        if end < at + 2 or end > len(body):
            raise Broken
        kept.append(_kept(marker, b"\xff" + bytes([marker]) + body[at:end]))
        at = end
        if marker == _SCAN:
            end = _pixels_end(body, at)
            kept.append(body[at:end])
            at = end


def _marker(body: bytes, at: int) -> tuple[int, int]:
    """Return what begins at ``at``, and where it goes on; before it there may be filling bytes."""
    start = at
    while body[at : at + 1] == b"\xff":
        at += 1
    if at == start or at >= len(body) or body[at] == 0:
        raise Broken
    return at + 1, body[at]


def _pixels_end(body: bytes, at: int) -> int:
    """Return where the next marker begins that is no part of the pixels."""
    while (at := body.find(b"\xff", at)) >= 0 and at + 1 < len(body):
        if body[at + 1] == 0xFF:  # noqa: PLR2004  # a filling byte
            at += 1
        elif body[at + 1] in _WITHIN:
            at += 2
        else:
            return at
    raise Broken


def _kept(marker: int, segment: bytes) -> bytes:
    """Return what stays of a segment."""
    if marker == _TURNED:
        turned = _orientation(segment)
        return _only_turned(turned) if turned else b""
    if marker in _PROGRAMS:
        shows = _SHOWS.get(marker)
        return segment if shows and segment[4:].startswith(shows) else b""
    return b"" if marker == _COMMENT else segment


def _orientation(segment: bytes) -> int:
    """Return how Exif says that the picture is to be turned, 2 to 8; 0: not at all."""
    data = segment[4 + len(_EXIF) :]
    if segment[4:].startswith(_EXIF) and data[:2] in {b"II", b"MM"}:
        order = "<" if data[:2] == b"II" else ">"
        try:
            (start,) = struct.unpack_from(f"{order}I", data, 4)
            (count,) = struct.unpack_from(f"{order}H", data, start)
            for number in range(count):
                tag, _, _, value = struct.unpack_from(f"{order}HHIH", data, start + 2 + 12 * number)
                if tag == _ORIENTATION:
                    return value if value in range(2, 9) else 0
        except struct.error:  # it ends before it says so
            return 0
    return 0


def _only_turned(orientation: int) -> bytes:
    """Return an APP1 segment that says nothing but that."""
    entry = struct.pack(">HHIHH", _ORIENTATION, 3, 1, orientation, 0)
    data = b"MM\0*" + struct.pack(">IH", 8, 1) + entry + b"\0\0\0\0"
    return b"\xff\xe1" + struct.pack(">H", 2 + len(_EXIF) + len(data)) + _EXIF + data


# --- PNG and WebP -----------------------------------------------------------------------------

_PNG: Final = b"\x89PNG\r\n\x1a\n"
#: What shows a picture, still or moving (PNG, third edition; the WebP container).
_PNG_CHUNKS: Final = frozenset(
    b"IHDR PLTE IDAT IEND tRNS cHRM gAMA iCCP sBIT sRGB cICP mDCV cLLI bKGD hIST pHYs sPLT "
    b"acTL fcTL fdAT".split()
)
_WEBP_CHUNKS: Final = frozenset({b"VP8 ", b"VP8L", b"VP8X", b"ALPH", b"ANIM", b"ANMF", b"ICCP"})
#: Of the flags at the beginning of an extended WebP: Exif and XMP follow.
_WEBP_FLAGS: Final = 0x08 | 0x04


def _png(body: bytes) -> bytes:
    kept, at = [_PNG], len(_PNG)
    while at < len(body):
        size, kind = int.from_bytes(body[at : at + 4], "big"), body[at + 4 : at + 8]
        end = at + 12 + size  # length, kind and checksum beside what it holds
        if end > len(body):
            raise Broken
        if kind in _PNG_CHUNKS:
            kept.append(body[at:end])
        if kind == b"IEND":
            return b"".join(kept)
        at = end
    raise Broken


def _webp(body: bytes) -> bytes:
    whole = 8 + int.from_bytes(body[4:8], "little")
    kept, at = [b"WEBP"], 12
    while at < whole:
        size, kind = int.from_bytes(body[at + 4 : at + 8], "little"), body[at : at + 4]
        end = at + 8 + size + size % 2
        if end > len(body):
            raise Broken
        if kind in _WEBP_CHUNKS:
            kept.append(_flagless(body[at:end]) if kind == b"VP8X" else body[at:end])
        at = end
    clean = b"".join(kept)
    return b"RIFF" + struct.pack("<I", len(clean)) + clean


def _flagless(chunk: bytes) -> bytes:
    return chunk[:8] + bytes(flags & ~_WEBP_FLAGS for flags in chunk[8:9]) + chunk[9:]


_CLEANERS: Final[Mapping[str, Callable[[bytes], bytes]]] = {
    "image/jpeg": _jpeg,
    "image/png": _png,
    "image/webp": _webp,
}
