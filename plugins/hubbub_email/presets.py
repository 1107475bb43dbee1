"""Know the servers of well-known providers. Sources: what each publishes for mail programs."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Final

from hubbub.sdk.mail import Security


@dataclass(frozen=True, kw_only=True)
class Place:
    """Where a server is, and how its connection is encrypted."""

    host: str = ""
    port: int = 0
    security: Security = "tls"


@dataclass(frozen=True, kw_only=True)
class Preset:
    """The servers of one provider."""

    label: str
    smtp: Place = Place()
    imap: Place = Place()
    #: Where access tokens are handed out (OAuth 2), with ``{tenant}`` where that matters.
    token_url: str = ""
    #: What to ask for there; empty: what was granted.
    scope: str = ""
    #: Whether it takes no passwords.
    only_oauth: bool = False
    #: What its servers call themselves where they tell what they found out about a sender; empty
    #: where they tell nothing that can be relied upon. Microsoft 365 gives no name, and others one
    #: that changes or say nothing of DMARC.
    trusted_servers: frozenset[str] = frozenset()
    #: What its people have to know about logging in.
    hint: str = ""


_APP_PASSWORD: Final = "It lets programs in by app passwords only: make one in its settings."  # noqa: S105  # a sentence


def _usual(label: str, domain: str, hint: str = "") -> Preset:
    return Preset(
        label=label,
        smtp=Place(host=f"smtp.{domain}", port=465),
        imap=Place(host=f"imap.{domain}", port=993),
        hint=hint,
    )


PRESETS: Final[Mapping[str, Preset]] = {
    "custom": Preset(label="Another provider"),
    "google": Preset(
        label="Google",
        smtp=Place(host="smtp.gmail.com", port=465),
        imap=Place(host="imap.gmail.com", port=993),
        token_url="https://oauth2.googleapis.com/token",  # noqa: S106  # an address
        trusted_servers=frozenset({"mx.google.com"}),
        hint="It takes OAuth 2, or an app password where two-step verification is on.",
    ),
    "microsoft": Preset(
        label="Microsoft 365",
        smtp=Place(host="smtp.office365.com", port=587, security="starttls"),
        imap=Place(host="outlook.office365.com", port=993),
        token_url="https://login.microsoftonline.com/{tenant}/oauth2/v2.0/token",  # noqa: S106
        scope="https://outlook.office.com/IMAP.AccessAsUser.All "
        "https://outlook.office.com/SMTP.Send offline_access",
        only_oauth=True,
        hint="It takes OAuth 2 only, and SMTP AUTH must be allowed for the mailbox.",
    ),
    "icloud": Preset(
        label="iCloud",
        smtp=Place(host="smtp.mail.me.com", port=587, security="starttls"),
        imap=Place(host="imap.mail.me.com", port=993),
        trusted_servers=frozenset({"dmarc.icloud.com"}),
        hint=_APP_PASSWORD,
    ),
    "yahoo": _usual("Yahoo", "mail.yahoo.com", _APP_PASSWORD),
    "fastmail": _usual("Fastmail", "fastmail.com", _APP_PASSWORD),
    "zoho": replace(
        _usual("Zoho Mail", "zoho.com", "IMAP must be switched on in its settings."),
        trusted_servers=frozenset({"mx.zohomail.com"}),
    ),
    "gmx": Preset(
        label="GMX",
        smtp=Place(host="mail.gmx.net", port=465),
        imap=Place(host="imap.gmx.net", port=993),
        hint="POP3 and IMAP must be switched on in its settings.",
    ),
    "web_de": Preset(
        label="WEB.DE",
        smtp=Place(host="smtp.web.de", port=587, security="starttls"),
        imap=Place(host="imap.web.de", port=993),
        hint="POP3 and IMAP must be switched on in its settings.",
    ),
    "mailbox_org": _usual("mailbox.org", "mailbox.org"),
}
