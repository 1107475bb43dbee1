"""Show the calls of a channel that were kept, and what became of each."""

from typing import Any

from flask import Blueprint, Response, g, redirect, render_template, request, url_for

from hubbub.api.events import body_file, letter_file
from hubbub.hub import Hub
from hubbub.receive.work import NotReleasable, replay
from hubbub.sdk.errors import HubError
from hubbub.ui.channels.calls_page import call_page, calls_page, rehearsal_page
from hubbub.ui.channels.head import channel_head
from hubbub.ui.guard import Guard


def add_calls(ui: Blueprint, hub: Hub, guard: Guard) -> None:
    """Add the pages of calls, which are for admins."""
    _add_files(ui, hub, guard)
    _add_again(ui, hub, guard)

    @ui.get("/channels/<channel_id>/calls")
    @guard.admin
    def calls(channel_id: str) -> str:
        state, before = request.args.get("state", ""), request.args.get("before", "")
        page = calls_page(hub, channel_id, state=state, before=before)
        return render_template("channels/calls.html", head=channel_head(hub, channel_id), page=page)

    @ui.get("/calls/<call_id>")
    @guard.admin
    def call(call_id: str) -> str:
        return render_template("channels/call.html", page=call_page(hub, call_id), problem="")


def _add_again(ui: Blueprint, hub: Hub, guard: Guard) -> None:
    @ui.get("/calls/<call_id>/rehearsal")
    @guard.admin
    def rehearse(call_id: str) -> Any:
        try:
            page = rehearsal_page(hub, call_id)
        except NotReleasable as error:
            call = call_page(hub, call_id)
            return render_template("channels/call.html", page=call, problem=error.detail), 422
        return render_template("channels/call_rehearsal.html", page=page)

    @ui.post("/calls/<call_id>/again")
    @guard.admin
    def again(call_id: str) -> Any:
        page = call_page(hub, call_id)
        try:
            force = request.form.get("force") == "yes"
            replay(hub, call_id, force=force, actor=g.person.actor)
        except HubError as error:
            return render_template("channels/call.html", page=page, problem=error.detail), 422
        return redirect(url_for("ui.call", call_id=call_id))


def _add_files(ui: Blueprint, hub: Hub, guard: Guard) -> None:
    @ui.get("/calls/<call_id>/body")
    @guard.admin
    def call_body(call_id: str) -> Response:
        return body_file(hub, call_id)

    @ui.get("/calls/<call_id>/letter")
    @guard.admin
    def kept_letter(call_id: str) -> Response:
        return letter_file(hub, call_id)
