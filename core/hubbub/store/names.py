"""Say in SQL what people are called."""

from typing import Any, Final

from sqlalchemy import ColumnElement, Select, case, func, select

from hubbub.store.tables import Address, Contact, Message, table

_addresses = table(Address)
_contacts = table(Contact)
_messages = table(Message)

#: Of a contact: as people here call them, else as they call themselves.
CONTACT_NAME: Final = func.coalesce(_contacts.c.name, _addresses.c.name)
#: Who writes from the address that a message came from; not asked for where the message says it.
_KNOWN: Final = (
    select(CONTACT_NAME)
    .join(_contacts, _contacts.c.id == _addresses.c.contact_id)
    .where(
        _addresses.c.channel_id == _messages.c.channel_id,
        _addresses.c.address == _messages.c.sender_address,
    )
    .correlate(_messages)
    .scalar_subquery()
)
#: Of the sender of a message: as it says, else as the contact is called by now.
SENDER_NAME: Final[ColumnElement[Any]] = func.coalesce(
    _messages.c.sender_name, case((_messages.c.direction == "inbound", _KNOWN))
).label("sender_name")


def named_messages() -> Select[Any]:
    """Return what finds messages with all their columns, each sender by their name."""
    columns = (column for column in _messages.c if column.name != "sender_name")
    return select(*columns, SENDER_NAME)
