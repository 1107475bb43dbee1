"""Build what the inbox shows: the views, and the conversations of one of them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy import Connection

from hubbub.hub import Hub
from hubbub.people.rules import Person
from hubbub.sdk.content import from_json, preview
from hubbub.store import search
from hubbub.store.types import AnyRow
from hubbub.ui import queries, words
from hubbub.ui.thread_page import Draft, ThreadPage, thread_page

VIEWS: Final = (
    ("open", "Open"),
    ("mine", "Mine"),
    ("unassigned", "Unassigned"),
    ("failed", "Failed"),
    ("resolved", "Resolved"),
    ("all", "All"),
)
#: Conversations in the list, at first and with each "Older conversations".
PAGE: Final = 40
#: Who looks for something further down searches.
MOST: Final = 400
_EMPTY: Final = {
    "open": "Nothing open. Nice.",
    "mine": "Nothing is assigned to you.",
    "unassigned": "Nothing unassigned. Nice.",
    "failed": "Every message went out.",
    "resolved": "Nothing is resolved yet.",
    "all": "Nobody has written yet.",
}


@dataclass(frozen=True, kw_only=True)
class Look:
    """What of the inbox somebody looks at; every address within the inbox carries it on."""

    view: str = "open"
    q: str = ""
    #: How many conversations the list has.
    show: int = PAGE
    #: From which message on the conversation is shown; 0: the latest ones.
    since: int = 0

    @property
    def args(self) -> dict[str, Any]:
        """What stands in the address for the list."""
        told = {
            "view": self.view if self.view != "open" else "",
            "q": self.q,
            "show": self.show if self.show != PAGE else 0,
        }
        return {name: value for name, value in told.items() if value}


@dataclass(frozen=True, kw_only=True)
class Entry:
    """One conversation in the list."""

    id: str
    name: str
    initial: str
    preview: str
    unread: int
    channel: str
    channel_type: str
    ago: str
    at: str
    selected: bool
    #: ``failed`` where a message in it was not sent, ``unknown`` where perhaps not; or empty.
    lost: str
    spot: "Spot | None"


@dataclass(frozen=True, kw_only=True)
class Spot:
    """The message for which a conversation is in the list: lost, or with the words looked for."""

    id: str
    seq: int
    text: str
    #: Why it was not sent; empty for one that was found.
    reason: str = ""


@dataclass(frozen=True, kw_only=True)
class InboxPage:
    """The whole inbox."""

    look: Look
    views: tuple[tuple[str, str], ...]
    entries: tuple[Entry, ...]
    empty: str
    #: Whether no channel is there yet, so that nobody can write.
    no_channel: bool
    #: How many conversations "Older conversations" shows; 0 without any older ones.
    older: int
    #: Of how many of the latest conversations alone the list tells, where it tells of a search.
    searched: int | None
    #: Whether there are more than the list ever shows.
    too_many: bool
    silent: tuple[str, ...]
    thread: ThreadPage | None


def inbox_page(
    hub: Hub,
    db: Connection,
    look: Look,
    person: Person,
    *,
    conversation_id: str | None,
    draft: Draft,
) -> InboxPage | None:
    """Return the inbox as ``person`` sees it; None when there is no such conversation."""
    now = hub.now()
    thread = None
    if conversation_id is not None:
        thread = thread_page(hub, db, conversation_id, since=look.since, person=person, draft=draft)
        if thread is None:
            return None
    sought = search.conversations(db, look.q) if look.q else None
    rows = queries.conversations(
        db,
        look.view,
        user_id=person.id,
        sought=sought.condition if sought else None,
        limit=look.show + 1,
    )
    more = len(rows) > look.show
    rows = rows[: look.show]
    ids = [row.id for row in rows]
    lost = queries.with_lost(db, ids)
    spots = _spots(db, look, ids)
    return InboxPage(
        look=look,
        views=VIEWS,
        entries=tuple(
            _entry(row, spots.get(row.id), lost, selected=conversation_id, now=now) for row in rows
        ),
        empty="No conversation has these words." if look.q else _EMPTY[look.view],
        no_channel=not rows and not queries.any_channel(db),
        older=min(look.show + PAGE, MOST) if more and look.show < MOST else 0,
        searched=sought.latest if sought and not more else None,
        too_many=more and look.show >= MOST,
        silent=tuple(queries.silent_kinds(db, now)),
        thread=thread,
    )


def _entry(
    row: AnyRow,
    spot: Spot | None,
    lost: Mapping[str, str],
    *,
    selected: str | None,
    now: datetime,
) -> Entry:
    name = row.contact_name or row.address
    return Entry(
        id=row.id,
        name=name,
        initial=words.initial(name),
        preview=row.preview or "No messages yet",
        unread=row.unread,
        channel=row.channel_name,
        channel_type=row.channel_type,
        ago=words.ago(row.last_message_at, now),
        at=words.exact(row.last_message_at),
        selected=row.id == selected,
        lost=lost.get(row.id, ""),
        spot=spot,
    )


def _spots(db: Connection, look: Look, ids: Sequence[str]) -> dict[str, Spot]:
    if look.q:
        found = search.passages(db, look.q, ids)
        return {id_: _passage(message, look.q) for id_, message in found.items()}
    if look.view == "failed":
        return {id_: _failed(message) for id_, message in queries.lost(db, ids).items()}
    return {}


def _passage(message: AnyRow, q: str) -> Spot:
    said = preview(from_json(message.content), limit=search.LONGEST)
    return Spot(id=message.id, seq=message.seq, text=search.around(said, q))


def _failed(message: AnyRow) -> Spot:
    return Spot(
        id=message.id,
        seq=message.seq,
        text=preview(from_json(message.content)),
        reason=(message.error or {}).get("detail") or words.TICKS[message.status].explained,
    )
