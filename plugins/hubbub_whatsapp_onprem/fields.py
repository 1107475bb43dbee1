"""Describe the form that connects a WhatsApp Business API client, and validate what is entered."""

from typing import Any, Final, Literal, TypeAlias
from urllib.parse import SplitResult, urlsplit

from cryptography.x509 import load_pem_x509_certificates
from pydantic import Field, field_validator, model_validator

from hubbub.sdk import Connection, Fields, SeenSettings, wrong_fields
from hubbub.sdk.graph import GraphToken

_SECRET: Final[dict[str, Any]] = {"writeOnly": True, "format": "password"}
_ADVANCED: Final[dict[str, Any]] = {"advanced": True}
_EXAMPLE: Final = "https://wa.example.org:9090"


class Credentials(Fields):
    """What proves us to the client, or to the gateway that speaks as one."""

    username: str = Field(
        "",
        title="Username",
        description="admin, or an API user. Only admin may set where the client calls the hub.",
    )
    password: str = Field(
        "",
        title="Password",
        description="The factory's must have been changed: the client asks for that first.",
        repr=False,
        json_schema_extra=_SECRET,
    )
    api_token: GraphToken = Field(
        "",
        title="API token",
        description="Of a gateway that hands one out in place of a login.",
        repr=False,
        json_schema_extra={**_SECRET, **_ADVANCED},
    )

    @field_validator("username")
    @classmethod
    def _no_colon(cls, value: str) -> str:
        # HTTP Basic ends the name with one.
        if ":" in value:
            raise ValueError("a username holds no colon")
        return value


class Settings(SeenSettings):
    """Where the client is, and how it is spoken to."""

    api_base: str = Field(
        title="WhatsApp client URL",
        description=f"Scheme, host and port of the web container, such as {_EXAMPLE}.",
    )
    namespace: str = Field(
        "",
        title="Namespace",
        description="WhatsApp Manager > Message templates. Every template message needs it.",
    )
    auth_mode: Literal["login", "bearer", "header"] = Field(
        "login",
        title="Authentication",
        description="login: Username and Password. bearer: a gateway's API token. header: the "
        "same, in a header of its own.",
        json_schema_extra=_ADVANCED,
    )
    header_name: str = Field(
        "D360-API-KEY",
        title="Header name",
        description="For the authentication by header.",
        json_schema_extra=_ADVANCED,
        pattern=r"^[A-Za-z0-9-]{1,60}$",
    )
    ca_certificate: str = Field(
        "",
        title="CA certificate",
        description="PEM, where the client's certificate is none that everybody trusts.",
        json_schema_extra=_ADVANCED,
    )
    check_contacts: Literal["never", "on_unknown", "always"] = Field(
        "on_unknown",
        title="Ask whether a number is on WhatsApp",
        description="on_unknown: once the client says that it does not know it. always: before "
        "each message, as old clients need it.",
        json_schema_extra=_ADVANCED,
    )

    @field_validator("ca_certificate")
    @classmethod
    def _certificates(cls, value: str) -> str:
        if value and not _readable(value):
            raise ValueError("give certificates in PEM, from BEGIN CERTIFICATE to END CERTIFICATE")
        return value

    @field_validator("api_base")
    @classmethod
    def _web_address(cls, value: str) -> str:
        parts = _split(value)
        plain = not (parts.query or parts.fragment or parts.username)
        if parts.scheme not in {"http", "https"} or not parts.hostname or not plain:
            raise ValueError(f"give an address such as {_EXAMPLE}")
        return parts.geturl().rstrip("/").removesuffix("/v1")


class OnPremiseFields(Fields):
    """All that the set-up form asks for."""

    credentials: Credentials
    settings: Settings

    @model_validator(mode="after")
    def _enough(self) -> "OnPremiseFields":
        needed = ("username", "password") if self.logs_in else ("api_token",)
        missing = [name for name in needed if not getattr(self.credentials, name)]
        if missing:
            why = f"The authentication by {self.settings.auth_mode} needs this."
            raise wrong_fields({("credentials", name): why for name in missing})
        return self

    @property
    def logs_in(self) -> bool:
        """Whether a token comes by login, rather than from a gateway's dashboard."""
        return self.settings.auth_mode == "login"


OnPremiseConnection: TypeAlias = Connection[OnPremiseFields]


def _readable(pem: str) -> bool:
    try:
        return bool(load_pem_x509_certificates(pem.encode()))
    except ValueError:
        return False


def _split(url: str) -> SplitResult:
    try:
        return urlsplit(url)
    except ValueError:
        return urlsplit("")
