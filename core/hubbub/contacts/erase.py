"""Erase a person: everything we hold of a contact, at once."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    Select,
    Table,
    and_,
    column,
    delete,
    exists,
    func,
    or_,
    select,
    tuple_,
    update,
)

from hubbub.contacts import queries
from hubbub.contacts.work import missing
from hubbub.deliver.media import delete_files
from hubbub.hub import Hub
from hubbub.people.audit import audit
from hubbub.remembered import remember as remember_choices
from hubbub.store.calls import EMPTIED
from hubbub.store.erased import remember
from hubbub.store.letters import letters_about
from hubbub.store.session import transaction
from hubbub.store.tables import (
    Address,
    AddressChange,
    Attempt,
    Call,
    Contact,
    ContactMerge,
    Conversation,
    Delivery,
    MediaFile,
    Mention,
    Message,
    MessageVersion,
    Note,
    Piece,
    Reading,
    Receipt,
    ShownMessage,
    table,
)
from hubbub.store.tags import count_tags
from hubbub.store.types import Json

_addresses = table(Address)
_changes = table(AddressChange)
_calls = table(Call)
_conversations = table(Conversation)
_deliveries = table(Delivery)
_media = table(MediaFile)
_messages = table(Message)
_pieces = table(Piece)
_receipts = table(Receipt)
_versions = table(MessageVersion)


@dataclass(frozen=True, kw_only=True)
class Erased:
    """What was erased with a contact."""

    addresses: int
    conversations: int
    messages: int
    notes: int
    files: int
    #: What was still to be sent.
    waiting: int
    #: Calls that told of them, of which only a count is left.
    calls: int


def erase_contact(hub: Hub, contact_id: str, *, actor: str) -> Erased:
    """Erase a contact with all that was said and the files, and whoever was merged into them.

    Whoever is known only by letters that told what this one missed in a chat window is erased, too.
    The calls that told of them stay counted, but lose all they told. Of what was told, hashes
    stay: it may be told again, by a provider or another folder of a mailbox, and is then ignored.
    So does what they chose about letters to many, by a digest of each address.
    Raises `NotFound`, or `hubbub.contacts.work.Merged`.
    """
    with transaction(hub.engine) as db:
        beside = _only_by_letter(db, contact_id)
        if contact_id not in queries.hold(db, [contact_id, *beside]):
            raise missing(db, contact_id)
        erased, media_ids = _erase(hub, db, contact_id)
        for other_id in beside:
            media_ids += _erase(hub, db, other_id)[1]
        audit(
            db,
            now=hub.now(),
            actor=actor,
            action="contact.erased",
            object_id=contact_id,
            detail=vars(erased),
        )
    delete_files(hub, media_ids)
    return erased


def _erase(hub: Hub, db: Connection, contact_id: str) -> tuple[Erased, list[str]]:
    """Erase what there is of a contact; return how much that was, and the files to delete."""
    held = queries.held(db, contact_id)
    messages = _ids(_messages, _messages.c.contact_id == contact_id)
    media_ids = list(db.execute(_files_of(contact_id, messages)).scalars())
    erased = Erased(**held, calls=_empty_calls(db, contact_id))
    _remember_events(db, contact_id, messages)
    remember_choices(db, hub.vault, contact_id)
    count_tags(db, taken=_tags_of(db, contact_id), now=hub.now())
    _erase_rows(db, contact_id, messages)
    return erased, media_ids


def _tags_of(db: Connection, contact_id: str) -> list[str]:
    return [tag for row in queries.conversations(db, contact_id) for tag in set(row.tags or ())]


def _files_of(contact_id: str, messages: Select[Any]) -> Select[Any]:
    """Return the ids of all files of a contact, those of their ``messages`` and uploads."""
    theirs = or_(_media.c.message_id.in_(messages), _is_upload(contact_id, messages))
    return _ids(_media, theirs)


def _is_upload(contact_id: str, messages: Select[Any]) -> ColumnElement[bool]:
    """Return whether a file was uploaded by the contact: sent, which left a copy, or not."""
    copies = _media.alias()
    copied = select(copies.c.ref).where(
        copies.c.message_id.in_(messages), copies.c.ref.is_not(None)
    )
    own = select(_addresses.c.channel_id, _addresses.c.address).where(
        _addresses.c.contact_id == contact_id
    )
    return and_(
        _media.c.message_id.is_(None),
        _media.c.channel_id.is_not(None),
        or_(_media.c.id.in_(copied), tuple_(_media.c.channel_id, _media.c.ref).in_(own)),
    )


def _only_by_letter(db: Connection, contact_id: str) -> list[str]:
    """Return the contacts with whom nothing is said but what goes on with this one's words."""
    mine = _ids(_conversations, _conversations.c.contact_id == contact_id)
    letters = letters_about(mine)
    others = _conversations.alias()
    elsewhere = exists().where(
        others.c.contact_id == _conversations.c.contact_id, others.c.id.not_in(letters)
    )
    found = select(_conversations.c.contact_id).where(
        _conversations.c.id.in_(letters), _conversations.c.contact_id != contact_id, ~elsewhere
    )
    return list(db.execute(found.distinct()).scalars())


