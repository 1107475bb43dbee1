"""Read what became of a message of ours. Source: "Webhooks reference: messages, status"."""

import re
from collections.abc import Mapping
from typing import Final

from hubbub.sdk import Event, Ignored, ReceiptReceived, ReceiptState, graph
from hubbub_whatsapp_cloud import faults
from hubbub_whatsapp_cloud.wire import Status

_STATES: Final[Mapping[str, ReceiptState]] = {
    "sent": ReceiptState.SENT,
    "delivered": ReceiptState.DELIVERED,
    "read": ReceiptState.READ,
    # Somebody listened to a voice message.
    "played": ReceiptState.READ,
    "failed": ReceiptState.FAILED,
}
#: `Part.reference`. Other programs send through the same number, with words of their own.
_REFERENCE: Final = re.compile(r"[0-9a-z]{26}")


def event(status: Status) -> Event:
    """Return the receipt that ``status`` is."""
    key = f"status:{status.id}:{status.status}"
    state = _STATES.get(status.status)
    if state is None:
        return Ignored(reason=f"The status {status.status[:40]!r} changes nothing.", key=key)
    if status.recipient_type == "group":
        return Ignored(reason="Groups are not part of this channel.", key=key)
    failed = state is ReceiptState.FAILED
    return ReceiptReceived(
        key=key,
        state=state,
        external_id=status.id,
        reference=_reference(status.biz_opaque_callback_data),
        fault=faults.fault(status.errors) if failed else None,
        provider_at=graph.moment(status.timestamp),
    )


def _reference(opaque: str) -> str | None:
    return opaque if _REFERENCE.fullmatch(opaque) else None
