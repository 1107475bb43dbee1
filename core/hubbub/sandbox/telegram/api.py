"""Answer the Bot API: find bot and method, let faults strike, wrap the result."""

from collections.abc import Callable
from typing import Any, Final, TypeAlias

from hubbub.sandbox.faults import REQUEST_KINDS, Fault
from hubbub.sandbox.telegram import changing, receiving
from hubbub.sandbox.telegram.cloud import Cloud
from hubbub.sandbox.telegram.params import Params, read_params
from hubbub.sandbox.telegram.refusal import Refused, too_many, unauthorized
from hubbub.sandbox.telegram.sending import CONTENTS, send, send_media_group
from hubbub.sandbox.telegram.state import Bot
from hubbub.sandbox.wsgi import Ask, Reply, json_reply

Method: TypeAlias = Callable[[Cloud, Bot, Params], Any]

PREFIX: Final = "/telegram/"

_DESCRIPTIONS: Final = {
    500: "Internal Server Error: restart",
    502: "Bad Gateway",
    503: "Service Unavailable",
    504: "Gateway Timeout",
    401: "Unauthorized",
    403: "Forbidden: bot was blocked by the user",
    400: "Bad Request: chat not found",
    404: "Not Found",
}


def _sender(operation: str) -> Method:
    return lambda cloud, bot, params: send(cloud, bot, params, operation)


#: Every method, under the name that faults know it by.
METHODS: Final[dict[str, Method]] = {
    **{operation: _sender(operation) for operation in CONTENTS},
    "sendMediaGroup": send_media_group,
    "sendChatAction": changing.chat_action,
    "editMessageText": changing.edit_text,
    "editMessageCaption": changing.edit_caption,
    "editMessageReplyMarkup": changing.edit_markup,
    "deleteMessage": changing.delete_message,
    "deleteMessages": changing.delete_messages,
    "setMessageReaction": changing.react,
    "answerCallbackQuery": changing.answer_query,
    "getChat": changing.get_chat,
    "getMe": receiving.get_me,
    "setWebhook": receiving.set_webhook,
    "deleteWebhook": receiving.delete_webhook,
    "getWebhookInfo": receiving.get_webhook_info,
    "getUpdates": receiving.get_updates,
    "getFile": receiving.get_file,
    "setMyCommands": receiving.set_commands,
    "getMyCommands": receiving.get_commands,
}
#: Methods whose result is true and whose words go beside it.
_TELLING: Final = frozenset({"setWebhook", "deleteWebhook"})
_BY_LOWER: Final = {name.lower(): name for name in METHODS}


def answer(cloud: Cloud, ask: Ask) -> Reply:
    """Answer one request below `PREFIX`."""
    try:
        return _dispatch(cloud, ask)
    except Refused as refused:
        return _refusal(refused)


def _dispatch(cloud: Cloud, ask: Ask) -> Reply:
    path = ask.path.removeprefix(PREFIX)
    if path.startswith("file/bot"):
        token, _, file_path = path.removeprefix("file/bot").partition("/")
        data = receiving.file_at(cloud, cloud.bot_for(token), file_path)
        return Reply(200, data, "application/octet-stream")
    token, _, name = path.removeprefix("bot").partition("/")
    if not path.startswith("bot") or not name:
        raise Refused(404, "Not Found")
    bot = cloud.bot_for(token)
    operation = _BY_LOWER.get(name.lower())
    if operation is None:
        raise Refused(404, "Not Found: method not found")
    return _perform(cloud, bot, operation, read_params(ask))


def _perform(cloud: Cloud, bot: Bot, operation: str, params: Params) -> Reply:
    def perform() -> Reply:
        try:
            result = METHODS[operation](cloud, bot, params)
        except Refused as refused:
            return _refusal(refused)
        if operation in _TELLING:
            return json_reply({"ok": True, "result": True, "description": result})
        return json_reply({"ok": True, "result": result})

    faults = cloud.world.faults
    fault = faults.pick(
        REQUEST_KINDS,
        "telegram",
        operation,
        address=params.text("chat_id"),
        text=params.text("text") or params.text("caption"),
    )
    return faults.around(fault, perform, _refuse)


def _refuse(fault: Fault) -> Reply:
    if fault.kind == "rate_limit":
        return _refusal(too_many(fault.retry_after))
    if fault.kind == "token_revoked":
        return _refusal(unauthorized())
    text = _DESCRIPTIONS.get(fault.status, "Bad Request: the sandbox was told to refuse")
    reply = _refusal(Refused(fault.status, text))
    return Reply(reply.status, fault.words(reply.body.decode()).encode())


def _refusal(refused: Refused) -> Reply:
    wait = (refused.parameters or {}).get("retry_after")
    headers = {} if wait is None else {"Retry-After": str(wait)}
    return json_reply(refused.envelope(), status=refused.code, headers=headers)
