"""Describe where letters come in and go out, and validate each thing that is entered of it."""

import re
from datetime import date
from typing import Any, Final, Literal, TypeAlias
from urllib.parse import urlsplit

from cryptography.x509 import load_pem_x509_certificates
from pydantic import Field, field_validator

from hubbub.sdk import ChannelSettings
from hubbub.sdk.mail import Security
from hubbub_email.addresses import sound
from hubbub_email.presets import PRESETS, Place, Preset

PresetName: TypeAlias = Literal[
    "custom",
    "google",
    "microsoft",
    "icloud",
    "yahoo",
    "fastmail",
    "zoho",
    "gmx",
    "web_de",
    "mailbox_org",
]

_FIRST: Final[dict[str, Any]] = {"first": True}
_RARE: Final[dict[str, Any]] = {"advanced": True}
_LINES: Final[dict[str, Any]] = {"advanced": True, "format": "multiline"}
_HOST: Final = re.compile(r"[a-z0-9](?:[a-z0-9-]*\.)*[a-z0-9-]*[a-z0-9]|[0-9a-f]*:[0-9a-f:.]+")
_AUTHSERV_ID: Final = re.compile(r"[!-~]{1,255}")
_LABEL: Final = r"^[A-Za-z0-9]([A-Za-z0-9._-]{0,250}[A-Za-z0-9])?$|^$"
#: What a port says where nobody says more. Source: RFC 8314, RFC 3501.
_SECURITY_OF: Final[dict[int, Security]] = {25: "starttls", 587: "starttls", 143: "starttls"}
_SMTP_PORTS: Final[dict[Security, int]] = {"tls": 465, "starttls": 587, "none": 25}
_IMAP_PORTS: Final[dict[Security, int]] = {"tls": 993, "starttls": 143, "none": 143}


