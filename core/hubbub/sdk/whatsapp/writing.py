"""Write what both products of WhatsApp's say alike."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from typing import Any, Final

from hubbub.sdk.content import (
    Attachment,
    Card,
    Choices,
    Contacts,
    Content,
    Location,
    Reaction,
    Text,
)
from hubbub.sdk.errors import Unsupported
from hubbub.sdk.fit import numbered_menu, split_text
from hubbub.sdk.values import Part
from hubbub.sdk.whatsapp import interactive
from hubbub.sdk.whatsapp.files import CAPTIONED, filename

#: Characters of a text, and of what stands below a file.
TEXT_LIMIT: Final = 4096
CAPTION_LIMIT: Final = 1024

_LINK: Final = ("http://", "https://")
_CARDS: Final = 257


def sayable(content: Content) -> Iterator[Content]:
    """Yield ``content`` as WhatsApp can say it, where capabilities alone do not tell."""
    match content:
        case Choices() if not interactive.native(content):
            yield Text(text=numbered_menu(content))
        case Choices():
            *before, last = split_text(content.text, interactive.BODY_LIMIT)
            yield from (Text(text=piece) for piece in before)
            yield replace(content, text=last)
        case Attachment(caption=caption) if caption and content.type not in CAPTIONED:
            yield replace(content, caption=None)
            yield Text(text=caption)
        case _:
            yield content


def extras(attachment: Attachment) -> dict[str, Any]:
    """Return what is said of a file beside where it is."""
    said: dict[str, Any] = {}
    if attachment.type == "document":
        said["filename"] = filename("document", attachment.media)
    if attachment.caption and attachment.type in CAPTIONED:
        said["caption"] = attachment.caption
    return said


def quote(part: Part) -> Mapping[str, Any]:
    """Return what says which message ``part`` quotes."""
    quoted = part.reply_to_external_id
    if not quoted or isinstance(part.content, Reaction):
        return {}
    return {"context": {"message_id": quoted}}


def holds_link(text: Text) -> bool:
    """Whether WhatsApp could show what ``text`` leads to."""
    return any(mark in text.text for mark in _LINK)


def _choices(choices: Choices) -> tuple[str, Mapping[str, Any]]:
    if not interactive.native(choices):
        raise Unsupported("WhatsApp shows up to 10 different options of 24 characters.")
    return "interactive", interactive.interactive(choices)


def _location(place: Location) -> tuple[str, Mapping[str, Any]]:
    point = {"latitude": place.latitude, "longitude": place.longitude}
    return "location", {**point, **_given(name=place.name, address=place.address)}


def _contacts(shared: Contacts) -> tuple[str, list[Mapping[str, Any]]]:
    if len(shared.contacts) > _CARDS:
        raise Unsupported(f"WhatsApp carries {_CARDS} contacts at once.")
    return "contacts", [_card(card) for card in shared.contacts]


def _card(card: Card) -> Mapping[str, Any]:
    lists = {
        "phones": [{"phone": phone} for phone in card.phones],
        "emails": [{"email": email} for email in card.emails],
    }
    names = (word.strip() for word in (card.name, *card.phones, *card.emails))
    called = next(filter(None, names), "")
    if not called:
        raise Unsupported("WhatsApp carries no contact without a name.")
    # One more word than the formatted name is required.
    name = {"formatted_name": called, "first_name": called.split()[0]}
    return {"name": name, **{key: values for key, values in lists.items() if values}}


def _reaction(reaction: Reaction) -> tuple[str, Mapping[str, str]]:
    return "reaction", {"message_id": reaction.target_external_id, "emoji": reaction.emoji}


def _given(**words: str | None) -> Mapping[str, str]:
    return {name: word for name, word in words.items() if word}


#: How content is written, as its type and its body. Texts and templates differ.
WRITERS: Final[Mapping[type, Callable[[Any], tuple[str, Any]]]] = {
    Choices: _choices,
    Location: _location,
    Contacts: _contacts,
    Reaction: _reaction,
}
