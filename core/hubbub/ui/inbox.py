"""Show conversations and answer in them."""

import json
import secrets
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Final

from flask import Blueprint, Response, abort, g, redirect, render_template, request, url_for
from werkzeug.datastructures import FileStorage

from hubbub.api import render
from hubbub.api.work import ConversationChange, Order, add_note, change_conversation, send
from hubbub.deliver import work as deliver
from hubbub.deliver.actors import nudge_deliver
from hubbub.hub import Hub
from hubbub.live import LiveEvent
from hubbub.people.errors import NotFound
from hubbub.sdk.content import Attachment, Content, Media, Text, from_json, preview
from hubbub.sdk.errors import HubError
from hubbub.store.session import reading, transaction
from hubbub.store.types import AnyRow
from hubbub.ui import queries, words
from hubbub.ui.guard import Guard, wants_part
from hubbub.ui.uploads import keep_upload

VIEWS: Final = (
    ("open", "Open"),
    ("mine", "Mine"),
    ("unassigned", "Unassigned"),
    ("failed", "Failed sends"),
    ("resolved", "Resolved"),
)
_PAGE: Final = 40
_EMPTY: Final = {
    "open": "Nothing open. Nice.",
    "mine": "Nothing is assigned to you.",
    "unassigned": "Nothing unassigned. Nice.",
    "failed": "Every message went out.",
    "resolved": "Nothing is resolved yet.",
}


@dataclass(frozen=True, kw_only=True)
class Entry:
    """One conversation in the list."""

    id: str
    name: str
    preview: str
    unread: int
    channel: str
    channel_type: str
    ago: str
    at: str
    selected: bool


@dataclass(frozen=True, kw_only=True)
class Bubble:
    """One message in the thread. ``day`` stands above it where a new day begins."""

    id: str
    kind: str
    inbound: bool
    author: str
    content: dict[str, Any]
    text: str
    at: str
    clock: str
    day: str
    tick: tuple[str, str, str]
    status: str
    problem: str
    edited: bool
    deleted: bool
    note: bool = False


@dataclass(frozen=True, kw_only=True)
class ThreadPage:
    """The open conversation."""

    id: str
    name: str
    address: str
    channel: str
    channel_id: str
    channel_type: str
    status: str
    owner: str
    bot_answers: bool
    assignee: str
    mine: bool
    tags: tuple[str, ...]
    bubbles: tuple[Bubble, ...]
    earlier: str
    #: Why nothing can be sent now; empty when something can.
    closed: str
    text_limit: int
    carries_files: bool
    key: str


@dataclass(frozen=True, kw_only=True)
class InboxPage:
    """The whole inbox."""

    view: str
    views: tuple[tuple[str, str], ...]
    q: str
    entries: tuple[Entry, ...]
    empty: str
    older: str
    silent: tuple[str, ...]
    thread: ThreadPage | None


def add_inbox(ui: Blueprint, hub: Hub, guard: Guard) -> None:
    """Add the inbox and everything that its buttons do."""
    _add_pages(ui, hub, guard)
    _add_answers(ui, hub, guard)
    _add_changes(ui, hub, guard)


def _add_pages(ui: Blueprint, hub: Hub, guard: Guard) -> None:
    @ui.get("/")
    @guard.page
    def home() -> Any:
        return redirect(url_for("ui.inbox"))

    @ui.get("/inbox")
    @guard.page
    def inbox() -> str:
        return _page(hub, None)

    @ui.get("/inbox/<conversation_id>")
    @guard.page
    def conversation(conversation_id: str) -> str:
        _see(hub, conversation_id)
        return _page(hub, conversation_id)


