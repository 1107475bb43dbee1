"""Decide how a channel is opened, what its secrets hold, and what status an answer means."""

import secrets
import string
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final, Literal, TypeAlias

import structlog
from pydantic import BaseModel, ValidationError
from sqlalchemy import Row

from hubbub.guard import Refused as OutOfBounds
from hubbub.people.errors import Complaint, Invalid
from hubbub.plugins import ChannelHooks, UnknownType
from hubbub.redact import secrets_of
from hubbub.route.rules import RouteSet, read_route_set
from hubbub.sdk.errors import (
    AuthFailed,
    HubError,
    OutcomeUnknown,
    RateLimited,
    SendError,
    Transient,
)
from hubbub.sdk.values import Checked, Connection, Finding
from hubbub.sdk.widget import WidgetSettings
from hubbub.store.clean import legible
from hubbub.vault import Undecryptable

if TYPE_CHECKING:
    from hubbub.hub import Hub

Status: TypeAlias = Literal["connected", "error", "inactive"]
log = structlog.get_logger(__name__)

#: What a channel that somebody switched off gives as its reason.
SWITCHED_OFF: Final = "Somebody switched this channel off."
#: Between its creation and the provider's first answer.
NOT_SET_UP: Final = "The provider has not been asked yet."
#: What begins the address of a visitor whom a site with a chat window knows.
KNOWN_VISITOR: Final = "u:"
_LONGEST_NAME: Final = 100
#: Characters of one credential: a key file has some thousands. Each is looked for in every log.
_LONGEST_CREDENTIAL: Final = 8192
_KEY_ALPHABET: Final = string.ascii_lowercase + string.digits
_KEY_LENGTH: Final = 32


class Outgrown(UnknownType):
    """What is stored of a channel no longer fits its plugin, which has changed since."""

    code = "settings_outgrown"


@dataclass(frozen=True, kw_only=True)
class Asked:
    """What came of asking a provider, and the status it means."""

    status: Status
    reason: str = ""
    findings: tuple[Finding, ...] = ()
    facts: Mapping[str, str] = field(default_factory=dict)
    tokens: Mapping[str, str] = field(repr=False, default_factory=dict)


def open_connection(hub: "Hub", row: Row[Any]) -> Connection[Any]:
    """Return the connection of a channel from its row, decrypted and validated.

    Raises `UnknownType`, `Outgrown` or `hubbub.vault.Undecryptable`.
    """
    hooks = hub.plugins.channel(row.type)
    kept = hub.vault.open(row.secrets, row.id)
    try:
        return opened(hub, hooks, kept, row._asdict())
    except Invalid as error:
        first = error.complaints[0]
        raise Outgrown(
            f"The stored {first.field} no longer fits the plugin: {first.message.rstrip('.')}. "
            "Save the channel again with what it asks for now."
        ) from None


def opened(
    hub: "Hub", hooks: ChannelHooks, kept: Mapping[str, Any], columns: Mapping[str, Any]
) -> Connection[Any]:
    """Return the connection that a channel's columns and its decrypted secrets describe.

    Raises `Invalid` with a path for each thing that is wrong with them.
    """
    return Connection(
        channel_id=columns["id"],
        name=columns["name"],
        fields=_validated(hooks, kept["credentials"], columns["settings"]),
        webhook_url=webhook_url(hub.settings.base_url, columns["webhook_key"]),
        webhook_secret=kept["webhook_secret"],
        verify_token=kept["verify_token"],
        facts=columns["facts"],
        tokens=kept.get("tokens", {}),
    )


def seal_routes(hub: "Hub", routes: RouteSet, row_id: str) -> bytes:
    """Return the rules and the fallback of ``routes``, encrypted for the row ``row_id``."""
    return hub.vault.seal(routes.as_json(), row_id)


def open_routes(hub: "Hub", row: Row[Any] | None) -> RouteSet:
    """Return the routes that a row keeps; without a row everything goes to people.

    Raises `hubbub.vault.Undecryptable`.
    """
    if row is None:
        return read_route_set(0, [])
    kept = hub.vault.open(row.sealed, row.id)
    return read_route_set(
        row.version, kept["routes"], kept["fallback"], kinds=hub.plugins.conditions
    )


