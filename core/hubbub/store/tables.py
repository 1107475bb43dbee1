"""Define every table. Constraints carry the invariants; rows are made from checked values only."""

from datetime import datetime
from typing import Any, cast

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    Index,
    LargeBinary,
    MetaData,
    Table,
    UniqueConstraint,
    text,
)
from sqlmodel import Field, SQLModel

from hubbub.store.states import ACTIVE, CallState, DeliveryState
from hubbub.store.types import Json, UtcDateTime

#: Fixed names, so that a migration can speak of a constraint on every database.
SQLModel.metadata.naming_convention = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s",
    "pk": "pk_%(table_name)s",
}
metadata: MetaData = SQLModel.metadata


def table(model: type[SQLModel]) -> Table:
    """Return the table of ``model``, for statements of SQLAlchemy Core."""
    return cast("Table", model.__table__)  # type: ignore[attr-defined]  # made by SQLModel


def _time(*, nullable: bool = False, index: bool = False) -> Any:
    return Field(
        default=None, sa_column=Column(UtcDateTime, nullable=nullable, index=index or None)
    )


def _json(*, nullable: bool = False) -> Any:
    return Field(default=None, sa_column=Column(Json, nullable=nullable))


def _blob(*, nullable: bool = False) -> Any:
    return Field(default=None, sa_column=Column(LargeBinary, nullable=nullable))


def _only(condition: str) -> dict[str, Any]:
    """Return the options that make an index a partial one on every database we know."""
    return {"sqlite_where": text(condition), "postgresql_where": text(condition)}


def _unique_where_given(table_name: str, *columns: str) -> Index:
    """Return a unique index over the rows that have the last of ``columns``."""
    name = f"uq_{table_name}_{'_'.join(columns)}"
    return Index(name, *columns, unique=True, **_only(f"{columns[-1]} IS NOT NULL"))


_ACTIVE = "state IN ({})".format(", ".join(sorted(f"'{state}'" for state in ACTIVE)))


# --- people ----------------------------------------------------------------------------------


class User(SQLModel, table=True):
    """A person who works here. ``role`` is ``admin`` or ``agent``."""

    __tablename__ = "users"
    id: str = Field(primary_key=True)
    email: str = Field(unique=True)
    name: str = ""
    role: str
    password_hash: str
    created_at: datetime = _time()
    disabled_at: datetime | None = _time(nullable=True)
    #: Since when no team gives them conversations; None: they take some.
    away_at: datetime | None = _time(nullable=True)
    #: See `hubbub.people.preferences.Preferences`; None: as usual.
    preferences: dict[str, Any] | None = _json(nullable=True)
    #: What the last link to choose a password says of itself; None: none is good.
    invite: str | None = None


class Team(SQLModel, table=True):
    """People who share a queue of the inbox."""

    __tablename__ = "teams"
    id: str = Field(primary_key=True)
    name: str = Field(unique=True)
    created_at: datetime = _time()


class TeamMember(SQLModel, table=True):
    """Somebody in a team. Who has the lowest ``turn`` gets its next conversation."""

    __tablename__ = "team_members"
    team_id: str = Field(primary_key=True, foreign_key="teams.id")
    user_id: str = Field(primary_key=True, foreign_key="users.id", index=True)
    turn: int = 0


class Session(SQLModel, table=True):
    """A login. ``id`` is the SHA-256 of what the cookie holds."""

    __tablename__ = "sessions"
    id: str = Field(primary_key=True)
    user_id: str = Field(foreign_key="users.id", index=True)
    created_at: datetime = _time()
    expires_at: datetime = _time()


class Token(SQLModel, table=True):
    """An API token. ``digest`` is its SHA-256; ``scopes`` a list of words."""

    __tablename__ = "tokens"
    id: str = Field(primary_key=True)
    name: str
    digest: str = Field(unique=True)
    scopes: list[str] = _json()
    created_at: datetime = _time()
    last_used_at: datetime | None = _time(nullable=True)
    revoked_at: datetime | None = _time(nullable=True)


