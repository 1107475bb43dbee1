"""Be a WhatsApp Business API client: it signs nothing, and its messages carry no id of the hub."""

import json
import time
from collections.abc import Mapping
from typing import Any

from tests.chaos.calls import JSON, Post, path_of
from tests.chaos.kinds.kind import Kind, Line, Said, Told, Webhook

_USER = {"username": "chaos", "password": "canary-password-of-the-client"}
#: Something went wrong: of all reasons the one that says nothing about the recipient.
_NO_REASON = {"code": 1000, "title": "Generic error"}


def _message(line: Line, said: Said) -> Post:
    about = {"from": said.address.removeprefix("+"), "id": _id(said), "timestamp": _now()}
    return _call(line, "messages", {**about, "type": "text", "text": {"body": said.text}})


def _malformed(line: Line, number: int) -> Post:
    return _call(line, "messages", {"nonsense": number})


def _receipt(line: Line, told: Told) -> Post:
    status = {"id": told.id, "status": told.state, "recipient_id": told.address.removeprefix("+")}
    more: dict[str, Any] = {"errors": [_NO_REASON]} if told.state == "failed" else {}
    return _call(line, "statuses", {"timestamp": _now(), **status, **more})


def _call(line: Line, what: str, item: Mapping[str, Any]) -> Post:
    body = json.dumps({what: [item]}).encode()
    return Post(path=path_of(line.url), body=body, headers={"content-type": JSON})


def _id(said: Said) -> str:
    return f"ABGGCHAOS{said.number:08}"


def _now() -> str:
    return str(int(time.time()))


ONPREM = Kind(
    name="onprem",
    type="whatsapp_onpremise",
    credentials=_USER,
    provider="onprem",
    operations=("Messages.send",),
    announced=("clients", _USER),
    # The customers write to the hub without the simulator, which thinks that they never did.
    rules={"whatsapp_receipts": False, "whatsapp_window": "off"},
    bot="chatbot",
    webhook=Webhook(
        external_id=_id, message=_message, malformed=_malformed, receipt=_receipt, signed=False
    ),
    first=7_000_000,
)
