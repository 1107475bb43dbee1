"""Describe the form that connects a bot, and validate what is entered."""

from typing import Any, Final
from urllib.parse import urlsplit

from pydantic import Field, field_validator

from hubbub.sdk import Fields
from hubbub_chatbot.signature import key_of

_SECRET: Final[dict[str, Any]] = {"writeOnly": True, "format": "password"}


class ChatbotFields(Fields):
    """Where the bot is, and how long it may take."""

    url: str = Field(
        title="URL",
        description="Your bot gets every message here, as a POST with JSON.",
        max_length=2000,
        json_schema_extra={"format": "uri"},
    )
    secret: str = Field(
        title="Signing secret",
        description="whsec_ and Base64, or any text of at least 16 characters.",
        max_length=500,
        repr=False,
        json_schema_extra=_SECRET,
    )
    timeout_seconds: float = Field(
        10, gt=0, le=60, title="Seconds to answer", description="How long a request may take."
    )
    wait_seconds: float = Field(
        60,
        gt=0,
        le=86_400,
        title="Seconds to answer later",
        description="After a 202: how long the callback is open before the fallback acts.",
    )

    @field_validator("url")
    @classmethod
    def _is_a_web_address(cls, value: str) -> str:
        if not value.isprintable() or " " in value:
            raise ValueError("A URL has no blanks.")
        parts = urlsplit(value)
        if parts.scheme not in {"http", "https"} or not parts.hostname:
            raise ValueError("Write the whole URL, such as https://bot.example.com/messages")
        if parts.username is not None or parts.password is not None:
            raise ValueError("A URL is no place for a password: check the signature instead.")
        return value

    @field_validator("secret")
    @classmethod
    def _is_a_key(cls, value: str) -> str:
        key_of(value)
        return value
