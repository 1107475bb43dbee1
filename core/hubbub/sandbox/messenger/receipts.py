"""Tell the hub what became of a Page's messages: echoes, and how far people have come."""

import time
from typing import Final, Literal, TypeAlias

from pydantic import BaseModel, ConfigDict

from hubbub.sandbox.faults import RECEIPT_KINDS, Fault
from hubbub.sandbox.messenger import media, webhooks
from hubbub.sandbox.messenger.state import RANKS, Cloud, Message, Page, Person
from hubbub.sandbox.messenger.webhooks import Happening
from hubbub.sandbox.wsgi import Json

Status: TypeAlias = Literal["echo", "delivered", "read"]
#: What the customer's phone can tell.
STATUSES: Final = ("delivered", "read")


class Telling(BaseModel):
    """A receipt told by hand, whatever was told before."""

    model_config = ConfigDict(extra="forbid")

    id: str
    status: Status
    #: Whether a delivery names its message, as only some of Meta's do.
    names: bool = True


def carry(cloud: Cloud, page: Page, message: Message) -> None:
    """Let a message advance in its own time."""
    rules = cloud.world.rules
    if not rules.messenger_receipts:
        return
    fault = _fault(cloud, message)
    steps: list[tuple[Status, float]] = [
        ("echo", 0),
        ("delivered", rules.messenger_delivered_after),
    ]
    if fault and fault.kind == "undelivered":
        # Meta tells of no failure: nothing more is heard.
        steps = steps[:1]
    elif fault:
        steps = [("delivered", 0), ("echo", rules.messenger_delivered_after)]
    for status, delay in steps:

        def advanced(status: Status = status) -> None:
            advance(cloud, page, message, status)

        cloud.world.lanes.put(("messenger-receipt", message.id), advanced, delay=delay)


def tell(cloud: Cloud, page: Page, telling: Telling) -> Json:
    """Tell the hub what became of a message; `NoSuchThing`."""
    message = page.sent(telling.id)
    advance(cloud, page, message, telling.status, names=telling.names)
    return {"id": message.id, "status": message.status}


def advance(
    cloud: Cloud, page: Page, message: Message, status: Status, *, names: bool = True
) -> None:
    """Tell the hub one step; the message itself never goes back."""
    if status == "echo":
        echo(cloud, page, message)
        return
    with cloud.world.lock:
        _note(message, status)
    person = message.person
    if status == "read":
        _told_read(cloud, page, person)
        return
    said: Json = {"watermark": _now()} | ({"mids": [message.id]} if names else {})
    happening = Happening(
        what="delivery",
        said=said,
        at=_now(),
        kind="status",
        key=f"{message.id}:delivered",
        text=webhooks.text_of(message),
    )
    webhooks.tell(cloud, page, person, happening)


def echo(cloud: Cloud, page: Page, message: Message) -> bool:
    """Tell the hub that the Page sent a message, by whichever app; return whether it hears."""
    ours = message.app_id == page.app.id
    said = {"mid": message.id, "is_echo": True, "app_id": int(message.app_id)}
    happening = Happening(
        what="echo",
        said=said | _seen(cloud, page, message),
        at=message.milliseconds,
        kind="status" if ours else "message",
        key=f"{message.id}:echo",
        text=webhooks.text_of(message),
    )
    return webhooks.tell(cloud, page, message.person, happening)


def mark_read(cloud: Cloud, page: Page, person: Person) -> bool:
    """Let delivered messages be read: the customer opened the chat; whether there were any."""
    with cloud.world.lock:
        unread = [one for one in person.messages if not one.mine and one.status == "delivered"]
        for message in unread:
            _note(message, "read")
    return bool(unread) and _told_read(cloud, page, person)


def _told_read(cloud: Cloud, page: Page, person: Person) -> bool:
    at = _now()
    happening = Happening(
        what="read", said={"watermark": at}, at=at, kind="status", key=f"{person.psid}:{at}"
    )
    return webhooks.tell(cloud, page, person, happening)


def _note(message: Message, status: str) -> None:
    if RANKS[status] > RANKS[message.status]:
        message.status = status


def _seen(cloud: Cloud, page: Page, message: Message) -> Json:
    """Return what a message of the Page holds, as its echo tells it."""
    content = message.content
    seen = {name: content[name] for name in ("text", "metadata") if content.get(name)}
    attached = content.get("attachment")
    if attached and message.files:
        shown = [media.described(cloud, page, one, attached["type"]) for one in message.files]
        seen["attachments"] = shown
    elif attached:
        seen["attachments"] = [attached]
    return seen


def _fault(cloud: Cloud, message: Message) -> Fault | None:
    return cloud.world.faults.pick(
        RECEIPT_KINDS,
        "messenger",
        "webhook",
        "receipt",
        "Messages.send",
        address=message.person.psid,
        text=webhooks.text_of(message),
    )


def _now() -> int:
    return int(time.time() * 1000)
