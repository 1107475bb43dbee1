"""Answer the calls about messages."""

import hashlib
from typing import Any, Final

from pydantic import Field
from sqlalchemy import Row

from hubbub.api import queries, render, shapes
from hubbub.api.content import read_content
from hubbub.api.endpoint import Ask, Body, Endpoint, Nothing, endpoint
from hubbub.api.moments import Moment
from hubbub.api.pages import Page, by_id, cut
from hubbub.api.work import Order, send
from hubbub.deliver.actors import nudge_deliver
from hubbub.deliver.work import cancel, retry, settle_by_hand
from hubbub.hub import Hub
from hubbub.people.errors import Complaint, Invalid, NotFound
from hubbub.sdk.content import OUTBOUND_TYPES
from hubbub.store.session import reading, transaction
from hubbub.track.trace import trace

_TAG: Final = "Messages"
_KEY: Final = "Idempotency-Key"
_LONGEST_KEY: Final = 255


class To(Body):
    """Whom to write to."""

    address: str = Field(min_length=1, max_length=320)


class NewMessage(Body):
    """A message to send: into a conversation, or to an address on a channel."""

    content: shapes.ContentJson = Field(
        description=f"`type` is one of {', '.join(OUTBOUND_TYPES)}; it says what goes with it."
    )
    conversation_id: str | None = None
    channel_id: str | None = None
    to: To | None = None
    reply_to: str | None = Field(None, description="The id of the message to quote.")
    send_at: Moment | None = Field(None, description="Not before this time.")
    seen: str | None = Field(
        None,
        description="The id of the conversation's last message as you know it: refused with "
        "`unseen` when somebody else has said something since.",
    )
    bulk: bool = Field(
        default=False,
        description="It goes to many: it waits behind answers, and not to who stopped such ones.",
    )
    automatic: bool = Field(
        default=False,
        description="No person wrote it: a letter says so in its head, and where programs may "
        "answer each other the ceilings of automatic answers hold.",
    )


class Finding(Body):
    """What somebody found out about a message."""

    arrived: bool


class MessageQuery(Page):
    """Which messages."""

    channel_id: str | None = None
    conversation_id: str | None = None
    direction: shapes.Direction | None = None
    status: shapes.MessageStatus | None = None
    external_id: str | None = Field(None, description="The provider's id, of any part.")


@endpoint(
    "POST",
    "/messages",
    tag=_TAG,
    scope="write",
    status=202,
    problems=("window-closed", "screened", "idempotency-conflict", "unseen"),
    headers={
        _KEY: "Unique to this message, at most 255 characters: sent again under the same key, the "
        "same message is answered and nothing is sent twice."
    },
)
def post_message(hub: Hub, ask: Ask[Nothing, NewMessage]) -> shapes.MessageJson:
    """Queue a message. What may be sent now, `GET /conversations/{id}/sendable` tells."""
    _check_target(ask.body)
    body = ask.body
    order = Order(
        content=read_content(body.content),
        author=f"{'program' if body.automatic else 'api'}:{ask.bearer.id}",
        conversation_id=body.conversation_id,
        channel_id=body.channel_id,
        address=body.to.address.strip() if body.to else None,
        reply_to=body.reply_to,
        send_at=body.send_at,
        seen=body.seen,
        bulk=body.bulk,
        key=_key(ask),
    )
    message_id = send(hub, order)
    nudge_deliver(hub)
    return _message(hub, message_id)


@endpoint("GET", "/messages", tag=_TAG, scope="read")
def list_messages(hub: Hub, ask: Ask[MessageQuery, Nothing]) -> shapes.Listing[shapes.MessageJson]:
    """List messages, the newest first."""
    wanted = queries.MessageFilter(**ask.query.model_dump(exclude={"limit", "cursor"}))
    with reading(hub.engine) as db:
        rows = queries.messages(db, wanted, before=ask.query.before_id(), limit=ask.query.fetch)
        page, cursor = cut(rows, ask.query.limit, by_id)
        items = render.message_list(hub, db, page)
    return shapes.Listing(items=items, next_cursor=cursor)