def _erase_rows(db: Connection, contact_id: str, messages: Select[Any]) -> None:
    deliveries = _ids(_deliveries, _deliveries.c.message_id.in_(messages))
    conversations = _ids(_conversations, _conversations.c.contact_id == contact_id)
    addresses = _ids(_addresses, _addresses.c.contact_id == contact_id)
    related = _conversations.c.related_id.in_(conversations)
    db.execute(update(_conversations).where(related).values(related_id=None))
    # From the leaves to the root, as the foreign keys ask.
    for rows, name, wanted in (
        (MediaFile, "id", _files_of(contact_id, messages)),
        (Attempt, "delivery_id", deliveries),
        (Receipt, "delivery_id", deliveries),
        (Delivery, "message_id", messages),
        (MessageVersion, "message_id", messages),
        (Piece, "id", _pieces_of(contact_id)),
        (ShownMessage, "message_id", messages),
        (Message, "contact_id", [contact_id]),
        (Mention, "conversation_id", conversations),
        (Reading, "conversation_id", conversations),
        (Note, "conversation_id", conversations),
        (Conversation, "contact_id", [contact_id]),
        (AddressChange, "address_id", addresses),
        (Address, "contact_id", [contact_id]),
        (ContactMerge, "into_id", [contact_id]),
        (Contact, "id", [contact_id]),
    ):
        gone = table(rows)
        db.execute(delete(gone).where(gone.c[name].in_(wanted)))


def _remember_events(db: Connection, contact_id: str, messages: Select[Any]) -> None:
    wanted = (
        select(_messages.c.channel_id, _messages.c.event_key).where(
            _messages.c.contact_id == contact_id, _messages.c.event_key.is_not(None)
        ),
        select(_pieces.c.channel_id, _pieces.c.event_key).where(
            _pieces.c.id.in_(_pieces_of(contact_id))
        ),
        *_keys_of(contact_id, messages),
    )
    remember(db, ((row[0], row[1]) for one in wanted for row in db.execute(one)))


def _empty_calls(db: Connection, contact_id: str) -> int:
    brought = select(_messages.c.call_id).where(
        _messages.c.contact_id == contact_id, _messages.c.call_id.is_not(None)
    )
    pieces = select(_pieces.c.call_id).where(_pieces.c.id.in_(_pieces_of(contact_id)))
    emptied = update(_calls).where(
        or_(
            _calls.c.id.in_(brought),
            _calls.c.id.in_(pieces),
            _calls.c.id.in_(_calls_about(db, contact_id)),
        )
    )
    return db.execute(emptied.values(**EMPTIED)).rowcount


def _calls_about(db: Connection, contact_id: str) -> Select[Any]:
    """Return the calls that told of what was known: the same message again, receipts, changes.

    Only the outcomes of a call name these, so all calls of the contact's channels are looked at.
    """
    channels = select(_addresses.c.channel_id).where(_addresses.c.contact_id == contact_id)
    messages = _ids(_messages, _messages.c.contact_id == contact_id)
    unpacked = func.json_each if db.dialect.name == "sqlite" else func.jsonb_array_elements
    outcome = unpacked(_calls.c.outcomes).table_valued(column("value", Json)).c.value
    key = tuple_(_calls.c.channel_id, outcome["key"].as_string())
    about = or_(
        outcome["message_id"].as_string().in_(messages),
        *(key.in_(keys) for keys in _keys_of(contact_id, messages)),
    )
    told = select(outcome).where(about).correlate(_calls).exists()
    return select(_calls.c.id).where(_calls.c.channel_id.in_(channels), told)


def _keys_of(contact_id: str, messages: Select[Any]) -> Iterator[Select[Any]]:
    """Yield the channels and keys of the events that became receipts or changes."""
    deliveries = _ids(_deliveries, _deliveries.c.message_id.in_(messages))
    addresses = _ids(_addresses, _addresses.c.contact_id == contact_id)
    for rows, name, wanted in (
        (_receipts, "delivery_id", deliveries),
        (_versions, "message_id", messages),
        (_changes, "address_id", addresses),
    ):
        yield select(rows.c.channel_id, rows.c.event_key).where(rows.c[name].in_(wanted))


def _pieces_of(contact_id: str) -> Select[Any]:
    """Return the pieces of long messages, also of those that are no messages yet."""
    return (
        select(_pieces.c.id)
        .join(
            _addresses,
            and_(
                _addresses.c.channel_id == _pieces.c.channel_id,
                _addresses.c.address == _pieces.c.address,
            ),
        )
        .where(_addresses.c.contact_id == contact_id)
    )


def _ids(rows: Table, condition: Any) -> Select[Any]:
    return select(rows.c.id).where(condition)