class Audit(SQLModel, table=True):
    """What was changed. ``actor`` is ``user:<id>``, ``token:<id>``, ``cli`` or ``hub`` itself."""

    __tablename__ = "audit"
    id: str = Field(primary_key=True)
    at: datetime = _time()
    actor: str
    action: str
    object_id: str = Field(index=True)
    detail: dict[str, Any] = _json()


# --- channels --------------------------------------------------------------------------------


class Channel(SQLModel, table=True):
    """One configured account of a channel type.

    ``version`` rises with every change that a process may hold a copy of.
    """

    __tablename__ = "channels"
    __table_args__ = (
        # One account, one channel: two would steal each other's messages.
        Index(
            "uq_channels_type_account",
            "type",
            "account",
            unique=True,
            **_only("deleted_at IS NULL AND account IS NOT NULL"),
        ),
    )
    id: str = Field(primary_key=True)
    type: str
    name: str
    enabled: bool = True
    #: connected, error or inactive.
    status: str
    status_reason: str = ""
    status_since: datetime = _time()
    webhook_key: str = Field(unique=True)
    settings: dict[str, Any] = _json()
    #: Encrypted JSON: the credentials and what the hub generated.
    secrets: bytes = _blob()
    facts: dict[str, str] = _json()
    account: str | None = None
    #: The address from which it writes, where that is known before anybody wrote.
    sender: str | None = None
    version: int = 1
    #: Nothing is sent before this: the provider, or an auth failure, told us to wait.
    paused_until: datetime | None = _time(nullable=True)
    #: Nor are campaigns and the like before this, while replies go on.
    bulk_paused_until: datetime | None = _time(nullable=True)
    checked_at: datetime | None = _time(nullable=True)
    #: What was found then: ``[{"code", "ok", "detail", "fix", "until"}]``.
    findings: list[dict[str, Any]] | None = _json(nullable=True)
    #: ``{"at", "problem"}`` of the last handshake that somebody tried with our webhook.
    handshake: dict[str, str] | None = _json(nullable=True)
    #: When its templates are to be read again; None: at once.
    templates_due_at: datetime | None = _time(nullable=True)
    last_active_at: datetime | None = _time(nullable=True)
    created_at: datetime = _time()
    deleted_at: datetime | None = _time(nullable=True)


class ChannelDraft(SQLModel, table=True):
    """A channel that somebody began to add: what they typed so far, with nothing checked."""

    __tablename__ = "channel_drafts"
    id: str = Field(primary_key=True)
    type: str
    #: Encrypted JSON: the form as it was typed, secrets included.
    sealed: bytes = _blob()
    created_by: str
    created_at: datetime = _time()
    changed_at: datetime = _time(index=True)


class SourceCursor(SQLModel, table=True):
    """How far a source has read; moved in the transaction that keeps what it read."""

    __tablename__ = "source_cursors"
    channel_id: str = Field(primary_key=True, foreign_key="channels.id")
    cursor: str


class Template(SQLModel, table=True):
    """A template that the provider approves, as `hubbub.sdk.MessageTemplate` last told."""

    __tablename__ = "templates"
    __table_args__ = (UniqueConstraint("channel_id", "name", "language"),)
    id: str = Field(primary_key=True)
    channel_id: str = Field(foreign_key="channels.id")
    name: str
    language: str
    #: As `hubbub.sdk.TemplateStatus`.
    status: str
    provider_status: str
    reason: str
    external_id: str | None = None
    category: str
    quality: str
    parameter_format: str
    components: list[dict[str, Any]] = _json()
    #: ``[{"name", "required", "holds", "max_length"}]``; None: only the provider knows.
    parameters: list[dict[str, Any]] | None = _json(nullable=True)
    created_at: datetime = _time()
    changed_at: datetime = _time()


