"""Answer the calls about conversations."""

from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import AwareDatetime, Field
from sqlalchemy import Row

from hubbub.api import queries, render, shapes
from hubbub.api.content import read_content
from hubbub.api.endpoint import Ask, Body, Endpoint, Nothing, endpoint, optional
from hubbub.api.moments import within_reach
from hubbub.api.pages import Page, by_id, cut
from hubbub.api.work import ConversationChange, add_note, change_conversation, read
from hubbub.deliver.work import sendable, shown_as
from hubbub.hub import Hub
from hubbub.people.errors import Complaint, Invalid, NotFound
from hubbub.sdk.content import to_json
from hubbub.store.session import reading
from hubbub.store.tags import LONGEST_TAG, MOST_TAGS

_TAG = "Conversations"
_Tag = Annotated[str, Field(min_length=1, max_length=LONGEST_TAG)]


class ConversationQuery(Page):
    """Which conversations."""

    channel_id: str | None = None
    status: shapes.ConversationStatus | None = None
    assignee: str | None = Field(None, description="The id of a user, or `none`.")
    team: str | None = Field(None, description="The id of a team.")
    tag: str | None = None
    q: str | None = Field(
        None,
        max_length=200,
        description="Words, or how they begin, of a message, a note, a name or an address. Where "
        "they are found everywhere, the latest conversations alone are looked through.",
    )


class ConversationPatch(Body):
    """What to change; `assignee` null gives it back to the queue, `team` null to everybody."""

    status: shapes.ConversationStatus = optional()
    snoozed_until: AwareDatetime = optional(
        description="With the status `snoozed`: when it is open again, if the contact does not "
        "write before."
    )
    assignee: str | None = optional()
    team: str | None = optional(
        description="Alone: to whose turn it is in this team. With `assignee`: to that user."
    )
    tags: list[_Tag] = optional(max_length=MOST_TAGS)
    add_tags: list[_Tag] = optional(max_length=MOST_TAGS)
    remove_tags: list[_Tag] = optional(max_length=MOST_TAGS)
    version: int = optional(description="The `version` you saw: 409 if it is another.")


class NewNote(Body):
    """A remark among colleagues."""

    text: str = Field(min_length=1, max_length=10_000)


class NewPreview(Body):
    """What to show."""

    content: shapes.ContentJson


class NewReading(Body):
    """What a user thinks of a conversation."""

    read: bool


@endpoint("GET", "/conversations", tag=_TAG, scope="read")
def list_conversations(
    hub: Hub, ask: Ask[ConversationQuery, Nothing]
) -> shapes.Listing[shapes.ConversationJson]:
    """List conversations, the one with the latest message first."""
    query = ask.query
    wanted = queries.ConversationFilter(**query.model_dump(exclude={"limit", "cursor"}))
    with reading(hub.engine) as db:
        rows = queries.conversations(db, wanted, before=_before(query), limit=query.fetch)
    page, cursor = cut(rows, query.limit, lambda row: (row.last_message_at.isoformat(), row.id))
    return shapes.Listing(items=[render.conversation(row) for row in page], next_cursor=cursor)


@endpoint("GET", "/conversations/{id}", tag=_TAG, scope="read")
def get_conversation(hub: Hub, ask: Ask[Nothing, Nothing]) -> shapes.ConversationJson:
    """Return a conversation."""
    return _conversation(hub, ask.id)


@endpoint("PATCH", "/conversations/{id}", tag=_TAG, scope="write", problems=("version-conflict",))
def patch_conversation(hub: Hub, ask: Ask[Nothing, ConversationPatch]) -> shapes.ConversationJson:
    """Change the status, the tags, or who answers; what bots still compute is dropped then."""
    body = ask.body
    change = ConversationChange(
        status=body.status,
        snoozed_until=body.snoozed_until,
        assignee=_given(body, "assignee"),
        team=_given(body, "team"),
        tags=None if body.tags is None else tuple(body.tags),
        add_tags=tuple(body.add_tags or ()),
        remove_tags=tuple(body.remove_tags or ()),
        version=body.version,
    )
    change_conversation(hub, ask.id, change, actor=ask.bearer.actor)
    return _conversation(hub, ask.id)


