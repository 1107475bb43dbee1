"""Answer the REST API: find account and resource, let faults strike, say it in JSON."""

from collections.abc import Callable
from typing import Final

from hubbub.sandbox.faults import REQUEST_KINDS, Fault
from hubbub.sandbox.twilio import messages, numbers
from hubbub.sandbox.twilio.cloud import Cloud
from hubbub.sandbox.twilio.messages import Form
from hubbub.sandbox.twilio.refusal import MESSAGES, Refused, problem, refusal
from hubbub.sandbox.twilio.state import API_VERSION, Account, Media, Sms
from hubbub.sandbox.wsgi import Ask, Reply, json_reply

PREFIX: Final = "/twilio/"

_ACCOUNTS: Final = f"{API_VERSION}/Accounts/"
_SERVICES: Final = "v1/Services/"
_STORAGE: Final = "storage/"
#: The error code that goes with an HTTP status when a fault names none.
_CODES: Final = {401: 20003, 404: 20404, 429: 20429}
_SERVER_ERROR: Final = 20500


def answer(cloud: Cloud, ask: Ask) -> Reply:
    """Answer one request below `PREFIX`."""
    try:
        return _dispatch(cloud, ask)
    except Refused as refused:
        return refusal(refused)


def _dispatch(cloud: Cloud, ask: Ask) -> Reply:
    path = ask.path.removeprefix(PREFIX)
    if path.startswith(_STORAGE):
        return _stored(cloud, path.removeprefix(_STORAGE))
    if path.startswith(_SERVICES):
        return _service(cloud, ask, path.removeprefix(_SERVICES))
    if not path.startswith(_ACCOUNTS):
        raise Refused(20404)
    account_sid, _, rest = path.removeprefix(_ACCOUNTS).partition("/")
    account_sid = account_sid.removesuffix(".json")
    steps = rest.removesuffix(".json").split("/") if rest else []
    return _account(cloud, ask, account_sid, steps)


def _account(cloud: Cloud, ask: Ask, sid: str, steps: list[str]) -> Reply:
    match steps:
        case []:
            return _guarded(cloud, ask, sid, "Accounts.fetch", _fetch_account)
        case ["Balance"]:
            return _guarded(cloud, ask, sid, "Balance.fetch", _balance)
        case ["Messages"]:
            return _messages(cloud, ask, sid)
        case ["Messages", message]:
            return _message(cloud, ask, sid, message)
        case ["Messages", message, "Media", *media]:
            return _media(cloud, ask, sid, message, media[0] if media else "")
        case ["IncomingPhoneNumbers", *number]:
            return _numbers(cloud, ask, sid, number[0] if number else "")
        case _:
            raise Refused(20404)


def _messages(cloud: Cloud, ask: Ask, sid: str) -> Reply:
    if ask.method == "POST":
        return _guarded(
            cloud,
            ask,
            sid,
            "Messages.create",
            lambda account, form: json_reply(messages.create(cloud, account, form), status=201),
        )
    return _guarded(
        cloud,
        ask,
        sid,
        "Messages.list",
        lambda account, form: json_reply(messages.listed(cloud, account, form)),
    )


def _message(cloud: Cloud, ask: Ask, sid: str, message: str) -> Reply:
    def perform(account: Account, _form: Form) -> Reply:
        sms = messages.find(account, message)
        if ask.method == "DELETE":
            del account.messages[sms.sid]
            return Reply(204)
        return json_reply(sms.as_json())

    operation = "Messages.delete" if ask.method == "DELETE" else "Messages.fetch"
    return _guarded(cloud, ask, sid, operation, perform)


def _media(cloud: Cloud, ask: Ask, sid: str, message: str, media: str) -> Reply:
    def perform(account: Account, _form: Form) -> Reply:
        sms = messages.find(account, message)
        if not media:
            return json_reply(
                {"media_list": [item.as_json(sms) for item in sms.media], "next_page_uri": None}
            )
        return _one_media(ask, sms, _find_media(sms, media))

    return _guarded(cloud, ask, sid, "Media.fetch", perform)


def _one_media(ask: Ask, sms: Sms, media: Media) -> Reply:
    if ask.method == "DELETE":
        sms.media.remove(media)
        return Reply(204)
    if ask.path.endswith(".json"):
        return json_reply(media.as_json(sms))
    # The bytes are elsewhere: Twilio redirects to its storage, which wants no credentials.
    location = f"{ask.base_url}{PREFIX}{_STORAGE}{media.file_id}"
    return Reply(307, headers=(("Location", location),))


def _find_media(sms: Sms, sid: str) -> Media:
    for media in sms.media:
        if media.sid == sid:
            return media
    raise Refused(20404)


def _numbers(cloud: Cloud, ask: Ask, sid: str, number: str) -> Reply:
    def perform(account: Account, form: Form) -> Reply:
        if not number:
            return json_reply(numbers.list_numbers(account, form))
        if ask.method == "POST":
            return json_reply(numbers.change_number(account, number, form))
        return json_reply(numbers.find_number(account, number).as_json(account.sid))

    verb = "update" if ask.method == "POST" else "fetch" if number else "list"
    return _guarded(cloud, ask, sid, f"IncomingPhoneNumbers.{verb}", perform)


def _service(cloud: Cloud, ask: Ask, sid: str) -> Reply:
    account_sid = cloud.account_of(ask.basic).sid

    def perform(account: Account, form: Form) -> Reply:
        if ask.method == "POST":
            return json_reply(numbers.change_service(account, sid, form))
        return json_reply(numbers.find_service(account, sid).as_json(account.sid))

    verb = "update" if ask.method == "POST" else "fetch"
    return _guarded(cloud, ask, account_sid, f"Services.{verb}", perform)


def _fetch_account(account: Account, _form: Form) -> Reply:
    return json_reply(account.as_json())


def _balance(account: Account, _form: Form) -> Reply:
    return json_reply({"account_sid": account.sid, "balance": account.balance, "currency": "USD"})


def _stored(cloud: Cloud, file_id: str) -> Reply:
    stored = cloud.world.files.get(file_id)
    if stored is None:
        raise Refused(20404)
    return Reply(200, stored.data, stored.mime_type)


def _guarded(
    cloud: Cloud,
    ask: Ask,
    sid: str,
    operation: str,
    perform: Callable[[Account, Form], Reply],
) -> Reply:
    account = cloud.admit(sid, ask.basic)
    account.reached_at = ask.base_url
    form = Form((*ask.query, *ask.form))

    def performed() -> Reply:
        try:
            return perform(account, form)
        except Refused as refused:
            return refusal(refused)

    fault = cloud.world.faults.pick(
        REQUEST_KINDS, "twilio", operation, address=form.get("To"), text=form.get("Body")
    )
    return cloud.world.faults.around(fault, performed, _refuse)


def _refuse(fault: Fault) -> Reply:
    if fault.kind == "rate_limit":
        return problem(20429, 429, MESSAGES[20429][1], retry_after=fault.retry_after)
    if fault.kind == "token_revoked":
        return refusal(Refused(20003))
    code = fault.code or _CODES.get(fault.status, _SERVER_ERROR)
    words = MESSAGES[code][1] if code in MESSAGES else "The sandbox was told to refuse"
    known = "status" not in fault.model_fields_set and code in MESSAGES
    status = MESSAGES[code][0] if known else fault.status
    reply = problem(code, status, words.replace("{detail}", "").strip())
    return Reply(reply.status, fault.words(reply.body.decode()).encode())