def _add_answers(ui: Blueprint, hub: Hub, guard: Guard) -> None:
    @ui.post("/inbox/<conversation_id>/reply")
    @guard.page
    def reply(conversation_id: str) -> Any:
        key = request.form.get("key", "")[:64] or secrets.token_hex(16)
        try:
            order = Order(
                content=_written(hub, request.form.get("text", ""), request.files.get("file")),
                author=g.person.actor,
                conversation_id=conversation_id,
                key=f"{g.person.actor}:{key}",
            )
            send(hub, order)
        except HubError as error:
            return _refused(error)
        nudge_deliver(hub)
        return _shown(hub, conversation_id)

    @ui.post("/inbox/<conversation_id>/note")
    @guard.page
    def note(conversation_id: str) -> Any:
        text = request.form.get("text", "").strip()
        if text:
            add_note(hub, conversation_id, text=text[:10_000], author=g.person.actor)
        return _shown(hub, conversation_id)

    @ui.post("/messages/<message_id>/<what>")
    @guard.page
    def settle(message_id: str, what: str) -> Any:
        try:
            with transaction(hub.engine) as db:
                conversation_id = _settle(hub, db, message_id, what)
        except HubError as error:
            return Response(f"{error.detail}\n", 409)
        nudge_deliver(hub)
        hub.live.publish([LiveEvent("status", None, conversation_id, message_id)])
        return _shown(hub, conversation_id)


def _add_changes(ui: Blueprint, hub: Hub, guard: Guard) -> None:
    @ui.post("/inbox/<conversation_id>/change")
    @guard.page
    def change(conversation_id: str) -> Any:
        wanted = {
            "resolve": ConversationChange(status="resolved"),
            "reopen": ConversationChange(status="open"),
            "take": ConversationChange(assignee=g.person.id),
            "leave": ConversationChange(assignee=False),
        }.get(request.form.get("what", ""))
        if wanted is None:
            abort(400)
        change_conversation(hub, conversation_id, wanted, actor=g.person.actor)
        return _shown(hub, conversation_id)


def _page(hub: Hub, conversation_id: str | None) -> str:
    view = request.args.get("view", "open")
    view = view if view in dict(VIEWS) else "open"
    q = request.args.get("q", "").strip()[:100]
    now = hub.now()
    with reading(hub.engine) as db:
        rows = queries.conversations(
            db, view, user_id=g.person.id, q=q, before=_cursor(), limit=_PAGE + 1
        )
        names = queries.names(db)
        thread = _thread(hub, db, conversation_id, names, now) if conversation_id else None
        silent = queries.silent_kinds(db, now)
    page = InboxPage(
        view=view,
        views=VIEWS,
        q=q,
        entries=tuple(_entry(row, conversation_id, now) for row in rows[:_PAGE]),
        empty="Nobody wrote that." if q else _EMPTY[view],
        older=_mark(rows[_PAGE - 1]) if len(rows) > _PAGE else "",
        silent=tuple(silent),
        thread=thread,
    )
    return render_template("_inbox.html" if wants_part() else "inbox.html", page=page)


def _thread(
    hub: Hub, db: Any, conversation_id: str, names: dict[str, str], now: datetime
) -> ThreadPage:
    row = queries.conversation(db, conversation_id)
    if row is None:
        abort(404)
    before = request.args.get("before", type=int)
    rows = queries.messages(db, conversation_id, before_seq=before, limit=_PAGE + 1)
    more = len(rows) > _PAGE
    rows = rows[-_PAGE:]
    shown = render.message_list(hub, db, rows)
    bubbles = [
        _bubble(one, json_.model_dump(mode="json"), names)
        for one, json_ in zip(rows, shown, strict=True)
    ]
    first = rows[0].created_at if more else None
    notes = [
        note for note in queries.notes(db, conversation_id) if not first or note.created_at > first
    ]
    line = hub.directory.usable(db, row.channel_id)
    can = line.hooks.capabilities if line else None
    return ThreadPage(
        id=row.id,
        name=row.contact_name or row.address,
        address=row.address,
        channel=row.channel_name,
        channel_id=row.channel_id,
        channel_type=row.channel_type,
        status=row.status,
        owner=words.owner(row.owner, names),
        bot_answers=row.owner.startswith("bot:"),
        assignee=names.get(row.assignee_id or "", ""),
        mine=row.assignee_id == g.person.id,
        tags=tuple(row.tags or ()),
        bubbles=_with_days([*bubbles, *(_note(note, names) for note in notes)], now),
        earlier=str(rows[0].seq) if more else "",
        closed=_closed(hub, db, conversation_id)
        if line
        else "The plugin of this channel is not loaded.",
        text_limit=can.text_limit if can else 0,
        carries_files=bool(can and can.outbound & {"image", "document"}),
        key=secrets.token_hex(16),
    )