class RouteSet(SQLModel, table=True):
    """The routes of a channel in one version; the highest version is in force."""

    __tablename__ = "route_sets"
    __table_args__ = (UniqueConstraint("channel_id", "version"),)
    id: str = Field(primary_key=True)
    channel_id: str = Field(foreign_key="channels.id")
    version: int
    #: Encrypted JSON: the rules and the fallback, whose destinations hold secrets.
    sealed: bytes = _blob()
    created_at: datetime = _time()
    created_by: str = ""


class RouteDraft(SQLModel, table=True):
    """What somebody makes of a channel's routes, until they save it or throw it away."""

    __tablename__ = "route_drafts"
    __table_args__ = (UniqueConstraint("channel_id", "user_id"),)
    id: str = Field(primary_key=True)
    channel_id: str = Field(foreign_key="channels.id")
    user_id: str = Field(foreign_key="users.id")
    #: The version that it began with.
    base_version: int
    #: Encrypted JSON, as in `RouteSet`, and what it was before each of the last changes.
    sealed: bytes = _blob()
    changed_at: datetime = _time()


# --- receive ---------------------------------------------------------------------------------


class Call(SQLModel, table=True):
    """A webhook request, byte for byte; the counts say what became of the events in it."""

    __tablename__ = "calls"
    __table_args__ = (
        Index("ix_calls_pending", "channel_id", "id", **_only("state = 'pending'")),
        Index("ix_calls_channel_id_state_id", "channel_id", "state", "id"),
        CheckConstraint(
            "state <> 'done' OR events = applied + duplicate + ignored", name="settled"
        ),
    )
    id: str = Field(primary_key=True)
    channel_id: str
    received_at: datetime = _time()
    method: str
    url: str
    headers: dict[str, str] = _json()
    body: bytes = _blob()
    state: str = CallState.PENDING
    #: Why it is quarantined or dead.
    reason: str = ""
    settled_at: datetime | None = _time(nullable=True)
    events: int = 0
    applied: int = 0
    duplicate: int = 0
    ignored: int = 0
    dead: int = 0
    #: ``[{"kind", "key", "outcome", "reason", "message_id"}]``, in the order of the call.
    outcomes: list[dict[str, Any]] = _json()


class ForgottenCalls(SQLModel, table=True):
    """The sums of a channel's calls that were deleted after their time, for the ledger."""

    __tablename__ = "forgotten_calls"
    channel_id: str = Field(primary_key=True, foreign_key="channels.id")
    calls: int = Field(sa_type=BigInteger)
    dead_calls: int = Field(sa_type=BigInteger)
    events: int = Field(sa_type=BigInteger)
    applied: int = Field(sa_type=BigInteger)
    duplicate: int = Field(sa_type=BigInteger)
    ignored: int = Field(sa_type=BigInteger)
    dead: int = Field(sa_type=BigInteger)


# --- normalise -------------------------------------------------------------------------------


class Contact(SQLModel, table=True):
    """A person or group, whatever channels they use."""

    __tablename__ = "contacts"
    id: str = Field(primary_key=True)
    name: str | None = None
    attributes: dict[str, Any] = _json()
    blocked_at: datetime | None = _time(nullable=True)
    created_at: datetime = _time()


class ContactMerge(SQLModel, table=True):
    """That a contact became a part of another: what it was, so that this can be undone."""

    __tablename__ = "contact_merges"
    id: str = Field(primary_key=True)
    #: The id that it had, and has again once this is undone.
    contact_id: str = Field(unique=True)
    into_id: str = Field(foreign_key="contacts.id", index=True)
    name: str | None = None
    attributes: dict[str, Any] = _json()
    blocked_at: datetime | None = _time(nullable=True)
    created_at: datetime = _time()
    #: The addresses that moved.
    address_ids: list[str] = _json()
    #: The contacts that had been merged into it before.
    carried: list[str] = _json()
    #: What the other took over: see `hubbub.contacts.rules.Taken`.
    taken: dict[str, Any] = _json()
    merged_at: datetime = _time()
    merged_by: str


