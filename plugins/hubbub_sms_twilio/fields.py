"""Describe the form that connects a Twilio sender, and validate what is entered."""

from typing import Any, Final, TypeAlias
from urllib.parse import urlsplit

from pydantic import Field, field_validator, model_validator

from hubbub.sdk import ChannelSettings, Connection, Fields
from hubbub.sdk.sms import to_sender

API_BASE: Final = "https://api.twilio.com"
#: Messaging Services have a host of their own, which a proxy or simulator has not.
MESSAGING_BASE: Final = "https://messaging.twilio.com"

_CONSOLE: Final = "https://console.twilio.com"
_SECRET: Final[dict[str, Any]] = {"writeOnly": True, "format": "password"}
_ADVANCED: Final[dict[str, Any]] = {"advanced": True}


class Credentials(Fields):
    """What proves the account."""

    account_sid: str = Field(
        title="Account SID",
        description="In the Twilio console: Account Dashboard, Account Info.",
        pattern=r"^AC[0-9a-f]{32}$",
        json_schema_extra={"link": _CONSOLE, "looks_like": "AC[0-9a-f]{32}"},
    )
    auth_token: str = Field(
        title="Auth Token",
        description="Beside the Account SID. It signs webhooks, so an API key does not replace it.",
        min_length=1,
        repr=False,
        json_schema_extra={**_SECRET, "link": _CONSOLE, "looks_like": "[0-9a-f]{32}"},
    )
    auth_token_next: str = Field(
        "",
        title="Secondary Auth Token",
        description="While you rotate the Auth Token: webhooks signed with either are accepted.",
        repr=False,
        json_schema_extra={**_SECRET, **_ADVANCED},
    )
    signing_key: str = Field(
        "",
        title="Webhook SharedKey",
        description="Only if the account signs its webhooks with HMAC-SHA256.",
        repr=False,
        json_schema_extra={**_SECRET, **_ADVANCED},
    )


class Settings(ChannelSettings):
    """Who sends, and how."""

    api_base: str = Field(
        API_BASE,
        title="API base URL",
        description="Change it for another Twilio region, a proxy, or a simulator.",
        json_schema_extra=_ADVANCED,
    )
    from_number: str = Field(
        "",
        title="Phone number",
        description="With + and country code; or a short code; or a name that cannot be answered.",
        json_schema_extra={"looks_like": r"\+[1-9][0-9]{6,14}"},
    )
    messaging_service_sid: str = Field(
        "",
        title="Messaging Service SID",
        description="In place of the number, or with it: then the service sends from that number.",
        pattern=r"^(MG[0-9a-f]{32})?$",
        json_schema_extra={"looks_like": "MG[0-9a-f]{32}"},
    )
    smart_encoding: bool = Field(
        default=False,
        title="Smart Encoding",
        description="Twilio replaces curly quotes and the like: fewer segments.",
    )

    read_log: bool = Field(
        default=True,
        title="Fetch missed messages",
        description="Look into Twilio's log for what came while the hub could not be reached.",
    )

    @field_validator("api_base")
    @classmethod
    def _tidy_base(cls, value: str) -> str:
        base = (value or API_BASE).rstrip("/")
        if not _is_base(base):
            raise ValueError(f"Give an address such as {API_BASE}.")
        return base

    @field_validator("from_number")
    @classmethod
    def _tidy_number(cls, value: str) -> str:
        return to_sender(value) if value else ""

    @model_validator(mode="after")
    def _need_a_sender(self) -> "Settings":
        if not self.from_number and not self.messaging_service_sid:
            raise ValueError("Give a Phone number or a Messaging Service SID: one has to send.")
        return self

    @property
    def messaging_base(self) -> str:
        """Where Messaging Services are."""
        return MESSAGING_BASE if self.api_base == API_BASE else self.api_base


class TwilioFields(Fields):
    """All that the set-up form asks for."""

    credentials: Credentials
    settings: Settings


TwilioConnection: TypeAlias = Connection[TwilioFields]


def _is_base(url: str) -> bool:
    try:
        parts = urlsplit(url)
    except ValueError:
        return False
    plain = not (parts.query or parts.fragment or parts.username)
    return parts.scheme in {"http", "https"} and bool(parts.hostname) and plain
