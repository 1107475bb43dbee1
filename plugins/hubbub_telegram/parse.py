"""Turn one update into events. Source: Bot API, "Update"."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Final

from pydantic import ValidationError

from hubbub.sdk import (
    AddressChanged,
    AddressState,
    Call,
    Choice,
    Content,
    Event,
    Ignored,
    MessageEdited,
    MessageReceived,
    Sender,
    Unreadable,
    UnsupportedContent,
)
from hubbub_telegram import business
from hubbub_telegram.about import CHANNEL_POST, About, known
from hubbub_telegram.addresses import address_of, external_id
from hubbub_telegram.commands import for_another_bot
from hubbub_telegram.content import content_of
from hubbub_telegram.fields import TelegramConnection
from hubbub_telegram.reactions import reacted
from hubbub_telegram.wire import (
    BusinessConnection,
    ButtonMessage,
    CallbackQuery,
    DeletedMessages,
    Message,
    MessageReaction,
    MyChatMember,
    Update,
    User,
    moment,
)

#: Kinds that we know and do not ask for, and why they are no message to us.
_NOT_FOR_US: Final = {
    "guest_message": "It was written in a chat that the bot is not part of.",
    "channel_post": CHANNEL_POST,
    "edited_channel_post": CHANNEL_POST,
    "message_reaction_count": "Counts of anonymous reactions name nobody.",
    "inline_query": "Inline queries are not part of this channel.",
    "chosen_inline_result": "Inline queries are not part of this channel.",
    "shipping_query": "Payments are not part of this channel.",
    "pre_checkout_query": "Payments are not part of this channel.",
    "purchased_paid_media": "Payments are not part of this channel.",
    "subscription": "Payments are not part of this channel.",
    "poll": "The state of a poll is no message.",
    "poll_answer": "Votes are not part of this channel.",
    "chat_member": "Who else belongs to a chat does not concern us.",
    "chat_join_request": "Requests to join are not part of this channel.",
    "chat_boost": "Boosts are no messages.",
    "removed_chat_boost": "Boosts are no messages.",
    "managed_bot": "Other bots are not part of this channel.",
    "stopped_message_generation": "Streamed answers are not part of this channel.",
}


def events_of(call: Call, connection: TelegramConnection) -> Iterator[Event]:
    """Yield what ``call`` says; never raise."""
    try:
        update = Update.from_body(call.body)
    except ValidationError as error:
        yield Unreadable(reason=_what_is_wrong(error))
        return
    yield from _events(update, known(update, connection))


def _events(update: Update, about: About) -> Iterator[Event]:
    match update:
        case Update(message=Message() as message) | Update(business_message=Message() as message):
            yield _received(message, about)
        case (
            Update(edited_message=Message() as message)
            | Update(edited_business_message=Message() as message)
        ):
            yield _edited(message, about)
        case Update(callback_query=CallbackQuery() as query):
            yield _pressed(query, about)
        case Update(message_reaction=MessageReaction() as reaction):
            yield from reacted(reaction, about)
        case Update(my_chat_member=MyChatMember() as change):
            yield _membership(change, about)
        case Update(deleted_business_messages=DeletedMessages() as gone):
            yield from business.deleted(gone, about)
        case Update(business_connection=BusinessConnection() as connected):
            yield business.connected(connected, about)
        case _:
            yield _other(update, about)


def _received(message: Message, about: About) -> Event:
    if reason := _not_for_us(message, about):
        return about.ignored(reason)
    if moved := _migrated(message):
        return moved
    content = content_of(message, about.username)
    if isinstance(content, Ignored):
        return replace(content, key=about.key)
    return _said(message, content, about)


def _said(message: Message, content: Content, about: About) -> MessageReceived:
    private = message.chat.type == "private"
    return MessageReceived(
        key=about.key,
        sender=_writer(message),
        content=content,
        external_id=_id(message),
        provider_at=moment(message.date),
        reply_to_external_id=_quoted(message),
        reply_address=None if private else address_of(message),
        reply_name=None if private else message.chat.name,
    )


def _edited(message: Message, about: About) -> Event:
    if reason := _not_for_us(message, about):
        return about.ignored(reason)
    content = content_of(message, about.username)
    if isinstance(content, Ignored):
        return replace(content, key=about.key)
    return MessageEdited(
        key=about.key,
        external_id=_id(message),
        content=content,
        edited_at=moment(message.edit_date),
    )


def _pressed(query: CallbackQuery, about: About) -> Event:
    message = query.message
    if query.data is None:
        return about.ignored("The button starts a game and carries no choice of ours.")
    if message and (reason := about.outside(message.chat)):
        return about.ignored(reason)
    in_group = message is not None and message.chat.type != "private"
    return MessageReceived(
        key=about.key,
        sender=_presser(query),
        content=Choice(id=query.data, title=_title(query) or query.data),
        reply_to_external_id=_id(message) if message else None,
        reply_address=address_of(message) if message and in_group else None,
        reply_name=message.chat.name if message and in_group else None,
    )


def _membership(change: MyChatMember, about: About) -> Event:
    chat, now = change.chat, change.new_chat_member
    if reason := about.outside(chat):
        return about.ignored(reason)
    gone = now.status in {"kicked", "left"} or not now.is_member
    reason = ""
    if gone and chat.type == "private":
        reason = "The person blocked the bot."
    elif gone:
        reason = "The bot was removed from the group."
    return AddressChanged(
        key=about.key,
        address=str(chat.id),
        state=AddressState.BLOCKED if gone else AddressState.OK,
        reason=reason,
    )


def _other(update: Update, about: About) -> Event:
    kinds = list(update.model_extra or ())
    if not kinds:
        return about.ignored("The update holds nothing.")
    kind = next((name for name in kinds if name in _NOT_FOR_US), kinds[0])
    if kind in _NOT_FOR_US:
        return about.ignored(_NOT_FOR_US[kind])
    message = _as_message((update.model_extra or {})[kind])
    name = kind[:64]
    if message is None:
        return about.ignored(f"Telegram's update kind {name!r} is new to this version of the hub.")
    if reason := _not_for_us(message, about):
        return about.ignored(reason)
    return _said(message, UnsupportedContent(provider_type=name), about)


def _as_message(value: object) -> Message | None:
    try:
        return Message.model_validate(value)
    except ValidationError:
        return None


def _not_for_us(message: Message, about: About) -> str | None:
    if reason := about.outside(message.chat):
        return reason
    if message.business_connection_id:
        return business.not_for_us(message, about)
    # Whom a channel or an anonymous administrator writes as is a bot by name only.
    if message.sender and message.sender.is_bot and not message.sender_chat:
        return "A bot wrote it."
    if message.via_bot and str(message.via_bot.id) == about.bot_id:
        return "It came by way of this very bot."
    if message.chat.type != "private" and for_another_bot(
        message.text or "", message.entities, about.username
    ):
        return "The command is addressed to another bot."
    return None


def _migrated(message: Message) -> AddressChanged | None:
    here = message.chat.id
    old, new = message.migrate_from_chat_id or here, message.migrate_to_chat_id or here
    if old == new:
        return None
    # Both chats tell of it, in two updates: one key makes it one event.
    return AddressChanged(key=f"moved:{old}:{new}", address=str(old), moved_to=str(new))


def _writer(message: Message) -> Sender:
    if message.sender_chat:
        return Sender(address=str(message.sender_chat.id), name=message.sender_chat.name)
    if message.sender and not message.business_connection_id:
        return _person(message.sender)
    return Sender(address=address_of(message), name=message.chat.name)


def _id(message: Message | ButtonMessage) -> str:
    return external_id(message.chat.id, message.message_id, message.business_connection_id)


def _person(user: User) -> Sender:
    return Sender(address=str(user.id), name=user.name)


def _quoted(message: Message) -> str | None:
    quoted = message.reply_to_message
    # In a forum every message answers the one that opened its topic, unless it answers another.
    if quoted is None or quoted.message_id == message.message_thread_id:
        return None
    return external_id(message.chat.id, quoted.message_id, message.business_connection_id)


def _presser(query: CallbackQuery) -> Sender:
    message = query.message
    if message and message.business_connection_id:
        return Sender(address=address_of(message), name=query.sender.name)
    return _person(query.sender)


def _title(query: CallbackQuery) -> str | None:
    if query.message is None or query.message.reply_markup is None:
        return None
    buttons = (button for row in query.message.reply_markup.inline_keyboard for button in row)
    return next((button.text for button in buttons if button.callback_data == query.data), None)


def _what_is_wrong(error: ValidationError) -> str:
    """Name the first wrong field, without what it holds: that may be a customer's words."""
    first = error.errors(include_input=False, include_context=False, include_url=False)[0]
    if first["type"] == "json_invalid":
        return "The body is not JSON."
    where = ".".join(map(str, first["loc"])) or "the body"
    return f"The update is not as documented: {where}: {first['msg']}."
