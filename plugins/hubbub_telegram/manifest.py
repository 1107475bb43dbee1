"""Describe the channel type: what it can do, how it looks, how it is set up."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Final

from hubbub.sdk import Capabilities, Component, Limit, MediaRule, SetupStep
from hubbub_telegram.buttons import OPTIONS
from hubbub_telegram.fields import TelegramConnection

_UPDATES: Final = (
    "message",
    "edited_message",
    "callback_query",
    "my_chat_member",
    "message_reaction",
)
_BUSINESS: Final = (
    "business_connection",
    "business_message",
    "edited_business_message",
    "deleted_business_messages",
)

#: Bytes that a bot may upload, may upload as a photo, and may fetch - Bot API, "Sending files".
UPLOAD: Final = 50_000_000
PHOTO: Final = 10_000_000
DOWNLOAD: Final = 20 * 1024 * 1024

CAPABILITIES: Final = Capabilities(
    inbound=frozenset(
        {
            "text",
            "image",
            "audio",
            "voice",
            "video",
            "document",
            "sticker",
            "location",
            "contacts",
            "reaction",
            "choice",
            "system",
            "unsupported",
        }
    ),
    outbound=frozenset(
        {
            "text",
            "image",
            "audio",
            "voice",
            "video",
            "document",
            "sticker",
            "location",
            "contacts",
            "reaction",
            "choices",
        }
    ),
    # The server counts code points, its clients UTF-16 units: the latter is safe under both.
    text_limit=4096,
    text_unit="utf16",
    caption_limit=1024,
    media={
        "image": MediaRule(
            max_size=PHOTO,
            mime_types=frozenset({"image/jpeg", "image/png", "image/webp", "image/gif"}),
        ),
        "audio": MediaRule(
            max_size=UPLOAD, mime_types=frozenset({"audio/mpeg", "audio/mp4", "audio/x-m4a"})
        ),
        "voice": MediaRule(
            max_size=UPLOAD,
            mime_types=frozenset({"audio/ogg", "audio/mpeg", "audio/mp4", "audio/x-m4a"}),
        ),
        "video": MediaRule(max_size=UPLOAD, mime_types=frozenset({"video/mp4"})),
        "document": MediaRule(max_size=UPLOAD),
        "sticker": MediaRule(
            max_size=UPLOAD,
            mime_types=frozenset({"image/webp", "application/x-tgsticker", "video/webm"}),
        ),
    },
    options=OPTIONS,
    replies=True,
    # A bot cannot open a conversation: the person must write first.
    initiates=False,
    limits=(
        # Telegram names about 30 a second and one a second in a chat; exact numbers are not fixed.
        Limit(scope="channel", count=25, per=timedelta(seconds=1), burst=5),
        Limit(scope="address", count=1, per=timedelta(seconds=1), burst=3),
        Limit(scope="address", count=20, per=timedelta(minutes=1), burst=3, only="-"),
    ),
    registers_webhook=True,
)


def updates(connection: TelegramConnection) -> list[str]:
    """Return the kinds of update that the hub asks for.

    Always the whole list: a kind that is left out of ``allowed_updates`` is switched off, and no
    list at all leaves things as they were - Bot API, "setWebhook".
    """
    return [*_UPDATES, *(_BUSINESS if connection.fields.settings.business else ())]


SETUP_STEPS: Final = (
    SetupStep(
        title="Create a bot",
        text="In Telegram, open the chat with @BotFather, send /newbot and answer its questions. "
        "For a bot that exists, send /mybots, choose it and press API Token.",
        link="https://t.me/BotFather",
    ),
    SetupStep(
        title="Paste the token",
        text="Copy the HTTP API token from that chat into the form. Whoever has it owns the bot: "
        "if it was seen by others, send /revoke to @BotFather first and use the new one.",
    ),
    SetupStep(
        title="Decide about groups",
        text="A bot can be added to groups by anybody. If the hub should stay out of them, send "
        "/setjoingroups to @BotFather; if it should take part, switch groups on in the form and "
        "send /setprivacy, because otherwise the bot sees only commands and replies to it.",
    ),
    SetupStep(
        title="Write to the bot",
        text="Open the bot in Telegram, press Start and write something. People must write first: "
        "a bot cannot open a conversation.",
        link="https://t.me/{username}",
        at="test",
    ),
)
CHANGES: Final = (
    "Telegram is told to send the bot's messages to this hub.",
    "Another program that received them until now gets no more.",
)
COMPONENTS: Final[Mapping[str, Component]] = {
    "webhook_url": "webhook",
    "webhook_errors": "webhook",
    "allowed_updates": "inbound",
    "groups": "inbound",
}

ICON: Final = (
    '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 24 24" width="24" height="24">'
    '<circle cx="12" cy="12" r="11" fill="#2f8fd0"/>'
    '<path fill="#fff" d="M18.6 6.2 4.8 11.6l4.3 1.7 1.7 4.9 2.5-2.9 3.3 2.5z"/>'
    '<path fill="#2f8fd0" d="m9.9 13.2 6.3-4.9-4.9 6-.4 2.2z"/>'
    "</svg>"
)
