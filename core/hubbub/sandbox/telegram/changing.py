"""Do to messages what a bot may do beside sending them: edit, delete, react, answer, type."""

import time
from typing import Final

from hubbub.sandbox.journal import Sent
from hubbub.sandbox.telegram.cloud import Cloud
from hubbub.sandbox.telegram.markup import inline_part, read_markup
from hubbub.sandbox.telegram.params import Params
from hubbub.sandbox.telegram.refusal import bad
from hubbub.sandbox.telegram.state import Bot, Chat
from hubbub.sandbox.telegram.text import caption, message_text
from hubbub.sandbox.wsgi import Json

_TYPING_SECONDS: Final = 5.0
_QUERY_SECONDS: Final = 150.0
_DELETE_SECONDS: Final = 48 * 3600
_DELETE_AT_ONCE: Final = 100
_ACTIONS: Final = frozenset(
    {
        "typing",
        "upload_photo",
        "record_video",
        "upload_video",
        "record_voice",
        "upload_voice",
        "upload_document",
        "choose_sticker",
        "find_location",
        "record_video_note",
        "upload_video_note",
    }
)


def edit_text(cloud: Cloud, bot: Bot, params: Params) -> Json:
    """Carry out ``editMessageText``."""
    return _edit(cloud, bot, params, "editMessageText", message_text(params))


def edit_caption(cloud: Cloud, bot: Bot, params: Params) -> Json:
    """Carry out ``editMessageCaption``."""
    return _edit(cloud, bot, params, "editMessageCaption", {"caption": ""} | caption(params))


def edit_markup(cloud: Cloud, bot: Bot, params: Params) -> Json:
    """Carry out ``editMessageReplyMarkup``."""
    return _edit(cloud, bot, params, "editMessageReplyMarkup", {})


def delete_message(cloud: Cloud, bot: Bot, params: Params) -> bool:
    """Carry out ``deleteMessage``."""
    with cloud.world.lock:
        chat = cloud.open_chat(bot, params)
        message = chat.messages.get(params.number("message_id"))
        if message is None:
            raise bad("message to delete not found")
        if time.time() - message["date"] > _DELETE_SECONDS:
            raise bad("message can't be deleted for everyone")
        del chat.messages[message["message_id"]]
        _note(cloud, bot, chat, params, operation="deleteMessage", message_id=message["message_id"])
        return True


def delete_messages(cloud: Cloud, bot: Bot, params: Params) -> bool:
    """Carry out ``deleteMessages``; unknown ones are passed over."""
    numbers = params.sequence("message_ids") or []
    if not 1 <= len(numbers) <= _DELETE_AT_ONCE:
        raise bad("too many or no message identifiers specified")
    with cloud.world.lock:
        chat = cloud.open_chat(bot, params)
        for number in numbers:
            if chat.messages.pop(int(number), None) is not None:
                _note(cloud, bot, chat, params, operation="deleteMessages", message_id=int(number))
    return True


def react(cloud: Cloud, bot: Bot, params: Params) -> bool:
    """Carry out ``setMessageReaction``."""
    with cloud.world.lock:
        chat = cloud.open_chat(bot, params)
        number = params.number("message_id")
        if number not in chat.messages:
            raise bad("message to react not found")
        wanted = params.sequence("reaction") or []
        if len(wanted) > 1:
            raise bad("REACTIONS_TOO_MANY")
        emoji = str(wanted[0].get("emoji", "")) if wanted else ""
        chat.reactions[number] = emoji
        _note(
            cloud, bot, chat, params, operation="setMessageReaction", message_id=number, text=emoji
        )
        return True


def answer_query(cloud: Cloud, bot: Bot, params: Params) -> bool:
    """Carry out ``answerCallbackQuery``."""
    query = params.text("callback_query_id")
    with cloud.world.lock:
        made = bot.queries.pop(query, 0.0)
    if time.time() - made > _QUERY_SECONDS:
        raise bad("query is too old and response timeout expired or query ID is invalid")
    cloud.world.sent.add(
        Sent(
            provider="telegram",
            endpoint=str(bot.id),
            operation="answerCallbackQuery",
            kind="action",
            address="",
            external_id=query,
            text=params.text("text"),
            params=dict(params.values),
        )
    )
    return True


def chat_action(cloud: Cloud, bot: Bot, params: Params) -> bool:
    """Carry out ``sendChatAction``."""
    chat = cloud.open_chat(bot, params)
    if params.text("action") not in _ACTIONS:
        raise bad("wrong parameter action in request")
    chat.typing_until = time.time() + _TYPING_SECONDS
    _note(
        cloud,
        bot,
        chat,
        params,
        operation="sendChatAction",
        message_id=0,
        text=params.text("action"),
    )
    return True


def get_chat(cloud: Cloud, bot: Bot, params: Params) -> Json:
    """Carry out ``getChat``."""
    return dict(cloud.find_chat(bot, params).about)


def _edit(cloud: Cloud, bot: Bot, params: Params, operation: str, content: Json) -> Json:
    with cloud.world.lock:
        chat = cloud.open_chat(bot, params)
        message = chat.messages.get(params.number("message_id"))
        if message is None:
            raise bad("message to edit not found")
        if message["from"]["id"] != bot.id:
            raise bad("message can't be edited")
        # Buttons go unless they are sent again.
        bare = {key: value for key, value in message.items() if key not in _replaced(content)}
        edited = bare | content | inline_part(read_markup(params))
        if {**edited, "edit_date": 0} == {**message, "edit_date": 0}:
            raise bad(
                "message is not modified: specified new message content and reply markup are "
                "exactly the same as a current content and reply markup of the message"
            )
        edited["edit_date"] = int(time.time())
        chat.messages[edited["message_id"]] = edited
        text = edited.get("text") or edited.get("caption", "")
        _note(
            cloud,
            bot,
            chat,
            params,
            operation=operation,
            message_id=edited["message_id"],
            text=text,
        )
        return edited


def _replaced(content: Json) -> frozenset[str]:
    entities = {"text": "entities", "caption": "caption_entities"}
    return frozenset({"reply_markup", *content, *(entities.get(key, "") for key in content)})


def _note(
    cloud: Cloud,
    bot: Bot,
    chat: Chat,
    params: Params,
    *,
    operation: str,
    message_id: int = 0,
    text: str = "",
) -> None:
    cloud.world.sent.add(
        Sent(
            provider="telegram",
            endpoint=str(bot.id),
            operation=operation,
            kind="action",
            address=str(chat.id),
            external_id=f"{chat.id}:{message_id}" if message_id else "",
            text=text,
            params=dict(params.values),
        )
    )
