"""Write the address of a contact: a number, or a business-scoped user id where Meta hides it.

A number is written ``+`` and the digits that WhatsApp knows, ``wa_id``. They may differ from what
was dialled (Brazil, Mexico, Argentina), so they are never corrected.
"""

import re
from collections.abc import Iterable, Mapping
from typing import Final

from hubbub.sdk import BadAddress
from hubbub.sdk.whatsapp.wire import Contact

_NUMBER: Final = re.compile(r"(?:\+|00)?([1-9][0-9]{6,14})", re.ASCII)
_DECORATION: Final = re.compile(r"\(0\)|[\s().\-/\u00a0\u2010-\u2015]")
#: ``CC.`` and up to 128 letters and digits; ``CC.ENT.`` for the parent portfolio's.
_USER_ID: Final = re.compile(r"[A-Z]{2}\.(?:ENT\.)?[A-Za-z0-9]{1,128}", re.ASCII)


def address(wa_id: str, user_id: str = "") -> str:
    """Return how we write the person with these ids, of which one may be missing.

    Meta has been seen to put a user id where a number belongs. Empty when both are.
    """
    digits = wa_id.strip().removeprefix("+")
    if digits.isascii() and digits.isdigit():
        return f"+{digits}"
    return digits or user_id.strip()


def given_address(text: str) -> str:
    """Return the address that somebody typed. Raises `BadAddress`."""
    typed = text.strip()
    if _USER_ID.fullmatch(typed):
        return typed
    if found := _NUMBER.fullmatch(_DECORATION.sub("", typed)):
        return f"+{found[1]}"
    raise BadAddress(
        "On WhatsApp an address is a number with + and country, such as +447700900001, or a "
        "user id such as US.1234567890."
    )


def target(to: str) -> Mapping[str, str]:
    """Return the parameters that send to an address; where both were given, Meta takes ``to``."""
    return {"to": to[1:]} if to.startswith("+") else {"recipient": to}


def contact_of(wa_id: str, user_id: str, contacts: Iterable[Contact]) -> Contact:
    """Return who wrote with these ids, matched by either; empty when nobody is named."""
    for contact in contacts:
        if wa_id and wa_id in {contact.wa_id, contact.user_id}:
            return contact
        if user_id and user_id == contact.user_id:
            return contact
    return Contact()


def name_of(contact: Contact) -> str | None:
    """Return what a contact calls themselves."""
    username = contact.profile.username
    return contact.profile.name.strip() or (f"@{username}" if username else None)
