"""Answer Vonage's APIs: find who asks and for what, let faults strike, say it in JSON."""

import re
from collections.abc import Callable
from typing import Final, TypeAlias

from hubbub.sandbox.faults import REQUEST_KINDS, Fault
from hubbub.sandbox.journal import Sent
from hubbub.sandbox.vonage import receipts
from hubbub.sandbox.vonage.refusal import Refused, refusal
from hubbub.sandbox.vonage.state import Application, Cloud, Sms, is_number
from hubbub.sandbox.vonage.tokens import claimed_application, is_proven
from hubbub.sandbox.wsgi import Ask, Json, Reply, json_reply

PREFIX: Final = "/vonage/"

#: The code of a body that is none.
_INVALID: Final = 1020
_TEXT_LIMIT: Final = 3200
_REFERENCE_LIMIT: Final = 100
_NAME: Final = re.compile(r"(?=.*[A-Za-z])[A-Za-z0-9]{1,11}")
_TYPES: Final = {
    "sms": {"text"},
    "mms": {"text", "image", "audio", "video", "vcard", "file", "content"},
}
_Perform: TypeAlias = Callable[[], Reply]


def answer(cloud: Cloud, ask: Ask) -> Reply:
    """Answer one request below `PREFIX`."""
    try:
        return _dispatch(cloud, ask)
    except Refused as refused:
        return refusal(refused.code)
    except ValueError:
        return refusal(_INVALID)


def _dispatch(cloud: Cloud, ask: Ask) -> Reply:
    match (ask.method, *ask.path.removeprefix(PREFIX).split("/")):
        case ("POST", "v1", "messages"):
            return _guarded(cloud, ask, "Messages.send", lambda: _send(cloud, ask))
        case ("GET", "v2", "applications", sid):
            return _guarded(cloud, ask, "Applications.fetch", lambda: _shown(cloud, ask, sid))
        case ("PUT", "v2", "applications", sid):
            return _guarded(cloud, ask, "Applications.update", lambda: _changed(cloud, ask, sid))
        case ("GET", "account", "get-balance"):
            return _guarded(cloud, ask, "Account.balance", lambda: _balance(cloud, ask))
        case ("GET", "account", "numbers"):
            return _guarded(cloud, ask, "Numbers.list", lambda: _numbers(cloud, ask))
        case ("POST", "number", "update"):
            return _guarded(cloud, ask, "Numbers.update", lambda: _update(cloud, ask))
        case ("GET", "media", file_id):
            return _guarded(cloud, ask, "Media.fetch", lambda: _media(cloud, ask, file_id))
    raise Refused(404)


def _guarded(cloud: Cloud, ask: Ask, operation: str, perform: _Perform) -> Reply:
    def performed() -> Reply:
        try:
            return perform()
        except Refused as refused:
            return refusal(refused.code)

    fault = cloud.world.faults.pick(
        REQUEST_KINDS,
        "vonage",
        operation,
        address=str(ask.json.get("to", "")),
        text=str(ask.json.get("text", "")),
    )
    return cloud.world.faults.around(fault, performed, _refuse)


def _refuse(fault: Fault) -> Reply:
    if fault.kind == "rate_limit":
        return refusal(429, retry_after=fault.retry_after)
    if fault.kind == "token_revoked":
        return refusal(401)
    known = fault.code is not None and "status" not in fault.model_fields_set
    reply = refusal(fault.code or fault.status, status=None if known else fault.status)
    return Reply(reply.status, fault.words(reply.body.decode()).encode())


# --- who asks ------------------------------------------------------------------------------


def _account(cloud: Cloud, ask: Ask) -> list[Application]:
    with cloud.world.lock:
        found = cloud.of_account(*ask.basic)
    for application in found:
        application.reached_at = ask.base_url
    return found


def _own(cloud: Cloud, ask: Ask, application_id: str) -> Application:
    for application in _account(cloud, ask):
        if application.id == application_id:
            return application
    raise Refused(404)


