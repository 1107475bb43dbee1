"""Find conversations and contacts by words: of messages, notes, names and addresses.

Each word that is looked for is the beginning of one that is found; all of them, in any order, stand
in one message, one note, one name or one address. Phone numbers are found however they are written,
by their beginning or their end.

On PostgreSQL an index says where words are (`INDEXES`), as long as these are few places. Words that
are everywhere are met soon by who looks through the latest conversations, and SQLite has no other
way; how far that goes has an end, in conversations, in messages of each and in messages of all.
"""

from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from itertools import accumulate, islice
from typing import Any, Final, NamedTuple

from sqlalchemy import (
    ColumnElement,
    Connection,
    Select,
    String,
    Table,
    and_,
    any_,
    event,
    false,
    func,
    literal_column,
    or_,
    select,
    text,
)

from hubbub.store.tables import Address, Contact, Conversation, Message, Note, metadata, table
from hubbub.store.types import AnyRow
from hubbub.store.words import BETWEEN, Wanted, wanted_by

_addresses = table(Address)
_contacts = table(Contact)
_conversations = table(Conversation)
_messages = table(Message)
_notes = table(Note)

#: Conversations in which the index finds words, and messages; more are no help.
#: Each hit is on a page of its own, and to fetch that takes longer than all else.
_FEW: Final = 4000
_HITS: Final = 5000
#: Words are frequent that are in so many of so many messages.
_OFTEN: Final = 8
_SAMPLE: Final = 2000
#: The latest conversations that are looked through, the latest messages of each, and how many
#: messages that may be: who has a few conversations without end waits no longer for it.
_LATEST: Final = {"postgresql": 1000, "sqlite": 5000}
_DEEP: Final = {"postgresql": 200, "sqlite": 1000}
_LOOKED_AT: Final = {"postgresql": 10_000, "sqlite": 50_000}

#: Characters of a message that are looked at.
LONGEST: Final = 100_000


def _in_messages(files: str) -> str:
    """Return what is looked at of messages; ``files`` says the names of a letter's files."""
    return (
        "substr("
        "coalesce(messages.content ->> 'text', '') || ' ' || "
        "coalesce(messages.content ->> 'caption', '') || ' ' || "
        "coalesce(messages.content ->> 'subject', '') || ' ' || "
        "coalesce(messages.content ->> 'title', '') || ' ' || "
        "coalesce(messages.content ->> 'fields', '') || ' ' || "
        "coalesce(messages.content -> 'media' ->> 'filename', '') || ' ' || "
        f"coalesce({files}, ''), 1, {LONGEST})"
    )


#: What is looked at of each table. PostgreSQL's index refuses what has a megabyte of words.
_SAID: Final = {
    "messages": _in_messages(
        "CAST(jsonb_path_query_array(messages.content, '$.attachments[*].filename') AS text)"
    ),
    "notes": f"substr(notes.text, 1, {LONGEST})",
    "contacts": "coalesce(contacts.name, '')",
    "addresses": "coalesce(addresses.name, '') || ' ' || addresses.address",
}
_SAID_IN_SQLITE: Final = {
    **_SAID,
    "messages": _in_messages(
        "(SELECT group_concat(json_extract(value, '$.filename'), ' ') "
        "FROM json_each(messages.content, '$.attachments'))"
    ),
}
_VECTOR: Final = {
    name: f"to_tsvector('simple', translate({said}, $${BETWEEN}$$, $${' ' * len(BETWEEN)}$$))"
    for name, said in _SAID.items()
}
_BACKWARDS: Final = "reverse(addresses.address)"
#: What PostgreSQL needs beside what the tables say: indexes by name, and how each is made.
INDEXES: Final = {
    **{
        f"ix_{name}_words": f"CREATE INDEX IF NOT EXISTS ix_{name}_words "
        f"ON {name} USING gin ({vector})"
        for name, vector in _VECTOR.items()
    },
    "ix_addresses_backwards": "CREATE INDEX IF NOT EXISTS ix_addresses_backwards ON addresses "
    f"({_BACKWARDS} text_pattern_ops)",
}


@event.listens_for(metadata, "after_create")
def make_indexes(_tables: object, db: Connection, **_: Any) -> None:
    """Make the indexes over words where they are missing, which only PostgreSQL has."""
    if db.dialect.name == "postgresql":
        for statement in INDEXES.values():
            db.execute(text(statement))


class Latest(NamedTuple):
    """How many of the latest conversations, and messages of each, were looked through."""

    conversations: int
    messages: int


@dataclass(frozen=True, kw_only=True)
class Sought:
    """Which conversations somebody looks for."""

    condition: ColumnElement[bool]
    wanted: Wanted | None = None
    #: The last message that has the words, by conversation; None: nobody knows it yet.
    hits: Mapping[str, str] | None = None
    #: How far was looked; None: everywhere.
    latest: Latest | None = None


def conversations(db: Connection, q: str) -> Sought:
    """Return which conversations have the words of ``q``; without any word, none has."""
    wanted = wanted_by(q)
    if wanted is None:
        return Sought(condition=false())
    if db.dialect.name == "postgresql" and (places := _places(db, wanted)) is not None:
        return places
    return _among_the_latest(db, wanted)


