"""Say in SQL what people are called, and who is called so."""

import re
from typing import Any, Final

from sqlalchemy import ColumnElement, Select, case, func, or_, select

from hubbub.store.tables import Address, Contact, Conversation, Message, table

_addresses = table(Address)
_contacts = table(Contact)
_messages = table(Message)
_conversations = table(Conversation)

#: How people write phone numbers: an address has digits alone.
_BETWEEN_DIGITS: Final = re.compile(r"[\s()./-]")
_NUMBER: Final = re.compile(r"\+?[0-9]+")

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


def holds(column: ColumnElement[Any], q: str) -> ColumnElement[bool]:
    """Return the condition that ``q`` is a part of ``column``."""
    return column.icontains(q, autoescape=True)


def holds_address(q: str) -> ColumnElement[bool]:
    """Return the condition that ``q`` is a part of an address, however people write numbers."""
    compact = _BETWEEN_DIGITS.sub("", q)
    return holds(_addresses.c.address, compact if _NUMBER.fullmatch(compact) else q)


def holds_conversation(q: str) -> ColumnElement[bool]:
    """Return the condition that ``q`` is in a conversation's names, address or last words."""
    columns = (_contacts.c.name, _addresses.c.name, _conversations.c.preview)
    return or_(holds_address(q), *(holds(column, q) for column in columns))


def named_messages() -> Select[Any]:
    """Return what finds messages with all their columns, each sender by their name."""
    columns = (column for column in _messages.c if column.name != "sender_name")
    return select(*columns, SENDER_NAME)
