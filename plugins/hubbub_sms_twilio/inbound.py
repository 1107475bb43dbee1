"""Turn a webhook call into events. Source: "Messaging webhooks"."""

import math
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Final, TypeAlias
from urllib.parse import parse_qs

from hubbub.sdk import (
    AddressChanged,
    AddressState,
    Attachment,
    Call,
    Content,
    Event,
    Ignored,
    Location,
    MalformedPayload,
    Media,
    MessageReceived,
    ReceiptReceived,
    ReceiptState,
    Sender,
    Text,
    Unreadable,
)
from hubbub.sdk.sms import address_kind, keyword, to_e164
from hubbub_sms_twilio import faults, wire

#: The parameter that our status callbacks carry in their address.
REFERENCE: Final = "d"

_RECEIPTS: Final[Mapping[str, ReceiptState]] = {
    "sent": ReceiptState.SENT,
    "delivered": ReceiptState.DELIVERED,
    # Some segments arrived: for the sender that is as far as it gets.
    "partially_delivered": ReceiptState.DELIVERED,
    "read": ReceiptState.READ,
    "undelivered": ReceiptState.FAILED,
    "failed": ReceiptState.FAILED,
    "canceled": ReceiptState.FAILED,
}
#: The statuses after which no other comes.
FINAL: Final = frozenset(_RECEIPTS) - {"sent"}
#: What a source brought holds several forms, a line for each, and at most so many.
LOG_LINES: Final = 200
#: We called the message sent when Twilio took it, so these tell nothing new.
_UNDER_WAY: Final = frozenset({"accepted", "scheduled", "queued", "sending"})
_OPT_OUT: Final[Mapping[str, bool]] = {"STOP": True, "START": False}
#: "ANONYMOUS" on a telephone's keys: what networks write for a withheld number.
_WITHHELD: Final = "+266696687"
#: More than Twilio ever sends: a wrong NumMedia must not keep us busy.
_MOST_FILES: Final = 100

_Item: TypeAlias = Content | Unreadable


def events(call: Call) -> Iterator[Event]:
    """Yield what ``call`` says; a part that cannot be read is an `Unreadable` of its own."""
    if call.method != "POLL":
        yield from _events(call)
        return
    for line in call.body.splitlines():
        yield from _events(replace(call, method="POST", body=line))


def _events(call: Call) -> Iterator[Event]:
    try:
        form = wire.parameters(call)
        if wire.is_status(form):
            yield _receipt(wire.readable(wire.Status, form), call)
        elif form.get("SmsStatus") == "receiving" and "Body" not in form:
            yield Ignored(reason="Twilio is still receiving the message.")
        else:
            yield from _message(wire.readable(wire.Inbound, form), form)
    except MalformedPayload as error:
        yield Unreadable(reason=error.detail)


def _receipt(status: wire.Status, call: Call) -> Event:
    key = ":".join(filter(None, ("status", status.sid, status.status, status.error_code)))
    if status.status in _UNDER_WAY:
        return Ignored(reason=f"The message is under way at Twilio: {status.status}.", key=key)
    state = _RECEIPTS.get(status.status)
    if state is None:
        return Unreadable(reason=f"Twilio tells an unknown status: {status.status[:40]!r}.")
    failed = state is ReceiptState.FAILED
    return ReceiptReceived(
        key=key,
        state=state,
        external_id=status.sid,
        reference=parse_qs(call.query).get(REFERENCE, [None])[0],
        fault=faults.fault(status.error_code, status.status) if failed else None,
    )


def _message(inbound: wire.Inbound, form: wire.Parameters) -> Iterator[Event]:
    withheld = inbound.sender.strip() in {"", _WITHHELD}
    for number, item in enumerate(_captioned(inbound.body, list(_items(inbound, form)))):
        if isinstance(item, Unreadable):
            yield item
            continue
        yield MessageReceived(
            key=f"message:{inbound.sid}" + (f":{number}" if number else ""),
            sender=_sender(inbound, withheld=withheld),
            content=item,
            external_id=inbound.sid,
            provider_at=wire.moment(inbound.sent_at),
            opt_out=None if number else _opt_out(inbound),
            our_address=_address(inbound.to) or None,
        )
    if reason := _unanswerable(inbound, withheld=withheld):
        yield AddressChanged(
            key=f"one_way:{inbound.sid}",
            address=_sender(inbound, withheld=withheld).address,
            state=AddressState.BLOCKED,
            reason=reason,
        )


def _unanswerable(inbound: wire.Inbound, *, withheld: bool) -> str | None:
    if withheld:
        return "The sender withholds their number, so nobody can answer."
    # What has a colon is the address of a channel that is no SMS, such as "whatsapp:+1...".
    if address_kind(inbound.sender) == "alphanumeric" and ":" not in inbound.sender:
        return "The sender is a name and no number, so nobody can answer."
    return None


def _sender(inbound: wire.Inbound, *, withheld: bool) -> Sender:
    if withheld:
        return Sender(address=_WITHHELD, name="Number withheld")
    return Sender(address=_address(inbound.sender), name=inbound.profile_name or None)


def _address(address: str) -> str:
    # A number that our tables do not know is still a number: it wrote to us.
    return to_e164(address, international=True) or address.strip()


def _opt_out(inbound: wire.Inbound) -> bool | None:
    if inbound.opt_out:
        return _OPT_OUT.get(inbound.opt_out.upper())
    # Twilio lifts its block at YES too; where there is none, that changes nothing.
    meant = keyword(inbound.body, yes_starts=True)
    return _OPT_OUT.get(meant.upper()) if meant else None


# --- contents ------------------------------------------------------------------------------


def _captioned(body: str, items: list[_Item]) -> list[_Item]:
    """Return ``items`` with ``body`` as the caption of the first file, or as a text before all."""
    match items:
        case [Attachment() as first, *rest] if body:
            return [replace(first, caption=body), *rest]
        case [_, *_] if not body:
            return items
    return [Text(text=body), *items]


def _items(inbound: wire.Inbound, form: wire.Parameters) -> Iterator[_Item]:
    if "Latitude" in form or "Longitude" in form:
        yield _location(form)
    number = 0
    while f"MediaUrl{number}" in form or number < min(inbound.media, _MOST_FILES):
        yield _file(number, form)
        number += 1


def _location(form: wire.Parameters) -> _Item:
    latitude = _degrees(form.get("Latitude", ""), 90)
    longitude = _degrees(form.get("Longitude", ""), 180)
    if latitude is None or longitude is None:
        return Unreadable(reason="The location has no usable Latitude and Longitude.")
    return Location(
        latitude=latitude,
        longitude=longitude,
        name=form.get("Label") or None,
        address=form.get("Address") or None,
    )


def _degrees(text: str, most: float) -> float | None:
    try:
        value = float(text)
    except ValueError:
        return None
    return value if math.isfinite(value) and abs(value) <= most else None


def _file(number: int, form: wire.Parameters) -> _Item:
    url = form.get(f"MediaUrl{number}")
    if not url:
        return Unreadable(reason=f"NumMedia counts a file that MediaUrl{number} does not name.")
    mime_type = form.get(f"MediaContentType{number}", "").partition(";")[0].strip().lower()
    media = Media(ref=url, mime_type=mime_type or None)
    match mime_type.partition("/")[0]:
        case "image" | "audio" | "video" as kind:
            return Attachment(type=kind, media=media)
    return Attachment(type="document", media=media)
