"""Build the rows that events become."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from hubbub.deliver.queries import fault_json
from hubbub.directory import Line
from hubbub.normalise.rules import stored
from hubbub.sdk.content import Content
from hubbub.sdk.values import AddressChanged, MessageReceived, ReceiptReceived, SentElsewhere
from hubbub.store.threads import Addressee, Thread
from hubbub.store.types import new_id


def inbound(
    call_id: str,
    event: MessageReceived,
    thread: Thread,
    *,
    message_id: str,
    content: Content,
    reply_to_id: str | None,
    now: datetime,
) -> dict[str, Any]:
    """Return a message that came in."""
    return {
        **_message(call_id, event, thread, message_id=message_id, content=content, now=now),
        "sender_address": event.sender.address,
        "sender_name": event.sender.name,
        "reply_to_id": reply_to_id,
        "reply_to_external_id": event.reply_to_external_id,
    }


def elsewhere(
    call_id: str,
    event: SentElsewhere,
    thread: Thread,
    *,
    line: Line,
    message_id: str,
    content: Content,
    now: datetime,
) -> dict[str, Any]:
    """Return a message that was sent from our account by other means."""
    return {
        **_message(call_id, event, thread, message_id=message_id, content=content, now=now),
        "direction": "outbound",
        "sender_address": line.hooks.sender(line.connection) or line.name,
        "status": "sent",
        "author": f"elsewhere:{event.by}",
    }


def receipt(event: ReceiptReceived, channel_id: str, now: datetime) -> dict[str, Any]:
    """Return a receipt."""
    return {
        "id": new_id(),
        "channel_id": channel_id,
        "event_key": event.key,
        "external_id": event.external_id,
        "reference": event.reference,
        "delivery_id": None,
        "state": event.state.value,
        "fault": fault_json(event.fault),
        "provider_at": event.provider_at,
        "address": event.address,
        "up_to": event.up_to,
        "received_at": now,
    }


def version(
    event_key: str, channel_id: str, message_id: str, before: Mapping[str, Any], now: datetime
) -> dict[str, Any]:
    """Return what a message said before it was changed."""
    return {
        "id": new_id(),
        "message_id": message_id,
        "channel_id": channel_id,
        "event_key": event_key,
        "content": before,
        "replaced_at": now,
    }


def address_change(
    event: AddressChanged, channel_id: str, who: Addressee | None, now: datetime
) -> dict[str, Any]:
    """Return what a provider told of an address."""
    return {
        "id": new_id(),
        "channel_id": channel_id,
        "address_id": who.id if who else None,
        "event_key": event.key,
        "state": _told(event),
        "reason": event.reason,
        "at": now,
    }


def _told(event: AddressChanged) -> str:
    if event.marketing is not None:
        return "marketing" if event.marketing else "no_marketing"
    return event.state.value if event.state else "moved"


def _message(
    call_id: str,
    event: MessageReceived | SentElsewhere,
    thread: Thread,
    *,
    message_id: str,
    content: Content,
    now: datetime,
) -> dict[str, Any]:
    return {
        "id": message_id,
        "channel_id": thread.channel_id,
        "conversation_id": thread.conversation_id,
        "contact_id": thread.contact_id,
        "seq": thread.next_seq(),
        "direction": "inbound",
        "kind": content.type,
        "content": stored(content),
        "sender_address": "",
        "sender_name": None,
        "external_id": event.external_id,
        "event_key": event.key,
        "idempotency_key": None,
        "request_digest": None,
        "call_id": call_id,
        "reply_to_id": None,
        "reply_to_external_id": None,
        "status": "received",
        "error": None,
        "author": None,
        "decision": None,
        "provider_at": event.provider_at,
        "created_at": now,
    }
