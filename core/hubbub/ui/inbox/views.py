"""Show conversations and answer in them."""

import secrets
from dataclasses import replace
from datetime import datetime
from typing import Any

from flask import (
    Blueprint,
    Response,
    abort,
    g,
    jsonify,
    redirect,
    render_template,
    request,
    url_for,
)
from werkzeug.datastructures import FileStorage

from hubbub.api.content import check_content
from hubbub.api.work import Order, add_note, send
from hubbub.deliver.actors import nudge_deliver, nudge_read, nudge_typing
from hubbub.deliver.work import shown_as
from hubbub.hub import Hub
from hubbub.live import AGENT_TYPES, PRESENCE, LiveEvent
from hubbub.people.errors import Complaint, Conflict, Invalid, NotFound
from hubbub.sdk.content import Attachment, Content, Email, Media, Text, preview as said
from hubbub.sdk.errors import HubError
from hubbub.store.readings import mark_read, see_mentions
from hubbub.store.session import reading, transaction
from hubbub.ui.guard import Guard, by_script
from hubbub.ui.inbox import queries
from hubbub.ui.inbox.changes import add_changes, done
from hubbub.ui.inbox.composer import HOLD, Draft
from hubbub.ui.inbox.copies import typed_copies
from hubbub.ui.inbox.listing import inbox_page
from hubbub.ui.inbox.look import look
from hubbub.ui.inbox.presence import Doing, Presence
from hubbub.ui.inbox.uploads import keep_upload
from hubbub.ui.moments import typed_moment, zone_called
from hubbub.ui.words import said as explained

_LONGEST_NOTE = 10_000
_ALREADY = (
    "The first version of this was sent, see above. Send once more if this one is to go out too."
)


class Nothing(HubError):
    """There is nothing to send."""

    code = "empty"


def add_inbox(ui: Blueprint, hub: Hub, guard: Guard) -> None:
    """Add the inbox and everything that its buttons do."""
    presence = Presence(hub.redis)
    _add_pages(ui, hub, guard, presence)
    _add_answers(ui, hub, guard, presence)
    _add_signs(ui, hub, guard, presence)
    _add_preview(ui, hub, guard, presence)
    add_changes(ui, hub, guard)


def _add_pages(ui: Blueprint, hub: Hub, guard: Guard, presence: Presence) -> None:
    @ui.get("/")
    @guard.page
    def home() -> Any:
        return redirect(url_for("ui.inbox"))

    @ui.get("/inbox")
    @guard.page
    def inbox() -> str:
        return _page(hub, presence, None)

    @ui.get("/inbox/<conversation_id>")
    @guard.page
    def conversation(conversation_id: str) -> str:
        if _is_looked_at():
            _see(hub, conversation_id)
            _tell(hub, presence, conversation_id, "looks")
        return _page(hub, presence, conversation_id)


def _add_answers(ui: Blueprint, hub: Hub, guard: Guard, presence: Presence) -> None:
    @ui.post("/inbox/<conversation_id>/reply")
    @guard.page
    def reply(conversation_id: str) -> Any:
        text = request.form.get("text", "").replace("\r\n", "\n").strip()
        try:
            order = Order(
                content=_written(hub, text, _files()),
                author=g.person.actor,
                conversation_id=conversation_id,
                key=f"{g.person.actor}:{_key()}",
                send_at=_send_at(hub),
                hold=HOLD if request.form.get("hold") else None,
                seen=request.form.get("seen"),
            )
            send(hub, order)
            presence.stopped(conversation_id, g.person.id)
        except HubError as error:
            return _refused(hub, presence, conversation_id, text, error)
        nudge_deliver(hub)
        hub.live.publish([LiveEvent("message", None, conversation_id)])
        return done(conversation_id)

    @ui.post("/inbox/<conversation_id>/note")
    @guard.page
    def note(conversation_id: str) -> Any:
        text = request.form.get("text", "").replace("\r\n", "\n").strip()
        try:
            _check_note(text, _files())
            key = f"{g.person.actor}:{_key()}"
            add_note(hub, conversation_id, text=text, author=g.person.actor, key=key)
        except HubError as error:
            return _refused(hub, presence, conversation_id, text, error)
        return done(conversation_id)


def _add_signs(ui: Blueprint, hub: Hub, guard: Guard, presence: Presence) -> None:
    @ui.post("/inbox/<conversation_id>/typing")
    @guard.page
    def typing(conversation_id: str) -> Any:
        _check_known(hub, conversation_id)
        if request.form.get("mode") != "note":
            nudge_typing(hub, conversation_id)
            hub.live.publish([LiveEvent(AGENT_TYPES, None, conversation_id)])
        _tell(hub, presence, conversation_id, "writes")
        return Response(status=204)

    @ui.post("/inbox/<conversation_id>/left")
    @guard.page
    def left(conversation_id: str) -> Any:
        _check_known(hub, conversation_id)
        presence.stopped(conversation_id, g.person.id)
        hub.live.publish([LiveEvent(PRESENCE, None, conversation_id)])
        return Response(status=204)


def _check_known(hub: Hub, conversation_id: str) -> None:
    with reading(hub.engine) as db:
        if not queries.has_conversation(db, conversation_id):
            abort(404)


