"""Ask rules that are not in force about the messages of the last days; nothing comes of it."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from hubbub.connect import queries
from hubbub.hub import Hub
from hubbub.people.errors import NotFound
from hubbub.route import Subject
from hubbub.route.rules import Decision, Destination, RouteSet, decide
from hubbub.route.work import routable
from hubbub.sdk.content import from_json, preview
from hubbub.store.session import reading
from hubbub.store.types import AnyRow

#: How far it looks back.
DAYS: Final = 7
#: Messages asked about at the most, how many are read at once, and how long all of it may take.
_MOST: Final = 2000
_BATCH: Final = 200
_LONGEST: Final = timedelta(seconds=5)


@dataclass(frozen=True, kw_only=True)
class Counted:
    """How many messages a rule takes; without an id it is the fallback."""

    route_id: str | None
    name: str
    destination: Destination
    count: int


@dataclass(frozen=True, kw_only=True)
class Moved:
    """A message that would go elsewhere than by the rules in force."""

    message_id: str
    at: datetime
    sender: str
    preview: str
    now: Decision
    then: Decision


@dataclass(frozen=True, kw_only=True)
class DryRun:
    """What came of asking."""

    since: datetime
    asked: int
    #: Whether there were more messages than were asked about.
    more: bool
    rules: tuple[Counted, ...]
    moved: tuple[Moved, ...]


def dry_run(hub: Hub, channel_id: str, current: RouteSet, wanted: RouteSet) -> DryRun:
    """Compare where ``current`` and ``wanted`` send what came in; the latest messages first."""
    began, counts, moved = hub.now(), Counter[str | None](), []
    since = began - timedelta(days=DAYS)
    asked, more = 0, False
    for row in _heard(hub, channel_id, since):
        if asked == _MOST or hub.now() - began > _LONGEST:
            more = True
            break
        subject = subject_of(row)
        if not routable(subject.content):
            continue
        asked += 1
        now, then = decide(current, subject), decide(wanted, subject)
        counts[then.route_id] += 1
        if now.destination != then.destination:
            moved.append(_moved(row, subject, now, then))
    rules = tuple(_counted(wanted, counts))
    return DryRun(since=since, asked=asked, more=more, rules=rules, moved=tuple(moved))


def find_heard(hub: Hub, channel_id: str, message_id: str) -> AnyRow:
    """Return a message that a contact wrote. Raises `NotFound`."""
    with reading(hub.engine) as db:
        row = queries.heard_one(db, channel_id, message_id)
    if row is None:
        raise NotFound("No contact wrote such a message to this channel.")
    return row


def subject_of(row: AnyRow) -> Subject:
    """Return what rules look at of a message that came in."""
    return Subject(
        content=from_json(row.content),
        address=row.sender_address,
        name=row.sender_name,
        first=bool(row.first),
        at=row.created_at,
    )


def _heard(hub: Hub, channel_id: str, since: datetime) -> Iterator[AnyRow]:
    before: str | None = None
    while True:
        with reading(hub.engine) as db:
            rows = queries.heard(db, channel_id, since=since, before=before, limit=_BATCH)
        yield from rows
        if len(rows) < _BATCH:
            return
        before = rows[-1].id


def _counted(wanted: RouteSet, counts: Counter[str | None]) -> Iterator[Counted]:
    for route in wanted.routes:
        yield Counted(
            route_id=route.id, name=route.name, destination=route.to, count=counts[route.id]
        )
    yield Counted(route_id=None, name="", destination=wanted.fallback, count=counts[None])


def _moved(row: AnyRow, subject: Subject, now: Decision, then: Decision) -> Moved:
    return Moved(
        message_id=row.id,
        at=row.created_at,
        sender=row.sender_name or row.sender_address,
        preview=preview(subject.content),
        now=now,
        then=then,
    )
