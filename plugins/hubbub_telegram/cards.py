"""Share a contact card. Source: Bot API, "sendContact"."""

from collections.abc import Iterator
from typing import Final

from hubbub.sdk import Card

#: Bytes that a vCard may have.
_LONGEST: Final = 2048
_ESCAPES: Final = str.maketrans({"\\": r"\\", ";": r"\;", ",": r"\,", "\n": r"\n", "\r": None})


def contact_params(card: Card) -> dict[str, object]:
    """Return the parameters that share ``card``, which has a phone number at least.

    One number has a place of its own; more of them, and email addresses, travel in a vCard.
    """
    params: dict[str, object] = {"phone_number": card.phones[0], "first_name": card.name}
    if len(card.phones) == 1 and not card.emails:
        return params
    vcard = "\r\n".join(_vcard(card))
    return params | {"vcard": vcard} if len(vcard.encode()) <= _LONGEST else params


def in_words(card: Card) -> str:
    """Return ``card`` as a line of text."""
    return ", ".join((card.name, *card.phones, *card.emails))


def _vcard(card: Card) -> Iterator[str]:
    name = card.name.translate(_ESCAPES)
    yield "BEGIN:VCARD"
    yield "VERSION:3.0"
    yield f"N:{name};;;;"
    yield f"FN:{name}"
    for phone in card.phones:
        yield f"TEL:{phone.translate(_ESCAPES)}"
    for email in card.emails:
        yield f"EMAIL:{email.translate(_ESCAPES)}"
    yield "END:VCARD"
