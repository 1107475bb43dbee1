"""Carry accepted messages on: submitted, delivered, rejected, and tell the status webhook so."""

from typing import Final, Literal, TypeAlias, get_args

from pydantic import BaseModel, ConfigDict

from hubbub.sandbox.client import Answer
from hubbub.sandbox.faults import RECEIPT_KINDS, Fault
from hubbub.sandbox.vonage.state import RANKS, Application, Cloud, Sms
from hubbub.sandbox.vonage.webhooks import call, timestamp
from hubbub.sandbox.world import NoSuchThing
from hubbub.sandbox.wsgi import Json

Status: TypeAlias = Literal["submitted", "delivered", "rejected", "undeliverable"]
#: Every status that the webhook can tell.
STATUSES: Final[tuple[str, ...]] = get_args(Status)

_FAILED: Final = frozenset({"rejected", "undeliverable"})
_UNKNOWN: Final = 1330
_Step: TypeAlias = tuple[str, int | None]


class Telling(BaseModel):
    """A status told by hand, whatever was told before."""

    model_config = ConfigDict(extra="forbid")

    message_uuid: str
    status: Status
    error_code: int | None = None


def carry(cloud: Cloud, application: Application, sms: Sms) -> None:
    """Let a message advance in its own time."""
    rules = cloud.world.rules
    if not rules.vonage_receipts:
        return
    first, second = _steps(_fault(cloud, sms))
    lane = ("vonage", sms.id)
    cloud.world.lanes.put(
        lane, lambda: advance(cloud, application, sms, *first), delay=rules.vonage_submitted_after
    )
    pause = max(rules.vonage_delivered_after, rules.vonage_submitted_after)
    cloud.world.lanes.put(lane, lambda: advance(cloud, application, sms, *second), delay=pause)


def tell(cloud: Cloud, application: Application, telling: Telling) -> Json:
    """Tell the hub what became of a message; `NoSuchThing`."""
    sms = application.messages.get(telling.message_uuid)
    if sms is None or sms.mine:
        raise NoSuchThing(f"The hub sent no message {telling.message_uuid}.")
    code = telling.error_code or (_UNKNOWN if telling.status == "rejected" else None)
    advance(cloud, application, sms, telling.status, code)
    return {"message_uuid": sms.id, "status": sms.status}


def advance(
    cloud: Cloud, application: Application, sms: Sms, status: str, error: int | None = None
) -> None:
    """Tell the hub a status; the message itself never goes back."""
    with cloud.world.lock:
        if RANKS[status] > RANKS[sms.status]:
            sms.status, sms.error = status, error
        url = sms.webhook_url or application.webhook("status_url")
    if url:
        said = _said(sms, status, error)
        call(cloud, application, url, said, kind="status", address=sms.recipient, done=_forget)


def has_failed(sms: Sms) -> bool:
    """Whether it never reached the customer."""
    return sms.status in _FAILED


def _fault(cloud: Cloud, sms: Sms) -> Fault | None:
    operations = ("webhook", "receipt", "Messages.send")
    return cloud.world.faults.pick(
        RECEIPT_KINDS, "vonage", *operations, address=sms.recipient, text=sms.text
    )


def _steps(fault: Fault | None) -> tuple[_Step, _Step]:
    submitted: _Step = ("submitted", None)
    if fault is not None and fault.kind == "undelivered":
        return submitted, ("rejected", fault.code or _UNKNOWN)
    delivered: _Step = ("delivered", None)
    return (delivered, submitted) if fault is not None else (submitted, delivered)


def _said(sms: Sms, status: str, error: int | None) -> Json:
    said: Json = {
        "message_uuid": sms.id,
        "to": sms.recipient,
        "from": sms.sender,
        "timestamp": timestamp(),
        "status": status,
        "channel": sms.channel,
    }
    if sms.client_ref:
        said["client_ref"] = sms.client_ref
    if error is not None:
        said["error"] = {
            "type": f"https://developer.vonage.com/api-errors/messages#{error}",
            "title": str(error),
            "detail": f"The sandbox was told error {error}",
            "instance": "bf0c0000000000000000000000000000",
        }
    return said


def _forget(_answer: Answer) -> None:
    """Nothing follows from how a status was taken."""
