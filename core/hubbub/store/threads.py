"""Hold a conversation while a transaction writes to it, and write it back in one statement."""

from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

from sqlalchemy import Connection, Select, bindparam, or_, select

from hubbub.store.news import note
from hubbub.store.prepared import Prepared, among, setting
from hubbub.store.tables import Address, Contact, Conversation, table
from hubbub.store.types import AnyRow, new_id

_contacts = table(Contact)
_addresses = table(Address)
_conversations = table(Conversation)

#: The columns of a conversation that change as messages come and go.
MOVING: Final = (
    "last_seq",
    "unread",
    "heard",
    "status",
    "owner",
    "owner_version",
    "assignee_id",
    "team_id",
    "preview",
    "last_message_at",
    "last_inbound_at",
    "our_address",
    "menu",
    "tags",
)


@dataclass(slots=True)
class Traffic:
    """What an address wrote lately, and what it was answered automatically."""

    inbound: int = 0
    #: By conversation.
    automatic: Counter[str] = field(default_factory=Counter[str])
    #: Whether it wrote before the time for which strangers are counted.
    known: bool = False
    #: The conversations of strangers on the channel that were answered so lately.
    answered: set[str] = field(default_factory=set)

    def answer(self, conversation_id: str) -> None:
        """Count an automatic answer."""
        self.automatic[conversation_id] += 1
        self.answered.add(conversation_id)


@dataclass(slots=True, kw_only=True)
class Addressee:
    """A contact's address on a channel; where that tells conversations apart, several share it."""

    id: str
    channel_id: str
    contact_id: str
    address: str
    #: Another id by which the provider knows them.
    also: str | None = None
    #: As they call themselves, and as people here call them.
    name: str | None = None
    given_name: str | None = None
    state: str = "ok"
    marketing: bool = True
    blocked: bool = False
    #: None where nobody has to know.
    traffic: Traffic | None = None


@dataclass(slots=True, kw_only=True)
class Thread:
    """A conversation with its contact's address, as one transaction sees and changes it."""

    conversation_id: str
    addressee: Addressee
    #: Whom it is with. Not as the address says: contacts may have been merged while we waited for
    #: the conversation, and of that alone the hold shows what is true now.
    contact_id: str
    last_message_at: datetime
    #: Its own id where an address may have several conversations.
    thread: str = ""
    related_id: str | None = None
    last_seq: int = 0
    unread: int = 0
    heard: int = 0
    status: str = "open"
    owner: str = "queue"
    owner_version: int = 1
    assignee_id: str | None = None
    team_id: str | None = None
    preview: str = ""
    last_inbound_at: datetime | None = None
    our_address: str | None = None
    menu: dict[str, Any] | None = None
    tags: list[str] = field(default_factory=list)
    #: `standing` when it was read.
    stood: tuple[object, ...] = ()

    @property
    def channel_id(self) -> str:
        """The channel that it is on."""
        return self.addressee.channel_id

    @property
    def address(self) -> str:
        """Where they are reached."""
        return self.addressee.address

    def name_of(self, address: str) -> str | None:
        """Return what who writes from ``address`` is called, if that is the contact."""
        who = self.addressee
        return who.given_name or who.name if address == who.address else None

    def standing(self) -> tuple[object, ...]:
        """Return what others want to be told of when it changes."""
        return self.status, self.owner, self.assignee_id, tuple(self.tags)

    def next_seq(self) -> int:
        """Return the number of the next message."""
        self.last_seq += 1
        return self.last_seq

    def give_to(self, owner: str) -> None:
        """Make ``owner`` the one who answers; what others are computing becomes void."""
        if self.owner != owner:
            self.owner = owner
            self.owner_version += 1


_ADDRESSEE: Final = (
    _addresses.c.id.label("address_id"),
    _addresses.c.channel_id,
    _addresses.c.contact_id,
    _addresses.c.address,
    _addresses.c.also,
    _addresses.c.name,
    _addresses.c.state.label("address_state"),
    _addresses.c.marketing,
    _contacts.c.name.label("given_name"),
    _contacts.c.blocked_at,
)


def _select() -> Select[Any]:
    return (
        select(
            _conversations.c.id.label("conversation_id"),
            _conversations.c.contact_id.label("held_contact_id"),
            _conversations.c.thread,
            _conversations.c.related_id,
            *_ADDRESSEE,
            *(_conversations.c[name] for name in MOVING),
        )
        .join(_addresses, _addresses.c.id == _conversations.c.address_id)
        .join(_contacts, _contacts.c.id == _addresses.c.contact_id)
        # Always in this order: two transactions that hold several never wait for each other.
        .order_by(_conversations.c.id)
    )