class Address(SQLModel, table=True):
    """An id by which one channel reaches a contact. ``state`` as `hubbub.sdk.AddressState`."""

    __tablename__ = "addresses"
    __table_args__ = (
        UniqueConstraint("channel_id", "address"),
        _unique_where_given("addresses", "channel_id", "also"),
    )
    id: str = Field(primary_key=True)
    channel_id: str = Field(foreign_key="channels.id")
    contact_id: str = Field(foreign_key="contacts.id", index=True)
    address: str
    #: The other id by which the provider knows its owner, where it has two.
    also: str | None = None
    name: str | None = None
    state: str = "ok"
    state_reason: str = ""
    #: Whether it may be sent marketing, as far as its owner said.
    marketing: bool = True
    #: When that was said, if ever: the latest word counts, in whatever order they come.
    marketing_at: datetime | None = _time(nullable=True)
    created_at: datetime = _time()


#: Of conversations that wait for somebody, as their index says it.
UNRESOLVED = "status <> 'resolved'"


class Conversation(SQLModel, table=True):
    """What one channel and one contact say to each other.

    ``owner`` is ``queue`` (the routes decide), ``people`` (a bot handed it over), ``user:<id>`` or
    ``bot:<route type>``; every change of it raises ``owner_version``, under which automatic
    answers are computed.
    """

    __tablename__ = "conversations"
    __table_args__ = (
        Index("ix_conversations_recent", "last_message_at", "id"),
        Index("ix_conversations_channel_recent", "channel_id", "last_message_at", "id"),
        Index("ix_conversations_status_recent", "status", "last_message_at", "id"),
        Index(
            "ix_conversations_address_recent",
            "address_id",
            "last_message_at",
            **_only("thread <> ''"),
        ),
        Index(
            "ix_conversations_team_recent",
            "team_id",
            "last_message_at",
            "id",
            **_only("team_id IS NOT NULL"),
        ),
        Index("ix_conversations_waiting", "assignee_id", **_only(UNRESOLVED)),
        Index("ix_conversations_snoozed", "snoozed_until", **_only("status = 'snoozed'")),
        # Only where the type tells conversations apart has an address several of them.
        UniqueConstraint("address_id", "thread"),
    )
    id: str = Field(primary_key=True)
    channel_id: str = Field(foreign_key="channels.id")
    contact_id: str = Field(foreign_key="contacts.id", index=True)
    address_id: str = Field(foreign_key="addresses.id")
    #: Its own id where an address may have several conversations (`Capabilities.threads`).
    thread: str = ""
    #: The conversation that it began by answering, though its writer has no part in that.
    related_id: str | None = None
    #: open, snoozed or resolved.
    status: str = "open"
    #: When it is open again, if it is snoozed; None: with the contact's next message.
    snoozed_until: datetime | None = _time(nullable=True)
    owner: str = "queue"
    owner_version: int = 1
    assignee_id: str | None = Field(default=None, foreign_key="users.id", index=True)
    #: Whose queue it is in; None: everybody's.
    team_id: str | None = Field(default=None, foreign_key="teams.id")
    tags: list[str] = _json()
    last_seq: int = 0
    #: Inbound messages that nobody has seen.
    unread: int = 0
    #: Inbound messages that asked for attention, ever: how many of them somebody knows is in
    #: `Reading`.
    heard: int = 0
    preview: str = ""
    last_message_at: datetime = _time()
    last_inbound_at: datetime | None = _time(nullable=True)
    #: The address on our side that the contact last wrote to.
    our_address: str | None = None
    #: The last choices that went out as a numbered menu, which a number answers.
    menu: dict[str, Any] | None = _json(nullable=True)
    created_at: datetime = _time()