def _sending(cloud: Cloud, ask: Ask) -> Application:
    """Return the application that sends: the token names it, or the account's first one."""
    scheme, _, token = str(ask.environ.get("HTTP_AUTHORIZATION", "")).partition(" ")
    if scheme.lower() != "bearer":
        return _account(cloud, ask)[0]
    application = cloud.applications.get(claimed_application(token))
    if application is None or not is_proven(token, application.public_key):
        raise Refused(401)
    application.reached_at = ask.base_url
    return application


# --- messages ------------------------------------------------------------------------------


def _send(cloud: Cloud, ask: Ask) -> Reply:
    application, said = _sending(cloud, ask), ask.json
    _check(application, said)
    file = said.get(str(said["message_type"]))
    resource = file if isinstance(file, dict) else {}
    words = (said.get("text"), resource.get("caption"), resource.get("url"))
    sms = Sms(
        sender=str(said["from"]),
        recipient=str(said["to"]),
        text="\n".join(str(word) for word in words if word),
        mine=False,
        status="sending",
        channel=str(said["channel"]),
        client_ref=str(said.get("client_ref", "")),
        webhook_url=str(said.get("webhook_url", "")),
    )
    with cloud.world.lock:
        application.keep(sms)
    cloud.world.sent.add(
        Sent(
            provider="vonage",
            endpoint=application.id,
            operation="Messages.send",
            kind="message",
            address=f"+{sms.recipient}",
            external_id=sms.id,
            text=sms.text,
            params=said,
        )
    )
    receipts.carry(cloud, application, sms)
    return json_reply({"message_uuid": sms.id}, status=202)


def _check(application: Application, said: Json) -> None:
    if application.balance <= 0:
        raise Refused(402)
    kinds = _TYPES.get(str(said.get("channel")))
    sender = str(said.get("from", ""))
    wrong = {
        1400: kinds is None,
        1440: str(said.get("message_type")) not in (kinds or ()),
        1430: not is_number(str(said.get("to", ""))),
        1420: not (is_number(sender) or _NAME.fullmatch(sender)),
        1120: is_number(sender) and sender not in application.numbers,
        1090: len(str(said.get("text", ""))) > _TEXT_LIMIT,
        1450: len(str(said.get("client_ref", ""))) > _REFERENCE_LIMIT,
    }
    for code, is_wrong in wrong.items():
        if is_wrong:
            raise Refused(code)


def _media(cloud: Cloud, ask: Ask, file_id: str) -> Reply:
    _sending(cloud, ask)
    stored = cloud.world.files.get(file_id)
    if stored is None:
        raise Refused(404)
    return Reply(200, stored.data, stored.mime_type)


# --- account, application, numbers ---------------------------------------------------------


def _balance(cloud: Cloud, ask: Ask) -> Reply:
    return json_reply({"value": _account(cloud, ask)[0].balance, "autoReload": False})


def _shown(cloud: Cloud, ask: Ask, sid: str) -> Reply:
    return json_reply(_own(cloud, ask, sid).as_json())


def _changed(cloud: Cloud, ask: Ask, sid: str) -> Reply:
    """Replace the whole application, as Vonage does."""
    application, said = _own(cloud, ask, sid), ask.json
    with cloud.world.lock:
        application.name = str(said.get("name", ""))
        application.capabilities = dict(said.get("capabilities") or {})
        public_key = dict(said.get("keys") or {}).get("public_key")
        application.public_key = str(public_key or application.public_key)
    return json_reply(application.as_json())


def _numbers(cloud: Cloud, ask: Ask) -> Reply:
    pattern = dict(ask.query).get("pattern", "")
    found = {
        number.msisdn: number.as_json()
        for application in _account(cloud, ask)
        for number in application.numbers.values()
        if number.msisdn.startswith(pattern)
    }
    return json_reply({"count": len(found), "numbers": list(found.values())} if found else {})


def _update(cloud: Cloud, ask: Ask) -> Reply:
    form = dict(ask.form)
    for application in _account(cloud, ask):
        number = application.numbers.get(form.get("msisdn", ""))
        if number is not None:
            number.app_id = form.get("app_id", "")
            number.mo_url = form.get("moHttpUrl", "")
            return json_reply({"error-code": "200", "error-code-label": "success"})
    return json_reply({"error-code": "420", "error-code-label": "method failed"}, status=420)
