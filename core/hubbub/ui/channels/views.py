"""Show channels, add them, change them, mend them."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, Final

from flask import Blueprint, abort, g, redirect, render_template, request, url_for

from hubbub.connect.work import (
    ChannelChange,
    change_channel,
    check_channel,
    delete_channel,
    find_channel,
    mark_of_channel,
)
from hubbub.hub import Hub
from hubbub.people.overtaken import Overtaken
from hubbub.sdk.errors import HubError
from hubbub.ui.channels.form import read_change, sections_with
from hubbub.ui.channels.listing import Look, channels_page
from hubbub.ui.channels.page import channel_page
from hubbub.ui.channels.settings_page import Typed, settings_page
from hubbub.ui.channels.types import types_page
from hubbub.ui.guard import Guard
from hubbub.ui.nodes import Act

#: What a list of channels may be asked for.
_LOOK: Final = ("q", "type", "state", "before")
#: How long calls are accepted that the credentials prove which are replaced.
_OVERLAPS: Final[Mapping[str, timedelta]] = {
    "hour": timedelta(hours=1),
    "day": timedelta(days=1),
    "week": timedelta(weeks=1),
}


def add_channels(ui: Blueprint, hub: Hub, guard: Guard) -> None:
    """Add the pages of channels, which are for admins."""
    _add_list(ui, hub, guard)
    _add_detail(ui, hub, guard)
    _add_acts(ui, hub, guard)


def _add_list(ui: Blueprint, hub: Hub, guard: Guard) -> None:
    @ui.get("/channels")
    @guard.admin
    def channels() -> str:
        asked = {name: request.args.get(name, "").strip()[:100] for name in _LOOK}
        return render_template("channels/list.html", page=channels_page(hub, Look(**asked)))

    @ui.get("/channels/add")
    @guard.admin
    def add_channel() -> str:
        page = types_page(hub, request.args.get("q", "").strip()[:100])
        return render_template("channels/types.html", page=page)


def _add_detail(ui: Blueprint, hub: Hub, guard: Guard) -> None:
    @ui.get("/channels/<channel_id>")
    @guard.admin
    def channel(channel_id: str) -> str:
        return _overview(hub, channel_id)

    @ui.get("/channels/<channel_id>/settings")
    @guard.admin
    def channel_settings(channel_id: str) -> str:
        return _settings(hub, channel_id)

    @ui.post("/channels/<channel_id>/check")
    @guard.admin
    def check(channel_id: str) -> str:
        return _overview(hub, channel_id, findings=check_channel(hub, channel_id))


def _add_acts(ui: Blueprint, hub: Hub, guard: Guard) -> None:
    @ui.post("/channels/<channel_id>/delete")
    @guard.admin
    def delete(channel_id: str) -> Any:
        try:
            _delete(hub, channel_id)
        except HubError as error:
            return _settings(hub, channel_id, problem=error.detail), 422
        return redirect(url_for("ui.channels"))

    @ui.post("/channels/<channel_id>/<any(change,switch,allow):what>")
    @guard.admin
    def act(channel_id: str, what: str) -> Any:
        if what == "change":
            return _tried(hub, channel_id)
        try:
            _ACTS[what](hub, channel_id)
        except HubError as error:
            return _overview(hub, channel_id, problem=error.detail), 422
        shown = "ui.channels" if request.form.get("back") == "list" else "ui.channel"
        return redirect(url_for(shown, channel_id=channel_id))


def _overview(hub: Hub, channel_id: str, **told: Any) -> str:
    page = channel_page(hub, channel_id, **told)
    return render_template("channels/overview.html", head=page.head, page=page)


def _settings(hub: Hub, channel_id: str, **told: Any) -> str:
    page = settings_page(hub, channel_id, opened=request.values.getlist("open"), **told)
    return render_template("channels/settings.html", head=page.head, page=page)


def _tried(hub: Hub, channel_id: str) -> Any:
    """Save what was typed, or show it again: as it is, or with why it was not saved."""
    if Act.of(request.form).looks:
        return _settings(hub, channel_id, typed=Typed(form=request.form))
    try:
        changed = _change(hub, channel_id)
    except HubError as error:
        status = 409 if isinstance(error, Overtaken) else 422
        return _settings(hub, channel_id, typed=Typed(form=request.form, error=error)), status
    opened = request.form.getlist("open") or changed
    where = url_for("ui.channel_settings", channel_id=channel_id, saved="yes", open=opened)
    return redirect(where)


def _change(hub: Hub, channel_id: str) -> list[str]:
    """Save what was typed; return the ids of the sections in which it is seen."""
    row = find_channel(hub, channel_id)
    kind = hub.plugins.channels.get(row.type)
    if kind is None:
        abort(404)
    given = read_change(kind, row, request.form)
    change = ChannelChange(
        name=request.form.get("name"),
        credentials=given["credentials"] or None,
        settings=given["settings"],
        old_credentials_until=_old_until(hub) if given["credentials"] else None,
        seen=request.form.get("seen"),
    )
    change_channel(hub, channel_id, change, actor=g.person.actor)
    return sections_with(kind, given)


def _old_until(hub: Hub) -> datetime | None:
    lasts = _OVERLAPS.get(request.form.get("old_for", ""))
    return hub.now() + lasts if lasts else None


def _switch(hub: Hub, channel_id: str) -> None:
    change = ChannelChange(enabled=request.form.get("enabled") == "yes")
    change_channel(hub, channel_id, change, actor=g.person.actor)


def _delete(hub: Hub, channel_id: str) -> None:
    row = find_channel(hub, channel_id)
    # As a page shows it: several blanks as one.
    if request.form.get("name", "").split() != row.name.split():
        raise HubError("Type the channel's name to delete it.")
    delete_channel(hub, channel_id, actor=g.person.actor)


def _allow(hub: Hub, channel_id: str) -> None:
    """Let the chat window open on one site more; where it opens on all there is nothing to do."""
    row = find_channel(hub, channel_id)
    allowed = row.settings.get("allowed_origins")
    origin = request.form.get("origin", "").strip()
    if not allowed or origin in allowed:
        return
    change = ChannelChange(
        settings={"allowed_origins": [*allowed, origin]}, seen=mark_of_channel(hub, row)
    )
    try:
        change_channel(hub, channel_id, change, actor=g.person.actor)
    except Overtaken:
        # Another site was allowed meanwhile: it stays allowed too.
        _allow(hub, channel_id)


_ACTS: Final = {
    "allow": _allow,
    "switch": _switch,
}
