"""Send one part, and find out whether a part whose answer was lost was sent."""

import unicodedata
from collections.abc import Iterator
from datetime import timedelta
from typing import Final
from urllib.parse import urlencode

from hubbub.sdk import (
    Accepted,
    Attachment,
    Exchange,
    HttpRequest,
    HttpResponse,
    OutcomeUnknown,
    Part,
    Text,
    Unsupported,
)
from hubbub.sdk.sms import address_kind, segments, smart_encode
from hubbub_sms_twilio import api, faults, wire
from hubbub_sms_twilio.fields import TwilioConnection
from hubbub_sms_twilio.inbound import REFERENCE
from hubbub_sms_twilio.meanings import MEDIA_REFUSED
from hubbub_sms_twilio.signature import RETRIES

#: Characters of one message.
TEXT_LIMIT: Final = 1600

_OK: Final = range(200, 300)
#: What stands before Twilio speaks: what is behind it may have the message.
_GATEWAY: Final = frozenset({502, 504})
_CREATED_IN_VAIN: Final = frozenset({"failed", "undelivered"})
_PAGE: Final = 50
#: By so much our clock may be ahead of Twilio's. What we sent ourselves meanwhile is known by its
#: id, and to take a message for missing would double it.
_CLOCKS_DIFFER: Final = timedelta(minutes=10)


def send(part: Part, connection: TwilioConnection) -> Exchange[Accepted]:
    """Create one message; a file that cannot travel goes as a link in its text."""
    body, media_url = _said(part, connection)
    response = yield _create(part, connection, body, media_url)
    error = faults.refusal(response)
    linked = _linked(body, media_url)
    if error and error.code == MEDIA_REFUSED and media_url and len(linked) <= TEXT_LIMIT:
        response = yield _create(part, connection, linked, "")
        error = faults.refusal(response)
    if error and response.status not in _GATEWAY:
        raise error
    return _accepted(response, part, linked)


def find(part: Part, connection: TwilioConnection) -> Exchange[Accepted | None]:
    """Look for ``part`` among the newest messages to its recipient.

    Twilio keeps no word of ours with a message, so its text and time are all there is to compare.
    """
    url = api.account_url(connection, "/Messages.json")
    response = yield api.get(connection, url, {"To": part.address, "PageSize": str(_PAGE)})
    page = wire.read(wire.MessageList, response) if response.status in _OK else None
    if page is None:
        raise OutcomeUnknown(f"Twilio did not show its messages (HTTP status {response.status}).")
    recent = [message for message in page.messages if not _is_older(message, part)]
    candidates = [message for message in recent if _ours(message, part, connection)]
    found = [message for message in candidates if _says(message, part, connection)]
    if len(found) > 1:
        raise OutcomeUnknown("Twilio has several messages that say the same to this recipient.")
    if found:
        return Accepted(external_id=found[0].sid)
    if any(not message.body and not wire.count(message.num_media) for message in candidates):
        raise OutcomeUnknown("Twilio does not show what its messages say (message redaction).")
    if len(recent) >= _PAGE:
        raise OutcomeUnknown("Twilio sent so much to this recipient since that it may be hidden.")
    return None


# --- the request ---------------------------------------------------------------------------


def _said(part: Part, connection: TwilioConnection) -> tuple[str, str]:
    """Return the text and the address of the file, either of which may be empty."""
    body, media_url = _content(part)
    if media_url and not _carries_media(part, connection):
        body, media_url = _linked(body, media_url), ""
    if len(body) > TEXT_LIMIT:
        raise Unsupported(
            f"The text has {len(body)} characters, but Twilio takes at most {TEXT_LIMIT}: "
            "split it into several messages.",
            code="too_long",
        )
    return body, media_url


def _content(part: Part) -> tuple[str, str]:
    match part.content:
        case Text(text=text):
            return _composed(text), ""
        case Attachment(media=media, caption=caption):
            if not media.url:
                raise Unsupported("Twilio fetches files itself, and this one has no address.")
            return _composed(caption or ""), media.url
    raise Unsupported(f"SMS cannot carry {part.content.type!r}.")


