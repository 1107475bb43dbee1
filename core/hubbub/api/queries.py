"""Ask for what the API shows, page by page."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy import (
    ColumnElement,
    Connection,
    Row,
    Select,
    func,
    insert,
    or_,
    select,
    tuple_,
    union,
    update,
)

from hubbub.store import search
from hubbub.store.names import CONTACT_NAME, named_messages
from hubbub.store.tables import (
    Address,
    Call,
    Channel,
    Contact,
    Conversation,
    Delivery,
    MediaFile,
    Mention,
    Message,
    MessageVersion,
    Note,
    Template,
    table,
)
from hubbub.store.tags import has_tag
from hubbub.store.types import AnyRow, UtcDateTime

_addresses = table(Address)
_calls = table(Call)
_channels = table(Channel)
_contacts = table(Contact)
_conversations = table(Conversation)
_deliveries = table(Delivery)
_media = table(MediaFile)
_mentions = table(Mention)
_messages = table(Message)
_notes = table(Note)
_templates = table(Template)
_versions = table(MessageVersion)

#: Everything of a call but its headers and body, which may be large.
_CALL_SUMMARY: Final = tuple(
    column for column in _calls.c if column.name not in {"headers", "body", "outcomes"}
)
_THREAD: Final = (
    select(
        *_conversations.c,
        _addresses.c.address,
        CONTACT_NAME.label("contact_name"),
    )
    .join(_addresses, _addresses.c.id == _conversations.c.address_id)
    .join(_contacts, _contacts.c.id == _conversations.c.contact_id)
)


@dataclass(frozen=True, kw_only=True)
class MessageFilter:
    """Which messages are wanted; None: whatever."""

    channel_id: str | None = None
    conversation_id: str | None = None
    direction: str | None = None
    status: str | None = None
    external_id: str | None = None


@dataclass(frozen=True, kw_only=True)
class ConversationFilter:
    """Which conversations are wanted; None: whatever. ``assignee`` ``none``: nobody's."""

    channel_id: str | None = None
    status: str | None = None
    assignee: str | None = None
    team: str | None = None
    tag: str | None = None
    q: str | None = None


@dataclass(frozen=True, kw_only=True)
class TemplateFilter:
    """Which templates are wanted; None: whatever."""

    channel_id: str | None = None
    status: str | None = None
    q: str | None = None


# --- messages --------------------------------------------------------------------------------


def messages(
    db: Connection, wanted: MessageFilter, *, before: str | None, limit: int
) -> list[Row[Any]]:
    """Return messages, the newest first."""
    found = named_messages()
    for name in ("channel_id", "conversation_id", "direction", "status"):
        value = getattr(wanted, name)
        if value is not None:
            found = found.where(_messages.c[name] == value)
    if wanted.external_id is not None:
        found = found.where(_known_as(wanted.external_id))
    if before is not None:
        found = found.where(_messages.c.id < before)
    return list(db.execute(found.order_by(_messages.c.id.desc()).limit(limit)))


def message(db: Connection, message_id: str) -> Row[Any] | None:
    """Return a message, or None."""
    return db.execute(named_messages().where(_messages.c.id == message_id)).one_or_none()


def conversation_messages(
    db: Connection, conversation_id: str, *, after_seq: int, limit: int
) -> list[Row[Any]]:
    """Return the messages of a conversation behind ``after_seq``, oldest first."""
    found = named_messages().where(
        _messages.c.conversation_id == conversation_id, _messages.c.seq > after_seq
    )
    return list(db.execute(found.order_by(_messages.c.seq).limit(limit)))


def said_since(
    db: Connection, conversation_id: str, *, seq: int, but: str, limit: int
) -> list[Row[Any]]:
    """Return what others than the author ``but`` said behind ``seq``, oldest first."""
    found = named_messages().where(
        _messages.c.conversation_id == conversation_id,
        _messages.c.seq > seq,
        or_(_messages.c.author.is_(None), _messages.c.author != but),
    )
    return list(db.execute(found.order_by(_messages.c.seq).limit(limit)))


