"""Turn a webhook call into events, item by item. Source: "Webhooks reference"."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Final, TypeVar

from hubbub.sdk import (
    AddressChanged,
    Call,
    Event,
    Ignored,
    MalformedPayload,
    MessageDeleted,
    MessageEdited,
    MessageReceived,
    Sender,
    SentElsewhere,
    System,
    Unreadable,
    graph,
)
from hubbub.sdk.whatsapp.content import content_of
from hubbub.sdk.whatsapp.identity import address, contact_of, name_of
from hubbub.sdk.whatsapp.wire import Contact, Error, SystemNote
from hubbub_whatsapp_cloud import account_news, receipts, wire
from hubbub_whatsapp_cloud.fields import Settings, WhatsAppConnection
from hubbub_whatsapp_cloud.wire import Change, Message, Value

_W = TypeVar("_W", bound=graph.Said)
#: What only happens to a number; older payloads have another word for it.
_NEW_NUMBER: Final = frozenset({"user_changed_number", "customer_changed_number"})

#: What happens at a number, and not to the account: what is said there, by us also elsewhere.
_OF_NUMBER: Final = frozenset({"messages", "smb_message_echoes", "user_preferences"})
#: What people choose about marketing.
_CHOICES: Final = {"stop": False, "resume": True, "signup": True}


def events(call: Call, connection: WhatsAppConnection) -> Iterator[Event]:
    """Yield what ``call`` says; one bad item is `Unreadable` and harms no other."""
    settings = connection.fields.settings
    try:
        envelope = graph.parsed(wire.Envelope, call.body)
    except MalformedPayload as error:
        yield Unreadable(reason=error.detail)
        return
    for entry in _each(wire.Entry, envelope.entry):
        if isinstance(entry, Unreadable):
            yield entry
            continue
        for change in _each(wire.Change, entry.changes):
            yield from _change(change, entry.id, settings)


def _change(change: Change | Unreadable, account_id: str, settings: Settings) -> Iterator[Event]:
    if isinstance(change, Unreadable):
        yield change
    elif change.field not in _OF_NUMBER:
        yield account_news.event(change, account_id, settings)
    else:
        yield from _value(change.value, settings)


def _value(said: dict[str, Any], settings: Settings) -> Iterator[Event]:
    try:
        value = graph.readable(Value, said)
    except MalformedPayload as error:
        yield Unreadable(reason=error.detail)
        return
    if value.metadata.phone_number_id != settings.phone_number_id:
        # All numbers of an app may share one address for their webhooks.
        meant = value.metadata.phone_number_id[:40] or "none"
        yield Ignored(reason=f"It is for another number: Phone number ID {meant}.")
        return
    yield from _items(value)


def _items(value: Value) -> Iterator[Event]:
    people = [one for one in _each(Contact, value.contacts) if isinstance(one, Contact)]
    for message in _each(Message, value.messages):
        if isinstance(message, Unreadable):
            yield message
        else:
            yield from _About(message, people).events()
    for status in _each(wire.Status, value.statuses):
        yield status if isinstance(status, Unreadable) else receipts.event(status)
    for echo in _each(wire.Echo, value.message_echoes):
        yield echo if isinstance(echo, Unreadable) else _elsewhere(echo)
    for preference in _each(wire.Preference, value.user_preferences):
        yield preference if isinstance(preference, Unreadable) else _preference(preference)
    for error in _each(Error, value.errors):
        yield error if isinstance(error, Unreadable) else account_news.trouble(error)
    if not any(getattr(value, name) for name in _LISTS):
        yield Ignored(reason="It holds no message and no status.")


#: All that one value may tell of.
_LISTS: Final = ("messages", "statuses", "message_echoes", "user_preferences", "errors")


def _each(model: type[_W], items: Iterable[object]) -> Iterator[_W | Unreadable]:
    for item in items:
        try:
            yield graph.readable(model, item)
        except MalformedPayload as error:
            yield Unreadable(reason=error.detail)


@dataclass(frozen=True)
class _About:
    """A message and the people that its call names."""

    message: Message
    people: list[Contact]

    def events(self) -> Iterator[Event]:
        """Yield what it says: mostly one thing."""
        note = self.message.system if self.message.type == "system" else None
        moves = list(self._moves(note)) if note else []
        yield from moves or [self._event()]

    def _event(self) -> Event:
        message = self.message
        if message.group_id:
            return Ignored(reason="Groups are not part of this channel.", key=self._key)
        if message.type == "request_welcome":
            return Ignored(reason="Somebody opened the chat and wrote nothing.", key=self._key)
        if message.system and message.type == "system":
            return self._system(message.system)
        if message.edit and message.type == "edit":
            return MessageEdited(
                key=self._key,
                external_id=message.edit.original_message_id,
                content=content_of(message.edit.message),
                edited_at=graph.moment(message.timestamp),
            )
        if message.revoke and message.type == "revoke":
            return MessageDeleted(
                key=self._key,
                external_id=message.revoke.original_message_id,
                deleted_at=graph.moment(message.timestamp),
            )
        return self._received()

    def _moves(self, note: SystemNote) -> Iterator[Event]:
        """Yield which of somebody's two ids, the number and the user id, are others now."""
        key, before = self._key, note.previous_user_id
        if note.type in _NEW_NUMBER:
            number = address(note.wa_id or note.new_wa_id, "")
            if number and self.message.sender:
                yield _moved(key, address(self.message.sender, ""), number, note)
                key = f"{key}:user_id"
        elif note.type == "user_changed_user_id":
            before = before or self.message.sender_user_id
        else:
            return
        if before and note.user_id:
            yield _moved(key, before, note.user_id, note)

    @property
    def _key(self) -> str:
        return f"message:{self.message.id}"

    @property
    def _contact(self) -> Contact:
        message = self.message
        return contact_of(message.sender, message.sender_user_id, self.people)

    @property
    def _address(self) -> str:
        contact = self._contact
        known = self.message.sender_user_id or contact.user_id
        return address(self.message.sender or contact.wa_id, known)

    @property
    def _sender(self) -> Sender:
        contact, writer = self._contact, self._address
        user_id = self.message.sender_user_id or contact.user_id
        also = user_id if user_id and user_id != writer else None
        return Sender(address=writer, name=name_of(contact), also=also)

    def _received(self) -> Event:
        if not self._address:
            return Unreadable(reason=f"Message: nobody is named as its sender: {self._key[:80]}.")
        return MessageReceived(
            key=self._key,
            sender=self._sender,
            content=content_of(self.message),
            external_id=self.message.id,
            provider_at=graph.moment(self.message.timestamp),
            reply_to_external_id=self.message.context.id or None,
        )

    def _system(self, note: SystemNote) -> Event:
        if not self._address:
            return Ignored(reason=f"It tells of {note.type[:40]} and names nobody.", key=self._key)
        return MessageReceived(
            key=self._key,
            sender=self._sender,
            content=System(event=note.type[:64] or "system", detail=note.body or None),
            external_id=self.message.id,
            provider_at=graph.moment(self.message.timestamp),
        )


def _moved(key: str, before: str, after: str, note: SystemNote) -> AddressChanged:
    return AddressChanged(key=key, address=before, moved_to=after, reason=note.body[:200])


def _preference(said: wire.Preference) -> Event:
    who, wants = address(said.wa_id, said.user_id), _CHOICES.get(said.value)
    if not who:
        return Unreadable(reason="Preference: nobody is named who chose.")
    key = f"marketing:{who}:{said.value}:{said.timestamp}"
    if said.category != "marketing_messages" or wants is None:
        what = f"{said.category[:40]}: {said.value[:40]}"
        return Ignored(reason=f"Somebody chose what we do not know ({what}).", key=key)
    return AddressChanged(
        key=key, address=who, state=None, marketing=wants, at=graph.moment(said.timestamp)
    )


def _elsewhere(echo: wire.Echo) -> Event:
    to = address(echo.to, echo.to_user_id)
    if not to:
        return Unreadable(reason=f"Echo: nobody is named as its recipient: {echo.id[:80]}.")
    return SentElsewhere(
        key=f"message:{echo.id}",
        address=to,
        content=content_of(echo),
        external_id=echo.id,
        by="WhatsApp Business app",
        provider_at=graph.moment(echo.timestamp),
    )
