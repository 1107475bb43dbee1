"""Join the pieces of long messages, which come one by one, in any order, or never.

A piece is kept as its call and a row that speaks of it; what it says is read from the call anew
once all are there. So nothing is decoded or stored before its neighbours are known.
"""

import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import groupby
from operator import attrgetter
from typing import Any, Final

from sqlalchemy import Connection

from hubbub.directory import Line
from hubbub.normalise import queries
from hubbub.normalise.rules import read
from hubbub.sdk.content import Content, Text
from hubbub.sdk.values import Event, MessageReceived, Piece
from hubbub.store.calls import kept_call
from hubbub.store.clean import clean
from hubbub.store.types import AnyRow, new_id

#: What stands in a text where pieces are missing.
GAP: Final = "[…]"
#: For so long a piece is known to be too late for its message; then it is one of another message,
#: since senders count only to 255 before they begin again.
LATE: Final = timedelta(hours=1)


@dataclass(frozen=True, kw_only=True)
class Kept:
    """A piece that came: the id of its row, the call, and what it says."""

    id: str
    call_id: str
    #: None where it is no longer needed, or its call cannot be read as it was.
    event: MessageReceived | None


@dataclass(frozen=True, kw_only=True)
class Whole:
    """A message of which some pieces came: these, by number."""

    total: int
    pieces: Mapping[int, Kept]
    #: Until when the others are awaited; None once it has become a message.
    due_at: datetime | None

    @property
    def call_id(self) -> str:
        """The call that brought the last piece."""
        return max(self.pieces.values(), key=attrgetter("id")).call_id

    @property
    def waits(self) -> bool:
        """Whether it is no message yet."""
        return self.due_at is not None

    @property
    def complete(self) -> bool:
        """Whether all of it is there."""
        return len(self.pieces) == self.total

    def has(self, event: MessageReceived, number: int) -> bool:
        """Whether ``event`` says again what is there, as carriers do."""
        known = self.pieces.get(number)
        return (
            known is not None and known.event is not None and known.event.content == event.content
        )

    def lacks(self, number: int) -> bool:
        """Whether this piece is missing."""
        return number not in self.pieces

    def adding(self, number: int, kept: Kept) -> "Whole":
        """Return it with one more piece."""
        return replace(self, pieces={**self.pieces, number: kept})

    def joined(self) -> MessageReceived:
        """Return the message, as far as it is there. Raises `ValueError` if nothing is."""
        found = {
            number: kept.event
            for number, kept in sorted(self.pieces.items())
            if kept.event is not None
        }
        if not found:
            raise ValueError("No piece of the message can be read any more.")
        first = next(iter(found.values()))
        contents = {number: event.content for number, event in found.items()}
        return replace(first, content=_joined(contents, self.total), piece=None)


def begun(piece: Piece, now: datetime) -> Whole:
    """Return the message that ``piece`` is the first of to come."""
    return Whole(total=piece.total, pieces={}, due_at=now + piece.patience)


def name_of(event: MessageReceived, piece: Piece) -> str:
    """Return what all pieces of a message have in common: each sender counts for himself."""
    return json.dumps([event.sender.address, event.our_address, piece.of, piece.total])


def address_of(event: MessageReceived) -> str:
    """Return the address of the conversation that ``event`` belongs to."""
    return event.reply_address or event.sender.address


def row(
    event: MessageReceived, piece: Piece, *, due_at: datetime | None, **more: Any
) -> dict[str, Any]:
    """Return what is remembered of a piece."""
    return {
        "id": new_id(),
        "event_key": event.key,
        "address": address_of(event),
        "whole": name_of(event, piece),
        "number": piece.number,
        "total": piece.total,
        "message_id": None,
        "due_at": due_at,
        **more,
    }


def look_up(db: Connection, line: Line, events: Iterable[Event], now: datetime) -> dict[str, Whole]:
    """Return the messages that ``events`` may be pieces of, by name."""
    found = {
        address_of(event)
        for event in events
        if isinstance(event, MessageReceived) and event.piece is not None
    }
    return at_addresses(db, line, found, now)


def at_addresses(
    db: Connection, line: Line, addresses: Collection[str], now: datetime
) -> dict[str, Whole]:
    """Return what waits for pieces from ``addresses``, or has lately become a message, by name.

    Of several with the same name the latest counts: the one that waits, if there is one.
    """
    if not addresses:
        return {}
    found = queries.pieces_from(db, line.id, addresses, since=now - LATE)
    rows = sorted(found, key=_in_turn)
    waiting = {row.call_id for row in rows if row.due_at is not None}
    said = _said(db, line, waiting)
    wholes: dict[str, Whole] = {}
    for (name, *_), of_one in groupby(rows, key=lambda row: _in_turn(row)[:-1]):
        wholes[name] = _whole(list(of_one), said)
    return wholes


def _in_turn(row: AnyRow) -> tuple[str, bool, str, str]:
    """Sort by name, and then what became messages, the oldest first, before what waits."""
    return row.whole, row.due_at is not None, row.message_id or "", row.id


def _whole(rows: Sequence[AnyRow], said: Mapping[str, MessageReceived]) -> Whole:
    return Whole(
        total=rows[0].total,
        pieces={
            row.number: Kept(id=row.id, call_id=row.call_id, event=said.get(row.event_key))
            for row in rows
        },
        due_at=rows[0].due_at,
    )


def _said(db: Connection, line: Line, call_ids: Collection[str]) -> dict[str, MessageReceived]:
    """Return the pieces that these calls bring, by their keys."""
    if not call_ids:
        return {}
    calls = [kept_call(row) for row in queries.calls_of(db, call_ids)]
    return {
        event.key: event
        for call in calls
        for event in read(line, call).events
        if isinstance(event, MessageReceived) and event.key is not None
    }


def _joined(contents: Mapping[int, Content], total: int) -> Content:
    """Return the texts in order; of what is no text the first piece stands for all."""
    texts = {number: one.text for number, one in contents.items() if isinstance(one, Text)}
    if len(texts) < len(contents):
        return next(iter(contents.values()))
    runs = groupby(range(1, total + 1), key=texts.__contains__)
    text = "".join(
        "".join(map(texts.__getitem__, numbers)) if there else GAP for there, numbers in runs
    )
    # Only now: halves of a surrogate pair may have stood in two pieces.
    return clean(Text(text=text))