def versions(db: Connection, message_id: str) -> list[Row[Any]]:
    """Return what a message said before, oldest first."""
    found = select(_versions).where(_versions.c.message_id == message_id)
    return list(db.execute(found.order_by(_versions.c.replaced_at, _versions.c.id)))


def send_times(db: Connection, message_ids: Collection[str]) -> dict[str, datetime]:
    """Return before when those messages are not sent for which somebody said so."""
    found = (
        select(_deliveries.c.message_id, func.min(_deliveries.c.starts_at, type_=UtcDateTime()))
        .where(_deliveries.c.message_id.in_(message_ids), _deliveries.c.starts_at.is_not(None))
        .group_by(_deliveries.c.message_id)
    )
    return {row[0]: row[1] for row in db.execute(found)} if message_ids else {}


def sent_under(db: Connection, key: str) -> AnyRow | None:
    """Return the id and the request's digest of the message with this idempotency key, or None."""
    found = select(_messages.c.id, _messages.c.request_digest)
    return db.execute(found.where(_messages.c.idempotency_key == key)).one_or_none()


# --- media -----------------------------------------------------------------------------------


def media_files(db: Connection, ids: Sequence[str]) -> dict[str, Row[Any]]:
    """Return files by their ids."""
    if not ids:
        return {}
    return {row.id: row for row in db.execute(select(_media).where(_media.c.id.in_(ids)))}


def add_media(db: Connection, **values: Any) -> None:
    """Store what is known of a file."""
    db.execute(insert(_media).values(**values))


def claim_uploads(db: Connection, ids: Sequence[str], *, message_id: str) -> None:
    """Note which message uploads belong to, where they belonged to none."""
    found = update(_media).where(_media.c.id.in_(ids), _media.c.message_id.is_(None))
    db.execute(found.values(message_id=message_id))


# --- conversations ---------------------------------------------------------------------------


def conversations(
    db: Connection,
    wanted: ConversationFilter,
    *,
    before: tuple[datetime, str] | None,
    limit: int,
) -> list[Row[Any]]:
    """Return conversations with their contact's name and address, the latest first."""
    found = _narrowed(db, _THREAD, wanted)
    if wanted.tag is not None:
        found = found.where(has_tag(db, wanted.tag))
    keys = (_conversations.c.last_message_at, _conversations.c.id)
    if before is not None:
        found = found.where(tuple_(*keys) < tuple_(*before))
    return list(db.execute(found.order_by(*(key.desc() for key in keys)).limit(limit)))


def conversation(db: Connection, conversation_id: str) -> Row[Any] | None:
    """Return a conversation with its contact's name and address, or None."""
    found: Select[Any] = _THREAD.where(_conversations.c.id == conversation_id)
    return db.execute(found).one_or_none()


def change_conversation(db: Connection, conversation_id: str, **values: Any) -> None:
    """Change columns of a conversation that no `Thread` holds."""
    this = update(_conversations).where(_conversations.c.id == conversation_id)
    db.execute(this.values(**values))


def add_mentions(
    db: Connection, note_id: str, conversation_id: str, user_ids: Sequence[str]
) -> None:
    """Store to whom a note speaks."""
    rows = [
        {"note_id": note_id, "user_id": user_id, "conversation_id": conversation_id}
        for user_id in user_ids
    ]
    if rows:
        db.execute(insert(_mentions), rows)


def mentions(db: Connection, note_ids: Sequence[str]) -> dict[str, list[str]]:
    """Return to whom notes speak."""
    found: dict[str, list[str]] = {note_id: [] for note_id in note_ids}
    rows = select(_mentions.c.note_id, _mentions.c.user_id).where(_mentions.c.note_id.in_(note_ids))
    for row in db.execute(rows) if note_ids else ():
        found[row.note_id].append(row.user_id)
    return found


def add_note(db: Connection, **values: Any) -> None:
    """Store a note."""
    db.execute(insert(_notes).values(**values))


def note_under(db: Connection, key: str) -> AnyRow | None:
    """Return the note that was added under an idempotency key, or None."""
    return db.execute(select(_notes).where(_notes.c.idempotency_key == key)).one_or_none()


