"""Check account, application and sender, and register or remove our webhook there."""

from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import urlsplit

from hubbub.sdk import (
    Checked,
    Exchange,
    Finding,
    HttpRequest,
    HttpResponse,
    Permanent,
    SendError,
)
from hubbub.sdk.sms import address_kind
from hubbub_sms_vonage import api, faults, keys, legacy, wire
from hubbub_sms_vonage.fields import VonageConnection

_NOT_FOUND: Final = 404
#: In EUR: less lasts for some twenty messages.
_LOW: Final = 1
_LINKS: Final = frozenset({"id", "_links"})


def inspect(connection: VonageConnection, *, register: bool) -> Exchange[Checked]:
    """Look at the account, the application and the sender; with ``register`` enter our webhook.

    Raises a `SendError` when Vonage cannot be asked at all.
    """
    account = yield from _balance(connection)
    if not account.ok:
        return account
    findings = [*account.findings]
    try:
        if connection.fields.legacy:
            findings += _unproven(connection)
        else:
            findings += yield from _application(connection, register=register)
        sender = yield from _sender(connection, register=register)
    except Permanent as error:
        sender = _seen(Finding.bad("sender", error.detail, _SENDER))
    return _seen(*findings, *sender.findings, facts=sender.facts)


def withdraw(connection: VonageConnection) -> Exchange[None]:
    """Take our webhook away from where it is, but only where it is still ours."""
    if connection.fields.legacy:
        number = yield from _number(connection)
        if number and number.webhook == connection.webhook_url:
            _good((yield _update(connection, number, [("moHttpUrl", "")])))
        return
    response = yield _application_request(connection)
    if response.status == _NOT_FOUND:
        return
    written = _written(_good(response))
    if _is_ours(wire.need(wire.Application, response), connection):
        # Without this capability Vonage makes no calls: blank addresses would pile them up.
        others = {name: what for name, what in _capabilities(written).items() if name != "messages"}
        body = {**written, "capabilities": others}
        _good((yield api.put(connection, api.application_url(connection), body)))


# --- the account ---------------------------------------------------------------------------


def _balance(connection: VonageConnection) -> Exchange[Checked]:
    url = f"{connection.fields.settings.rest_url}/account/get-balance"
    response = yield api.get(connection, url)
    error = faults.refusal(response)
    if isinstance(error, Permanent):
        return _seen(Finding.bad("credentials", error.detail, _CREDENTIALS))
    left = wire.need(wire.Balance, _good(response)).value
    if left <= 0:
        return _seen(Finding.bad("credit", "The account has no credit left.", _TOP_UP))
    if left < _LOW:
        return _seen(
            Finding.warning("credit", f"The account has only {left:.2f} EUR left.", _TOP_UP)
        )
    return _seen(Finding.good("credit", "The account is known and has credit."))


_CREDENTIALS: Final = "Copy API key and API secret from API settings in the Vonage dashboard."
_SENDER: Final = "Compare what is entered here with the Vonage dashboard."
_TOP_UP: Final = "Top it up in the Vonage dashboard; what waits is sent then."


# --- the application -----------------------------------------------------------------------


def _application(connection: VonageConnection, *, register: bool) -> Exchange[list[Finding]]:
    response = yield _application_request(connection)
    if response.status == _NOT_FOUND:
        id_ = connection.fields.credentials.application_id
        return [
            Finding.bad(
                "application", f"The account has no application {id_}.", _CHOOSE_APPLICATION
            )
        ]
    application = wire.need(wire.Application, _good(response))
    if register and not _is_ours(application, connection):
        body = _with_webhooks(_written(response), connection)
        changed = _good((yield api.put(connection, api.application_url(connection), body)))
        application = wire.need(wire.Application, changed)
    return [
        Finding.good("application", f"The application {application.name!r} exists."),
        *_key(application, connection),
        _webhook(application, connection),
    ]


_CHOOSE_APPLICATION: Final = "Copy the Application ID from Applications in the Vonage dashboard."


def _application_request(connection: VonageConnection) -> HttpRequest:
    return api.get(connection, api.application_url(connection))


def _key(application: wire.Application, connection: VonageConnection) -> list[Finding]:
    private = connection.fields.credentials.private_key
    if not private or keys.fit(private, application.keys.public_key):
        return []
    detail = "The Private key is not that of the application, so Vonage refuses what is sent."
    fix = "Generate a new pair of keys at the application, and enter the new private.key here."
    return [Finding.bad("private_key", detail, fix)]


def _webhook(application: wire.Application, connection: VonageConnection) -> Finding:
    if _is_ours(application, connection):
        return Finding.good("webhook", "Vonage sends messages and statuses to this hub.")
    messages = application.capabilities.messages
    if messages is None:
        return Finding.bad("webhook", "The application has no capability Messages.", _REGISTER)
    if messages.version != "v1":
        detail = f"The application speaks version {messages.version or 'none'}, and not v1."
        return Finding.bad("webhook", detail, _REGISTER)
    hooks = messages.webhooks
    hosts = sorted({_host(hooks.inbound_url.address), _host(hooks.status_url.address)})
    detail = f"Vonage sends messages or statuses elsewhere: {', '.join(hosts)}."
    return Finding.bad("webhook", detail, _REGISTER)


_REGISTER: Final = "Save the channel again: the hub then enters its address at Vonage."


def _is_ours(application: wire.Application, connection: VonageConnection) -> bool:
    messages = application.capabilities.messages
    if messages is None or messages.version != "v1":
        return False
    ours = wire.Webhook(address=connection.webhook_url, http_method="POST")
    hooks = messages.webhooks
    return hooks.inbound_url == ours and hooks.status_url == ours


