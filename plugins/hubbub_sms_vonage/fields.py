"""Describe the form that connects a Vonage sender, and validate what is entered."""

import re
from typing import Any, Final, Literal, TypeAlias
from urllib.parse import urlsplit

from pydantic import Field, field_validator, model_validator

from hubbub.sdk import ChannelSettings, Connection, Fields, wrong_fields
from hubbub.sdk.sms import address_kind, to_sender
from hubbub_sms_vonage import keys

API_BASE: Final = "https://api.nexmo.com"
#: Account, numbers and the SMS API have a host of their own, which a proxy or simulator has not.
REST_BASE: Final = "https://rest.nexmo.com"

#: How the SMS API signs; Vonage's own words.
SignatureMethod: TypeAlias = Literal["md5hash", "md5", "sha1", "sha256", "sha512"]

_DASHBOARD: Final = "https://dashboard.nexmo.com/settings"
_SECRET: Final[dict[str, Any]] = {"writeOnly": True, "format": "password"}
_ADVANCED: Final[dict[str, Any]] = {"advanced": True}
#: Longer ones are no short codes, so they are numbers without their "+".
_DIGITS: Final = re.compile(r"[0-9]{9,15}")
_VONAGE_HOST: Final = re.compile(r"api(-[a-z]+)?\.(nexmo|vonage)\.com")


class Credentials(Fields):
    """What proves the account, the application and its webhooks."""

    api_key: str = Field(
        title="API key",
        description="In the Vonage dashboard: API settings.",
        pattern=r"^[0-9A-Za-z]+$",
        json_schema_extra={"link": _DASHBOARD, "looks_like": "[0-9a-f]{8}"},
    )
    api_secret: str = Field(
        title="API secret",
        description="Beside the API key.",
        min_length=1,
        repr=False,
        json_schema_extra={**_SECRET, "link": _DASHBOARD},
    )
    application_id: str = Field(
        "",
        title="Application ID",
        description="In the Vonage dashboard: Applications. The number is linked to it.",
        pattern=r"^[0-9A-Za-z-]*$",
        json_schema_extra={
            "link": "https://dashboard.nexmo.com/applications",
            "looks_like": "[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}",
        },
    )
    private_key: str = Field(
        "",
        title="Private key",
        description="The whole file private.key, which the application's page lets you generate. "
        "Without it the API key and secret prove what is sent.",
        repr=False,
        json_schema_extra=_SECRET,
    )
    signature_secret: str = Field(
        "",
        title="Signature secret",
        description="In the Vonage dashboard: API settings. It signs webhooks.",
        repr=False,
        json_schema_extra=_SECRET,
    )

    @field_validator("private_key")
    @classmethod
    def _tidy_key(cls, value: str) -> str:
        return keys.tidy(value) if value else ""


class Settings(ChannelSettings):
    """Who sends, and how."""

    mode: Literal["messages", "sms_legacy"] = Field(
        "messages",
        title="API",
        description="messages: the Messages API. sms_legacy: the older SMS API, only for a number "
        "that cannot be linked to an application.",
    )
    api_base: str = Field(
        API_BASE,
        title="API base URL",
        description="Change it for a region (api-eu, api-us, api-ap), a proxy, or a simulator.",
        json_schema_extra=_ADVANCED,
    )
    rest_base: str = Field(
        "",
        title="REST base URL",
        description=f"For account, numbers and the SMS API. Empty: {REST_BASE}, or the API base "
        "URL where that is no address of Vonage.",
        json_schema_extra=_ADVANCED,
    )
    from_number: str = Field(
        title="From",
        description="One of Numbers > Your numbers, with country code; or a name of 1 to 11 "
        "letters and digits, which cannot be answered.",
    )
    signature_method: SignatureMethod = Field(
        "md5hash",
        title="Signature method",
        description="Only for the SMS API, where Vonage's support switched signing on.",
        json_schema_extra=_ADVANCED,
    )
    join_within_s: int = Field(
        300,
        ge=10,
        le=3600,
        title="Seconds to wait for the rest of a long text",
        description="Only for the SMS API, which brings long texts in pieces.",
        json_schema_extra=_ADVANCED,
    )
    entity_id: str = Field(
        "",
        title="Entity ID",
        description="Where a country wants senders registered, such as India.",
        json_schema_extra=_ADVANCED,
    )
    content_id: str = Field(
        "",
        title="Content ID",
        description="The registered template, where a country wants that.",
        json_schema_extra=_ADVANCED,
    )

    @field_validator("api_base")
    @classmethod
    def _tidy_api_base(cls, value: str) -> str:
        return _base(value or API_BASE)

    @field_validator("rest_base")
    @classmethod
    def _tidy_rest_base(cls, value: str) -> str:
        return _base(value) if value else ""

    @field_validator("from_number")
    @classmethod
    def _tidy_number(cls, value: str) -> str:
        # Vonage shows numbers without "+", and ignores the blanks of a name.
        sender = to_sender(f"+{value}" if _DIGITS.fullmatch(value) else value)
        return sender.replace(" ", "")

    @property
    def rest_url(self) -> str:
        """Where account, numbers and the SMS API are."""
        at_vonage = _VONAGE_HOST.fullmatch(urlsplit(self.api_base).hostname or "")
        return self.rest_base or (REST_BASE if at_vonage else self.api_base)

    @property
    def number(self) -> str | None:
        """The phone number that sends, without ``+`` as Vonage has it; None for anything else."""
        is_number = address_kind(self.from_number) == "number"
        return self.from_number.removeprefix("+") if is_number else None


class VonageFields(Fields):
    """All that the set-up form asks for."""

    credentials: Credentials
    settings: Settings

    @model_validator(mode="after")
    def _need_an_application(self) -> "VonageFields":
        missing = [name for name in _NEEDED if not getattr(self.credentials, name)]
        if missing and not self.legacy:
            reason = "The Messages API needs this."
            raise wrong_fields({("credentials", name): reason for name in missing})
        return self

    @property
    def legacy(self) -> bool:
        """Whether the SMS API is used in place of the Messages API."""
        return self.settings.mode == "sms_legacy"


#: What the Messages API cannot do without.
_NEEDED: Final = ("application_id", "signature_secret")

VonageConnection: TypeAlias = Connection[VonageFields]


def _base(url: str) -> str:
    base = url.rstrip("/")
    try:
        parts = urlsplit(base)
    except ValueError:
        parts = urlsplit("")
    plain = not (parts.query or parts.fragment or parts.username)
    if parts.scheme not in {"http", "https"} or not parts.hostname or not plain:
        raise ValueError(f"Give an address such as {API_BASE}.")
    return base
