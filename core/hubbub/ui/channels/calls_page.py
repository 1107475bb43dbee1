"""Build what the pages of calls show."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import zip_longest
from typing import Any, Final

from sqlalchemy import Connection

from hubbub.api.events import rehearsal, whole_event
from hubbub.api.shapes import OutcomeJson
from hubbub.connect.work import find_channel
from hubbub.hub import Hub
from hubbub.sdk.content import from_json, preview
from hubbub.sdk.mailbox import LETTER
from hubbub.store.session import reading
from hubbub.store.states import CallState
from hubbub.store.types import AnyRow
from hubbub.ui import queries, words

_PAGE: Final = 50
#: Characters of a body that a page shows; all of it can be downloaded.
_SHOWN: Final = 20_000
#: What became of an event that was told of before, by this call or another one.
_AGAIN: Final = {"outcome": "took effect before", "reason": "nothing more was done"}
#: What became of an event that had no effect, and why not is worth telling.
_TELLING: Final = frozenset({"ignored", "dead"})


@dataclass(frozen=True, kw_only=True)
class CallRow:
    """One kept call."""

    id: str
    at: str
    ago: str
    method: str
    state: str
    reason: str
    letter: bool
    #: Who said what in it; empty where it brought no message.
    told: str


@dataclass(frozen=True, kw_only=True)
class CallsPage:
    """Some calls of a channel, the newest first."""

    channel_id: str
    name: str
    #: Those that can be asked for alone, and which of them is; empty: all are shown.
    states: tuple[str, ...]
    state: str
    rows: tuple[CallRow, ...]
    #: From which call on there are older ones; empty where there are none.
    older: str


@dataclass(frozen=True, kw_only=True)
class CallPage:
    """One kept call, with all of it but secrets."""

    id: str
    channel_id: str
    at: str
    method: str
    url: str
    state: str
    reason: str
    letter: bool
    headers: Mapping[str, str]
    body: str
    #: Why the body is not shown, or not all of it; empty where it is.
    missing: str
    #: What became of each event in it.
    outcomes: tuple[Mapping[str, Any], ...]


@dataclass(frozen=True, kw_only=True)
class Change:
    """What became of one event, and what would become of it now."""

    kind: str
    key: str
    before: str
    now: str
    changed: bool
    message_id: str


@dataclass(frozen=True, kw_only=True)
class Rehearsed:
    """A message that running a call again would bring."""

    inbound: bool
    text: str
    #: Where it would go; empty: nowhere.
    place: str


@dataclass(frozen=True, kw_only=True)
class RehearsalPage:
    """What running a call again would do."""

    id: str
    #: Why it would not be taken for authentic; empty where it would.
    refused: str
    changes: tuple[Change, ...]
    messages: tuple[Rehearsed, ...]
    #: Whether anything would be otherwise.
    differs: bool


def last_calls(db: Connection, channel_id: str, now: datetime, *, most: int) -> tuple[CallRow, ...]:
    """Return the last calls of a channel."""
    rows = queries.calls(db, channel_id, state="", before="", limit=most)
    return _shown(db, rows, now)


def calls_page(hub: Hub, channel_id: str, *, state: str, before: str) -> CallsPage:
    """Return calls of a channel that came before the call ``before``. Raises `NotFound`."""
    channel = find_channel(hub, channel_id)
    states = tuple(CallState)
    wanted = state if state in states else ""
    with reading(hub.engine) as db:
        rows = queries.calls(db, channel_id, state=wanted, before=before, limit=_PAGE + 1)
        shown = _shown(db, rows[:_PAGE], hub.now())
    return CallsPage(
        channel_id=channel_id,
        name=channel.name,
        states=states,
        state=wanted,
        rows=shown,
        older=shown[-1].id if len(rows) > _PAGE else "",
    )


def call_page(hub: Hub, call_id: str) -> CallPage:
    """Return one call. Raises `NotFound`."""
    call = whole_event(hub, call_id)
    outcomes = [
        {
            **one.model_dump(),
            "kind": words.event(one.kind or ""),
            **(_AGAIN if _is_plain_duplicate(one) else {}),
        }
        for one in call.outcomes
    ]
    return CallPage(
        id=call.id,
        channel_id=call.channel_id,
        at=words.exact(call.received_at),
        method=call.method,
        url=call.url,
        state=call.state,
        reason=call.reason,
        letter=call.method == LETTER,
        headers=call.headers,
        body=call.body[:_SHOWN] if call.body_encoding == "text" else "",
        missing=_missing(call.body_encoding, len(call.body)),
        outcomes=tuple(outcomes),
    )


def rehearsal_page(hub: Hub, call_id: str) -> RehearsalPage:
    """Return what running a call again would do. Raises `NotFound` and `NotReleasable`."""
    found = rehearsal(hub, call_id)
    pairs = zip_longest(found.before, found.after)
    changes = tuple(_change(before, now) for before, now in pairs)
    return RehearsalPage(
        id=call_id,
        refused=found.refused,
        changes=changes,
        messages=tuple(
            Rehearsed(
                inbound=one.direction == "inbound",
                text=preview(from_json(one.content)),
                place=one.destination or "",
            )
            for one in found.messages
        ),
        differs=bool(found.messages) or any(one.changed for one in changes),
    )


def _change(before: OutcomeJson | None, now: OutcomeJson | None) -> Change:
    """Put what became of an event beside what would: both come in the order of the call."""
    either = now or before
    was, is_ = _outcome(before), _outcome(now)
    took_effect = before is not None and before.outcome in {"applied", "duplicate"}
    same = took_effect and now is not None and _is_plain_duplicate(now)
    return Change(
        kind=words.event((either.kind if either else "") or ""),
        key=(either.key if either else "") or "",
        before=was,
        now="Already took effect: nothing more" if same else is_,
        changed=not same and was != is_,
        message_id=(either.message_id if either else "") or "",
    )


def _is_plain_duplicate(one: OutcomeJson) -> bool:
    return one.outcome == "duplicate" and not one.reason


def _outcome(one: OutcomeJson | None) -> str:
    if one is None:
        return "No such event"
    return f"{one.outcome.capitalize()}{f': {one.reason}' if one.reason else ''}"


def _missing(encoding: str, length: int) -> str:
    if encoding == "withheld":
        return "The body is withheld: the secrets to take out of it are no longer known."
    if encoding != "text":
        return "The body is no text."
    return "The rest is in the download." if length > _SHOWN else ""


def _shown(db: Connection, rows: Sequence[AnyRow], now: datetime) -> tuple[CallRow, ...]:
    said = queries.said(db, {message_id for row in rows for message_id in _brought(row)})
    return tuple(_row(row, said, now) for row in rows)


def _brought(row: AnyRow) -> tuple[str, ...]:
    """Return the messages that a call became."""
    return tuple(filter(None, (one.get("message_id") for one in row.outcomes or ())))


def _told(row: AnyRow, said: Mapping[str, AnyRow]) -> str:
    found = [said[one] for one in _brought(row) if one in said]
    lines = [
        f"{one.sender_name or one.sender_address}: {preview(from_json(one.content), limit=80)}"
        for one in found[:1]
    ]
    return " ".join([*lines, *([f"(and {len(found) - 1} more)"] if len(found) > 1 else [])])


def _row(row: AnyRow, said: Mapping[str, AnyRow], now: datetime) -> CallRow:
    return CallRow(
        id=row.id,
        at=words.exact(row.received_at),
        ago=words.ago(row.received_at, now),
        method=row.method,
        state=row.state,
        reason=row.reason or _why(row.outcomes or ()),
        letter=row.method == LETTER,
        told=_told(row, said),
    )


def _why(outcomes: Sequence[Mapping[str, Any]]) -> str:
    told = (
        f"{one['outcome'].capitalize()}: {one['reason']}"
        for one in outcomes
        if one["outcome"] in _TELLING and one.get("reason")
    )
    return next(told, "")
