"""Send one part: one message, before it perhaps the upload of its file. Source: "Messages"."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from typing import Any, Final, Literal, TypeAlias

from pydantic import Field

from hubbub.sdk import (
    Accepted,
    Attachment,
    Card,
    Choices,
    Contacts,
    Content,
    Exchange,
    HttpResponse,
    Location,
    MalformedPayload,
    OutcomeUnknown,
    Part,
    Reaction,
    Template,
    Text,
    Unsupported,
    graph,
    numbered_menu,
    split_text,
)
from hubbub_whatsapp_cloud import api, faults, identity, interactive, manifest, media
from hubbub_whatsapp_cloud.fields import WhatsAppConnection
from hubbub_whatsapp_cloud.templates import template

_Kind: TypeAlias = Literal["image", "audio", "voice", "video", "document", "sticker"]

_CAPTIONED: Final = frozenset({"image", "video", "document"})
_LINK: Final = ("http://", "https://")
_CARDS: Final = 257
#: A voice note is an audio that is marked.
_FIELDS: Final = {"voice": "audio"}
#: What is no voice note, or no sticker, can still be shown.
_SECOND_BEST: Final[Mapping[str, _Kind]] = {
    "voice": "audio",
    "sticker": "image",
}
_OK: Final = 200
#: Of a template, which Meta may also hold back.
_TAKEN: Final = frozenset({"", "accepted"})


class Recipient(graph.Said):
    """To whom it goes, under the number that WhatsApp knows."""

    wa_id: str = ""


class Named(graph.Said):
    """The id of a message, and what becomes of a template."""

    id: str = Field(min_length=1)
    message_status: str = ""


class Sent(graph.Said):
    """The answer to a message."""

    contacts: tuple[Recipient, ...] = ()
    messages: tuple[Named, ...] = Field(min_length=1)


def sayable(content: Content) -> Iterator[Content]:
    """Yield ``content`` as WhatsApp can say it, where capabilities alone do not tell."""
    match content:
        case Choices() if not interactive.native(content):
            yield Text(text=numbered_menu(content))
        case Choices():
            *before, last = split_text(content.text, interactive.BODY_LIMIT)
            yield from (Text(text=piece) for piece in before)
            yield replace(content, text=last)
        case Attachment(caption=caption) if caption and content.type not in _CAPTIONED:
            yield replace(content, caption=None)
            yield Text(text=caption)
        case _:
            yield content


def send(part: Part, connection: WhatsAppConnection) -> Exchange[Accepted]:
    """Send one message. What becomes of it is told by its statuses."""
    content = _carried(part.content)
    file: Mapping[str, str] = {}
    if isinstance(content, Attachment):
        file = yield from _file(content, connection)
    body = {
        "messaging_product": "whatsapp",
        "recipient_type": "individual",
        **identity.target(part.address),
        **_quote(part),
        **_said(content, file),
        "biz_opaque_callback_data": part.reference,
    }
    path = f"{connection.fields.settings.phone_number_id}/messages"
    response = yield api.post(connection, path, body)
    return _accepted(response, part)


# --- what is said --------------------------------------------------------------------------


def _said(content: Content, file: Mapping[str, str]) -> Mapping[str, Any]:
    if isinstance(content, Attachment):
        return _named(_FIELDS.get(content.type, content.type), {**file, **_extras(content)})
    write = _WRITERS.get(type(content))
    if write is None:
        raise Unsupported(f"WhatsApp cannot carry {content.type!r} as one message.")
    return _named(*write(content))


def _named(kind: str, said: object) -> Mapping[str, Any]:
    return {"type": kind, kind: said}


def _text(text: Text) -> tuple[str, Mapping[str, Any]]:
    linked = any(mark in text.text for mark in _LINK)
    return "text", {**({"preview_url": True} if linked else {}), "body": text.text}


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


def _template(content: Template) -> tuple[str, Mapping[str, Any]]:
    return "template", template(content)


_WRITERS: Final[Mapping[type, Callable[[Any], tuple[str, Any]]]] = {
    Text: _text,
    Choices: _choices,
    Location: _location,
    Contacts: _contacts,
    Reaction: _reaction,
    Template: _template,
}


def _quote(part: Part) -> Mapping[str, Any]:
    quoted = part.reply_to_external_id
    if not quoted or isinstance(part.content, Reaction):
        return {}
    return {"context": {"message_id": quoted}}


# --- files ---------------------------------------------------------------------------------


def _carried(content: Content) -> Content:
    """Return a file as the kind that WhatsApp takes it as: what fits no kind is a document."""
    if not isinstance(content, Attachment):
        return content
    kinds: list[_Kind] = [content.type, _SECOND_BEST.get(content.type, content.type), "document"]
    for kind in kinds:
        if manifest.takes(kind, content.media):
            return replace(content, type=kind)
    raise Unsupported("WhatsApp takes files of at most 100 MB.", code="too_large")


def _file(content: Attachment, connection: WhatsAppConnection) -> Exchange[Mapping[str, str]]:
    # An upload needs no public address of ours, and is what Meta recommends.
    if content.media.id:
        return {"id": (yield from media.upload(content, connection))}
    if content.media.url:
        return {"link": content.media.url}
    raise Unsupported("The file to send is nowhere to be found.", code="no_media")


def _extras(content: Attachment) -> Mapping[str, Any]:
    extras: dict[str, Any] = {}
    if content.type == "document":
        extras["filename"] = media.filename("document", content.media)
    if content.caption and content.type in _CAPTIONED:
        extras["caption"] = content.caption
    if content.type == "voice":
        extras["voice"] = True
    return extras


def _given(**words: str | None) -> Mapping[str, str]:
    return {name: word for name, word in words.items() if word}


# --- the answer ----------------------------------------------------------------------------


def _accepted(response: HttpResponse, part: Part) -> Accepted:
    error = faults.refusal(response)
    if error and not faults.may_have_arrived(response):
        raise error
    sent = _read(response)
    if sent is None:
        raise OutcomeUnknown(
            f"WhatsApp's answer ({response.status}) names no message, so it may have been taken "
            "or not. Its status will tell."
        )
    named = sent.messages[0]
    note = "" if named.message_status in _TAKEN else named.message_status.replace("_", " ")[:100]
    return Accepted(external_id=named.id, address=_other_number(sent, part), note=note)


def _read(response: HttpResponse) -> Sent | None:
    # Whoever answers otherwise, such as a proxy that redirects, is not Meta.
    if response.status != _OK:
        return None
    try:
        return graph.parsed(Sent, response.body)
    except MalformedPayload:
        return None


def _other_number(sent: Sent, part: Part) -> str | None:
    """Return the number that WhatsApp knows for the one that was dialled, where they differ."""
    known = identity.address(sent.contacts[0].wa_id) if sent.contacts else ""
    # A user id stays: who hides their number will go on to write without it.
    differs = known.startswith("+") and part.address.startswith("+") and known != part.address
    return known if differs else None
