"""Put what a person entered in the form in place of what the preset says."""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final

import re2

from hubbub.sdk import Answer, ReceiptState
from hubbub_sms_gateway import template
from hubbub_sms_gateway.gateway import Gateway, Hearing, Sending
from hubbub_sms_gateway.meanings import ACCEPTED, MEANINGS, Rule
from hubbub_sms_gateway.presets import PRESETS

if TYPE_CHECKING:
    from hubbub_sms_gateway.fields import Settings

_ID: Final = re.compile(r"none|(json:/.*|regex:.*\(.+|header:[A-Za-z0-9-]+)")
_RULE: Final = re.compile(r"(?:(\*|\d{3}(?:-\d{3})?)(?:\s+|$))?(.*?)\s*->\s*(\w+)")
_REPLY: Final = re.compile(r"(\d{3})(?:\s+(\S+/\S+))?(?:\s+(.*))?", re.DOTALL)
#: What ``inbound_map`` and ``status_map`` may name, and the field that it fills.
_MESSAGE_FIELDS: Final = {
    "text": "text",
    "from": "sender",
    "to": "to",
    "id": "id",
    "time": "time",
    "charset": "charset",
    "coding": "coding",
    "piece_of": "piece_of",
    "piece": "piece",
    "pieces": "pieces",
    "udh": "udh",
}
_REPORT_FIELDS: Final = {
    "id": "external_id",
    "delivery_id": "reference",
    "state": "state",
    "error": "error",
}
_STATES: Final = {
    "sent": ReceiptState.SENT,
    "delivered": ReceiptState.DELIVERED,
    "failed": ReceiptState.FAILED,
}


class BadField(ValueError):
    """What stands in one field of the form cannot work."""

    def __init__(self, field: str, problem: str) -> None:
        super().__init__(problem)
        self.field = field


@lru_cache(maxsize=256)
def gateway_of(settings: "Settings") -> Gateway:
    """Return the gateway that ``settings`` describe. Raises `BadField`."""
    preset = PRESETS[settings.preset]
    gateway = replace(
        preset,
        base=settings.api_base or preset.base,
        sending=_sending(preset.sending, settings),
        hearing=_hearing(preset.hearing, settings),
    )
    _check(gateway)
    return gateway


def _sending(preset: Sending, settings: "Settings") -> Sending:
    given: dict[str, Any] = {
        "method": settings.send_method,
        "url": settings.send_url,
        "headers": _of_field("send_headers", _headers, settings.send_headers),
        "content_type": settings.send_content_type,
        "body": settings.send_body,
        # A body of one's own replaces both.
        "unicode_body": settings.send_body_unicode or settings.send_body,
        "auth": settings.auth,
        "auth_name": settings.auth_name,
        "ok_status": _of_field("ok_status", _statuses, settings.ok_status),
        "ok_body": _of_field("ok_body", _pattern, settings.ok_body),
        "id_from": _of_field("id_from", _id_from, settings.id_from),
        "number_format": settings.number_format_out,
        "alphabet": settings.alphabet,
    }
    rules = _of_field("error_map", _rules, settings.error_map)
    errors = (*rules, *preset.errors)
    return replace(preset, errors=errors, **{name: one for name, one in given.items() if one})


def _hearing(preset: Hearing, settings: "Settings") -> Hearing:
    given: dict[str, Any] = {
        "auth": settings.inbound_auth,
        "auth_name": settings.inbound_auth_name or _USUAL_NAMES.get(settings.inbound_auth),
        "signed": _of_field("inbound_signed", _signed, settings.inbound_signed),
        "digest": settings.inbound_digest,
        "number_format": settings.number_format_in,
        "answer": _of_field("inbound_reply", _reply, settings.inbound_reply),
        "status_answer": _of_field("status_reply", _reply, settings.status_reply),
        **_of_field("inbound_map", _inbound_map, settings.inbound_map),
    }
    hearing = replace(preset, **{name: one for name, one in given.items() if one})
    return replace(hearing, **_of_field("status_map", _status_map, settings.status_map))


_USUAL_NAMES: Final = {
    "query": "token",
    "header": "X-Token",
    "hmac": "X-Signature",
}


