"""Show a chat as the customer sees it."""

import time
from typing import Final

from hubbub.sandbox.providers import Button, ChatView, Line, Picture, Skills
from hubbub.sandbox.telegram.customers import KINDS
from hubbub.sandbox.telegram.state import Bot, Chat
from hubbub.sandbox.world import World
from hubbub.sandbox.wsgi import Json

#: What a person can do in a chat with a bot.
_SKILLS: Final = Skills(
    quotes=True,
    edits=True,
    places=True,
    cards=True,
    reactions=("👍", "❤", "🔥", "😢"),
    kinds=KINDS,
)
_FILES = ("photo", "voice", "audio", "video", "video_note", "animation", "document", "sticker")


def chat_view(world: World, bot: Bot, address: int) -> ChatView:
    """Return what the person with this id sees of their chat with a bot."""
    with world.lock:
        chat = bot.chats.get(address)
        if chat is None:
            return ChatView(address=str(address), skills=_SKILLS)
        waiting = {
            pending.update[pending.kind].get("message_id")
            for pending in bot.pending.values()
            if pending.kind == "message" and pending.address == str(address)
        }
        lines = [_line(world, bot, chat, message, waiting) for message in chat.messages.values()]
        return ChatView(
            address=str(address),
            lines=tuple(lines),
            typing=chat.typing_until > time.time(),
            left=chat.state == "blocked",
            keyboard=chat.keyboard,
            skills=_SKILLS,
        )


def _line(world: World, bot: Bot, chat: Chat, message: Json, waiting: set[int | None]) -> Line:
    number = int(message["message_id"])
    mine = message.get("from", {}).get("id") != bot.id
    held = mine and number in waiting
    quoted = message.get("reply_to_message", {})
    return Line(
        id=str(number),
        mine=mine,
        at=float(message.get("date", 0)),
        text=message.get("text") or message.get("caption") or _in_words(message),
        pictures=_pictures(world, bot, message),
        buttons=_buttons(message),
        status=_status(mine=mine, held=held),
        problem=held and bot.last_error is not None,
        quote=quoted.get("text") or quoted.get("caption", ""),
        reaction=chat.reactions.get(number, "")
        + chat.customer_reactions.get((number, chat.id), ""),
        edited="edit_date" in message,
    )


def _status(*, mine: bool, held: bool) -> str:
    if not mine:
        return ""  # bots have no receipts
    return "waiting for the hub" if held else "the hub has it"


def _pictures(world: World, bot: Bot, message: Json) -> tuple[Picture, ...]:
    for kind in _FILES:
        about = message.get(kind)
        if not about:
            continue
        file_id = (about[-1] if isinstance(about, list) else about).get("file_id", "")
        stored = world.files.get(bot.files.get(file_id, ("", ""))[1])
        if stored is not None:
            return (Picture(stored.id, stored.name, stored.is_image),)
    return ()


def _buttons(message: Json) -> tuple[tuple[Button, ...], ...]:
    rows = message.get("reply_markup", {}).get("inline_keyboard", [])
    return tuple(
        tuple(
            Button(button.get("text", ""), button.get("callback_data", ""), button.get("url", ""))
            for button in row
        )
        for row in rows
    )


def _in_words(message: Json) -> str:
    if venue := message.get("venue"):
        return f"📍 {venue['title']}, {venue['address']}"
    if place := message.get("location"):
        return f"📍 {place['latitude']}, {place['longitude']}"
    if contact := message.get("contact"):
        return f"👤 {contact['first_name']}: {contact['phone_number']}"
    return ""
