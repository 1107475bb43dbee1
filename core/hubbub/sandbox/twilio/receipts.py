"""Carry accepted messages on: sent, delivered, read, and tell the StatusCallback so."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Final, Literal, TypeAlias, get_args

from pydantic import BaseModel, ConfigDict

from hubbub.sandbox import client
from hubbub.sandbox.client import Answer
from hubbub.sandbox.faults import RECEIPT_KINDS, Fault
from hubbub.sandbox.twilio.cloud import Cloud
from hubbub.sandbox.twilio.state import API_VERSION, RANKS, Account, Media, Sms, new_sid
from hubbub.sandbox.twilio.webhooks import parcel
from hubbub.sandbox.world import NoSuchThing
from hubbub.sandbox.wsgi import Json

_MEDIA_LIMIT: Final = 5 * 1024 * 1024
_MEDIA_FAILED: Final = 11200
_UNKNOWN: Final = 30008

_Step: TypeAlias = tuple[str, int | None]
Status: TypeAlias = Literal["sent", "delivered", "read", "undelivered", "failed"]
#: Every status that a receipt can tell.
STATUSES: Final[tuple[str, ...]] = get_args(Status)


class Telling(BaseModel):
    """A receipt told by hand, whatever was told before."""

    model_config = ConfigDict(extra="forbid")

    sid: str
    status: Status
    error_code: int | None = None


def carry(cloud: Cloud, account: Account, sms: Sms, fault: Fault | None) -> None:
    """Let a queued message advance in its own time."""
    rules = cloud.world.rules
    if sms.media_urls:
        _later(cloud, sms, lambda: _fetch_media(cloud, account, sms), 0)
    if not rules.twilio_receipts:
        return
    first, second = _steps(fault)
    _later(cloud, sms, lambda: advance(cloud, account, sms, *first), rules.twilio_sent_after)
    pause = max(rules.twilio_delivered_after, rules.twilio_sent_after)
    _later(cloud, sms, lambda: advance(cloud, account, sms, *second), pause)


def tell(cloud: Cloud, account: Account, telling: Telling) -> Json:
    """Tell the hub what became of a message, and return the message; `NoSuchThing`."""
    sms = account.messages.get(telling.sid)
    if sms is None or sms.inbound:
        raise NoSuchThing(f"The hub sent no message {telling.sid}.")
    failed = telling.status in {"undelivered", "failed"}
    advance(
        cloud, account, sms, telling.status, telling.error_code or (_UNKNOWN if failed else None)
    )
    return sms.as_json()


def receipt_fault(cloud: Cloud, sms: Sms) -> Fault | None:
    """Return what is to go wrong with the receipts of a message."""
    return cloud.world.faults.pick(
        RECEIPT_KINDS,
        "twilio",
        "webhook",
        "receipt",
        "Messages.create",
        address=sms.recipient,
        text=sms.body,
    )


def mark_read(cloud: Cloud, account: Account, number: str, customer: str) -> None:
    """Let delivered messages be read, where the number's channel can tell."""
    known = account.numbers.get(number)
    if known is None or not known.rcs:
        return
    with cloud.world.lock:
        for sms in account.chats.get((number, customer), []):
            if not sms.inbound and sms.status == "delivered":
                advance(cloud, account, sms, "read")


def advance(
    cloud: Cloud, account: Account, sms: Sms, status: str, error: int | None = None
) -> None:
    """Tell the hub a status; the message itself never goes back."""
    with cloud.world.lock:
        if sms.status == "failed":
            return
        if RANKS[status] > RANKS[sms.status]:
            sms.status, sms.error_code = status, error
        # What was delivered was sent, also where that was not told.
        if status != "failed" and RANKS[status] >= RANKS["sent"]:
            sms.sent = sms.sent or datetime.now(UTC)
        _call_back(cloud, account, sms, status, error)


def _steps(fault: Fault | None) -> tuple[_Step, _Step]:
    sent: _Step = ("sent", None)
    if fault is not None and fault.kind == "undelivered":
        return sent, ("undelivered", fault.code or _UNKNOWN)
    delivered: _Step = ("delivered", None)
    return (delivered, sent) if fault is not None else (sent, delivered)


def _later(cloud: Cloud, sms: Sms, step: Callable[[], None], delay: float) -> None:
    cloud.world.lanes.put(("twilio", sms.sid), step, delay=delay)


def _fetch_media(cloud: Cloud, account: Account, sms: Sms) -> None:
    for url in sms.media_urls:
        answer = client.fetch(url, limit=_MEDIA_LIMIT)
        if not answer.accepted:
            advance(cloud, account, sms, "failed", _MEDIA_FAILED)
            return
        mime_type = answer.headers.get("content-type", "").partition(";")[0].strip()
        name = url.partition("?")[0].rpartition("/")[2] or "media"
        stored = cloud.world.files.put(name=name, mime_type=mime_type, data=answer.body)
        sms.media.append(Media(new_sid("ME"), stored.id, mime_type, datetime.now(UTC)))


def _call_back(cloud: Cloud, account: Account, sms: Sms, status: str, error: int | None) -> None:
    if not sms.status_callback:
        return
    parameters = {
        "MessageSid": sms.sid,
        "SmsSid": sms.sid,
        "AccountSid": sms.account_sid,
        "MessageStatus": status,
        "SmsStatus": status,
        "To": sms.recipient,
        "From": sms.sender,
        "ApiVersion": API_VERSION,
    }
    if sms.service_sid:
        parameters["MessagingServiceSid"] = sms.service_sid
    if error is not None:
        parameters["ErrorCode"] = str(error)
    told = parcel(
        account,
        sms.status_callback,
        parameters,
        kind="status",
        key=f"{sms.sid}:{status}",
        address=sms.recipient,
        done=_forget,
    )
    cloud.world.tell(("twilio-status", sms.sid), told)


def _forget(_answer: Answer) -> None:
    """Status callbacks that fail are not made again later."""
