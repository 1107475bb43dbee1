"""Be the network: bring texts to the hub, and report what became of its own.

Source: Kannel user guide, "Parameters (escape codes)", and what Kannel 1.4.5 was seen to do.
"""

import re
import time
from collections.abc import Mapping
from typing import Final, Literal, TypeAlias, get_args
from urllib.parse import quote_plus

from pydantic import BaseModel, ConfigDict, Field

from hubbub.sandbox.client import Answer
from hubbub.sandbox.faults import RECEIPT_KINDS, Fault
from hubbub.sandbox.gateway.state import Gateway, Sms, User
from hubbub.sandbox.world import NoSuchThing, Parcel, Target
from hubbub.sandbox.wsgi import Json

Status: TypeAlias = Literal["accepted", "buffered", "delivered", "failed", "refused", "expired"]
STATUSES: Final[tuple[str, ...]] = get_args(Status)

#: The bits of ``%d``, and ``%A``: an expired message has two bits.
_REPORTS: Final[Mapping[str, tuple[int, str]]] = {
    "accepted": (8, "ACK/"),
    "buffered": (4, "stat:ACCEPTD err:000 text:"),
    "delivered": (1, "stat:DELIVRD err:000 text:"),
    "failed": (2, "stat:UNDELIV err:001 text:"),
    "expired": (34, "stat:EXPIRED err:000 text:"),
    "refused": (16, "NACK/0x0000000b/Invalid Destination Address"),
}
_BAD: Final = frozenset({"failed", "expired", "refused"})
#: Two hexadecimal digits are an octet and no escape.
_ESCAPE: Final = re.compile(r"%(?![0-9A-Fa-f]{2})([a-zA-Z%])")
#: Kannel repeats a failed call so often, and then it is lost for good.
_REPEATS: Final = 20
_TAKEN: Final = frozenset({200, 202})
_TIMEOUT: Final = 20.0
_TOKEN: Final = re.compile(r"((?:^|[?&])token=)[^&]*")


class Texting(BaseModel):
    """A text of a customer."""

    model_config = ConfigDict(extra="forbid")

    sender: str = Field(alias="from", min_length=1)
    to: str
    text: str
    id: str = ""


class Telling(BaseModel):
    """A report made by hand, whatever was reported before."""

    model_config = ConfigDict(extra="forbid")

    id: str
    status: Status


def bring(gateway: Gateway, user: User, texting: Texting) -> Json:
    """Bring a text to the hub, where a service is configured."""
    sms = Sms(
        id=texting.id or gateway.new_id(),
        customer=texting.sender,
        number=texting.to,
        text=texting.text,
        mine=True,
        at=time.time(),
        status="waiting for the hub" if user.get_url else "no service is configured",
    )
    with gateway.world.lock:
        user.messages[sms.id] = sms
    if user.get_url:
        values = {
            "I": sms.id,
            "q": sms.customer,
            "Q": sms.number,
            "b": sms.text,
            "T": str(int(sms.at)),
            "c": "0",
            "C": "UTF-8",
            "i": "lab",
        }
        url = escaped(user.get_url, values)
        _tell(gateway, user, sms, kind="message", url=url, key=sms.id)
    return {"id": sms.id, "queued": bool(user.get_url)}


def carry(gateway: Gateway, user: User, sms: Sms) -> None:
    """Let an accepted message reach the centre and the phone in its own time."""
    rules = gateway.world.rules
    if not rules.gateway_receipts:
        return
    fault = gateway.world.faults.pick(
        RECEIPT_KINDS,
        "gateway",
        "webhook",
        "receipt",
        "sendsms",
        address=sms.customer,
        text=sms.text,
    )
    first, second = _steps(fault)
    later = max(rules.gateway_sent_after, rules.gateway_delivered_after)
    for status, delay in ((first, rules.gateway_sent_after), (second, later)):

        def step(status: str = status) -> None:
            report(gateway, user, sms, status)

        gateway.world.lanes.put(("gateway", sms.id), step, delay=delay)


def tell(gateway: Gateway, user: User, telling: Telling) -> Json:
    """Report what became of a message; `NoSuchThing`."""
    sms = user.messages.get(telling.id)
    if sms is None or sms.mine:
        raise NoSuchThing(f"The hub sent no message {telling.id}.")
    report(gateway, user, sms, telling.status)
    return {"id": sms.id, "status": sms.status}


def report(gateway: Gateway, user: User, sms: Sms, status: str) -> None:
    """Call the address that came with a message."""
    bits, answer = _REPORTS[status]
    with gateway.world.lock:
        sms.status, sms.problem = status, status in _BAD
    if not sms.status_url:
        return
    values = {
        "d": str(bits),
        "A": answer,
        "F": "",
        "I": gateway.new_id(),
        "T": str(int(time.time())),
        "i": "lab",
        # In a report the two change places: %p is who got it.
        "p": sms.customer,
        "P": sms.number,
    }
    url = escaped(sms.status_url, values)
    _tell(gateway, user, sms, kind="status", url=url, key=f"{sms.id}:{status}")


def escaped(template: str, values: Mapping[str, str]) -> str:
    """Return an address with its escapes replaced; ``%2F`` and its like pass unchanged."""

    def replaced(found: re.Match[str]) -> str:
        return "%" if found[1] == "%" else quote_plus(values.get(found[1], ""), safe="")

    return _ESCAPE.sub(replaced, template)


def _steps(fault: Fault | None) -> tuple[str, str]:
    if fault is not None and fault.kind == "undelivered":
        return "accepted", "failed"
    return ("delivered", "accepted") if fault is not None else ("accepted", "delivered")


def _tell(gateway: Gateway, user: User, sms: Sms, *, kind: str, url: str, key: str) -> None:
    def target(forged: bool) -> Target | None:  # noqa: FBT001  # the type of Parcel.target
        to = _TOKEN.sub(r"\1not-the-token", url) if forged else url
        headers = {"User-Agent": "Kannel/1.4.5", "Connection": "keep-alive"}
        return Target(to, headers, _TIMEOUT, method="GET")

    def heard(answer: Answer, attempt: int) -> float | None:
        taken = answer.status in _TAKEN
        if not taken and attempt <= _REPEATS:
            return gateway.world.config.retry_base
        if kind == "message":
            sms.status = "the hub has it" if taken else "the hub did not take it"
            sms.problem = not taken
        return None

    parcel = Parcel(
        provider="gateway",
        endpoint=user.name,
        kind=kind,
        key=key,
        body=b"",
        target=target,
        heard=heard,
        address=sms.customer,
        text=sms.text,
    )
    gateway.world.tell((f"gateway-{kind}", user.name, sms.number, sms.customer), parcel)
