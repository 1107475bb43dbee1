"""Take messages that are to go out, and change one's mind about them."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy import Connection

from hubbub.deliver import file_queries, queries
from hubbub.deliver.attempt import with_links
from hubbub.deliver.gate import Sendable, admit, sendable as sendable_now
from hubbub.deliver.rules import Refused, as_error, by_program, compose, with_copies
from hubbub.deliver.traffic import count_traffic
from hubbub.directory import Line
from hubbub.hub import Hub
from hubbub.remembered import recall
from hubbub.sdk.content import OUTBOUND_TYPES, Content, Text, files_of
from hubbub.sdk.sms import segments
from hubbub.sdk.values import Draft, Part
from hubbub.store.states import DeliveryState
from hubbub.store.threads import (
    Addressee,
    Thread,
    addressee_of,
    addressees,
    at_addresses,
    begun,
    by_ids,
    save,
)
from hubbub.store.types import new_id
from hubbub.track.receipts import refresh

#: What a message is told to have met of which somebody found out that it did not arrive.
_NOT_ARRIVED: Final = "Somebody found out that it did not arrive."


@dataclass(frozen=True, kw_only=True)
class Shown:
    """A message as its channel carries it."""

    parts: tuple[Content, ...]
    #: How many short messages that takes, where the channel counts them.
    segments: int | None


def start_conversation(hub: Hub, db: Connection, *, channel_id: str, address: str) -> str:
    """Return the conversation with ``address`` on a channel, opened if there is none yet.

    A new one in any case, where what is not an answer begins one (`Capabilities.threads`).

    Raises `BadAddress`, and `Refused` when there is no such channel, or it cannot write first.
    """
    line = _line(hub, db, channel_id)
    address = line.hooks.address(address, line.connection)
    queries.hold_channel(db, channel_id)
    can = line.hooks.capabilities
    if not can.threads:
        for row in at_addresses(db, channel_id, [address], aliases=can.aliases):
            return str(row.conversation_id)
    if not can.initiates:
        raise Refused("On this channel the contact has to write first.", code="cannot-initiate")
    now = hub.now()
    thread = begun(_addressee(hub, db, channel_id, address), now, threads=can.threads)
    queries.add_thread(db, thread, now)
    return thread.conversation_id


def _addressee(hub: Hub, db: Connection, channel_id: str, address: str) -> Addressee:
    for row in addressees(db, channel_id, [address]):
        return addressee_of(row)
    addressee = Addressee(id=new_id(), channel_id=channel_id, contact_id=new_id(), address=address)
    recall(db, hub.vault, [queries.add_addressee(db, addressee, hub.now())])
    return addressee


def submit(
    hub: Hub,
    db: Connection,
    *,
    conversation_id: str,
    content: Content,
    author: str,
    idempotency_key: str | None = None,
    request_digest: str | None = None,
    reply_to_id: str | None = None,
    starts_at: datetime | None = None,
    bulk: bool = False,
) -> str:
    """Store an outbound message with its deliveries; return its id.

    The caller commits and then calls ``nudge_deliver``. Raises `Refused`, `Invalid` for a template
    that is not well filled in or copies that cannot be, or `Unsupported` for what the channel
    cannot say.
    """
    thread = _thread(db, conversation_id)
    line = _line(hub, db, thread.channel_id)
    content = with_copies(line, content, bulk=bulk)
    now = hub.now()
    if by_program(author):
        count_traffic(db, line, thread, now)
    held = admit(hub.plugins, line, thread, content, author=author, now=now, bulk=bulk)
    _check_media(db, content)
    composed = compose(
        line,
        thread,
        content,
        author=author,
        now=now,
        reply_to=_quoted(db, thread, reply_to_id),
        idempotency_key=idempotency_key,
        request_digest=request_digest,
        starts_at=starts_at,
        bulk=bulk,
        held=held,
        linked=with_links(hub, line, content),
    )
    if author.startswith("user:"):
        # Who answers takes over from the bot, whose answers in the making become void.
        thread.give_to(author)
        thread.assignee_id = thread.assignee_id or author.removeprefix("user:")
    queries.add_message(db, composed.message)
    queries.add_deliveries(db, composed.deliveries)
    save(db, [thread])
    message_id: str = composed.message["id"]
    return message_id


def sendable(hub: Hub, db: Connection, conversation_id: str, *, author: str) -> Sendable:
    """Answer what ``author`` may send to a conversation now. Raises `Refused` if there is none."""
    thread = _thread(db, conversation_id, hold=False)
    """Answer what ``author`` may send to a conversation now. Raises `Refused` if there is none."""
    thread = _thread(db, conversation_id, hold=False)
    try:
        line = _line(hub, db, thread.channel_id)
    except Refused as gone:
        return Sendable(reasons=dict.fromkeys(OUTBOUND_TYPES, gone.detail))
    return sendable_now(line, thread, hub.now(), author=author)
    return sendable_now(line, thread, hub.now(), author=author)


def sendable_first(hub: Hub, db: Connection, channel_id: str, *, author: str) -> Sendable:
    """Answer what ``author`` may send to somebody new. Raises `Refused` without such a channel."""
    line, now = _line(hub, db, channel_id), hub.now()
    nobody = Addressee(id="", channel_id=channel_id, contact_id="", address="")
    stranger = begun(nobody, now, threads=line.hooks.capabilities.threads)
    return sendable_now(line, stranger, now, author=author)


def shown_as(hub: Hub, db: Connection, conversation_id: str, content: Content) -> Shown:
    """Return what a conversation's channel would make of ``content``; nothing is sent.

    Raises `Refused` if there is no such conversation or channel, or `Unsupported`.
    """
    thread = _thread(db, conversation_id, hold=False)
    line = _line(hub, db, thread.channel_id)
    draft = Draft(content=with_links(hub, line, content) or content)
    pattern = Part(content=content, address=thread.address, our_address=thread.our_address)
    parts = tuple(part.content for part in line.hooks.render(draft, pattern, line.connection))
    texts = [part.text for part in parts if isinstance(part, Text)]
    counted = line.hooks.capabilities.segments and len(texts) == len(parts)
    return Shown(
        parts=parts, segments=sum(segments(text).count for text in texts) if counted else None
    )


def retry(hub: Hub, db: Connection, message_id: str) -> None:
    """Make one new attempt at a message that failed or is unknown, or let go one that is held.

    The caller commits and then calls ``nudge_deliver``. Raises `Refused`.
    """
    message = _outbound(db, message_id)
    thread = _thread(db, message.conversation_id)
    _line(hub, db, thread.channel_id)
    now = hub.now()
    if not (queries.release(db, message_id, now=now) or queries.revive(db, message_id, now=now)):
        raise Refused(
            f"The message is {message.status}: only a failed one, one whose outcome is unknown, "
            "or one that is held can be tried again.",
            code="not-retryable",
        )
    refresh(db, [message_id])


def cancel(db: Connection, message_id: str) -> None:
    """Cancel a message that is not being sent yet. Raises `Refused`."""
    message = _outbound(db, message_id)
    if not queries.cancel(db, message_id):
        why = (
            "The message was cancelled before."
            if message.status == "cancelled"
            else f"The message is {message.status}: it is too late to cancel it."
        )
        raise Refused(why, code="not-cancellable")
    refresh(db, [message_id])


def settle_by_hand(db: Connection, message_id: str, *, arrived: bool) -> None:
    """Write what a person found out about a message whose outcome is unknown. Raises `Refused`."""
    _outbound(db, message_id)
    target = DeliveryState.SENT if arrived else DeliveryState.FAILED
    error = None if arrived else as_error(Refused(_NOT_ARRIVED, code="not_arrived"), retryable=True)
    if not queries.settle_unknown(db, message_id, target, error=error):
        raise Refused("The outcome of this message is not unknown.", code="not-unknown")
    refresh(db, [message_id])


def conversation_of(db: Connection, message_id: str) -> str:
    """Return the conversation of an outbound message. Raises `Refused` if there is none."""
    return str(_outbound(db, message_id).conversation_id)


def _line(hub: Hub, db: Connection, channel_id: str) -> Line:
    line = hub.directory.current(db, [channel_id]).get(channel_id)
    if line is None:
        raise Refused("The channel was deleted.", code="channel-gone")
    return line


def _thread(db: Connection, conversation_id: str, *, hold: bool = True) -> Thread:
    thread = by_ids(db, [conversation_id], hold=hold).get(conversation_id)
    if thread is None:
        raise Refused("There is no such conversation.", code="not-found")
    return thread


def _outbound(db: Connection, message_id: str) -> Any:
    message = queries.message(db, message_id)
    if message is None:
        raise Refused("There is no such message.", code="not-found")
    if message.direction != "outbound":
        raise Refused("This message came in; there is nothing to send.", code="not-outbound")
    return message


def _quoted(
    db: Connection, thread: Thread, reply_to_id: str | None
) -> tuple[str, str | None] | None:
    if reply_to_id is None:
        return None
    message = queries.message(db, reply_to_id)
    if message is None or message.conversation_id != thread.conversation_id:
        raise Refused("The quoted message is not in this conversation.", code="not-found")
    return message.id, message.external_id


def _check_media(db: Connection, content: Content) -> None:
    for media in files_of(content):
        row = file_queries.file(db, media.id) if media.id else None
        if media.id and (row is None or row.state != "ready"):
            raise Refused(f"There is no uploaded file {media.id!r}.", code="no-such-media")
