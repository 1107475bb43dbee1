"""Hold a conversation while a transaction writes to it, and write it back in one statement."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

from sqlalchemy import Connection, Select, bindparam, select

from hubbub.store.news import note
from hubbub.store.prepared import Prepared, among, setting
from hubbub.store.tables import Address, Contact, Conversation, table
from hubbub.store.types import AnyRow

_contacts = table(Contact)
_addresses = table(Address)
_conversations = table(Conversation)

#: The columns of a conversation that change as messages come and go.
MOVING: Final = (
    "last_seq",
    "unread",
    "status",
    "owner",
    "owner_version",
    "assignee_id",
    "preview",
    "last_message_at",
    "last_inbound_at",
    "our_address",
    "menu",
    "tags",
)


@dataclass(slots=True, kw_only=True)
class Thread:
    """A conversation with its contact's address, as one transaction sees and changes it."""

    conversation_id: str
    channel_id: str
    contact_id: str
    address_id: str
    address: str
    last_message_at: datetime
    #: As they call themselves, and as people here call them.
    name: str | None = None
    given_name: str | None = None
    address_state: str = "ok"
    marketing: bool = True
    blocked: bool = False
    last_seq: int = 0
    unread: int = 0
    status: str = "open"
    owner: str = "queue"
    owner_version: int = 1
    assignee_id: str | None = None
    preview: str = ""
    last_inbound_at: datetime | None = None
    our_address: str | None = None
    menu: dict[str, Any] | None = None
    tags: list[str] = field(default_factory=list)
    #: `standing` when it was read.
    stood: tuple[object, ...] = ()

    def name_of(self, address: str) -> str | None:
        """Return what who writes from ``address`` is called, if that is the contact."""
        return self.given_name or self.name if address == self.address else None

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


def _select() -> Select[Any]:
    return (
        select(
            _conversations.c.id.label("conversation_id"),
            _conversations.c.channel_id,
            _conversations.c.contact_id,
            _conversations.c.address_id,
            _addresses.c.address,
            _addresses.c.name,
            _addresses.c.state.label("address_state"),
            _addresses.c.marketing,
            _contacts.c.name.label("given_name"),
            _contacts.c.blocked_at,
            *(_conversations.c[name] for name in MOVING),
        )
        .join(_addresses, _addresses.c.id == _conversations.c.address_id)
        .join(_contacts, _contacts.c.id == _conversations.c.contact_id)
        # Always in this order: two transactions that hold several never wait for each other.
        .order_by(_conversations.c.id)
    )


_BY_ADDRESS: Final = Prepared(
    _select()
    .where(
        _addresses.c.channel_id == bindparam("channel_id"), among(_addresses.c.address, "wanted")
    )
    .with_for_update(of=_conversations)
)
_BY_ID: Final = _select().where(among(_conversations.c.id, "wanted"))
_HELD_BY_ID: Final = Prepared(_BY_ID.with_for_update(of=_conversations))
_SEEN_BY_ID: Final = Prepared(_BY_ID)
_SAVE: Final = setting(_conversations, *MOVING)


def at_addresses(db: Connection, channel_id: str, wanted: Collection[str]) -> Sequence[AnyRow]:
    """Return the rows of `thread_of` at these addresses, held until the transaction ends."""
    if not wanted:
        return []
    return _BY_ADDRESS.all(db, channel_id=channel_id, wanted=wanted)


def by_ids(db: Connection, wanted: Collection[str], *, hold: bool = True) -> dict[str, Thread]:
    """Return the threads of these conversations, held until the transaction ends if ``hold``."""
    if not wanted:
        return {}
    rows = (_HELD_BY_ID if hold else _SEEN_BY_ID).all(db, wanted=wanted)
    return {row.conversation_id: thread_of(row) for row in rows}


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


def row_of(thread: Thread, created_at: datetime) -> dict[str, Any]:
    """Return the row of a new conversation."""
    return {
        "id": thread.conversation_id,
        "channel_id": thread.channel_id,
        "contact_id": thread.contact_id,
        "address_id": thread.address_id,
        "created_at": created_at,
    } | {name: getattr(thread, name) for name in MOVING}


def thread_of(row: AnyRow) -> Thread:
    """Return the thread that a row of ours describes."""
    moving = {name: getattr(row, name) for name in MOVING}
    thread = Thread(
        conversation_id=row.conversation_id,
        channel_id=row.channel_id,
        contact_id=row.contact_id,
        address_id=row.address_id,
        address=row.address,
        name=row.name,
        given_name=row.given_name,
        address_state=row.address_state,
        marketing=bool(row.marketing),
        blocked=row.blocked_at is not None,
        **{**moving, "tags": list(row.tags or [])},
    )
    thread.stood = thread.standing()
    return thread
