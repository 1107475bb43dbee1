"""Send one part."""

import unicodedata
from collections.abc import Mapping
from typing import Any, Final

from hubbub.sdk import (
    Accepted,
    Attachment,
    Exchange,
    HttpResponse,
    OutcomeUnknown,
    Part,
    Text,
    Unsupported,
)
from hubbub.sdk.sms import address_kind, segments
from hubbub_sms_vonage import api, faults, legacy, meanings, wire
from hubbub_sms_vonage.fields import VonageConnection

#: Characters of one message.
TEXT_LIMIT: Final = 3200
#: Characters beside a file.
CAPTION_LIMIT: Final = 3000

_ACCEPTED: Final = 202
_NORTH_AMERICA: Final = "+1"
_VCARDS: Final = frozenset({"text/vcard", "text/x-vcard"})


def send(part: Part, connection: VonageConnection) -> Exchange[Accepted]:
    """Send one message; a file that cannot travel goes as a link in its text."""
    if address_kind(part.address) != "number":
        raise Unsupported("Vonage sends to numbers only.", code="bad_address")
    text = _as_text(part)
    if connection.fields.legacy:
        return (yield from legacy.send(_short_enough(text), part, connection))
    if file := _travelling(part, connection):
        response = yield api.message(connection, _mms(file, part, connection))
        error = faults.refusal(response)
        if error is None or error.code != meanings.MEDIA_REFUSED or len(text) > TEXT_LIMIT:
            return _accepted(response, part, "MMS")
    response = yield api.message(connection, _sms(_short_enough(text), part, connection))
    count = segments(text).count
    return _accepted(response, part, f"about {count} segment{'' if count == 1 else 's'}")


# --- the content ---------------------------------------------------------------------------


def _as_text(part: Part) -> str:
    match part.content:
        case Text(text=text):
            return _composed(text)
        case Attachment(media=media, caption=caption):
            if not media.url:
                raise Unsupported("Vonage fetches files itself, and this one has no address.")
            return "\n".join(filter(None, (_composed(caption or ""), media.url)))
    raise Unsupported(f"SMS cannot carry {part.content.type!r}.")


def _short_enough(text: str) -> str:
    if len(text) > TEXT_LIMIT:
        raise Unsupported(
            f"The text has {len(text)} characters, but Vonage takes at most {TEXT_LIMIT}: "
            "split it into several messages.",
            code="too_long",
        )
    return text


def _composed(text: str) -> str:
    # A letter with its accent apart would turn the whole text to UCS-2 and double its price.
    return unicodedata.normalize("NFC", text)


def _travelling(part: Part, connection: VonageConnection) -> Attachment | None:
    """Return the file that goes as MMS: between numbers of +1 only, where ours has it."""
    sides = (connection.fields.settings.from_number, part.address)
    works = connection.facts.get("mms") == "yes" and all(
        side.startswith(_NORTH_AMERICA) for side in sides
    )
    return part.content if works and isinstance(part.content, Attachment) else None


# --- the request ---------------------------------------------------------------------------


def _sms(text: str, part: Part, connection: VonageConnection) -> Mapping[str, Any]:
    settings = connection.fields.settings
    country = {"entity_id": settings.entity_id, "content_id": settings.content_id}
    return {
        "channel": "sms",
        "message_type": "text",
        **_sides(part, connection),
        "text": text,
        **_tracking(part, connection),
        "sms": {"encoding_type": "auto", **{name: word for name, word in country.items() if word}},
    }


def _mms(file: Attachment, part: Part, connection: VonageConnection) -> Mapping[str, Any]:
    kind = _kind(file)
    resource = {"url": file.media.url, "caption": _composed(file.caption or "")}
    return {
        "channel": "mms",
        "message_type": kind,
        **_sides(part, connection),
        kind: {name: word for name, word in resource.items() if word},
        **_tracking(part, connection),
    }


def _kind(file: Attachment) -> str:
    match file.type:
        case "image" | "video":
            return file.type
        case "audio" | "voice":
            return "audio"
    return "vcard" if file.media.mime_type in _VCARDS else "file"


def _sides(part: Part, connection: VonageConnection) -> Mapping[str, str]:
    settings = connection.fields.settings
    return {
        "to": part.address.removeprefix("+"),
        "from": settings.number or settings.from_number,
    }


def _tracking(part: Part, connection: VonageConnection) -> Mapping[str, str]:
    webhook = {"webhook_url": connection.webhook_url, "webhook_version": "v1"}
    return {"client_ref": part.reference, **(webhook if connection.webhook_url else {})}


# --- the answer ----------------------------------------------------------------------------


def _accepted(response: HttpResponse, part: Part, note: str) -> Accepted:
    error = faults.refusal(response)
    if error and error.provider_code == str(meanings.ALREADY_SENT):
        # Vonage has it from an attempt whose answer was lost. Its id will come with the status,
        # which is known by our reference.
        return Accepted(external_id=part.reference, note="Vonage had it already")
    if error and response.status not in faults.GATEWAY:
        raise error
    sent = wire.read(wire.Sent, response) if response.status == _ACCEPTED else None
    if sent is None:
        raise OutcomeUnknown(
            f"Vonage's answer ({response.status}) cannot be read, so the message may have been "
            "taken or not. Its status will tell."
        )
    return Accepted(external_id=sent.id, note=note)