class Message(SQLModel, table=True):
    """What was said. ``seq`` orders a conversation. ``author`` is who wrote an outbound one."""

    __tablename__ = "messages"
    __table_args__ = (
        UniqueConstraint("conversation_id", "seq"),
        # The effect of an event happens once: these are its idempotency keys.
        _unique_where_given("messages", "channel_id", "event_key"),
        _unique_where_given("messages", "idempotency_key"),
        Index(
            "ix_messages_channel_id_external_id",
            "channel_id",
            "external_id",
            **_only("external_id IS NOT NULL"),
        ),
        Index("ix_messages_channel_id_id", "channel_id", "id"),
        # No index speaks of the status, and pages keep room: so PostgreSQL changes it in place.
        {"postgresql_with": {"fillfactor": 85}},
    )
    id: str = Field(primary_key=True)
    channel_id: str
    conversation_id: str = Field(foreign_key="conversations.id")
    contact_id: str
    seq: int
    direction: str
    #: ``content.type``.
    kind: str
    content: dict[str, Any] = _json()
    sender_address: str
    sender_name: str | None = None
    external_id: str | None = None
    event_key: str | None = None
    idempotency_key: str | None = None
    #: SHA-256 of the request under that key: another request under it is refused.
    request_digest: str | None = None
    #: The call that brought it, which is deleted before the message is.
    call_id: str | None = None
    reply_to_id: str | None = None
    reply_to_external_id: str | None = None
    #: As the contract names them; moved by `hubbub.store.states` alone.
    status: str
    error: dict[str, Any] | None = _json(nullable=True)
    #: ``api:<token id>``, ``program:<token id>``, ``user:<id>``, ``bot:<route type>``; None for
    #: inbound ones.
    author: str | None = None
    #: Why it went where it went: see `hubbub.route.rules.Decision`.
    decision: dict[str, Any] | None = _json(nullable=True)
    provider_at: datetime | None = _time(nullable=True)
    created_at: datetime = _time()
    edited_at: datetime | None = _time(nullable=True)
    deleted_at: datetime | None = _time(nullable=True)


class TrafficHour(SQLModel, table=True):
    """How many messages of a channel came and were written in an hour, counted since 1970."""

    __tablename__ = "traffic_hours"
    channel_id: str = Field(primary_key=True)
    hour: int = Field(primary_key=True)
    received: int = Field(sa_type=BigInteger)
    sent: int = Field(sa_type=BigInteger)
    received_at: datetime | None = _time(nullable=True)
    sent_at: datetime | None = _time(nullable=True)


class TrafficCounted(SQLModel, table=True):
    """Up to which message they are counted: one row."""

    __tablename__ = "traffic_counted"
    id: int = Field(primary_key=True)
    upto: str


class Piece(SQLModel, table=True):
    """That one piece of a longer message came; what it says stands in its call.

    It waits for the others until ``due_at``, which is empty once they are joined. ``event_key``
    makes it count once, and ``whole`` is the same for all that belong together.
    """

    __tablename__ = "pieces"
    __table_args__ = (
        UniqueConstraint("channel_id", "event_key"),
        Index("ix_pieces_channel_id_address", "channel_id", "address"),
        Index("ix_pieces_due", "due_at", "channel_id", **_only("due_at IS NOT NULL")),
    )
    id: str = Field(primary_key=True)
    channel_id: str = Field(foreign_key="channels.id")
    event_key: str
    #: Of the conversation that the message will belong to.
    address: str
    whole: str
    number: int
    total: int
    call_id: str = Field(index=True)
    #: What it became a part of; none where a screen dropped that.
    message_id: str | None = Field(default=None, foreign_key="messages.id", index=True)
    due_at: datetime | None = _time(nullable=True)
    kept_at: datetime = _time()


class MessageVersion(SQLModel, table=True):
    """What a message said before an edit or a deletion. ``event_key`` makes each happen once."""

    __tablename__ = "message_versions"
    __table_args__ = (UniqueConstraint("channel_id", "event_key"),)
    id: str = Field(primary_key=True)
    message_id: str = Field(foreign_key="messages.id", index=True)
    channel_id: str = Field(foreign_key="channels.id")
    event_key: str
    content: dict[str, Any] = _json()
    replaced_at: datetime = _time()


class AddressChange(SQLModel, table=True):
    """A change of an address's state that a provider told. ``event_key`` makes it happen once."""

    __tablename__ = "address_changes"
    __table_args__ = (UniqueConstraint("channel_id", "event_key"),)
    id: str = Field(primary_key=True)
    channel_id: str = Field(foreign_key="channels.id")
    address_id: str | None = Field(default=None, foreign_key="addresses.id", index=True)
    event_key: str
    state: str
    reason: str = ""
    at: datetime = _time()


