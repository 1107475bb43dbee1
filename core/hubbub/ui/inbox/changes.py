"""Read from a form what somebody wants done with a conversation."""

import re
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, Final, Literal, TypeAlias

from flask import Blueprint, Response, abort, g, redirect, request, url_for

from hubbub.api.work import ConversationChange, change_conversation, read
from hubbub.hub import Hub
from hubbub.people.errors import Complaint, Invalid
from hubbub.people.rules import Person
from hubbub.people.saved_views import delete_view, save_view
from hubbub.people.users import change_user
from hubbub.sdk.errors import HubError
from hubbub.store.tags import LONGEST_TAG, clean_tags
from hubbub.ui.errors import refused
from hubbub.ui.guard import Guard, by_script
from hubbub.ui.inbox.look import look
from hubbub.ui.moments import next_monday, tomorrow, typed_moment, zone_called

Form: TypeAlias = Mapping[str, str]
_VERSION: Final = re.compile(r"[0-9]{1,18}")


def add_changes(ui: Blueprint, hub: Hub, guard: Guard) -> None:
    """Add what the buttons above a conversation do, and those of one's own."""
    _add_views(ui, hub, guard)

    @ui.post("/inbox/<conversation_id>/change")
    @guard.page
    def change(conversation_id: str) -> Any:
        try:
            wanted = _wanted(request.form, g.person, hub.now())
            if wanted is None:
                abort(400)
            change_conversation(hub, conversation_id, wanted, actor=g.person.actor)
        except HubError as error:
            return refused(error)
        return done(conversation_id)

    @ui.post("/inbox/<conversation_id>/unread")
    @guard.page
    def unread(conversation_id: str) -> Any:
        read(hub, conversation_id, g.person.id, done=False)
        # Back to the list: who stays would read it again.
        return redirect(url_for("ui.inbox", **look().args))

    @ui.post("/inbox/available")
    @guard.page
    def available() -> Any:
        here = request.form.get("available") == "yes"
        change_user(hub, g.person.id, actor=g.person.actor, available=here)
        return Response(status=204) if by_script() else redirect(url_for("ui.inbox", **look().args))


def _add_views(ui: Blueprint, hub: Hub, guard: Guard) -> None:
    @ui.post("/inbox/views")
    @guard.page
    def save() -> Any:
        try:
            save_view(hub, g.person.id, name=request.form.get("name", ""), filters=look().kept)
        except HubError as error:
            return refused(error)
        return redirect(url_for("ui.inbox", **look().args))

    @ui.post("/inbox/views/<view_id>/delete")
    @guard.page
    def forget(view_id: str) -> Any:
        delete_view(hub, g.person.id, view_id)
        return redirect(url_for("ui.inbox"))


def done(conversation_id: str) -> Any:
    """Answer a form: the script asks for the page itself, and a browser is sent to it."""
    if by_script():
        return Response(status=204)
    return redirect(url_for("ui.conversation", conversation_id=conversation_id, **look().args))


def _wanted(form: Form, person: Person, now: datetime) -> ConversationChange | None:
    """Return what a form asks for by its ``what``; None where that is nothing we know."""
    match form.get("what", ""):
        case "resolve":
            return ConversationChange(status="resolved", seen=form.get("seen"))
        case "reopen":
            return ConversationChange(status="open")
        case ("take" | "leave") as what:
            mine: str | Literal[False] = person.id if what == "take" else False
            return ConversationChange(assignee=mine, version=_version(form))
        case "assign":
            return _assign(form)
        case "snooze":
            until = _until(form, now)
            return ConversationChange(status="snoozed", snoozed_until=until, seen=form.get("seen"))
        case "tag":
            return ConversationChange(add_tags=_tags(form))
        case "untag":
            return ConversationChange(remove_tags=(form.get("tag", ""),))
    return None


def _assign(form: Form) -> ConversationChange:
    """Read whom to give it to: ``user:<id>``, ``team:<id>``, or nobody."""
    kind, _, name = form.get("to", "").partition(":")
    version = _version(form)
    match kind:
        case "user":
            return ConversationChange(assignee=name, version=version)
        case "team":
            return ConversationChange(team=name, version=version)
    return ConversationChange(assignee=False, team=False, version=version)


def _version(form: Form) -> int | None:
    seen = form.get("version", "")
    return int(seen) if _VERSION.fullmatch(seen) else None


def _until(form: Form, now: datetime) -> datetime | None:
    """Read until when it is to sleep; None: until the contact writes."""
    zone = zone_called(form.get("zone", ""))
    match form.get("until", ""):
        case "hour":
            return now + timedelta(hours=1)
        case "tomorrow":
            return tomorrow(now, zone)
        case "monday":
            return next_monday(now, zone)
        case "at":
            return typed_moment(form.get("at", ""), zone, field="at")
    return None


def _tags(form: Form) -> tuple[str, ...]:
    """Read the tags to add, with commas between them."""
    tags = tuple(clean_tags(form.get("tag", "").split(",")))
    if not tags or max(map(len, tags)) > LONGEST_TAG:
        raise Invalid(Complaint("tag", f"A tag has 1 to {LONGEST_TAG} characters."))
    return tags
