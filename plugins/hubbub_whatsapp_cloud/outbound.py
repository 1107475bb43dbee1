"""Send one part: one message, before it perhaps the upload of its file. Source: "Messages"."""

from collections.abc import Callable, Mapping
from typing import Any, Final

from pydantic import Field

from hubbub.sdk import (
    Accepted,
    Attachment,
    Content,
    Exchange,
    HttpResponse,
    MalformedPayload,
    OutcomeUnknown,
    Part,
    Template,
    Text,
    Unsupported,
    graph,
)
from hubbub.sdk.whatsapp import identity, templates, writing
from hubbub.sdk.whatsapp.files import carried
from hubbub_whatsapp_cloud import api, faults, media
from hubbub_whatsapp_cloud.fields import WhatsAppConnection

#: A voice note is an audio that is marked.
_FIELDS: Final = {"voice": "audio"}
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


def send(part: Part, connection: WhatsAppConnection) -> Exchange[Accepted]:
    """Send one message. What becomes of it is told by its statuses."""
    content = part.content
    file: Mapping[str, str] = {}
    if isinstance(content, Attachment):
        content = carried(content)
        file = yield from _file(content, connection)
    body = {
        "messaging_product": "whatsapp",
        "recipient_type": "individual",
        **identity.target(part.address),
        **writing.quote(part),
        **_said(content, file),
        "biz_opaque_callback_data": part.reference,
    }
    path = f"{connection.fields.settings.phone_number_id}/messages"
    response = yield api.post(connection, path, body)
    return _accepted(response, part)


def mark_read(
    external_id: str, connection: WhatsAppConnection, *, typing: bool = False
) -> Exchange[None]:
    """Tell that a message was read, and with it that somebody writes: there is no other way."""
    reading = {"messaging_product": "whatsapp", "status": "read", "message_id": external_id}
    sign = {"typing_indicator": {"type": "text"}} if typing else {}
    path = f"{connection.fields.settings.phone_number_id}/messages"
    error = faults.refusal((yield api.post(connection, path, {**reading, **sign})))
    if error:
        raise error


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
    shown = {"preview_url": True} if writing.holds_link(text) else {}
    return "text", {**shown, "body": text.text}


def _template(content: Template) -> tuple[str, Mapping[str, Any]]:
    message: dict[str, Any] = {"name": content.name, "language": {"code": content.language}}
    filled = templates.components(content)
    return "template", {**message, "components": filled} if filled else message


_WRITERS: Final[Mapping[type, Callable[[Any], tuple[str, Any]]]] = {
    **writing.WRITERS,
    Text: _text,
    Template: _template,
}


# --- files ---------------------------------------------------------------------------------


def _file(content: Attachment, connection: WhatsAppConnection) -> Exchange[Mapping[str, str]]:
    # An upload needs no public address of ours, and is what Meta recommends.
    if content.media.id:
        return {"id": (yield from media.upload(content, connection))}
    if content.media.url:
        return {"link": content.media.url}
    raise Unsupported("The file to send is nowhere to be found.", code="no_media")


def _extras(content: Attachment) -> Mapping[str, Any]:
    marked = {"voice": True} if content.type == "voice" else {}
    return {**writing.extras(content), **marked}


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
