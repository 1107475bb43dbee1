"""Look up what plugins are told of."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import Connection, select

from hubbub.sdk.content import from_json
from hubbub.sdk.telling import Channel, Conversation, Message
from hubbub.sdk.values import Fault
from hubbub.store import tables
from hubbub.store.names import named_messages
from hubbub.store.tables import table

_messages = table(tables.Message)
_conversations = table(tables.Conversation)
_addresses = table(tables.Address)
_channels = table(tables.Channel)


def message(db: Connection, message_id: str) -> Message | None:
    """Return a message, or None when it was erased meanwhile."""
    row = db.execute(named_messages().where(_messages.c.id == message_id)).one_or_none()
    if row is None:
        return None
    return Message(
        id=row.id,
        channel_id=row.channel_id,
        conversation_id=row.conversation_id,
        contact_id=row.contact_id,
        direction=row.direction,
        content=from_json(row.content),
        sender=row.sender_address,
        sender_name=row.sender_name,
        external_id=row.external_id,
        status=row.status,
        error=_fault(row.error),
        author=row.author,
        provider_at=row.provider_at,
        created_at=row.created_at,
        decision=row.decision or {},
    )


def conversation(db: Connection, conversation_id: str) -> Conversation | None:
    """Return a conversation, or None when it was erased meanwhile."""
    found = (
        select(_conversations, _addresses.c.address)
        .join(_addresses, _addresses.c.id == _conversations.c.address_id)
        .where(_conversations.c.id == conversation_id)
    )
    row = db.execute(found).one_or_none()
    if row is None:
        return None
    return Conversation(
        id=row.id,
        channel_id=row.channel_id,
        contact_id=row.contact_id,
        address=row.address,
        status=row.status,
        owner=row.owner,
        assignee_id=row.assignee_id,
        tags=tuple(row.tags or ()),
    )


def channel(db: Connection, channel_id: str) -> Channel | None:
    """Return a channel, or None when it was deleted meanwhile."""
    found = select(_channels).where(_channels.c.id == channel_id, _channels.c.deleted_at.is_(None))
    row = db.execute(found).one_or_none()
    if row is None:
        return None
    return Channel(
        id=row.id,
        type=row.type,
        name=row.name,
        enabled=row.enabled,
        status=row.status,
        status_reason=row.status_reason,
        status_since=row.status_since,
    )


def _fault(error: Mapping[str, Any] | None) -> Fault | None:
    return None if error is None else Fault(**error)
