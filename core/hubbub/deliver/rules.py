"""Decide about sending: may it be sent, as which parts, and when again. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from hubbub.deliver.templates import check_template, why_not
from hubbub.directory import Line
from hubbub.plugins import Plugins
from hubbub.sdk.content import ATTACHMENT_TYPES, Choices, Content, Template, preview, to_json
from hubbub.sdk.errors import (
    AuthFailed,
    HubError,
    OutcomeUnknown,
    RateLimited,
    SendError,
    Transient,
)
from hubbub.sdk.screening import Outgoing, Refuse
from hubbub.sdk.values import Draft, Part
from hubbub.store.states import NEVER, DeliveryState
from hubbub.store.templates import KnownTemplate
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
PROGRAMS: Final = ("bot:", "route:")
#: The category of templates that people may refuse while they take others.
_MARKETING: Final = "MARKETING"
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


@dataclass(frozen=True, kw_only=True)
class Sendable:
    """What may be sent to a conversation now, until when, and why not the rest."""

    kinds: tuple[str, ...] = ()
    reasons: Mapping[str, str]
    until: datetime | None = None
    #: Those that may be sent, where the kind ``template`` may; and why not the others.
    templates: tuple[KnownTemplate, ...] = ()
    withheld: tuple[tuple[KnownTemplate, str], ...] = ()


def sendable(line: Line, thread: Thread, now: datetime, *, author: str) -> Sendable:
    """Say what ``author`` may send to ``thread`` now, whoever that is: the one gate."""
    can = line.hooks.capabilities
    every = sorted({*_fitted_kinds(can.outbound), *can.outbound})
    refusal = _refusal(line, thread)
    if refusal is not None:
        return Sendable(reasons=dict.fromkeys(every, str(refusal)))
    until, shut = _window(line, thread, now, author)
    reasons = {kind: shut for kind in every if shut and kind != "template"}
    judged = [
        (template, why_not(template) or _unwanted(thread, template))
        for template in line.templates.values()
    ]
    templates = tuple(template for template, why in judged if not why)
    if judged and not templates:
        reasons["template"] = "None of the channel's templates may be sent."
    return Sendable(
        kinds=tuple(kind for kind in every if kind not in reasons),
        reasons=reasons,
        until=until,
        templates=templates,
        withheld=tuple((template, why) for template, why in judged if why),
    )


def by_program(author: str | None) -> bool:
    """Whether a message's author is a bot, or another destination that answers by itself."""
    return (author or "").startswith(PROGRAMS)


def by_person(author: str | None) -> bool:
    """Whether a message's author is a person who writes in the console."""
    return (author or "").startswith("user:")


def check_sendable(
    line: Line, thread: Thread, content: Content, now: datetime, *, author: str
) -> None:
    """Raise `Refused` when ``author`` may not send ``content`` to ``thread`` now.

    Raises `Invalid` for a template that may not be sent at all, or not like this.
    """
    refusal = _refusal(line, thread)
    if refusal is not None:
        raise refusal
    _check_ceilings(line, thread, author)
    outbound = line.hooks.capabilities.outbound
    _, shut = _window(line, thread, now, author)
    if shut and not (content.type == "template" and "template" in outbound):
        # The window is shut, also to what would only be fitted into an allowed kind.
        raise Refused(shut, code="window-closed")
    if isinstance(content, Template):
        check_template(line.templates, content)
        _check_wanted(line, thread, content)
    if content.type == "reaction" and content.type not in outbound:
        raise Refused("This channel carries no reactions.", code="unsupported")


def _check_ceilings(line: Line, thread: Thread, author: str) -> None:
    ceilings, traffic = line.hooks.capabilities.ceilings, thread.addressee.traffic
    if ceilings is None or traffic is None or not by_program(author):
        return
    here, everywhere = traffic.automatic[thread.conversation_id], traffic.automatic.total()
    if here >= ceilings.conversation or everywhere >= ceilings.address:
        hours = ceilings.per // timedelta(hours=1)
        raise Refused(
            f"Within {hours} hours {here} automatic answers went out in this conversation and "
            f"{everywhere} to this address; a program may be answering them.",
            code="too-many-automatic",
        )