def _closed(hub: Hub, db: Any, conversation_id: str) -> str:
    answer = deliver.sendable(hub, db, conversation_id)
    return "" if "text" in answer.kinds else answer.reasons.get("text", "Nothing can be sent now.")


def _entry(row: AnyRow, selected: str | None, now: datetime) -> Entry:
    return Entry(
        id=row.id,
        name=row.contact_name or row.address,
        preview=row.preview or "No messages yet",
        unread=0 if row.id == selected else row.unread,
        channel=row.channel_name,
        channel_type=row.channel_type,
        ago=words.ago(row.last_message_at, now),
        at=words.exact(row.last_message_at),
        selected=row.id == selected,
    )


def _bubble(row: AnyRow, shown: dict[str, Any], names: dict[str, str]) -> Bubble:
    error = shown["error"] or {}
    return Bubble(
        id=row.id,
        kind=row.kind,
        inbound=row.direction == "inbound",
        author=(row.sender_name or row.sender_address)
        if row.direction == "inbound"
        else words.author(row.author, names),
        content=shown["content"],
        text=preview(from_json(row.content), limit=1000),
        at=words.exact(row.created_at),
        clock=words.clock(row.created_at),
        day=row.created_at.isoformat(),
        tick=words.TICKS[row.status],
        status=row.status,
        problem=error.get("detail", ""),
        edited=row.edited_at is not None,
        deleted=row.deleted_at is not None,
    )


def _note(row: AnyRow, names: dict[str, str]) -> Bubble:
    return Bubble(
        id=row.id,
        kind="text",
        inbound=False,
        author=f"Note by {words.author(row.author, names)}",
        content={"type": "text", "text": row.text},
        text=row.text,
        at=words.exact(row.created_at),
        clock=words.clock(row.created_at),
        day=row.created_at.isoformat(),
        tick=("", "", ""),
        status="note",
        problem="",
        edited=False,
        deleted=False,
        note=True,
    )


def _with_days(bubbles: Sequence[Bubble], now: datetime) -> tuple[Bubble, ...]:
    """Return bubbles by time, each with the day above it where that is a new one."""
    shown, last = [], ""
    for bubble in sorted(bubbles, key=lambda one: one.day):
        day = words.day(datetime.fromisoformat(bubble.day), now)
        shown.append(replace(bubble, day="" if day == last else day))
        last = day
    return tuple(shown)


def _written(hub: Hub, text: str, file: FileStorage | None) -> Content:
    text = text.replace("\r\n", "\n").strip()
    if file is None or not file.filename:
        if not text:
            raise NotFound("Write something first.", code="empty")
        return Text(text=text)
    upload = keep_upload(hub, file)
    return Attachment(type=upload.kind, media=Media(id=upload.id), caption=text or None)


def _settle(hub: Hub, db: Any, message_id: str, what: str) -> str:
    if what == "retry":
        deliver.retry(hub, db, message_id)
    elif what in {"arrived", "lost"}:
        deliver.settle_by_hand(db, message_id, arrived=what == "arrived")
    elif what == "cancel":
        deliver.cancel(db, message_id)
    else:
        abort(404)
    return deliver.conversation_of(db, message_id)


def _see(hub: Hub, conversation_id: str) -> None:
    with transaction(hub.engine) as db:
        if not queries.mark_seen(db, conversation_id):
            return
    hub.live.publish([LiveEvent("seen", None, conversation_id)])


def _shown(hub: Hub, conversation_id: str) -> Any:
    if wants_part():
        return _page(hub, conversation_id)
    return redirect(url_for("ui.conversation", conversation_id=conversation_id))


def _refused(error: HubError) -> Any:
    if wants_part():
        return Response(f"{error.detail}\n", 409)
    return render_template("error.html", title="Not sent", detail=error.detail), 409


def _mark(row: AnyRow) -> str:
    return json.dumps([row.last_message_at.isoformat(), row.id])


def _cursor() -> tuple[datetime, str] | None:
    try:
        at, key = json.loads(request.args.get("older", "null"))
        return datetime.fromisoformat(at), str(key)
    except (ValueError, TypeError):
        return None