class ErasedEvent(SQLModel, table=True):
    """That an event was erased with its contact: the hash of its channel and key, nothing else."""

    __tablename__ = "erased_events"
    digest: str = Field(primary_key=True)


class ErasedAddress(SQLModel, table=True):
    """What outlives an erased address: what its owner chose, and where links sent to it lead.

    ``id`` is the one that it had. The address itself is not kept, only a digest under a key.
    """

    __tablename__ = "erased_addresses"
    __table_args__ = (Index("ix_erased_addresses_channel_id_digest", "channel_id", "digest"),)
    id: str = Field(primary_key=True)
    channel_id: str = Field(foreign_key="channels.id")
    digest: str
    #: The address that its owner has now on a channel of the account, where there is one.
    address_id: str | None = Field(default=None, foreign_key="addresses.id", index=True)
    #: Whether they asked not to be written to at all.
    opted_out: bool = False
    marketing: bool = True
    marketing_at: datetime | None = _time(nullable=True)


class DigestKey(SQLModel, table=True):
    """A key of such digests, encrypted; lookups try all that can be decrypted."""

    __tablename__ = "digest_keys"
    id: str = Field(primary_key=True)
    sealed: bytes = _blob()


class Note(SQLModel, table=True):
    """A remark among colleagues; never sent."""

    __tablename__ = "notes"
    __table_args__ = (_unique_where_given("notes", "idempotency_key"),)
    id: str = Field(primary_key=True)
    conversation_id: str = Field(foreign_key="conversations.id", index=True)
    author: str
    text: str
    idempotency_key: str | None = None
    created_at: datetime = _time()


class ShownMessage(SQLModel, table=True):
    """That a message is to be seen in a chat window, and as the how-manieth of its conversation.

    Not in the order of `Message.seq`: what is scheduled or held is seen later than what follows it.
    """

    __tablename__ = "shown_messages"
    conversation_id: str = Field(primary_key=True, foreign_key="conversations.id")
    seq: int = Field(primary_key=True, sa_column_kwargs={"autoincrement": False})
    message_id: str = Field(foreign_key="messages.id", unique=True)
    shown_at: datetime = _time()


class Mention(SQLModel, table=True):
    """That a note speaks to somebody; ``seen_at`` once they have read it."""

    __tablename__ = "mentions"
    __table_args__ = (Index("ix_mentions_user_id_conversation_id", "user_id", "conversation_id"),)
    note_id: str = Field(primary_key=True, foreign_key="notes.id")
    user_id: str = Field(primary_key=True, foreign_key="users.id")
    conversation_id: str = Field(foreign_key="conversations.id", index=True)
    seen_at: datetime | None = _time(nullable=True)


class Reading(SQLModel, table=True):
    """How far somebody has read a conversation: ``heard`` of what it heard by then."""

    __tablename__ = "readings"
    user_id: str = Field(primary_key=True, foreign_key="users.id")
    conversation_id: str = Field(primary_key=True, foreign_key="conversations.id", index=True)
    heard: int = 0
    #: Whether it counts as unread although all was read.
    marked: bool = False


class UsedTag(SQLModel, table=True):
    """A tag that some conversation has, to suggest it."""

    __tablename__ = "tags"
    name: str = Field(primary_key=True)
    used_at: datetime = _time(index=True)
    #: Conversations that have it. The code before counted none.
    carried: int = Field(sa_column_kwargs={"server_default": "1"})


class CannedReply(SQLModel, table=True):
    """Words that are said often. ``user_id``: whose they are; None: everybody's."""

    __tablename__ = "canned_replies"
    __table_args__ = (
        Index("ix_canned_replies_shortcut", "shortcut", "id"),
        UniqueConstraint("user_id", "shortcut"),
        Index("uq_canned_replies_shortcut", "shortcut", unique=True, **_only("user_id IS NULL")),
    )
    id: str = Field(primary_key=True)
    user_id: str | None = Field(default=None, foreign_key="users.id", index=True)
    shortcut: str
    text: str
    created_at: datetime = _time()
    changed_at: datetime = _time()


