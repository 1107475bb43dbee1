"""Ask for what pages of channels, for operators, and of several rooms show, and no more."""

from collections.abc import Collection, Sequence
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import Connection, Select, func, select

from hubbub.store.names import CONTACT_NAME, named_messages
from hubbub.store.tables import (
    Address,
    Call,
    Channel,
    Contact,
    Conversation,
    Message,
    Process,
    Template,
    User,
    table,
)
from hubbub.store.types import AnyRow

_calls = table(Call)
_channels = table(Channel)
_conversations = table(Conversation)
_contacts = table(Contact)
_addresses = table(Address)
_messages = table(Message)
_users = table(User)
_templates = table(Template)
_processes = table(Process)

#: The latest of a channel that are looked at for one of a sort.
_LOOKED_AT: Final = 1000
#: A process that was not seen for this long does not run.
_SILENT: Final = timedelta(seconds=30)


def messages(db: Connection, conversation_id: str, *, since: int, limit: int) -> list[AnyRow]:
    """Return the last messages of a conversation from number ``since`` on, oldest first."""
    found = named_messages().where(
        _messages.c.conversation_id == conversation_id, _messages.c.seq >= since
    )
    rows = db.execute(found.order_by(_messages.c.seq.desc()).limit(limit)).all()
    return list(reversed(rows))


def names(db: Connection) -> dict[str, str]:
    """Return the names of the people who work here."""
    rows = db.execute(select(_users.c.id, _users.c.name, _users.c.email))
    return {row.id: row.name or row.email for row in rows}


def heard(db: Connection, channel_id: str) -> bool:
    """Whether somebody outside wrote through a channel, as its latest conversations tell."""
    latest = _latest(channel_id, _conversations.c.last_inbound_at).limit(_LOOKED_AT).subquery()
    found = select(latest.c.last_inbound_at).where(latest.c.last_inbound_at.is_not(None))
    return db.execute(found.limit(1)).first() is not None


def latest_conversation(db: Connection, channel_id: str) -> str | None:
    """Return the conversation of a channel in which something was said last, or None."""
    return db.execute(_latest(channel_id, _conversations.c.id).limit(1)).scalar_one_or_none()


def _latest(channel_id: str, *columns: Any) -> Select[Any]:
    ours = select(*columns).where(_conversations.c.channel_id == channel_id)
    return ours.order_by(_conversations.c.last_message_at.desc(), _conversations.c.id.desc())


def failed_on_channel(db: Connection, channel_id: str, *, limit: int) -> Sequence[AnyRow]:
    """Return the last messages of a channel that were not sent, as its latest ones tell."""
    columns = ("id", "created_at", "content", "status", "error", "conversation_id")
    latest = (
        select(*(_messages.c[name] for name in columns))
        .where(_messages.c.channel_id == channel_id)
        .order_by(_messages.c.id.desc())
        .limit(_LOOKED_AT)
        .subquery()
    )
    found = select(latest).where(latest.c.status.in_(("failed", "unknown")))
    return db.execute(found.order_by(latest.c.id.desc()).limit(limit)).all()


def templates_of(db: Connection, channel_id: str, *, limit: int) -> Sequence[AnyRow]:
    """Return the templates of a channel by their names."""
    ours = select(_templates).where(_templates.c.channel_id == channel_id)
    return db.execute(ours.order_by(_templates.c.name, _templates.c.language).limit(limit)).all()


def silent_kinds(db: Connection, now: datetime) -> list[str]:
    """Return the kinds of process of which none runs."""
    seen = set(
        db.execute(
            select(_processes.c.kind).where(_processes.c.seen_at > now - _SILENT).distinct()
        ).scalars()
    )
    return [kind for kind in ("worker", "scheduler", "listener") if kind not in seen]


def calls(
    db: Connection, channel_id: str, *, state: str, before: str, limit: int
) -> Sequence[AnyRow]:
    """Return kept calls of a channel, the newest first: in ``state``, and before one, if named."""
    columns = (column for column in _calls.c if column.name not in {"headers", "body"})
    found = select(*columns).where(_calls.c.channel_id == channel_id)
    if state:
        found = found.where(_calls.c.state == state)
    if before:
        found = found.where(_calls.c.id < before)
    return db.execute(found.order_by(_calls.c.id.desc()).limit(limit)).all()


def said(db: Connection, message_ids: Collection[str]) -> dict[str, AnyRow]:
    """Return who said what in these messages."""
    if not message_ids:
        return {}
    columns = ("id", "sender_address", "sender_name", "content")
    found = select(*(_messages.c[name] for name in columns)).where(_messages.c.id.in_(message_ids))
    return {row.id: row for row in db.execute(found)}


def calls_by_ids(db: Connection, ids: Sequence[str]) -> Sequence[AnyRow]:
    """Return kept calls without headers and body, the newest first."""
    columns = (column for column in _calls.c if column.name not in {"headers", "body", "outcomes"})
    found = select(*columns).where(_calls.c.id.in_(ids))
    return db.execute(found.order_by(_calls.c.id.desc())).all()


def failed_messages(db: Connection, ids: Sequence[str]) -> Sequence[AnyRow]:
    """Return messages with whom they were for."""
    found = (
        select(
            _messages.c.id,
            _messages.c.conversation_id,
            _messages.c.content,
            _messages.c.error,
            _messages.c.created_at,
            _addresses.c.address,
            CONTACT_NAME.label("contact_name"),
        )
        .join(_conversations, _conversations.c.id == _messages.c.conversation_id)
        .join(_addresses, _addresses.c.id == _conversations.c.address_id)
        .join(_contacts, _contacts.c.id == _conversations.c.contact_id)
        .where(_messages.c.id.in_(ids))
    )
    return db.execute(found).all()


def channel_names(db: Connection) -> dict[str, AnyRow]:
    """Return names and types of the channels by their ids, in the order of the names."""
    found = select(_channels.c.id, _channels.c.name, _channels.c.type).where(
        _channels.c.deleted_at.is_(None)
    )
    return {row.id: row for row in db.execute(found.order_by(func.lower(_channels.c.name)))}


def counts_of_channel(db: Connection, channel_id: str, *, most: int) -> tuple[int, int]:
    """Return how many conversations and messages a channel has; ``most`` + 1: more than those."""
    conversations_of, messages_of = (
        select(source.c.id).where(source.c.channel_id == channel_id).limit(most + 1).subquery()
        for source in (_conversations, _messages)
    )
    count = select(func.count())
    return (
        db.execute(count.select_from(conversations_of)).scalar_one(),
        db.execute(count.select_from(messages_of)).scalar_one(),
    )
