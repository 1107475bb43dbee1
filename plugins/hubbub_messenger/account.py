"""Check Page, webhook, subscription and token, and register or remove our webhook."""

from collections.abc import Iterator
from typing import Final

from hubbub.sdk import (
    AuthFailed,
    Checked,
    Exchange,
    Finding,
    HttpRequest,
    HttpResponse,
    Permanent,
    graph,
)
from hubbub_messenger import api, faults, meanings
from hubbub_messenger.fields import MessengerConnection

#: What we want to be told of.
WEBHOOK_FIELDS: Final = (
    "messages",
    "messaging_postbacks",
    "messaging_referrals",
    "messaging_optins",
    "message_deliveries",
    "message_reads",
    "message_echoes",
    "message_reactions",
    "message_edits",
    "messaging_handovers",
    "standby",
    "messaging_policy_enforcement",
)
#: Without these the channel is deaf; without others it only knows less.
_VITAL: Final = frozenset({"messages", "messaging_postbacks"})
_NEEDED_SCOPES: Final = ("pages_messaging", "pages_manage_metadata")

_NEW_TOKEN: Final = (
    'At Messenger > API settings press "Generate token" next to the Page, and enter it here.'  # noqa: S105  # a sentence
)
_PAIR: Final = "Copy App ID and App secret from App settings > Basic."
_COMPARE: Final = "Compare the IDs that are entered here with those in Meta's dashboard."
_AGAIN: Final = "Check the channel again: the hub then subscribes the app."
_REGISTER: Final = (
    "Save the channel again, from a public https address (HUBBUB_PUBLIC_URL); or enter Callback "
    "URL and Verify token at Messenger > API settings in the App Dashboard."
)


class Who(graph.Said):
    """Whose the token is."""

    id: str = ""
    name: str = ""


class Subscriber(graph.Said):
    """An app that hears what happens to a Page."""

    id: str = ""
    subscribed_fields: tuple[str, ...] = ()


class Subscribers(graph.Said):
    """All of them."""

    data: tuple[Subscriber, ...] = ()


class Webhook(graph.Said):
    """Where Meta calls about one kind of object."""

    object: str = ""
    callback_url: str = ""


class Webhooks(graph.Said):
    """All of them."""

    data: tuple[Webhook, ...] = ()

    @property
    def for_pages(self) -> str:
        """The address that Meta calls about Pages; empty when there is none."""
        return next((one.callback_url for one in self.data if one.object == "page"), "")


def check(connection: MessengerConnection) -> Exchange[Checked]:
    """Ask about the Page, the app and the token; change nothing.

    Raises a `SendError` when Meta cannot be asked at all.
    """
    try:
        who = yield from api.ask(connection, Who, "me", fields="id,name")
    except AuthFailed as error:
        # Without the Page nothing else is worth asking.
        return Checked(findings=(_about_proof(error),))
    findings = [_about_page(who, connection)]
    for look in (_webhook, _subscription, _token):
        try:
            findings += yield from look(connection)
        except Permanent as error:
            findings.append(Finding.bad(look.__name__.strip("_"), error.detail, _COMPARE))
    facts = {"page_name": who.name} if who.name else {}
    return Checked(findings=tuple(findings), facts=facts)


def setup(connection: MessengerConnection) -> Exchange[Checked]:
    """Let Meta call us about the app's Pages, subscribe the app to ours; then check."""
    settings = connection.fields.settings
    if settings.app_id:
        where = yield from _registered(connection)
        if where is not None and not _is_ours(where, connection):
            yield from _order(_registration(connection))
    # Without it no message arrives, whatever the dashboard says.
    wanted = ",".join(WEBHOOK_FIELDS)
    path = f"{settings.page_id}/subscribed_apps"
    yield from _order(api.order(connection, "POST", path, subscribed_fields=wanted))
    return (yield from check(connection))


def teardown(connection: MessengerConnection) -> Exchange[None]:
    """Let the Page no longer tell the app, and Meta no longer call this address.

    Other Pages of the app then have no address until they are checked, which gives them their own.
    """
    settings = connection.fields.settings
    yield from _order(api.order(connection, "DELETE", f"{settings.page_id}/subscribed_apps"))
    if settings.app_id and (yield from _registered(connection)) == connection.webhook_url:
        path = f"{settings.app_id}/subscriptions"
        yield from _order(api.by_app(connection, "DELETE", path, {"object": "page"}))


def _order(request: HttpRequest) -> Exchange[None]:
    """Ask for a change; what is refused shows in the check that follows."""
    response = yield request
    error = faults.refusal(response)
    if error and not isinstance(error, Permanent):
        raise error


def _about_proof(error: AuthFailed) -> Finding:
    if error.code == meanings.WRONG_SECRET.code:
        return Finding.bad("app", error.detail, _PAIR)
    return Finding.bad("token", error.detail, _NEW_TOKEN)


