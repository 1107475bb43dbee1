"""Know how far each person has read each conversation."""

from typing import Any, Final

from sqlalchemy import ColumnElement, Connection, and_, case, func, select, update

from hubbub.store.tables import Conversation, Mention, Reading, User, table
from hubbub.store.upsert import upsert

_conversations = table(Conversation)
_mentions = table(Mention)
_users = table(User)
#: Joined to conversations by `read_by`.
READINGS: Final = table(Reading)


def read_by(user_id: str) -> ColumnElement[bool]:
    """Return the condition that joins what ``user_id`` read of a conversation, if anything."""
    return and_(READINGS.c.conversation_id == _conversations.c.id, READINGS.c.user_id == user_id)


def unread_by(user_id: str) -> ColumnElement[int]:
    """Return how many messages of a conversation somebody has not read; joins `read_by`.

    Who never opened one that is older than they are here need not read all that was said in it:
    for them it counts what nobody has seen.
    """
    here_since = select(_users.c.created_at).where(_users.c.id == user_id).scalar_subquery()
    missed = _conversations.c.heard - READINGS.c.heard
    return case(
        (READINGS.c.marked, case((missed > 0, missed), else_=1)),
        (READINGS.c.heard.is_not(None), missed),
        (_conversations.c.created_at >= here_since, _conversations.c.heard),
        else_=_conversations.c.unread,
    )


def mark_read(db: Connection, conversation_id: str, user_id: str) -> None:
    """Note that somebody has read all of a conversation."""
    _mark(db, conversation_id, user_id, marked=False)


def mark_unread(db: Connection, conversation_id: str, user_id: str) -> None:
    """Let a conversation ask for somebody's attention again."""
    _mark(db, conversation_id, user_id, marked=True)


def is_read(db: Connection, conversation_id: str, user_id: str) -> bool:
    """Whether there is nothing that `mark_read` would note."""
    found = (
        select(READINGS.c.heard)
        .join(_conversations, read_by(user_id))
        .where(
            _conversations.c.id == conversation_id,
            READINGS.c.heard == _conversations.c.heard,
            READINGS.c.marked.is_(False),
        )
    )
    return db.execute(found).first() is not None


def see_mentions(db: Connection, conversation_id: str, user_id: str, *, now: Any) -> bool:
    """Note that somebody has read what speaks to them; say whether anything did."""
    seen = update(_mentions).where(
        _mentions.c.conversation_id == conversation_id,
        _mentions.c.user_id == user_id,
        _mentions.c.seen_at.is_(None),
    )
    return bool(db.execute(seen.values(seen_at=now)).rowcount)


def mentions_unseen(db: Connection, user_id: str) -> int:
    """Return in how many conversations there is a note to somebody that they have not read."""
    found = select(func.count(_mentions.c.conversation_id.distinct())).where(
        _mentions.c.user_id == user_id, _mentions.c.seen_at.is_(None)
    )
    return int(db.execute(found).scalar_one())


def _mark(db: Connection, conversation_id: str, user_id: str, *, marked: bool) -> None:
    heard = db.execute(
        select(_conversations.c.heard).where(_conversations.c.id == conversation_id)
    ).scalar()
    if heard is not None:
        row = {"user_id": user_id, "conversation_id": conversation_id}
        upsert(db, READINGS, [{**row, "heard": heard, "marked": marked}])
