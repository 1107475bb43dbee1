"""Lead a person through setting a channel up, from what to have to the first message answered."""

import secrets
from typing import Any

from flask import Blueprint, abort, g, redirect, render_template, request, url_for

from hubbub.api.work import Order, send
from hubbub.connect import routes
from hubbub.connect.drafts import (
    ChannelDraft,
    begin_draft,
    discard_draft,
    find_draft,
    save_draft,
)
from hubbub.connect.rules import merged
from hubbub.connect.simulator import simulated
from hubbub.connect.trial import try_channel
from hubbub.connect.work import check_channel, create_channel
from hubbub.deliver.actors import nudge_deliver
from hubbub.hub import Hub
from hubbub.live import LiveEvent
from hubbub.people.errors import NotFound
from hubbub.sdk.content import Text
from hubbub.sdk.errors import HubError
from hubbub.sdk.types import ChannelType
from hubbub.ui.channels.steps import (
    credentials_page,
    routing_page,
    start_page,
    trial_page,
    typed_now,
    webhook_page,
)
from hubbub.ui.guard import Guard
from hubbub.ui.nodes import Act


def add_wizard(ui: Blueprint, hub: Hub, guard: Guard) -> None:
    """Add the steps by which a channel is set up, which are for admins."""
    _add_start(ui, hub, guard)
    _add_draft(ui, hub, guard)
    _add_webhook(ui, hub, guard)
    _add_test(ui, hub, guard)
    _add_routing(ui, hub, guard)


def _add_start(ui: Blueprint, hub: Hub, guard: Guard) -> None:
    @ui.get("/channels/add/<channel_type>")
    @guard.admin
    def new_channel(channel_type: str) -> str:
        page = start_page(hub, _kind(hub, channel_type), request.args.get("draft", ""))
        return render_template("channels/wizard_start.html", page=page)

    @ui.post("/channels/add/<channel_type>")
    @guard.admin
    def begin(channel_type: str) -> Any:
        kind = _kind(hub, channel_type)
        draft_id = begin_draft(hub, type=kind.type, actor=g.person.actor)
        if request.form.get("simulate") == "yes":
            _simulate(hub, find_draft(hub, draft_id))
        return redirect(url_for("ui.draft", draft_id=draft_id))


def _add_draft(ui: Blueprint, hub: Hub, guard: Guard) -> None:
    @ui.get("/channels/drafts/<draft_id>")
    @guard.admin
    def draft(draft_id: str) -> str:
        draft = find_draft(hub, draft_id)
        page = credentials_page(hub, _kind(hub, draft.type), draft)
        return render_template("channels/wizard_credentials.html", page=page)

    @ui.post("/channels/drafts/<draft_id>")
    @guard.admin
    def fill(draft_id: str) -> Any:
        draft = find_draft(hub, draft_id)
        kind = _kind(hub, draft.type)
        # Before anything else: whatever goes wrong from here on, nothing typed is lost.
        draft = save_draft(hub, draft, typed_now(kind, draft.typed, request.form))
        match request.form.get("do"):
            case "back":
                return redirect(url_for("ui.new_channel", channel_type=kind.type, draft=draft.id))
            case "simulate":
                _simulate(hub, draft)
                return redirect(url_for("ui.draft", draft_id=draft.id))
            case "try" | "connect" | "insist" as what:
                return _tried(hub, kind, draft, what)
        page = credentials_page(hub, kind, draft, act=Act.of(request.form))
        return render_template("channels/wizard_credentials.html", page=page)

    @ui.post("/channels/drafts/<draft_id>/discard")
    @guard.admin
    def discard(draft_id: str) -> Any:
        discard_draft(hub, draft_id, actor=g.person.actor)
        return redirect(url_for("ui.channels"))


def _add_webhook(ui: Blueprint, hub: Hub, guard: Guard) -> None:
    @ui.get("/channels/<channel_id>/setup/webhook")
    @guard.admin
    def setup_webhook(channel_id: str) -> str:
        return render_template("channels/wizard_webhook.html", page=webhook_page(hub, channel_id))

    @ui.post("/channels/<channel_id>/setup/webhook")
    @guard.admin
    def setup_check(channel_id: str) -> str:
        found = check_channel(hub, channel_id)
        return render_template(
            "channels/wizard_webhook.html", page=webhook_page(hub, channel_id, found)
        )