_ON_CHANNEL: Final = _addresses.c.channel_id == bindparam("channel_id")
_BY_ADDRESS: Final = among(_addresses.c.address, "wanted")
_BY_EITHER: Final = or_(_BY_ADDRESS, among(_addresses.c.also, "wanted"))
_HELD_BY_ADDRESS: Final = Prepared(
    _select().where(_ON_CHANNEL, _BY_ADDRESS).with_for_update(of=_conversations)
)
_HELD_BY_EITHER: Final = Prepared(
    _select().where(_ON_CHANNEL, _BY_EITHER).with_for_update(of=_conversations)
)
_ADDRESSEES: Final = Prepared(
    select(*_ADDRESSEE)
    .join(_contacts, _contacts.c.id == _addresses.c.contact_id)
    .where(_ON_CHANNEL, _BY_EITHER)
)
_BY_ID: Final = _select().where(among(_conversations.c.id, "wanted"))
_HELD_BY_ID: Final = Prepared(_BY_ID.with_for_update(of=_conversations))
_SEEN_BY_ID: Final = Prepared(_BY_ID)
_SAVE: Final = setting(_conversations, *MOVING)


def at_addresses(
    db: Connection, channel_id: str, wanted: Collection[str], *, aliases: bool = False
) -> Sequence[AnyRow]:
    """Return the rows of `thread_of` at these addresses, held until the transaction ends.

    With ``aliases``, also at those whose owners are known by one of ``wanted`` as well.
    """
    if not wanted:
        return []
    prepared = _HELD_BY_EITHER if aliases else _HELD_BY_ADDRESS
    return prepared.all(db, channel_id=channel_id, wanted=wanted)


def addressees(db: Connection, channel_id: str, wanted: Collection[str]) -> Sequence[AnyRow]:
    """Return the rows of `addressee_of` at these addresses."""
    if not wanted:
        return []
    return _ADDRESSEES.all(db, channel_id=channel_id, wanted=wanted)


def rows_by_ids(db: Connection, wanted: Collection[str], *, hold: bool = True) -> Sequence[AnyRow]:
    """Return the rows of `thread_of`, held until the transaction ends if ``hold``."""
    if not wanted:
        return []
    return (_HELD_BY_ID if hold else _SEEN_BY_ID).all(db, wanted=wanted)


def by_ids(db: Connection, wanted: Collection[str], *, hold: bool = True) -> dict[str, Thread]:
    """Return the threads of these conversations, held until the transaction ends if ``hold``."""
    rows = rows_by_ids(db, wanted, hold=hold)
    return {row.conversation_id: thread_of(row, addressee_of(row)) for row in rows}


def save(db: Connection, threads: Iterable[Thread]) -> None:
    """Write threads back."""
    threads = list(threads)
    for thread in threads:
        if thread.standing() != thread.stood:
            note(db, "conversation_changed", thread.conversation_id)
    rows = [
        {"id": thread.conversation_id} | {name: getattr(thread, name) for name in MOVING}
        for thread in threads
    ]
    _SAVE.run(db, rows)


def begun(
    addressee: Addressee, now: datetime, *, threads: bool, related_id: str | None = None
) -> Thread:
    """Return a new conversation; ``threads``: an address may have several."""
    conversation_id = new_id()
    return Thread(
        conversation_id=conversation_id,
        addressee=addressee,
        contact_id=addressee.contact_id,
        last_message_at=now,
        thread=conversation_id if threads else "",
        related_id=related_id,
    )


def row_of(thread: Thread, created_at: datetime) -> dict[str, Any]:
    """Return the row of a new conversation."""
    return {
        "id": thread.conversation_id,
        "channel_id": thread.channel_id,
        "contact_id": thread.contact_id,
        "address_id": thread.addressee.id,
        "thread": thread.thread,
        "related_id": thread.related_id,
        "created_at": created_at,
    } | {name: getattr(thread, name) for name in MOVING}


def rows_of(addressee: Addressee, now: datetime) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return the rows of a new contact and of its address."""
    contact: dict[str, Any] = {
        "id": addressee.contact_id,
        "name": addressee.name,
        "attributes": {},
        "created_at": now,
    }
    address = {
        "id": addressee.id,
        "channel_id": addressee.channel_id,
        "contact_id": addressee.contact_id,
        "address": addressee.address,
        "also": addressee.also,
        "name": addressee.name,
        "state": addressee.state,
        "created_at": now,
    }
    return contact, address


def addressee_of(row: AnyRow) -> Addressee:
    """Return the addressee that a row of ours describes."""
    return Addressee(
        id=row.address_id,
        channel_id=row.channel_id,
        contact_id=row.contact_id,
        address=row.address,
        also=row.also,
        name=row.name,
        given_name=row.given_name,
        state=row.address_state,
        marketing=bool(row.marketing),
        blocked=row.blocked_at is not None,
    )


def thread_of(row: AnyRow, addressee: Addressee) -> Thread:
    """Return the thread that a row of ours describes."""
    moving = {name: getattr(row, name) for name in MOVING}
    thread = Thread(
        conversation_id=row.conversation_id,
        addressee=addressee,
        contact_id=row.held_contact_id,
        thread=row.thread,
        related_id=row.related_id,
        **{**moving, "tags": list(row.tags or [])},
    )
    thread.stood = thread.standing()
    return thread
