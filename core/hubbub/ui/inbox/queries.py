"""Ask for what the inbox shows, and no page asks for more than it shows."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any, Final

from sqlalchemy import ColumnElement, Connection, Integer, Select, cast, func, select, update

from hubbub.store.deliveries import LOST
from hubbub.store.names import CONTACT_NAME
from hubbub.store.readings import READINGS, read_by, unread_by
from hubbub.store.states import DeliveryState
from hubbub.store.tables import (
    Address,
    Channel,
    Contact,
    Conversation,
    Delivery,
    Mention,
    Message,
    Note,
    table,
)
from hubbub.store.tags import has_tag
from hubbub.store.types import AnyRow

_channels = table(Channel)
_conversations = table(Conversation)
_contacts = table(Contact)
_addresses = table(Address)
_mentions = table(Mention)
_messages = table(Message)
_deliveries = table(Delivery)
_notes = table(Note)

_ROW: Final = (
    select(
        _conversations,
        _addresses.c.address,
        _addresses.c.state.label("address_state"),
        _addresses.c.marketing,
        CONTACT_NAME.label("contact_name"),
        _channels.c.name.label("channel_name"),
        _channels.c.type.label("channel_type"),
        _channels.c.status.label("channel_status"),
        _channels.c.status_reason.label("channel_reason"),
    )
    .join(_addresses, _addresses.c.id == _conversations.c.address_id)
    .join(_contacts, _contacts.c.id == _conversations.c.contact_id)
    .join(_channels, _channels.c.id == _conversations.c.channel_id)
)
#: Notes shown with a conversation.
_NOTES: Final = 200


def conversations(
    db: Connection,
    view: str,
    *,
    user_id: str,
    sought: ColumnElement[bool] | None,
    filters: Mapping[str, str],
    limit: int,
) -> Sequence[AnyRow]:
    """Return the conversations of a view, or those of them that are sought, the latest first.

    Each has what ``user_id`` has not read.
    """
    keys = (_conversations.c.last_message_at, _conversations.c.id)
    mine = _ROW.add_columns(unread_by(user_id).label("unread_by_me"))
    found = _of_view(mine.outerjoin(READINGS, read_by(user_id)), view, user_id)
    for name, value in filters.items():
        found = found.where(_is_like(db, name, value))
    if sought is not None:
        found = found.where(sought)
    return db.execute(found.order_by(*(key.desc() for key in keys)).limit(limit)).all()


def lost(db: Connection, conversation_ids: Sequence[str]) -> dict[str, AnyRow]:
    """Return the last message of each conversation that was not sent, or perhaps not."""
    lost_ids = select(_deliveries.c.message_id).where(
        _deliveries.c.conversation_id.in_(conversation_ids), LOST
    )
    columns = ("id", "conversation_id", "seq", "content", "status", "error")
    found = select(*(_messages.c[name] for name in columns)).where(_messages.c.id.in_(lost_ids))
    return {row.conversation_id: row for row in db.execute(found.order_by(_messages.c.seq))}


def with_lost(db: Connection, conversation_ids: Sequence[str]) -> dict[str, str]:
    """Return the conversations in which something was not sent, or perhaps not, and which it is."""
    found = select(_deliveries.c.conversation_id, _deliveries.c.state).where(
        _deliveries.c.conversation_id.in_(conversation_ids), LOST
    )
    rows = db.execute(found.distinct()).all()
    # What failed outranks what perhaps did.
    worst = sorted(rows, key=lambda row: row.state == DeliveryState.FAILED)
    return {row.conversation_id: row.state for row in worst}


def tries(db: Connection, message_ids: Sequence[str]) -> dict[str, int]:
    """Return how often it was tried to send messages that failed."""
    found = (
        select(_deliveries.c.message_id, func.max(_deliveries.c.attempts).label("tries"))
        .where(_deliveries.c.message_id.in_(message_ids), LOST)
        .group_by(_deliveries.c.message_id)
    )
    return {row.message_id: row.tries for row in db.execute(found)}


def answered(db: Connection, conversation_ids: Sequence[str]) -> set[str]:
    """Return those of the conversations in which the last word is ours."""
    last = (_messages.c.conversation_id == _conversations.c.id) & (
        _messages.c.seq == _conversations.c.last_seq
    )
    found = select(_conversations.c.id).join(_messages, last)
    mine = found.where(
        _conversations.c.id.in_(conversation_ids), _messages.c.direction == "outbound"
    )
    return set(db.execute(mine).scalars())


def conversation(db: Connection, conversation_id: str) -> AnyRow | None:
    """Return a conversation with its contact and channel, or None."""
    about = ("attributes", "blocked_at", "created_at")
    found = _ROW.add_columns(*(_contacts.c[name].label(f"contact_{name}") for name in about))
    return db.execute(found.where(_conversations.c.id == conversation_id)).one_or_none()


def has_conversation(db: Connection, conversation_id: str) -> bool:
    """Whether there is such a conversation."""
    found = select(_conversations.c.id).where(_conversations.c.id == conversation_id)
    return db.execute(found).first() is not None


def last_subject(db: Connection, conversation_id: str) -> str:
    """Return what the last letter of a conversation is about; empty where there is none."""
    found = select(_messages.c.content).where(
        _messages.c.conversation_id == conversation_id, _messages.c.kind == "email"
    )
    row = db.execute(found.order_by(_messages.c.seq.desc()).limit(1)).one_or_none()
    return str(row.content["subject"]).strip() if row else ""


def others(db: Connection, *, contact_id: str, but: str, limit: int) -> Sequence[AnyRow]:
    """Return the other conversations with a contact, the latest first."""
    found = _ROW.where(_conversations.c.contact_id == contact_id, _conversations.c.id != but)
    keys = (_conversations.c.last_message_at, _conversations.c.id)
    return db.execute(found.order_by(*(key.desc() for key in keys)).limit(limit)).all()


def ids_of(
    db: Connection, channel_id: str, conversation_id: str, *, external_ids: Collection[str]
) -> dict[str, str]:
    """Return which messages of a conversation the provider knows by these ids, whole or in part."""
    found: dict[str, str] = {}
    for source, message_id in (
        (_deliveries, _deliveries.c.message_id),
        (_messages, _messages.c.id),
    ):
        # The indexes of these ids begin with the channel.
        rows = db.execute(
            select(source.c.external_id, message_id.label("message_id")).where(
                source.c.channel_id == channel_id,
                source.c.external_id.in_(external_ids),
                source.c.conversation_id == conversation_id,
            )
        )
        found |= {row.external_id: row.message_id for row in rows}
    return found


def contents(
    db: Connection, conversation_id: str, *, message_ids: Collection[str]
) -> dict[str, AnyRow]:
    """Return what messages of a conversation say, by their ids."""
    columns = ("id", "content", "deleted_at")
    found = select(*(_messages.c[name] for name in columns)).where(
        _messages.c.id.in_(message_ids), _messages.c.conversation_id == conversation_id
    )
    return {row.id: row for row in db.execute(found)}


def notes(db: Connection, conversation_id: str, *, since: datetime | None) -> list[AnyRow]:
    """Return the last notes on a conversation, those made after ``since``, oldest first."""
    found = select(_notes).where(_notes.c.conversation_id == conversation_id)
    if since is not None:
        found = found.where(_notes.c.created_at >= since)
    rows = db.execute(found.order_by(_notes.c.id.desc()).limit(_NOTES)).all()
    return list(reversed(rows))


def any_channel(db: Connection) -> bool:
    """Say whether there is a channel."""
    return (
        db.execute(select(_channels.c.id).where(_channels.c.deleted_at.is_(None)).limit(1)).first()
        is not None
    )


def any_conversation(db: Connection) -> bool:
    """Whether anybody ever wrote, or was written to."""
    return db.execute(select(_conversations.c.id).limit(1)).first() is not None


def unseen(db: Connection, conversation_id: str, user_id: str) -> tuple[int, ...]:
    """Return how much of a conversation nobody has seen, how much somebody, and which mentions."""
    mentions = (
        select(func.count())
        .where(
            _mentions.c.conversation_id == conversation_id,
            _mentions.c.user_id == user_id,
            _mentions.c.seen_at.is_(None),
        )
        .scalar_subquery()
    )
    never_read = READINGS.c.heard.is_(None)
    found = (
        select(_conversations.c.unread, unread_by(user_id), mentions, cast(never_read, Integer))
        .outerjoin(READINGS, read_by(user_id))
        .where(_conversations.c.id == conversation_id)
    )
    row = db.execute(found).one_or_none()
    return tuple(row) if row else ()


def mentioning(db: Connection, conversation_id: str, user_id: str) -> frozenset[str]:
    """Return the notes on a conversation that speak to somebody."""
    found = select(_mentions.c.note_id).where(
        _mentions.c.conversation_id == conversation_id, _mentions.c.user_id == user_id
    )
    return frozenset(db.execute(found).scalars())


def mark_seen(db: Connection, conversation_id: str) -> bool:
    """Note that somebody has seen the conversation; say whether there was something unseen."""
    seen = (
        update(_conversations)
        .where(_conversations.c.id == conversation_id, _conversations.c.unread > 0)
        .values(unread=0)
    )
    return bool(db.execute(seen).rowcount)


def _is_like(db: Connection, name: str, value: str) -> ColumnElement[bool]:
    """Return the condition for one of `hubbub.ui.inbox.look.FILTERS`."""
    match name, value:
        case "channel", _:
            return _conversations.c.channel_id == value
        case "team", _:
            return _conversations.c.team_id == value
        case "assignee", "none":
            return _conversations.c.assignee_id.is_(None)
        case "assignee", _:
            return _conversations.c.assignee_id == value
    return has_tag(db, value)


def _of_view(found: Select[Any], view: str, user_id: str) -> Select[Any]:
    match view:
        case "mine":
            return found.where(
                _conversations.c.assignee_id == user_id, _conversations.c.status != "resolved"
            )
        case "unassigned":
            return found.where(
                _conversations.c.assignee_id.is_(None), _conversations.c.status == "open"
            )
        case "mentions":
            mine = select(_mentions.c.conversation_id).where(_mentions.c.user_id == user_id)
            return found.where(_conversations.c.id.in_(mine))
        case "snoozed":
            return found.where(_conversations.c.status == "snoozed")
        case "resolved":
            return found.where(_conversations.c.status == "resolved")
        case "failed":
            failed = select(_deliveries.c.conversation_id).where(LOST)
            return found.where(_conversations.c.id.in_(failed))
        case "all":
            return found
    return found.where(_conversations.c.status == "open")
