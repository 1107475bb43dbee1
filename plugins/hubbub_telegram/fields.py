"""Define what operators enter for a Telegram bot, and what follows from it."""

import re
from typing import Final, Literal, TypeAlias
from urllib.parse import urlsplit

from pydantic import Field, SecretStr, field_validator

from hubbub.sdk import ChannelSettings, Connection, Fields

API_BASE: Final = "https://api.telegram.org"
Mode: TypeAlias = Literal["webhook", "polling"]
_TOKEN: Final = re.compile(r"[0-9]{5,}:[A-Za-z0-9_-]{30,}")


class TelegramCredentials(Fields):
    """What proves to Telegram that we are the bot."""

    token: SecretStr = Field(
        title="HTTP API token",
        description="From the chat with @BotFather: /newbot, or /mybots > API Token.",
        json_schema_extra={
            "link": "https://t.me/BotFather",
            "looks_like": _TOKEN.pattern,
        },
    )

    @field_validator("token", mode="before")
    @classmethod
    def _like_a_token(cls, value: object) -> object:
        text = value.get_secret_value() if isinstance(value, SecretStr) else value
        if not isinstance(text, str):
            return value
        # Pasted from a chat, a token often brings blanks; those of a secret are not dropped for us.
        token = text.strip()
        if not _TOKEN.fullmatch(token):
            raise ValueError(
                "this is not a bot token, which looks like 123456789:AAE... (digits, a colon, at "
                "least 30 letters, digits, _ or -). Copy it again from @BotFather: /mybots > your "
                "bot > API Token"
            )
        return token


class TelegramSettings(ChannelSettings):
    """How the bot is reached and what it carries."""

    api_base: str = Field(
        API_BASE,
        title="API base URL",
        description="Another one for a self-hosted Bot API server, a proxy or a simulator.",
        json_schema_extra={"advanced": True},
    )
    mode: Mode | None = Field(
        None,
        title="How updates arrive",
        description="webhook: Telegram calls the hub, which needs a public https address. "
        "polling: the hub asks Telegram. Not set: webhook where the hub's address is https.",
    )
    allow_groups: bool = Field(
        default=False,
        title="Take part in groups",
        description="Also receive what is said in groups that the bot was added to.",
    )
    business: bool = Field(
        default=False,
        title="Answer for Telegram Business accounts",
        description="Also receive what is written to accounts whose owners connected the bot.",
    )
    parse_mode: Literal["none", "HTML"] = Field(
        "none",
        title="Formatting of outgoing text",
        description="none: as typed. HTML: Telegram's tags are formatting.",
    )

    @field_validator("mode", mode="before")
    @classmethod
    def _empty_is_unset(cls, value: object) -> object:
        # A form sends an empty text for what was not chosen.
        return None if value == "" else value

    @field_validator("api_base")
    @classmethod
    def _web_address(cls, value: str) -> str:
        parts = urlsplit(value or API_BASE)
        if parts.scheme not in {"http", "https"} or not parts.hostname:
            raise ValueError(f"it must be a web address such as {API_BASE}")
        if parts.query or parts.fragment or parts.username or parts.password:
            raise ValueError("it must have no user name, no query and no fragment")
        return parts.geturl().rstrip("/")


class TelegramFields(Fields):
    """The setup form of a Telegram channel."""

    credentials: TelegramCredentials
    settings: TelegramSettings = TelegramSettings.model_validate({})


TelegramConnection: TypeAlias = Connection[TelegramFields]


def mode_of(connection: TelegramConnection) -> Mode:
    """Return how updates arrive: as chosen, else by webhook where our address is https."""
    chosen = connection.fields.settings.mode
    if chosen is not None:
        return chosen
    # Telegram calls https addresses only - Bot API, "setWebhook".
    return "webhook" if connection.webhook_url.startswith("https://") else "polling"


def bot_id(connection: TelegramConnection) -> str:
    """Return the bot's user id, which is the part of its token before the colon."""
    return connection.fields.credentials.token.get_secret_value().partition(":")[0]