class SavedView(SQLModel, table=True):
    """What of the inbox somebody looks at often; ``filters`` as they stand in the address."""

    __tablename__ = "saved_views"
    __table_args__ = (UniqueConstraint("user_id", "name"),)
    id: str = Field(primary_key=True)
    user_id: str = Field(foreign_key="users.id")
    name: str
    filters: dict[str, str] = _json()
    created_at: datetime = _time()


class MediaFile(SQLModel, table=True):
    """A file of a message, or an upload that no message uses yet."""

    __tablename__ = "media"
    __table_args__ = (Index("ix_media_due", "due_at", **_only("state = 'pending'")),)
    id: str = Field(primary_key=True)
    channel_id: str | None = Field(default=None, foreign_key="channels.id")
    message_id: str | None = Field(default=None, foreign_key="messages.id", index=True)
    #: The provider's handle, for a file still to be fetched; of a visitor's upload their address.
    ref: str | None = None
    state: str
    reason: str = ""
    mime_type: str | None = None
    filename: str | None = None
    #: Bytes; some providers send files larger than 32 bits count.
    size: int | None = Field(default=None, sa_type=BigInteger)
    width: int | None = None
    height: int | None = None
    duration_ms: int | None = None
    attempts: int = 0
    due_at: datetime | None = _time(nullable=True)
    created_at: datetime = _time()


# --- deliver ---------------------------------------------------------------------------------


#: Of deliveries that reached nobody, as their index says it.
FAILED_TO_CONTACT = "destination = 'contact' AND state = 'failed'"


class Delivery(SQLModel, table=True):
    """The carrying of one part of an outbound message, or of an inbound one to a destination.

    ``destination`` is ``contact``, the type of a route whose handling takes requests, or ``copy``:
    one who gets a copy of a letter is tried again alone.
    A delivery in an active state holds up the later ones of its conversation and destination
    until ``lane_until``, without end where that is empty.
    """

    __tablename__ = "deliveries"
    __table_args__ = (
        UniqueConstraint("message_id", "destination", "part"),
        Index(
            "ix_deliveries_channel_id_external_id",
            "channel_id",
            "external_id",
            **_only("external_id IS NOT NULL"),
        ),
        Index(
            "ix_deliveries_lost",
            "conversation_id",
            **_only("destination = 'contact' AND state IN ('failed', 'unknown')"),
        ),
        Index("ix_deliveries_failed", "channel_id", "created_at", **_only(FAILED_TO_CONTACT)),
        Index("ix_deliveries_lane", "conversation_id", "seq", "part", **_only(_ACTIVE)),
        Index(
            "ix_deliveries_due",
            "channel_id",
            "bulk",
            "onward",
            "due_at",
            "id",
            **_only("state IN ('queued', 'retrying')"),
        ),
        Index("ix_deliveries_open", "claimed_at", **_only("state IN ('sending', 'unknown')")),
    )
    id: str = Field(primary_key=True)
    message_id: str = Field(foreign_key="messages.id")
    channel_id: str
    conversation_id: str
    #: The message's.
    seq: int
    part: int = 0
    parts: int = 1
    destination: str = "contact"
    #: Whether that is a route's.
    onward: bool = False
    #: The routes and the rule (none: the fallback) that chose the destination, for a route.
    routes_version: int | None = None
    route_id: str | None = None
    #: Whether the contact had never written before, for a route.
    first_message: bool = False
    #: The part's content, where the message was fitted to the channel.
    content: dict[str, Any] | None = _json(nullable=True)
    address: str
    reply_to_external_id: str | None = None
    state: str = DeliveryState.QUEUED
    #: When it was meant to start, for a scheduled send: until then it holds nobody up.
    starts_at: datetime | None = _time(nullable=True)
    due_at: datetime = _time()
    lane_until: datetime | None = _time(nullable=True)
    #: Campaigns and the like, which replies overtake.
    bulk: bool = False
    attempts: int = 0
    #: The destination said that it answers later; past ``due_at`` the fallback acts.
    awaits_answer: bool = False
    claimed_by: str | None = None
    claimed_at: datetime | None = _time(nullable=True)
    #: The owner's version under which an automatic answer was computed.
    owner_version: int | None = None
    external_id: str | None = None
    error: dict[str, Any] | None = _json(nullable=True)
    created_at: datetime = _time()


