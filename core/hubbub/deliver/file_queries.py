"""Ask for files that were sent to us, and write down what became of them."""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, select, text, update

from hubbub.store.tables import Call, MediaFile, Message, table
from hubbub.store.types import AnyRow

_calls = table(Call)
_media = table(MediaFile)
_messages = table(Message)


def call_of(db: Connection, media_id: str) -> AnyRow | None:
    """Return the call that brought a file, or None once it is deleted."""
    found = (
        select(_calls)
        .join(_messages, _messages.c.call_id == _calls.c.id)
        .join(_media, _media.c.message_id == _messages.c.id)
        .where(_media.c.id == media_id)
    )
    return db.execute(found).one_or_none()


def file(db: Connection, media_id: str) -> AnyRow | None:
    """Return a file's row, or None."""
    return db.execute(select(_media).where(_media.c.id == media_id)).one_or_none()


def due(db: Connection, *, now: datetime, limit: int, without: Collection[str]) -> Sequence[AnyRow]:
    """Return files whose fetching is due, but those of some channels, the longest due first."""
    wanted = (
        select(_media)
        .where(
            _media.c.state == text("'pending'"),
            _media.c.due_at <= now,
            _media.c.channel_id.not_in(without),
        )
        .order_by(_media.c.due_at)
        .limit(limit)
    )
    return db.execute(wanted).all()


def claim(db: Connection, media_id: str, *, now: datetime, until: datetime) -> bool:
    """Take a file for fetching; False if somebody else did. It is due again at ``until``."""
    taken = db.execute(
        update(_media)
        .where(_media.c.id == media_id, _media.c.state == "pending", _media.c.due_at <= now)
        .values(due_at=until, attempts=_media.c.attempts + 1)
    )
    return bool(taken.rowcount)


def write(db: Connection, media_id: str, **values: Any) -> bool:
    """Write what became of a file; False where nobody knows of it any more."""
    written = db.execute(update(_media).where(_media.c.id == media_id).values(values))
    return bool(written.rowcount)


def name(db: Connection, file: AnyRow, filename: str) -> None:
    """Let a message be found by what its file is called, which was not known when it came.

    Call it before `write`: who takes a message back holds it before its files.
    """
    this = _messages.c.id == file.message_id
    content = db.execute(select(_messages.c.content).where(this).with_for_update()).scalar() or {}
    known = content.get("media") or {}
    if known.get("id") == file.id:
        named = {**content, "media": {**known, "filename": filename}}
        db.execute(update(_messages).where(this).values(content=named))
