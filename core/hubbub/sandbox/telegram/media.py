"""Take files as the Bot API does: uploads, known ids and addresses."""

import secrets
import struct
from dataclasses import dataclass
from typing import Final

from hubbub.sandbox import client
from hubbub.sandbox.files import StoredFile
from hubbub.sandbox.telegram.params import Params
from hubbub.sandbox.telegram.refusal import Refused, bad
from hubbub.sandbox.telegram.state import Bot
from hubbub.sandbox.world import World
from hubbub.sandbox.wsgi import Json, Upload

_MB: Final = 1024 * 1024
_UPLOAD_LIMIT: Final = 50 * _MB
_PHOTO_LIMIT: Final = 10 * _MB
_URL_LIMIT: Final = 20 * _MB
_PHOTO_URL_LIMIT: Final = 5 * _MB
_MAX_SIDES: Final = 10_000
_MAX_RATIO: Final = 20
_MIME_TYPES: Final = {
    "photo": "image/jpeg",
    "voice": "audio/ogg",
    "audio": "audio/mpeg",
    "video": "video/mp4",
    "video_note": "video/mp4",
    "animation": "video/mp4",
    "sticker": "image/webp",
}
#: How files begin whose type does not depend on what the sender claims.
_STARTS: Final = {
    b"\x89PNG": "image/png",
    b"\xff\xd8\xff": "image/jpeg",
    b"GIF8": "image/gif",
    b"BM": "image/bmp",
    b"OggS": "audio/ogg",
    b"%PDF": "application/pdf",
}
#: What each kind must say beside its file.
_REQUIRED: Final[dict[str, Json]] = {
    "voice": {"duration": 1},
    "audio": {"duration": 1},
    "video": {"width": 640, "height": 480, "duration": 1},
    "video_note": {"length": 240, "duration": 1},
    "animation": {"width": 320, "height": 240, "duration": 1},
    "document": {},
    "sticker": {
        "type": "regular",
        "width": 512,
        "height": 512,
        "is_animated": False,
        "is_video": False,
    },
}


@dataclass(frozen=True, slots=True)
class Known:
    """A file that a bot may use, with the id it has for that bot."""

    file_id: str
    stored: StoredFile


def media_content(world: World, bot: Bot, params: Params, kind: str, source: str = "") -> Json:
    """Return the content of a message whose file is named by the parameter ``kind``."""
    return describe(kind, _taken(world, bot, params, kind, source or params.text(kind)))


def admit(world: World, bot: Bot, kind: str, upload: Upload) -> Known:
    """Keep a file for a bot."""
    stored = world.files.put(name=upload.name, mime_type=upload.mime_type, data=upload.data)
    file_id = f"{kind[:2]}{secrets.token_urlsafe(24)}"
    with world.lock:
        bot.files[file_id] = (kind, stored.id)
    return Known(file_id, stored)


def describe(kind: str, known: Known) -> Json:
    """Return the key and the object by which a message holds a file."""
    stored = known.stored
    about: Json = {
        "file_id": known.file_id,
        "file_unique_id": stored.id[:16],
        "file_size": len(stored.data),
    }
    if kind == "photo":
        width, height = image_size(stored.data) or (1280, 960)
        small = {**about, "file_id": f"{known.file_id}-s", "file_unique_id": stored.id[:15] + "s"}
        sizes = [{**small, "width": 90, "height": 67, "file_size": 1100}]
        return {"photo": [*sizes, {**about, "width": width, "height": height}]}
    about |= _REQUIRED[kind]
    if kind not in {"video_note", "sticker"}:
        about["mime_type"] = stored.mime_type
    if kind not in {"video_note", "sticker", "voice"}:
        about["file_name"] = stored.name
    if kind == "animation":
        return {"animation": about, "document": dict(about)}
    return {kind: about}


def stored_file(world: World, bot: Bot, file_id: str) -> tuple[str, StoredFile]:
    """Return kind and file that ``file_id`` means for this bot."""
    kind, key = bot.files.get(file_id.removesuffix("-s"), ("", ""))
    stored = world.files.get(key)
    if stored is None:
        raise bad("wrong file_id or the file is temporarily unavailable")
    return kind, stored


