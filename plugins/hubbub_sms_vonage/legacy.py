"""Speak the SMS API, which is older than the Messages API: its webhooks and its sending."""

from collections.abc import Iterator, Mapping
from datetime import timedelta
from typing import Final

from hubbub.sdk import (
    Accepted,
    Call,
    Content,
    Event,
    Exchange,
    HttpRequest,
    HttpResponse,
    Ignored,
    MalformedPayload,
    MessageReceived,
    OutcomeUnknown,
    Part,
    Permanent,
    ReceiptReceived,
    ReceiptState,
    Sender,
    Text,
    Unreadable,
    UnsupportedContent,
)
from hubbub.sdk.sms import alphabet, piece, segments, whole
from hubbub_sms_vonage import api, faults, wire
from hubbub_sms_vonage.fields import VonageConnection
from hubbub_sms_vonage.sides import address, one_way, opt_out, reference

#: Characters of an address to which Vonage tells receipts. Source: "Send an SMS", ``callback``.
LONGEST_CALLBACK: Final = 100

_RECEIPTS: Final[Mapping[str, ReceiptState]] = {
    "accepted": ReceiptState.SENT,
    "buffered": ReceiptState.SENT,
    "delivered": ReceiptState.DELIVERED,
    "expired": ReceiptState.FAILED,
    "failed": ReceiptState.FAILED,
    "rejected": ReceiptState.FAILED,
}


# --- what comes in -------------------------------------------------------------------------


def is_probe(said: wire.Parameters) -> bool:
    """Whether Vonage only tries whether somebody answers, as before it takes an address."""
    return not said.get("messageId")


def events(call: Call, connection: VonageConnection) -> Iterator[Event]:
    """Yield what ``call`` says: a message, a piece of a long one, or a receipt."""
    try:
        said = wire.parameters(call)
        if "status" in said:
            yield from _receipts(wire.readable(wire.LegacyReceipt, said))
        else:
            yield from _message(wire.readable(wire.LegacyInbound, said), connection)
    except MalformedPayload as error:
        yield Unreadable(reason=error.detail)


def _message(inbound: wire.LegacyInbound, connection: VonageConnection) -> Iterator[Event]:
    patience = timedelta(seconds=connection.fields.settings.join_within_s)
    which = piece(inbound.ref, inbound.part, inbound.total, patience)
    yield MessageReceived(
        key=":".join(filter(None, ("message", inbound.id, inbound.part))),
        sender=Sender(address=address(inbound.sender)),
        content=_content(inbound, cut=which is not None),
        external_id=inbound.id,
        provider_at=wire.moment(inbound.timestamp),
        opt_out=None if which else opt_out(inbound.text),
        our_address=address(inbound.to) or None,
        piece=which,
    )
    yield from one_way(inbound.sender, inbound.id)


def _content(inbound: wire.LegacyInbound, *, cut: bool) -> Content:
    if inbound.type == "binary":
        return UnsupportedContent(provider_type="binary")
    # A piece may end in half a character; the hub joins them.
    return Text(text=inbound.text if cut else whole(inbound.text))


def _receipts(receipt: wire.LegacyReceipt) -> Iterator[Event]:
    key = f"status:{receipt.id}:{receipt.status}"
    if receipt.status == "unknown":
        yield Ignored(reason="The carrier does not know what became of it.", key=key)
        return
    state = _RECEIPTS.get(receipt.status)
    if state is None:
        yield Unreadable(reason=f"Vonage tells an unknown status: {receipt.status[:40]!r}.")
        return
    ours, _, several = receipt.client_ref.partition(_SEVERAL)
    named = reference(ours)
    at = wire.moment(receipt.timestamp)
    if several and state is ReceiptState.DELIVERED:
        # The whole is delivered with the segment whose id we keep; the others prove it was sent.
        yield ReceiptReceived(
            key=f"{key}:sent", state=ReceiptState.SENT, reference=named, provider_at=at
        )
        named = None
    yield ReceiptReceived(
        key=key,
        state=state,
        external_id=receipt.id,
        reference=named,
        fault=faults.legacy_fault(receipt) if state is ReceiptState.FAILED else None,
        provider_at=at,
    )


# --- what goes out -------------------------------------------------------------------------

_OK: Final = 200
#: Between our reference and the number of segments, where a text takes more than one: each of
#: them gets a receipt of its own, and all of these bring the same ``client-ref``.
_SEVERAL: Final = "."


def send(text: str, part: Part, connection: VonageConnection) -> Exchange[Accepted]:
    """Send one text; what Vonage cuts it into is accepted or refused one by one."""
    response = yield _request(text, part, connection)
    error = faults.refusal(response)
    if error and response.status not in faults.GATEWAY:
        raise error
    return _accepted(response)


def _request(text: str, part: Part, connection: VonageConnection) -> HttpRequest:
    settings = connection.fields.settings
    count = segments(text).count
    callback = connection.webhook_url
    form = [
        ("from", settings.number or settings.from_number),
        ("to", part.address.removeprefix("+")),
        ("text", text),
        ("type", "unicode" if alphabet(text) == "ucs2" else "text"),
        ("client-ref", part.reference + (f"{_SEVERAL}{count}" if count > 1 else "")),
        ("callback", callback if len(callback) <= LONGEST_CALLBACK else ""),
        ("entity-id", settings.entity_id),
        ("content-id", settings.content_id),
    ]
    return api.post(connection, "/sms/json", [(name, value) for name, value in form if value])


def _accepted(response: HttpResponse) -> Accepted:
    # Whoever answers otherwise, such as a proxy that redirects, is not Vonage.
    answer = wire.read(wire.LegacySent, response) if response.status == _OK else None
    if answer is None:
        raise OutcomeUnknown(
            f"Vonage's answer ({response.status}) cannot be read, so the message may have been "
            "taken or not. Its receipt will tell."
        )
    refused = [error for error in map(faults.legacy_refusal, answer.messages) if error]
    taken = [segment.id for segment in answer.messages if segment.status == "0"]
    if refused and taken:
        first = refused[0]
        raise Permanent(
            f"Only {len(taken)} of {len(answer.messages)} segments were taken, so the text arrives "
            f"torn. {first.detail}",
            code="partly_sent",
            provider_code=first.provider_code,
        )
    if refused:
        raise refused[0]
    return Accepted(
        external_id=taken[-1], note=f"{len(taken)} segment{'' if len(taken) == 1 else 's'}"
    )
