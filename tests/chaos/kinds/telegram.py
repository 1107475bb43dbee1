"""Be Telegram: with one bot that it calls, and another that polls."""

import json
from collections.abc import Mapping
from typing import Any

from tests.chaos.calls import JSON, Post, path_of
from tests.chaos.kinds.kind import Kind, Line, Said, Webhook

#: The first id of a message of customers; smaller ones are the bot's, which the sandbox gives.
_FIRST = 1_000_000
_NEW_YEAR = 1_767_225_600
_RULES = {"telegram_first_contact": False}


def external_id(said: Said) -> str:
    """Return the id by which the hub knows what was said."""
    return f"{said.address}:{message_id(said)}"


def message_id(said: Said) -> int:
    """Return Telegram's own id of it, which another chat may have too."""
    return _FIRST + said.number


def _message(line: Line, said: Said) -> Post:
    return _call(line, _update(said, said.number, "message"))


def _edit(line: Line, said: Said, number: int) -> Post:
    return _call(line, _update(said, number, "edited_message", edit_date=_NEW_YEAR + 1))


def _malformed(line: Line, number: int) -> Post:
    return _post(line, f"not JSON {number}".encode())


def _update(said: Said, number: int, what: str, **more: int) -> Mapping[str, Any]:
    chat = int(said.address)
    message = {
        "message_id": message_id(said),
        "date": _NEW_YEAR,
        "from": {"id": chat, "first_name": "Customer", "is_bot": False},
        "chat": {"id": chat, "type": "private", "first_name": "Customer"},
        "text": said.text,
    }
    return {"update_id": number, what: {**message, **more}}


def _call(line: Line, update: Mapping[str, Any]) -> Post:
    return _post(line, json.dumps(update).encode())


def _post(line: Line, body: bytes) -> Post:
    headers = {"content-type": JSON, "X-Telegram-Bot-Api-Secret-Token": line.secret}
    return Post(path=path_of(line.url), body=body, headers=headers)


TELEGRAM = Kind(
    name="telegram",
    type="telegram",
    credentials={"token": "700000001:CHAOS-token-canary-of-the-chaos-suite-1"},
    settings={"mode": "webhook"},
    provider="telegram",
    operations=("sendMessage", "getFile"),
    rules=_RULES,
    bot="keyword",
    webhook=Webhook(external_id=external_id, message=_message, edit=_edit, malformed=_malformed),
    first=9_000_000,
    address=str,
)
POLLED = Kind(
    name="polled",
    type="telegram",
    credentials={"token": "700000002:CHAOS-token-canary-of-the-chaos-suite-2"},
    settings={"mode": "polling"},
    provider="telegram",
    operations=("sendMessage", "getUpdates", "getFile"),
    rules=_RULES,
    bot="keyword",
    webhook=None,
    backlog=("bots", lambda bot: int(bot["pending_update_count"])),
    first=8_000_000,
    address=str,
)
#: The name by which the sandbox knows the bot that polls.
POLLING_BOT = POLLED.credentials["token"].partition(":")[0]
