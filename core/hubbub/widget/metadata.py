"""Cut out of pictures what cameras and programs write into them, such as the place.

Nothing is encoded anew, so nothing of the picture is lost; what follows its end goes as well.
"""

import struct
from collections.abc import Callable, Mapping
from typing import Final

_EXIF: Final = b"Exif\0\0"
_ORIENTATION: Final = 0x0112


def without_metadata(body: bytes, mime_type: str) -> bytes:
    """Return a JPEG, PNG or WebP without its metadata; as it is, where it is another or broken."""
    clean = _CLEANERS.get(mime_type)
    return clean(body) if clean else body


# --- JPEG -------------------------------------------------------------------------------------

#: Where the picture itself begins; APP1 (Exif, XMP), APP13 (Photoshop) and comments.
_SCAN: Final = b"\xda"
_SEGMENTS: Final = frozenset({b"\xe1", b"\xed", b"\xfe"})


def _jpeg(body: bytes) -> bytes:
    """Cut the metadata; how the picture is to be turned stays, as it is needed to show it."""
    kept, at = [b"\xff\xd8"], 2
    while body[at : at + 1] == b"\xff" and body[at + 1 : at + 2] not in {b"", _SCAN}:
        end = at + 2 + int.from_bytes(body[at + 2 : at + 4], "big")
        if end < at + 4 or end > len(body):
            break
        segment = body[at:end]
        if segment[1:2] not in _SEGMENTS:
            kept.append(segment)
        elif turned := _orientation(segment):
            kept.append(_only_turned(turned))
        at = end
    return b"".join([*kept, body[at:]])


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
_PNG_CHUNKS: Final = frozenset({b"eXIf", b"tEXt", b"zTXt", b"iTXt", b"tIME"})
_WEBP_CHUNKS: Final = frozenset({b"EXIF", b"XMP "})
#: Of the flags at the beginning of an extended WebP: Exif and XMP follow.
_WEBP_FLAGS: Final = 0x08 | 0x04


def _png(body: bytes) -> bytes:
    kept, at = [_PNG], len(_PNG)
    while at < len(body):
        size, kind = int.from_bytes(body[at : at + 4], "big"), body[at + 4 : at + 8]
        end = at + 12 + size  # length, kind and checksum beside what it holds
        if end > len(body):
            return body
        if kind not in _PNG_CHUNKS:
            kept.append(body[at:end])
        if kind == b"IEND":
            return b"".join(kept)
        at = end
    return body


def _webp(body: bytes) -> bytes:
    whole = 8 + int.from_bytes(body[4:8], "little")
    kept, at = [b"WEBP"], 12
    while at < whole:
        size, kind = int.from_bytes(body[at + 4 : at + 8], "little"), body[at : at + 4]
        end = at + 8 + size + size % 2
        if end > len(body):
            return body
        if kind not in _WEBP_CHUNKS:
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
