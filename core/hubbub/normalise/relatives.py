"""Hand on what a call says to other channels: those whose provider calls all at one address."""

from collections.abc import Mapping, Sequence
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
    return {
        row.account: row.id for row in found if _related(line, hub.directory.usable(db, row.id))
    }


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


def _related(line: Line, other: Line | None) -> bool:
    if other is None or other.id == line.id:
        return False
    family = line.hooks.family(line.connection)
    return family is not None and family == other.hooks.family(other.connection)
