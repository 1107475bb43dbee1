"""Say one part as a call of a Bot API method. Source: Bot API, "Available methods"."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from hubbub.sdk import (
    Attachment,
    Choices,
    Contacts,
    Location,
    Media,
    Part,
    Permanent,
    Reaction,
    Text,
    Unsupported,
)
from hubbub_telegram.addresses import MessageId, message_of, target
from hubbub_telegram.buttons import keyboard
from hubbub_telegram.cards import contact_params


@dataclass(frozen=True, kw_only=True)
class Upload:
    """A file whose bytes travel in the field ``field``."""

    field: str
    media: Media
    filename: str


@dataclass(frozen=True, kw_only=True)
class Shipment:
    """One call of ``method``; ``notes`` tell what had to be changed to get it through."""

    method: str
    params: Mapping[str, object]
    upload: Upload | None = None
    notes: tuple[str, ...] = ()


#: The method and the parameter for each kind of file.
_FILES: Final = {
    "image": ("sendPhoto", "photo"),
    "animation": ("sendAnimation", "animation"),
    "audio": ("sendAudio", "audio"),
    "voice": ("sendVoice", "voice"),
    "video": ("sendVideo", "video"),
    "document": ("sendDocument", "document"),
    "sticker": ("sendSticker", "sticker"),
}
#: What only one kind of file takes. Without them a film must be loaded before it plays, and a
#: document that happens to be a GIF turns into an animation.
_EXTRAS: Final[Mapping[str, Mapping[str, object]]] = {
    "video": {"supports_streaming": True},
    "document": {"disable_content_type_detection": True},
}
_TIMED: Final = frozenset({"animation", "audio", "voice", "video"})
_SIZED: Final = frozenset({"animation", "video"})
_STICKERS: Final = frozenset({"image/webp", "application/x-tgsticker", "video/webm"})
_ENDINGS: Final = {
    "image/jpeg": ".jpg",
    "image/png": ".png",
    "image/webp": ".webp",
    "image/gif": ".gif",
    "audio/ogg": ".ogg",
    "audio/mpeg": ".mp3",
    "audio/mp4": ".m4a",
    "video/mp4": ".mp4",
    "video/webm": ".webm",
    "application/x-tgsticker": ".tgs",
    "application/pdf": ".pdf",
}


def shipment(part: Part, parse_mode: str) -> Shipment:
    """Return the call that says ``part``. Raises `Unsupported` or another `Permanent`."""
    if isinstance(part.content, Reaction):
        return _reaction(part.content)
    where = target(part.address) | _quote(part)
    match part.content:
        case Text(text=text):
            params = {"text": text} | _format(parse_mode)
            return Shipment(method="sendMessage", params=where | params)
        case Choices() as choices:
            params = {"text": choices.text} | _format(parse_mode)
            buttons = {"reply_markup": keyboard(choices.options)}
            return Shipment(method="sendMessage", params=where | params | buttons)
        case Attachment() as attachment:
            return _file(attachment, where, parse_mode)
        case Location() as place:
            return _place(place, where)
        case Contacts(contacts=(card,)) if card.phones:
            return Shipment(method="sendContact", params=where | contact_params(card))
    raise Unsupported(f"A Telegram bot cannot send {part.content.type!r} as one message.")


def _reaction(reaction: Reaction) -> Shipment:
    found = message_of(reaction.target_external_id)
    if found is None:
        raise Permanent("The message to react to is none of Telegram's.", code="bad_target")
    if found.business:
        raise Unsupported("Telegram lets no bot react for a business account.")
    wanted = [{"type": "emoji", "emoji": _plain(reaction.emoji)}] if reaction.emoji else []
    params = {"chat_id": found.chat_id, "message_id": found.number, "reaction": wanted}
    return Shipment(method="setMessageReaction", params=params)


def _plain(emoji: str) -> str:
    # Keyboards write the red heart with a variation selector, Telegram's list without it.
    return emoji[0] if len(emoji) == 2 and emoji[1] == "\ufe0f" else emoji  # noqa: PLR2004  # the emoji and its selector


def _quote(part: Part) -> dict[str, object]:
    quoted = message_of(part.reply_to_external_id or "")
    if quoted is None or not _is_there(quoted, target(part.address)):
        return {}
    return {"reply_parameters": {"message_id": quoted.number, "allow_sending_without_reply": True}}


def _is_there(quoted: MessageId, where: Mapping[str, object]) -> bool:
    # Message ids mean nothing in another chat, such as the supergroup that a group became.
    chat, business = where["chat_id"], where.get("business_connection_id")
    return (isinstance(chat, str) or chat == quoted.chat_id) and business == quoted.business


def _format(parse_mode: str) -> dict[str, object]:
    return {} if parse_mode == "none" else {"parse_mode": parse_mode}


def _file(attachment: Attachment, where: Mapping[str, object], parse_mode: str) -> Shipment:
    media, kind = attachment.media, _kind(attachment)
    method, field = _FILES[kind]
    params: dict[str, object] = {**where, **_EXTRAS.get(kind, {}), **_measures(kind, media)}
    # A sticker has no caption: `send.sayable` made a text of its own of it.
    if attachment.caption and kind != "sticker":
        params |= {"caption": attachment.caption} | _format(parse_mode)
    # An upload needs no public address of ours; what has no id of ours is not here to upload.
    if media.id:
        upload = Upload(field=field, media=media, filename=_filename(kind, media))
        return Shipment(method=method, params=params, upload=upload)
    if not media.url:
        raise Permanent("The file to send is nowhere to be found.", code="no_media")
    return Shipment(method=method, params=params | {field: media.url})


def _kind(attachment: Attachment) -> str:
    mime_type = attachment.media.mime_type or ""
    if attachment.type == "image" and mime_type == "image/gif":
        return "animation"
    if attachment.type == "sticker" and mime_type not in _STICKERS and mime_type:
        return "image" if mime_type.startswith("image/") else "document"
    return attachment.type


def _measures(kind: str, media: Media) -> dict[str, object]:
    seconds = media.duration_ms // 1000 if media.duration_ms and kind in _TIMED else None
    width, height = (media.width, media.height) if kind in _SIZED else (None, None)
    known = {"duration": seconds, "width": width, "height": height}
    return {name: value for name, value in known.items() if value}


def _filename(kind: str, media: Media) -> str:
    return media.filename or kind + _ENDINGS.get(media.mime_type or "", "")


def _place(place: Location, where: Mapping[str, object]) -> Shipment:
    point: dict[str, object] = {"latitude": place.latitude, "longitude": place.longitude}
    title = place.name or place.address
    if not title:
        return Shipment(method="sendLocation", params={**where, **point})
    # A venue must have both - Bot API, "sendVenue".
    label = {"title": title, "address": place.address or title}
    return Shipment(method="sendVenue", params={**where, **point, **label})
