"""Hand on what a call says to other channels: those whose provider calls all at one address."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection

from hubbub.directory import Line
from hubbub.hub import Hub
from hubbub.normalise import queries
from hubbub.sdk.values import Call, Event, ForAccount
from hubbub.store.states import CallState
from hubbub.store.types import new_id


def relatives(hub: Hub, db: Connection, line: Line, events: Sequence[Event]) -> Mapping[str, str]:
    """Return the channels that ``events`` are for, by account, as far as they may hear them."""
    wanted = {event.account for event in events if isinstance(event, ForAccount)}
    if not wanted:
        return {}
    found = queries.by_account(db, line.type, wanted)
    now = hub.now()
    ours = _families(line, now)
    others = hub.directory.all_usable(db, [row.id for row in found])
    heard = {one for one, other in others.items() if ours & _families(other, now)} - {line.id}
    return {row.account: row.id for row in found if row.id in heard}


def is_copy(line: Line, call: Call) -> bool:
    """Whether ``call`` came to another channel and was handed on: then it goes no further."""
    return not call.url.partition("?")[0].endswith(f"/webhooks/{line.webhook_key}")


def copy_for(channel_id: str, call: Call) -> dict[str, Any]:
    """Return the row that keeps ``call`` for another channel, whose proof it shares."""
    return {
        "id": new_id(),
        "channel_id": channel_id,
        "received_at": call.received_at,
        "method": call.method,
        "url": call.url,
        "headers": dict(call.headers),
        "body": call.body,
        "state": CallState.PENDING,
        "reason": "",
        "outcomes": [],
    }


def _families(line: Line, now: datetime) -> set[str]:
    """Return to whom a channel belongs: while its credentials are rotated, by either of them."""
    former = line.former
    before = former.connection if former is not None and now < former.until else line.connection
    found = {line.hooks.family(one) for one in (line.connection, before)}
    return {family for family in found if family is not None}
