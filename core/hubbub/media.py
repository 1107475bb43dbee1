"""Keep the files of messages, say what they are, and put them into forms.

What a file is, is read from its bytes: what a sender declares decides at most between types that
bytes cannot tell apart. Nothing that a browser would run is ever shown inline.
"""

import re
import secrets
import struct
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Final
from urllib.parse import unquote, urlsplit

import filetype  # type: ignore[import-untyped]  # it ships no types
import obstore
from obstore.exceptions import BaseError
from obstore.store import LocalStore, MemoryStore, from_url

from hubbub.sdk.content import Media
from hubbub.sdk.errors import Permanent, Transient
from hubbub.sdk.values import File, Multipart

if TYPE_CHECKING:
    from obstore.store import ObjectStore

UNKNOWN: Final = "application/octet-stream"


class Missing(Permanent):
    """The store has no such file."""

    code = "media_missing"


class StoreDown(Transient):
    """The store cannot be reached, or refuses to read or write."""

    code = "media_unavailable"


class MediaStore:
    """Files by their media id, in a folder, in memory or in S3.

    Writes are atomic: a file is there whole or not at all. Not to be used on both sides of a
    fork: the threads of the library below stay with the parent.
    """

    def __init__(self, url: str) -> None:
        self._store = _opened(url)

    def put(self, media_id: str, body: bytes) -> None:
        """Keep ``body``; writing again replaces it. Raises `StoreDown`."""
        try:
            obstore.put(self._store, _key(media_id), body)
        except (BaseError, OSError) as error:
            raise _down("written", error) from error

    def get(self, media_id: str) -> bytes:
        """Return the file. Raises `Missing` and `StoreDown`."""
        try:
            return bytes(obstore.get(self._store, _key(media_id)).bytes())
        except FileNotFoundError:
            raise Missing(f"The file {media_id} is not in the media store.") from None
        except (BaseError, OSError) as error:
            raise _down("read", error) from error

    def size(self, media_id: str) -> int | None:
        """Return how many bytes the file has; None: it is not there. Raises `StoreDown`."""
        try:
            return obstore.head(self._store, _key(media_id))["size"]
        except FileNotFoundError:
            return None
        except (BaseError, OSError) as error:
            raise _down("read", error) from error

    def delete(self, media_id: str) -> None:
        """Remove the file, or do nothing where there is none. Raises `StoreDown`."""
        try:
            obstore.delete(self._store, _key(media_id))
        except FileNotFoundError:
            pass
        except (BaseError, OSError) as error:
            raise _down("deleted", error) from error


def sniff(body: bytes, declared: str | None = None) -> str:
    """Return the MIME type of ``body``; ``declared`` counts only where its bytes say too little."""
    claim = (declared or "").partition(";")[0].strip().lower()
    found = filetype.guess_mime(body)
    if found is None:
        return claim if claim in _WITHOUT_SIGNATURE and b"\0" not in body[:8192] else UNKNOWN
    if claim in _SAME_BYTES.get(found, ()) or _is_office(found, claim):
        return claim
    return str(found)


def presentation(mime_type: str | None) -> tuple[str, str]:
    """Return the content type and disposition with which a browser may be given such a file.

    Whatever it could run, HTML and SVG above all, is an attachment of no particular type.
    """
    name = (mime_type or "").partition(";")[0].strip().lower()
    if name in _INLINE:
        return name, "inline"
    if name == "text/plain":
        return "text/plain; charset=utf-8", "attachment"
    return (name if name in _HARMLESS else UNKNOWN), "attachment"


def dimensions(body: bytes) -> tuple[int, int] | None:
    """Return width and height of a PNG, GIF, WebP or JPEG from its first bytes, else None."""
    try:
        if body.startswith(b"\x89PNG\r\n\x1a\n"):
            return _pair(">II", body, 16)
        if body.startswith((b"GIF87a", b"GIF89a")):
            return _pair("<HH", body, 6)
        if body[:4] == b"RIFF" and body[8:12] == b"WEBP":
            return _webp(body)
        if body.startswith(b"\xff\xd8"):
            return _jpeg(body)
    except struct.error:  # it ends before it says so
        return None
    return None


def form(body: Multipart, files: Callable[[Media], bytes]) -> tuple[str, list[bytes]]:
    """Return the content type of a form and its bytes, in pieces so that no file is copied."""
    boundary = secrets.token_hex(16)
    pieces: list[bytes] = []
    for name, value in body.fields:
        pieces += [
            f"--{boundary}\r\n{_part_head(name, value)}\r\n\r\n".encode(),
            files(value.media) if isinstance(value, File) else value.encode(),
            b"\r\n",
        ]
    pieces.append(f"--{boundary}--\r\n".encode())
    return f"multipart/form-data; boundary={boundary}", pieces


# --- the store -------------------------------------------------------------------------------

