"""Speak the protocol of Telegram bots. Source: Bot API 10.1."""

import hmac
from collections.abc import Iterable
from typing import ClassVar

from hubbub.sdk import (
    Accept,
    Accepted,
    Call,
    Capabilities,
    ChannelType,
    Checked,
    Draft,
    Event,
    Exchange,
    FetchedMedia,
    Part,
    Reject,
    SetupStep,
    Verdict,
)
from hubbub_telegram import manifest, upkeep
from hubbub_telegram.addresses import given_address
from hubbub_telegram.fields import TelegramConnection, TelegramFields, bot_id
from hubbub_telegram.parse import events_of
from hubbub_telegram.send import deliver, sayable

_SECRET = "x-telegram-bot-api-secret-token"  # noqa: S105  # a header's name


class Telegram(ChannelType[TelegramFields]):
    """A Telegram bot."""

    type = "telegram"
    label = "Telegram"
    description = "A bot that people write to in Telegram, and in groups if you like."
    icon = manifest.ICON
    fields = TelegramFields
    capabilities: ClassVar[Capabilities] = manifest.CAPABILITIES
    group = "messaging"
    needs = ("Telegram on a phone or computer",)
    minutes = 3
    setup_steps: ClassVar[tuple[SetupStep, ...]] = manifest.SETUP_STEPS
    changes = manifest.CHANGES
    components = manifest.COMPONENTS

    def account(self, connection: TelegramConnection) -> str:
        """Return the bot's user id: two channels would steal each other's updates."""
        return bot_id(connection)

    def address(self, text: str, connection: TelegramConnection) -> str:
        """Return a chat's number, with topic or business account, or the name of a public chat."""
        del connection
        return given_address(text)

    def sender(self, connection: TelegramConnection) -> str | None:
        """Return the name under which people find the bot."""
        name = connection.facts.get("username")
        return f"@{name}" if name else None

    def verify(self, call: Call, connection: TelegramConnection) -> Verdict:
        """Compare the secret that Telegram repeats to us from ``setWebhook``."""
        if call.method.upper() != "POST":
            return Reject("Telegram calls by POST only.")
        given = call.headers.get(_SECRET)
        if not given:
            return Reject("The header X-Telegram-Bot-Api-Secret-Token is missing.")
        secret = connection.webhook_secret.encode()
        if not hmac.compare_digest(given.encode(errors="replace"), secret):
            return Reject("The header X-Telegram-Bot-Api-Secret-Token is not ours.")
        # A body could be taken for a method to run, so there is none.
        return Accept()

    def parse(self, call: Call, connection: TelegramConnection) -> Iterable[Event]:
        """Yield what the one update in ``call`` says."""
        return events_of(call, connection)

    def render(self, draft: Draft, part: Part, connection: TelegramConnection) -> tuple[Part, ...]:
        """Return ``draft`` as parts that are one message each."""
        parts: list[Part] = []
        for content in sayable(draft.content):
            quoted = None if parts else draft.reply_to_external_id
            piece = Draft(content=content, reply_to_external_id=quoted)
            parts += super().render(piece, part, connection)
        return tuple(parts)

    def send(self, part: Part, connection: TelegramConnection) -> Exchange[Accepted]:
        """Send one part in one message."""
        return deliver(part, connection)

    def check(self, connection: TelegramConnection) -> Exchange[Checked]:
        """Ask Telegram about the token and, where it calls us, about the webhook."""
        return upkeep.check(connection)

    def setup(self, connection: TelegramConnection) -> Exchange[Checked]:
        """Register our webhook, or make way for polling."""
        return upkeep.setup(connection)

    def teardown(self, connection: TelegramConnection) -> Exchange[None]:
        """Remove the webhook if it is still ours."""
        return upkeep.teardown(connection)

    def fetch_media(self, ref: str, connection: TelegramConnection) -> Exchange[FetchedMedia]:
        """Fetch a file by its ``file_id``."""
        return upkeep.fetch(ref, connection)

    def wants_ack(self, call: Call) -> bool:
        """Say whether ``call`` tells of a pressed button, which spins until it is answered."""
        return upkeep.pressed(call) is not None

    def acknowledge(self, call: Call, connection: TelegramConnection) -> Exchange[None]:
        """Answer a pressed button."""
        return upkeep.acknowledge(call, connection)

    def typing(
        self, address: str, external_id: str, connection: TelegramConnection
    ) -> Exchange[None]:
        """Show that somebody is writing."""
        del external_id
        return upkeep.typing(address, connection)