@endpoint("GET", "/messages/{id}", tag=_TAG, scope="read")
def get_message(hub: Hub, ask: Ask[Nothing, Nothing]) -> shapes.WholeMessageJson:
    """Return a message with what it said before it was edited."""
    with reading(hub.engine) as db:
        return render.whole_message(hub, db, _found(queries.message(db, ask.id)))


@endpoint("POST", "/messages/{id}/retry", tag=_TAG, scope="write", problems=("not-retryable",))
def retry_message(hub: Hub, ask: Ask[Nothing, Nothing]) -> shapes.MessageJson:
    """Make one new attempt at a message that failed or is unknown, or let go one that is held."""
    with transaction(hub.engine) as db:
        retry(hub, db, ask.id)
    nudge_deliver(hub)
    return _message(hub, ask.id)


@endpoint("POST", "/messages/{id}/cancel", tag=_TAG, scope="write", problems=("not-cancellable",))
def cancel_message(hub: Hub, ask: Ask[Nothing, Nothing]) -> shapes.MessageJson:
    """Cancel a message that is not being sent yet."""
    with transaction(hub.engine) as db:
        cancel(db, ask.id)
    return _message(hub, ask.id)


@endpoint("POST", "/messages/{id}/settle", tag=_TAG, scope="write", problems=("not-unknown",))
def settle_message(hub: Hub, ask: Ask[Nothing, Finding]) -> shapes.MessageJson:
    """Say what was found out about a message whose outcome is unknown: it is sent, or failed."""
    with transaction(hub.engine) as db:
        settle_by_hand(db, ask.id, arrived=ask.body.arrived)
    nudge_deliver(hub)
    return _message(hub, ask.id)


@endpoint("GET", "/messages/{id}/trace", tag=_TAG, scope="read")
def trace_message(hub: Hub, ask: Ask[Nothing, Nothing]) -> shapes.TraceJson:
    """Tell everything that happened to a message, oldest first."""
    with reading(hub.engine) as db:
        _found(queries.message(db, ask.id))
        items = trace(db, ask.id)
    return shapes.TraceJson(
        items=[
            shapes.TraceItemJson(
                at=item.at,
                stage=item.stage,
                what=item.what,
                detail=item.detail,
                duration_ms=item.duration_ms,
            )
            for item in items
        ]
    )


def _message(hub: Hub, message_id: str) -> shapes.MessageJson:
    with reading(hub.engine) as db:
        return render.message_list(hub, db, [_found(queries.message(db, message_id))])[0]


def _found(row: Row[Any] | None) -> Row[Any]:
    if row is None:
        raise NotFound("There is no such message.")
    return row


def _check_target(body: NewMessage) -> None:
    if body.conversation_id is not None:
        if body.channel_id is not None or body.to is not None:
            raise Invalid(
                Complaint("conversation_id", "Give either this, or channel_id and to, not both.")
            )
    elif body.channel_id is None:
        raise Invalid(Complaint("channel_id", "Give a channel and to, or a conversation_id."))
    elif body.to is None or not body.to.address.strip():
        raise Invalid(Complaint("to.address", "Say whom to write to."))


def _key(ask: Ask[Nothing, NewMessage]) -> str | None:
    key = ask.request.headers.get(_KEY)
    if key is None:
        return None
    if not 0 < len(key.strip()) <= _LONGEST_KEY:
        raise Invalid(Complaint(_KEY, f"Take 1 to {_LONGEST_KEY} characters."))
    # Hashed: header fields may hold what a database's text may not.
    return f"{ask.bearer.id}:{hashlib.sha256(key.strip().encode()).hexdigest()}"


ENDPOINTS: tuple[Endpoint, ...] = (
    post_message,
    list_messages,
    get_message,
    retry_message,
    cancel_message,
    settle_message,
    trace_message,
)
