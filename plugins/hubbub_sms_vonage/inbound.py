"""Turn a webhook call of the Messages API into events."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Final

from hubbub.sdk import (
    Attachment,
    Call,
    Content,
    Event,
    Ignored,
    MalformedPayload,
    Media,
    MessageReceived,
    ReceiptReceived,
    ReceiptState,
    Sender,
    Text,
    Unreadable,
    UnsupportedContent,
)
from hubbub_sms_vonage import faults, meanings, wire
from hubbub_sms_vonage.sides import address, one_way, opt_out, reference

_RECEIPTS: Final[Mapping[str, ReceiptState]] = {
    "submitted": ReceiptState.SENT,
    "delivered": ReceiptState.DELIVERED,
    "read": ReceiptState.READ,
    "rejected": ReceiptState.FAILED,
    "undeliverable": ReceiptState.FAILED,
}
#: Errors that are none: Vonage has the message already.
_NO_FAILURE: Final = {str(meanings.ALREADY_SENT): ReceiptState.SENT}
_OURS: Final = frozenset({"sms", "mms"})
#: Kinds that may say nothing at all; an SMS need not name its own.
_TEXTS: Final = frozenset({"", "text"})
_VCARD: Final = "text/vcard"


def events(call: Call) -> Iterator[Event]:
    """Yield what ``call`` says: a message with its files, or a receipt."""
    try:
        said = wire.payload(call)
        if "status" in said:
            yield _receipt(wire.readable(wire.Status, said))
        else:
            yield from _message(wire.readable(wire.Inbound, said))
    except MalformedPayload as error:
        yield Unreadable(reason=error.detail)


def _receipt(status: wire.Status) -> Event:
    key = f"status:{status.id}:{status.status}"
    code = status.error.title
    if code == str(meanings.RECEIPTS_MISSING):
        return Ignored(reason="Receipts of some segments never came: nothing is known.", key=key)
    state = _NO_FAILURE.get(code) or _RECEIPTS.get(status.status)
    if state is None:
        return Unreadable(reason=f"Vonage tells an unknown status: {status.status[:40]!r}.")
    failed = state is ReceiptState.FAILED
    return ReceiptReceived(
        key=key,
        state=state,
        external_id=status.id,
        reference=reference(status.client_ref),
        fault=faults.fault(status.status, status.error) if failed else None,
        provider_at=wire.moment(status.timestamp),
    )


def _message(inbound: wire.Inbound) -> Iterator[Event]:
    if inbound.channel not in _OURS:
        # An application may carry other channels too.
        yield Ignored(reason=f"It came over {inbound.channel[:40]!r}, which is no SMS.")
        return
    for number, content in enumerate(_contents(inbound)):
        yield MessageReceived(
            key=f"message:{inbound.id}" + (f":{number}" if number else ""),
            sender=Sender(address=address(inbound.sender)),
            content=content,
            external_id=inbound.id,
            provider_at=wire.moment(inbound.timestamp),
            opt_out=None if number else opt_out(inbound.text),
            our_address=address(inbound.to) or None,
        )
    yield from one_way(inbound.sender, inbound.id)


def _contents(inbound: wire.Inbound) -> list[Content]:
    files = list(_files(inbound))
    if not files and not inbound.text and inbound.kind not in _TEXTS:
        return [UnsupportedContent(provider_type=inbound.kind[:40])]
    return _captioned(inbound.text, files)


def _captioned(text: str, files: list[Attachment]) -> list[Content]:
    """Return the files with ``text`` as the caption of the first; the text alone without files."""
    if not files:
        return [Text(text=text)]
    first, *rest = files
    return [replace(first, caption=text or first.caption), *rest]


def _files(inbound: wire.Inbound) -> Iterator[Attachment]:
    if inbound.image:
        yield Attachment(type="image", media=_media(inbound.image), caption=inbound.image.caption)
    if inbound.audio:
        yield Attachment(type="audio", media=_media(inbound.audio), caption=inbound.audio.caption)
    if inbound.video:
        yield Attachment(type="video", media=_media(inbound.video), caption=inbound.video.caption)
    if inbound.vcard:
        card = replace(_media(inbound.vcard), mime_type=_VCARD)
        yield Attachment(type="document", media=card, caption=inbound.vcard.caption)
    if inbound.file:
        yield Attachment(type="document", media=_media(inbound.file), caption=inbound.file.caption)
    yield from map(_item, inbound.content)


def _media(file: wire.File) -> Media:
    return Media(ref=file.url, filename=file.name)


def _item(item: wire.Item) -> Attachment:
    media = Media(ref=item.url, mime_type=_VCARD if item.type == "vcard" else None)
    match item.type:
        case "image" | "audio" | "video" as kind:
            return Attachment(type=kind, media=media)
    return Attachment(type="document", media=media)
