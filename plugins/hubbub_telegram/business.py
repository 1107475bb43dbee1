"""Read what is written to Telegram Business accounts that let the bot answer for them.

Source: Bot API, "BusinessConnection". There the customer writes to the account, not to the bot, so
the address names both: ``<customer>@<business connection>``.
"""

from collections.abc import Iterator
from typing import Final

from hubbub.sdk import Event, MessageDeleted
from hubbub_telegram.about import About
from hubbub_telegram.addresses import external_id
from hubbub_telegram.wire import BusinessConnection, DeletedMessages, Message

OFF: Final = "Telegram Business is switched off for this channel."


def not_for_us(message: Message, about: About) -> str | None:
    """Return why a message in a business chat is none to us, or None."""
    if not about.business:
        return OFF
    if message.sender_business_bot:
        return "The bot wrote it for the business account."
    if message.sender and message.sender.id != message.chat.id:
        return "The owner of the business account wrote it."
    return None


def deleted(gone: DeletedMessages, about: About) -> Iterator[Event]:
    """Yield each message that was taken back: only business chats tell of that."""
    if not about.business:
        yield about.ignored(OFF)
        return
    if not gone.message_ids:
        yield about.ignored("It names no message.")
    for number in gone.message_ids:
        yield MessageDeleted(
            key=f"{about.key}:{number}",
            external_id=external_id(gone.chat.id, number, gone.business_connection_id),
        )


def connected(connection: BusinessConnection, about: About) -> Event:
    """Return what is worth knowing of an account that let the bot in, or shut it out."""
    if not about.business:
        return about.ignored(OFF)
    done = "lets the bot answer" if connection.is_enabled else "no longer lets the bot answer"
    return about.ignored(f"The business account {connection.user.name or 'of somebody'} {done}.")
