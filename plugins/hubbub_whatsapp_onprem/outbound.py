"""Send one part: one message, before it perhaps the upload of its file. Source: "Messages"."""

from collections.abc import Callable, Mapping
from typing import Any, Final
from urllib.parse import quote

from hubbub.sdk import (
    Accepted,
    Attachment,
    Content,
    Exchange,
    HttpResponse,
    Location,
    MalformedPayload,
    OutcomeUnknown,
    Part,
    Permanent,
    Template,
    Text,
    Transient,
    Unsupported,
    graph,
)
from hubbub.sdk.whatsapp import identity, templates, writing
from hubbub.sdk.whatsapp.files import carried
from hubbub.sdk.whatsapp.meanings import error
from hubbub_whatsapp_onprem import api, faults, meanings, media, wire
from hubbub_whatsapp_onprem.fields import OnPremiseConnection
from hubbub_whatsapp_onprem.session import Session

#: A voice note is an audio; its codec tells.
_FIELDS: Final = {"voice": "audio"}
_GOOD: Final = range(200, 300)


def send(part: Part, connection: OnPremiseConnection) -> Exchange[Accepted]:
    """Send one message. What becomes of it is told by its statuses."""
    us, policy = Session(connection), connection.fields.settings.check_contacts
    said = yield from _said(part.content, connection, us)
    message = {"recipient_type": "individual", **writing.quote(part), **said}
    address, asks = part.address, part.address.startswith("+")
    if asks and policy == "always":
        address = yield from _look_up(address, connection, us)
    response = yield from us.ask(_message(connection, address, message))
    if asks and policy == "on_unknown" and faults.not_found(response):
        address = yield from _look_up(address, connection, us)
        response = yield from us.ask(_message(connection, address, message))
    return _accepted(response, part, address, us)


def mark_read(external_id: str, connection: OnPremiseConnection) -> Exchange[None]:
    """Tell that a message was read. That somebody writes no client can tell."""
    path = f"messages/{quote(external_id, safe='')}"
    request = api.change(connection, "PUT", path, {"status": "read"})
    error = faults.refusal((yield from Session(connection).ask(request)))
    if error:
        raise error


def _message(connection: OnPremiseConnection, address: str, message: Mapping[str, Any]) -> Any:
    return api.change(connection, "POST", "messages", {**identity.target(address), **message})


def _look_up(address: str, connection: OnPremiseConnection, us: Session) -> Exchange[str]:
    """Return the number that WhatsApp knows for ``address``. Raises `RecipientGone` for none."""
    body = {"blocking": "wait", "contacts": [address], "force_check": True}
    response = yield from us.ask(api.ask(connection, "contacts", body))
    found = api.need(wire.LookUp, response).contacts[0]
    if found.status == "valid" and found.wa_id:
        return identity.address(found.wa_id)
    if found.status == "processing":
        raise Transient("WhatsApp still looks whether it knows the number.", code="not_ready")
    raise error(meanings.UNKNOWN_CONTACT, "", provider_code=found.status, wait=None)


# --- what is said --------------------------------------------------------------------------


def _said(
    content: Content, connection: OnPremiseConnection, us: Session
) -> Exchange[Mapping[str, Any]]:
    match content:
        case Attachment():
            return (yield from _attached(carried(content), connection, us))
        case Text():
            return _text(content)
        case Template():
            return _named("template", _template(content, connection))
    write = _WRITERS.get(type(content))
    if write is None:
        raise Unsupported(f"WhatsApp cannot carry {content.type!r} as one message.")
    return _named(*write(content))


def _named(kind: str, said: object) -> Mapping[str, Any]:
    return {"type": kind, kind: said}


def _text(text: Text) -> Mapping[str, Any]:
    # Unlike in the Cloud API it stands beside the text.
    shown = {"preview_url": True} if writing.holds_link(text) else {}
    return {**shown, **_named("text", {"body": text.text})}


def _template(content: Template, connection: OnPremiseConnection) -> Mapping[str, Any]:
    namespace = connection.fields.settings.namespace
    if not namespace:
        raise Permanent(
            "A template message needs the Namespace: enter it in the channel's settings.",
            code="no_namespace",
        )
    filled = templates.components(content)
    return {
        "namespace": namespace,
        "name": content.name,
        "language": {"policy": "deterministic", "code": content.language},
        **({"components": filled} if filled else {}),
    }


def _location(place: Location) -> tuple[str, Mapping[str, Any]]:
    kind, said = writing.WRITERS[Location](place)
    # The older API documents them as texts.
    return kind, {**said, "latitude": str(place.latitude), "longitude": str(place.longitude)}


_WRITERS: Final[Mapping[type, Callable[[Any], tuple[str, Any]]]] = {
    **writing.WRITERS,
    Location: _location,
}


def _attached(
    content: Attachment, connection: OnPremiseConnection, us: Session
) -> Exchange[Mapping[str, Any]]:
    file = yield from _file(content, connection, us)
    kind = _FIELDS.get(content.type, content.type)
    return _named(kind, {**file, **writing.extras(content)})


def _file(
    content: Attachment, connection: OnPremiseConnection, us: Session
) -> Exchange[Mapping[str, str]]:
    # An upload works with every client and gateway; a link with some.
    if content.media.id:
        return {"id": (yield from media.upload(content, connection, us))}
    if content.media.url:
        return {"link": content.media.url}
    raise Unsupported("The file to send is nowhere to be found.", code="no_media")


# --- the answer ----------------------------------------------------------------------------


def _accepted(response: HttpResponse, part: Part, address: str, us: Session) -> Accepted:
    refused = faults.refusal(response)
    if refused and not faults.may_have_arrived(response):
        raise refused
    sent = _read(response)
    if sent is None:
        raise OutcomeUnknown(
            f"The client's answer ({response.status}) names no message, so it may have been taken "
            "or not. Its status will tell."
        )
    told = identity.address(sent.contacts[0].wa_id) if sent.contacts else ""
    known = told if told.startswith("+") else address
    return Accepted(
        external_id=sent.messages[0].id,
        address=known if known != part.address else None,
        renewed=us.renewed,
    )


def _read(response: HttpResponse) -> wire.Sent | None:
    # Whoever answers otherwise, such as a proxy that redirects, is no client.
    if response.status not in _GOOD:
        return None
    try:
        return graph.parsed(wire.Sent, response.body)
    except MalformedPayload:
        return None
