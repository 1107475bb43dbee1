"""Decide whether a bot may write to a chat now."""

import math
import time

from hubbub.sandbox.config import Rules
from hubbub.sandbox.telegram.params import Params
from hubbub.sandbox.telegram.refusal import Refused, bad, forbidden, too_many
from hubbub.sandbox.telegram.state import Bot, Chat


def open_chat(bot: Bot, params: Params, *, rules: Rules, known: bool) -> Chat:
    """Return the chat that ``chat_id`` names, if the bot may write there.

    ``known`` says whether this person ever wrote to any bot.
    """
    chat = find_chat(bot, params, rules=rules, known=known)
    if chat.migrated_to is not None:
        text = "Bad Request: group chat was upgraded to a supergroup chat"
        raise Refused(400, text, {"migrate_to_chat_id": chat.migrated_to})
    match chat.state:
        case "blocked":
            raise forbidden("bot was blocked by the user")
        case "deactivated":
            raise forbidden("user is deactivated")
        case "kicked":
            raise forbidden(f"bot was kicked from the {chat.about.get('type')} chat")
        case _:
            return chat


def find_chat(bot: Bot, params: Params, *, rules: Rules, known: bool) -> Chat:
    """Return the chat that ``chat_id`` names, whatever its state."""
    raw = params.text("chat_id")
    if not raw:
        raise bad("chat_id is empty")
    chat_id = chat_number(raw)
    chat = bot.chats.get(chat_id) if chat_id is not None else None
    if chat is not None:
        return chat
    if chat_id is None or chat_id <= 0:
        raise bad("chat not found")
    if not rules.telegram_first_contact:
        return bot.chats.setdefault(chat_id, Chat({"id": chat_id, "type": "private"}))
    if known:
        raise forbidden("bot can't initiate conversation with a user")
    raise bad("chat not found")


def chat_number(raw: str) -> int | None:
    """Return a chat's id as a number; None for ``@name``, as the sandbox has no public groups."""
    try:
        return int(raw)
    except ValueError:
        return None


def throttle(bot: Bot, chat: Chat, rules: Rules) -> None:
    """Refuse what comes too fast, if the rules say so."""
    if not rules.telegram_rate_limits:
        return
    now = time.monotonic()
    wait = chat.bucket.wait(now) or bot.bucket.wait(now)
    if wait:
        raise too_many(math.ceil(wait))