def contacts(db: Connection, q: str) -> ColumnElement[bool]:
    """Return the condition that a contact or an address of it has the words of ``q``."""
    wanted = wanted_by(q)
    if wanted is None:
        return false()
    if db.dialect.name == "postgresql":
        with _by_index(db):
            ids = _contact_ids(db, wanted)
        if len(ids) <= _FEW:
            return _one_of(_contacts.c.id, ids)
    reached = _reached(db, wanted, _contacts.c.id)
    return _read(db, wanted, "contacts") | _any(reached, of=_contacts)


def passages(db: Connection, sought: Sought, ids: Collection[str]) -> dict[str, AnyRow]:
    """Return the last message that has the words, of each of these conversations that has one."""
    if sought.wanted is None or not ids:
        return {}
    if sought.hits is None:
        message_ids = _last_with(db, sought.wanted, ids)
    else:
        message_ids = {sought.hits[one] for one in ids if one in sought.hits}
    columns = (_messages.c[name] for name in ("id", "conversation_id", "seq", "content"))
    found = select(*columns).where(_messages.c.id.in_(message_ids))
    return {row.conversation_id: row for row in db.execute(found)}


# --- how a database is asked ----------------------------------------------------------------


def _says(db: Connection, wanted: Wanted, name: str) -> ColumnElement[bool]:
    """Return the condition that a row of a table has the words, for an index to find them."""
    if db.dialect.name == "postgresql":
        asked = " & ".join(f"'{word}':*" for word in wanted.words)
        if wanted.number:
            asked = f"({asked}) | '{wanted.number}':*"
        query = func.to_tsquery(literal_column("'simple'"), asked)
        return literal_column(_VECTOR[name]).op("@@", is_comparison=True)(query)
    asked = " ".join(wanted.words)
    has: ColumnElement[Any] = func.has_words(
        literal_column(_SAID_IN_SQLITE[name]), asked, wanted.number
    )
    return has == 1


def _ends(db: Connection, wanted: Wanted) -> ColumnElement[bool]:
    """Return the condition that an address ends with the number, if it is one."""
    if not wanted.number:
        return false()
    if db.dialect.name == "postgresql":
        return literal_column(_BACKWARDS, String).startswith(wanted.number[::-1])
    return _addresses.c.address.endswith(wanted.number)


def _has(db: Connection, wanted: Wanted) -> ColumnElement[bool]:
    """Return the condition that a conversation has the words."""
    named = select(_contacts.c.id).where(
        _contacts.c.id == _conversations.c.contact_id, _read(db, wanted, "contacts")
    )
    noted = select(_notes.c.id).where(
        _notes.c.conversation_id == _conversations.c.id, _read(db, wanted, "notes")
    )
    reached = _reached(db, wanted, _conversations.c.contact_id)
    everywhere = (_said_lately(db, wanted), noted, named, reached)
    return or_(*(_any(found, of=_conversations) for found in everywhere))


def _said_lately(db: Connection, wanted: Wanted) -> Select[Any]:
    """Return those of the latest messages of a conversation that have the words."""
    return select(_messages.c.id).where(
        _messages.c.conversation_id == _conversations.c.id,
        _messages.c.seq > _conversations.c.last_seq - _DEEP[db.dialect.name],
        _read(db, wanted, "messages"),
    )


def _read(db: Connection, wanted: Wanted, name: str) -> ColumnElement[bool]:
    """Return the same as `_says`, for rows that are read one by one."""
    if db.dialect.name != "postgresql":
        return _says(db, wanted, name)
    # To part a text into words costs ten times as much as to see that these are not in there.
    said = func.lower(literal_column(_SAID[name]))

    def contains(word: str) -> ColumnElement[bool]:
        return func.strpos(said, func.lower(word)) > 0

    anywhere = and_(*(contains(word) for word in wanted.words))
    if wanted.number:
        anywhere = or_(anywhere, contains(wanted.number))
    return anywhere & _says(db, wanted, name)


def _last_with(db: Connection, wanted: Wanted, ids: Collection[str]) -> set[str]:
    """Return the ids of the last messages with the words, as far as conversations are read."""
    last = _said_lately(db, wanted).order_by(_messages.c.seq.desc()).limit(1)
    found = select(last.correlate(_conversations).scalar_subquery())
    return {*db.execute(found.where(_conversations.c.id.in_(ids))).scalars()} - {None}


def _reached(db: Connection, wanted: Wanted, contact_id: ColumnElement[Any]) -> Select[Any]:
    """Return the addresses of a contact that have the words."""
    return select(_addresses.c.id).where(
        _addresses.c.contact_id == contact_id,
        _read(db, wanted, "addresses") | _ends(db, wanted),
    )


def _any(found: Select[Any], *, of: Table) -> ColumnElement[bool]:
    # With EXISTS, PostgreSQL may first collect what is found for all rows of ``of``.
    return found.correlate(of).limit(1).scalar_subquery().is_not(None)


# --- by looking -----------------------------------------------------------------------------