_ID: Final = re.compile(r"[0-9a-z]{8,64}")
#: An id begins with its time: this many characters of it are nine hours, one folder.
_FOLDER: Final = 5


def _opened(url: str) -> "ObjectStore":
    scheme = urlsplit(url).scheme
    if scheme == "file":
        # Opened by path, since a URL would refuse what a path may hold.
        return LocalStore(Path(unquote(url.removeprefix("file://"))), mkdir=True)
    if scheme == "memory":
        return MemoryStore()
    return from_url(
        url,
        client_options={"timeout": timedelta(seconds=30), "connect_timeout": timedelta(seconds=5)},
        retry_config={"max_retries": 3, "retry_timeout": timedelta(seconds=30)},
    )


def _key(media_id: str) -> str:
    # Ids come back to us in addresses: what is none of ours must not become a path.
    if _ID.fullmatch(media_id) is None:
        raise Missing("There is no file with this id.")
    return f"{media_id[:_FOLDER]}/{media_id}"


def _down(what: str, error: Exception) -> StoreDown:
    # Only the kind of failure: the text of the library quotes addresses and headers.
    return StoreDown(
        f"A file could not be {what} in the media store ({type(error).__name__}). "
        "Check HUBBUB_MEDIA_URL and the credentials that go with it."
    )


# --- what a file is --------------------------------------------------------------------------

#: Types that no first bytes tell, and that no browser runs.
_WITHOUT_SIGNATURE: Final = frozenset(
    {"text/plain", "text/csv", "text/calendar", "text/vcard", "text/x-vcard", "application/json"}
)
#: Found type -> declared types that begin with the same bytes.
_SAME_BYTES: Final = {
    "video/mp4": {"audio/mp4", "audio/m4a", "audio/x-m4a", "video/quicktime", "video/x-m4v"},
    "video/3gpp": {"audio/3gpp", "video/mp4", "audio/mp4"},
    "video/webm": {"audio/webm"},
    "video/x-matroska": {"audio/webm", "video/webm"},
    "audio/ogg": {"video/ogg", "audio/opus"},
    "image/heic": {"image/heif"},
}
_INLINE: Final = frozenset(
    {
        "image/png",
        "image/jpeg",
        "image/gif",
        "image/webp",
        "audio/aac",
        "audio/amr",
        "audio/mp4",
        "audio/mpeg",
        "audio/ogg",
        "audio/webm",
        "audio/x-wav",
        "video/3gpp",
        "video/mp4",
        "video/quicktime",
        "video/webm",
    }
)
_HARMLESS: Final = frozenset({"application/pdf", "application/zip", "text/csv", "text/vcard"})


def _is_office(found: str, claim: str) -> bool:
    return found == "application/zip" and claim.startswith(
        ("application/vnd.openxmlformats-officedocument.", "application/vnd.oasis.opendocument.")
    )


def _pair(layout: str, body: bytes, offset: int) -> tuple[int, int]:
    width, height = struct.unpack_from(layout, body, offset)
    return width, height


def _webp(body: bytes) -> tuple[int, int] | None:
    kind = body[12:16]
    if kind == b"VP8X":
        first, last = _pair("<II", body + b"\0", 23)  # two numbers of 24 bits, less one each
        return (first >> 8) + 1, (last & 0xFFFFFF) + 1
    if kind == b"VP8L":
        bits = struct.unpack_from("<I", body, 21)[0]
        return (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
    if kind == b"VP8 ":
        width, height = _pair("<HH", body, 26)
        return width & 0x3FFF, height & 0x3FFF  # the upper bits are a scale
    return None


def _jpeg(body: bytes) -> tuple[int, int] | None:
    at = 2
    while body[at : at + 1] == b"\xff":
        if body[at + 1 : at + 2] == b"\xff":  # a filling byte
            at += 1
            continue
        marker, length = struct.unpack_from(">xBH", body, at)
        # SOF0 to SOF15 name the size; C4, C8 and CC lie among them and are something else.
        if marker in range(0xC0, 0xD0) and marker not in {0xC4, 0xC8, 0xCC}:
            height, width = _pair(">HH", body, at + 5)
            return width, height
        at += 2 + length
    return None


# --- forms -----------------------------------------------------------------------------------


def _part_head(name: str, value: str | File) -> str:
    head = f'content-disposition: form-data; name="{_quoted(name)}"'
    if isinstance(value, File):
        mime_type = re.sub(r"[\x00-\x1f\x7f]", "", value.media.mime_type or UNKNOWN)
        head += f'; filename="{_quoted(value.filename)}"\r\ncontent-type: {mime_type}'
    return head


def _quoted(text: str) -> str:
    # The escapes of the HTML standard, "multipart/form-data encoding algorithm".
    return text.replace("\r", "%0D").replace("\n", "%0A").replace('"', "%22")