def _written(response: HttpResponse) -> dict[str, Any]:
    """Return the whole application as it can be written back: Vonage replaces all of it."""
    read = response.json()
    whole = read if isinstance(read, dict) else {}
    return {name: what for name, what in whole.items() if name not in _LINKS}


def _capabilities(written: Mapping[str, Any]) -> dict[str, Any]:
    found = written.get("capabilities")
    return dict(found) if isinstance(found, dict) else {}


def _with_webhooks(written: Mapping[str, Any], connection: VonageConnection) -> dict[str, Any]:
    capabilities = _capabilities(written)
    webhook = {"address": connection.webhook_url, "http_method": "POST"}
    messages = {
        "version": "v1",
        "webhooks": {"inbound_url": webhook, "status_url": webhook},
        "authenticate_inbound_media": True,
    }
    before = capabilities.get("messages")
    kept = before if isinstance(before, dict) else {}
    return {**written, "capabilities": {**capabilities, "messages": {**kept, **messages}}}


# --- the sender ----------------------------------------------------------------------------


def _sender(connection: VonageConnection, *, register: bool) -> Exchange[Checked]:
    shown = connection.fields.settings.from_number
    if address_kind(shown) == "alphanumeric":
        detail = f"Nobody can answer {shown!r}: a name only sends, and not everywhere."
        fix = "Use a phone number where customers should be able to answer."
        return _seen(Finding.warning("one_way", detail, fix), facts={"mms": "no"})
    number = yield from _number(connection)
    if number is None:
        return _seen(Finding.bad("number", f"The account has no number {shown}.", _CHOOSE_NUMBER))
    if register and not _leads_here(number, connection):
        _good((yield _update(connection, number, [_entry(connection)])))
        number = (yield from _number(connection)) or number
    facts = {"mms": "yes" if "MMS" in number.features else "no"}
    return _seen(_carries(number), _link(number, connection), facts=facts)


_CHOOSE_NUMBER: Final = (
    "Choose one of Numbers > Your numbers in the Vonage dashboard, and write it with the country "
    "code."
)


def _carries(number: wire.Number) -> Finding:
    if "SMS" in number.features:
        return Finding.good("sms", "The number carries SMS.")
    return Finding.bad("sms", "The number cannot carry SMS.", "Choose a number that has SMS.")


def _link(number: wire.Number, connection: VonageConnection) -> Finding:
    if _leads_here(number, connection):
        return Finding.good("link", "What is written to the number comes to this hub.")
    if number.app_id:
        detail = f"The number is linked to another application: {number.app_id}."
        return Finding.bad("link", detail, _UNLINK if connection.fields.legacy else _REGISTER)
    return Finding.bad(
        "link", "What is written to the number does not come to this hub.", _REGISTER
    )


_UNLINK: Final = (
    "Unlink it under Numbers > Your numbers; or enter that application here, and use the Messages "
    "API."
)


def _leads_here(number: wire.Number, connection: VonageConnection) -> bool:
    if connection.fields.legacy:
        # An application gets the messages of its numbers, whatever address they have.
        return number.webhook == connection.webhook_url and not number.app_id
    return number.app_id == connection.fields.credentials.application_id


def _entry(connection: VonageConnection) -> tuple[str, str]:
    """Return what has to stand at a number so that its messages come to us."""
    if connection.fields.legacy:
        return "moHttpUrl", connection.webhook_url
    return "app_id", connection.fields.credentials.application_id


def _number(connection: VonageConnection) -> Exchange[wire.Number | None]:
    wanted = connection.fields.settings.from_number.removeprefix("+")
    url = f"{connection.fields.settings.rest_url}/account/numbers"
    response = yield api.get(connection, url, {"pattern": wanted})
    found = wire.need(wire.NumberList, _good(response)).numbers
    # The search also finds numbers that merely begin like ours.
    exact = [number for number in found if number.msisdn == wanted]
    return exact[0] if exact else None


def _update(connection: VonageConnection, number: wire.Number, change: api.Form) -> HttpRequest:
    which = [("country", number.country), ("msisdn", number.msisdn)]
    return api.post(connection, "/number/update", [*which, *change])


# --- the SMS API ---------------------------------------------------------------------------


def _unproven(connection: VonageConnection) -> list[Finding]:
    findings = []
    if not connection.fields.credentials.signature_secret:
        findings.append(Finding.warning("unsigned", _UNSIGNED, _SIGN))
    if len(connection.webhook_url) > legacy.LONGEST_CALLBACK:
        findings.append(Finding.warning("callback", _TOO_LONG, _SHORTEN))
    return findings


_UNSIGNED: Final = (
    "Vonage does not sign what it tells: only the webhook's address, which nobody can guess, "
    "keeps strangers out."
)
_SIGN: Final = (
    "Use the Messages API; or let Vonage's support switch on signing, and enter the Signature "
    "secret."
)
_TOO_LONG: Final = (
    f"The webhook's address has more than {legacy.LONGEST_CALLBACK} characters, so that no "
    "receipts can be asked for."
)
_SHORTEN: Final = "Give the hub a shorter HUBBUB_PUBLIC_URL."


# --- findings ------------------------------------------------------------------------------


def _host(url: str) -> str:
    # Not the whole address: it may hold somebody's password.
    try:
        return urlsplit(url).hostname or "nowhere"
    except ValueError:
        return "an unknown host"


def _good(response: HttpResponse) -> HttpResponse:
    error: SendError | None = faults.refusal(response)
    if error:
        raise error
    return response


def _seen(*findings: Finding, facts: Mapping[str, str] | None = None) -> Checked:
    return Checked(findings=findings, facts=facts or {})
