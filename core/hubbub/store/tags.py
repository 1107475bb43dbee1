"""Count which tags conversations have, and find those that have one."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Final

from sqlalchemy import ColumnElement, Connection, Text, delete, func, literal, select

from hubbub.store.clean import folded, legible
from hubbub.store.tables import Conversation, UsedTag, table
from hubbub.store.types import Json
from hubbub.store.upsert import upsert

#: Tags that are suggested.
MOST: Final = 200
#: Tags of one conversation, and characters of a tag.
MOST_TAGS: Final = 50
LONGEST_TAG: Final = 60
_conversations = table(Conversation)
_tags = table(UsedTag)


def clean_tags(tags: Iterable[str]) -> list[str]:
    """Return ``tags`` as they are written, without empty ones, and once whatever the case."""
    kept: dict[str, str] = {}
    for tag in map(legible, tags):
        if tag:
            kept.setdefault(folded(tag), tag)
    return list(kept.values())


def with_tag(tags: Sequence[str], tag: str) -> list[str]:
    """Return ``tags`` and the one that a program gives, as far as people may give as many."""
    has = {folded(one) for one in tags}
    new = [one for one in clean_tags([tag[:LONGEST_TAG]]) if folded(one) not in has]
    return [*tags, *new] if len(tags) < MOST_TAGS else list(tags)


def count_tags(
    db: Connection, *, given: Iterable[str] = (), taken: Iterable[str] = (), now: datetime
) -> None:
    """Note which tags conversations were given, and which were taken off, once for each of them.

    A tag that no conversation has any more is forgotten.
    """
    changes = Counter(given)
    changes.subtract(taken)
    # In one order, in which everybody holds them.
    rows = [
        {"name": tag, "used_at": now, "carried": number}
        for tag, number in sorted(changes.items())
        if number
    ]
    upsert(db, _tags, rows, added={"carried"})
    if fewer := [tag for tag, number in changes.items() if number < 0]:
        db.execute(delete(_tags).where(_tags.c.name.in_(fewer), _tags.c.carried <= 0))


def as_known(db: Connection, tags: Iterable[str]) -> Mapping[str, str]:
    """Return how each tag is written by those who use it: "vip" as "VIP".

    One that is in use as it is stays so, however long ago it was used.
    """
    tags = set(tags)
    alike = {folded(one): one for one in used_tags(db)}
    known = set(db.execute(select(_tags.c.name).where(_tags.c.name.in_(tags))).scalars())
    return {tag: tag if tag in known else alike.get(folded(tag), tag) for tag in tags}


def used_tags(db: Connection) -> list[str]:
    """Return the tags of conversations, those used of late, in the order of the alphabet."""
    found = select(_tags.c.name).order_by(_tags.c.used_at.desc()).limit(MOST)
    return sorted(db.execute(found).scalars(), key=str.casefold)


def has_tag(db: Connection, tag: str) -> ColumnElement[bool]:
    """Return the condition that a conversation has ``tag``, as it is known."""
    tag = as_known(db, [tag])[tag]
    if db.dialect.name == "postgresql":
        return _conversations.c.tags.op("@>")(literal([tag], Json))
    values = func.json_each(_conversations.c.tags).table_valued("value").c.value
    return literal(tag, Text).in_(select(values).correlate(_conversations))
