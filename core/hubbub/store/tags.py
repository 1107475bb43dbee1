"""Remember which tags conversations are given, and find those that have one."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Final

from sqlalchemy import ColumnElement, Connection, Text, func, literal, select

from hubbub.store.clean import legible
from hubbub.store.tables import Conversation, UsedTag, table
from hubbub.store.types import Json
from hubbub.store.upsert import upsert

#: Tags that are suggested, and remembered in one go.
MOST: Final = 200
#: Tags of one conversation, and characters of a tag.
MOST_TAGS: Final = 50
LONGEST_TAG: Final = 60
_conversations = table(Conversation)
_tags = table(UsedTag)


def clean_tags(tags: Iterable[str]) -> list[str]:
    """Return ``tags`` as they are written, without empty ones and doubles."""
    return list(dict.fromkeys(tag for tag in map(legible, tags) if tag))


def with_tag(tags: Sequence[str], tag: str) -> list[str]:
    """Return ``tags`` and the one that a program gives, as far as people may give as many."""
    both = clean_tags([*tags, tag[:LONGEST_TAG]])
    return both if len(both) <= MOST_TAGS else list(tags)


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