def _add_test(ui: Blueprint, hub: Hub, guard: Guard) -> None:
    @ui.get("/channels/<channel_id>/setup/test")
    @guard.admin
    def setup_test(channel_id: str) -> str:
        page = trial_page(hub, channel_id, key=secrets.token_hex(16))
        return render_template("channels/wizard_test.html", page=page)

    @ui.post("/channels/<channel_id>/setup/test")
    @guard.admin
    def setup_answer(channel_id: str) -> Any:
        text, key = request.form.get("text", "").strip(), request.form.get("key", "")[:64]
        try:
            _answer(hub, channel_id, text, key)
        except HubError as error:
            page = trial_page(hub, channel_id, key=key, text=text, problem=error.detail)
            return render_template("channels/wizard_test.html", page=page), 422
        return redirect(url_for("ui.setup_test", channel_id=channel_id))


def _add_routing(ui: Blueprint, hub: Hub, guard: Guard) -> None:
    @ui.get("/channels/<channel_id>/setup/routing")
    @guard.admin
    def setup_routing(channel_id: str) -> str:
        return render_template("channels/wizard_routing.html", page=routing_page(hub, channel_id))

    @ui.post("/channels/<channel_id>/setup/routing")
    @guard.admin
    def choose_route(channel_id: str) -> Any:
        try:
            _route(hub, channel_id, request.form.get("to", ""))
        except HubError as error:
            page = routing_page(hub, channel_id, problem=error.detail)
            return render_template("channels/wizard_routing.html", page=page), 422
        return redirect(url_for("ui.channel", channel_id=channel_id))


def _kind(hub: Hub, channel_type: str) -> ChannelType[Any]:
    kind = hub.plugins.channels.get(channel_type)
    if kind is None:
        abort(404)
    return kind


def _simulate(hub: Hub, draft: ChannelDraft) -> None:
    form = simulated(hub, draft.type)
    if form is None:
        raise NotFound("There is no simulator of this provider here.")
    typed = merged(draft.typed, form)
    typed["name"] = typed.get("name") or f"{hub.plugins.channels[draft.type].label}, simulated"
    save_draft(hub, draft, typed, simulated=True)


def _tried(hub: Hub, kind: ChannelType[Any], draft: ChannelDraft, what: str) -> Any:
    """Ask the provider about what was typed; connect if that is wanted and nothing speaks against.

    ``insist``: connect although the provider refuses, or does not answer.
    """
    form = {part: draft.typed.get(part, {}) for part in ("credentials", "settings")}
    try:
        if what != "insist":
            asked = try_channel(hub, type=kind.type, **form)
            if what == "try" or asked.status != "connected":
                page = credentials_page(hub, kind, draft, findings=asked.findings)
                return render_template("channels/wizard_credentials.html", page=page)
        channel_id = create_channel(
            hub,
            type=kind.type,
            name=draft.typed["name"],
            actor=g.person.actor,
            draft_id=draft.id,
            **form,
        )
    except NotFound:
        raise
    except HubError as error:
        page = credentials_page(hub, kind, draft, error=error)
        return render_template("channels/wizard_credentials.html", page=page), 422
    return redirect(url_for("ui.setup_webhook", channel_id=channel_id))


def _answer(hub: Hub, channel_id: str, text: str, key: str) -> None:
    conversation_id = trial_page(hub, channel_id, key=key).conversation_id
    if not conversation_id:
        raise NotFound("Nobody has written yet: there is nobody to answer.")
    if not text:
        raise NotFound("Write something first.")
    send(
        hub,
        Order(
            content=Text(text=text),
            author=g.person.actor,
            conversation_id=conversation_id,
            key=f"{g.person.actor}:{key}",
        ),
    )
    nudge_deliver(hub)
    hub.live.publish([LiveEvent("message", None, conversation_id)])


def _route(hub: Hub, channel_id: str, to: str) -> None:
    current = routes.current_routes(hub, channel_id)
    if to == current.fallback.type:
        return
    shown = routes.shown_routes(hub.plugins, current)
    wanted = routes.WantedRoutes(
        routes=shown["routes"], fallback={"type": to}, accept_conflicts=True
    )
    routes.save_routes(hub, channel_id, wanted, actor=g.person.actor)
