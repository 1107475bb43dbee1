"""Build what one conversation shows: its messages and notes, and what can be answered."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from sqlalchemy import Connection

from hubbub.connect import queries as channels
from hubbub.connect.rules import shown_status
from hubbub.deliver import work as deliver
from hubbub.directory import Line
from hubbub.hub import Hub
from hubbub.people import queries as people_queries
from hubbub.people.rules import Person
from hubbub.store.types import AnyRow
from hubbub.ui import queries as ui_queries, words
from hubbub.ui.addresses import said_as
from hubbub.ui.claims import standing
from hubbub.ui.inbox import queries
from hubbub.ui.inbox.bubbles import Bubble, bubbles_of
from hubbub.ui.inbox.composer import Composer, Draft, composer
from hubbub.ui.inbox.desk import Desk
from hubbub.ui.inbox.presence import Doing
from hubbub.ui.inbox.side import Side, side_of

#: Messages shown at first, and more with each "Earlier messages".
PAGE: Final = 40
#: Messages in one page; all of them are in the API.
MOST: Final = 1000


@dataclass(frozen=True, kw_only=True)
class Receiver:
    """Somebody, or a team, to whom a conversation can be given."""

    id: str
    name: str
    #: Whether it is theirs already.
    has_it: bool
    away: bool = False


@dataclass(frozen=True, kw_only=True)
class Source:
    """Where a conversation is held, and as whom."""

    #: As people say it; empty where it tells them nothing.
    address: str
    #: Whether a site has proven who that is; None: no chat window is asked.
    proven: bool | None
    channel: str
    channel_id: str
    channel_type: str
    #: What is wrong with the channel; empty when it is well.
    trouble: str


@dataclass(frozen=True, kw_only=True)
class Hands:
    """In whose hands a conversation is, and to whom it can be given."""

    owner: str
    bot_answers: bool
    mine: bool
    version: int
    colleagues: tuple[Receiver, ...]
    teams: tuple[Receiver, ...]


@dataclass(frozen=True, kw_only=True)
class ThreadPage:
    """The open conversation."""

    id: str
    name: str
    status: str
    #: Until when it is snoozed, for machines and in words.
    sleeps_until: str
    sleeps: str
    source: Source
    hands: Hands
    #: Whether the contact stopped what goes to many.
    unsubscribed: bool
    #: Who else is here, in a sentence; empty where nobody is.
    company: str
    tags: tuple[str, ...]
    #: Tags that conversations have, to choose from.
    known_tags: tuple[str, ...]
    bubbles: tuple[Bubble, ...]
    #: From which message on "Earlier messages" shows; 0 when all are shown.
    earlier: int
    composer: Composer
    side: Side


def thread_page(
    hub: Hub,
    db: Connection,
    conversation_id: str,
    *,
    since: int,
    person: Person,
    draft: Draft,
    there: Mapping[str, Doing],
    desk: Desk,
) -> ThreadPage | None:
    """Return a conversation from message ``since`` on, 0: the latest; None if there is none."""
    row = queries.conversation(db, conversation_id)
    if row is None:
        return None
    rows = ui_queries.messages(db, conversation_id, since=since, limit=MOST if since else PAGE)
    line = hub.directory.usable(db, row.channel_id)
    answer = deliver.sendable(hub, db, row.id, author=person.actor)
    return ThreadPage(
        id=row.id,
        name=row.contact_name or row.address,
        status=row.status,
        sleeps_until=words.exact(row.snoozed_until) if row.status == "snoozed" else "",
        sleeps=_sleeps(row),
        source=_source(hub, row, line),
        hands=_hands(db, row, person, desk),
        unsubscribed=not row.marketing,
        company=_company(there, desk.people, but=person.id),
        tags=tuple(row.tags or ()),
        known_tags=tuple(desk.tags),
        bubbles=bubbles_of(
            hub,
            db,
            conversation_id,
            rows,
            desk.people,
            person=person,
            ours=(line.hooks.sender(line.connection) if line else "") or "",
            shut=answer.reasons,
        ),
        earlier=_earlier(rows),
        composer=composer(
            line,
            answer,
            rows,
            person=person,
            draft=draft,
            now=hub.now(),
            gone="" if line else _unusable(hub, db, row),
        ),
        side=side_of(hub, db, row),
    )


def _source(hub: Hub, row: AnyRow, line: Line | None) -> Source:
    known = standing(hub, {}, [(row.channel_type, row.address)])
    return Source(
        address=said_as(hub, row.channel_type, row.address),
        proven=known.proven,
        channel=row.channel_name,
        channel_id=row.channel_id,
        channel_type=row.channel_type,
        trouble=words.trouble(row.channel_status, row.channel_reason) if line else "",
    )


def _hands(db: Connection, row: AnyRow, person: Person, desk: Desk) -> Hands:
    return Hands(
        owner=_owner(row, desk.people, desk.teams),
        bot_answers=row.owner.startswith("bot:"),
        mine=row.assignee_id == person.id,
        version=row.owner_version,
        colleagues=_colleagues(db, row),
        teams=tuple(
            Receiver(id=team_id, name=name, has_it=team_id == row.team_id)
            for team_id, name in desk.teams.items()
        ),
    )


def _earlier(rows: Sequence[AnyRow]) -> int:
    first = rows[0].seq if rows else 1
    return max(1, first - PAGE) if first > 1 and len(rows) < MOST else 0


def _owner(row: AnyRow, names: dict[str, str], teams: Mapping[str, str]) -> str:
    owner = words.owner(row.owner, names)
    if row.assignee_id and row.owner != f"user:{row.assignee_id}":
        # Nobody waits for a person any more where one has it.
        owner = "" if row.owner == "people" else owner
        owner = f"Assigned to {names.get(row.assignee_id, 'a colleague')}. {owner}".strip()
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
