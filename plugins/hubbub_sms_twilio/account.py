"""Check the account and the sender, and register or remove our webhook there."""

from collections.abc import Mapping
from typing import Final
from urllib.parse import urlsplit

from hubbub.sdk import Checked, Exchange, Finding, HttpRequest, HttpResponse, Permanent, SendError
from hubbub.sdk.sms import address_kind
from hubbub_sms_twilio import api, faults, wire
from hubbub_sms_twilio.fields import TwilioConnection
from hubbub_sms_twilio.signature import RETRIES

_GONE: Final = 404


def inspect(connection: TwilioConnection, *, register: bool) -> Exchange[Checked]:
    """Look at the account and the sender; with ``register`` also enter our webhook.

    Raises a `SendError` when Twilio cannot be asked at all.
    """
    account = yield from _account(connection)
    if not account.ok:
        return account
    try:
        sender = yield from _sender(connection, register=register)
    except Permanent as error:
        sender = _seen(Finding.bad("sender", error.detail, _SENDER))
    return _seen(*account.findings, *sender.findings, facts={**account.facts, **sender.facts})


def withdraw(connection: TwilioConnection) -> Exchange[None]:
    """Blank the webhook at Twilio, but only where it is still ours."""
    settings = connection.fields.settings
    if settings.messaging_service_sid:
        service = wire.need(wire.Service, _good((yield _service_request(connection))))
        if _is_ours(service.inbound_request_url, connection):
            url = api.service_url(connection)
            _good((yield api.post(connection, url, [("InboundRequestUrl", "")])))
    elif address_kind(settings.from_number) == "number":
        number = yield from _number(connection)
        if number and _is_ours(number.sms_url, connection):
            url = _number_url(number, connection)
            _good((yield api.post(connection, url, [("SmsUrl", "")])))


# --- the account ---------------------------------------------------------------------------


def _account(connection: TwilioConnection) -> Exchange[Checked]:
    response = yield api.get(connection, api.account_url(connection, ".json"))
    error = faults.refusal(response)
    if isinstance(error, Permanent):
        return _seen(Finding.bad("credentials", error.detail, _CREDENTIALS))
    account = wire.need(wire.Account, _good(response))
    facts = {"account_type": account.type, "account_name": account.friendly_name}
    if account.status != "active":
        return _seen(
            Finding.bad("account", f"The account is {account.status}.", _REACTIVATE), facts=facts
        )
    findings = [Finding.good("account", f"The account {account.friendly_name!r} is active.")]
    if account.type == "Trial":
        findings.append(
            Finding.warning("trial", _TRIAL, "Upgrade the account in the Twilio console.")
        )
    if "_" in _host(connection.webhook_url):
        findings.append(Finding.warning("callback_host", _UNDERSCORE, _RENAME))
    return _seen(*findings, facts=facts)


_CREDENTIALS: Final = (
    "Copy the Account SID and the Auth Token from Account Info in the Twilio console."
)
_SENDER: Final = "Compare the sender entered here with the one in the Twilio console."
_REACTIVATE: Final = "Reactivate it in the Twilio console, or ask Twilio's support."
_TRIAL: Final = (
    "A trial account reaches only verified numbers, and puts a sentence before each text."
)
_UNDERSCORE: Final = "The hub's host name has an underscore: Twilio refuses such status callbacks."
_RENAME: Final = "Give the hub a host name without underscore (HUBBUB_PUBLIC_URL)."


# --- the sender ----------------------------------------------------------------------------


def _sender(connection: TwilioConnection, *, register: bool) -> Exchange[Checked]:
    settings = connection.fields.settings
    if settings.messaging_service_sid:
        return (yield from _inspect_service(connection, register=register))
    kind = address_kind(settings.from_number)
    if kind == "number":
        return (yield from _inspect_number(connection, register=register))
    if kind == "short":
        detail = f"The short code {settings.from_number} cannot be looked up."
        fix = (
            f"If you have not yet, set its webhook in the Twilio console: {connection.webhook_url}"
        )
        return _seen(Finding.warning("webhook", detail, fix), facts={"mms": "no"})
    detail = f"Nobody can answer {settings.from_number!r}: a name only sends, and not everywhere."
    fix = "Use a phone number where customers should be able to answer."
    return _seen(Finding.warning("one_way", detail, fix), facts={"mms": "no"})


def _inspect_number(connection: TwilioConnection, *, register: bool) -> Exchange[Checked]:
    number = yield from _number(connection)
    if number is None:
        shown = connection.fields.settings.from_number
        return _seen(Finding.bad("number", f"The account has no number {shown}.", _CHOOSE_NUMBER))
    if register:
        form = [("SmsUrl", connection.webhook_url + RETRIES), ("SmsMethod", "POST")]
        _good((yield api.post(connection, _number_url(number, connection), form)))
        number = number.model_copy(update={"sms_url": form[0][1], "sms_method": "POST"})
    facts = {"mms": "yes" if number.capabilities.mms else "no"}
    return _seen(_capability(number), _number_webhook(number, connection), facts=facts)


