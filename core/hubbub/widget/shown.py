"""Say in which order a window shows the messages of a conversation, and what each looks like.

A message gets its number when it is to be seen: what came in at once, what goes out once it is
sent. Whoever looks first gives the numbers, under the lock of the conversation; they never change,
so that a window that has seen number 8 has seen, or is sent, all before it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import urlencode

from sqlalchemy import Connection

from hubbub.hub import Hub
from hubbub.sdk.content import (
    ATTACHMENT_TYPES,
    Choice,
    Choices,
    Form,
    Location,
    Text,
    from_json,
    preview,
    to_json,
)
from hubbub.store.session import reading, transaction
from hubbub.store.types import AnyRow, as_json_time
from hubbub.widget import queries
from hubbub.widget.bodies import visible
from hubbub.widget.links import media_query

#: Messages in one answer.
PAGE: Final = 30
#: What is shown as it is.
_PLAIN: Final = (Text, Choice, Choices, Form, Location)


@dataclass(frozen=True, kw_only=True)
class Place:
    """Which window is looked at: the key of its channel, the conversation, and whose it is."""

    key: str
    conversation_id: str
    #: The visitor's: once somebody proved that it is theirs, it is no longer nobody's.
    address: str


@dataclass(frozen=True, kw_only=True)
class Standing:
    """How a conversation stands."""

    #: What is beside its messages.
    state: dict[str, Any]
    #: The last number, and whether there are messages without one.
    last: int
    waiting: bool

    def has_more(self, seq: int) -> bool:
        """Whether there is anything to be seen after number ``seq``."""
        return self.waiting or self.last > seq


def number(hub: Hub, conversation_id: str) -> None:
    """Number what is to be seen of a conversation by now. Safe to run twice, and at once."""
    with reading(hub.engine) as db:
        if not queries.unshown(db, conversation_id):
            return
    with transaction(hub.engine) as db:
        if not queries.hold(db, conversation_id):
            return
        # Only now: somebody else may have been here meanwhile.
        fresh = queries.unshown(db, conversation_id)
        if fresh:
            last = queries.last_seq(db, conversation_id)
            queries.show(db, conversation_id, fresh, after=last, now=hub.now())


def after(hub: Hub, place: Place, seq: int) -> list[dict[str, Any]]:
    """Return the messages that follow number ``seq``, as many as fit into one answer."""
    number(hub, place.conversation_id)
    with reading(hub.engine) as db:
        rows = queries.messages_after(db, place.conversation_id, seq, limit=PAGE)
        return _messages(hub, db, place, rows)


def before(hub: Hub, place: Place, seq: int | None, limit: int) -> list[dict[str, Any]]:
    """Return the last messages, or the last before number ``seq``, oldest first."""
    number(hub, place.conversation_id)
    with reading(hub.engine) as db:
        rows = queries.messages_before(db, place.conversation_id, seq, limit=limit)
        return _messages(hub, db, place, rows)


def standing(hub: Hub, place: Place) -> Standing | None:
    """Return how a conversation stands; None once it is erased, or somebody else's."""
    with reading(hub.engine) as db:
        row = queries.standing(db, place.conversation_id, place.address)
    if row is None:
        return None
    state = {
        "status": row.status,
        "unread": row.unread,
        "seen": bool(row.seen),
        "rated": bool(row.rated),
    }
    return Standing(state=state, last=row.last, waiting=bool(row.waiting))


def _messages(
    hub: Hub, db: Connection, place: Place, rows: Sequence[AnyRow]
) -> list[dict[str, Any]]:
    ids = {row.content["media"]["id"] for row in rows if "media" in row.content}
    files = queries.files(db, ids)
    return [_message(hub, place, row, files) for row in rows]


def _message(hub: Hub, place: Place, row: AnyRow, files: Mapping[str, AnyRow]) -> dict[str, Any]:
    own = row.direction == "inbound"
    shown: dict[str, Any] = {
        "seq": row.seq,
        "id": row.id,
        "own": own,
        "at": as_json_time(row.created_at),
    }
    if own:
        shown["client_id"] = str(row.event_key).partition(":")[2]
    else:
        automatic = str(row.author).startswith("bot:")
        shown["author"] = {
            "kind": "bot" if automatic else "person",
            "name": visible(row.author_name),
        }
    if row.edited_at:
        shown["edited"] = True
    if row.deleted_at:
        return {**shown, "deleted": True}
    return {**shown, "content": _content(hub, place, row.content, files)}


def _content(
    hub: Hub, place: Place, stored: Mapping[str, Any], files: Mapping[str, AnyRow]
) -> dict[str, Any]:
    if stored["type"] in ATTACHMENT_TYPES and "media" in stored:
        file = files.get(stored["media"]["id"])
        return {
            "type": stored["type"],
            "caption": stored.get("caption"),
            "media": _media(hub, place, file) if file else {"state": "failed"},
        }
    content = from_json(stored)
    if isinstance(content, _PLAIN):
        return to_json(content)
    return {"type": "text", "text": preview(content, 4000)}


def _media(hub: Hub, place: Place, file: AnyRow) -> dict[str, Any]:
    query = urlencode(media_query(hub.vault, file.id, hub.now()))
    return {
        "url": f"/widget/{place.key}/media/{file.id}?{query}" if file.state == "ready" else None,
        "state": file.state,
        "mime_type": file.mime_type,
        "filename": file.filename,
        "size": file.size,
        "width": file.width,
        "height": file.height,
    }
