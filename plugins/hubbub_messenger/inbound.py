"""Turn a webhook call into events, item by item. Source: Messenger Platform, "Webhooks"."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, Final, TypeVar

from hubbub.sdk import Call, Event, ForAccount, Ignored, MalformedPayload, Unreadable, graph
from hubbub_messenger import echoes, messages, receipts, wire
from hubbub_messenger.fields import MessengerConnection, Settings
from hubbub_messenger.occasion import Occasion
from hubbub_messenger.wire import Policy

_W = TypeVar("_W", bound=graph.Said)


def events(call: Call, connection: MessengerConnection) -> Iterator[Event]:
    """Yield what ``call`` says; one bad item is `Unreadable` and harms no other."""
    try:
        envelope = graph.parsed(wire.Envelope, call.body)
    except MalformedPayload as error:
        yield Unreadable(reason=error.detail)
        return
    if envelope.object != "page":
        yield Ignored(reason=f"It is about no Page, but about {envelope.object[:40] or 'nothing'}.")
        return
    for entry in _each(wire.Entry, envelope.entry):
        yield from _entry(entry, connection.fields.settings)


def _entry(entry: wire.Entry | Unreadable, settings: Settings) -> Iterator[Event]:
    if isinstance(entry, Unreadable):
        yield entry
    elif entry.id != settings.page_id:
        # All Pages of an app share one address for their webhooks.
        yield ForAccount(account=entry.id[:40])
    elif entry.messaging or entry.standby:
        yield from _items(entry.messaging, settings, standby=False)
        yield from _items(entry.standby, settings, standby=True)
    else:
        yield Ignored(reason="It tells of the Page, and of no message.")


def _items(items: Iterable[object], settings: Settings, *, standby: bool) -> Iterator[Event]:
    for item in _each(wire.Item, items):
        if isinstance(item, Unreadable):
            yield item
        else:
            yield from _item(Occasion(item=item, settings=settings, standby=standby))


def _item(occasion: Occasion) -> Iterator[Event]:
    if not occasion.ours:
        yield Ignored(reason=f"It is for another Page: {occasion.item.recipient.id[:40]}.")
        return
    for name, read in _READERS.items():
        said = getattr(occasion.item, name)
        if said is not None:
            yield from _read(occasion, said, read)
            return
    yield Ignored(reason=f"The hub does not know {occasion.item.strange or 'what happened'}.")


def _read(occasion: Occasion, said: Any, read: "_Read") -> Iterator[Event]:
    if occasion.contact or read in _NAMELESS:
        yield from read(occasion, said)
    elif occasion.item.optin:
        # Who it is Meta tells with their first message.
        yield Ignored(reason="Somebody ticked a checkbox on a website and is not named yet.")
    else:
        yield Unreadable(reason="Item: nobody is named as its sender.")


def _policy(occasion: Occasion, policy: Policy) -> Iterator[Event]:
    del occasion
    words = f"{policy.action}: {policy.reason}".strip(": ")[:200]
    yield Ignored(reason=f"Meta acted on the Page for its policies ({words or 'no details'}).")


def _each(model: type[_W], items: Iterable[object]) -> Iterator[_W | Unreadable]:
    for item in items:
        try:
            yield graph.readable(model, item)
        except MalformedPayload as error:
            yield Unreadable(reason=error.detail)


_Read = Callable[[Occasion, Any], Iterator[Event]]
#: What may happen, by the name it has in an item.
_READERS: Final[Mapping[str, _Read]] = {
    "message": messages.message,
    "message_edit": messages.edit,
    "reaction": messages.reaction,
    "postback": messages.postback,
    "referral": messages.referral,
    "optin": messages.optin,
    "delivery": receipts.delivered,
    "read": receipts.read,
    "pass_thread_control": echoes.passed,
    "take_thread_control": echoes.taken,
    "request_thread_control": echoes.requested,
    "policy_enforcement": _policy,
}
_NAMELESS: Final = frozenset({_policy})
