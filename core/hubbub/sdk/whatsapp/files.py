"""Know which files WhatsApp takes, as what, and how they are called."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Final, Literal, TypeAlias

from hubbub.sdk.capabilities import MediaRule
from hubbub.sdk.content import Attachment, Media
from hubbub.sdk.errors import Unsupported

_Kind: TypeAlias = Literal["image", "audio", "voice", "video", "document", "sticker"]

#: Bytes: the largest that WhatsApp carries, a document.
LARGEST: Final = 100 << 20

_MB: Final = 1 << 20
_AUDIO: Final = frozenset({"audio/aac", "audio/amr", "audio/mpeg", "audio/mp4", "audio/ogg"})
MEDIA: Final[Mapping[str, MediaRule]] = {
    "image": MediaRule(max_size=5 * _MB, mime_types=frozenset({"image/jpeg", "image/png"})),
    "audio": MediaRule(max_size=16 * _MB, mime_types=_AUDIO),
    "voice": MediaRule(max_size=16 * _MB, mime_types=frozenset({"audio/ogg"})),
    "video": MediaRule(
        max_size=16 * _MB, mime_types=frozenset({"video/mp4", "video/3gpp", "video/3gp"})
    ),
    "document": MediaRule(max_size=100 * _MB),
    "sticker": MediaRule(max_size=500 * 1024, mime_types=frozenset({"image/webp"})),
}

#: The kinds below which something can stand.
CAPTIONED: Final = frozenset({"image", "video", "document"})

#: What is no voice note, or no sticker, can still be shown.
_SECOND_BEST: Final[Mapping[str, _Kind]] = {
    "voice": "audio",
    "sticker": "image",
}
_ENDINGS: Final = {
    "image/jpeg": ".jpg",
    "image/png": ".png",
    "image/webp": ".webp",
    "audio/ogg": ".ogg",
    "audio/mpeg": ".mp3",
    "audio/mp4": ".m4a",
    "audio/aac": ".aac",
    "audio/amr": ".amr",
    "video/mp4": ".mp4",
    "video/3gpp": ".3gp",
    "application/pdf": ".pdf",
    "text/plain": ".txt",
}


def carried(attachment: Attachment) -> Attachment:
    """Return a file as the kind that WhatsApp takes it as: what fits no kind is a document.

    Raises `Unsupported` for one that is too large.
    """
    kind = attachment.type
    for each in (kind, _SECOND_BEST.get(kind, kind), "document"):
        if _takes(each, attachment.media):
            return replace(attachment, type=each)
    raise Unsupported("WhatsApp takes files of at most 100 MB.", code="too_large")


def filename(kind: str, media: Media) -> str:
    """Return what to call a file: its own name, or one that says what it is."""
    return media.filename or kind + _ENDINGS.get(media.mime_type or "", "")


def _takes(kind: str, media: Media) -> bool:
    """Whether WhatsApp takes ``media`` as ``kind``; what is not known of it is no objection."""
    rule = MEDIA[kind]
    known = not rule.mime_types or media.mime_type is None or media.mime_type in rule.mime_types
    return known and (media.size or 0) <= rule.max_size
