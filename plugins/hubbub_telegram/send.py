"""Send one part, mending what Telegram refuses where another form of it would do."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Final

from hubbub.sdk import (
    Accepted,
    Attachment,
    Choices,
    Contacts,
    Content,
    Exchange,
    File,
    HttpRequest,
    OutcomeUnknown,
    Part,
    Text,
)
from hubbub_telegram.addresses import external_id, target
from hubbub_telegram.answers import Answer, SentMessage, failure, read, refusal_of, result_of
from hubbub_telegram.api import calling, uploading
from hubbub_telegram.buttons import OPTIONS, described
from hubbub_telegram.cards import in_words
from hubbub_telegram.errors import Refusal
from hubbub_telegram.fields import TelegramConnection
from hubbub_telegram.shipments import Shipment, Upload, shipment


def sayable(content: Content) -> Iterator[Content]:
    """Yield ``content`` in the forms that one message of a bot can have."""
    match content:
        case Attachment(type="sticker", caption=str() as caption):
            yield replace(content, caption=None)
            yield Text(text=caption)
        case Contacts(contacts=cards):
            for card in cards:
                yield Contacts(contacts=(card,)) if card.phones else Text(text=in_words(card))
        case Choices(options=options) if len(options) <= OPTIONS:
            yield replace(content, text=described(content))
        case _:
            yield content


def deliver(part: Part, connection: TelegramConnection) -> Exchange[Accepted]:
    """Send ``part`` in one call; in a few if Telegram wants it in another form.

    Each call is made only after the one before was refused, so nothing can arrive twice.
    """
    ship = shipment(part, connection.fields.settings.parse_mode)
    while True:
        response = yield _request(ship, connection)
        answer = read(response, lost=OutcomeUnknown)
        if answer.ok:
            return _accepted(ship, answer, part)
        mended = _mend(ship, answer, refusal_of(answer, response))
        if mended is None:
            raise failure(answer, response, whole_channel=False)
        ship = mended


def _request(ship: Shipment, connection: TelegramConnection) -> HttpRequest:
    if ship.upload is None:
        return calling(connection, ship.method, ship.params)
    file = File(ship.upload.media, ship.upload.filename)
    return uploading(connection, ship.method, ship.params, name=ship.upload.field, file=file)


def _accepted(ship: Shipment, answer: Answer, part: Part) -> Accepted:
    note = ", ".join(ship.notes)
    if ship.method == "setMessageReaction":
        # A reaction has no id of its own: there is one of ours to each message.
        reacted = f"{ship.params['chat_id']}:{ship.params['message_id']}:reaction"
        return Accepted(external_id=reacted, note=note)
    sent = result_of(answer, SentMessage, lost=OutcomeUnknown)
    asked = target(part.address)["chat_id"]
    return Accepted(
        external_id=external_id(sent.chat.id, sent.message_id, _business(ship)),
        # A group became a supergroup, or we only knew the @name.
        address=None if sent.chat.id == asked else str(sent.chat.id),
        note=note,
    )


def _business(ship: Shipment) -> str | None:
    business = ship.params.get("business_connection_id")
    return str(business) if business else None


def _mend(ship: Shipment, answer: Answer, refusal: Refusal) -> Shipment | None:
    """Return ``ship`` in a form that may pass, or None. Each repair applies once at most."""
    if refusal.status != 400:  # noqa: PLR2004  # HTTP's own number
        return None
    if moved := answer.parameters.migrate_to_chat_id:
        return _to_supergroup(ship, moved)
    repairs = (repair(ship) for words, repair in _REPAIRS if refusal.says(*words))
    return next((mended for mended in repairs if mended), None)


def _to_supergroup(ship: Shipment, chat_id: int) -> Shipment | None:
    if _MOVED in ship.notes:
        return None
    # The ids of messages start anew there, so a quoted one would be another.
    params = {name: value for name, value in ship.params.items() if name != "reply_parameters"}
    return _changed(ship, _MOVED, params={**params, "chat_id": chat_id})


def _without(name: str, note: str) -> Callable[[Shipment], Shipment | None]:
    def repair(ship: Shipment) -> Shipment | None:
        if name not in ship.params:
            return None
        params = {key: value for key, value in ship.params.items() if key != name}
        return _changed(ship, note, params=params)

    return repair


def _as_document(ship: Shipment) -> Shipment | None:
    field = {"sendPhoto": "photo", "sendVoice": "voice"}.get(ship.method)
    if field is None:
        return None
    params = {key: value for key, value in ship.params.items() if key not in {field, "duration"}}
    if field in ship.params:
        params["document"] = ship.params[field]
    upload: Upload | None = replace(ship.upload, field="document") if ship.upload else None
    return _changed(
        replace(ship, method="sendDocument", upload=upload), "sent as a document", params=params
    )


def _changed(ship: Shipment, note: str, *, params: dict[str, object]) -> Shipment:
    return replace(ship, params=params, notes=(*ship.notes, note))


_MOVED: Final = "sent to the supergroup that the group became"
#: What Telegram says, and what to try then. The first that changes something counts.
_REPAIRS: Final = (
    (("can't parse entities",), _without("parse_mode", "sent without formatting")),
    (
        ("message to be replied not found", "replied message not found"),
        _without("reply_parameters", "sent without the quotation"),
    ),
    # Not "photo" alone, which "not enough rights to send photos" says too.
    (
        (
            "PHOTO_INVALID",
            "IMAGE_PROCESS_FAILED",
            "PHOTO_SAVE_FILE_INVALID",
            "photo is too big",
            "photo has unsupported",
            "VOICE_MESSAGES_FORBIDDEN",
        ),
        _as_document,
    ),
)
