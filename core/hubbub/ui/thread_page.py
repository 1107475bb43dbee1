"""Build what one conversation shows: its messages and notes, and what can be answered."""

import secrets
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Final

from sqlalchemy import Connection

from hubbub.api import render
from hubbub.connect import queries as channels
from hubbub.connect.rules import shown_status
from hubbub.deliver import work as deliver
from hubbub.hub import Hub
from hubbub.people import queries as people_queries, team_queries
from hubbub.people.rules import Person
from hubbub.sdk.content import Email, from_json, preview
from hubbub.store.states import NEVER
from hubbub.store.tags import used_tags
from hubbub.store.types import AnyRow
from hubbub.track.lane import Pause, held_up, paused, tried
from hubbub.ui import queries, words
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
    problem: str = ""


@dataclass(frozen=True, kw_only=True)
class Bubble:
    """One message or note. ``day`` stands above it where a new day begins, in UTC."""

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
    #: Whether the note speaks to who looks.
    to_me: bool = False


@dataclass(frozen=True, kw_only=True)
class Receiver:
    """Somebody, or a team, to whom a conversation can be given."""

    id: str
    name: str
    #: Whether it is theirs already.
    has_it: bool
    away: bool = False


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
    mine: bool
    #: Until when it is snoozed, for machines and in words.
    sleeps_until: str
    sleeps: str
    #: To whom it can be given.
    colleagues: tuple[Receiver, ...]
    teams: tuple[Receiver, ...]
    version: int
    tags: tuple[str, ...]
    #: Tags that conversations have, to choose from.
    known_tags: tuple[str, ...]
    bubbles: tuple[Bubble, ...]
    #: From which message on "Earlier messages" shows; 0 when all are shown.
    earlier: int
    #: Why nothing can be sent now; empty when something can.
    closed: str
    text_limit: int
    carries_files: bool
    #: About what the next letter is; None where the channel carries none.
    subject: str | None
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
    names, teams = queries.names(db), team_queries.names(db)
    rows = queries.messages(db, conversation_id, since=since, limit=MOST if since else PAGE)
    first = rows[0].seq if rows else 1
    line = hub.directory.usable(db, row.channel_id)
    can = line.hooks.capabilities if line else None
    return ThreadPage(
        id=row.id,
        name=row.contact_name or row.address,
        address=row.address,
        channel=row.channel_name,
        channel_id=row.channel_id,
        channel_type=row.channel_type,
        trouble=words.trouble(row.channel_status, row.channel_reason) if line else "",
        status=row.status,
        owner=_owner(row, names, teams),
        bot_answers=row.owner.startswith("bot:"),
        mine=row.assignee_id == person.id,
        sleeps_until=words.exact(row.snoozed_until) if row.status == "snoozed" else "",
        sleeps=_sleeps(row),
        colleagues=_colleagues(db, row),
        teams=tuple(
            Receiver(id=team_id, name=name, has_it=team_id == row.team_id)
            for team_id, name in teams.items()
        ),
        version=row.owner_version,
        tags=tuple(row.tags or ()),
        known_tags=tuple(used_tags(db)),
        bubbles=_bubbles(hub, db, conversation_id, rows, names, person=person),
        earlier=max(1, first - PAGE) if first > 1 and len(rows) < MOST else 0,
        closed=_closed(hub, db, conversation_id, person) if line else _unusable(hub, db, row),
        text_limit=can.text_limit if can else 0,
        carries_files=can is not None,
        subject=_about(rows) if can and "email" in can.outbound else None,
        others=tuple(
            _other(one, hub.now())
            for one in queries.others(db, contact_id=row.contact_id, but=row.id)
        ),
        related=_related(db, row, hub.now()),
        key=secrets.token_hex(16),
        draft=draft,
    )


def _owner(row: AnyRow, names: dict[str, str], teams: Mapping[str, str]) -> str:
    owner = words.owner(row.owner, names)
    if not owner and row.assignee_id:
        owner = f"Assigned to {names.get(row.assignee_id, 'a colleague')}."
    team = teams.get(row.team_id or "")
    return f"{owner} In the queue of {team}.".strip() if team else owner


def _colleagues(db: Connection, row: AnyRow) -> tuple[Receiver, ...]:
    return tuple(
        Receiver(
            id=one.id,
            name=one.name or one.email,
            has_it=one.id == row.assignee_id,
            away=one.away_at is not None,
        )
        for one in people_queries.colleagues(db)
    )


def _sleeps(row: AnyRow) -> str:
    if row.status != "snoozed":
        return ""
    return words.moment(row.snoozed_until) if row.snoozed_until else "the contact writes"


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
    person: Person,
) -> tuple[Bubble, ...]:
    now = hub.now()
    unsent = [row.id for row in rows if row.status in {"queued", "sending"}]
    waits = _waits(db, unsent, now) if unsent else {}
    earlier = earlier_of(db, rows)
    messages = [
        (
            row.created_at,
            _message(
                hub.settings.base_url,
                row,
                shown.model_dump(mode="json"),
                names,
                waits=waits.get(row.id, ""),
                earlier=earlier.get(row.id),
            ),
        )
        for row, shown in zip(rows, render.message_list(hub, db, rows), strict=True)
    ]
    begun = rows[0].created_at if rows and rows[0].seq > 1 else None
    to_me = queries.mentioning(db, conversation_id, person.id)
    notes = [
        (row.created_at, _note(row, names, to_me=row.id in to_me))
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
        letter=shown_letter(said) if isinstance(said, Email) else None,
        text=preview(said, limit=1000),
        earlier=earlier,
        at=words.exact(row.created_at),
        clock=words.clock(row.created_at),
        day="",
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


def _note(row: AnyRow, names: dict[str, str], *, to_me: bool) -> Bubble:
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
        to_me=to_me,
    )


def _about(rows: Sequence[AnyRow]) -> str:
    """Return about what an answer is: what the last letter was about."""
    said = (str(row.content["subject"]) for row in reversed(rows) if row.kind == "email")
    return answer_subject(next(said, ""))


def _related(db: Connection, row: AnyRow, now: datetime) -> Other | None:
    other = queries.conversation(db, row.related_id) if row.related_id else None
    return _other(other, now) if other else None


def _other(row: AnyRow, now: datetime) -> Other:
    return Other(
        id=row.id,
        name=row.contact_name or row.address,
        channel=row.channel_name,
        preview=row.preview or "No messages yet",
        ago=words.ago(row.last_message_at, now),
        at=words.exact(row.last_message_at),
    )


def _by_time(dated: Iterable[tuple[datetime, Bubble]], now: datetime) -> tuple[Bubble, ...]:
    """Return bubbles in order, each with the day above it where that is a new one."""
    shown, last = [], ""
    for at, bubble in sorted(dated, key=lambda one: one[0]):
        day = words.day(at, now)
        shown.append(replace(bubble, day="" if day == last else day))
        last = day
    return tuple(shown)
