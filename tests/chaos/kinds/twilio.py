"""Be Twilio, and sign by its own code."""

import urllib.parse
from collections.abc import Mapping

from twilio.request_validator import (  # type: ignore[import-untyped]  # has no types
    RequestValidator,
)

from tests.chaos.calls import FORM, Post, path_of
from tests.chaos.kinds.kind import Kind, Line, Said, Told, Webhook

_ACCOUNT = "AC" + "0" * 31 + "7"
_NUMBER = "+15550100"
_STATUSES = {"failed": "undelivered"}
_UNREACHABLE = "30003"


def _message(line: Line, said: Said) -> Post:
    form = {
        "MessageSid": _sid(said.number),
        "From": said.address,
        "To": _NUMBER,
        "Body": said.text,
        "NumMedia": "0",
        "NumSegments": "1",
        "SmsStatus": "received",
    }
    return _call(line, line.url, form)


def _malformed(line: Line, number: int) -> Post:
    return _call(line, line.url, _status(_sid(number), "melted", "+15550199"))


def _receipt(line: Line, told: Told) -> Post:
    form = _status(told.id, _STATUSES.get(told.state, told.state), told.address)
    if told.state == "failed":
        form["ErrorCode"] = _UNREACHABLE
    return _call(line, told.params.get("StatusCallback", line.url), form)


def _status(sid: str, status: str, recipient: str) -> dict[str, str]:
    return {
        "MessageSid": sid,
        "MessageStatus": status,
        "SmsStatus": status,
        "To": recipient,
        "From": _NUMBER,
    }


def _call(line: Line, url: str, form: Mapping[str, str]) -> Post:
    whole = {**form, "AccountSid": _ACCOUNT, "ApiVersion": "2010-04-01"}
    signature = RequestValidator(line.secret).compute_signature(url, whole)
    return Post(
        path=path_of(url),
        body=urllib.parse.urlencode(whole).encode(),
        headers={"content-type": FORM, "X-Twilio-Signature": signature},
    )


def _sid(number: int) -> str:
    return f"SM{number:032x}"


TWILIO = Kind(
    name="twilio",
    type="sms_twilio",
    credentials={"account_sid": _ACCOUNT, "auth_token": "canary0123456789abcdef0123456789"},
    settings={"from_number": _NUMBER},
    provider="twilio",
    operations=("Messages.create",),
    rules={"twilio_receipts": False},
    bot="chatbot",
    signed_by="auth_token",
    webhook=Webhook(
        external_id=lambda said: _sid(said.number),
        message=_message,
        malformed=_malformed,
        receipt=_receipt,
    ),
    first=2_000_000,
    writes_first=True,
)
