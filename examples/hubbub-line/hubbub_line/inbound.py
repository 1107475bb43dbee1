"""Turn LINE's webhook events into events of the hub."""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Final, Literal

from pydantic import ValidationError

from hubbub.sdk import (
    AddressChanged,
    AddressState,
    Attachment,
    Call,
    Content,
    Event,
    Ignored,
    Location,
    Media,
    MessageDeleted,
    MessageReceived,
    Sender,
    Text,
    Unreadable,
    UnsupportedContent,
)
from hubbub_line import wire

_FILES: Final[dict[str, Literal["image", "video", "audio", "document"]]] = {
    "image": "image",
    "video": "video",
    "audio": "audio",
    "file": "document",
}
_STATES: Final = {"follow": AddressState.OK, "unfollow": AddressState.BLOCKED}


def events(call: Call) -> Iterator[Event]:
    """Yield what ``call`` says."""
    try:
        items = wire.Webhook.model_validate_json(call.body).events
    except ValidationError:
        yield Unreadable(reason="The call holds no list of events.")
        return
    for item in items:
        try:
            yield _event(wire.Event.model_validate(item))
        except ValidationError:
            yield Unreadable(reason="An event is not as LINE documents it.")


def _event(event: wire.Event) -> Event:
    state = _STATES.get(event.type)
    if event.type == "message" and event.message:
        return _message(event, event.message)
    if event.type == "unsend" and event.unsend:
        return MessageDeleted(
            key=event.id, external_id=event.unsend.message, deleted_at=_moment(event)
        )
    if state is not None and event.source.user:
        return AddressChanged(key=event.id, address=event.source.user, state=state)
    return Ignored(reason=f"An event of the type {event.type[:40]!r}.", key=event.id)


def _message(event: wire.Event, message: wire.Message) -> Event:
    place = event.source.group or event.source.room
    address = event.source.user or place
    if address is None:
        return Unreadable(reason="A message comes from nobody.")
    return MessageReceived(
        key=event.id,
        external_id=message.id,
        sender=Sender(address=address),
        content=_content(message),
        provider_at=_moment(event),
        reply_to_external_id=message.quoted,
        reply_address=place,
    )


def _content(message: wire.Message) -> Content:
    if message.type == "text" and message.text is not None:
        return Text(text=message.text)
    if message.type in _FILES:
        media = Media(ref=message.id, filename=message.file_name)
        return Attachment(type=_FILES[message.type], media=media)
    if message.type == "location":
        return Location(
            latitude=message.latitude,
            longitude=message.longitude,
            name=message.title,
            address=message.address,
        )
    return UnsupportedContent(provider_type=message.type[:40] or "unnamed")


def _moment(event: wire.Event) -> datetime:
    return datetime.fromtimestamp(event.timestamp / 1000, UTC)