def _carries_media(part: Part, connection: TwilioConnection) -> bool:
    """Whether MMS can work at all: only numbers send it, and only networks of +1 carry it."""
    if connection.facts.get("mms") == "no" or _is_name(connection.fields.settings.from_number):
        return False
    return not part.address.startswith("+") or part.address.startswith("+1")


def _is_name(sender: str) -> bool:
    return bool(sender) and address_kind(sender) == "alphanumeric"


def _linked(body: str, media_url: str) -> str:
    return "\n".join(filter(None, (body, media_url)))


def _composed(text: str) -> str:
    # A letter with its accent apart would turn the whole text to UCS-2 and double its price.
    return unicodedata.normalize("NFC", text)


def _create(part: Part, connection: TwilioConnection, body: str, media_url: str) -> HttpRequest:
    form = [
        ("To", part.address),
        *_from(part, connection),
        ("Body", body),
        ("MediaUrl", media_url),
        ("StatusCallback", _callback(part, connection)),
        ("SmartEncoded", "true" if connection.fields.settings.smart_encoding else ""),
    ]
    filled = [(name, value) for name, value in form if value]
    return api.post(connection, api.account_url(connection, "/Messages.json"), filled)


def _from(part: Part, connection: TwilioConnection) -> Iterator[tuple[str, str]]:
    settings = connection.fields.settings
    if not settings.messaging_service_sid:
        yield "From", settings.from_number
        return
    # Both: the service sends from the number that the contact knows.
    yield "From", part.our_address or settings.from_number
    yield "MessagingServiceSid", settings.messaging_service_sid


def _callback(part: Part, connection: TwilioConnection) -> str:
    url = connection.webhook_url
    if not url.startswith(("http://", "https://")):
        return ""
    query = urlencode({REFERENCE: part.reference})
    # A receipt that we miss comes again only if the address asks for it.
    return f"{url}{'&' if '?' in url else '?'}{query}{RETRIES}"


# --- the answer ----------------------------------------------------------------------------


def _accepted(response: HttpResponse, part: Part, body: str) -> Accepted:
    message = wire.read(wire.SentMessage, response) if response.status in _OK else None
    if message is None:
        raise OutcomeUnknown(
            f"Twilio's answer ({response.status}) cannot be read, so the message may have been "
            "taken or not. Its status callback will tell."
        )
    if message.status in _CREATED_IN_VAIN:
        raise faults.error(message.error_code, message.error_message or message.status)
    moved = message.to if message.to != part.address else None
    return Accepted(external_id=message.sid, address=moved or None, note=_note(message, body))


def _note(message: wire.SentMessage, body: str) -> str:
    counted = wire.count(message.num_segments)
    # A Messaging Service counts later.
    number = counted or segments(body).count
    return f"{'' if counted else 'about '}{number} segment{'' if number == 1 else 's'}"


# --- the proof -----------------------------------------------------------------------------


def _ours(message: wire.SentMessage, part: Part, connection: TwilioConnection) -> bool:
    settings = connection.fields.settings
    if message.sid in part.others:
        return False
    if message.direction != "outbound-api" or message.to != part.address:
        return False
    if settings.messaging_service_sid:
        return message.messaging_service_sid == settings.messaging_service_sid
    return message.sender == settings.from_number


def _is_older(message: wire.SentMessage, part: Part) -> bool:
    """Whether Twilio had ``message`` before ``part`` was written, whatever our clock says."""
    if part.created_at is None or message.created_at is None:
        return False
    return message.created_at < part.created_at - _CLOCKS_DIFFER


def _says(message: wire.SentMessage, part: Part, connection: TwilioConnection) -> bool:
    said, media_url = _content(part)
    as_mms = wire.count(message.num_media) > 0
    if as_mms and not media_url:
        return False
    wanted = _comparable(said if as_mms else _linked(said, media_url))
    body = _comparable(message.body or "")
    # Twilio puts a sentence of its own before what a trial account says.
    on_trial = connection.facts.get("account_type") == "Trial"
    return body.endswith(wanted) if on_trial else body == wanted


def _comparable(text: str) -> str:
    # With Smart Encoding Twilio shows the text as it was sent.
    return " ".join(smart_encode(text).split())