def admit(
    plugins: Plugins, line: Line, thread: Thread, content: Content, *, author: str, now: datetime
) -> str | None:
    """Let ``content`` through the one gate: return None, or why it is held for a person.

    Raises `Refused`, or `Invalid`, when it may not be sent.
    """
    check_sendable(line, thread, content, now, author=author)
    if not plugins.outbound:
        return None
    screened = plugins.outbound.ask(
        Outgoing(
            channel_id=line.id,
            channel_type=line.type,
            channel_name=line.name,
            conversation_id=thread.conversation_id,
            address=thread.address,
            content=content,
            author=author,
            now=now,
        )
    )
    if screened is None:
        return None
    if isinstance(screened.verdict, Refuse):
        raise Refused(f"Refused by {screened.plugin}: {screened.verdict.reason}", code="screened")
    return f"Held by {screened.plugin}: {screened.verdict.reason}"


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
) -> Composed:
    """Return the rows that send ``content`` to ``thread``, and note it there.

    ``reply_to`` is our id and the provider's id of the quoted message; ``held`` says why it waits
    for a person. Raises `Unsupported`.
    """
    draft = Draft(content=content, reply_to_external_id=reply_to[1] if reply_to else None)
    pattern = Part(content=content, address=thread.address, our_address=thread.our_address)
    parts = line.hooks.render(draft, pattern, line.connection)
    message_id = new_id()
    seq = thread.next_seq()
    thread.preview = preview(content)
    thread.last_message_at = now
    thread.menu = _menu(content, parts)
    if by_program(author) and thread.addressee.traffic:
        thread.addressee.traffic.automatic[thread.conversation_id] += 1
    error = as_error(Held(held)) if held else None
    message = {
        "id": message_id,
        "channel_id": thread.channel_id,
        "conversation_id": thread.conversation_id,
        "contact_id": thread.contact_id,
        "seq": seq,
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
        "error": error,
        "author": author,
        "decision": None,
        "provider_at": None,
        "created_at": now,
    }
    shared = {
        "message_id": message_id,
        "channel_id": thread.channel_id,
        "conversation_id": thread.conversation_id,
        "seq": seq,
        "parts": len(parts),
        "destination": "contact",
        "onward": False,
        "routes_version": None,
        "route_id": None,
        "first_message": False,
        "state": DeliveryState.QUEUED,
        "starts_at": starts_at,
        "due_at": NEVER if held else starts_at or now,
        # What waits for a person holds up nothing behind it.
        "lane_until": now if held else None,
        "bulk": bulk,
        "owner_version": owner_version,
        "error": error,
        "created_at": now,
    }
    deliveries = tuple(
        {
            **shared,
            "id": new_id(),
            "part": number,
            "content": None if part.content == content else to_json(part.content),
            "address": part.address,
            "reply_to_external_id": part.reply_to_external_id,
        }
        for number, part in enumerate(parts)
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


def past_window(
    line: Line, author: str | None, last_inbound_at: datetime | None, now: datetime
) -> bool:
    """Whether ``author`` may still write where a program may no longer (`Part.past_window`)."""
    window = line.hooks.capabilities.window
    if window is None or last_inbound_at is None or not by_person(author):
        return False
    longer = line.hooks.window(line.connection, by_person=True)
    return longer is not None and last_inbound_at + window <= now < last_inbound_at + longer


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


def _check_wanted(line: Line, thread: Thread, content: Template) -> None:
    known = line.templates.get((content.name, content.language))
    why = _unwanted(thread, known) if known else ""
    if why:
        raise Refused(why, code="marketing-opt-out")


def _unwanted(thread: Thread, template: KnownTemplate) -> str:
    """Return why the contact does not want ``template``; empty where that is not known."""
    if thread.addressee.marketing or template.category.upper() != _MARKETING:
        return ""
    return "The contact stopped marketing messages: other templates may be sent."


def _refusal(line: Line, thread: Thread) -> Refused | None:
    if not line.enabled:
        return Refused("The channel is switched off.", code="channel-disabled")
    if thread.addressee.blocked:
        return Refused("The contact is blocked here.", code="contact-blocked")
    if thread.addressee.state == "opted_out":
        return Refused("The contact asked not to be written to.", code="opted-out")
    if thread.addressee.state == "blocked":
        why = "The contact blocked this channel, or never wrote to it."
        return Refused(why, code="recipient-blocked")
    if thread.addressee.state == "gone":
        return Refused("The address no longer exists.", code="recipient-gone")
    if not line.hooks.capabilities.initiates and thread.last_inbound_at is None:
        return Refused("On this channel the contact has to write first.", code="cannot-initiate")
    return None


def _window(line: Line, thread: Thread, now: datetime, author: str) -> tuple[datetime | None, str]:
    """Return until when all may be sent, and why that time is over, where it is."""
    window = line.hooks.window(line.connection, by_person=by_person(author))
    if window is None:
        return None, ""
    closes = thread.last_inbound_at and thread.last_inbound_at + window
    if closes and closes > now:
        return closes, ""
    left = "only templates" if "template" in line.hooks.capabilities.outbound else "nothing"
    if thread.last_inbound_at is None:
        return None, f"The contact has never written: {left} may be sent until they do."
    return None, f"The contact wrote too long ago: {left} may be sent until they write again."


def _fitted_kinds(outbound: frozenset[str]) -> set[str]:
    """Return the kinds that can be put in words, or sent as a file, where they are not native."""
    in_words = {"text", "choices", "location", "contacts", "email"}
    return in_words | (ATTACHMENT_TYPES if "document" in outbound else set())


def _menu(content: Content, parts: Sequence[Part]) -> dict[str, Any] | None:
    if isinstance(content, Choices) and all(part.content.type != "choices" for part in parts):
        return to_json(content)
    return None
