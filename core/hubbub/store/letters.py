"""Know the letters that tell what no chat window has shown: by their key, and whom they go to."""

from typing import Any, Final

from sqlalchemy import Select, select

from hubbub.store.tables import Conversation, Message, table

_PREFIX: Final = "widget letter:"
_conversations = table(Conversation)
_messages = table(Message)


def letter_key(message_id: str) -> str:
    """Return the idempotency key of the letter whose last message is this one."""
    return f"{_PREFIX}{message_id}"


def letters_about(conversations: Select[Any]) -> Select[Any]:
    """Return the ids of the conversations that go on with one of these by letter."""
    told = select(_messages.c.id).where(
        _messages.c.conversation_id == _conversations.c.id,
        _messages.c.idempotency_key.startswith(_PREFIX),
    )
    return select(_conversations.c.id).where(
        _conversations.c.related_id.in_(conversations), told.exists()
    )
