"""Say how a sandbox behaves: once at the start, and while it runs."""

from dataclasses import dataclass
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field


@dataclass(frozen=True, kw_only=True)
class SandboxConfig:
    """What is decided when a sandbox is made."""

    #: Where the hub is, for a link on the customer's page.
    hub_url: str = ""
    #: How the hub reaches the sandbox, for media URLs; learnt from requests where it is empty.
    base_url: str = ""
    #: How many webhooks are under way at once.
    connections: int = 20
    #: How many sent messages, and how many webhook calls, are remembered.
    keep: int = 200_000
    #: Seconds before the second repeat of a failed webhook of Telegram, Vonage and Meta, doubled
    #: each time; and before each repeat of the gateway.
    retry_base: float = 2.0


class Rules(BaseModel):
    """What may be switched while the sandbox runs."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    #: Refuse more than 30 messages a second for each bot, and 1 for each chat.
    telegram_rate_limits: bool = False
    #: Refuse messages to people who never wrote to the bot.
    telegram_first_contact: bool = True
    #: Let messages advance past ``queued`` and tell the StatusCallback so.
    twilio_receipts: bool = True
    #: Seconds from ``queued`` to ``sent``.
    twilio_sent_after: float = Field(0.3, ge=0)
    #: Seconds from ``queued`` to ``delivered``.
    twilio_delivered_after: float = Field(1.0, ge=0)
    #: Let the gateway's network report what became of messages.
    gateway_receipts: bool = True
    #: Seconds until the message centre has it.
    gateway_sent_after: float = Field(0.3, ge=0)
    #: Seconds until the phone has it.
    gateway_delivered_after: float = Field(1.0, ge=0)
    #: Let the message centre report what became of messages.
    smsc_receipts: bool = True
    #: Seconds until it is on its way.
    smsc_sent_after: float = Field(0.3, ge=0)
    #: Seconds until the phone has it.
    smsc_delivered_after: float = Field(1.0, ge=0)
    #: Let Vonage tell what became of messages.
    vonage_receipts: bool = True
    #: Seconds until the carrier has it.
    vonage_submitted_after: float = Field(0.3, ge=0)
    #: Seconds until the phone has it.
    vonage_delivered_after: float = Field(1.0, ge=0)
    #: Let Meta tell what became of messages.
    whatsapp_receipts: bool = True
    #: Seconds until Meta's server has it.
    whatsapp_sent_after: float = Field(0.3, ge=0)
    #: Seconds until the phone has it.
    whatsapp_delivered_after: float = Field(1.0, ge=0)
    #: When a closed window is told: by a status later, as usually; as an answer; never.
    whatsapp_window: Literal["later", "at_once", "off"] = "later"
    #: Seconds for which the address of a file is good.
    whatsapp_media_seconds: float = Field(300, ge=0)
    #: Let Meta tell of echoes and deliveries by itself.
    messenger_receipts: bool = True
    #: Seconds until the phone has it.
    messenger_delivered_after: float = Field(1.0, ge=0)
    #: Refuse messages to people who never wrote to the Page.
    messenger_first_contact: bool = True
    #: Refuse messages outside the window.
    messenger_window: bool = True
    #: Seconds for which the address of a file is good.
    messenger_media_seconds: float = Field(24 * 60 * 60, ge=0)
    #: Seconds until a bounce or an out-of-office answer comes.
    email_told_after: float = Field(0.3, ge=0)
    #: Bytes of a letter that the mail server takes at most.
    email_size_limit: int = Field(26_214_400, ge=0)
    #: Take addresses with letters beyond ASCII.
    email_smtputf8: bool = True
    #: Push what comes into a mailbox.
    email_idle: bool = True
    #: File what the hub sends among what was sent, as Google and Microsoft do.
    email_files_sent: bool = True
    #: Seconds for which an access token is good.
    email_token_seconds: float = Field(3599, ge=0)
