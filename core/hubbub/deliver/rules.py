"""Decide about sending: as which parts, and when again. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, Final

from hubbub.directory import Line
from hubbub.people.errors import Complaint, Invalid
from hubbub.sdk.content import Choices, Content, Correspondent, Email, preview, to_json
from hubbub.sdk.errors import (
    AuthFailed,
    BadAddress,
    HubError,
    OutcomeUnknown,
    RateLimited,
    SendError,
    Transient,
)
from hubbub.sdk.values import Draft, Part
from hubbub.store.states import NEVER, DeliveryState
from hubbub.store.threads import Thread
from hubbub.store.types import new_id

#: How long to wait before each further attempt at what failed for a while; then it is dead.
RETRY_SCHEDULE: Final = (
    timedelta(seconds=5),
    timedelta(seconds=30),
    timedelta(minutes=2),
    timedelta(minutes=10),
    timedelta(hours=1),
    timedelta(hours=6),
)
#: A destination is asked again this soon: somebody waits for its answer.
ROUTE_SCHEDULE: Final = (timedelta(seconds=2), timedelta(seconds=5))
#: How long one message that waits for another attempt holds up those behind it.
LANE_HOLD: Final = timedelta(minutes=2)
#: How the authors of automatic messages begin.
PROGRAMS: Final = ("bot:", "route:", "program:")
#: How long proof of an unknown outcome is awaited before the channel's policy decides.
PROOF_WAIT: Final = timedelta(seconds=60)


class Refused(HubError):
    """The message may not be sent; ``code`` says why in a stable word."""

    code = "refused"


class Held(HubError):
    """The message waits for a person; the text says why."""

    code = "held"


@dataclass(frozen=True, kw_only=True)
class Composed:
    """The rows of one outbound message."""

    message: dict[str, Any]
    deliveries: tuple[dict[str, Any], ...]


def by_program(author: str | None) -> bool:
    """Whether a message's author is a bot, another destination, or a program that says so."""
    return (author or "").startswith(PROGRAMS)


def by_person(author: str | None) -> bool:
    """Whether a message's author is a person who writes in the console."""
    return (author or "").startswith("user:")


def with_copies(line: Line, content: Content, *, bulk: bool) -> Content:
    """Return ``content`` with the addresses of those who get copies as ``line`` writes them.

    Raises `Invalid` where it cannot have copies, or an address is none.
    """
    if not (isinstance(content, Email) and content.copies):
        return content
    if "email" not in line.hooks.capabilities.outbound:
        raise Invalid(Complaint("content.cc", "This channel carries no letters, so no copies."))
    if bulk:
        raise Invalid(Complaint("content.cc", "What goes to many has no copies: send it to each."))
    return replace(
        content,
        cc=_at_addresses(line, "cc", content.cc),
        bcc=_at_addresses(line, "bcc", content.bcc),
    )


def _at_addresses(
    line: Line, name: str, named: Sequence[Correspondent]
) -> tuple[Correspondent, ...]:
    try:
        return tuple(
            replace(one, address=line.hooks.address(one.address, line.connection)) for one in named
        )
    except BadAddress as error:
        raise Invalid(Complaint(f"content.{name}", error.detail)) from None


def compose(
    line: Line,
    thread: Thread,
    content: Content,
    *,
    author: str,
    now: datetime,
    reply_to: tuple[str, str | None] | None = None,
    idempotency_key: str | None = None,
    request_digest: str | None = None,
    starts_at: datetime | None = None,
    bulk: bool = False,
    owner_version: int | None = None,
    held: str | None = None,
    linked: Content | None = None,
) -> Composed:
    """Return the rows that send ``content`` to ``thread``, and note it there.

    ``linked`` is the same with addresses for its files, where a text is to name these.
    ``reply_to`` is our id and the provider's id of the quoted message; ``held`` says why it waits
    for a person. Raises `Unsupported`.
    """
    draft = Draft(content=linked or content, reply_to_external_id=reply_to[1] if reply_to else None)
    pattern = Part(content=content, address=thread.address, our_address=thread.our_address)
    parts = line.hooks.render(draft, pattern, line.connection)
    thread.preview = preview(content)
    thread.last_message_at = now
    thread.menu = _menu(content, parts)
    if by_program(author) and thread.last_inbound_at and thread.addressee.traffic:
        thread.addressee.traffic.answer(thread.conversation_id)
    message = {
        "id": new_id(),
        "channel_id": thread.channel_id,
        "conversation_id": thread.conversation_id,
        "contact_id": thread.contact_id,
        "seq": thread.next_seq(),
        "direction": "outbound",
        "kind": content.type,
        "content": to_json(content),
        "sender_address": thread.our_address or line.hooks.sender(line.connection) or line.name,
        "sender_name": None,
        "external_id": None,
        "event_key": None,
        "idempotency_key": idempotency_key,
        "request_digest": request_digest,
        "call_id": None,
        "reply_to_id": reply_to[0] if reply_to else None,
        "reply_to_external_id": reply_to[1] if reply_to else None,
        "status": "queued",
        "error": as_error(Held(held)) if held else None,
        "author": author,
        "decision": None,
        "provider_at": None,
        "created_at": now,
    }
    shared = {
        "parts": len(parts),
        "starts_at": starts_at,
        "due_at": NEVER if held else starts_at or now,
        # What waits for a person holds up nothing behind it.
        "lane_until": now if held else None,
        "bulk": bulk,
        "owner_version": owner_version,
    }
    deliveries = tuple(
        {**shared, **_delivery(message, number, part, content)} for number, part in enumerate(parts)
    )
    return Composed(message=message, deliveries=deliveries)


