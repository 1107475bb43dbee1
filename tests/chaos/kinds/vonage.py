"""Be Vonage; its tokens are signed by the library that its own code signs them by."""

import hashlib
import json
import time
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import jwt

from tests.chaos.calls import JSON, Post, path_of
from tests.chaos.kinds.kind import Kind, Line, Said, Told, Webhook

_ACCOUNT = {
    "api_key": "abcd1237",
    "api_secret": "CanaryApiSecret7",
    "application_id": "00000000-0000-4000-8000-000000000007",
    "signature_secret": "CanarySignatureSecret0123456789abcdef7",
}
_NUMBER = "12025550107"
_STATUSES = {"sent": "submitted", "failed": "rejected"}
_NO_REASON = {"title": "1330", "detail": "Unknown error"}


def _message(line: Line, said: Said) -> Post:
    about = {"from": _digits(said.address), "to": _NUMBER, "text": said.text}
    return _call(line, {"message_uuid": _uuid(said.number), **about})


def _malformed(line: Line, number: int) -> Post:
    return _call(line, {"message_uuid": _uuid(number), "status": "melted"})


def _receipt(line: Line, told: Told) -> Post:
    about: dict[str, Any] = {"status": _STATUSES.get(told.state, told.state)}
    if told.state == "failed":
        about["error"] = _NO_REASON
    if "client_ref" in told.params:
        about["client_ref"] = told.params["client_ref"]
    sides = {"to": _digits(told.address), "from": _NUMBER}
    return _call(line, {"message_uuid": told.id, **sides, **about})


def _call(line: Line, said: Mapping[str, Any]) -> Post:
    now = f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}"
    body = json.dumps({"channel": "sms", "timestamp": now, **said}).encode()
    claims = {
        "iat": int(time.time()),
        "jti": str(said["message_uuid"]),
        "iss": "Vonage",
        "payload_hash": hashlib.sha256(body).hexdigest(),
        "api_key": _ACCOUNT["api_key"],
        "application_id": _ACCOUNT["application_id"],
    }
    token = jwt.encode(claims, line.secret, "HS256")
    headers = {"content-type": JSON, "Authorization": f"Bearer {token}"}
    return Post(path=path_of(line.url), body=body, headers=headers)


def _digits(address: str) -> str:
    return address.removeprefix("+")


def _uuid(number: int) -> str:
    return f"00000000-0000-4000-8000-{number:012x}"


VONAGE = Kind(
    name="vonage",
    type="sms_vonage",
    credentials=_ACCOUNT,
    settings={"from_number": _NUMBER},
    provider="vonage",
    operations=("Messages.send",),
    announced=("applications", {**_ACCOUNT, "numbers": [_NUMBER]}),
    rules={"vonage_receipts": False},
    bot="keyword",
    signed_by="signature_secret",
    webhook=Webhook(
        external_id=lambda said: _uuid(said.number),
        message=_message,
        malformed=_malformed,
        receipt=_receipt,
    ),
    first=3_000_000,
    writes_first=True,
)
