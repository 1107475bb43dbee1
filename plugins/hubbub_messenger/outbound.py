"""Send one part: one message, before it perhaps the upload of its file. Source: "Send API"."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any, Final, Literal, TypeAlias

from pydantic import Field

from hubbub.sdk import (
    Accepted,
    Attachment,
    Choices,
    Content,
    Exchange,
    HttpResponse,
    MalformedPayload,
    OutcomeUnknown,
    Part,
    Text,
    Unsupported,
    graph,
    numbered_menu,
)
from hubbub_messenger import api, choices, faults, manifest, media
from hubbub_messenger.fields import MessengerConnection

_Kind: TypeAlias = Literal["image", "audio", "voice", "video", "document", "sticker"]

_OK: Final = 200
#: How Messenger calls what we send.
_FIELDS: Final[Mapping[str, str]] = {
    "image": "image",
    "sticker": "image",
    "audio": "audio",
    "voice": "audio",
    "video": "video",
    "document": "file",
}


class Sent(graph.Said):
    """The answer to a message."""

    message_id: str = Field(min_length=1)


def sayable(content: Content) -> Iterator[Content]:
    """Yield ``content`` as Messenger can say it, where capabilities alone do not tell."""
    if not isinstance(content, Choices):
        yield content
        return
    shape = choices.form(content)
    if shape is None:
        yield Text(text=numbered_menu(content))
        return
    if shape == "cards" and content.text:
        # Cards have no room for what is asked.
        yield Text(text=content.text)
    yield content


def send(part: Part, connection: MessengerConnection) -> Exchange[Accepted]:
    """Send one message. What becomes of it is told by its echo and by watermarks."""
    message = yield from _message(part.content, connection)
    body = {
        "recipient": {"id": part.address},
        **_type(part),
        "message": {**message, **({"metadata": part.reference} if part.reference else {})},
        **_quote(part),
    }
    response = yield api.post(connection, f"{connection.fields.settings.page_id}/messages", body)
    return _accepted(response)


def act(address: str, action: str, connection: MessengerConnection) -> Exchange[None]:
    """Show somebody what the Page does: ``typing_on`` or ``mark_seen``."""
    body = {"recipient": {"id": address}, "sender_action": action}
    response = yield api.post(connection, f"{connection.fields.settings.page_id}/messages", body)
    if error := faults.refusal(response):
        raise error


def _type(part: Part) -> Mapping[str, str]:
    if part.past_window:
        return {"messaging_type": "MESSAGE_TAG", "tag": "HUMAN_AGENT"}
    return {"messaging_type": "UPDATE" if part.bulk else "RESPONSE"}


def _quote(part: Part) -> Mapping[str, Any]:
    quoted = part.reply_to_external_id
    return {"reply_to": {"mid": quoted}} if quoted else {}


def _message(content: Content, connection: MessengerConnection) -> Exchange[Mapping[str, Any]]:
    match content:
        case Text(text=text):
            return {"text": text}
        case Choices():
            shape = choices.form(content)
            if shape is not None:
                return choices.message(content, shape)
        case Attachment():
            return {"attachment": (yield from _file(_carried(content), connection))}
    raise Unsupported(f"Messenger cannot carry {content.type!r} as one message.")


def _carried(content: Attachment) -> Attachment:
    """Return a file as the kind that Messenger takes it as: what fits no kind is a document."""
    kinds: tuple[_Kind, ...] = (content.type, "document")
    for kind in kinds:
        if manifest.takes(kind, content.media):
            return replace(content, type=kind)
    raise Unsupported("Messenger takes files of at most 25 MB: send a link.", code="too_large")


def _file(content: Attachment, connection: MessengerConnection) -> Exchange[Mapping[str, Any]]:
    kind = _FIELDS[content.type]
    # An upload needs no public address of ours.
    if content.media.id:
        uploaded = yield from media.upload(content, kind, connection)
        return {"type": kind, "payload": {"attachment_id": uploaded}}
    if content.media.url:
        return {"type": kind, "payload": {"url": content.media.url, "is_reusable": False}}
    raise Unsupported("The file to send is nowhere to be found.", code="no_media")


def _accepted(response: HttpResponse) -> Accepted:
    error = faults.refusal(response)
    if error and not faults.may_have_arrived(response):
        raise error
    sent = _read(response)
    if sent is None:
        raise OutcomeUnknown(
            f"Messenger's answer ({response.status}) names no message, so it may have been taken "
            "or not. Its echo will tell."
        )
    return Accepted(external_id=sent.message_id)


def _read(response: HttpResponse) -> Sent | None:
    # Whoever answers otherwise, such as a proxy that redirects, is not Meta.
    if response.status != _OK:
        return None
    try:
        return graph.parsed(Sent, response.body)
    except MalformedPayload:
        return None