class Settings(ChannelSettings):
    """Where letters come in and go out. What is empty is as the provider has it."""

    preset: PresetName = Field(
        "custom",
        title="Who hosts your mail",
        description="For those named here the servers are known. For another provider, enter its "
        "SMTP and IMAP server under Advanced.",
        json_schema_extra={
            "first": True,
            "labels": {name: known.label for name, known in PRESETS.items()},
        },
    )
    from_address: str = Field(
        title="Email address",
        description="To which customers write, and from which they get answers.",
        json_schema_extra=_FIRST,
    )
    from_name: str = Field(
        "",
        title="Name that customers see beside it",
        max_length=200,
        json_schema_extra=_FIRST,
    )
    smtp_host: str = Field(
        "",
        title="SMTP server",
        description="Sends letters, such as smtp.example.org.",
        json_schema_extra=_RARE,
    )
    smtp_port: int | None = Field(None, ge=1, le=65535, title="SMTP port", json_schema_extra=_RARE)
    smtp_security: Literal["", "tls", "starttls", "none"] = Field(
        "",
        title="SMTP encryption",
        description="tls: from the first byte (465). starttls: by a command (587).",
        json_schema_extra=_RARE,
    )
    smtp_username: str = Field(
        "",
        title="Username",
        description="The email address, unless the provider says otherwise.",
        json_schema_extra=_RARE,
    )
    imap_host: str = Field(
        "",
        title="IMAP server",
        description="Holds letters that come in. Empty without a preset: letters are only sent.",
        json_schema_extra=_RARE,
    )
    imap_port: int | None = Field(None, ge=1, le=65535, title="IMAP port", json_schema_extra=_RARE)
    imap_security: Literal["", "tls", "starttls", "none"] = Field(
        "",
        title="IMAP encryption",
        description="tls: from the first byte (993). starttls: by a command (143).",
        json_schema_extra=_RARE,
    )
    imap_username: str = Field(
        "",
        title="IMAP username",
        description="Where it is another than that for sending.",
        json_schema_extra=_RARE,
    )
    api_base: str = Field(
        "",
        title="OAuth 2: token address",
        description="Where access tokens are handed out, if not at the provider's own address.",
        json_schema_extra=_RARE,
    )
    send_only: bool = Field(
        default=False,
        title="Only send",
        description="Fetch no letters, although the provider has IMAP.",
        json_schema_extra=_RARE,
    )
    folders: tuple[str, ...] = Field(
        ("INBOX",),
        title="Folders",
        description="Those whose letters are fetched, one a line. The first is listened to.",
        min_length=1,
        max_length=20,
        json_schema_extra=_RARE,
    )
    after_import: Literal["seen", "move", "nothing"] = Field(
        "seen",
        title="What happens to fetched letters in the mailbox",
        description="seen: marked as read. move: into the folder below, too. Never deleted.",
        json_schema_extra=_RARE,
    )
    move_to: str = Field("", title="Folder for fetched letters", json_schema_extra=_RARE)
    import_since: date | None = Field(
        None,
        title="Fetch earlier letters since",
        description="A day, such as 2026-01-31. They are shown, and nobody is asked to answer.",
        json_schema_extra=_RARE,
    )
    mode: Literal["idle", "poll"] = Field(
        "idle",
        title="How the hub hears of letters",
        description="idle: the server says so at once, where it can. poll: it is asked.",
        json_schema_extra=_RARE,
    )
    poll_interval: int = Field(
        60, ge=15, le=3600, title="Seconds between questions", json_schema_extra=_RARE
    )
    max_message_bytes: int = Field(
        35 << 20,
        ge=1 << 16,
        le=100 << 20,
        title="Largest letter in bytes",
        description="Of a larger one the beginning is shown; the whole stays in the mailbox.",
        json_schema_extra=_RARE,
    )
    reply_to: str = Field(
        "",
        title="Answers go to",
        description="Where that is another address than the one above.",
        json_schema_extra=_RARE,
    )
    plus_addressing: bool = Field(
        default=False,
        title="Plus addressing",
        description="Answers go to name+token@..., which proves to what they belong whatever "
        "mail programs drop. The mail server must deliver such addresses to this mailbox.",
        json_schema_extra=_RARE,
    )
    bounce_addressing: bool = Field(
        default=False,
        title="Letters that come back are addressed to name+token@...",
        description="That proves which one came back whatever servers leave out of their reports. "
        "The mail server must let us send as such addresses, and deliver them to this mailbox.",
        json_schema_extra=_RARE,
    )
    trusted_authserv_ids: tuple[str, ...] = Field(
        (),
        title="Servers whose word of a sender counts",
        description="As your mail server calls itself in Authentication-Results of letters that "
        "come in, one a line. Where it says that DMARC failed, the letter is marked as maybe "
        "forged. Empty: the provider's own, where it is known to do so.",
        max_length=20,
        json_schema_extra=_RARE,
    )
    default_subject: str = Field(
        "",
        max_length=200,
        title="Subject of letters without one",
        description="For a text that answers nothing.",
        json_schema_extra=_RARE,
    )
    dkim_domain: str = Field(
        "",
        title="DKIM domain",
        description="That of the address, unless said otherwise.",
        pattern=_LABEL,
        json_schema_extra=_RARE,
    )
    dkim_selector: str = Field("", title="DKIM selector", pattern=_LABEL, json_schema_extra=_RARE)
    ca_certificate: str = Field(
        "",
        title="CA certificate",
        description="PEM, where the servers' certificates are none that everybody trusts.",
        json_schema_extra=_LINES,
    )

    @field_validator("from_address", "reply_to")
    @classmethod
    def _know_an_address(cls, value: str) -> str:
        address = sound(value)
        if value and not (address and address.isascii()):
            raise ValueError("give an address such as support@example.org")
        return address

    @field_validator("from_address")
    @classmethod
    def _need_an_address(cls, value: str) -> str:
        if not value:
            raise ValueError("give an address such as support@example.org")
        return value

    @field_validator("from_name", "default_subject")
    @classmethod
    def _fits_a_line(cls, value: str) -> str:
        if not value.isprintable():
            raise ValueError("this holds a character that has no place in a letter's head")
        return value

    @field_validator("smtp_host", "imap_host")
    @classmethod
    def _know_a_host(cls, value: str) -> str:
        host = value.lower().rstrip(".")
        if host and not _HOST.fullmatch(host):
            raise ValueError("give the name of a server alone, such as mail.example.org")
        return host

    @field_validator("folders", "trusted_authserv_ids", mode="before")
    @classmethod
    def _read_lines(cls, value: Any) -> Any:
        return [line.strip() for line in value.splitlines()] if isinstance(value, str) else value

    @field_validator("trusted_authserv_ids")
    @classmethod
    def _name_servers(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        if not all(_AUTHSERV_ID.fullmatch(name) for name in value):
            raise ValueError("name each server as it calls itself, such as mx.example.org")
        return tuple(dict.fromkeys(name.lower() for name in value))

    @field_validator("folders")
    @classmethod
    def _name_folders(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        if not all(name.strip() and name.isprintable() for name in value):
            raise ValueError("name the folders as the mailbox does, such as INBOX")
        return tuple(dict.fromkeys(value))

    @field_validator("import_since", mode="before")
    @classmethod
    def _from_now_on(cls, value: Any) -> Any:
        return None if value in {"", "now"} else value

    @field_validator("api_base")
    @classmethod
    def _web_address(cls, value: str) -> str:
        if value and not _is_web_address(value):
            raise ValueError("give an address such as https://login.example.org/token")
        return value

    @field_validator("ca_certificate")
    @classmethod
    def _certificates(cls, value: str) -> str:
        if value and not _is_certificate(value):
            raise ValueError("give certificates in PEM, from BEGIN CERTIFICATE to END CERTIFICATE")
        return value

    @property
    def provider(self) -> Preset:
        """Whose servers they are."""
        return PRESETS[self.preset]

    @property
    def smtp(self) -> Place:
        """Where letters are sent."""
        given = Place(host=self.smtp_host, port=self.smtp_port or 0)
        return _place(given, self.smtp_security, self.provider.smtp, _SMTP_PORTS)

    @property
    def imap(self) -> Place:
        """Where letters come in; without a host: nowhere."""
        given = Place(host=self.imap_host, port=self.imap_port or 0)
        return _place(given, self.imap_security, self.provider.imap, _IMAP_PORTS)

    @property
    def only_by_oauth(self) -> bool:
        """Whether no password can be right: the provider takes none."""
        ours = self.smtp.host == self.provider.smtp.host or (
            self.receives and self.imap.host == self.provider.imap.host
        )
        return self.provider.only_oauth and ours

    @property
    def receives(self) -> bool:
        """Whether letters are fetched."""
        return bool(self.imap.host) and not self.send_only

    @property
    def moves_in_a_circle(self) -> bool:
        """Whether letters go to where they are fetched, to be moved again.

        INBOX is the same in any case, and to some servers each folder is.
        """
        fetched = {name.casefold() for name in self.folders}
        return self.after_import == "move" and self.move_to.casefold() in fetched

    @property
    def trusted_servers(self) -> frozenset[str]:
        """The names of the servers whose word of a sender counts."""
        return frozenset(self.trusted_authserv_ids) or self.provider.trusted_servers

    @property
    def domain(self) -> str:
        """That of our address."""
        return self.from_address.rpartition("@")[2]


def _place(given: Place, security: str, preset: Place, ports: dict[Security, int]) -> Place:
    """Return where a server is: as ``given``, else as the preset has it, else as is usual."""
    same = not given.host or given.host == preset.host
    port = given.port or (preset.port if same and not security else 0)
    usual = preset.security if same and port == preset.port else _SECURITY_OF.get(port, "tls")
    known: Security = _SECURITIES.get(security, usual)
    return Place(host=given.host or preset.host, port=port or ports[known], security=known)


_SECURITIES: Final[dict[str, Security]] = {"tls": "tls", "starttls": "starttls", "none": "none"}


def _is_web_address(text: str) -> bool:
    try:
        parts = urlsplit(text)
    except ValueError:
        return False
    plain = not (parts.fragment or parts.username) and text.isascii() and text.isprintable()
    return parts.scheme in {"http", "https"} and bool(parts.hostname) and plain


def _is_certificate(pem: str) -> bool:
    try:
        return bool(load_pem_x509_certificates(pem.encode()))
    except ValueError:
        return False
