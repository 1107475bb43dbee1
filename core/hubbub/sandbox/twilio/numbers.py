"""Read and change numbers and Messaging Services over the REST API."""

from hubbub.sandbox.twilio.messages import Form, clean_number, is_number
from hubbub.sandbox.twilio.refusal import Refused
from hubbub.sandbox.twilio.state import API_VERSION, Account, Number, Service
from hubbub.sandbox.wsgi import Json


def list_numbers(account: Account, form: Form) -> Json:
    """Return the numbers of an account, or the one that is asked for."""
    wanted = clean_number(form.get("PhoneNumber"))
    if is_number(wanted):
        account.adopt(wanted)
    found = [number for number in account.numbers.values() if wanted in number.phone_number]
    uri = f"/{API_VERSION}/Accounts/{account.sid}/IncomingPhoneNumbers.json"
    return {
        "incoming_phone_numbers": [number.as_json(account.sid) for number in found],
        "page": 0,
        "page_size": 50,
        "start": 0,
        "end": max(len(found) - 1, 0),
        "uri": uri,
        "first_page_uri": uri,
        "next_page_uri": None,
        "previous_page_uri": None,
    }


def find_number(account: Account, sid: str) -> Number:
    """Return the number with this SID; `Refused` if there is none."""
    for number in account.numbers.values():
        if number.sid == sid:
            return number
    raise Refused(20404)


def change_number(account: Account, sid: str, form: Form) -> Json:
    """Change what happens when a message comes in."""
    number = find_number(account, sid)
    given = form.as_json()
    number.sms_url = str(given.get("SmsUrl", number.sms_url))
    number.sms_method = str(given.get("SmsMethod", number.sms_method))
    number.sms_fallback_url = str(given.get("SmsFallbackUrl", number.sms_fallback_url))
    return number.as_json(account.sid)


def find_service(account: Account, sid: str) -> Service:
    """Return a Messaging Service; an account that adopts numbers has every one."""
    service = account.services.get(sid)
    if service is None and account.adopts_numbers and sid.startswith("MG"):
        service = account.services[sid] = Service(sid)
    if service is None:
        raise Refused(20404)
    return service


def change_service(account: Account, sid: str, form: Form) -> Json:
    """Change a Messaging Service."""
    service = find_service(account, sid)
    given = form.as_json()
    service.friendly_name = str(given.get("FriendlyName", service.friendly_name))
    service.inbound_request_url = str(given.get("InboundRequestUrl", service.inbound_request_url))
    service.status_callback = str(given.get("StatusCallback", service.status_callback))
    if "UseInboundWebhookOnNumber" in given:
        service.use_inbound_webhook_on_number = _true(given["UseInboundWebhookOnNumber"])
    if "StickySender" in given:
        service.sticky_sender = _true(given["StickySender"])
    if "SmartEncoding" in given:
        service.smart_encoding = _true(given["SmartEncoding"])
    return service.as_json(account.sid)


def _true(value: object) -> bool:
    return str(value).lower() == "true"
