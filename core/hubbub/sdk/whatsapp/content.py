"""Say what a message holds. Source: WhatsApp, "Webhooks reference: messages"."""

import json
from collections.abc import Callable, Mapping
from typing import Any, Final, Literal

from hubbub.sdk import (
    Attachment,
    Card,
    Choice,
    Contacts,
    Content,
    Form,
    Location,
    Media,
    Order,
    Reaction,
    Text,
    UnsupportedContent,
)
from hubbub.sdk.whatsapp.wire import (
    Button,
    Cart,
    Emoji,
    File,
    Interactive,
    Place,
    Product,
    SharedContact,
    Spoken,
    UnsupportedKind,
    Words,
)


def content_of(spoken: Spoken) -> Content:
    """Return what ``spoken`` says; what we do not understand is named."""
    body = getattr(spoken, spoken.type, None) if spoken.type in _READERS else None
    # Meta has been seen to leave the body of an interactive message out.
    content = None if body is None else _READERS[spoken.type](body)
    return content or UnsupportedContent(provider_type=_word(spoken.type))


def _text(words: Words) -> Content:
    return Text(text=words.body)


def _file(
    kind: Literal["image", "voice", "video", "document", "sticker"],
) -> Callable[[File], Content]:
    return lambda file: Attachment(type=kind, media=_media(file), caption=file.caption or None)


def _audio(file: File) -> Content:
    # The On-Premises API has a type "voice"; in the Cloud API a voice note is marked.
    return Attachment(type="voice" if file.voice else "audio", media=_media(file))


def _media(file: File) -> Media:
    # "audio/ogg; codecs=opus" is the type of a file with more to say.
    mime_type = file.mime_type.partition(";")[0].strip().lower()
    return Media(ref=file.id or None, mime_type=mime_type or None, filename=file.filename or None)


def _location(place: Place) -> Content:
    return Location(
        latitude=place.latitude,
        longitude=place.longitude,
        name=place.name or None,
        address=place.address or None,
    )


def _contacts(contacts: tuple[SharedContact, ...]) -> Content:
    return Contacts(contacts=tuple(_card(contact) for contact in contacts))


def _card(contact: SharedContact) -> Card:
    phones = [phone.phone or f"+{phone.wa_id}" for phone in contact.phones]
    emails = [email.email for email in contact.emails if email.email]
    written = (contact.name.formatted_name, contact.name.first_name, *phones, *emails)
    name = next(filter(None, written), "")
    return Card(name=name, phones=tuple(phones), emails=tuple(emails))


def _reaction(reaction: Emoji) -> Content:
    return Reaction(emoji=reaction.emoji, target_external_id=reaction.message_id)


def _interactive(done: Interactive) -> Content:
    picked = done.button_reply or done.list_reply
    if picked:
        return Choice(id=picked.id, title=picked.title or picked.id)
    fields = _form(done.nfm_reply.response_json) if done.nfm_reply else None
    return Form(fields=fields) if fields else UnsupportedContent(provider_type=_word(done.type))


def _form(text: str) -> Mapping[str, str] | None:
    try:
        said = json.loads(text)
    except (ValueError, RecursionError):
        return None
    if not isinstance(said, dict):
        return None
    return {
        name: value if isinstance(value, str) else _plain(value) for name, value in said.items()
    }


def _plain(value: object) -> str:
    return json.dumps(value, ensure_ascii=False)


def _button(button: Button) -> Content:
    return Choice(id=button.payload or button.text, title=button.text or button.payload)


def _order(cart: Cart) -> Content:
    items = tuple(_line(product) for product in cart.product_items)
    return Order(items=items, note=cart.text or None)


def _line(product: Product) -> str:
    price = f" at {product.item_price} {product.currency}".rstrip() if product.item_price else ""
    return f"{product.quantity} x {product.product_retailer_id}{price}"


def _unsupported(kind: UnsupportedKind) -> Content:
    return UnsupportedContent(provider_type=_word(kind.type))


def _word(provider_type: str) -> str:
    return provider_type[:64] or "unknown"


#: How the body of each type is read. Other types are unsupported.
_READERS: Final[Mapping[str, Callable[[Any], Content]]] = {
    "text": _text,
    "image": _file("image"),
    "audio": _audio,
    "voice": _file("voice"),
    "video": _file("video"),
    "document": _file("document"),
    "sticker": _file("sticker"),
    "location": _location,
    "contacts": _contacts,
    "reaction": _reaction,
    "interactive": _interactive,
    "button": _button,
    "order": _order,
    "unsupported": _unsupported,
}
