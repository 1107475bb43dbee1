"""Say what a Telegram message holds. Source: Bot API, "Message"."""

from collections.abc import Callable, Mapping
from typing import Any, Final

from hubbub.sdk import (
    Attachment,
    Card,
    Contacts,
    Content,
    Ignored,
    Location,
    Media,
    System,
    Text,
    UnsupportedContent,
)
from hubbub.sdk.sms import to_e164
from hubbub_telegram.commands import started, without_bot_name
from hubbub_telegram.keys import ENVELOPE, SERVICE
from hubbub_telegram.rich import words_of
from hubbub_telegram.wire import (
    ChatShared,
    Dice,
    FileLike,
    LivePhoto,
    Location as WireLocation,
    Message,
    PhotoSize,
    Poll,
    RichMessage,
    SharedContact,
    Sticker,
    User,
    UsersShared,
    Venue,
    VideoNote,
    WebAppData,
)


def content_of(message: Message, username: str) -> Content | Ignored:
    """Return what ``message`` says to the bot called ``username``.

    What is merely told by the service is `Ignored`; what we do not know is named.
    """
    if message.text is not None:
        return _text(message, message.text, username)
    for key, read in _READERS.items():
        value = getattr(message, key)
        if value is not None:
            content: Content = read(value, message)
            return content
    return _other(message)


def _text(message: Message, text: str, username: str) -> Content:
    plain = without_bot_name(text, message.entities, username)
    return started(plain) or Text(text=plain)


def _animation(file: FileLike, message: Message) -> Content:
    if file.mime_type == "image/gif":
        return Attachment(type="image", media=_media(file), caption=message.caption)
    return Attachment(type="video", media=_media(file, "video/mp4"), caption=message.caption)


def _live_photo(file: LivePhoto, message: Message) -> Content:
    sizes = file.photo or message.photo
    if sizes:
        return _photo(sizes, message)
    return Attachment(type="video", media=_media(file), caption=message.caption)


def _photo(sizes: tuple[PhotoSize, ...], message: Message) -> Content:
    largest = max(sizes, key=lambda size: (size.width * size.height, size.file_size or 0))
    media = Media(
        ref=largest.file_id,
        mime_type="image/jpeg",  # photos carry no type: they are always JPEG
        size=largest.file_size,
        width=largest.width or None,
        height=largest.height or None,
    )
    return Attachment(type="image", media=media, caption=message.caption)


def _voice(file: FileLike, message: Message) -> Content:
    return Attachment(type="voice", media=_media(file, "audio/ogg"), caption=message.caption)


def _audio(file: FileLike, message: Message) -> Content:
    return Attachment(type="audio", media=_media(file), caption=message.caption)


def _video(file: FileLike, message: Message) -> Content:
    return Attachment(type="video", media=_media(file), caption=message.caption)


def _video_note(file: VideoNote, message: Message) -> Content:
    square = file.model_copy(update={"width": file.length, "height": file.length})
    return Attachment(type="video", media=_media(square, "video/mp4"), caption=message.caption)


def _document(file: FileLike, message: Message) -> Content:
    return Attachment(type="document", media=_media(file), caption=message.caption)


def _sticker(sticker: Sticker, _: Message) -> Content:
    if not sticker.is_animated:
        mime_type = "video/webm" if sticker.is_video else "image/webp"
        return Attachment(type="sticker", media=_media(sticker, mime_type), caption=sticker.emoji)
    # Nothing that shows pictures can show gzipped Lottie; its thumbnail is what people can see.
    if still := sticker.thumbnail:
        media = Media(
            ref=still.file_id,
            size=still.file_size,
            width=still.width or None,
            height=still.height or None,
        )
        return Attachment(type="sticker", media=media, caption=sticker.emoji)
    if sticker.emoji:
        return Text(text=sticker.emoji)
    return UnsupportedContent(provider_type="sticker")


def _venue(venue: Venue, _: Message) -> Content:
    return Location(
        latitude=venue.location.latitude,
        longitude=venue.location.longitude,
        name=venue.title or None,
        address=venue.address or None,
    )


def _location(place: WireLocation, _: Message) -> Content:
    live = True if place.live_period else None
    return Location(latitude=place.latitude, longitude=place.longitude, live=live)


def _contact(contact: SharedContact, _: Message) -> Content:
    # Some clients leave the plus out, although the number is international.
    number = to_e164(contact.phone_number, international=True) or contact.phone_number.strip()
    name = f"{contact.first_name} {contact.last_name or ''}".strip()
    return Contacts(contacts=(Card(name=name or number, phones=(number,)),))


def _poll(poll: Poll, _: Message) -> Content:
    options = [f"{number}. {option.text}" for number, option in enumerate(poll.options, start=1)]
    return Text(text="\n".join([f"📊 {poll.question}", *options]))


def _dice(dice: Dice, _: Message) -> Content:
    return Text(text=f"{dice.emoji} {dice.value}")


def _rich_message(rich: RichMessage, _: Message) -> Content:
    words = words_of(rich.blocks)
    return Text(text=words) if words else UnsupportedContent(provider_type="rich_message")


def _users_shared(shared: UsersShared, _: Message) -> Content:
    return System(event="users_shared", detail=", ".join(str(u.user_id) for u in shared.users))


def _chat_shared(shared: ChatShared, _: Message) -> Content:
    return System(event="chat_shared", detail=str(shared.chat_id))


def _web_app_data(data: WebAppData, _: Message) -> Content:
    return Text(text=data.data)


def _joined(members: tuple[User, ...], _: Message) -> Content:
    return System(event="joined", detail=", ".join(m.name or str(m.id) for m in members))


def _left(member: User, _: Message) -> Content:
    return System(event="left", detail=member.name or str(member.id))


#: How each key of a message is read, in the order of testing: an animation is given as a
#: document too, a live photo as a photo, a venue as a location - Bot API, "Message".
_READERS: Final[Mapping[str, Callable[[Any, Message], Content]]] = {
    "animation": _animation,
    "live_photo": _live_photo,
    "venue": _venue,
    "photo": _photo,
    "voice": _voice,
    "audio": _audio,
    "video": _video,
    "video_note": _video_note,
    "document": _document,
    "sticker": _sticker,
    "location": _location,
    "contact": _contact,
    "poll": _poll,
    "dice": _dice,
    "rich_message": _rich_message,
    "users_shared": _users_shared,
    "chat_shared": _chat_shared,
    "web_app_data": _web_app_data,
    "new_chat_members": _joined,
    "left_chat_member": _left,
}


def _media(file: FileLike, mime_type: str | None = None) -> Media:
    return Media(
        ref=file.file_id,
        mime_type=file.mime_type or mime_type,
        filename=file.file_name,
        size=file.file_size,
        width=file.width,
        height=file.height,
        duration_ms=file.duration * 1000 if file.duration is not None else None,
    )


def _other(message: Message) -> Content | Ignored:
    keys = [key for key in message.model_extra or () if key not in ENVELOPE]
    service = next((key for key in keys if key in SERVICE), None)
    if service:
        return Ignored(reason=f"Nobody said anything: the service tells of {service}.")
    return UnsupportedContent(provider_type=keys[0][:64] if keys else "message")
