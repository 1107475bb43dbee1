"""Build what the pages of failures show: what failed, for which cause, and what is tried again."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy import Connection

from hubbub.hub import Hub
from hubbub.people.errors import NotFound
from hubbub.requeue import queries
from hubbub.requeue.work import KINDS, PACE, Failure, failures
from hubbub.sdk.content import from_json, preview
from hubbub.store.session import reading
from hubbub.store.types import AnyRow
from hubbub.ui import queries as ui_queries, words

#: What is listed under which heading, and what to know of it.
_HEADINGS: Final = {
    "failed": (
        "Messages that were not sent",
        "Mend the cause first: what is tried again may fail again, and is listed here then.",
    ),
    "unknown": (
        "Messages whose outcome is unknown",
        "They may have arrived: to try one again may send it twice, so each is settled by itself.",
    ),
    "dead": (
        "Calls that could not be read",
        "They are run again, by today's code. What already took effect does not happen twice.",
    ),
    "quarantined": (
        "Calls in quarantine",
        "Nothing proved that the provider sent them. Mend the secret, and run them again.",
    ),
}
#: How many in a minute can be chosen, and what that means.
PACES: Final = {10: "10 a minute", PACE: "60 a minute", 600: "600 a minute"}
_PAGE: Final = 50
_PAST: Final = 10
#: Characters of a cause that a list shows.
_CAUSE: Final = 300


@dataclass(frozen=True, kw_only=True)
class CauseRow:
    """What failed on a channel for one cause."""

    kind: str
    channel_id: str
    channel: str
    channel_type: str
    cause: str
    #: In words.
    title: str
    detail: str
    count: int
    first_at: str
    last_at: str
    last: str
    #: Whether all of it can be tried again at once, and whether that goes on already.
    again: bool
    running: bool
    #: Whether nothing can be sent to any of the contacts now, so that it would fail again.
    vain: bool


@dataclass(frozen=True, kw_only=True)
class CauseGroup:
    """Causes of one kind of failure."""

    kind: str
    title: str
    about: str
    rows: tuple[CauseRow, ...]


@dataclass(frozen=True, kw_only=True)
class RequeueRow:
    """What is or was tried again."""

    id: str
    channel: str
    what: str
    cause: str
    total: int
    done: int
    skipped: int
    #: Messages that were tried and failed again.
    failed_again: int
    #: What is still to come.
    left: int
    per_minute: int
    state: str
    at: str
    ago: str


@dataclass(frozen=True, kw_only=True)
class FailuresPage:
    """All that failed, and what is tried again."""

    groups: tuple[CauseGroup, ...]
    running: tuple[RequeueRow, ...]
    past: tuple[RequeueRow, ...]
    channels: tuple[tuple[str, str], ...]
    channel: str
    kind: str
    kinds: Mapping[str, str]
    paces: Mapping[int, str]
    silent: str
    problem: str


@dataclass(frozen=True, kw_only=True)
class Failed:
    """A message or a call that failed."""

    id: str
    conversation_id: str
    who: str
    text: str
    detail: str
    at: str
    ago: str


@dataclass(frozen=True, kw_only=True)
class CausePage:
    """What failed for one cause, the newest first."""

    row: CauseRow
    heading: str
    about: str
    calls: bool
    items: tuple[Failed, ...]
    before: str
    older: str
    paces: Mapping[int, str]


def failures_page(hub: Hub, *, channel: str, kind: str, problem: str = "") -> FailuresPage:
    """Return what failed: on one channel, and of one kind, if these are given."""
    now = hub.now()
    with reading(hub.engine) as db:
        found, tried = failures(db), queries.requeues(db)
        channels = ui_queries.channel_names(db)
        silent = ui_queries.silent_kinds(db, now)
        running = [row for row in tried if row.state == "running"]
        past = [row for row in tried if row.state != "running"][:_PAST]
        sends = [row.id for row in (*running, *past) if row.kind == "failed"]
        again = queries.failed_again(db, sends)
    busy = {(row.kind, row.channel_id, row.cause) for row in running}
    rows = [
        _cause(one, channels, now, busy)
        for one in found
        if channel in {"", one.channel_id} and kind in {"", one.kind}
    ]
    return FailuresPage(
        groups=tuple(_groups(rows)),
        running=tuple(_requeue(row, channels, now, again.get(row.id, 0)) for row in running),
        past=tuple(_requeue(row, channels, now, again.get(row.id, 0)) for row in past),
        channels=tuple(
            (one, channels[one].name)
            for one in sorted({one.channel_id for one in found} & channels.keys())
        ),
        channel=channel,
        kind=kind,
        kinds={name: title for name, (title, _) in _HEADINGS.items()},
        paces=PACES,
        silent="scheduler" if "scheduler" in silent else "",
        problem=problem,
    )


def cause_page(hub: Hub, *, kind: str, channel_id: str, cause: str, before: str) -> CausePage:
    """Return what failed for one cause. Raises `NotFound`."""
    now = hub.now()
    if kind not in _HEADINGS:
        raise NotFound("There is no such kind of failure.")
    with reading(hub.engine) as db:
        wanted = (kind, channel_id, cause)
        row = next((o for o in failures(db) if (o.kind, o.channel_id, o.cause) == wanted), None)
        if row is None:
            raise NotFound("Nothing fails for this cause any more.")
        ids = queries.failed_page(
            db, kind, channel_id=channel_id, cause=cause, before=before, limit=_PAGE + 1
        )
        shown = ids[:_PAGE]
        calls = kind not in {"failed", "unknown"}
        items = _calls(db, shown, now) if calls else _messages(db, shown, now)
        channels = ui_queries.channel_names(db)
        busy = {
            (one.kind, one.channel_id, one.cause)
            for one in queries.requeues(db)
            if one.state == "running"
        }
    heading, about = _HEADINGS[kind]
    return CausePage(
        row=_cause(row, channels, now, busy),
        heading=heading,
        about=about,
        calls=calls,
        items=items,
        before=before,
        older=shown[-1] if len(ids) > _PAGE else "",
        paces=PACES,
    )


def _groups(rows: Sequence[CauseRow]) -> list[CauseGroup]:
    found = []
    for kind, (title, about) in _HEADINGS.items():
        mine = tuple(row for row in rows if row.kind == kind)
        if mine:
            found.append(CauseGroup(kind=kind, title=title, about=about, rows=mine))
    return found


def _cause(
    one: Failure,
    channels: Mapping[str, AnyRow],
    now: datetime,
    busy: set[tuple[str, str, str]],
) -> CauseRow:
    channel = channels.get(one.channel_id)
    coded = one.kind in {"failed", "unknown"}
    title = one.cause.replace("_", " ").replace("-", " ").capitalize() if coded else one.cause
    return CauseRow(
        kind=one.kind,
        channel_id=one.channel_id,
        channel=channel.name if channel else words.NO_CHANNEL,
        channel_type=channel.type if channel else "",
        cause=one.cause,
        title=title[:_CAUSE] or "No reason is known",
        detail=one.detail[:_CAUSE] if coded else "",
        count=one.count,
        first_at=words.exact(one.first_at),
        last_at=words.exact(one.last_at),
        last=words.ago(one.last_at, now),
        again=one.kind in KINDS and channel is not None,
        running=(one.kind, one.channel_id, one.cause) in busy,
        vain=coded and not one.reachable,
    )


def _requeue(
    row: AnyRow, channels: Mapping[str, AnyRow], now: datetime, failed_again: int
) -> RequeueRow:
    channel = channels.get(row.channel_id)
    return RequeueRow(
        id=row.id,
        channel=channel.name if channel else words.NO_CHANNEL,
        what="messages" if row.kind == "failed" else "calls",
        cause=row.cause[:_CAUSE],
        total=row.total,
        done=row.done,
        skipped=row.skipped,
        failed_again=failed_again,
        left=max(0, row.total - row.done - row.skipped),
        per_minute=row.per_minute,
        state=row.state,
        at=words.exact(row.created_at),
        ago=words.ago(row.created_at, now),
    )


def _messages(db: Connection, ids: Sequence[str], now: datetime) -> tuple[Failed, ...]:
    rows: dict[str, Any] = {row.id: row for row in ui_queries.failed_messages(db, ids)}
    return tuple(
        Failed(
            id=row.id,
            conversation_id=row.conversation_id,
            who=row.contact_name or row.address,
            text=preview(from_json(row.content)),
            detail=(row.error or {}).get("detail", ""),
            at=words.exact(row.created_at),
            ago=words.ago(row.created_at, now),
        )
        for row in (rows[one] for one in ids if one in rows)
    )


def _calls(db: Connection, ids: Sequence[str], now: datetime) -> tuple[Failed, ...]:
    return tuple(
        Failed(
            id=row.id,
            conversation_id="",
            who=row.method,
            text="",
            detail=row.reason,
            at=words.exact(row.received_at),
            ago=words.ago(row.received_at, now),
        )
        for row in ui_queries.calls_by_ids(db, ids)
    )