def notes(
    db: Connection, conversation_id: str, *, before: str | None, limit: int
) -> list[Row[Any]]:
    """Return the notes on a conversation, the newest first."""
    found = select(_notes).where(_notes.c.conversation_id == conversation_id)
    if before is not None:
        found = found.where(_notes.c.id < before)
    return list(db.execute(found.order_by(_notes.c.id.desc()).limit(limit)))


# --- templates -------------------------------------------------------------------------------


def templates(
    db: Connection, wanted: TemplateFilter, *, before: str | None, limit: int
) -> list[Row[Any]]:
    """Return templates, the newest first; ``q`` is part of a name."""
    found = select(_templates)
    if wanted.status is not None:
        found = found.where(_templates.c.status == wanted.status)
    if wanted.channel_id is not None:
        found = found.where(_templates.c.channel_id == wanted.channel_id)
    if wanted.q:
        found = found.where(_templates.c.name.icontains(wanted.q, autoescape=True))
    if before is not None:
        found = found.where(_templates.c.id < before)
    return list(db.execute(found.order_by(_templates.c.id.desc()).limit(limit)))


def template(db: Connection, template_id: str) -> Row[Any] | None:
    """Return a template, or None."""
    return db.execute(select(_templates).where(_templates.c.id == template_id)).one_or_none()


def templates_by_ids(db: Connection, ids: Sequence[str]) -> dict[str, Row[Any]]:
    """Return templates by their ids."""
    found = select(_templates).where(_templates.c.id.in_(ids))
    return {row.id: row for row in db.execute(found)} if ids else {}


# --- events ----------------------------------------------------------------------------------


def calls(
    db: Connection,
    *,
    channel_id: str | None,
    state: str | None,
    message_id: str | None,
    before: str | None,
    limit: int,
) -> list[Row[Any]]:
    """Return kept calls without headers and body, the newest first."""
    found = select(*_CALL_SUMMARY)
    if message_id is not None:
        brought = select(_messages.c.call_id).where(_messages.c.id == message_id)
        found = found.where(_calls.c.id.in_(brought))
    if channel_id is not None:
        found = found.where(_calls.c.channel_id == channel_id)
    if state is not None:
        found = found.where(_calls.c.state == state)
    if before is not None:
        found = found.where(_calls.c.id < before)
    return list(db.execute(found.order_by(_calls.c.id.desc()).limit(limit)))


def call(db: Connection, call_id: str) -> Row[Any] | None:
    """Return a kept call, or None."""
    return db.execute(select(_calls).where(_calls.c.id == call_id)).one_or_none()


def channel_even_deleted(db: Connection, channel_id: str) -> Row[Any]:
    """Return the channel of a kept call."""
    return db.execute(select(_channels).where(_channels.c.id == channel_id)).one()


def _known_as(external_id: str) -> ColumnElement[bool]:
    # A long message travels in parts, each with a name of its own at the provider. The indexes
    # begin with the channel.
    whole, parts = (
        select(found).where(
            source.c.channel_id.in_(select(_channels.c.id)), source.c.external_id == external_id
        )
        for source, found in (
            (_messages, _messages.c.id),
            (_deliveries, _deliveries.c.message_id),
        )
    )
    return _messages.c.id.in_(union(whole, parts))


def _narrowed(db: Connection, found: Select[Any], wanted: ConversationFilter) -> Select[Any]:
    if wanted.channel_id is not None:
        found = found.where(_conversations.c.channel_id == wanted.channel_id)
    if wanted.status is not None:
        found = found.where(_conversations.c.status == wanted.status)
    if wanted.assignee == "none":
        found = found.where(_conversations.c.assignee_id.is_(None))
    elif wanted.assignee is not None:
        found = found.where(_conversations.c.assignee_id == wanted.assignee)
    if wanted.team is not None:
        found = found.where(_conversations.c.team_id == wanted.team)
    if wanted.q:
        found = found.where(search.conversations(db, wanted.q).condition)
    return found