def elsewhere(
    message: Mapping[str, Any], *, address: str, sent_at: datetime | None, now: datetime
) -> dict[str, Any]:
    """Return the row that stands for the carrying of a message that was not sent by the hub."""
    return {
        "id": new_id(),
        "message_id": message["id"],
        "channel_id": message["channel_id"],
        "conversation_id": message["conversation_id"],
        "seq": message["seq"],
        "address": address,
        "state": DeliveryState.SENT,
        "external_id": message["external_id"],
        "due_at": now,
        # With this, watermarks are compared.
        "claimed_at": sent_at or now,
        "created_at": now,
    }


def handling(
    thread: Thread,
    *,
    message_id: str,
    seq: int,
    destination: str,
    routes_version: int,
    route_id: str | None,
    first_message: bool,
    now: datetime,
) -> dict[str, Any]:
    """Return the row that carries an inbound message to a destination that takes requests.

    It names the rule (None: the fallback) and holds none of the destination's settings.
    """
    return {
        "id": new_id(),
        "message_id": message_id,
        "channel_id": thread.channel_id,
        "conversation_id": thread.conversation_id,
        "seq": seq,
        "part": 0,
        "parts": 1,
        "destination": destination,
        "onward": True,
        "routes_version": routes_version,
        "route_id": route_id,
        "first_message": first_message,
        "content": None,
        "address": thread.address,
        "reply_to_external_id": None,
        "state": DeliveryState.QUEUED,
        "starts_at": None,
        "due_at": now,
        "lane_until": None,
        "bulk": False,
        "owner_version": thread.owner_version,
        "error": None,
        "created_at": now,
    }


def retry_in(
    error: SendError,
    attempts: int,
    jitter: float,
    schedule: Sequence[timedelta] = RETRY_SCHEDULE,
) -> timedelta | None:
    """Return how long to wait before the next attempt, or None when there is to be none.

    ``attempts`` counts those made, this one included; ``jitter`` is 0 to 1. What only has to wait
    (`RateLimited`) waits as long as the provider said, however often that was.
    """
    if isinstance(error, RateLimited):
        return error.retry_after + timedelta(seconds=jitter)
    if isinstance(error, AuthFailed):
        # The channel is paused by then; its messages wait until the channel is mended.
        return timedelta(seconds=30) * (1 + jitter)
    if not isinstance(error, Transient) or attempts > len(schedule):
        return None
    # Up to a quarter longer, so that what failed together does not come back together.
    return schedule[attempts - 1] * (1 + jitter / 4)


def uses_attempt(error: SendError) -> bool:
    """Whether ``error`` counts as an attempt: to be told to wait, or to lack a key, does not."""
    return not isinstance(error, RateLimited | AuthFailed)


def next_state(error: SendError, wait: timedelta | None) -> DeliveryState:
    """Return the state that an attempt's ``error`` leads to."""
    if isinstance(error, OutcomeUnknown):
        return DeliveryState.UNKNOWN
    return DeliveryState.FAILED if wait is None else DeliveryState.RETRYING


def as_error(error: HubError, *, retryable: bool | None = None) -> dict[str, Any]:
    """Return ``error`` in the form that the API shows."""
    return {
        "code": error.code,
        "provider_code": getattr(error, "provider_code", None),
        "detail": error.detail,
        "retryable": getattr(error, "retryable", False) if retryable is None else retryable,
    }


def _menu(content: Content, parts: Sequence[Part]) -> dict[str, Any] | None:
    if isinstance(content, Choices) and all(part.content.type != "choices" for part in parts):
        return to_json(content)
    return None


def _delivery(
    message: Mapping[str, Any], number: int, part: Part, content: Content
) -> dict[str, Any]:
    """Return the row of the delivery of one part, but for when and how it goes."""
    return {
        "id": new_id(),
        "message_id": message["id"],
        "channel_id": message["channel_id"],
        "conversation_id": message["conversation_id"],
        "seq": message["seq"],
        "part": number,
        "content": None if part.content == content else to_json(part.content),
        "address": part.address,
        "reply_to_external_id": part.reply_to_external_id,
        "destination": "contact",
        "onward": False,
        "routes_version": None,
        "route_id": None,
        "first_message": False,
        "state": DeliveryState.QUEUED,
        "error": message["error"],
        "created_at": message["created_at"],
    }