class _Reach(NamedTuple):
    """How far is looked: through so many conversations, those with a message after ``edge``."""

    conversations: int
    edge: datetime | None
    #: Whether that is all there is.
    whole: bool


def _among_the_latest(db: Connection, wanted: Wanted) -> Sought:
    reach, condition = _reach(db), _has(db, wanted)
    if reach.whole:
        return Sought(condition=condition, wanted=wanted)
    if reach.edge is not None:
        condition = (_conversations.c.last_message_at > reach.edge) & condition
    latest = Latest(reach.conversations, _DEEP[db.dialect.name])
    return Sought(condition=condition, wanted=wanted, latest=latest)


def _reach(db: Connection) -> _Reach:
    latest, deep, most = (at[db.dialect.name] for at in (_LATEST, _DEEP, _LOOKED_AT))
    at, seq = _conversations.c.last_message_at, _conversations.c.last_seq
    lengths = db.execute(select(seq).order_by(at.desc()).limit(latest + 1)).scalars().all()
    sums = accumulate(min(length, deep) for length in lengths)
    # One at least.
    count = max(1, sum(looked <= most for looked in islice(sums, latest)))
    if count >= len(lengths):
        return _Reach(len(lengths), None, whole=all(length <= deep for length in lengths))
    edge = db.execute(select(at).order_by(at.desc()).offset(count).limit(1)).scalar()
    return _Reach(count, edge, whole=False)


# --- by the indexes of PostgreSQL -----------------------------------------------------------


def _places(db: Connection, wanted: Wanted) -> Sought | None:
    """Return in which conversations the words are; None where they are in too many."""
    if _is_frequent(db, wanted):
        return None
    with _by_index(db):
        contact_ids = _contact_ids(db, wanted)
        hits = _hits(db, wanted)
        if hits is None or len(contact_ids) > _FEW:
            return None
        ids = {
            *hits,
            *_ids(db, _notes.c.conversation_id, _says(db, wanted, "notes")),
            *_ids(db, _conversations.c.id, _one_of(_conversations.c.contact_id, contact_ids)),
        }
    if len(ids) > _FEW:
        return None
    return Sought(condition=_one_of(_conversations.c.id, ids), wanted=wanted, hits=hits)


def _hits(db: Connection, wanted: Wanted) -> dict[str, str] | None:
    """Return the last message with the words of each conversation; None where there are many."""
    said = select(_messages.c.id, _messages.c.conversation_id)
    hit = said.where(_says(db, wanted, "messages")).limit(_HITS + 1).subquery()
    columns = (hit.c.conversation_id, func.max(hit.c.id).label("id"), func.count().label("hits"))
    last = select(*columns).group_by(hit.c.conversation_id).limit(_FEW + 1).subquery()
    hits = func.coalesce(func.sum(last.c.hits), 0)
    found = select(hits, _all_of(last.c.conversation_id), _all_of(last.c.id))
    count, conversation_ids, message_ids = db.execute(found).one()
    by_conversation = dict(zip(_parted(conversation_ids), _parted(message_ids), strict=True))
    return by_conversation if count <= _HITS and len(by_conversation) <= _FEW else None


def _is_frequent(db: Connection, wanted: Wanted) -> bool:
    """Whether many of the last messages have the words: then the index takes long to name them."""
    last = select(_messages).order_by(_messages.c.id.desc()).limit(_SAMPLE).subquery("messages")
    found = select(func.count()).select_from(last).where(_read(db, wanted, "messages"))
    return db.execute(found).scalar_one() >= _OFTEN


def _contact_ids(db: Connection, wanted: Wanted) -> set[str]:
    return {
        *_ids(db, _contacts.c.id, _says(db, wanted, "contacts")),
        *_ids(db, _addresses.c.contact_id, _says(db, wanted, "addresses")),
        *_ids(db, _addresses.c.contact_id, _ends(db, wanted)),
    }


def _ids(db: Connection, column: ColumnElement[str], condition: ColumnElement[bool]) -> list[str]:
    few = select(column.label("id")).where(condition).limit(_FEW + 1).subquery()
    return _parted(db.execute(select(_all_of(few.c.id))).scalar_one())


def _all_of(ids: ColumnElement[str]) -> ColumnElement[str | None]:
    # One text: as rows and as parameters, thousands of ids take longer to read than to find.
    return func.string_agg(ids, ",")


def _parted(ids: str | None) -> list[str]:
    return ids.split(",") if ids else []


def _one_of(column: ColumnElement[str], ids: Collection[str]) -> ColumnElement[bool]:
    return column == any_(func.string_to_array(",".join(ids), ","))


@contextmanager
def _by_index(db: Connection) -> Iterator[None]:
    """Let PostgreSQL collect rows from indexes, which is the only way of those over words.

    Alone: to call others to help takes longer than it does to find enough.
    """
    db.execute(text("SET LOCAL enable_bitmapscan = on"))
    db.execute(text("SET LOCAL max_parallel_workers_per_gather = 0"))
    yield
    db.execute(text("SET LOCAL enable_bitmapscan = off"))
