"""Turn a webhook call into events, item by item. Source: On-Premises API, "Webhooks"."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Final, TypeVar

from hubbub.sdk import (
    AddressChanged,
    Call,
    Event,
    Ignored,
    MalformedPayload,
    MessageReceived,
    ReceiptReceived,
    ReceiptState,
    Sender,
    Unreadable,
    graph,
)
from hubbub.sdk.whatsapp.content import content_of
from hubbub.sdk.whatsapp.identity import address, contact_of, name_of
from hubbub.sdk.whatsapp.wire import Contact, Error, SystemNote
from hubbub_whatsapp_onprem import faults, wire

_W = TypeVar("_W", bound=graph.Said)
#: What only happens to a number; it has had two words for it.
_NEW_NUMBER: Final = frozenset({"user_changed_number", "customer_changed_number"})
_STATES: Final[Mapping[str, ReceiptState]] = {
    "sent": ReceiptState.SENT,
    "delivered": ReceiptState.DELIVERED,
    "read": ReceiptState.READ,
    "failed": ReceiptState.FAILED,
}


def events(call: Call) -> Iterator[Event]:
    """Yield what ``call`` says; one bad item is `Unreadable` and harms no other."""
    try:
        said = graph.parsed(wire.Envelope, call.body)
    except MalformedPayload as error:
        yield Unreadable(reason=error.detail)
        return
    people = [one for one in _each(Contact, said.contacts) if isinstance(one, Contact)]
    for message in _each(wire.Message, said.messages):
        yield message if isinstance(message, Unreadable) else _About(message, people).event()
    for status in _each(wire.Status, said.statuses):
        yield status if isinstance(status, Unreadable) else _receipt(status)
    for trouble in _each(Error, said.errors):
        yield trouble if isinstance(trouble, Unreadable) else _trouble(trouble)
    if not (said.messages or said.statuses or said.errors):
        yield Ignored(reason="It holds no message and no status.")


def _each(model: type[_W], items: Iterable[object]) -> Iterator[_W | Unreadable]:
    for item in items:
        try:
            yield graph.readable(model, item)
        except MalformedPayload as error:
            yield Unreadable(reason=error.detail)


@dataclass(frozen=True)
class _About:
    """A message and the people that its call names."""

    message: wire.Message
    people: list[Contact]

    def event(self) -> Event:
        message = self.message
        if message.group_id:
            return Ignored(reason="Groups are not part of this channel.", key=self._key)
        if message.type == "system":
            return self._system(message.system or SystemNote())
        contact = contact_of(message.sender, message.sender_user_id, self.people)
        known = message.sender_user_id or contact.user_id
        sender = address(message.sender or contact.wa_id, known)
        if not sender:
            return Unreadable(reason=f"Message: nobody is named as its sender: {self._key[:80]}.")
        return MessageReceived(
            key=self._key,
            sender=Sender(address=sender, name=name_of(contact)),
            content=content_of(message),
            external_id=message.id,
            provider_at=graph.moment(message.timestamp),
            reply_to_external_id=message.context.id or None,
        )

    @property
    def _key(self) -> str:
        return f"message:{self.message.id}"

    def _system(self, note: SystemNote) -> Event:
        before, after = address(self.message.sender), address(note.new_wa_id or note.wa_id)
        if note.type in _NEW_NUMBER and before and after:
            return AddressChanged(
                key=self._key, address=before, moved_to=after, reason=note.body[:200]
            )
        return Ignored(reason=f"It tells of {note.type[:40] or 'nothing'}.", key=self._key)


def _receipt(status: wire.Status) -> Event:
    key = f"status:{status.id}:{status.status}"
    state = _STATES.get(status.status)
    if state is None:
        # "deleted": the contact took our message off their own phone.
        return Ignored(reason=f"The status {status.status[:40]!r} changes nothing.", key=key)
    return ReceiptReceived(
        key=key,
        state=state,
        external_id=status.id,
        fault=faults.fault(status.errors) if state is ReceiptState.FAILED else None,
        provider_at=graph.moment(status.timestamp),
    )


def _trouble(error: Error) -> Ignored:
    return Ignored(reason=f"The client reports trouble ({error.code}): {error.words[:200]}")
