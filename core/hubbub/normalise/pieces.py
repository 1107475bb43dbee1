"""Join the pieces of long messages, which come one by one, in any order, or never.

A piece is kept as its call and a row that speaks of it; what it says is read from the call anew
once all are there. So nothing is decoded or stored before its neighbours are known.
"""

import json
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import groupby
from operator import attrgetter
from typing import Any, Final

from sqlalchemy import Connection

from hubbub.directory import Line
from hubbub.normalise import queries
from hubbub.normalise.rules import APPLIED, DEAD, read, settled
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
#: When pieces that could not be put together are looked at again, and for how long.
_PUT_OFF: Final = timedelta(hours=1)
_TRIED: Final = timedelta(days=1)


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
    message_id: str | None = None

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

    def says(self, number: int, event: MessageReceived | None) -> bool:
        """Whether the piece of this number says just what ``event`` does."""
        known = self.pieces.get(number)
        if known is None or known.event is None or event is None:
            return False
        return known.event.content == event.content

    def repeats(self, earlier: "Whole") -> bool:
        """Whether all that is here was said by ``earlier``, and it is not all of it."""
        return not self.complete and all(
            earlier.says(number, kept.event) for number, kept in self.pieces.items()
        )

    def lacks(self, number: int) -> bool:
        """Whether this piece is missing."""
        return number not in self.pieces

    def adding(self, number: int, kept: Kept) -> "Whole":
        """Return it with one more piece."""
        return replace(self, pieces={**self.pieces, number: kept})

    def ended(self, message_id: str | None) -> list[dict[str, Any]]:
        """Return what to write of the pieces once they are a part of a message."""
        return [
            {"id": kept.id, "message_id": message_id, "due_at": None}
            for kept in self.pieces.values()
        ]

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
    """Return the messages that ``events`` may be pieces of, by name.

    Of several with the same name the latest counts: the one that waits, if there is one.
    """
    addresses = {
        name_of(event, event.piece): address_of(event)
        for event in events
        if isinstance(event, MessageReceived) and event.piece is not None
    }
    if not addresses:
        return {}
    rows = _rows(db, line, addresses, now)
    said = _said(db, line, {row.call_id for row in rows if row.due_at is not None})
    return dict(_wholes(rows, said))


def in_turn(db: Connection, line: Line, address: str, name: str, now: datetime) -> list[Whole]:
    """Return the messages of a name: those that lately became one, and then what waits.

    All that they say is read.
    """
    rows = _rows(db, line, {name: address}, now)
    said = _said(db, line, {row.call_id for row in rows})
    return [whole for _, whole in _wholes(rows, said)]


def put_off(
    db: Connection, channel_id: str, address: str, name: str, *, why: str, now: datetime
) -> None:
    """Let the pieces of a message that cannot be put together wait longer, but not for ever.

    In the end their calls are dead, and the pieces forgotten: so a replay reads them as if new.
    """
    rows = queries.waiting_pieces(db, channel_id, address=address, whole=name)
    if not rows:
        return
    if min(row.kept_at for row in rows) > now - _TRIED:
        later = [{"id": row.id, "message_id": None, "due_at": now + _PUT_OFF} for row in rows]
        queries.join(db, later)
        return
    queries.forget_pieces(db, [row.id for row in rows])
    keys = {row.event_key for row in rows}
    calls = queries.calls_of(db, {row.call_id for row in rows})
    queries.settle(db, [_dead(call, keys, why, now) for call in calls])


def _dead(call: AnyRow, keys: Collection[str], why: str, now: datetime) -> dict[str, Any]:
    """Return what to write of a call that brought pieces with these ``keys``."""
    outcomes = [
        {**one, "outcome": DEAD, "reason": why}
        if one["key"] in keys and one["outcome"] == APPLIED
        else one
        for one in call.outcomes
    ]
    return settled(call.id, outcomes, now)


def _rows(
    db: Connection, line: Line, addresses: Mapping[str, str], now: datetime
) -> Sequence[AnyRow]:
    """Return what is known of the messages that ``addresses`` names, each by its own."""
    found = queries.pieces_of(
        db, line.id, addresses={*addresses.values()}, wholes=addresses.keys(), since=now - LATE
    )
    return sorted(found, key=_in_turn)


def _wholes(
    rows: Sequence[AnyRow], said: Mapping[str, MessageReceived]
) -> Iterator[tuple[str, Whole]]:
    for (name, *_), of_one in groupby(rows, key=lambda row: _in_turn(row)[:-1]):
        yield name, _whole(list(of_one), said)


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
        message_id=rows[0].message_id,
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
