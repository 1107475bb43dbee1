"""Ask for what chat windows show, and number what is to be seen there."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import (
    Connection,
    Select,
    String,
    and_,
    bindparam,
    case,
    delete,
    exists,
    func,
    insert,
    or_,
    select,
    update,
)

from hubbub.store.tables import (
    Address,
    Channel,
    Contact,
    Conversation,
    Delivery,
    MediaFile,
    Message,
    ShownMessage,
    User,
    table,
)
from hubbub.store.types import AnyRow, UtcDateTime

_addresses = table(Address)
_channels = table(Channel)
_contacts = table(Contact)
_conversations = table(Conversation)
_deliveries = table(Delivery)
_media = table(MediaFile)
_messages = table(Message)
_shown = table(ShownMessage)
_users = table(User)

#: Of an outbound message, once nothing of it is still to be sent.
_ARRIVED: Final = ("sent", "delivered", "read")
#: What a visitor does beside writing, agents alone see as a line.
_SEEN: Final = or_(
    and_(_messages.c.direction == "inbound", _messages.c.kind != "system"),
    _messages.c.status.in_(_ARRIVED),
)
#: What somebody here said, and no window has yet.
_MISSED: Final = and_(
    _messages.c.status == "sent",
    or_(_messages.c.author.like("user:%"), _messages.c.author.like("api:%")),
)
#: When it was last due to be sent: what is scheduled or held is so long after it was written.
_sent_at: Final = (
    select(func.max(_deliveries.c.due_at, type_=UtcDateTime()))
    .where(_deliveries.c.message_id == _messages.c.id, _deliveries.c.destination == "contact")
    .scalar_subquery()
)
#: Longer than this beforehand nothing is scheduled that becomes a letter.
_SCHEDULED: Final = timedelta(days=31)
#: Those are looked for that are not shown yet among what follows the newest that is, and among so
#: many of the last messages: what is held or scheduled is seen later than what follows it.
_RECENT: Final = 1000


def conversation(db: Connection, channel_id: str, address: str) -> AnyRow | None:
    """Return the conversation with a visitor, or None."""
    found = (
        select(
            _conversations.c.id,
            _conversations.c.contact_id,
            _conversations.c.status,
            _conversations.c.unread,
        )
        .join(_addresses, _addresses.c.id == _conversations.c.address_id)
        .where(_addresses.c.channel_id == channel_id, _addresses.c.address == address)
    )
    return db.execute(found).one_or_none()


def standing(db: Connection, conversation_id: str, address: str) -> AnyRow | None:
    """Return how a conversation stands: its state, and what of its messages is shown.

    None once it is erased, or ``address`` does not lead to it any more.
    """
    asked = {"conversation_id": conversation_id, "address": address}
    return db.execute(_STANDING, asked).one_or_none()


def is_rated(db: Connection, conversation_id: str) -> bool:
    """Whether the visitor said how it was, and nobody said anything since."""
    return bool(db.execute(_IS_RATED, {"conversation_id": conversation_id}).scalar())


def knows(db: Connection, channel_id: str, address: str) -> bool:
    """Whether somebody wrote from this address."""
    found = select(_addresses.c.id).where(
        _addresses.c.channel_id == channel_id, _addresses.c.address == address
    )
    return db.execute(found).first() is not None


def message_by_key(db: Connection, channel_id: str, event_key: str) -> AnyRow | None:
    """Return the message that an event became, with its place among those shown, or None."""
    found = (
        select(_messages.c.id, _messages.c.conversation_id, _shown.c.seq)
        .outerjoin(_shown, _shown.c.message_id == _messages.c.id)
        .where(_messages.c.channel_id == channel_id, _messages.c.event_key == event_key)
    )
    return db.execute(found).one_or_none()


def last_seq(db: Connection, conversation_id: str) -> int:
    """Return how many messages of a conversation are shown."""
    last: int = db.execute(_LAST_SHOWN, {"conversation_id": conversation_id}).scalar_one()
    return last


def unshown(db: Connection, conversation_id: str) -> list[str]:
    """Return the messages that are to be seen and have no number yet, in order."""
    found = db.execute(_UNSHOWN_IN_ORDER, {"conversation_id": conversation_id})
    return list(found.scalars())


# --- what each heartbeat of each window asks, made once ---------------------------------------

_ID: Final = bindparam("conversation_id", type_=String())
_of_it: Final = _messages.c.conversation_id == _ID
_last_word: Final = (
    select(_messages.c.seq)
    .where(_of_it, _messages.c.kind != "system")
    .order_by(_messages.c.seq.desc())
    .limit(1)
    .scalar_subquery()
)
#: Whether the visitor said how it was, and nobody said anything since.
_RATED: Final = exists().where(
    _of_it, _messages.c.event_key.startswith("rated:"), _messages.c.seq > _last_word
)
_IS_RATED: Final = select(_RATED)
_LAST_SHOWN: Final = select(func.coalesce(func.max(_shown.c.seq), 0)).where(
    _shown.c.conversation_id == _ID
)
_recent: Final = (
    select(_conversations.c.last_seq - _RECENT).where(_conversations.c.id == _ID).scalar_subquery()
)
_newest_shown: Final = (
    select(_messages.c.seq)
    .join(_shown, _shown.c.message_id == _messages.c.id)
    .where(_shown.c.conversation_id == _ID)
    .order_by(_shown.c.seq.desc())
    .limit(1)
    .scalar_subquery()
)
_seen_up_to: Final = func.coalesce(_newest_shown, 0)
#: What is to be seen and has no number yet.
_UNSHOWN: Final = (
    select(_messages.c.id)
    .outerjoin(_shown, _shown.c.message_id == _messages.c.id)
    .where(
        _of_it,
        _messages.c.seq > case((_seen_up_to < _recent, _seen_up_to), else_=_recent),
        _shown.c.message_id.is_(None),
        _SEEN,
    )
)
_UNSHOWN_IN_ORDER: Final = _UNSHOWN.order_by(_messages.c.seq)
_unread: Final = (
    select(func.count())
    .select_from(_shown.join(_messages, _messages.c.id == _shown.c.message_id))
    .where(
        _shown.c.conversation_id == _conversations.c.id,
        _messages.c.direction == "outbound",
        _messages.c.status.in_(("sent", "delivered")),
    )
    .scalar_subquery()
)
_STANDING: Final = (
    select(
        _conversations.c.status,
        (_conversations.c.unread == 0).label("seen"),
        _unread.label("unread"),
        _RATED.label("rated"),
        _LAST_SHOWN.scalar_subquery().label("last"),
        _UNSHOWN.exists().label("waiting"),
    )
    .join(_addresses, _addresses.c.id == _conversations.c.address_id)
    .where(_conversations.c.id == _ID, _addresses.c.address == bindparam("address", type_=String()))
)


def hold(db: Connection, conversation_id: str) -> bool:
    """Let nobody else number the messages of a conversation until the transaction ends."""
    found = select(_conversations.c.id).where(_conversations.c.id == conversation_id)
    return db.execute(found.with_for_update()).first() is not None


def show(
    db: Connection, conversation_id: str, message_ids: Sequence[str], *, after: int, now: datetime
) -> None:
    """Give messages the numbers that follow ``after``."""
    rows = [
        {
            "conversation_id": conversation_id,
            "seq": seq,
            "message_id": message_id,
            "shown_at": now,
        }
        for seq, message_id in enumerate(message_ids, after + 1)
    ]
    db.execute(insert(_shown), rows)


def messages_after(
    db: Connection, conversation_id: str, after: int, *, limit: int
) -> Sequence[AnyRow]:
    """Return shown messages that come after one, oldest first."""
    found = _messages_shown(conversation_id).where(_shown.c.seq > after)
    return db.execute(found.order_by(_shown.c.seq).limit(limit)).all()


def messages_before(
    db: Connection, conversation_id: str, before: int | None, *, limit: int
) -> Sequence[AnyRow]:
    """Return the last shown messages, or those before one, oldest first."""
    found = _messages_shown(conversation_id)
    if before is not None:
        found = found.where(_shown.c.seq < before)
    return db.execute(found.order_by(_shown.c.seq.desc()).limit(limit)).all()[::-1]


def files(db: Connection, ids: Collection[str]) -> dict[str, AnyRow]:
    """Return files by their ids."""
    if not ids:
        return {}
    return {row.id: row for row in db.execute(select(_media).where(_media.c.id.in_(ids)))}


def forget_uploads(db: Connection, *, before: datetime, limit: int) -> list[str]:
    """Delete uploads of visitors that are copied, or unused since ``before``; return the ids."""
    copies = _media.alias()
    is_copied = exists().where(copies.c.ref == _media.c.id, copies.c.state == "ready")
    is_awaited = exists().where(copies.c.ref == _media.c.id, copies.c.state == "pending")
    found = select(_media.c.id).where(
        _media.c.message_id.is_(None),
        _media.c.channel_id.is_not(None),
        or_(is_copied, and_(_media.c.created_at < before, ~is_awaited)),
    )
    ids = list(db.execute(found.limit(limit)).scalars())
    db.execute(delete(_media).where(_media.c.id.in_(ids)))
    return ids


def not_yet(
    db: Connection, conversation_id: str, up_to: int, statuses: Collection[str], *, limit: int
) -> list[str]:
    """Return the deliveries of messages shown up to ``up_to`` whose status is one of these."""
    found = (
        select(_deliveries.c.id)
        .join(_messages, _messages.c.id == _deliveries.c.message_id)
        .join(_shown, _shown.c.message_id == _messages.c.id)
        .where(
            _shown.c.conversation_id == conversation_id,
            _shown.c.seq <= up_to,
            _messages.c.status.in_(statuses),
            _deliveries.c.destination == "contact",
        )
        .order_by(_shown.c.seq.desc())
        .limit(limit)
    )
    return list(db.execute(found).scalars())


def channels(db: Connection, types: Collection[str]) -> list[str]:
    """Return the channels of these types."""
    found = select(_channels.c.id).where(
        _channels.c.type.in_(types), _channels.c.enabled, _channels.c.deleted_at.is_(None)
    )
    return list(db.execute(found).scalars())


def missing(db: Connection, channel_id: str, *, after: datetime, before: datetime) -> list[str]:
    """Return the conversations in which something was answered then that no window has shown."""
    found = (
        select(_messages.c.conversation_id)
        .join(_conversations, _conversations.c.id == _messages.c.conversation_id)
        .where(
            _conversations.c.channel_id == channel_id,
            _conversations.c.last_message_at > after - _SCHEDULED,
            _MISSED,
            _messages.c.deleted_at.is_(None),
            _sent_at > after,
            _sent_at <= before,
        )
        .distinct()
    )
    return list(db.execute(found).scalars())


def missed(db: Connection, conversation_id: str, since: datetime) -> Sequence[AnyRow]:
    """Return what was answered since then and no window has shown, oldest first.

    With what was taken back: a letter may have told it.
    """
    found = select(
        _messages.c.id, _messages.c.content, _messages.c.author, _messages.c.deleted_at
    ).where(_messages.c.conversation_id == conversation_id, _sent_at > since, _MISSED)
    return db.execute(found.order_by(_messages.c.seq)).all()


def idempotency_keys(db: Connection, keys: Collection[str]) -> set[str]:
    """Return those of ``keys`` under which there is a message."""
    found = select(_messages.c.idempotency_key).where(_messages.c.idempotency_key.in_(keys))
    return set(db.execute(found).scalars())


def reached(db: Connection, conversation_id: str) -> AnyRow | None:
    """Return the address of a visitor and what is known of them; None for a blocked one."""
    found = (
        select(_addresses.c.address, _contacts.c.attributes)
        .select_from(_conversations)
        .join(_addresses, _addresses.c.id == _conversations.c.address_id)
        .join(_contacts, _contacts.c.id == _conversations.c.contact_id)
        .where(_conversations.c.id == conversation_id, _contacts.c.blocked_at.is_(None))
    )
    return db.execute(found).one_or_none()


def beside(db: Connection, conversation_id: str, channel_id: str) -> Sequence[AnyRow]:
    """Return the conversations on another channel that go on with this one, oldest first."""
    found = (
        select(_conversations.c.id, _addresses.c.address)
        .join(_addresses, _addresses.c.id == _conversations.c.address_id)
        .where(
            _conversations.c.related_id == conversation_id,
            _conversations.c.channel_id == channel_id,
        )
        .order_by(_conversations.c.id)
    )
    return db.execute(found).all()


def is_ours(db: Connection, address: str) -> bool:
    """Whether a channel here writes from an address."""
    found = select(_channels.c.id).where(
        func.lower(_channels.c.sender) == address.lower(), _channels.c.deleted_at.is_(None)
    )
    return db.execute(found.limit(1)).first() is not None


def relate(db: Connection, conversation_id: str, related_id: str) -> None:
    """Note which conversation another one goes on with."""
    mine = _conversations.c.id == conversation_id
    db.execute(update(_conversations).where(mine).values(related_id=related_id))


def hold_attributes(db: Connection, contact_id: str) -> dict[str, Any]:
    """Return what is known of a contact; nobody else changes it until the transaction ends."""
    mine = select(_contacts.c.attributes).where(_contacts.c.id == contact_id)
    known: dict[str, Any] = db.execute(mine.with_for_update()).scalar() or {}
    return known


def note_attributes(db: Connection, contact_id: str, attributes: Mapping[str, Any]) -> None:
    """Keep what is known of a contact beside its name."""
    mine = _contacts.c.id == contact_id
    db.execute(update(_contacts).where(mine).values(attributes=attributes))


def name_again(db: Connection, contact_id: str, address: str, name: str | None) -> None:
    """Name whoever is at an address otherwise; a name given here by a person stays."""
    mine = (_addresses.c.contact_id == contact_id, _addresses.c.address == address)
    before = select(_addresses.c.name).where(*mine).scalar_subquery()
    contact = update(_contacts).where(_contacts.c.id == contact_id, _contacts.c.name == before)
    db.execute(contact.values(name=name))
    db.execute(update(_addresses).where(*mine).values(name=name))


def _messages_shown(conversation_id: str) -> Select[Any]:
    return (
        select(
            _shown.c.seq,
            _messages.c.id,
            _messages.c.direction,
            _messages.c.content,
            _messages.c.event_key,
            _messages.c.author,
            _messages.c.deleted_at,
            _messages.c.edited_at,
            _messages.c.created_at,
            _users.c.name.label("author_name"),
        )
        .join(_messages, _messages.c.id == _shown.c.message_id)
        .outerjoin(_users, _messages.c.author == "user:" + _users.c.id)
        .where(_shown.c.conversation_id == conversation_id)
    )
