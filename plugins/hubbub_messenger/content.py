"""Say what a message holds. Source: Messenger Platform, "Webhooks: messages"."""

from collections.abc import Iterable, Iterator
from typing import Final
from urllib.parse import unquote, urlsplit

from hubbub.sdk import (
    Attachment,
    Choice,
    Content,
    Location,
    Media,
    Reaction,
    Text,
    UnsupportedContent,
)
from hubbub_messenger.wire import Attached, Message, Reaction as Reacted

#: The big thumb beside the composer, in its three sizes.
_THUMBS_UP: Final = frozenset({"369239263222822", "369239343222814", "369239383222810"})
_KINDS: Final = {
    "image": "image",
    "audio": "audio",
    "video": "video",
    "file": "document",
    "sticker": "sticker",
}
#: What is only shown as a link; ``fallback`` is whatever else was shared.
_LINKS: Final = frozenset({"fallback", "share", "reel", "ig_reel", "post", "ig_post", "template"})
#: For reactions that come without their emoji.
_EMOJI: Final = {
    "smile": "😆",
    "angry": "😠",
    "sad": "😢",
    "wow": "😮",
    "love": "❤️",
    "like": "👍",
    "dislike": "👎",
}


def contents_of(message: Message) -> list[Content]:
    """Return what ``message`` says, text first; what we do not understand is named."""
    attached = list(_distinct(message.attachments))
    found = [*_words(message, attached)]
    found += [_shown(one) for one in attached if one.type not in _LINKS]
    kind = attached[0].type if attached else "message"
    return found or [UnsupportedContent(provider_type=_word(kind))]


def reaction_of(reacted: Reacted) -> Content:
    """Return a reaction, or that it was taken back."""
    emoji = reacted.emoji or _EMOJI.get(reacted.reaction, "")
    if reacted.action == "unreact":
        emoji = ""
    elif not emoji:
        return UnsupportedContent(provider_type=_word(f"reaction {reacted.reaction}".strip()))
    return Reaction(emoji=emoji, target_external_id=reacted.mid)


def _words(message: Message, attached: Iterable[Attached]) -> Iterator[Content]:
    tap = message.quick_reply
    if tap:
        yield Choice(id=tap.payload, title=message.text or tap.payload)
        return
    lines = [message.text]
    for one in attached:
        lines += _link(one, message.text) if one.type in _LINKS else []
    if text := "\n".join(line for line in lines if line):
        yield Text(text=text)


def _link(shared: Attached, text: str) -> list[str]:
    payload = shared.payload
    url = payload.url if payload.url.startswith(("https://", "http://")) else ""
    # A message that is a link repeats it in its text.
    return [line for line in (payload.title, payload.text, url) if line and line not in text]


def _distinct(attached: Iterable[Attached]) -> Iterator[Attached]:
    """Yield attachments; a sticker that is told in the old way and in the new is one."""
    seen = set()
    for one in attached:
        sticker = one.payload.sticker_id
        if sticker and sticker in seen:
            continue
        seen.add(sticker)
        yield one


def _shown(attached: Attached) -> Content:
    payload = attached.payload
    if payload.sticker_id in _THUMBS_UP:
        return Text(text="👍")
    if attached.type == "location" and payload.coordinates:
        place = payload.coordinates
        return Location(latitude=place.lat, longitude=place.long)
    kind = "sticker" if payload.sticker_id else _KINDS.get(attached.type)
    if kind is None or not payload.url:
        return UnsupportedContent(provider_type=_word(attached.type))
    media = Media(ref=payload.url, filename=_filename(payload.url))
    return Attachment(type=kind, media=media)  # type: ignore[arg-type]  # one of the table's


def _filename(url: str) -> str | None:
    """Return what a file is called by its address; Messenger tells no name."""
    try:
        name = unquote(urlsplit(url).path.rpartition("/")[2])
    except ValueError:
        return None
    return name if "." in name.strip(".") and name.isprintable() and "/" not in name else None


def _word(provider_type: str) -> str:
    return provider_type[:64] or "unknown"
