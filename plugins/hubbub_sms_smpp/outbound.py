"""Submit one part, segment by segment, and read what the centre answers."""

import unicodedata
import zlib
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Final

from hubbub.sdk import (
    Accepted,
    Capabilities,
    Content,
    Draft,
    Exchange,
    HttpRequest,
    HttpResponse,
    OutcomeUnknown,
    Part,
    Text,
    Unsupported,
    fit,
    over_session,
    split_text,
)
from hubbub.sdk.sms import smart_encode
from hubbub_sms_smpp import meanings, pdu
from hubbub_sms_smpp.fields import SmppConnection
from hubbub_sms_smpp.ids import as_answered
from hubbub_sms_smpp.pdu import RESPONSE, Command, Malformed, Pdu, Sms
from hubbub_sms_smpp.texts import pieces, segments

#: What is waited longer than for the centre: for room in its window.
_FOR_ROOM: Final = timedelta(seconds=15)
_SILENT: Final = 0


def parts(
    draft: Draft, pattern: Part, connection: SmppConnection, can: Capabilities
) -> tuple[Part, ...]:
    """Return the parts that carry ``draft``, none of more segments than the settings allow."""
    contents = [piece for content in fit(draft.content, can) for piece in _cut(content, connection)]
    return tuple(replace(pattern, content=content) for content in contents)


def send(part: Part, connection: SmppConnection) -> Exchange[Accepted]:
    """Submit one part. Its receipt is that of its last segment.

    Repeated after a failure half-way, its segments have the same numbers as before, so that a phone
    that has some of them already is not confused by the rest.
    """
    settings = connection.fields.settings
    messages = segments(
        _said(part.content, connection),
        _pattern(part, connection),
        default=settings.default_alphabet,
        mode=settings.long_mode,
        reference=zlib.crc32(part.reference.encode()),
    )
    # One receipt tells of the whole: those of other segments would find nothing to speak of.
    silent = [replace(message, registered_delivery=_SILENT) for message in messages[:-1]]
    external_id = ""
    for message in (*silent, messages[-1]):
        response = yield _submitting(message, connection)
        external_id = _taken(response)
    count = len(messages)
    return Accepted(external_id=external_id, note=f"{count} segment{'' if count == 1 else 's'}")


# --- the text ------------------------------------------------------------------------------


def _cut(content: Content, connection: SmppConnection) -> Iterator[Content]:
    if not isinstance(content, Text):
        yield content
        return
    settings, text = connection.fields.settings, _said(content, connection)
    mode = "udh" if settings.long_mode == "payload" else settings.long_mode
    while len(found := pieces(text, settings.default_alphabet, mode)) > settings.max_parts:
        first = split_text(text, sum(map(len, found[: settings.max_parts])))[0]
        yield Text(text=first)
        text = text[len(first) :].lstrip()
    yield Text(text=text)


def _said(content: Content, connection: SmppConnection) -> str:
    if not isinstance(content, Text):
        raise Unsupported(f"SMS cannot carry {content.type!r}.")
    # A letter with its accent apart would turn the whole text to UCS-2.
    text = unicodedata.normalize("NFC", content.text)
    return smart_encode(text) if connection.fields.settings.smart_encoding else text


# --- the request ---------------------------------------------------------------------------


def _pattern(part: Part, connection: SmppConnection) -> Sms:
    settings = connection.fields.settings
    return Sms(
        source=settings.source,
        dest=settings.dest(part.address),
        validity_period=_relative(settings.validity_hours),
        registered_delivery=settings.registered_delivery,
    )


def _relative(hours: int) -> str:
    """Return a period as SMPP writes it: YYMMDDhhmmsstnnR. Source: SMPP 3.4, 7.1.1.2."""
    return f"0000{hours // 24:02}{hours % 24:02}0000000R" if hours else ""


def _submitting(message: Sms, connection: SmppConnection) -> HttpRequest:
    patience = timedelta(seconds=connection.fields.settings.response_timeout_s)
    return over_session(
        connection,
        "SUBMIT_SM",
        Pdu(command=Command.SUBMIT_SM, body=message.encoded()).encoded(),
        shown=_shown(message),
        timeout=patience + _FOR_ROOM,
    )


def _shown(message: Sms) -> dict[str, str]:
    return {
        "source_addr": _in_words(message.source),
        "destination_addr": _in_words(message.dest),
        "esm_class": f"{message.esm_class:#04x}",
        "data_coding": f"{message.data_coding:#04x}",
        "registered_delivery": str(message.registered_delivery),
        "octets": str(len(message.user_data)),
    }


def _in_words(address: pdu.Address) -> str:
    return f"{address.text} (TON {address.ton}, NPI {address.npi})"


# --- the answer ----------------------------------------------------------------------------


def _taken(response: HttpResponse) -> str:
    """Return the centre's id of what it took; or raise what its answer stands for."""
    try:
        unit = pdu.decode(response.body)
        message_id = "" if unit.status else pdu.first_text(unit.body)
    except Malformed as error:
        raise _unreadable(str(error)) from None
    if unit.status:
        raise meanings.error(unit.status)
    if unit.command != Command.SUBMIT_SM | RESPONSE or not message_id:
        raise _unreadable("It names no message.")
    return as_answered(message_id)


def _unreadable(why: str) -> OutcomeUnknown:
    return OutcomeUnknown(
        f"The centre's answer cannot be read, so it may have taken the message or not. {why}"
    )
