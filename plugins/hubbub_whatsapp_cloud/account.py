"""Check number, account and token, and register or remove our webhook."""

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any, Final

from hubbub.sdk import (
    AuthFailed,
    Checked,
    Exchange,
    Finding,
    Permanent,
    SendError,
    graph,
)
from hubbub.sdk.whatsapp import meanings
from hubbub_whatsapp_cloud import api, faults
from hubbub_whatsapp_cloud.fields import WhatsAppConnection

#: One unknown field makes the whole call fail, so that there are two sets of them.
_BASIC: Final = "id,display_phone_number,verified_name"
_ALL: Final = f"{_BASIC},quality_rating,platform_type,status,throughput,webhook_configuration"
_NEEDED_SCOPES: Final = ("whatsapp_business_messaging", "whatsapp_business_management")
_PAGES: Final = 3
_ALIVE: Final = frozenset({"", "CONNECTED"})
_POOR: Final = frozenset({"YELLOW", "RED"})


class Level(graph.Said):
    """How many messages a second the number may send."""

    level: str = ""


class Webhooks(graph.Said):
    """Where Meta calls, the most particular first."""

    phone_number: str = ""
    whatsapp_business_account: str = ""
    application: str = ""

    @property
    def effective(self) -> str:
        """The address that counts; empty when none is set."""
        return self.phone_number or self.whatsapp_business_account or self.application


class Number(graph.Said):
    """Our number."""

    display_phone_number: str = ""
    verified_name: str = ""
    quality_rating: str = ""
    platform_type: str = ""
    status: str = ""
    throughput: Level = Level()
    webhook_configuration: Webhooks | None = None


class Identified(graph.Said):
    """Anything with an id."""

    id: str = ""


class NumberPage(graph.Said):
    """Numbers of an account."""

    data: tuple[Identified, ...] = ()
    paging: api.Paging = api.Paging()


class Subscription(graph.Said):
    """An app that hears what happens to an account."""

    whatsapp_business_api_data: Identified = Identified()


class Subscriptions(graph.Said):
    """All of them."""

    data: tuple[Subscription, ...] = ()


def check(connection: WhatsAppConnection) -> Exchange[Checked]:
    """Ask about the number, the account and the token; change nothing.

    Raises a `SendError` when Meta cannot be asked at all.
    """
    try:
        number = yield from _number(connection)
    except AuthFailed as error:
        # Without the number nothing else is worth asking.
        return Checked(findings=(_no_number(error),))
    findings = [*_about_number(number), *_about_webhook(number.webhook_configuration, connection)]
    for look in (_account, _subscription, _token):
        try:
            findings += yield from look(connection)
        except Permanent as error:
            findings.append(Finding.bad(look.__name__.strip("_"), error.detail, _COMPARE))
    return Checked(findings=tuple(findings), facts=_facts(number))


def setup(connection: WhatsAppConnection) -> Exchange[Checked]:
    """Subscribe our app to the account, let Meta call us about the number; then check."""
    settings = connection.fields.settings
    if settings.business_account_id:
        # Without it no real message arrives, whatever the dashboard says.
        yield from _order(connection, f"{settings.business_account_id}/subscribed_apps", {})
    override = {
        "override_callback_uri": connection.webhook_url,
        "verify_token": connection.verify_token,
    }
    body = {"webhook_configuration": override}
    yield from _order(connection, settings.phone_number_id, body)
    return (yield from check(connection))


def teardown(connection: WhatsAppConnection) -> Exchange[None]:
    """Let Meta no longer call us about the number, unless it calls somebody else by now.

    The app stays subscribed to the account, which may have more numbers.
    """
    path = connection.fields.settings.phone_number_id
    asked = {"fields": "webhook_configuration"}
    number = yield from api.ask(connection, Number, path, **asked)
    hooks = number.webhook_configuration
    if hooks and hooks.phone_number == connection.webhook_url:
        body = {"webhook_configuration": {"override_callback_uri": ""}}
        yield from _order(connection, path, body)


def _order(connection: WhatsAppConnection, path: str, body: Mapping[str, Any]) -> Exchange[None]:
    """Ask for a change; what is refused shows in the check that follows."""
    response = yield api.post(connection, path, body)
    error = faults.refusal(response)
    if error and not isinstance(error, Permanent):
        raise error


# --- the number ----------------------------------------------------------------------------


def _number(connection: WhatsAppConnection) -> Exchange[Number]:
    path = connection.fields.settings.phone_number_id
    try:
        return (yield from api.ask(connection, Number, path, fields=_ALL))
    except Permanent as error:
        if error.code != "bad_request":
            raise
    return (yield from api.ask(connection, Number, path, fields=_BASIC))


def _no_number(error: AuthFailed) -> Finding:
    if error.code == meanings.NOT_FOUND.code:
        return Finding.bad("phone_number", error.detail, "Copy the Phone number ID from API Setup.")
    return Finding.bad("token", error.detail, _NEW_TOKEN)


_NEW_TOKEN: Final = (
    "In Business settings > System users generate a new token with "  # noqa: S105  # a sentence
    "whatsapp_business_messaging and whatsapp_business_management, and enter it here."
)
_COMPARE: Final = "Compare the IDs that are entered here with those in Meta's dashboard."
_MANAGER: Final = "See WhatsApp Manager > Phone numbers for what to do."


