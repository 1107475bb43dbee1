"""Send messages as a bot: every ``send...`` method."""

import time
from collections.abc import Callable
from typing import Final, TypeAlias

from hubbub.sandbox.journal import Sent
from hubbub.sandbox.telegram.access import throttle
from hubbub.sandbox.telegram.cloud import Cloud
from hubbub.sandbox.telegram.markup import inline_part, read_markup, show_keyboard
from hubbub.sandbox.telegram.media import media_content
from hubbub.sandbox.telegram.params import Params
from hubbub.sandbox.telegram.refusal import bad
from hubbub.sandbox.telegram.state import Bot, Chat
from hubbub.sandbox.telegram.text import caption, message_text
from hubbub.sandbox.wsgi import Json

Content: TypeAlias = Callable[[Cloud, Bot, Params], Json]

_ALBUM_KINDS: Final = ("photo", "video", "audio", "document")
_VCARD_LIMIT: Final = 2048
_LATITUDE: Final = 90
_LONGITUDE: Final = 180


def send(cloud: Cloud, bot: Bot, params: Params, operation: str) -> Json:
    """Carry out one ``send...`` method and return the message."""
    chat = cloud.open_chat(bot, params)
    content = CONTENTS[operation](cloud, bot, params)
    with cloud.world.lock:
        throttle(bot, chat, cloud.world.rules)
        markup = read_markup(params)
        message = _message(bot, chat, params, content) | inline_part(markup)
        show_keyboard(chat, markup)
        return _record(cloud, bot, chat, message, params=params, operation=operation)


def send_media_group(cloud: Cloud, bot: Bot, params: Params) -> list[Json]:
    """Send an album: two to ten messages that belong together."""
    chat = cloud.open_chat(bot, params)
    items = params.sequence("media") or []
    if not 2 <= len(items) <= 10:  # noqa: PLR2004  # the Bot API's album
        raise bad("group send failed: an album has 2 to 10 items")
    kinds = {str(item.get("type")) for item in items}
    if not kinds <= set(_ALBUM_KINDS) or (kinds & {"audio", "document"} and len(kinds) > 1):
        raise bad("group send failed: these kinds of media can't be mixed in an album")
    contents = [_album_item(cloud, bot, params, item) for item in items]
    with cloud.world.lock:
        throttle(bot, chat, cloud.world.rules)
        group = {"media_group_id": str(time.time_ns())}
        messages = [_message(bot, chat, params, content | group) for content in contents]
        return [
            _record(cloud, bot, chat, message, params=params, operation="sendMediaGroup")
            for message in messages
        ]


def _album_item(cloud: Cloud, bot: Bot, params: Params, item: Json) -> Json:
    own = Params(item)
    content = media_content(cloud.world, bot, params, str(item["type"]), own.text("media"))
    return content | caption(own)


def _message(bot: Bot, chat: Chat, params: Params, content: Json) -> Json:
    message: Json = {
        "message_id": 0,
        "from": bot.me(),
        "chat": chat.about,
        "date": int(time.time()),
    }
    thread = params.number("message_thread_id")
    if thread:
        message |= {"message_thread_id": thread, "is_topic_message": True}
    return message | _quoted(chat, params) | content


def _quoted(chat: Chat, params: Params) -> Json:
    reply = params.mapping("reply_parameters")
    if reply is None:
        legacy = params.number("reply_to_message_id")
        reply = {"message_id": legacy} if legacy else {}
    if not reply:
        return {}
    target = chat.messages.get(int(reply.get("message_id", 0)))
    if target is not None:
        bare = {key: value for key, value in target.items() if key != "reply_to_message"}
        return {"reply_to_message": bare}
    if reply.get("allow_sending_without_reply") or params.flag("allow_sending_without_reply"):
        return {}
    raise bad("message to be replied not found")


def _record(
    cloud: Cloud, bot: Bot, chat: Chat, message: Json, *, params: Params, operation: str
) -> Json:
    message["message_id"] = chat.new_id()
    chat.typing_until = 0.0
    cloud.world.sent.add(
        Sent(
            provider="telegram",
            endpoint=str(bot.id),
            operation=operation,
            kind="message",
            address=str(chat.id),
            external_id=f"{chat.id}:{message['message_id']}",
            text=message.get("text") or message.get("caption", ""),
            params=dict(params.values),
        )
    )
    return chat.keep(message)


def _text(_cloud: Cloud, _bot: Bot, params: Params) -> Json:
    return message_text(params)


def _media(kind: str) -> Content:
    def content(cloud: Cloud, bot: Bot, params: Params) -> Json:
        words = {} if kind in {"sticker", "video_note"} else caption(params)
        return media_content(cloud.world, bot, params, kind) | words

    return content


def _location(_cloud: Cloud, _bot: Bot, params: Params) -> Json:
    latitude, longitude = params.real("latitude"), params.real("longitude")
    if abs(latitude) > _LATITUDE or abs(longitude) > _LONGITUDE:
        raise bad("wrong latitude or longitude specified")
    return {"location": {"latitude": latitude, "longitude": longitude}}


def _venue(cloud: Cloud, bot: Bot, params: Params) -> Json:
    place = _location(cloud, bot, params)
    title, address = params.text("title"), params.text("address")
    if not title or not address:
        raise bad("venue title and address must be non-empty")
    return {"venue": {**place, "title": title, "address": address}, **place}


def _contact(_cloud: Cloud, _bot: Bot, params: Params) -> Json:
    number, first_name = params.text("phone_number"), params.text("first_name")
    if not number:
        raise bad("phone number must be non-empty")
    if not first_name:
        raise bad("first name must be non-empty")
    if len(params.text("vcard").encode()) > _VCARD_LIMIT:
        raise bad("vCard is too long")
    optional = {key: params.text(key) for key in ("last_name", "vcard") if params.text(key)}
    return {"contact": {"phone_number": number, "first_name": first_name, **optional}}


#: What each method puts into the message.
CONTENTS: Final[dict[str, Content]] = {
    "sendMessage": _text,
    "sendPhoto": _media("photo"),
    "sendVoice": _media("voice"),
    "sendAudio": _media("audio"),
    "sendVideo": _media("video"),
    "sendVideoNote": _media("video_note"),
    "sendAnimation": _media("animation"),
    "sendDocument": _media("document"),
    "sendSticker": _media("sticker"),
    "sendLocation": _location,
    "sendVenue": _venue,
    "sendContact": _contact,
}
