"""Be Kannel, a gateway: it calls by GET, says all in the address, and gives its messages no id."""

import re
import time
from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qs, quote_plus, urlencode, urlsplit

from tests.chaos.calls import Post, path_of
from tests.chaos.kinds.kind import Kind, Line, Said, Told, Webhook

_CODE = "12345"
#: What the escapes of an address for reports stand for: ``%d`` and ``%A``; the others are empty.
_REPORTS = {
    "sent": ("8", "ACK/"),
    "delivered": ("1", "stat:DELIVRD err:000 text:"),
    "failed": ("2", "stat:UNDELIV err:001 text:"),
}
#: Two hexadecimal digits are an octet and no escape.
_ESCAPE = re.compile(r"%(?![0-9A-Fa-f]{2})([a-zA-Z])")


def _message(line: Line, said: Said) -> Post:
    sides = {"from": said.address, "to": _CODE}
    return _call(line, id=_id(said.number), **sides, text=said.text, coding="0", charset="UTF-8")


def _malformed(line: Line, number: int) -> Post:
    return _call(line, id=_id(number), to=_CODE, text="from nobody")


def _receipt(line: Line, told: Told) -> Post:
    bits, answer = _REPORTS[told.state]
    known = {"d": bits, "A": answer, "T": str(int(time.time()))}
    unknown = f"{line.url}?hubbub_ref={told.id}&token={line.secret}&status=%d&ans=%A"
    template = str(told.params.get("dlr-url", unknown))
    return _get(_ESCAPE.sub(lambda found: quote_plus(known.get(found[1], "")), template))


def _known_as(sent: Mapping[str, Any]) -> str:
    """Return the hub's own word for a message, which stands in its address for reports."""
    reports = str(sent["params"]["dlr-url"])
    return parse_qs(urlsplit(reports).query)["hubbub_ref"][0]


def _call(line: Line, **said: str) -> Post:
    return _get(f"{line.url}?token={line.secret}&{urlencode(said)}")


def _get(url: str) -> Post:
    return Post(method="GET", path=path_of(url), body=b"", headers={"user-agent": "Kannel/1.4.5"})


def _id(number: int) -> str:
    return f"00000000-0000-4000-9000-{number:012x}"


KANNEL = Kind(
    name="kannel",
    type="sms_gateway",
    credentials={
        "username": "chaos",
        "password": "canary-password-of-the-gateway",
        "inbound_token": "canary-inbound-token-of-the-gateway",
    },
    settings={"from_number": _CODE, "preset": "kannel"},
    provider="gateway",
    operations=("sendsms",),
    rules={"gateway_receipts": False},
    bot="chatbot",
    signed_by="inbound_token",
    webhook=Webhook(
        external_id=lambda said: _id(said.number),
        message=_message,
        malformed=_malformed,
        receipt=_receipt,
    ),
    first=4_000_000,
    writes_first=True,
    known_as=_known_as,
)
