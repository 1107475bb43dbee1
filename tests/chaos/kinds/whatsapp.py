"""Be Meta, for a number on WhatsApp."""

import time
from collections.abc import Mapping
from typing import Any

from tests.chaos.calls import Post
from tests.chaos.kinds import meta
from tests.chaos.kinds.kind import Kind, Line, Said, Told, Webhook

_NUMBER = {
    "phone_number_id": "100000000000008",
    "business_account_id": "900000000000008",
    "app_id": "7000000008",
}
_META = {"access_token": "EAACanaryTokenOfWhatsApp8", "app_secret": "canaryAppSecretOfWhatsApp8"}
#: Something went wrong: of all reasons the one that says nothing about the recipient.
_NO_REASON = {"code": 131000, "title": "Something went wrong"}


def _message(line: Line, said: Said) -> Post:
    return _of_customer(line, said.address, said.number, _text(said))


def _edit(line: Line, said: Said, number: int) -> Post:
    edit = {"original_message_id": _wamid(said), "message": _text(said)}
    return _of_customer(line, said.address, number, {"type": "edit", "edit": edit})


def _malformed(line: Line, number: int) -> Post:
    return _call(line, "messages", {"nonsense": number})


def _receipt(line: Line, told: Told) -> Post:
    status = {"id": told.id, "status": told.state, "recipient_id": told.address.removeprefix("+")}
    more: dict[str, Any] = {"errors": [_NO_REASON]} if told.state == "failed" else {}
    if "biz_opaque_callback_data" in told.params:
        more["biz_opaque_callback_data"] = told.params["biz_opaque_callback_data"]
    return _call(line, "statuses", {"timestamp": str(int(time.time())), **status, **more})


def _text(said: Said) -> Mapping[str, Any]:
    return {"type": "text", "text": {"body": said.text}}


def _of_customer(line: Line, address: str, number: int, content: Mapping[str, Any]) -> Post:
    about = {
        "from": address.removeprefix("+"),
        "id": _id(number),
        "timestamp": str(int(time.time())),
    }
    return _call(line, "messages", {**about, **content})


def _call(line: Line, field: str, item: Mapping[str, Any]) -> Post:
    meant = {"phone_number_id": _NUMBER["phone_number_id"]}
    value = {"messaging_product": "whatsapp", "metadata": meant, field: [item]}
    change = {"field": "messages", "value": value}
    entry = {"id": _NUMBER["business_account_id"], "changes": [change]}
    return meta.call(line, {"object": "whatsapp_business_account", "entry": [entry]})


def _wamid(said: Said) -> str:
    return _id(said.number)


def _id(number: int) -> str:
    return f"wamid.CHAOS{number:08}"


WHATSAPP = Kind(
    name="whatsapp",
    type="whatsapp_cloud",
    credentials=_META,
    settings=_NUMBER,
    provider="whatsapp",
    operations=("Messages.send",),
    announced=("numbers", {**_NUMBER, **_META}),
    # The customers write to the hub without the simulator, which thinks that they never did.
    rules={"whatsapp_receipts": False, "whatsapp_window": "off"},
    bot="chatbot",
    signed_by="app_secret",
    webhook=Webhook(
        external_id=_wamid,
        message=_message,
        edit=_edit,
        malformed=_malformed,
        receipt=_receipt,
    ),
    first=5_000_000,
    # More to one recipient, and the hub would send only one in six seconds.
    stamina=18,
)
