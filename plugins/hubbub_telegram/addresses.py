"""Write and read the ids that the hub keeps for Telegram's chats and messages."""

import re
from dataclasses import dataclass
from typing import Final, Protocol

from hubbub.sdk import BadAddress
from hubbub_telegram.wire import Chat

#: A chat, perhaps a topic of a forum in it, perhaps as a business account sees it.
_ADDRESS: Final = re.compile(r"(-?[0-9]{1,20})(?:/([0-9]{1,20}))?(?:@([\w-]{1,128}))?", re.ASCII)
_PUBLIC: Final = re.compile(r"@[A-Za-z][A-Za-z0-9_]{3,31}", re.ASCII)
_MESSAGE: Final = re.compile(r"(-?[0-9]{1,20})(?:@([\w-]{1,128}))?:([0-9]{1,20})", re.ASCII)


class _Placed(Protocol):
    @property
    def chat(self) -> Chat: ...
    @property
    def message_thread_id(self) -> int | None: ...
    @property
    def is_topic_message(self) -> bool: ...
    @property
    def business_connection_id(self) -> str | None: ...


@dataclass(frozen=True, kw_only=True)
class MessageId:
    """What names a message: its own number is unique within its chat only.

    A person has one chat with the bot, and another with each business account that it serves.
    """

    chat_id: int
    number: int
    business: str | None = None


def address_of(message: _Placed) -> str:
    """Return where to answer ``message``: ``chat``, ``chat/topic`` or ``chat@business``."""
    topic = f"/{message.message_thread_id}" if message.is_topic_message else ""
    return f"{message.chat.id}{topic}{_at(message.business_connection_id)}"


def given_address(text: str) -> str:
    """Return the address that somebody typed. Raises `BadAddress`."""
    address = text.strip()
    if _ADDRESS.fullmatch(address) or _PUBLIC.fullmatch(address):
        return address
    raise BadAddress(
        "On Telegram an address is the number of a chat, such as 123456789, or the @name of a "
        "public one."
    )


def target(address: str) -> dict[str, object]:
    """Return the parameters that send to ``address``; ``@name`` stays as it is."""
    found = _ADDRESS.fullmatch(address)
    if found is None:
        return {"chat_id": address}
    params: dict[str, object] = {"chat_id": int(found[1])}
    if found[2]:
        params["message_thread_id"] = int(found[2])
    if found[3]:
        params["business_connection_id"] = found[3]
    return params


def external_id(chat_id: int, number: int, business: str | None = None) -> str:
    """Return the id by which the hub knows a message."""
    return f"{chat_id}{_at(business)}:{number}"


def message_of(external: str) -> MessageId | None:
    """Return the message that `external_id` named, or None when it is no id of ours."""
    found = _MESSAGE.fullmatch(external)
    if found is None:
        return None
    return MessageId(chat_id=int(found[1]), number=int(found[3]), business=found[2])


def _at(business: str | None) -> str:
    return f"@{business}" if business else ""
