"""Look up all that a batch of events may need to know, before any of them has an effect."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, TypeAlias

from sqlalchemy import Connection

from hubbub.directory import Line
from hubbub.normalise import queries
from hubbub.normalise.pieces import Whole
from hubbub.normalise.threads import Found
from hubbub.sdk.values import (
    AddressChanged,
    Event,
    MessageDeleted,
    MessageEdited,
    MessageReceived,
    ReceiptReceived,
    SentElsewhere,
)
from hubbub.store.erased import erased
from hubbub.store.types import AnyRow

#: A message by our id, and what it says.
Named: TypeAlias = tuple[str, Mapping[str, Any]]


@dataclass(frozen=True, kw_only=True)
class Facts:
    """What the database says before any of a batch's events has an effect."""

    #: The conversations that the events belong to, as far as there are any yet.
    threads: Found
    #: Event keys that took effect earlier, with the message and kind each became.
    known: Mapping[str, tuple[str, str]]
    seen_keys: frozenset[str]
    #: Those that were erased with their contact.
    erased: frozenset[str]
    #: Messages that the provider knows by an id, as far as the events speak of them. What it has
    #: as one, such as a text with pictures, may be several of ours: the first stands for it.
    by_external_id: Mapping[str, Sequence[Named]]
    #: By the provider's id, messages of the hub that it may tell of as if others had sent them.
    sent: Mapping[str, str]
    #: Messages of which pieces came, by name.
    wholes: Mapping[str, Whole]

    @classmethod
    def look_up(
        cls,
        db: Connection,
        line: Line,
        events: Sequence[Event],
        wholes: Mapping[str, Whole],
        now: datetime,
    ) -> "Facts":
        """Ask for all that ``events`` may need. Threads are held until the transaction ends."""
        channel_id = line.id
        written = _keys(events, MessageReceived, SentElsewhere)
        known = queries.known_messages(db, channel_id, written)
        seen: set[str] = set()
        for which, kinds in _KEYED:
            seen |= queries.known_keys(db, which, channel_id, _keys(events, *kinds))
        seen |= queries.known_keys(db, queries.pieces, channel_id, _piece_keys(events))
        named = queries.by_external_id(db, channel_id, _external_ids(events))
        sent = queries.sent(db, channel_id, _told_as_sent(events))
        return cls(
            threads=Found.look_up(db, line, events, now),
            known={row.event_key: (row.id, row.kind) for row in known},
            seen_keys=frozenset(seen),
            erased=erased(db, channel_id, _keys(events, object)),
            by_external_id=_by_external_id(named),
            sent={row.external_id: row.message_id for row in sent},
            wholes=wholes,
        )


def _by_external_id(rows: Sequence[AnyRow]) -> dict[str, list[Named]]:
    found: dict[str, list[Named]] = {}
    for row in rows:
        found.setdefault(row.external_id, []).append((row.id, row.content))
    return found


_KEYED: Final = (
    (queries.versions, (MessageEdited, MessageDeleted)),
    (queries.receipts, (ReceiptReceived,)),
    (queries.address_changes, (AddressChanged,)),
)


def _keys(events: Sequence[Event], *kinds: type) -> set[str]:
    return {
        key
        for event in events
        if isinstance(event, kinds) and (key := getattr(event, "key", None)) is not None
    }


def _piece_keys(events: Sequence[Event]) -> set[str]:
    return {
        event.key
        for event in events
        if isinstance(event, MessageReceived) and event.piece is not None and event.key is not None
    }


def _told_as_sent(events: Sequence[Event]) -> set[str]:
    return {
        event.external_id
        for event in events
        if isinstance(event, SentElsewhere) and event.external_id is not None
    }


def _external_ids(events: Sequence[Event]) -> set[str]:
    found = set()
    for event in events:
        if isinstance(event, MessageReceived) and event.reply_to_external_id:
            found.add(event.reply_to_external_id)
        elif isinstance(event, MessageEdited | MessageDeleted):
            found.add(event.external_id)
    return found
