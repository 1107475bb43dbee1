"""Write and read the ids that the hub keeps for Telegram's chats and messages."""

import re
from typing import Final, Protocol

from hubbub_telegram.wire import Chat

#: A chat, or a topic of a forum in it.
_ADDRESS: Final = re.compile(r"(-?[0-9]{1,20})(?:/([0-9]{1,20}))?")
_MESSAGE: Final = re.compile(r"(-?[0-9]{1,20}):([0-9]{1,20})")


class _Placed(Protocol):
    @property
    def chat(self) -> Chat: ...
    @property
    def message_thread_id(self) -> int | None: ...
    @property
    def is_topic_message(self) -> bool: ...


def address_of(message: _Placed) -> str:
    """Return where to answer ``message``: its chat, or ``chat/topic`` in a forum."""
    if message.is_topic_message and message.message_thread_id:
        return f"{message.chat.id}/{message.message_thread_id}"
    return str(message.chat.id)


def target(address: str) -> dict[str, object]:
    """Return the parameters that send to ``address``; ``@name`` stays as it is."""
    found = _ADDRESS.fullmatch(address)
    if found is None:
        return {"chat_id": address}
    chat: dict[str, object] = {"chat_id": int(found[1])}
    return {**chat, "message_thread_id": int(found[2])} if found[2] else chat


def external_id(chat_id: int, message_id: int) -> str:
    """Return the id of a message: Telegram's own is unique within its chat only."""
    return f"{chat_id}:{message_id}"


def message_of(external: str) -> tuple[int, int] | None:
    """Return chat and message that `external_id` named, or None when it is no id of ours."""
    found = _MESSAGE.fullmatch(external)
    return (int(found[1]), int(found[2])) if found else None
