"""Describe the form that connects a gateway, and validate what is entered."""

from typing import Any, Final, Literal, TypeAlias
from urllib.parse import urlsplit

import phonenumbers
from pydantic import Field, field_validator, model_validator

from hubbub.sdk import ChannelSettings, Connection, Fields, wrong_fields
from hubbub.sdk.sms import to_sender
from hubbub_sms_gateway.gateway import (
    Alphabet,
    Auth,
    Body,
    Digest,
    Gateway,
    InboundAuth,
    NumberFormat,
)
from hubbub_sms_gateway.overrides import BadField, gateway_of
from hubbub_sms_gateway.presets import PRESETS

Preset: TypeAlias = Literal[
    "kannel",
    "kannel_query",
    "jasmin",
    "playsms",
    "android_smsgate",
    "httpsms",
    "textbee",
    "custom",
]

_SECRET: Final[dict[str, Any]] = {"writeOnly": True, "format": "password"}
#: What some gateways cannot do without, so that nobody is told that it may be left out.
_USUAL: Final[dict[str, Any]] = {"usual": True}
#: For the few: shown behind a fold.
_RARE: Final[dict[str, Any]] = {"advanced": True}
_LINES: Final[dict[str, Any]] = {"advanced": True, "format": "multiline"}


class Credentials(Fields):
    """What proves us to the gateway, and the gateway to us."""

    username: str = Field(
        "",
        title="Username",
        description="Kannel, Jasmin, playSMS and SMS Gateway for Android want one.",
        json_schema_extra=_USUAL,
    )
    password: str = Field(
        "",
        title="Password",
        description="Kannel, Jasmin and SMS Gateway for Android want one.",
        repr=False,
        json_schema_extra={**_SECRET, **_USUAL},
    )
    token: str = Field(
        "",
        title="Token or API key",
        description="playSMS, httpSMS and textbee want it in place of a password.",
        repr=False,
        json_schema_extra={**_SECRET, **_USUAL},
    )
    inbound_token: str = Field(
        "",
        title="Inbound token",
        description="A long random word of your choice, by which the gateway's calls prove "
        "themselves: as parameter, header or password, see Proof of inbound calls.",
        repr=False,
        json_schema_extra=_SECRET,
    )
    signing_key: str = Field(
        "",
        title="Signing key",
        description="For gateways that sign their calls (SMS Gateway for Android, httpSMS, ...).",
        repr=False,
        json_schema_extra=_SECRET,
    )
    status_password: str = Field(
        "",
        title="Status password",
        description="Kannel's status-password, for its status page.",
        repr=False,
        json_schema_extra=_SECRET,
    )