def _check(gateway: Gateway) -> None:
    sending = gateway.sending
    if sending.url:
        _of_field("send_url", template.check_url, sending.url)
    _of_field("send_headers", template.check_headers, sending.headers)
    for body in filter(None, (sending.body, sending.unicode_body)):
        if sending.content_type == "none":
            raise BadField("send_content_type", "Choose the type of the body.")
        _of_field("send_body", _BODY_CHECKS[sending.content_type], body)
    if sending.auth in {"header", "query"} and not sending.auth_name:
        raise BadField("auth_name", "Name the header or parameter that holds the token.")
    if "{base}" in sending.url and not gateway.base and "api_base" not in gateway.needs:
        raise BadField("api_base", "The address begins with it: give the API base URL.")


_BODY_CHECKS: Final[Mapping[str, Callable[[str], None]]] = {
    "form": template.check_pairs,
    "json": template.check_json,
    "xml": template.check_text,
    "text": template.check_text,
}


def _of_field(name: str, read: Callable[[Any], Any], given: Any) -> Any:
    """Return what ``read`` makes of ``given``; what is wrong is said of the field ``name``."""
    try:
        return read(given)
    except ValueError as error:
        raise BadField(name, str(error)) from None


# --- what people write into fields -----------------------------------------------------------


def _lines(text: str) -> Iterator[str]:
    return (line.strip() for line in text.splitlines() if line.strip())


def _headers(text: str) -> tuple[tuple[str, str], ...]:
    pairs = [line.partition(":") for line in _lines(text)]
    return tuple((name.strip(), value.strip()) for name, _, value in pairs)


def _statuses(text: str) -> range | frozenset[int] | None:
    if not text:
        return None
    if found := re.fullmatch(r"(\d{3})\s*-\s*(\d{3})", text):
        return range(int(found[1]), int(found[2]) + 1)
    if not re.fullmatch(r"\d{3}(\s*,\s*\d{3})*", text):
        raise ValueError("Write 200-299, or 200, 202.")
    return frozenset(int(one) for one in text.split(","))


def _pattern(text: str) -> str:
    try:
        re2.compile(text)
    except re2.error:
        raise ValueError("This is no regular expression.") from None
    return text


def _id_from(text: str) -> str:
    if text and not _ID.fullmatch(text):
        raise ValueError("Write json:/pointer, regex:with a (group), header:Name, or none.")
    if text.startswith("regex:"):
        _pattern(text.removeprefix("regex:"))
    return text


def _rules(text: str) -> tuple[Rule, ...]:
    return tuple(_rule(line) for line in _lines(text))


def _rule(line: str) -> Rule:
    found = _RULE.fullmatch(line)
    if found is None:
        raise ValueError(f"Write each as 400 no credit -> credit, not as {line[:60]!r}.")
    status, pattern, word = found[1], _pattern(found[2]), found[3]
    if word not in MEANINGS and word != ACCEPTED:
        known = ", ".join(sorted({*MEANINGS, ACCEPTED}))
        raise ValueError(f"There is no {word!r}; there are {known}.")
    if status in {None, "*"}:
        return Rule(word=word, pattern=pattern)
    first, _, last = status.partition("-")
    return Rule(word=word, pattern=pattern, status=range(int(first), int(last or first) + 1))


def _signed(text: str) -> str:
    rest = re.sub(r"\{(body|header\.[A-Za-z0-9-]+)\}", "", text)
    if "{" in rest or "}" in rest:
        raise ValueError("Write {body}, and {header.X-Timestamp} for a header.")
    return text


def _reply(text: str) -> Answer | None:
    if not text:
        return None
    found = _REPLY.fullmatch(text)
    if found is None:
        raise ValueError("Write status, type and body, such as 200 text/plain OK.")
    return Answer(
        status=int(found[1]),
        content_type=found[2] or "text/plain; charset=utf-8",
        body=(found[3] or "").encode(),
    )


def _inbound_map(text: str) -> dict[str, str]:
    return {_MESSAGE_FIELDS[name]: value for name, value in _pairs(text, _MESSAGE_FIELDS)}


def _status_map(text: str) -> dict[str, Any]:
    given: dict[str, Any] = {}
    states: dict[str, ReceiptState] = {}
    for name, value in _pairs(text, {**_REPORT_FIELDS, **_STATES}):
        if name in _STATES:
            states |= {word.strip(): _STATES[name] for word in value.split(",")}
        else:
            given[_REPORT_FIELDS[name]] = value
    if states:
        given["states"] = states
    return given


def _pairs(text: str, known: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    for line in _lines(text):
        name, mark, value = (piece.strip() for piece in line.partition("="))
        if not mark or not value or name not in known:
            raise ValueError(f"Write each as name = place, with one of {', '.join(known)}.")
        yield name, value