def image_size(data: bytes) -> tuple[int, int] | None:
    """Return width and height of a PNG or JPEG, or None."""
    if data[:8] == b"\x89PNG\r\n\x1a\n" and len(data) >= 24:  # noqa: PLR2004  # the header's end
        width, height = struct.unpack(">II", data[16:24])
        return width, height
    if data[:2] == b"\xff\xd8":
        return _jpeg_size(data)
    return None


def _taken(world: World, bot: Bot, params: Params, kind: str, source: str) -> Known:
    name = source.removeprefix("attach://") if source.startswith("attach://") else kind
    upload = params.files.get(name)
    if upload is not None:
        return admit(world, bot, kind, _checked(kind, upload))
    if not source:
        raise bad(f"there is no {kind} in the request")
    if source.startswith(("http://", "https://")):
        return admit(world, bot, kind, _checked(kind, _fetched(kind, source)))
    return _reused(world, bot, kind, source)


def _reused(world: World, bot: Bot, kind: str, file_id: str) -> Known:
    known = bot.files.get(file_id)
    stored = world.files.get(known[1]) if known else None
    if known is None or stored is None:
        raise bad("wrong file identifier/HTTP URL specified")
    if known[0] != kind:
        raise bad(f"can't use file of type {known[0].title()} as {kind.title()}")
    return Known(file_id, stored)


def _fetched(kind: str, url: str) -> Upload:
    limit = _PHOTO_URL_LIMIT if kind == "photo" else _URL_LIMIT
    if kind == "video_note":
        raise bad("sending video notes by a URL is unsupported")
    answer = client.fetch(url, limit=limit)
    if not answer.accepted or not answer.body:
        raise bad("failed to get HTTP URL content")
    mime_type = answer.headers.get("content-type", "").partition(";")[0].strip()
    if kind in {"photo", "voice", "video"} and mime_type.startswith("text/"):
        raise bad("wrong type of the web page content")
    name = url.partition("?")[0].rstrip("/").rpartition("/")[2] or kind
    return Upload(name, mime_type, answer.body)


def _checked(kind: str, upload: Upload) -> Upload:
    if not upload.data:
        raise bad("file must be non-empty")
    if len(upload.data) > (_PHOTO_LIMIT if kind == "photo" else _UPLOAD_LIMIT):
        raise Refused(413, "Request Entity Too Large")
    sniffed = _sniff(upload.data)
    if kind == "photo":
        _check_photo(upload.data, sniffed)
    claimed = upload.mime_type or "application/octet-stream"
    fallback = claimed if kind == "document" else _MIME_TYPES.get(kind, claimed)
    return Upload(upload.name, sniffed or fallback, upload.data)


def _sniff(data: bytes) -> str | None:
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return "image/webp"
    return next((kind for start, kind in _STARTS.items() if data.startswith(start)), None)


def _check_photo(data: bytes, sniffed: str | None) -> None:
    if sniffed is None or not sniffed.startswith("image/"):
        raise bad("IMAGE_PROCESS_FAILED")
    width, height = image_size(data) or (1, 1)
    sides = sorted((max(width, 1), max(height, 1)))
    if sum(sides) > _MAX_SIDES or sides[1] / sides[0] > _MAX_RATIO:
        raise bad("PHOTO_INVALID_DIMENSIONS")


def _jpeg_size(data: bytes) -> tuple[int, int] | None:
    at = 2
    while at + 9 < len(data) and data[at] == 0xFF:  # noqa: PLR2004  # every marker begins so
        marker, length = data[at + 1], int.from_bytes(data[at + 2 : at + 4])
        # Start of frame, but for the three markers in its range that are not.
        if 0xC0 <= marker <= 0xCF and marker not in {0xC4, 0xC8, 0xCC}:  # noqa: PLR2004  # JPEG
            height, width = struct.unpack(">HH", data[at + 5 : at + 9])
            return width, height
        at += 2 + length
    return None
