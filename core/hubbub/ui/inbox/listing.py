"""Build what the inbox shows: the views, and the conversations of one of them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from sqlalchemy import Connection

from hubbub.deliver.gate import window_closes
from hubbub.hub import Hub
from hubbub.people import team_queries
from hubbub.people.rules import Person
from hubbub.people.saved_views import SavedView, saved_views
from hubbub.sdk.content import files_of, from_json, preview
from hubbub.store import search
from hubbub.store.readings import mentions_unseen
from hubbub.store.types import AnyRow
from hubbub.store.words import Piece, around
from hubbub.ui import queries as ui_queries, words
from hubbub.ui.inbox import queries
from hubbub.ui.inbox.composer import Draft
from hubbub.ui.inbox.desk import Desk
from hubbub.ui.inbox.look import KEPT, MOST, PAGE, VIEWS, Look
from hubbub.ui.inbox.presence import Doing
from hubbub.ui.inbox.thread import ThreadPage, thread_page
from hubbub.ui.standstill import missed

_EMPTY: Final = {
    "open": "Nothing open. Nice.",
    "mine": "Nothing is assigned to you.",
    "unassigned": "Nothing unassigned. Nice.",
    "mentions": "No note speaks to you.",
    "snoozed": "Nothing sleeps.",
    "failed": "Every message went out.",
    "resolved": "Nothing is resolved yet.",
    "all": "Nobody has written yet.",
}


@dataclass(frozen=True, kw_only=True)
class Entry:
    """One conversation in the list."""

    id: str
    name: str
    initial: str
    preview: str
    #: Whether that is what we said.
    answered: bool
    unread: int
    channel: str
    channel_type: str
    ago: str
    at: str
    selected: bool
    #: Who has it, and when it wakes; empty where nobody has it, and where it does not sleep.
    whose: str
    wakes: str
    wakes_at: str
    #: When only templates may be sent, if that comes; empty otherwise.
    closes: str
    closes_at: str
    #: ``failed`` where a message in it was not sent, ``unknown`` where perhaps not; or empty.
    lost: str
    spot: "Spot | None"


@dataclass(frozen=True, kw_only=True)
class Spot:
    """The message for which a conversation is in the list: lost, or with the words looked for."""

    id: str
    seq: int
    text: str = ""
    #: Of one that was found, what it says around the words, part by part.
    pieces: tuple[Piece, ...] = ()
    #: What became of it, as a title for that, and why; both are empty for one that was found.
    title: str = ""
    reason: str = ""


@dataclass(frozen=True, kw_only=True)
class Choice:
    """One thing that can be chosen from a list."""

    value: str
    label: str
    chosen: bool = False


@dataclass(frozen=True, kw_only=True)
class Filter:
    """One thing that the list can be narrowed by."""

    name: str
    label: str
    choices: tuple[Choice, ...]


@dataclass(frozen=True, kw_only=True)
class Saved:
    """A view that somebody saved."""

    id: str
    name: str
    args: Mapping[str, str]
    shown: bool


@dataclass(frozen=True, kw_only=True)
class InboxPage:
    """The whole inbox."""

    look: Look
    views: tuple[tuple[str, str], ...]
    #: The teams of who looks.
    teams: tuple[Choice, ...]
    #: What they saved.
    saved: tuple[Saved, ...]
    filters: tuple[Filter, ...]
    #: Notes to who looks, in so many conversations, that they have not read.
    mentions: int
    #: Whether single keys do things.
    shortcuts: bool
    #: Whether their teams give them conversations.
    available: bool
    entries: tuple[Entry, ...]
    empty: str
    #: Whether no channel is there yet, so that nobody can write.
    no_channel: bool
    #: Where one can be a customer, in a demo to which nobody has written; or empty.
    practice: str
    #: How many conversations "Older conversations" shows; 0 without any older ones.
    older: int
    #: How far was looked, where the list tells of a search that did not find what it shows at once.
    searched: search.Latest | None
    #: Whether there are more than the list ever shows.
    too_many: bool
    silent: tuple[str, ...]
    thread: ThreadPage | None


@dataclass(frozen=True, kw_only=True)
class _Listed:
    """The conversations of a list, whether there are more, and how far was looked for them."""

    entries: tuple[Entry, ...]
    more: bool
    searched: search.Latest | None


def inbox_page(
    hub: Hub,
    db: Connection,
    look: Look,
    person: Person,
    *,
    conversation_id: str | None,
    draft: Draft,
    there: Mapping[str, Doing],
) -> InboxPage | None:
    """Return the inbox as ``person`` sees it; None when there is no such conversation."""
    thread, desk = None, Desk.of(db)
    if conversation_id is not None:
        thread = thread_page(
            hub,
            db,
            conversation_id,
            since=look.since,
            person=person,
            draft=draft,
            there=there,
            desk=desk,
        )
        if thread is None:
            return None
    listed = _listed(hub, db, look, person, desk, selected=conversation_id)
    return InboxPage(
        look=look,
        views=VIEWS,
        teams=_teams(db, look, person, desk),
        saved=tuple(_saved(one, look) for one in saved_views(db, person.id)),
        filters=_filters(db, look, desk),
        mentions=mentions_unseen(db, person.id),
        shortcuts=person.preferences.shortcuts,
        available=person.available,
        entries=listed.entries,
        empty=_empty(look),
        no_channel=not listed.entries and not queries.any_channel(db),
        practice=hub.settings.sandbox_url if not queries.any_conversation(db) else "",
        older=min(look.show + PAGE, MOST) if listed.more and look.show < MOST else 0,
        searched=listed.searched if not listed.more else None,
        too_many=listed.more and look.show >= MOST,
        silent=missed(hub, db, hub.now()),
        thread=thread,
    )


def _listed(
    hub: Hub, db: Connection, look: Look, person: Person, desk: Desk, *, selected: str | None
) -> _Listed:
    """Return the conversations that the list shows."""
    now = hub.now()
    sought = search.conversations(db, look.q) if look.q else None
    rows = queries.conversations(
        db,
        look.view,
        user_id=person.id,
        sought=sought.condition if sought else None,
        filters=look.filters,
        limit=look.show + 1,
    )
    shown = rows[: look.show]
    ids = [row.id for row in shown]
    lost, answered = queries.with_lost(db, ids), queries.answered(db, ids)
    spots = _spots(db, look, sought, ids)
    closing = _closing(hub, db, shown, now)
    entries = (
        _entry(
            row,
            spots.get(row.id),
            lost,
            desk,
            answered=row.id in answered,
            closes=closing.get(row.id),
            selected=selected,
            now=now,
        )
        for row in shown
    )
    return _Listed(
        entries=tuple(entries),
        more=len(rows) > look.show,
        searched=sought.latest if sought else None,
    )


def _teams(db: Connection, look: Look, person: Person, desk: Desk) -> tuple[Choice, ...]:
    mine = team_queries.teams_of(db, person.id)
    return tuple(_choice(look.team, *one) for one in desk.teams.items() if one[0] in mine)


def _closing(
    hub: Hub, db: Connection, rows: Sequence[AnyRow], now: datetime
) -> dict[str, datetime]:
    """Return when the windows of conversations close that are open still."""
    lines = hub.directory.all_usable(db, {row.channel_id for row in rows})
    found = {}
    for row in rows:
        line = lines.get(row.channel_id)
        closes = window_closes(line, row.last_inbound_at) if line else None
        if closes and closes > now:
            found[row.id] = closes
    return found


def _empty(look: Look) -> str:
    if look.q:
        return f"No conversation {'here ' if look.narrow else ''}has these words."
    return "No conversation is like this." if look.filters else _EMPTY[look.view]


def _filters(db: Connection, look: Look, desk: Desk) -> tuple[Filter, ...]:
    channels = {row.id: row.name for row in ui_queries.channel_names(db).values()}
    offered: dict[str, tuple[str, Mapping[str, str]]] = {
        "channel": ("Channel", channels),
        "team": ("Team", desk.teams),
        "assignee": ("Assigned to", {"none": "Nobody", **desk.people}),
        "tag": ("Tag", {tag: tag for tag in (*desk.tags, look.tag) if tag}),
    }
    return tuple(
        Filter(
            name=name,
            label=label,
            choices=tuple(_choice(getattr(look, name), *one) for one in found.items()),
        )
        for name, (label, found) in offered.items()
        if found
    )


def _saved(one: SavedView, look: Look) -> Saved:
    # Whoever saved it by the API may have named what no list can be narrowed by.
    kept = {name: value for name, value in one.filters.items() if name in KEPT}
    return Saved(id=one.id, name=one.name, args=kept, shown=kept == look.kept)


def _choice(chosen: str, value: str, label: str) -> Choice:
    return Choice(value=value, label=label, chosen=value == chosen)


def _entry(
    row: AnyRow,
    spot: Spot | None,
    lost: Mapping[str, str],
    desk: Desk,
    *,
    answered: bool,
    closes: datetime | None,
    selected: str | None,
    now: datetime,
) -> Entry:
    name = row.contact_name or row.address
    sleeps = row.status == "snoozed" and row.snoozed_until is not None
    return Entry(
        id=row.id,
        name=name,
        initial=words.initial(name),
        preview=row.preview or "No messages yet",
        answered=answered,
        unread=row.unread_by_me,
        channel=row.channel_name,
        channel_type=row.channel_type,
        ago=words.ago(row.last_message_at, now),
        at=words.exact(row.last_message_at),
        selected=row.id == selected,
        whose=desk.people.get(row.assignee_id or "") or desk.teams.get(row.team_id or "", ""),
        wakes=words.until(row.snoozed_until, now) if sleeps else "",
        closes=words.until(closes, now) if closes else "",
        closes_at=words.exact(closes),
        wakes_at=words.exact(row.snoozed_until) if sleeps else "",
        lost=lost.get(row.id, ""),
        spot=spot,
    )


def _spots(
    db: Connection, look: Look, sought: search.Sought | None, ids: Sequence[str]
) -> dict[str, Spot]:
    if sought is not None:
        found = search.passages(db, sought, ids)
        return {id_: _passage(message, look.q) for id_, message in found.items()}
    if look.view == "failed":
        return {id_: _failed(message) for id_, message in queries.lost(db, ids).items()}
    return {}


def _passage(message: AnyRow, q: str) -> Spot:
    content = from_json(message.content)
    names = (media.filename for media in files_of(content) if media.filename)
    said = " · ".join((preview(content, limit=search.LONGEST), *names))
    return Spot(id=message.id, seq=message.seq, pieces=around(said, q))


def _failed(message: AnyRow) -> Spot:
    return Spot(
        id=message.id,
        seq=message.seq,
        text=preview(from_json(message.content)),
        title="Not sent" if message.status == "failed" else "May have arrived",
        reason=(message.error or {}).get("detail") or words.TICKS[message.status].explained,
    )
