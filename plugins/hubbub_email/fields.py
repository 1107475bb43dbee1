"""Describe the form that connects a mailbox, and validate that what is entered is enough."""

from collections.abc import Iterator
from typing import Any, Final, TypeAlias

from pydantic import Field, field_validator, model_validator

from hubbub.sdk import Connection, Fields, wrong_fields
from hubbub_email import keys
from hubbub_email.settings import Settings
from hubbub_email.tokens import PLUS_LENGTH

_SECRET: Final[dict[str, Any]] = {"writeOnly": True, "format": "password"}
_RARE: Final[dict[str, Any]] = {"advanced": True}
_RARE_SECRET: Final[dict[str, Any]] = {**_SECRET, **_RARE}
#: Characters before the @ of an address. Source: RFC 5321, 4.5.3.1.1.
_LONGEST_LOCAL: Final = 64


class OAuth(Fields):
    """What an access token is got with."""

    client_id: str = Field(title="OAuth 2: client id", min_length=1)
    client_secret: str = Field(
        "", title="OAuth 2: client secret", repr=False, json_schema_extra=_SECRET
    )
    refresh_token: str = Field(
        title="OAuth 2: refresh token",
        description="Granted for IMAP and SMTP, with offline access.",
        min_length=1,
        repr=False,
        json_schema_extra=_SECRET,
    )
    tenant: str = Field(
        "",
        title="OAuth 2: tenant",
        description="Microsoft's directory id. Empty where the app is for any directory.",
        pattern=r"^[A-Za-z0-9.-]{0,100}$",
    )


class Credentials(Fields):
    """What proves us to the servers: passwords, or OAuth 2 for both."""

    smtp_password: str = Field(
        "",
        title="Password",
        description="That of the mailbox, or an app password where the provider wants one. Not "
        "where OAuth 2 is used (under Advanced).",
        repr=False,
        json_schema_extra={**_SECRET, "usual": True},
    )
    imap_password: str = Field(
        "",
        title="IMAP password",
        description="Where it is another than that for sending.",
        repr=False,
        json_schema_extra=_RARE_SECRET,
    )
    oauth: OAuth | None = Field(
        None,
        title="OAuth 2",
        description="In place of passwords.",
        json_schema_extra=_RARE,
    )
    dkim_private_key: str = Field(
        "",
        title="DKIM private key",
        description="PEM, RSA or Ed25519. Only where the mail server does not sign itself.",
        repr=False,
        json_schema_extra=_RARE_SECRET,
    )

    @field_validator("dkim_private_key")
    @classmethod
    def _tidy_key(cls, value: str) -> str:
        return keys.tidy(value) if value else ""


class EmailFields(Fields):
    """All that the set-up form asks for."""

    credentials: Credentials
    settings: Settings

    @model_validator(mode="after")
    def _enough(self) -> "EmailFields":
        missing = dict([*self._missing_servers(), *self._missing_logins(), *self._missing_key()])
        if missing:
            raise wrong_fields(missing)
        return self

    @property
    def smtp_login(self) -> tuple[str, str]:
        """As whom we log in to send, and the password; nobody where there is none."""
        password = self.credentials.smtp_password
        named = self.settings.smtp_username
        known = password or self.credentials.oauth
        return named or (self.settings.from_address if known else ""), password

    @property
    def imap_login(self) -> tuple[str, str]:
        """As whom we log in to fetch, and the password."""
        settings = self.settings
        username = settings.imap_username or settings.smtp_username or settings.from_address
        return username, self.credentials.imap_password or self.credentials.smtp_password

    def _missing_servers(self) -> Iterator[tuple[tuple[str, ...], str]]:
        if not self.settings.smtp.host:
            yield ("settings", "smtp_host"), "Choose a provider, or give the server that sends."
        if self.settings.after_import == "move" and not self.settings.move_to:
            yield ("settings", "move_to"), "Name the folder that fetched letters are moved into."
        if self.settings.moves_in_a_circle:
            yield ("settings", "move_to"), "Name a folder whose letters are not fetched."
        yield from self._missing_room()

    def _missing_room(self) -> Iterator[tuple[tuple[str, ...], str]]:
        settings = self.settings
        room = _LONGEST_LOCAL - PLUS_LENGTH
        for name, wanted, address in (
            ("plus_addressing", settings.plus_addressing, settings.reply_to),
            ("bounce_addressing", settings.bounce_addressing, ""),
        ):
            if wanted and len((address or settings.from_address).rpartition("@")[0]) > room:
                why = f"This works where at most {room} characters come before the @."
                yield ("settings", name), why

    def _missing_logins(self) -> Iterator[tuple[tuple[str, ...], str]]:
        settings, given = self.settings, self.credentials
        if given.oauth:
            if not (settings.api_base or settings.provider.token_url):
                yield ("settings", "api_base"), "Say where access tokens are handed out."
            return
        if settings.only_by_oauth:
            why = f"{settings.provider.label} lets programs in by OAuth 2 only: see Advanced."
            yield ("credentials", "smtp_password"), why
            return
        if (settings.smtp_username or settings.provider.smtp.host) and not given.smtp_password:
            yield ("credentials", "smtp_password"), "Give a password, or what OAuth 2 needs."
        if settings.receives and not self.imap_login[1]:
            yield ("credentials", "imap_password"), "Give a password, or what OAuth 2 needs."

    def _missing_key(self) -> Iterator[tuple[tuple[str, ...], str]]:
        key, selector = self.credentials.dkim_private_key, self.settings.dkim_selector
        if key and not selector:
            yield ("settings", "dkim_selector"), "A DKIM key needs its selector."
        if not key and (selector or self.settings.dkim_domain):
            yield ("credentials", "dkim_private_key"), "Signing needs a private key."


EmailConnection: TypeAlias = Connection[EmailFields]
