"""Read calls into events and say what each becomes, without touching the database."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from itertools import islice
from typing import Any, Final, NamedTuple, get_args

import structlog

from hubbub.bounded import OutOfBounds
from hubbub.directory import Line
from hubbub.plugins import RAISED, Screened, Screens
from hubbub.sdk.content import (
    Attachment,
    Choice,
    Choices,
    Content,
    Email,
    Media,
    System,
    Text,
    Unsupported,
    from_json,
    to_json,
)
from hubbub.sdk.fit import choice_from_reply
from hubbub.sdk.screening import Drop, Incoming, Quarantine
from hubbub.sdk.values import (
    AddressChanged,
    Call,
    Event,
    Ignored,
    MessageReceived,
    ReceiptReceived,
    SentElsewhere,
    Unreadable,
)
from hubbub.store.calls import ERASED
from hubbub.store.clean import LONGEST_ADDRESS, LONGEST_NAME, bounded, clean, file_name
from hubbub.store.states import CallState
from hubbub.store.threads import Thread
from hubbub.store.types import new_id

log = structlog.get_logger(__name__)

#: Only a body with one of these can hold text that a database refuses.
_SUSPECT: Final = (b"\\u", b"\0", b"%00", b"\xed", b"%e", b"%E")
#: What goes into an index, as far as an event has it.
_IDS: Final = ("key", "external_id", "reply_to_external_id", "reference")

_KNOWN: Final = get_args(Event)
#: Events that are read of one call: providers send a thousand at the most.
_MOST_EVENTS: Final = 10_000

#: What is left of what somebody took back.
GONE: Final[Mapping[str, Any]] = to_json(System(event="deleted"))

APPLIED, DUPLICATE, IGNORED, DEAD = "applied", "duplicate", "ignored", "dead"


class Received(NamedTuple):
    """What became of an event: the outcome, why, and the message that it is now."""

    outcome: str
    reason: str = ""
    message_id: str | None = None


@dataclass(slots=True, kw_only=True)
class Settling:
    """One call on its way to being settled: its events and what became of each."""

    call: Call
    events: list[Event]
    outcomes: list[dict[str, Any]] = field(default_factory=list)

    def note(
        self, event: Event, outcome: str, reason: str = "", message_id: str | None = None
    ) -> None:
        """Remember what became of ``event``."""
        self.outcomes.append(
            {
                "kind": type(event).__name__,
                "key": getattr(event, "key", None),
                "outcome": outcome,
                "reason": reason,
                "message_id": message_id,
            }
        )

    @property
    def erased(self) -> bool:
        """Whether all that it tells was erased already, so that it must not stay here either."""
        return {outcome["reason"] for outcome in self.outcomes} == {ERASED}

    def row(self, now: datetime) -> dict[str, Any]:
        """Return what to write of the call."""
        return settled(self.call.id, self.outcomes, now)


def settled(call_id: str, outcomes: Sequence[Mapping[str, Any]], now: datetime) -> dict[str, Any]:
    """Return what to write of a call whose events had these outcomes."""
    counts = {
        name: sum(1 for outcome in outcomes if outcome["outcome"] == name)
        for name in (APPLIED, DUPLICATE, IGNORED, DEAD)
    }
    dead = next((o["reason"] for o in outcomes if o["outcome"] == DEAD), "")
    return {
        "id": call_id,
        "state": CallState.DEAD if counts[DEAD] else CallState.DONE,
        "reason": dead,
        "settled_at": now,
        "events": len(outcomes),
        "outcomes": outcomes,
        **counts,
    }


def read(line: Line, call: Call) -> Settling:
    """Return the events of ``call``; a plugin that fails at it makes one that is dead."""
    try:
        events = list(islice(line.hooks.parse(call, line.connection), _MOST_EVENTS + 1))
    except OutOfBounds as error:
        log.warning("call exceeds the bounds", channel=line.id, call=call.id, why=error.detail)
        events = [Unreadable(reason=f"Reading it was given up. {error.detail}")]
    # A plugin may stumble over anything a stranger wrote; the call stays and can be replayed.
    except RAISED as error:
        log.exception("parse failed", channel=line.id, call=call.id)
        events = [Unreadable(reason=f"The channel type failed: {type(error).__name__}.")]
    if len(events) > _MOST_EVENTS:
        why = f"It tells of more than {_MOST_EVENTS} things; the first {_MOST_EVENTS} were read."
        events[_MOST_EVENTS:] = [Unreadable(reason=why)]
    # One of a newer kind, or no event at all: it must not vanish. Nor may a call.
    events = [event if isinstance(event, _KNOWN) else _unknown(event) for event in events]
    events = events or [Ignored(reason="It tells of nothing.")]
    if "%" in call.url or any(mark in call.body for mark in _SUSPECT):
        events = [_cleaned(event) for event in events]
    return Settling(call=call, events=[_bounded(_keyed(event, call)) for event in events])


def _cleaned(event: Event) -> Event:
    """Return ``event`` fit to be stored; what a piece says only once it is joined."""
    if isinstance(event, MessageReceived) and event.piece is not None:
        return replace(clean(event), content=event.content)
    return clean(event)


def _keyed(event: Event, call: Call) -> Event:
    """Give a piece a key where the provider has none, lest a call read twice counts twice."""
    if isinstance(event, MessageReceived) and event.piece is not None and event.key is None:
        return replace(event, key=f"piece:{call.id}:{event.piece.number}")
    return event


def _bounded(event: Event) -> Event:
    """Return ``event`` with ids, names and addresses that an index takes, or that it has none.

    Nobody may stop a channel by a long one.
    """
    if any(len(address) > LONGEST_ADDRESS for address in _addresses(event)):
        return Unreadable(reason=f"It has an address of more than {LONGEST_ADDRESS} characters.")
    if isinstance(event, MessageReceived):
        event = _briefly_named(event)
    short: dict[str, Any] = {
        name: shorter
        for name in _IDS
        if (given := getattr(event, name, None)) and (shorter := bounded(given)) is not given
    }
    return replace(event, **short) if short else event


def _addresses(event: Event) -> Iterator[str]:
    match event:
        case MessageReceived(sender=sender, reply_address=reply_address):
            yield from filter(None, (sender.address, sender.also, reply_address))
        case AddressChanged(address=address, moved_to=moved_to):
            yield from filter(None, (address, moved_to))
        case SentElsewhere(address=address) | ReceiptReceived(address=str(address)):
            yield address


def _briefly_named(event: MessageReceived) -> MessageReceived:
    sender, reply_name = event.sender, event.reply_name
    if sender.name and len(sender.name) > LONGEST_NAME:
        event = replace(event, sender=replace(sender, name=sender.name[:LONGEST_NAME]))
    if reply_name and len(reply_name) > LONGEST_NAME:
        event = replace(event, reply_name=reply_name[:LONGEST_NAME])
    return event


def _unknown(event: object) -> Unreadable:
    return Unreadable(reason=f"The hub does not know this kind of event: {type(event).__name__}.")


class Screening(NamedTuple):
    """Why a message is dropped, or quarantined; both empty when it comes in."""

    dropped: str = ""
    quarantined: str = ""


_CLEAR: Final = Screening()


def screen(
    screens: Screens[Incoming, Drop | Quarantine], line: Line, event: MessageReceived, now: datetime
) -> Screening:
    """Ask ``screens`` about a message. An opt-out is never kept from us."""
    if not screens or event.opt_out is not None:
        return _CLEAR
    screened = screens.ask(
        Incoming(
            channel_id=line.id,
            channel_type=line.type,
            channel_name=line.name,
            address=event.sender.address,
            name=event.sender.name,
            content=event.content,
            now=now,
        )
    )
    match screened:
        case Screened(plugin, Drop(reason=reason)):
            return Screening(dropped=f"Dropped by {plugin}: {reason}")
        case Screened(plugin, Quarantine(reason=reason)):
            return Screening(quarantined=f"Quarantined by {plugin}: {reason}")
    return _CLEAR


def short_choice(content: Content, asked: Mapping[str, Any] | None) -> Content:
    """Return the option behind a short key, ``o:<number>``, of the message that asked for it.

    Channel types send such keys where a provider allows only short ones.
    """
    if not isinstance(content, Choice) or asked is None or asked.get("type") != "choices":
        return content
    number = content.id.removeprefix("o:")
    options = asked["options"]
    if content.id == number or not number.isdecimal() or int(number) >= len(options):
        return content
    return replace(content, id=options[int(number)]["id"])


def menu_choice(thread: Thread, content: Content) -> Content:
    """Return the option that a typed number picks from the menu last sent, else ``content``."""
    if thread.menu is None or not isinstance(content, Text):
        return content
    menu = from_json(thread.menu)
    if not isinstance(menu, Choices):
        return content
    return choice_from_reply(content.text, menu) or content


def take_media(
    content: Content, *, channel_id: str, message_id: str, now: datetime
) -> tuple[Content, list[dict[str, Any]]]:
    """Return ``content`` with our ids for its files, and the rows of the files to fetch."""
    match content:
        case Attachment(media=media):
            row = _media_row(media, channel_id, message_id, now)
            return replace(content, media=_named(media, row)), [row]
        case Email(attachments=attachments) if attachments:
            rows = [_media_row(media, channel_id, message_id, now) for media in attachments]
            named = tuple(_named(media, row) for media, row in zip(attachments, rows, strict=True))
            return replace(content, attachments=named), rows
    return content, []


def better_reading(kind: str, event: MessageReceived) -> bool:
    """Whether ``event`` understands what its stored message (of ``kind``) could not show."""
    return kind == "unsupported" and not isinstance(event.content, Unsupported)


def stored(content: Content) -> dict[str, Any]:
    """Return ``content`` as a message keeps it."""
    return to_json(content)


def _media_row(media: Media, channel_id: str, message_id: str, now: datetime) -> dict[str, Any]:
    fetchable = media.ref is not None
    return {
        "id": new_id(),
        "channel_id": channel_id,
        "message_id": message_id,
        "ref": media.ref,
        "state": "pending" if fetchable else "failed",
        "reason": "" if fetchable else "The provider gave no way to fetch it.",
        "mime_type": media.mime_type,
        "filename": file_name(media.filename),
        "size": media.size,
        "width": media.width,
        "height": media.height,
        "duration_ms": media.duration_ms,
        "due_at": now,
        "created_at": now,
    }


def _named(media: Media, row: Mapping[str, Any]) -> Media:
    # What is known of the file stands in its row, which changes once the file is fetched; by its
    # name it is looked for.
    return Media(id=row["id"], cid=media.cid, filename=row["filename"])