def _add_preview(ui: Blueprint, hub: Hub, guard: Guard, presence: Presence) -> None:
    @ui.post("/inbox/<conversation_id>/preview")
    @guard.page
    def preview(conversation_id: str) -> Any:
        text = request.form.get("text", "").replace("\r\n", "\n").strip()
        try:
            with reading(hub.engine) as db:
                shown = shown_as(hub, db, conversation_id, _words(text))
        except HubError as error:
            return _refused(hub, presence, conversation_id, text, error)
        parts = tuple(said(part, limit=_LONGEST_NOTE) for part in shown.parts)
        told = _told(len(parts), shown.segments)
        if by_script():
            return jsonify({"parts": parts, "told": told, "segments": shown.segments})
        return _page(
            hub, presence, conversation_id, replace(_draft(text), preview=parts, told=told)
        )


def _key() -> str:
    """Return what makes two sends of the same form one."""
    return request.form.get("key", "")[:64] or secrets.token_hex(16)


def _words(text: str) -> Content:
    """Return what was written, without files, to show what becomes of it."""
    if not text:
        raise Nothing("Write something first.")
    if "subject" in request.form:
        return Email(subject=request.form["subject"].strip() or "…", text=text)
    return Text(text=text)


def _told(parts: int, segments: int | None) -> str:
    messages = "one message" if parts == 1 else f"{parts} messages"
    return f"It goes as {messages}" + (f", {segments} SMS." if segments is not None else ".")


def _draft(text: str) -> Draft:
    """Return what was typed, for a page that shows it again."""
    return Draft(
        text=text,
        subject=request.form.get("subject"),
        cc=request.form.get("cc") if request.form.get("all") else None,
        later=request.form.get("later", ""),
    )


def _send_at(hub: Hub) -> datetime | None:
    """Return when somebody said that a reply is to go; None: at once."""
    typed = request.form.get("later", "")
    if not typed:
        return None
    at = typed_moment(typed, zone_called(request.form.get("zone", "")), field="later")
    if at <= hub.now():
        raise Nothing("The time to send it is over already.")
    return at


def _page(
    hub: Hub, presence: Presence, conversation_id: str | None, draft: Draft | None = None
) -> str:
    there = presence.there(conversation_id, now=hub.now()) if conversation_id else {}
    with reading(hub.engine) as db:
        page = inbox_page(
            hub,
            db,
            look(),
            g.person,
            conversation_id=conversation_id,
            draft=draft or Draft(),
            there=there,
        )
    if page is None:
        abort(404)
    return render_template("inbox/inbox.html", page=page)


def _is_looked_at() -> bool:
    """Whether a person sees the page: a tab in the background asks for it too."""
    return not by_script() or request.headers.get("X-Seen") == "1"


def _tell(hub: Hub, presence: Presence, conversation_id: str, doing: Doing) -> None:
    """Tell colleagues what who asks does in a conversation, where that is news."""
    if presence.note(conversation_id, g.person.id, doing, now=hub.now()):
        hub.live.publish([LiveEvent(PRESENCE, None, conversation_id)])


def _see(hub: Hub, conversation_id: str) -> None:
    """Note that who asks has seen the conversation, and so somebody has."""
    with reading(hub.engine) as db:
        unseen = queries.unseen(db, conversation_id, g.person.id)
    if not any(unseen):
        return
    with transaction(hub.engine) as db:
        mark_read(db, conversation_id, g.person.id)
        see_mentions(db, conversation_id, g.person.id, now=hub.now())
        if not queries.mark_seen(db, conversation_id):
            return
    nudge_read(hub, conversation_id)
    hub.live.publish([LiveEvent("seen", None, conversation_id)])


def _files() -> list[FileStorage]:
    return [file for file in request.files.getlist("file") if file.filename]


def _written(hub: Hub, text: str, files: list[FileStorage]) -> Content:
    if not text and not files:
        raise Nothing("Write something first.")
    if "subject" in request.form:
        return _letter(hub, request.form["subject"], text, files)
    if len(files) > 1:
        raise Nothing("Send one file at a time here.")
    if files:
        upload = keep_upload(hub, files[0])
        return Attachment(type=upload.kind, media=Media(id=upload.id), caption=text or None)
    return Text(text=text)


def _letter(hub: Hub, subject: str, text: str, files: list[FileStorage]) -> Email:
    if not subject.strip():
        raise Nothing("Give the letter a subject.")
    uploads = tuple(Media(id=keep_upload(hub, file).id) for file in files)
    cc = typed_copies(request.form)
    letter = Email(subject=subject.strip(), text=text, attachments=uploads, cc=cc)
    try:
        check_content(letter)
    except Invalid as error:
        raise Nothing(" ".join(map(_as_told, error.complaints))) from None
    return letter


def _as_told(complaint: Complaint) -> str:
    return f"{complaint.field.removeprefix('content.').capitalize()}: {complaint.message}"


def _check_note(text: str, files: list[FileStorage]) -> None:
    if files:
        raise Nothing("A note cannot have a file. Remove the file, or send it.")
    if not text:
        raise Nothing("Write something first.")
    if len(text) > _LONGEST_NOTE:
        raise Nothing(f"A note has at most {_LONGEST_NOTE} characters.")


def _refused(hub: Hub, presence: Presence, conversation_id: str, text: str, error: HubError) -> Any:
    """Say why something was not sent, beside the words that it was about."""
    if isinstance(error, NotFound):
        raise error
    reused = isinstance(error, Conflict) and error.code == "idempotency_conflict"
    problem = _ALREADY if reused else explained(error)
    if by_script():
        return Response(f"{problem}\n", 409)
    return _page(hub, presence, conversation_id, replace(_draft(text), problem=problem)), 409
