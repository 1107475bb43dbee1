"""Read what became of messages of ours. Source: Messenger Platform, "Webhooks reference"."""

import re
from collections.abc import Iterator
from typing import Final

from hubbub.sdk import Event, Ignored, ReceiptReceived, ReceiptState, graph
from hubbub_messenger import wire
from hubbub_messenger.occasion import Occasion

#: `Part.reference`. Other programs send for the same Page, with words of their own.
_REFERENCE: Final = re.compile(r"[0-9a-z]{26}")


def echo(occasion: Occasion, said: wire.Message) -> Event | None:
    """Return the proof that we sent a message; None when somebody else did."""
    reference = said.metadata if _REFERENCE.fullmatch(said.metadata) else None
    our_app = occasion.settings.app_id
    ours = said.app_id == our_app if our_app and said.app_id else reference is not None
    if not ours:
        return None
    return ReceiptReceived(
        key=f"echo:{said.mid}",
        state=ReceiptState.SENT,
        external_id=said.mid,
        reference=reference,
        provider_at=occasion.at,
    )


def delivered(occasion: Occasion, said: wire.Delivered) -> Iterator[Event]:
    """Yield that messages reached the contact: those that are named, and all before them."""
    for mid in said.mids:
        yield ReceiptReceived(
            key=f"delivered:{mid}",
            state=ReceiptState.DELIVERED,
            external_id=mid,
            provider_at=graph.moment(said.watermark),
        )
    yield _watermark(occasion, ReceiptState.DELIVERED, said.watermark)


def read(occasion: Occasion, said: wire.Read) -> Iterator[Event]:
    """Yield that the contact read all until some time."""
    yield _watermark(occasion, ReceiptState.READ, said.watermark)


def _watermark(occasion: Occasion, state: ReceiptState, watermark: str) -> Event:
    up_to = graph.moment(watermark)
    if up_to is None:
        return Ignored(reason=f"It does not tell how far the contact is ({state}).")
    return ReceiptReceived(
        key=f"{state}:{occasion.contact}:{watermark}",
        state=state,
        address=occasion.contact,
        up_to=up_to,
        provider_at=up_to,
    )