@endpoint("GET", "/conversations/{id}/messages", tag=_TAG, scope="read")
def list_conversation_messages(
    hub: Hub, ask: Ask[Page, Nothing]
) -> shapes.Listing[shapes.MessageJson]:
    """List the messages of a conversation, the oldest first."""
    with reading(hub.engine) as db:
        _found(queries.conversation(db, ask.id))
        rows = queries.conversation_messages(
            db, ask.id, after_seq=_after_seq(ask.query), limit=ask.query.fetch
        )
        page, cursor = cut(rows, ask.query.limit, lambda row: (str(row.seq),))
        items = render.message_list(hub, db, page)
    return shapes.Listing(items=items, next_cursor=cursor)


@endpoint("GET", "/conversations/{id}/notes", tag=_TAG, scope="read")
def list_notes(hub: Hub, ask: Ask[Page, Nothing]) -> shapes.Listing[shapes.NoteJson]:
    """List the notes on a conversation, the newest first."""
    with reading(hub.engine) as db:
        _found(queries.conversation(db, ask.id))
        rows = queries.notes(db, ask.id, before=ask.query.before_id(), limit=ask.query.fetch)
        page, cursor = cut(rows, ask.query.limit, by_id)
        mentions = queries.mentions(db, [row.id for row in page])
    items = [shapes.NoteJson(**row._asdict(), mentions=mentions[row.id]) for row in page]
    return shapes.Listing(items=items, next_cursor=cursor)


@endpoint("POST", "/conversations/{id}/notes", tag=_TAG, scope="write", status=201)
def post_note(hub: Hub, ask: Ask[Nothing, NewNote]) -> shapes.NoteJson:
    """Add a note, which is never sent to the contact."""
    return shapes.NoteJson(**add_note(hub, ask.id, text=ask.body.text, author=ask.bearer.actor))


@endpoint("PUT", "/conversations/{id}/readings/{user}", tag=_TAG, scope="write", status=204)
def put_reading(hub: Hub, ask: Ask[Nothing, NewReading]) -> None:
    """Note that a user has read a conversation, or that it asks for their attention again."""
    read(hub, ask.id, ask.path["user"], done=ask.body.read)


@endpoint("GET", "/conversations/{id}/sendable", tag=_TAG, scope="read")
def get_sendable(hub: Hub, ask: Ask[Nothing, Nothing]) -> shapes.SendableJson:
    """Say which kinds and templates may be sent now, until when, and why not the others."""
    with reading(hub.engine) as db:
        _found(queries.conversation(db, ask.id))
        answer = sendable(hub, db, ask.id, author=f"api:{ask.bearer.id}")
    return render.sendable(answer)


@endpoint("POST", "/conversations/{id}/preview", tag=_TAG, scope="read")
def post_preview(hub: Hub, ask: Ask[Nothing, NewPreview]) -> shapes.ShownJson:
    """Say what the channel would make of a message: its parts. Nothing is sent."""
    content = read_content(ask.body.content)
    with reading(hub.engine) as db:
        _found(queries.conversation(db, ask.id))
        shown = shown_as(hub, db, ask.id, content)
    return shapes.ShownJson(parts=[to_json(part) for part in shown.parts], segments=shown.segments)


def _given(body: ConversationPatch, name: str) -> str | Literal[False] | None:
    """Return to whom a body gives something: false where it takes it away, None where neither."""
    value: str | None = getattr(body, name)
    return False if name in body.model_fields_set and value is None else value


def _conversation(hub: Hub, conversation_id: str) -> shapes.ConversationJson:
    with reading(hub.engine) as db:
        return render.conversation(_found(queries.conversation(db, conversation_id)))


def _found(row: Row[Any] | None) -> Row[Any]:
    if row is None:
        raise NotFound("There is no such conversation.")
    return row


def _before(query: Page) -> tuple[datetime, str] | None:
    keys = query.after(2)
    if keys is None:
        return None
    at, conversation_id = keys
    try:
        when = within_reach(datetime.fromisoformat(at))
    except ValueError:
        raise _bad_cursor() from None
    return when, conversation_id


def _after_seq(query: Page) -> int:
    keys = query.after()
    if keys is None:
        return 0
    if not keys[0].isdecimal() or len(keys[0]) > 9:  # noqa: PLR2004  # what an integer column holds
        raise _bad_cursor()
    return int(keys[0])


def _bad_cursor() -> Invalid:
    return Invalid(Complaint("cursor", "This cursor belongs to another list."))


ENDPOINTS: tuple[Endpoint, ...] = (
    list_conversations,
    get_conversation,
    patch_conversation,
    list_conversation_messages,
    list_notes,
    post_note,
    put_reading,
    get_sendable,
    post_preview,
)