class Attempt(SQLModel, table=True):
    """One try at a delivery, with what was said, redacted."""

    __tablename__ = "attempts"
    id: str = Field(primary_key=True)
    delivery_id: str = Field(foreign_key="deliveries.id", index=True)
    #: ``accepted``, or the class of the error in snake case.
    outcome: str
    detail: str = ""
    #: ``[{"request": {...}, "response": {...}, "duration_ms"}]``.
    exchanges: list[dict[str, Any]] = _json()
    started_at: datetime = _time()
    duration_ms: int


# --- track -----------------------------------------------------------------------------------


class Receipt(SQLModel, table=True):
    """A provider's word on a delivery; without ``delivery_id`` it waits for its delivery.

    One with ``up_to`` speaks of all that was sent to ``address`` until then: it goes on waiting.
    """

    __tablename__ = "receipts"
    __table_args__ = (
        UniqueConstraint("channel_id", "event_key"),
        Index("ix_receipts_orphans", "channel_id", "external_id", **_only("delivery_id IS NULL")),
        Index("ix_receipts_recent_orphans", "received_at", **_only("delivery_id IS NULL")),
        Index("ix_receipts_delivery_id", "delivery_id"),
        Index(
            "ix_receipts_watermarks",
            "channel_id",
            "address",
            "up_to",
            **_only("up_to IS NOT NULL"),
        ),
    )
    id: str = Field(primary_key=True)
    channel_id: str
    event_key: str
    external_id: str | None = None
    reference: str | None = None
    delivery_id: str | None = Field(default=None, foreign_key="deliveries.id")
    state: str
    fault: dict[str, Any] | None = _json(nullable=True)
    provider_at: datetime | None = _time(nullable=True)
    address: str | None = None
    up_to: datetime | None = _time(nullable=True)
    received_at: datetime = _time()


class Requeue(SQLModel, table=True):
    """That what failed for one cause is tried again, a few in each minute, until it is stopped.

    ``kind`` is ``failed`` (messages, by the code of their error), ``dead`` or ``quarantined``
    (calls, by their reason). What fails later, with an id after ``upto``, is no part of it.
    """

    __tablename__ = "requeues"
    __table_args__ = (
        Index(
            "uq_requeues_running",
            "channel_id",
            "kind",
            "cause",
            unique=True,
            **_only("state = 'running'"),
        ),
    )
    id: str = Field(primary_key=True)
    kind: str
    channel_id: str = Field(foreign_key="channels.id")
    cause: str
    #: The last id that was tried again, and the last one that is to be.
    after: str = ""
    upto: str
    per_minute: int
    total: int
    done: int = 0
    #: What could not be tried again.
    skipped: int = 0
    #: running, done or stopped.
    state: str
    next_at: datetime = _time()
    created_at: datetime = _time()
    created_by: str
    finished_at: datetime | None = _time(nullable=True)


# --- processes -------------------------------------------------------------------------------


class Lease(SQLModel, table=True):
    """Who leads (``scheduler``) or holds a source (``source:<channel>``), and until when."""

    __tablename__ = "leases"
    name: str = Field(primary_key=True)
    holder: str
    expires_at: datetime = _time()


class Process(SQLModel, table=True):
    """A running process and when it last said so."""

    __tablename__ = "processes"
    id: str = Field(primary_key=True)
    kind: str
    host: str
    started_at: datetime = _time()
    seen_at: datetime = _time()