def connection_secrets(connection: Connection[Any]) -> set[str]:
    """Return what must not be shown, stored or logged of a connection."""
    made = {connection.webhook_secret, connection.verify_token or "", *connection.tokens.values()}
    return {secret for secret in secrets_of(connection.fields) | made if secret}


def webhook_url(base_url: str, webhook_key: str) -> str:
    """Return the public address of a channel's webhook."""
    return f"{base_url}/webhooks/{webhook_key}"


def widget_url(base_url: str, webhook_key: str) -> str:
    """Return the public address of the script that opens a channel's chat window."""
    return f"{base_url}/widget/{webhook_key}.js"


def embed_line(widget_url: str) -> str:
    """Return what people paste into their site."""
    return f'<script async src="{widget_url}"></script>'


def has_widget(hub: "Hub", row: Row[Any]) -> bool:
    """Whether the provider of a channel is the hub's own chat window."""
    return row.type in widget_types(hub)


def has_threads(hub: "Hub", type_name: str) -> bool:
    """Whether channels of a type tell one conversation of an address from another."""
    kind = hub.plugins.channels.get(type_name)
    return kind is not None and kind.capabilities.threads


def widget_types(hub: "Hub") -> list[str]:
    """Return the channel types whose provider is the hub's own chat window."""
    settings = {
        name: kind.fields.model_fields["settings"].annotation
        for name, kind in hub.plugins.channels.items()
    }
    return [
        name
        for name, kind in settings.items()
        if isinstance(kind, type) and issubclass(kind, WidgetSettings)
    ]


def new_webhook_key() -> str:
    """Return an unguessable key for a webhook's address."""
    return "".join(secrets.choice(_KEY_ALPHABET) for _ in range(_KEY_LENGTH))


def new_secrets(hooks: ChannelHooks, credentials: Mapping[str, Any]) -> dict[str, Any]:
    """Return what is encrypted with a new channel: its credentials and what the hub makes."""
    return {
        "credentials": dict(credentials),
        "webhook_secret": secrets.token_urlsafe(36),
        "verify_token": secrets.token_urlsafe(24) if hooks.capabilities.verify_token else None,
        "tokens": {},
    }