_CHOOSE_NUMBER: Final = (
    "Choose one under Phone Numbers > Manage > Active numbers in the Twilio console, and write it "
    "with + and the country code."
)


def _capability(number: wire.Number) -> Finding:
    if number.capabilities.sms:
        return Finding.good("sms", "The number carries SMS.")
    return Finding.bad("sms", "The number cannot carry SMS.", "Choose a number that has SMS.")


def _number_webhook(number: wire.Number, connection: TwilioConnection) -> Finding:
    if number.sms_application_sid:
        return Finding.bad(
            "webhook",
            f"The number is handled by the TwiML app {number.sms_application_sid}, so Twilio "
            "ignores its webhook.",
            "Set Messaging > Configure with to Webhook at the number in the Twilio console.",
        )
    if number.sms_method not in {None, "POST"}:
        detail = (
            f"Twilio calls our webhook by {number.sms_method}, which has no room for long texts."
        )
        return Finding.bad("webhook", detail, _REGISTER)
    return _webhook(number.sms_url, connection)


def _inspect_service(connection: TwilioConnection, *, register: bool) -> Exchange[Checked]:
    response = yield _service_request(connection)
    if response.status == _GONE:
        sid = connection.fields.settings.messaging_service_sid
        fix = "Copy the SID from Messaging > Services in the Twilio console."
        return _seen(Finding.bad("service", f"The account has no Messaging Service {sid}.", fix))
    service = wire.need(wire.Service, _good(response))
    if register:
        wanted = connection.webhook_url + RETRIES
        _good((yield api.post(connection, api.service_url(connection), _service_form(wanted))))
        service = service.model_copy(
            update={"inbound_request_url": wanted, "use_inbound_webhook_on_number": False}
        )
    found = Finding.good("service", f"The Messaging Service {service.friendly_name!r} exists.")
    return _seen(found, _service_webhook(service, connection))


def _service_form(webhook: str) -> list[tuple[str, str]]:
    return [
        ("InboundRequestUrl", webhook),
        ("InboundMethod", "POST"),
        ("UseInboundWebhookOnNumber", "false"),
    ]


def _service_webhook(service: wire.Service, connection: TwilioConnection) -> Finding:
    if service.use_inbound_webhook_on_number:
        detail = "The Messaging Service leaves inbound messages to the webhooks of its numbers."
        return Finding.bad("webhook", detail, _REGISTER)
    return _webhook(service.inbound_request_url, connection)


def _webhook(registered: str | None, connection: TwilioConnection) -> Finding:
    if _is_ours(registered, connection):
        return Finding.good("webhook", "Twilio sends messages to this hub.")
    if not registered:
        return Finding.bad(
            "webhook", "Twilio sends messages nowhere: no webhook is set.", _REGISTER
        )
    return Finding.bad(
        "webhook", f"Twilio sends messages elsewhere: to {_host(registered)}.", _REGISTER
    )


_REGISTER: Final = "Save the channel again: that enters our webhook at Twilio."


# --- small steps ---------------------------------------------------------------------------


def _number(connection: TwilioConnection) -> Exchange[wire.Number | None]:
    url = api.account_url(connection, "/IncomingPhoneNumbers.json")
    query = {"PhoneNumber": connection.fields.settings.from_number}
    response = yield api.get(connection, url, query)
    found = wire.need(wire.NumberList, _good(response)).incoming_phone_numbers
    # The search may also find numbers that merely contain ours.
    exact = [number for number in found if number.phone_number in {None, query["PhoneNumber"]}]
    return exact[0] if len(exact) == 1 else None


def _number_url(number: wire.Number, connection: TwilioConnection) -> str:
    return api.account_url(connection, f"/IncomingPhoneNumbers/{number.sid}.json")


def _service_request(connection: TwilioConnection) -> HttpRequest:
    return api.get(connection, api.service_url(connection))


def _host(url: str) -> str:
    # Not the whole address: it may hold somebody's password.
    try:
        return urlsplit(url).hostname or "an unknown host"
    except ValueError:
        return "an unknown host"


def _is_ours(url: str | None, connection: TwilioConnection) -> bool:
    return (url or "").partition("#")[0] == connection.webhook_url


def _good(response: HttpResponse) -> HttpResponse:
    error: SendError | None = faults.refusal(response)
    if error:
        raise error
    return response


def _seen(*findings: Finding, facts: Mapping[str, str] | None = None) -> Checked:
    return Checked(findings=findings, facts=facts or {})