def _about_page(who: Who, connection: MessengerConnection) -> Finding:
    if who.id == connection.fields.settings.page_id:
        return Finding.good("page", f"The token is the Page's: {who.name or who.id}.")
    detail = f"The token is not this Page's, but of {who.name or who.id or 'somebody else'}."
    return Finding.bad("page", detail, _NEW_TOKEN)


# --- the webhook ---------------------------------------------------------------------------


def _webhook(connection: MessengerConnection) -> Exchange[list[Finding]]:
    if not connection.fields.settings.app_id:
        detail = "Without it the hub can neither register its webhook nor see whether it is."
        return [Finding.warning("app", detail, "Enter the App ID.")]
    where = yield from _registered(connection)
    if where is None:
        # App ID or App secret: the look at the token says so.
        return []
    if _is_ours(where, connection):
        return [Finding.good("webhook", "Meta calls this hub about the app's Pages.")]
    told = f"{graph.host(where)} instead of this hub" if where else "nobody"
    return [Finding.bad("webhook", f"Meta calls {told} about the app's Pages.", _REGISTER)]


def _is_ours(callback_url: str | None, connection: MessengerConnection) -> bool:
    """Whether it is one of our channels' addresses: any of them hands on to the others."""
    ours = connection.webhook_url.rpartition("/")[0]
    return (callback_url or "").rpartition("/")[0] == ours


def _registered(connection: MessengerConnection) -> Exchange[str | None]:
    """Ask which address Meta calls about the app's Pages; None: it does not say."""
    app_id = connection.fields.settings.app_id
    response = yield api.by_app(connection, "GET", f"{app_id}/subscriptions", {})
    if isinstance(faults.refusal(response), Permanent):
        return None
    return api.need(Webhooks, response).for_pages


def _registration(connection: MessengerConnection) -> HttpRequest:
    app_id = connection.fields.settings.app_id
    wanted = {
        "object": "page",
        "callback_url": connection.webhook_url,
        "verify_token": connection.verify_token or "",
        "fields": ",".join(WEBHOOK_FIELDS),
        "include_values": "true",
    }
    return api.by_app(connection, "POST", f"{app_id}/subscriptions", wanted)


# --- the subscription ----------------------------------------------------------------------


def _subscription(connection: MessengerConnection) -> Exchange[list[Finding]]:
    settings = connection.fields.settings
    path = f"{settings.page_id}/subscribed_apps"
    found = yield from api.ask(connection, Subscribers, path)
    apps = [one for one in found.data if settings.app_id in {one.id, ""}]
    if not apps:
        detail = "The app is not subscribed to the Page, so that its messages do not reach us."
        return [Finding.bad("subscription", detail, _AGAIN)]
    heard = {field for app in apps for field in app.subscribed_fields}
    missing = [field for field in WEBHOOK_FIELDS if field not in heard]
    if not missing:
        return [Finding.good("subscription", "The app hears what happens to the Page.")]
    detail = f"The app does not hear of {', '.join(missing)}."
    if _VITAL & set(missing):
        return [Finding.bad("subscription", detail, _AGAIN)]
    return [
        Finding.warning("subscription", detail, "Save the channel again: the hub then subscribes.")
    ]


# --- the token -----------------------------------------------------------------------------


def _token(connection: MessengerConnection) -> Exchange[list[Finding]]:
    settings, credentials = connection.fields.settings, connection.fields.credentials
    if not settings.app_id:
        return []
    asked = {"input_token": credentials.page_access_token}
    response = yield api.by_app(connection, "GET", "debug_token", asked)
    refused = faults.refusal(response)
    if isinstance(refused, Permanent):
        return [Finding.bad("app", refused.detail, _PAIR)]
    token = api.need(graph.DebuggedToken, response).data
    return [
        Finding.good("app", "App ID and App secret belong together."),
        *_about_token(token, connection, response),
    ]


def _about_token(
    token: graph.Token, connection: MessengerConnection, response: HttpResponse
) -> Iterator[Finding]:
    settings = connection.fields.settings
    if not token.is_valid:
        yield Finding.bad("token", "The token is not valid any more.", _NEW_TOKEN)
        return
    if token.type not in {"", "PAGE"}:
        yield Finding.bad(
            "token_type", f"The token is a {token.type} token, not a Page's.", _NEW_TOKEN
        )
    if token.app_id != settings.app_id:
        detail = f"The token is of another app: {token.app_id or 'none'}."
        yield Finding.bad(
            "token_app", detail, "Generate a token for the app whose App ID is entered."
        )
    yield graph.lasting(token.ends_at, graph.told_at(response), _NEW_TOKEN)
    if missing := [scope for scope in _NEEDED_SCOPES if scope not in token.scopes]:
        yield Finding.bad("scopes", f"The token lacks {', '.join(missing)}.", _NEW_TOKEN)
    if token.shut_out(_NEEDED_SCOPES, settings.page_id):
        yield Finding.bad("assets", "The token may not use this Page.", _NEW_TOKEN)
