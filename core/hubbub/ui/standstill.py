"""Say which processes are missed, since something stands still without them."""

from datetime import datetime

from sqlalchemy import Connection

from hubbub.directory import fetched
from hubbub.hub import Hub
from hubbub.ui import queries


def missed(hub: Hub, db: Connection, now: datetime) -> tuple[str, ...]:
    """Return the kinds of process that do not run; a listener only where a channel needs one."""
    silent = queries.silent_kinds(db, now)
    return tuple(kind for kind in silent if kind != "listener" or fetched(hub, db))
