"""Build what one conversation shows: its messages and notes, and what can be answered."""

import secrets
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Final

from sqlalchemy import Connection

from hubbub.api import render
from hubbub.connect import queries as channels
from hubbub.connect.rules import shown_status
from hubbub.deliver import work as deliver
from hubbub.hub import Hub
from hubbub.people.rules import Person
from hubbub.sdk.content import Email, from_json, preview
from hubbub.store.states import NEVER
from hubbub.store.types import AnyRow
from hubbub.track.lane import Pause, held_up, paused, tried
from hubbub.ui import queries, words
from hubbub.ui.copies import Copies, copies_of
from hubbub.ui.earlier import LATE, Earlier, earlier_of
from hubbub.ui.shown import Letter, ShownFile, answer_subject, shown_files, shown_letter

#: Messages shown at first, and more with each "Earlier messages".
PAGE: Final = 40
#: Messages in one page; all of them are in the API.
MOST: Final = 1000


@dataclass(frozen=True, kw_only=True)
class Draft:
    """What somebody wrote, and why it was not sent."""

    text: str = ""
    #: None where no letter was written.
    subject: str | None = None
    #: To whom copies were to go; None where they were to go to nobody.
    cc: str | None = None
    problem: str = ""


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
    #: Whether it will be tried again, and can be taken back until then.
    waits: bool
    #: Whether that is until a person releases it.
    held: bool
    edited: bool
    deleted: bool
    note: bool = False


@dataclass(frozen=True, kw_only=True)
class ThreadPage:
    """The open conversation."""

    id: str
    name: str
    address: str
    channel: str
    channel_id: str
    channel_type: str
    #: What is wrong with the channel; empty when it is well.
    trouble: str
    status: str
    owner: str
    bot_answers: bool
    #: Whether the contact stopped what goes to many.
    unsubscribed: bool
    mine: bool
    tags: tuple[str, ...]
    bubbles: tuple[Bubble, ...]
    #: From which message on "Earlier messages" shows; 0 when all are shown.
    earlier: int
    #: Why nothing can be sent now; empty when something can.
    closed: str
    text_limit: int
    carries_files: bool
    #: About what the next letter is; None where the channel carries none.
    subject: str | None
    #: Who else may get an answer, where it is a letter.
    copies: Copies
    #: Other conversations with the contact.
    others: tuple["Other", ...]
    #: The one that it began by answering, though its writer has no part in that.
    related: "Other | None"
    #: What makes two sends of the same form one message.
    key: str
    draft: Draft


@dataclass(frozen=True, kw_only=True)
class Other:
    """Another conversation."""

    id: str
    name: str
    channel: str
    preview: str
    ago: str
    at: str


def thread_page(
    hub: Hub, db: Connection, conversation_id: str, *, since: int, person: Person, draft: Draft
) -> ThreadPage | None:
    """Return a conversation from message ``since`` on, 0: the latest; None if there is none."""
    row = queries.conversation(db, conversation_id)
    if row is None:
        return None
    # Colleagues by their id, and the contact, where the messages do not say, by their address.
    names = queries.names(db)
    rows = queries.messages(db, conversation_id, since=since, limit=MOST if since else PAGE)
    first = rows[0].seq if rows else 1
    line = hub.directory.usable(db, row.channel_id)
    can = line.hooks.capabilities if line else None
    ours = (line.hooks.sender(line.connection) if line else "") or ""
    return ThreadPage(
        id=row.id,
        name=row.contact_name or row.address,
        address=row.address,
        channel=row.channel_name,
        channel_id=row.channel_id,
        channel_type=row.channel_type,
        trouble=words.trouble(row.channel_status, row.channel_reason) if line else "",
        status=row.status,
        owner=_owner(row, names),
        bot_answers=row.owner.startswith("bot:"),
        unsubscribed=not row.marketing,
        mine=row.assignee_id == person.id,
        tags=tuple(row.tags or ()),
        bubbles=_bubbles(hub, db, conversation_id, rows, names, ours=ours),
        earlier=max(1, first - PAGE) if first > 1 and len(rows) < MOST else 0,
        closed=_closed(hub, db, conversation_id, person) if line else _unusable(hub, db, row),
        text_limit=can.text_limit if can else 0,
        carries_files=can is not None,
        subject=_about(rows) if can and "email" in can.outbound else None,
        copies=copies_of(rows, ours),
        others=tuple(
            _other(one, hub.now())
            for one in queries.others(db, contact_id=row.contact_id, but=row.id)
        ),
        related=_related(db, row, hub.now()),
        key=secrets.token_hex(16),
        draft=draft,
    )


def _owner(row: AnyRow, names: dict[str, str]) -> str:
    owner = words.owner(row.owner, names)
    if owner or not row.assignee_id:
        return owner
    return f"Assigned to {names.get(row.assignee_id, 'a colleague')}."


def _unusable(hub: Hub, db: Connection, row: AnyRow) -> str:
    channel = channels.channel(db, row.channel_id)
    return words.NO_CHANNEL if channel is None else shown_status(hub, channel)[1]


def _closed(hub: Hub, db: Connection, conversation_id: str, person: Person) -> str:
    answer = deliver.sendable(hub, db, conversation_id, author=person.actor)
    return "" if "text" in answer.kinds else answer.reasons.get("text", "Nothing can be sent now.")


def _bubbles(
    hub: Hub,
    db: Connection,
    conversation_id: str,
    rows: Sequence[AnyRow],
    names: dict[str, str],
    *,
    ours: str,
) -> tuple[Bubble, ...]:
    now = hub.now()
    unsent = [row.id for row in rows if row.status in {"queued", "sending"}]
    waits = _waits(db, unsent, now) if unsent else {}
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
                ours=ours,
                waits=waits.get(row.id, ""),
                earlier=earlier.get(row.id),
            ),
        )
        for row, shown in zip(rows, render.message_list(hub, db, rows), strict=True)
    ]
    begun = rows[0].created_at if rows and rows[0].seq > 1 else None
    notes = [
        (row.created_at, row.created_at, _note(row, names))
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
    ours: str,
    waits: str,
    earlier: Earlier | None,
) -> Bubble:
    inbound = row.direction == "inbound"
    content = shown["content"]
    said = from_json(row.content)
    written = _written(row)
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
        problem=waits or (shown["error"] or {}).get("detail", ""),
        waits=bool(waits),
        held=(shown["error"] or {}).get("code") == "held",
        edited=row.edited_at is not None,
        deleted=row.deleted_at is not None,
    )


def _written(row: AnyRow) -> datetime | None:
    at: datetime | None = row.provider_at
    return at if at and row.created_at - at > LATE else None


def _note(row: AnyRow, names: dict[str, str]) -> Bubble:
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
        waits=False,
        held=False,
        edited=False,
        deleted=False,
        note=True,
    )


def _about(rows: Sequence[AnyRow]) -> str:
    """Return about what an answer is: what the last letter was about."""
    said = (str(row.content["subject"]) for row in reversed(rows) if row.kind == "email")
    return answer_subject(next(said, ""))


def _related(db: Connection, row: AnyRow, now: datetime) -> Other | None:
    other = queries.conversation(db, row.related_id) if row.related_id else None
    if other is None:
        return None
    subject = queries.last_subject(db, other.id)
    return replace(_other(other, now), **({"preview": subject} if subject else {}))


def _other(row: AnyRow, now: datetime) -> Other:
    return Other(
        id=row.id,
        name=row.contact_name or row.address,
        channel=row.channel_name,
        preview=row.preview or "No messages yet",
        ago=words.ago(row.last_message_at, now),
        at=words.exact(row.last_message_at),
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
