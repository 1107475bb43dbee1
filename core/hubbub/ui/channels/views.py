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
)
from hubbub.hub import Hub
from hubbub.people.overtaken import Overtaken
from hubbub.sdk.errors import HubError
from hubbub.ui.channels.form import read_change
from hubbub.ui.channels.listing import Look, channels_page
from hubbub.ui.channels.page import Tried, channel_page
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
        return _page(hub, channel_id)

    @ui.get("/channels/<channel_id>/settings")
    @guard.admin
    def channel_settings(channel_id: str) -> str:
        return _page(hub, channel_id, "channels/settings.html")

    @ui.post("/channels/<channel_id>/check")
    @guard.admin
    def check(channel_id: str) -> str:
        return _page(hub, channel_id, findings=check_channel(hub, channel_id))


def _add_acts(ui: Blueprint, hub: Hub, guard: Guard) -> None:
    @ui.post("/channels/<channel_id>/delete")
    @guard.admin
    def delete(channel_id: str) -> Any:
        try:
            _delete(hub, channel_id)
        except HubError as error:
            page = _page(hub, channel_id, "channels/settings.html", what="delete", error=error)
            return page, 422
        return redirect(url_for("ui.channels"))

    @ui.post("/channels/<channel_id>/<any(change,switch,allow):what>")
    @guard.admin
    def act(channel_id: str, what: str) -> Any:
        if what == "change" and Act.of(request.form).looks:
            return _page(hub, channel_id, "channels/settings.html", what=what)
        try:
            _ACTS[what](hub, channel_id)
        except HubError as error:
            template = "channels/settings.html" if what == "change" else "channels/overview.html"
            status = 409 if isinstance(error, Overtaken) else 422
            return _page(hub, channel_id, template, what=what, error=error), status
        if what == "change":
            return redirect(url_for("ui.channel_settings", channel_id=channel_id, saved="yes"))
        shown = "ui.channels" if request.form.get("back") == "list" else "ui.channel"
        return redirect(url_for(shown, channel_id=channel_id))


def _page(hub: Hub, channel_id: str, template: str = "channels/overview.html", **tried: Any) -> str:
    page = channel_page(hub, channel_id, Tried(typed=request.form, **tried))
    return render_template(template, head=page.head, page=page)


def _change(hub: Hub, channel_id: str) -> None:
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
    allowed = find_channel(hub, channel_id).settings.get("allowed_origins")
    origin = request.form.get("origin", "").strip()
    if allowed and origin not in allowed:
        change = ChannelChange(settings={"allowed_origins": [*allowed, origin]})
        change_channel(hub, channel_id, change, actor=g.person.actor)


_ACTS: Final = {
    "change": _change,
    "allow": _allow,
    "switch": _switch,
}
