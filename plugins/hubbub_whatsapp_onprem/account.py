"""Check the client, and register or remove our webhook there. Source: "Settings", "Health"."""

from collections.abc import Iterator, Mapping
from datetime import timedelta
from typing import Any, Final
from urllib.parse import urlsplit

from hubbub.sdk import AuthFailed, Checked, Exchange, Finding, HttpResponse, Permanent, graph
from hubbub_whatsapp_onprem import api, faults, wire
from hubbub_whatsapp_onprem.fields import OnPremiseConnection
from hubbub_whatsapp_onprem.session import ENDS_AT, TOKEN, Session

_SETTINGS: Final = "settings/application"
_NOT_FOUND: Final = 404
#: A token is replaced this long before it ends.
_EARLY: Final = timedelta(hours=24)
_KINDS: Final = ("image", "video", "voice", "audio", "sticker", "document")


def check(connection: OnPremiseConnection) -> Exchange[Checked]:
    """Log in where that is due, and look at the client and its settings; change nothing.

    Raises a `SendError` when the client cannot be asked at all.
    """
    return (yield from _looked_at(connection, Session(connection)))


def setup(connection: OnPremiseConnection) -> Exchange[Checked]:
    """Let the client call us; then check, where what was refused shows."""
    us = Session(connection)
    try:
        yield from _register(connection, us)
    except AuthFailed as error:
        return Checked(findings=(_no_login(error, connection),))
    return (yield from _looked_at(connection, us))


def teardown(connection: OnPremiseConnection) -> Exchange[None]:
    """Let the client no longer call us, unless it calls somebody else by now; then log out."""
    us = Session(connection)
    response = yield from us.ask(api.get(connection, _SETTINGS))
    url = api.need(wire.Configured, response).settings.application.webhooks.url
    if url == connection.webhook_url:
        nowhere = {"webhooks": {"url": ""}}
        yield from us.ask(api.change(connection, "PATCH", _SETTINGS, nowhere))
    if connection.fields.logs_in:
        yield from us.ask(api.change(connection, "POST", "users/logout", {}))


# --- the webhook ---------------------------------------------------------------------------


def _register(connection: OnPremiseConnection, us: Session) -> Exchange[None]:
    told = {"message": {"sent": True, "delivered": True, "read": True}}
    response = yield from us.ask(_webhook_settings(connection, told))
    error = faults.refusal(response)
    if isinstance(error, Permanent) and not faults.denied(response):
        # Clients before v2.41.2 know but one switch.
        response = yield from us.ask(_webhook_settings(connection, {}, sent_status=True))
        error = faults.refusal(response)
    if error and not isinstance(error, Permanent):
        raise error


def _webhook_settings(
    connection: OnPremiseConnection, told: Mapping[str, Any], **more: bool
) -> Any:
    body = {
        "callback_persist": True,
        **more,
        "webhooks": {"url": connection.webhook_url, "max_concurrent_requests": 6, **told},
        "media": {"auto_download": list(_KINDS)},
    }
    return api.change(connection, "PATCH", _SETTINGS, body)


# --- the check -----------------------------------------------------------------------------


def _looked_at(connection: OnPremiseConnection, us: Session) -> Exchange[Checked]:
    try:
        health = yield from us.ask(api.get(connection, "health"))
        if _ends_soon(us, health):
            yield from us.log_in()
        findings = list(_about_health(health))
        settings = yield from us.ask(api.get(connection, _SETTINGS))
        application = _application(settings)
    except AuthFailed as error:
        return Checked(findings=(_no_login(error, connection),))
    findings += _about_webhook(application, connection)
    return Checked(
        findings=tuple(findings),
        facts=_facts(application, us, connection),
        tokens={TOKEN: us.token} if us.token else {},
    )


def _ends_soon(us: Session, response: HttpResponse) -> bool:
    # By the client's own clock, which also ends it.
    now = graph.told_at(response)
    return bool(us.ends_at and now and us.ends_at - now < _EARLY)


def _facts(
    application: wire.Application | None, us: Session, connection: OnPremiseConnection
) -> Mapping[str, str]:
    known = {
        "wa_id": application.wa_id if application else connection.facts.get("wa_id", ""),
        ENDS_AT: us.ends_at.isoformat() if us.ends_at else "",
    }
    return {name: value for name, value in known.items() if value}


def _no_login(error: AuthFailed, connection: OnPremiseConnection) -> Finding:
    fix = "Enter Username and Password again, as they are at the client now."
    if not connection.fields.logs_in:
        fix = "Enter the API token again, as the gateway's dashboard shows it."
    return Finding.bad("login", error.detail, fix)


def _about_health(response: HttpResponse) -> Iterator[Finding]:
    if response.status == _NOT_FOUND:
        yield Finding.good("health", "This gateway does not tell how its line to WhatsApp is.")
        return
    states = api.need(wire.Health, response).gateways
    if "connected" in states:
        yield Finding.good("health", "The client is connected to WhatsApp.")
    elif "connecting" in states:
        detail = "The client is connecting to WhatsApp; messages wait meanwhile."
        yield Finding.warning("health", detail, "Should it go on for five minutes, see its logs.")
    elif "unregistered" in states:
        yield Finding.bad("registration", "The number is not registered.", _REGISTER_NUMBER)
    else:
        told = ", ".join(sorted(filter(None, set(states)))) or "nothing"
        detail = f"The client is not connected to WhatsApp: it says {told}."
        yield Finding.bad(
            "health", detail, "See that its containers run, reach WhatsApp and are current."
        )


_REGISTER_NUMBER: Final = (
    "Register it at the client, where that is still possible; else move it to the WhatsApp Cloud "
    "API."
)


def _application(response: HttpResponse) -> wire.Application | None:
    """Return the client's settings, or None where we may not read them."""
    try:
        return api.need(wire.Configured, response).settings.application
    except Permanent:
        return None


def _about_webhook(
    application: wire.Application | None, connection: OnPremiseConnection
) -> Iterator[Finding]:
    if application is None:
        detail = "The hub may not read where messages are told to."
        yield Finding.warning(
            "webhook", detail, "Log in as admin; or enter the webhook's address there."
        )
    elif application.webhooks.url == connection.webhook_url:
        yield Finding.good("webhook", "The client calls this hub.")
    else:
        where = _host(application.webhooks.url)
        yield Finding.bad("webhook", f"The client calls {where} and not this hub.", _SAVE_AGAIN)


_SAVE_AGAIN: Final = "Save the channel again, as admin: the hub then enters its address there."


def _host(url: str) -> str:
    # Not the whole address: it may hold somebody's secret.
    try:
        return urlsplit(url).hostname or "nobody"
    except ValueError:
        return "another address"
