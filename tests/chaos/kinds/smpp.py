"""Be a message centre: it calls nobody, gives nothing an id that it brings, and counts repeats."""

from collections.abc import Mapping
from typing import Any

from tests.chaos.kinds.kind import Centre, Kind, Said, State, Told

_SYSTEM_ID, _NUMBER = "chaos", "+15550111"
_PASSWORD = {"password": "canary-password-of-the-centre"}
_STATUSES: Mapping[State, str] = {
    "sent": "enroute",
    "delivered": "delivered",
    "failed": "undeliverable",
}


def _text(said: Said) -> tuple[str, Mapping[str, Any]]:
    texting = {"from": said.address, "to": _NUMBER, "text": said.text}
    return f"smsc/{_SYSTEM_ID}/messages", texting


def _receipt(told: Told) -> tuple[str, Mapping[str, Any]]:
    # As the centre writes the id.
    telling = {"id": told.id.upper().zfill(8), "status": _STATUSES[told.state]}
    return f"smsc/{_SYSTEM_ID}/receipts", telling


def _known_as(sent: Mapping[str, Any]) -> str:
    return str(sent["external_id"]).lower().lstrip("0")


SMPP = Kind(
    name="smpp",
    type="sms_smpp",
    credentials=_PASSWORD,
    # Who waits for an answer that nobody hands back any more waits as long as this, and 15 s.
    settings={"system_id": _SYSTEM_ID, "from_number": _NUMBER, "response_timeout_s": 2},
    provider="smsc",
    operations=("submit_sm",),
    mishaps=(
        ("webhook", {"kind": "duplicate_webhooks", "times": 10}),
        ("submit_sm", {"kind": "rate_limit", "times": 8}),
    ),
    announced=("centres", {"system_id": _SYSTEM_ID, "numbers": [_NUMBER], **_PASSWORD}),
    rules={"smsc_receipts": False},
    bot="keyword",
    webhook=None,
    centre=Centre(text=_text, receipt=_receipt),
    backlog=("centres", lambda account: int(account["waiting"])),
    first=1_000_000,
    writes_first=True,
    known_as=_known_as,
)
