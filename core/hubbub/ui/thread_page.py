"""Build what one conversation shows: its messages and notes, and what can be answered."""

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
from hubbub.ui.composer import HOLD, Composer, Draft, composer
from hubbub.ui.earlier import LATE, Earlier, earlier_of
from hubbub.ui.presence import Doing
from hubbub.ui.shown import Letter, ShownFile, shown_files, shown_letter

#: Messages shown at first, and more with each "Earlier messages".
PAGE: Final = 40
#: Messages in one page; all of them are in the API.
MOST: Final = 1000


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
    #: When it is to be sent, for machines and in words; empty where that is at once.
    due_at: str
    due: str
    #: Whether that is only to be able to take it back.
    undo: bool
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
    #: Who else is here, in a sentence; empty where nobody is.
    company: str
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
    composer: Composer
    #: Other conversations with the contact.
    others: tuple["Other", ...]
    #: The one that it began by answering, though its writer has no part in that.
    related: "Other | None"


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
    hub: Hub,
    db: Connection,
    conversation_id: str,
    *,
    since: int,
    person: Person,
    draft: Draft,
    there: Mapping[str, Doing],
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
        company=_company(there, names, but=person.id),
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
        composer=composer(
            line,
            deliver.sendable(hub, db, conversation_id, author=person.actor),
            rows,
            person=person,
            draft=draft,
            now=hub.now(),
            gone="" if line else _unusable(hub, db, row),
        ),
        others=tuple(
            _other(one, hub.now())
            for one in queries.others(db, contact_id=row.contact_id, but=row.id)
        ),
        related=_related(db, row, hub.now()),
    )


def _owner(row: AnyRow, names: dict[str, str], teams: Mapping[str, str]) -> str:
    owner = words.owner(row.owner, names)
    if not owner and row.assignee_id:
        owner = f"Assigned to {names.get(row.assignee_id, 'a colleague')}."
    team = teams.get(row.team_id or "")
    return f"{owner} In the queue of {team}.".strip() if team else owner


def _company(there: Mapping[str, Doing], names: Mapping[str, str], *, but: str) -> str:
    others = {
        names.get(user_id, "A colleague"): doing
        for user_id, doing in there.items()
        if user_id != but
    }
    writing = sorted(name for name, doing in others.items() if doing == "writes")
    looking = sorted(name for name, doing in others.items() if doing == "looks")
    told = []
    if writing:
        told.append(
            f"✎ {words.listed(writing)} {'is' if len(writing) == 1 else 'are'} writing here."
        )
    if looking:
        told.append(f"{words.listed(looking)} {'has' if len(looking) == 1 else 'have'} this open.")
    return " ".join(told)


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
                now=now,
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
        waits=bool(waits or due),
        held=(shown["error"] or {}).get("code") == "held",
        due_at=words.exact(due),
        due=words.moment(due) if due else "",
        undo=due is not None and due - row.created_at <= HOLD,
        edited=row.edited_at is not None,
        deleted=row.deleted_at is not None,
    )


def _due(row: AnyRow, shown: Mapping[str, Any], now: datetime) -> datetime | None:
    """Return when a message is to be sent, where that is still to come."""
    if row.status != "queued" or not shown["send_at"]:
        return None
    at = datetime.fromisoformat(shown["send_at"])
    return at if at > now else None


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
        due_at="",
        due="",
        undo=False,
        edited=False,
        deleted=False,
        note=True,
        to_me=to_me,
    )


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