def merged(kept: Mapping[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    """Return ``kept`` with ``changes``; a null takes a field away.

    Of a group, such as what OAuth 2 needs, only what is named changes.
    """
    groups = {
        name: merged(kept[name], change)
        for name, change in changes.items()
        if isinstance(change, Mapping) and isinstance(kept.get(name), Mapping)
    }
    both = {**kept, **changes, **groups}
    return {name: value for name, value in both.items() if value is not None}


def still_known(
    hooks: ChannelHooks, credentials: Mapping[str, Any], settings: Mapping[str, Any]
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return what is stored of a form without the names that its plugin no longer has.

    Nobody could take them out: the form shows only what there is now.
    """
    try:
        hooks.validate(credentials, settings)
    except ValidationError as error:
        gone = {
            one["loc"]
            for one in error.errors(include_input=False)
            if one["type"] == "extra_forbidden"
        }
    else:
        gone = set()
    parts = {"credentials": credentials, "settings": settings}
    left = [
        {name: value for name, value in stored.items() if (part, name) not in gone}
        for part, stored in parts.items()
    ]
    return left[0], left[1]


def clean_name(name: str) -> str:
    """Return the name of a channel as it is stored. Raises `Invalid`."""
    name = legible(name)
    if not name:
        raise Invalid(Complaint("name", "Give the channel a name."))
    if len(name) > _LONGEST_NAME:
        raise Invalid(Complaint("name", f"Take at most {_LONGEST_NAME} characters."))
    return name


def from_answer(checked: Checked) -> Asked:
    """Return what the provider's own answer means."""
    wrong = next((finding for finding in checked.findings if not finding.ok), None)
    return Asked(
        status="connected" if wrong is None else "error",
        reason="" if wrong is None else _sentences(wrong.detail, wrong.fix),
        findings=checked.findings,
        facts=checked.facts,
        tokens=checked.tokens,
    )


def worst_of(asked: Asked, findings: tuple[Finding, ...]) -> Asked:
    """Return what it means that of all that was found only ``findings`` count."""
    if any(not one.ok for one in findings) or not asked.findings:
        return replace(asked, findings=findings)
    return replace(asked, status="connected", reason="", findings=findings)


def _sentences(*texts: str) -> str:
    """Return ``texts`` one behind the other; what providers say seldom ends with a full stop."""
    ended = (text if text.endswith((".", "!", "?")) else f"{text}." for text in texts if text)
    return " ".join(ended)


def from_failure(error: HubError) -> Asked:
    """Return what it means that there was no usable answer.

    Credentials that are refused need a person; a provider that is away needs only patience.
    """
    # A provider at an address that we may not call is out of reach like one that is away.
    away = isinstance(error, Transient | OutcomeUnknown | OutOfBounds)
    away = away and error.code != "plugin_error"
    finding = Finding(code=error.code, ok=False, detail=str(error), fix=_remedy(error))
    return Asked(status="inactive" if away else "error", reason=finding.detail, findings=(finding,))


def finding_json(finding: Finding) -> dict[str, Any]:
    """Return a finding as a channel's row keeps it."""
    until = finding.until.isoformat() if finding.until else None
    return {**asdict(finding), "until": until}


def kept_findings(row: Row[Any]) -> tuple[Finding, ...]:
    """Return what was found when the provider was last asked about a channel."""
    return tuple(
        Finding(**{**one, "until": datetime.fromisoformat(one["until"]) if one["until"] else None})
        for one in row.findings or ()
    )


def stored_credentials(hub: "Hub", row: Row[Any]) -> frozenset[str]:
    """Return the names of the credentials that are stored of a channel; none if unreadable."""
    try:
        return frozenset(hub.vault.open(row.secrets, row.id)["credentials"])
    except Undecryptable:
        return frozenset()


def shown_status(hub: "Hub", row: Row[Any]) -> tuple[str, str]:
    """Return the status of a channel and its reason, as people should see them.

    A plugin may be gone or changed since the provider was last asked: then nothing gets through
    from that moment on, and nobody should read that all is well.
    """
    try:
        open_connection(hub, row)
    except (UnknownType, Undecryptable) as error:
        return "error", error.detail
    # A plugin's own validation may raise anything, and no other channel must hear of it.
    except Exception:
        log.exception("channel cannot be opened", channel=row.id)
        return "error", "The channel's plugin fails at what is stored of it; see the log."
    return row.status, row.status_reason


def campaigns_paused(row: Row[Any], now: datetime) -> datetime | None:
    """Return until when a channel sends no campaigns; None: it does."""
    until: datetime | None = row.bulk_paused_until
    return until if until is not None and until > now else None


def wrong_with(
    hooks: ChannelHooks, credentials: Mapping[str, Any], settings: Mapping[str, Any]
) -> tuple[Complaint, ...]:
    """Return what is wrong with a form, field by field."""
    try:
        _validated(hooks, credentials, settings)
    except Invalid as error:
        return error.complaints
    return ()


def _validated(
    hooks: ChannelHooks, credentials: Mapping[str, Any], settings: Mapping[str, Any]
) -> BaseModel:
    why = f"Take at most {_LONGEST_CREDENTIAL:,} characters."
    long = (name for name, value in credentials.items() if len(str(value)) > _LONGEST_CREDENTIAL)
    if too_long := [Complaint(f"credentials.{name}", why) for name in long]:
        raise Invalid(*too_long)
    try:
        return hooks.validate(credentials, settings)
    except ValidationError as error:
        raise Invalid.because(error) from None


def _remedy(error: HubError) -> str:
    match error:
        case AuthFailed(code=AuthFailed.code):
            return "Enter the credentials again, as the provider shows them now."
        case AuthFailed():
            return ""  # it is about the account, and the plugin has said what
        case OutOfBounds():
            return "Correct the address, or allow its network, then check again."
        case RateLimited():
            return "Wait a while, then check again."
        case Transient() | OutcomeUnknown():
            return "See whether the provider can be reached from here, then check again."
        case SendError():
            return "Compare the channel's settings with those at the provider."
    return ""