class Settings(ChannelSettings):
    """Which gateway, and what is special about it. What is empty is as the preset has it."""

    preset: Preset = Field(
        "kannel",
        title="Gateway",
        description="What else is needed depends on it.",
        json_schema_extra={
            "first": True,
            "labels": {name: preset.label for name, preset in PRESETS.items()},
        },
    )
    api_base: str = Field(
        "",
        title="API base URL",
        description="Where the gateway listens; empty: where it usually does, such as "
        "http://127.0.0.1:13013 for Kannel.",
        json_schema_extra=_USUAL,
    )
    from_number: str = Field(
        "",
        title="From",
        description="Our number with + and country code; or a short code; or a name. Kannel and "
        "httpSMS want one.",
        json_schema_extra=_USUAL,
    )
    device_id: str = Field(
        "",
        title="Device id",
        description="textbee alone wants it: the id of the phone.",
        json_schema_extra=_USUAL,
    )
    status_page: str = Field(
        "",
        title="Status page",
        description="Kannel's admin port, such as http://127.0.0.1:13000: tells whether its "
        "message centres are online.",
    )
    default_region: str = Field(
        "",
        title="Default region",
        description="The country (two letters, such as DE) of numbers without country code.",
        pattern=r"^([A-Za-z]{2})?$",
    )
    smart_encoding: bool = Field(
        default=False,
        title="Smart encoding",
        description="Replace curly quotes and the like where that saves segments.",
    )
    max_parts: int = Field(
        10,
        ge=1,
        le=255,
        title="Most segments",
        description="Longer texts become several messages. Kannel drops what exceeds its own "
        "max-messages, so this must not be more.",
    )
    join_within_s: int = Field(
        300,
        ge=10,
        le=3600,
        title="Seconds to wait for the rest of a long text",
        description="Where the gateway does not join the pieces itself, and tells which they are.",
        json_schema_extra=_RARE,
    )
    timeout_s: float = Field(15, gt=0, le=60, title="Time-out in seconds", json_schema_extra=_RARE)

    send_method: Literal["", "GET", "POST"] = Field("", title="Method", json_schema_extra=_RARE)
    send_url: str = Field(
        "",
        title="Address",
        description="With placeholders, such as {base}/send?to={to}&text={text}.",
        json_schema_extra=_RARE,
    )
    send_headers: str = Field(
        "", title="Headers", description="One a line, as Name: value.", json_schema_extra=_LINES
    )
    send_content_type: Body | Literal[""] = Field("", title="Body type", json_schema_extra=_RARE)
    send_body: str = Field("", title="Body", json_schema_extra=_LINES)
    send_body_unicode: str = Field(
        "",
        title="Body for other alphabets",
        description="In place of the body when the text is not in the alphabet of SMS.",
        json_schema_extra=_LINES,
    )
    auth: Auth | Literal[""] = Field(
        "",
        title="Proof of ours",
        description="basic takes Username and Password; the others take the Token.",
        json_schema_extra=_RARE,
    )
    auth_name: str = Field(
        "", title="Its header or parameter", pattern=r"^[\w-]*$", json_schema_extra=_RARE
    )
    ok_status: str = Field(
        "", title="Accepted status", description="200-299, or 200, 202.", json_schema_extra=_RARE
    )
    ok_body: str = Field(
        "",
        title="Accepted answer",
        description="A regular expression that an answer must hold to count as accepted.",
        json_schema_extra=_RARE,
    )
    id_from: str = Field(
        "",
        title="Message id",
        description="json:/data/0/id, regex:OK (.+), header:X-Id, or none.",
        json_schema_extra=_RARE,
    )
    error_map: str = Field(
        "",
        title="Errors",
        description="One a line, as 400 no credit -> credit.",
        json_schema_extra=_LINES,
    )
    number_format_out: NumberFormat | Literal[""] = Field(
        "", title="Numbers we write", json_schema_extra=_RARE
    )
    number_format_in: NumberFormat | Literal[""] = Field(
        "", title="Numbers the gateway writes", json_schema_extra=_RARE
    )
    alphabet: Alphabet | Literal[""] = Field("", title="Alphabet", json_schema_extra=_RARE)

    inbound_auth: InboundAuth | Literal[""] = Field(
        "", title="Proof of inbound calls", json_schema_extra=_RARE
    )
    inbound_auth_name: str = Field(
        "",
        title="Its header or parameter (inbound)",
        pattern=r"^[\w-]*$",
        json_schema_extra=_RARE,
    )
    inbound_signed: str = Field(
        "",
        title="Signed",
        description="What a signature covers (hmac): {body}, or {body}{header.X-Timestamp}.",
        json_schema_extra=_RARE,
    )
    inbound_digest: Digest | Literal[""] = Field(
        "", title="Hash of the signature", json_schema_extra=_RARE
    )
    inbound_map: str = Field(
        "",
        title="Inbound fields",
        description="One a line, as text = /message; or header:Name, body, a parameter's name.",
        json_schema_extra=_LINES,
    )
    inbound_reply: str = Field(
        "",
        title="Answer to messages",
        description="Such as 200 text/plain OK.",
        json_schema_extra=_RARE,
    )
    status_map: str = Field(
        "",
        title="Report fields",
        description="One a line, as state = /status, or delivered = OK, DELIVRD.",
        json_schema_extra=_LINES,
    )
    status_reply: str = Field("", title="Answer to reports", json_schema_extra=_RARE)

    @model_validator(mode="before")
    @classmethod
    def _pace_of_the_preset(cls, given: Any) -> Any:
        if not isinstance(given, dict) or given.get("messages_per_second") is not None:
            return given
        preset = PRESETS.get(given.get("preset", "kannel"))
        return {**given, "messages_per_second": preset.rate} if preset else given

    @field_validator("api_base", "status_page")
    @classmethod
    def _tidy_base(cls, value: str) -> str:
        base = value.rstrip("/")
        if base and not _is_base(base):
            raise ValueError("Give an address such as http://127.0.0.1:13013.")
        return base

    @field_validator("from_number")
    @classmethod
    def _tidy_number(cls, value: str) -> str:
        return to_sender(value) if value else ""

    @field_validator("default_region")
    @classmethod
    def _know_the_region(cls, value: str) -> str:
        region = value.upper()
        if region and region not in phonenumbers.SUPPORTED_REGIONS:
            raise ValueError("There is no such country: write two letters, such as DE.")
        return region

    @model_validator(mode="after")
    def _understand_the_templates(self) -> "Settings":
        try:
            gateway_of(self)
        except BadField as error:
            raise wrong_fields({(error.field,): str(error)}) from None
        return self

    @property
    def gateway(self) -> Gateway:
        """The preset, with what was entered in its place."""
        return gateway_of(self)


class GatewayFields(Fields):
    """All that the set-up form asks for."""

    credentials: Credentials
    settings: Settings

    @model_validator(mode="after")
    def _need_what_the_gateway_needs(self) -> "GatewayFields":
        gateway = self.settings.gateway
        given = {**dict(self.settings), **dict(self.credentials)}
        reasons = dict.fromkeys(sorted(gateway.needs), f"{gateway.label} needs this.")
        if proof := _PROOF.get(self.settings.inbound_auth):
            reasons[proof] = "The proof of inbound calls needs this."
        missing = {_place(name): why for name, why in reasons.items() if not given[name]}
        if missing:
            raise wrong_fields(missing)
        return self


#: What each proof needs, where somebody chose it.
_PROOF: Final = {
    "query": "inbound_token",
    "header": "inbound_token",
    "basic": "inbound_token",
    "hmac": "signing_key",
    "jwt": "signing_key",
}

GatewayConnection: TypeAlias = Connection[GatewayFields]


def _place(name: str) -> tuple[str, ...]:
    return ("credentials" if name in Credentials.model_fields else "settings"), name


def _is_base(url: str) -> bool:
    try:
        parts = urlsplit(url)
    except ValueError:
        return False
    plain = not (parts.query or parts.fragment or parts.username)
    return parts.scheme in {"http", "https"} and bool(parts.hostname) and plain
