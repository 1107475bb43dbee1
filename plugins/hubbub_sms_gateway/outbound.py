"""Write the request that sends one part, and read its answer."""

import base64
import unicodedata
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Final
from urllib.parse import urlencode

import re2

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
    split_text,
)
from hubbub.sdk.sms import Segments, segments, smart_encode, split, to_national
from hubbub_sms_gateway import meanings, template
from hubbub_sms_gateway.fields import GatewayConnection
from hubbub_sms_gateway.gateway import NumberFormat, Probe, Sending
from hubbub_sms_gateway.meanings import ACCEPTED
from hubbub_sms_gateway.reading import pointed

#: Parameters of the address to which reports come. A gateway may have a ``ref`` of its own.
REFERENCE: Final = "hubbub_ref"
PROOF: Final = "token"

#: Bytes of an answer that we are ready to read.
_MOST_ANSWER: Final = 64 << 10
_CONTENT_TYPES: Final = {
    "form": "application/x-www-form-urlencoded",
    "json": "application/json",
    "xml": "text/xml; charset=utf-8",
    "text": "text/plain; charset=utf-8",
}


def parts(
    draft: Draft, pattern: Part, connection: GatewayConnection, can: Capabilities
) -> tuple[Part, ...]:
    """Return the parts that carry ``draft``, none of more segments than the gateway takes."""
    most = connection.fields.settings.max_parts
    contents = [
        piece for content in fit(draft.content, can) for piece in _pieces(content, connection, most)
    ]
    return tuple(replace(pattern, content=content) for content in contents)


def send(part: Part, connection: GatewayConnection) -> Exchange[Accepted]:
    """Hand one part to the gateway."""
    sending = connection.fields.settings.gateway.sending
    text = _said(part.content, connection)
    size = segments(text)
    if sending.alphabet == "gsm_only" and size.alphabet != "gsm7":
        raise Unsupported("The text is not in the alphabet of SMS, and this gateway has no other.")
    response = yield request(part, connection, text, size)
    return _accepted(response, part, sending, size)


def find(part: Part, connection: GatewayConnection) -> Accepted | None:
    """Say that sending again is safe, where the gateway knows our id; elsewhere nobody can tell.

    Raises `OutcomeUnknown`.
    """
    gateway = connection.fields.settings.gateway
    if gateway.sending.repeatable:
        return None
    raise OutcomeUnknown(
        f"{gateway.label} cannot be asked for {part.reference}: a delivery report may still tell."
    )


# --- the text ------------------------------------------------------------------------------


def _pieces(content: Content, connection: GatewayConnection, most: int) -> Iterator[Content]:
    if not isinstance(content, Text):
        yield content
        return
    text = _said(content, connection)
    while segments(text).count > most:
        room = sum(map(len, split(text)[:most]))
        first = split_text(text, room)[0]
        yield Text(text=first)
        text = text[len(first) :].lstrip()
    yield Text(text=text)


def _said(content: Content, connection: GatewayConnection) -> str:
    if not isinstance(content, Text):
        raise Unsupported(f"SMS cannot carry {content.type!r}.")
    settings = connection.fields.settings
    only_gsm = settings.gateway.sending.alphabet == "gsm_only"
    # A letter with its accent apart would turn the whole text to UCS-2.
    text = unicodedata.normalize("NFC", content.text)
    if settings.smart_encoding or only_gsm:
        return smart_encode(text, accents=only_gsm)
    return text


# --- the request ---------------------------------------------------------------------------


def request(
    part: Part, connection: GatewayConnection, text: str, size: Segments, *, hidden: bool = False
) -> HttpRequest:
    """Return the request that sends ``text``; ``hidden`` shows stars in place of secrets."""
    sending = connection.fields.settings.gateway.sending
    values = {**_secrets(connection, hidden=hidden), **_values(part, connection, text, size)}
    unicode = size.alphabet == "ucs2" and sending.unicode_body
    return _request(connection, sending, sending.unicode_body if unicode else sending.body, values)


def probe(connection: GatewayConnection, asked: Probe) -> HttpRequest:
    """Return the request that changes nothing."""
    nobody = Part(content=Text(text=""), address="")
    sending = replace(
        connection.fields.settings.gateway.sending,
        method=asked.method,
        url=asked.url,
        headers=asked.headers,
        content_type="none",
    )
    values = {
        **_secrets(connection, hidden=False),
        **_values(nobody, connection, "", segments("")),
    }
    return replace(_request(connection, sending, "", values), safe=True)


def status_url(part: Part, connection: GatewayConnection) -> str:
    """Return the address for reports on ``part``; the word in it is known to the hub alone."""
    proof = {REFERENCE: part.reference, PROOF: connection.webhook_secret}
    url = _with(connection.webhook_url, urlencode(proof))
    more = connection.fields.settings.gateway.sending.status_query
    return _with(url, more) if url and more else url