def _facts(number: Number) -> Mapping[str, str]:
    known = {
        "display_phone_number": number.display_phone_number,
        "verified_name": number.verified_name,
        "throughput": number.throughput.level,
    }
    return {name: value for name, value in known.items() if value}


def _about_number(number: Number) -> Iterator[Finding]:
    shown = f"{number.display_phone_number or 'The number'} ({number.verified_name or 'no name'})"
    yield Finding.good("phone_number", f"{shown} is known, and the token may use it.")
    if number.platform_type not in {"", "CLOUD_API"}:
        detail = f"The number is not on the Cloud API, but on {number.platform_type}."
        yield Finding.bad("platform", detail, "Move it to the Cloud API, and register it there.")
    if number.status not in _ALIVE:
        yield Finding.bad("number_status", f"The number is {number.status}.", _MANAGER)
    if number.quality_rating in _POOR:
        detail = f"The quality of the number is {number.quality_rating}: people block or report it."
        yield Finding.warning("quality", detail, _MANAGER)


def _about_webhook(hooks: Webhooks | None, connection: WhatsAppConnection) -> list[Finding]:
    if hooks is None:
        return []
    if hooks.effective == connection.webhook_url:
        return [Finding.good("webhook", "Meta calls this hub about the number.")]
    where = f"{graph.host(hooks.effective)} instead of this hub" if hooks.effective else "nobody"
    return [Finding.bad("webhook", f"Meta calls {where} about the number.", _REGISTER)]


_REGISTER: Final = (
    "Save the channel again, from a public https address (HUBBUB_PUBLIC_URL); or enter Callback "
    "URL and Verify token at WhatsApp > Configuration in the App Dashboard."
)


# --- the account ---------------------------------------------------------------------------


def _account(connection: WhatsAppConnection) -> Exchange[list[Finding]]:
    settings = connection.fields.settings
    if not settings.business_account_id:
        detail = "Without it the hub cannot see that the account's messages reach the app."
        return [Finding.warning("account", detail, "Enter the WhatsApp Business Account ID.")]
    after: dict[str, str] = {}
    for _ in range(_PAGES):
        path = f"{settings.business_account_id}/phone_numbers"
        page = yield from api.ask(connection, NumberPage, path, fields="id", **after)
        if any(number.id == settings.phone_number_id for number in page.data):
            return [Finding.good("account", "The number belongs to the account.")]
        if not page.paging.following:
            break
        after = {"after": page.paging.following}
    return [Finding.bad("account", "The number does not belong to the account.", _COMPARE)]


def _subscription(connection: WhatsAppConnection) -> Exchange[list[Finding]]:
    settings = connection.fields.settings
    if not settings.business_account_id:
        return []
    path = f"{settings.business_account_id}/subscribed_apps"
    found = yield from api.ask(connection, Subscriptions, path)
    apps = {one.whatsapp_business_api_data.id for one in found.data}
    if settings.app_id in apps or (apps and not settings.app_id):
        return [Finding.good("subscription", "The app hears what happens to the account.")]
    detail = "The app is not subscribed to the account, so that its messages do not reach us."
    return [
        Finding.bad("subscription", detail, "Save the channel again: the hub then subscribes it.")
    ]


# --- the token -----------------------------------------------------------------------------


def _token(connection: WhatsAppConnection) -> Exchange[list[Finding]]:
    settings, credentials = connection.fields.settings, connection.fields.credentials
    if not settings.app_id:
        detail = "Without it neither App secret nor the end of the token's life can be checked."
        return [Finding.warning("app", detail, "Enter the App ID.")]
    response = yield api.get(
        connection,
        "debug_token",
        input_token=credentials.access_token,
        access_token=f"{settings.app_id}|{credentials.app_secret}",
    )
    refused: SendError | None = faults.refusal(response)
    if isinstance(refused, Permanent):
        # What else Meta's refusals advise is about tokens.
        detail = f"Meta does not know this App ID with this App secret ({refused.provider_code})."
        fix = "Copy App ID and App secret from App settings > Basic."
        return [Finding.bad("app", detail, fix)]
    token = api.need(graph.DebuggedToken, response).data
    return [
        Finding.good("app", "App ID and App secret belong together."),
        *_about_token(token, connection, graph.told_at(response)),
    ]


def _about_token(
    token: graph.Token, connection: WhatsAppConnection, now: datetime | None
) -> Iterator[Finding]:
    settings = connection.fields.settings
    if not token.is_valid:
        yield Finding.bad("token", "The token is not valid any more.", _NEW_TOKEN)
        return
    if token.app_id != settings.app_id:
        detail = f"The token is of another app: {token.app_id or 'none'}."
        yield Finding.bad(
            "token_app", detail, "Generate a token for the app whose App ID is entered."
        )
    yield graph.lasting(token.ends_at, now, _NEW_TOKEN)
    if missing := [scope for scope in _NEEDED_SCOPES if scope not in token.scopes]:
        yield Finding.bad("scopes", f"The token lacks {', '.join(missing)}.", _NEW_TOKEN)
    if token.shut_out(_NEEDED_SCOPES, settings.business_account_id):
        detail = "The token may not use this WhatsApp account."
        yield Finding.bad(
            "assets", detail, "Assign the account to the system user, with full control."
        )
