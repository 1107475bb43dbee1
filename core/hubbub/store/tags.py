"""Remember which tags conversations are given, and find those that have one."""

from collections.abc import Iterable
from datetime import datetime
from typing import Final

from sqlalchemy import ColumnElement, Connection, Text, func, literal, select

from hubbub.store.tables import Conversation, UsedTag, table
from hubbub.store.types import Json
from hubbub.store.upsert import upsert

#: Tags that are suggested, and remembered in one go.
MOST: Final = 200
_conversations = table(Conversation)
_tags = table(UsedTag)


def clean_tags(tags: Iterable[str]) -> list[str]:
    """Return ``tags`` without blanks around them, empty ones, and doubles."""
    return list(dict.fromkeys(tag for tag in map(str.strip, tags) if tag))


def remember_tags(db: Connection, tags: Iterable[str], *, now: datetime) -> None:
    """Note that conversations were given ``tags``."""
    # In one order, in which everybody holds them.
    upsert(db, _tags, [{"name": tag, "used_at": now} for tag in sorted(set(tags))])


def used_tags(db: Connection) -> list[str]:
    """Return the tags that were given of late, in the order of the alphabet."""
    found = select(_tags.c.name).order_by(_tags.c.used_at.desc()).limit(MOST)
    return sorted(db.execute(found).scalars(), key=str.casefold)


def has_tag(db: Connection, tag: str) -> ColumnElement[bool]:
    """Return the condition that a conversation has ``tag``."""
    if db.dialect.name == "postgresql":
        return _conversations.c.tags.op("@>")(literal([tag], Json))
    values = func.json_each(_conversations.c.tags).table_valued("value").c.value
    return literal(tag, Text).in_(select(values).correlate(_conversations))
