"""Write what Meta tells of a number or an account. Source: "Webhooks reference"."""

import time
from collections.abc import Callable, Sequence

from hubbub.sandbox.client import Answer
from hubbub.sandbox.meta.webhooks import Told, tell
from hubbub.sandbox.whatsapp import codes
from hubbub.sandbox.whatsapp.state import OBJECT, Cloud, Message, Number, Person
from hubbub.sandbox.wsgi import Json


def value(number: Number) -> Json:
    """Return the beginning of what is told of a number."""
    return {
        "messaging_product": codes.PRODUCT,
        "metadata": {"display_phone_number": number.digits, "phone_number_id": number.id},
    }


def contact(person: Person) -> Json:
    """Return how somebody is introduced."""
    said: Json = {"profile": {"name": person.name}, "user_id": person.user_id}
    if person.username:
        said["profile"]["username"] = person.username
    return said if person.hides_number else said | {"wa_id": person.wa_id}


def hears(number: Number, field: str) -> bool:
    """Whether the hub is told of ``field``."""
    return bool(number.webhook) and field in number.account.app.fields


def tell_message(
    cloud: Cloud, number: Number, message: Message, said: Json, done: Callable[[Answer], None]
) -> None:
    """Bring a message of a customer to the hub."""
    told = Told(
        provider=cloud.provider,
        endpoint=number.id,
        kind="message",
        key=message.id,
        address=message.person.address,
        text=text_of(message),
    )
    lane = ("whatsapp-inbound", number.id, message.person)
    call = envelope(cloud, number, [("messages", said)])
    tell(cloud.world, number.account.app, number.webhook, call, told, lane=lane, done=done)


def tell_status(cloud: Cloud, number: Number, message: Message, status: str, said: Json) -> None:
    """Tell the hub what became of a message of its own."""
    if not hears(number, "messages"):
        return
    told = Told(
        provider=cloud.provider,
        endpoint=number.id,
        kind="status",
        key=f"{message.id}:{status}",
        address=message.person.address,
        text=text_of(message),
    )
    # A lane for each message: one that is repeated holds up no other.
    lane = ("whatsapp-status", message.id)
    call = envelope(cloud, number, [("messages", said)])
    tell(cloud.world, number.account.app, number.webhook, call, told, lane=lane)


def tell_changes(cloud: Cloud, number: Number, changes: Sequence[tuple[str, Json]]) -> bool:
    """Tell the hub several things at once; return whether it hears any of them."""
    heard = [change for change in changes if hears(number, change[0])]
    if heard:
        told = Told(provider=cloud.provider, endpoint=number.id, kind="update", key=heard[0][0])
        call = envelope(cloud, number, heard)
        lane = ("whatsapp-update", number.id)
        tell(cloud.world, number.account.app, number.webhook, call, told, lane=lane)
    return bool(heard)


def envelope(cloud: Cloud, number: Number, changes: Sequence[tuple[str, Json]]) -> Json:
    """Return one call; each entry has two changes at most, so that a batch has several."""
    if cloud.rewrite:
        return cloud.rewrite([what for _, what in changes])
    said = [{"field": field, "value": what} for field, what in changes]
    entries = [said[start : start + 2] for start in range(0, len(said), 2)]
    return {"object": OBJECT, "entry": [_entry(number, entry) for entry in entries]}


def text_of(message: Message) -> str:
    """Return the words of a message, by which faults and the journal know it."""
    content = message.content
    if message.filled:
        return message.filled.text
    if not isinstance(content, dict):
        return ""
    body = content.get("body", "")
    words = body.get("text", "") if isinstance(body, dict) else body
    return str(words or content.get("caption") or content.get("text") or content.get("emoji") or "")


def _entry(number: Number, changes: Sequence[Json]) -> Json:
    entry: Json = {"id": number.account.id, "changes": list(changes)}
    # Only what happens to an account has a time of its own.
    if any(change["field"] != "messages" for change in changes):
        entry["time"] = int(time.time())
    return entry
