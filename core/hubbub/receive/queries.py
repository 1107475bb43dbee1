"""Ask for and store kept calls."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, and_, bindparam, insert, select, update
from sqlalchemy.exc import IntegrityError

from hubbub.store.prepared import Prepared
from hubbub.store.tables import Call, Channel, SourceCursor, table
from hubbub.store.types import AnyRow

_calls = table(Call)
_channels = table(Channel)
_cursors = table(SourceCursor)

_KEEP = Prepared(
    insert(_calls).values(
        {
            name: bindparam(name)
            for name in (
                "id",
                "channel_id",
                "received_at",
                "method",
                "url",
                "headers",
                "body",
                "state",
                "reason",
                "outcomes",
            )
        }
    )
)
_REOPEN = (
    update(_calls)
    .where(_calls.c.id == bindparam("call_id"))
    .values(
        state="pending",
        reason="",
        settled_at=None,
        url=bindparam("new_url"),
        headers=bindparam("new_headers"),
    )
)


def keep(db: Connection, rows: Sequence[Mapping[str, Any]]) -> None:
    """Store calls."""
    _KEEP.each(db, rows)


def note_handshake(db: Connection, channel_id: str, handshake: Mapping[str, str]) -> None:
    """Note the last handshake that somebody tried with a channel's webhook."""
    found = update(_channels).where(_channels.c.id == channel_id)
    db.execute(found.values(handshake=dict(handshake)))


def call(db: Connection, call_id: str) -> AnyRow | None:
    """Return a kept call, or None."""
    return db.execute(select(_calls).where(_calls.c.id == call_id)).one_or_none()


def reopen(db: Connection, call_id: str, *, url: str, headers: Mapping[str, str]) -> None:
    """Make a settled or quarantined call one that is still to be read."""
    db.execute(_REOPEN, {"call_id": call_id, "new_url": url, "new_headers": headers})


def calls_to_replay(
    db: Connection, *, channel_id: str, state: str, since: datetime | None, limit: int
) -> list[str]:
    """Return the ids of kept calls of a channel in ``state``, oldest first."""
    wanted = select(_calls.c.id).where(_calls.c.channel_id == channel_id, _calls.c.state == state)
    if since is not None:
        wanted = wanted.where(_calls.c.received_at >= since)
    return list(db.execute(wanted.order_by(_calls.c.id).limit(limit)).scalars())


def cursor(db: Connection, channel_id: str) -> str:
    """Return how far the source of a channel has read; empty at first."""
    found = select(_cursors.c.cursor).where(_cursors.c.channel_id == channel_id)
    return db.execute(found).scalar() or ""


def move_cursor(db: Connection, channel_id: str, cursor: str, *, was: str | None = None) -> bool:
    """Remember how far the source of a channel has read.

    With ``was``: only if that is what was remembered until now; False if it is not.
    """
    mine = _cursors.c.channel_id == channel_id
    known = mine if was is None else and_(mine, _cursors.c.cursor == was)
    if db.execute(update(_cursors).where(known).values(cursor=cursor)).rowcount:
        return True
    if was or db.execute(select(_cursors.c.channel_id).where(mine)).first():
        return False
    try:
        with db.begin_nested():
            db.execute(insert(_cursors), {"channel_id": channel_id, "cursor": cursor})
    except IntegrityError:  # somebody else began at the same moment
        return False
    return True
