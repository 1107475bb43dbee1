"""Show what was said: messages and notes, one bubble each."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from sqlalchemy import Connection

from hubbub.api import render
from hubbub.hub import Hub
from hubbub.people.rules import Person
from hubbub.sdk.content import Email, from_json, preview
from hubbub.store.states import NEVER
from hubbub.store.types import AnyRow
from hubbub.track.lane import Pause, held_up, paused, tried
from hubbub.ui import words
from hubbub.ui.inbox import queries
from hubbub.ui.inbox.composer import HOLD
from hubbub.ui.inbox.earlier import LATE, Earlier, earlier_of
from hubbub.ui.inbox.shown import Letter, ShownFile, shown_files, shown_letter


@dataclass(frozen=True, kw_only=True)
class Bubble:
    """One message or note. ``day`` stands above it where a new day begins, in UTC.

    That of a message which came long after it was written is the day when it was, unless something
    later stands before it.
    """

    id: str
    kind: str
    inbound: bool
    author: str
    content: dict[str, Any]
    files: tuple[ShownFile, ...]
    letter: Letter | None
    text: str
    #: What it answers or reacts to.
    earlier: Earlier | None
    at: str
    clock: str
    day: str
    day_at: str
    #: When it was written, where that was long before it came, for machines and in words.
    written_at: str
    written: str
    tick: words.Tick
    status: str
    problem: str
    #: Whether it can be sent again, where it was not.
    again: bool
    #: Whether it will be tried again, and can be taken back until then.
    waits: bool
    #: Whether that is until a person releases it.
    held: bool
    #: When it is to be sent, for machines and in words; empty where that is at once.
    due_at: str
    due: str
    #: Whether that is only to be able to take it back.
    undo: bool
    #: Whether who looks wrote it.
    mine: bool
    edited: bool
    deleted: bool
    note: bool = False
    #: Whether the note speaks to who looks.
    to_me: bool = False


def bubbles_of(
    hub: Hub,
    db: Connection,
    conversation_id: str,
    rows: Sequence[AnyRow],
    names: dict[str, str],
    *,
    person: Person,
    ours: str,
    shut: Collection[str],
) -> tuple[Bubble, ...]:
    """Return messages of a conversation, and the notes that were made among them, as they came.

    ``ours`` is the channel's address; of the kinds in ``shut`` nothing can be sent now.
    """
    now = hub.now()
    unsent = [row.id for row in rows if row.status in {"queued", "sending"}]
    waits = _waits(db, unsent, now) if unsent else {}
    failed = [row.id for row in rows if row.status == "failed"]
    tries = queries.tries(db, failed) if failed else {}
    earlier = earlier_of(db, rows)
    messages = [
        (
            row.created_at,
            _written(row) or row.created_at,
            _message(
                hub.settings.base_url,
                row,
                shown.model_dump(mode="json"),
                names,
                person=person,
                ours=ours,
                waits=waits.get(row.id, ""),
                tries=tries.get(row.id, 0),
                again=row.kind not in shut,
                now=now,
                earlier=earlier.get(row.id),
            ),
        )
        for row, shown in zip(rows, render.message_list(hub, db, rows), strict=True)
    ]
    begun = rows[0].created_at if rows and rows[0].seq > 1 else None
    to_me = queries.mentioning(db, conversation_id, person.id)
    notes = [
        (row.created_at, row.created_at, _note(row, names, person=person, to_me=row.id in to_me))
        for row in queries.notes(db, conversation_id, since=begun)
    ]
    return _by_time([*messages, *notes], now)


def _waits(db: Connection, message_ids: Sequence[str], now: datetime) -> dict[str, str]:
    """Return why messages wait, and until when."""
    behind = {
        message_id: f"{one.sentence} It is sent {words.until(one.until, now)} at the latest."
        for message_id, one in held_up(db, message_ids, now=now).items()
    }
    pauses = {
        message_id: f"{pause.sentence}{_ends(pause, now)}"
        for message_id, pause in paused(db, message_ids, now=now).items()
    }
    again = {message_id: _next_try(row, now) for message_id, row in tried(db, message_ids).items()}
    return behind | pauses | again


def _ends(pause: Pause, now: datetime) -> str:
    return f" It is sent {words.until(pause.until, now)}." if pause.until else ""


def _next_try(delivery: AnyRow, now: datetime) -> str:
    why = str(delivery.error.get("detail", "")).rstrip(".")
    if delivery.due_at == NEVER:
        return f"{why}."
    return f"{why}. Next try {words.until(delivery.due_at, now)}."


def _message(
    base_url: str,
    row: AnyRow,
    shown: dict[str, Any],
    names: dict[str, str],
    *,
    person: Person,
    ours: str,
    waits: str,
    tries: int,
    again: bool,
    now: datetime,
    earlier: Earlier | None,
) -> Bubble:
    inbound = row.direction == "inbound"
    content = shown["content"]
    said = from_json(row.content)
    written = _written(row)
    due = _due(row, shown, now)
    return Bubble(
        id=row.id,
        kind=row.kind,
        inbound=inbound,
        author=(row.sender_name or row.sender_address)
        if inbound
        else words.author(row.author, names),
        content=content,
        files=shown_files(row.kind, content, base_url),
        letter=shown_letter(said, ours) if isinstance(said, Email) else None,
        text=preview(said, limit=1000),
        earlier=earlier,
        at=words.exact(row.created_at),
        clock=words.moment(row.created_at) if written else words.clock(row.created_at),
        day="",
        day_at="",
        written_at=words.exact(written),
        written=words.moment(written) if written else "",
        tick=words.TICKS[row.status],
        status=row.status,
        problem=waits or _problem(shown, tries),
        again=again,
        waits=bool(waits or due),
        held=(shown["error"] or {}).get("code") == "held",
        due_at=words.exact(due),
        due=words.moment(due) if due else "",
        undo=due is not None and due - row.created_at <= HOLD,
        mine=row.author == person.actor,
        edited=row.edited_at is not None,
        deleted=row.deleted_at is not None,
    )


def _problem(shown: Mapping[str, Any], tries: int) -> str:
    """Return why a message was not sent; somebody may have tried it again, and wonders."""
    detail = str((shown["error"] or {}).get("detail", ""))
    return f"Failed again, after {tries} tries: {detail}" if tries > 1 else detail


def _due(row: AnyRow, shown: Mapping[str, Any], now: datetime) -> datetime | None:
    """Return when a message is to be sent, where that is still to come."""
    if row.status != "queued" or not shown["send_at"]:
        return None
    at = datetime.fromisoformat(shown["send_at"])
    return at if at > now else None


def _written(row: AnyRow) -> datetime | None:
    at: datetime | None = row.provider_at
    return at if at and row.created_at - at > LATE else None


def _note(row: AnyRow, names: dict[str, str], *, person: Person, to_me: bool) -> Bubble:
    return Bubble(
        id=row.id,
        kind="text",
        inbound=False,
        author=f"Note by {words.author(row.author, names)}",
        content={"type": "text", "text": row.text},
        files=(),
        letter=None,
        text=row.text,
        earlier=None,
        at=words.exact(row.created_at),
        clock=words.clock(row.created_at),
        day="",
        day_at="",
        written_at="",
        written="",
        tick=words.NO_TICK,
        status="note",
        problem="",
        again=False,
        waits=False,
        held=False,
        due_at="",
        due="",
        undo=False,
        mine=row.author == person.actor,
        edited=False,
        deleted=False,
        note=True,
        to_me=to_me,
    )


def _by_time(
    dated: Iterable[tuple[datetime, datetime, Bubble]], now: datetime
) -> tuple[Bubble, ...]:
    """Return bubbles as they came, each with the day above it where that is a new one.

    Each comes with when it came, and when it was said.
    """
    shown, last = [], None
    for _, said_at, bubble in sorted(dated, key=lambda one: one[0]):
        at = max(last or said_at, said_at)
        is_new = last is None or words.day(at, now) != words.day(last, now)
        day = words.day(at, now) if is_new else ""
        shown.append(replace(bubble, day=day, day_at=words.exact(at)))
        last = at
    return tuple(shown)
