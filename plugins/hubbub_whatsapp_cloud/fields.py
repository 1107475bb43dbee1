"""Describe the form that connects a WhatsApp number, and validate what is entered."""

from typing import Any, Final, TypeAlias
from urllib.parse import urlsplit

from pydantic import Field, field_validator, model_validator

from hubbub.sdk import ChannelSettings, Connection, Fields

API_BASE: Final = "https://graph.facebook.com"
#: The one that Meta's documentation uses; a version lives for about two years.
GRAPH_VERSION: Final = "v25.0"

_SECRET: Final[dict[str, Any]] = {"writeOnly": True, "format": "password"}
_ADVANCED: Final[dict[str, Any]] = {"advanced": True}


class Credentials(Fields):
    """What proves us to Meta, and Meta to us."""

    access_token: str = Field(
        title="Access token",
        description="Of a system user: Business settings > Users > System users > Generate token, "
        "with whatsapp_business_messaging and whatsapp_business_management.",
        min_length=1,
        repr=False,
        json_schema_extra=_SECRET,
    )
    app_secret: str = Field(
        title="App secret",
        description="App Dashboard > App settings > Basic. It signs webhooks.",
        min_length=1,
        repr=False,
        json_schema_extra=_SECRET,
    )

    @field_validator("access_token")
    @classmethod
    def _one_word(cls, value: str) -> str:
        # It becomes part of a header.
        if not (value.isascii() and value.isprintable() and " " not in value):
            raise ValueError("a token is one word, without blanks and line breaks")
        return value


class Settings(ChannelSettings):
    """Which number it is, and where Meta's API is."""

    phone_number_id: str = Field(
        title="Phone number ID",
        description="App Dashboard > WhatsApp > API Setup. It is not the phone number.",
    )
    business_account_id: str = Field(
        "",
        title="WhatsApp Business Account ID",
        description="On the same page. With it the hub subscribes to what the account hears.",
    )
    app_id: str = Field(
        "",
        title="App ID",
        description="App settings > Basic. With it a check also looks at the App secret and at "
        "how long the token lasts.",
    )
    graph_version: str = Field(
        GRAPH_VERSION,
        title="Graph API version",
        description=f"Such as {GRAPH_VERSION}.",
        json_schema_extra=_ADVANCED,
        pattern=r"^v[0-9]{1,3}\.[0-9]{1,2}$",
    )
    api_base: str = Field(
        API_BASE,
        title="API base URL",
        description="A proxy, or a simulator.",
        json_schema_extra=_ADVANCED,
    )

    @field_validator("phone_number_id", "business_account_id", "app_id", mode="before")
    @classmethod
    def _number_as_text(cls, value: object) -> object:
        return str(value) if type(value) is int else value

    @field_validator("phone_number_id")
    @classmethod
    def _an_id(cls, value: str) -> str:
        return _digits(value)

    @field_validator("business_account_id", "app_id")
    @classmethod
    def _an_id_or_nothing(cls, value: str) -> str:
        return _digits(value) if value else ""

    @field_validator("graph_version", mode="before")
    @classmethod
    def _default_version(cls, value: object) -> object:
        # A form sends an empty text for what was left out.
        return value or GRAPH_VERSION

    @field_validator("api_base")
    @classmethod
    def _web_address(cls, value: str) -> str:
        parts = urlsplit(value or API_BASE)
        plain = not (parts.query or parts.fragment or parts.username)
        if parts.scheme not in {"http", "https"} or not parts.hostname or not plain:
            raise ValueError(f"give an address such as {API_BASE}")
        return parts.geturl().rstrip("/")

    @model_validator(mode="after")
    def _not_swapped(self) -> "Settings":
        if self.phone_number_id == self.business_account_id:
            raise ValueError(
                "Phone number ID and WhatsApp Business Account ID are two different numbers"
            )
        return self


class WhatsAppFields(Fields):
    """All that the set-up form asks for."""

    credentials: Credentials
    settings: Settings


WhatsAppConnection: TypeAlias = Connection[WhatsAppFields]


def _digits(value: str) -> str:
    if not (value.isascii() and value.isdigit()):
        raise ValueError("an ID of Meta has digits only; a phone number with + is none")
    return value
