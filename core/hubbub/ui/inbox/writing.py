"""Write what is not a plain reply: a template, or the first word of a conversation."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from flask import Blueprint, abort, g, redirect, render_template, request, url_for
from sqlalchemy import Connection

from hubbub.api import queries as api_queries
from hubbub.api.work import Order, send
from hubbub.connect import queries as channels
from hubbub.deliver.actors import nudge_deliver
from hubbub.deliver.gate import Sendable
from hubbub.deliver.work import sendable, sendable_first
from hubbub.hub import Hub
from hubbub.live import LiveEvent
from hubbub.sdk.content import Content, Email, Text
from hubbub.sdk.errors import HubError
from hubbub.store.session import reading
from hubbub.ui.guard import Guard
from hubbub.ui.inbox import queries
from hubbub.ui.inbox.template_form import (
    TemplateForm,
    TemplateRow,
    filled,
    template_form,
    template_rows,
)
from hubbub.ui.words import said


@dataclass(frozen=True, kw_only=True)
class TemplatesPage:
    """The templates of a conversation, or one of them as a form."""

    conversation_id: str
    name: str
    channel: str
    #: Why none may be sent; empty where some may.
    closed: str
    rows: tuple[TemplateRow, ...]
    form: TemplateForm | None


@dataclass(frozen=True, kw_only=True)
class ChannelChoice:
    """A channel on which one may write first."""

    id: str
    name: str
    type: str


@dataclass(frozen=True, kw_only=True)
class FirstPage:
    """A new conversation: first where, then whom and what."""

    channels: tuple[ChannelChoice, ...]
    channel: ChannelChoice | None
    address: str
    text: str
    #: None where the channel carries no letters.
    subject: str | None
    #: Why free words may not be sent first; empty where they may.
    closed: str
    rows: tuple[TemplateRow, ...]
    form: TemplateForm | None
    problem: str


def add_writing(ui: Blueprint, hub: Hub, guard: Guard) -> None:
    """Add the template picker, and the form of a new conversation."""
    _add_templates(ui, hub, guard)

    @ui.route("/inbox/new", methods=["GET", "POST"])
    @guard.page
    def first() -> Any:
        channel_id = request.values.get("channel", "")
        template_id = request.values.get("template", "")
        if request.method == "GET":
            return _first(hub, channel_id, template_id)
        try:
            with reading(hub.engine) as db:
                content = _first_words(hub, db, channel_id, template_id)
            order = Order(
                content=content,
                author=g.person.actor,
                channel_id=channel_id,
                address=request.form.get("address", "").strip(),
                key=_key(),
            )
            return redirect(url_for("ui.conversation", conversation_id=_sent(hub, order)))
        except HubError as error:
            return _first(hub, channel_id, template_id, error), 409


def _add_templates(ui: Blueprint, hub: Hub, guard: Guard) -> None:
    @ui.get("/inbox/<conversation_id>/templates")
    @guard.page
    def templates(conversation_id: str) -> str:
        return _templates(hub, conversation_id, "")

    @ui.route("/inbox/<conversation_id>/templates/<template_id>", methods=["GET", "POST"])
    @guard.page
    def template(conversation_id: str, template_id: str) -> Any:
        if request.method == "GET":
            return _templates(hub, conversation_id, template_id)
        with reading(hub.engine) as db:
            answer = sendable(hub, db, conversation_id, author=g.person.actor)
            form = template_form(db, answer, template_id, request.form)
        if form is None:
            abort(404)
        order = Order(
            content=filled(form, request.form),
            author=g.person.actor,
            conversation_id=conversation_id,
            key=_key(),
        )
        try:
            _sent(hub, order)
        except HubError as error:
            return _templates(hub, conversation_id, template_id, error), 409
        return redirect(url_for("ui.conversation", conversation_id=conversation_id))


def _sent(hub: Hub, order: Order) -> str:
    """Send, and return the conversation that it went into."""
    message_id = send(hub, order)
    with reading(hub.engine) as db:
        row = api_queries.message(db, message_id)
    conversation_id = str(row.conversation_id) if row else ""
    nudge_deliver(hub)
    hub.live.publish([LiveEvent("message", None, conversation_id)])
    return conversation_id


def _key() -> str | None:
    key = request.form.get("key", "")[:64]
    return f"{g.person.actor}:{key}" if key else None


def _templates(
    hub: Hub, conversation_id: str, template_id: str, error: HubError | None = None
) -> str:
    with reading(hub.engine) as db:
        row = queries.conversation(db, conversation_id)
        if row is None:
            abort(404)
        answer = sendable(hub, db, conversation_id, author=g.person.actor)
        form = template_form(db, answer, template_id, request.form, error) if template_id else None
        if template_id and form is None:
            abort(404)
        page = TemplatesPage(
            conversation_id=row.id,
            name=row.contact_name or row.address,
            channel=row.channel_name,
            closed=answer.reasons.get("template", ""),
            rows=() if form else template_rows(db, answer),
            form=form,
        )
    return render_template("inbox/templates.html", page=page)


def _first_words(hub: Hub, db: Connection, channel_id: str, template_id: str) -> Content:
    if template_id:
        answer = sendable_first(hub, db, channel_id, author=g.person.actor)
        form = template_form(db, answer, template_id, request.form)
        if form is None:
            abort(404)
        return filled(form, request.form)
    text = request.form.get("text", "").replace("\r\n", "\n").strip()
    if not text:
        raise HubError("Write something first.", code="empty")
    if "subject" not in request.form:
        return Text(text=text)
    subject = request.form["subject"].strip()
    if not subject:
        raise HubError("Give the letter a subject.", code="empty")
    return Email(subject=subject, text=text)


def _first(hub: Hub, channel_id: str, template_id: str, error: HubError | None = None) -> str:
    with reading(hub.engine) as db:
        offered = _offered(hub, db)
        channel = offered.get(channel_id)
        if channel_id and channel is None:
            abort(404)
        line = hub.directory.usable(db, channel_id) if channel else None
        answer = (
            sendable_first(hub, db, channel_id, author=g.person.actor)
            if channel
            else Sendable(reasons={})
        )
        form = template_form(db, answer, template_id, request.form, error) if template_id else None
        letters = line is not None and "email" in line.hooks.capabilities.outbound
        page = FirstPage(
            channels=tuple(offered.values()),
            channel=channel,
            address=request.values.get("address", ""),
            text=request.form.get("text", ""),
            subject=request.form.get("subject", "") if letters else None,
            closed="" if "text" in answer.kinds else answer.reasons.get("text", ""),
            rows=() if form else template_rows(db, answer),
            form=form,
            problem="" if error is None else said(error),
        )
    return render_template("inbox/first.html", page=page)


def _offered(hub: Hub, db: Connection) -> Mapping[str, ChannelChoice]:
    """Return the channels on which one may write first."""
    found = {}
    for row in channels.channels(db, before=None, limit=200):
        line = hub.directory.usable(db, row.id)
        if line is not None and line.enabled and line.hooks.capabilities.initiates:
            found[row.id] = ChannelChoice(id=row.id, name=row.name, type=row.type)
    return dict(sorted(found.items(), key=lambda one: one[1].name.casefold()))
