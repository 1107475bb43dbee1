"""Erase a person: everything we hold of a contact, at once."""

from typing import Any, Final

from sqlalchemy import Connection, Select, Table, and_, delete, or_, select, update

from hubbub.deliver.media import delete_files
from hubbub.hub import Hub
from hubbub.people.audit import audit
from hubbub.people.errors import NotFound
from hubbub.store.session import transaction
from hubbub.store.tables import (
    Address,
    AddressChange,
    Attempt,
    Call,
    Contact,
    Conversation,
    Delivery,
    MediaFile,
    Message,
    MessageVersion,
    Note,
    Piece,
    Receipt,
    table,
)

#: What an emptied call says of itself.
_ERASED: Final = "Its contact was erased."

_addresses = table(Address)
_calls = table(Call)
_conversations = table(Conversation)
_deliveries = table(Delivery)
_media = table(MediaFile)
_messages = table(Message)
_pieces = table(Piece)


def erase_contact(hub: Hub, contact_id: str, *, actor: str) -> None:
    """Erase a contact with all that was said and the files. Raises `NotFound`.

    The calls that brought their messages stay counted, but lose headers and body.
    """
    with transaction(hub.engine) as db:
        media_ids = _erase(db, contact_id)
        audit(
            db,
            now=hub.now(),
            actor=actor,
            action="contact.erased",
            object_id=contact_id,
        )
    delete_files(hub, media_ids)


def _erase(db: Connection, contact_id: str) -> list[str]:
    contacts = table(Contact)
    found = select(contacts.c.id).where(contacts.c.id == contact_id).with_for_update()
    if db.execute(found).scalar() is None:
        raise NotFound("There is no such contact.")
    messages = _ids(_messages, _messages.c.contact_id == contact_id)
    media_ids = list(
        db.execute(select(_media.c.id).where(_media.c.message_id.in_(messages))).scalars()
    )
    _empty_calls(db, contact_id)
    _erase_rows(db, contact_id, messages)
    return media_ids


def _erase_rows(db: Connection, contact_id: str, messages: Select[Any]) -> None:
    deliveries = _ids(_deliveries, _deliveries.c.message_id.in_(messages))
    conversations = _ids(_conversations, _conversations.c.contact_id == contact_id)
    addresses = _ids(_addresses, _addresses.c.contact_id == contact_id)
    # From the leaves to the root, as the foreign keys ask.
    for rows, column, wanted in (
        (Attempt, "delivery_id", deliveries),
        (Receipt, "delivery_id", deliveries),
        (Delivery, "message_id", messages),
        (MediaFile, "message_id", messages),
        (MessageVersion, "message_id", messages),
        (Piece, "id", _pieces_of(contact_id)),
        (Message, "contact_id", [contact_id]),
        (Note, "conversation_id", conversations),
        (Conversation, "contact_id", [contact_id]),
        (AddressChange, "address_id", addresses),
        (Address, "contact_id", [contact_id]),
        (Contact, "id", [contact_id]),
    ):
        gone = table(rows)
        db.execute(delete(gone).where(gone.c[column].in_(wanted)))


def _empty_calls(db: Connection, contact_id: str) -> None:
    brought = select(_messages.c.call_id).where(
        _messages.c.contact_id == contact_id, _messages.c.call_id.is_not(None)
    )
    pieces = select(_pieces.c.call_id).where(_pieces.c.id.in_(_pieces_of(contact_id)))
    emptied = update(_calls).where(or_(_calls.c.id.in_(brought), _calls.c.id.in_(pieces)))
    db.execute(emptied.values(headers={}, body=b"", reason=_ERASED))


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
