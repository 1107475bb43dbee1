"""Be Meta, for a Page on Messenger: it tells of deliveries by watermarks, and of no failure."""

import time
from collections.abc import Mapping
from typing import Any

from tests.chaos.calls import Post
from tests.chaos.kinds import meta
from tests.chaos.kinds.kind import Kind, Line, Said, Told, Webhook

_PAGE = {"page_id": "100000000000009", "app_id": "7000000009"}
_META = {"page_access_token": "EAACanaryTokenOfPage9", "app_secret": "canaryAppSecretOfPage9"}


def _message(line: Line, said: Said) -> Post:
    return _of_customer(line, said.address, {"message": {"mid": _mid(said), "text": said.text}})


def _edit(line: Line, said: Said, number: int) -> Post:
    edit = {"mid": _mid(said), "text": said.text, "num_edit": number}
    return _of_customer(line, said.address, {"message_edit": edit})


def _malformed(line: Line, number: int) -> Post:
    return _call(line, {"nonsense": number, "message": "nobody can read this"})


def _receipt(line: Line, told: Told) -> Post:
    if told.state == "delivered":
        return _of_customer(line, told.address, {"delivery": {"watermark": _ms(told.up_to)}})
    echo = {"mid": told.id, "is_echo": True, "app_id": int(_PAGE["app_id"])}
    metadata = told.params["message"].get("metadata", "")
    return _call(
        line,
        {
            "sender": {"id": _PAGE["page_id"]},
            "recipient": {"id": told.address},
            "timestamp": _ms(told.taken_at),
            "message": {**echo, "metadata": metadata, "text": told.params["message"]["text"]},
        },
    )


def _of_customer(line: Line, address: str, what: Mapping[str, Any]) -> Post:
    sides = {"sender": {"id": address}, "recipient": {"id": _PAGE["page_id"]}}
    return _call(line, {**sides, "timestamp": _ms(time.time()), **what})


def _call(line: Line, item: Mapping[str, Any]) -> Post:
    entry = {"id": _PAGE["page_id"], "time": _ms(time.time()), "messaging": [item]}
    return meta.call(line, {"object": "page", "entry": [entry]})


def _mid(said: Said) -> str:
    return f"m_CHAOS{said.number:08}"


def _ms(moment: float) -> int:
    return int(moment * 1000)


MESSENGER = Kind(
    name="messenger",
    type="messenger",
    credentials=_META,
    settings=_PAGE,
    provider="messenger",
    operations=("Messages.send",),
    announced=("pages", {**_PAGE, **_META}),
    # The customers write to the hub without the simulator, which thinks that they never did.
    rules={
        "messenger_receipts": False,
        "messenger_first_contact": False,
        "messenger_window": False,
    },
    bot="keyword",
    signed_by="app_secret",
    webhook=Webhook(
        external_id=_mid,
        message=_message,
        edit=_edit,
        malformed=_malformed,
        receipt=_receipt,
        tells=frozenset({"sent", "delivered"}),
        watermarks=True,
    ),
    first=6_000_000,
    address="7000000{:09}".format,
    # More to one recipient, and the hub would send only one in a second.
    stamina=5,
)