def _with(url: str, query: str) -> str:
    if not url.startswith(("http://", "https://")):
        return ""
    return f"{url}{'&' if '?' in url else '?'}{query}"


def _request(
    connection: GatewayConnection, sending: Sending, body: str, values: dict[str, str]
) -> HttpRequest:
    url = template.fill_url(sending.url, values)
    headers = dict(_headers(sending, values))
    token = values["secret.token"]
    match sending.auth:
        case "basic":
            pair = f"{values['secret.username']}:{values['secret.password']}"
            headers["authorization"] = f"Basic {base64.b64encode(pair.encode()).decode()}"
        case "bearer":
            headers["authorization"] = f"Bearer {token}"
        case "header":
            headers[sending.auth_name.lower()] = token
        case "query":
            url = _with(url, urlencode({sending.auth_name: token}))
    return HttpRequest(
        method=sending.method,
        url=url,
        headers=headers,
        body=_body(sending, body, values),
        timeout=timedelta(seconds=connection.fields.settings.timeout_s),
        max_answer=_MOST_ANSWER,
    )


def _headers(sending: Sending, values: dict[str, str]) -> Iterator[tuple[str, str]]:
    if sending.content_type != "none":
        yield "content-type", _CONTENT_TYPES[sending.content_type]
    for name, value in sending.headers:
        if not template.is_empty(value, values):
            try:
                yield name.lower(), template.fill_header(value, values)
            except ValueError as error:
                raise Unsupported(f"{name}: {error}") from None


def _body(sending: Sending, body: str, values: dict[str, str]) -> bytes:
    match sending.content_type:
        case "form":
            return template.fill_pairs(body, values).encode()
        case "json":
            return template.fill_json(body, values)
        case "xml" | "text" as place:
            return template.fill(body, values, place).encode()
    return b""


def _secrets(connection: GatewayConnection, *, hidden: bool) -> dict[str, str]:
    credentials = connection.fields.credentials
    return {
        "secret.username": credentials.username,
        "secret.password": "***" if hidden else credentials.password,
        "secret.token": "***" if hidden else credentials.token,
    }


def _values(part: Part, connection: GatewayConnection, text: str, size: Segments) -> dict[str, str]:
    settings = connection.fields.settings
    gateway = settings.gateway
    decides = gateway.sending.alphabet == "gateway_decides"
    unicode = size.alphabet == "ucs2"
    return {
        "base": gateway.base,
        "to": _number(part.address, gateway.sending.number_format),
        "to_digits": _number(part.address, "digits"),
        "to_national": _number(part.address, "national"),
        "from": settings.from_number or part.our_address or "",
        "text": text,
        "text_utf16be_hex": text.encode("utf-16-be", "replace").hex(),
        "coding": "" if decides else "2" if unicode else "0",
        "data_coding": "" if decides else "8" if unicode else "0",
        "is_unicode": "" if decides else "1" if unicode else "0",
        "parts": str(size.count),
        "delivery_id": part.reference,
        "device_id": settings.device_id,
        "status_url": status_url(part, connection),
        "inbound_url": _with(connection.webhook_url, urlencode({PROOF: connection.webhook_secret})),
    }


def _number(address: str, form: NumberFormat) -> str:
    match form:
        case "digits":
            return address.removeprefix("+")
        case "national":
            return to_national(address)
    return address


# --- the answer ----------------------------------------------------------------------------


def _accepted(response: HttpResponse, part: Part, sending: Sending, size: Segments) -> Accepted:
    note = f"about {size.count} segment{'' if size.count == 1 else 's'}"
    if not _is_success(response, sending):
        word = meanings.word_for(response, sending.errors)
        if word == ACCEPTED:
            return Accepted(external_id=part.reference, note="The gateway had it already.")
        raise meanings.error(response, word)
    if sending.id_from == "none":
        # The gateway names nothing; what it says may still be worth reading, such as
        # Kannel's "3: Queued for later delivery".
        return Accepted(external_id=part.reference, note=f"{note}; {meanings.quoted(response)}")
    found = _id(response, sending.id_from)
    if not found:
        raise OutcomeUnknown(
            f"The gateway took the message, but its answer ({response.status}) names no id: "
            "compare Message id in the settings."
        )
    return Accepted(external_id=found, note=note)


def _is_success(response: HttpResponse, sending: Sending) -> bool:
    if response.status not in sending.ok_status:
        return False
    return not sending.ok_body or bool(re2.search(sending.ok_body, meanings.readable(response)))


def _id(response: HttpResponse, id_from: str) -> str:
    kind, _, where = id_from.partition(":")
    match kind:
        case "header":
            return response.headers.get(where, "").strip()
        case "regex":
            found = re2.search(where, meanings.readable(response))
            return str(found[1]).strip() if found else ""
    try:
        value = pointed(response.json(), where)
    except (ValueError, RecursionError):
        return ""
    return str(value) if isinstance(value, str | int) and not isinstance(value, bool) else ""
