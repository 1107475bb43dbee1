"""Carry accepted messages on: sent, delivered, read, failed, and tell the hub so."""

import time
from typing import Final, Literal, TypeAlias, get_args

from pydantic import BaseModel, ConfigDict

from hubbub.sandbox.faults import RECEIPT_KINDS, Fault
from hubbub.sandbox.whatsapp import codes, webhooks
from hubbub.sandbox.whatsapp.state import RANKS, Cloud, Message, Number, Person
from hubbub.sandbox.world import NoSuchThing
from hubbub.sandbox.wsgi import Json

Status: TypeAlias = Literal["sent", "delivered", "read", "played", "failed"]
#: Every status that a webhook can tell.
STATUSES: Final[tuple[str, ...]] = get_args(Status)

_Step: TypeAlias = tuple[str, int | None]
_DAY: Final = 24 * 60 * 60


class Telling(BaseModel):
    """A status told by hand, whatever was told before."""

    model_config = ConfigDict(extra="forbid")

    id: str
    status: Status
    code: int | None = None


def carry(cloud: Cloud, number: Number, message: Message, flaw: int | None) -> None:
    """Let a message advance in its own time; ``flaw`` is the code with which it fails."""
    rules = cloud.world.rules
    if not rules.whatsapp_receipts:
        return
    pause = max(rules.whatsapp_delivered_after, rules.whatsapp_sent_after)
    delays = (rules.whatsapp_sent_after, pause)
    for step, delay in zip(_steps(message, flaw, _fault(cloud, message)), delays, strict=False):

        def advanced(step: _Step = step) -> None:
            advance(cloud, number, message, *step)

        cloud.world.lanes.put(("whatsapp", message.id), advanced, delay=delay)


def tell(cloud: Cloud, number: Number, telling: Telling) -> Json:
    """Tell the hub what became of a message; `NoSuchThing`."""
    message = sent_message(number, telling.id)
    code = telling.code or (codes.UNDELIVERABLE if telling.status == "failed" else None)
    advance(cloud, number, message, telling.status, code)
    return {"id": message.id, "status": message.status}


def sent_message(number: Number, wamid: str) -> Message:
    """Return a message of the hub's; `NoSuchThing` if there is none."""
    message = number.messages.get(wamid)
    if message is None or message.mine:
        raise NoSuchThing(f"The hub sent no message {wamid}.")
    return message


def mark_read(cloud: Cloud, number: Number, person: Person) -> None:
    """Let delivered messages be read: the customer opened the chat."""
    chat = number.chats.get(person)
    for message in list(chat.messages) if chat else []:
        if not message.mine and message.status == "delivered":
            advance(cloud, number, message, "read")


def advance(
    cloud: Cloud, number: Number, message: Message, status: str, code: int | None = None
) -> None:
    """Tell the hub a status; the message itself never goes back."""
    with cloud.world.lock:
        said = note(number, message, status, code)
    webhooks.tell_status(cloud, number, message, status, said)


def note(number: Number, message: Message, status: str, code: int | None) -> Json:
    """Let a message have come so far; return what a webhook says of it."""
    if RANKS[status] > RANKS[message.status]:
        message.status, message.error = status, code
    people = [webhooks.contact(message.person)]
    statuses = [_status(message, status, code)]
    return webhooks.value(number) | {"contacts": people, "statuses": statuses}


def _status(message: Message, status: str, code: int | None) -> Json:
    person, now = message.person, int(time.time())
    said: Json = {"id": message.id, "status": status, "timestamp": str(now)}
    if not person.hides_number:
        said["recipient_id"] = person.wa_id
    said["recipient_user_id"] = person.user_id
    if message.callback_data:
        said["biz_opaque_callback_data"] = message.callback_data
    if status == "failed":
        return said | {"errors": [codes.error(code or codes.UNDELIVERABLE)]}
    return said | _bill(message, status, now)


def _bill(message: Message, status: str, now: int) -> Json:
    category = message.category.lower() or "service"
    free = category == "service"
    kind = "free_customer_service" if free else "regular"
    conversation: Json = {
        "id": f"{message.person.user_id.partition('.')[2]:0>32}"[-32:],
        "origin": {"type": category},
    }
    if status == "sent":
        conversation["expiration_timestamp"] = str(now + _DAY)
    pricing = {"billable": not free, "pricing_model": "PMP", "type": kind, "category": category}
    return {"conversation": conversation, "pricing": pricing}


def _fault(cloud: Cloud, message: Message) -> Fault | None:
    operations = ("webhook", "receipt", "Messages.send")
    return cloud.world.faults.pick(
        RECEIPT_KINDS,
        cloud.provider,
        *operations,
        address=message.person.address,
        text=webhooks.text_of(message),
    )


def _steps(message: Message, flaw: int | None, fault: Fault | None) -> list[_Step]:
    sent: _Step = ("sent", None)
    delivered: _Step = ("delivered", None)
    if flaw is not None:
        return [("failed", flaw)]
    if message.kind == "reaction":
        return [sent]
    if fault is None:
        return [sent, delivered]
    if fault.kind == "undelivered":
        return [sent, ("failed", fault.code or codes.UNDELIVERABLE)]
    return [delivered, sent]
