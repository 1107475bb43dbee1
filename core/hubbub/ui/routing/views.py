"""Let admins put the rules of a channel in order, try them, and save them."""

import json
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, Final, TypeAlias

from flask import Blueprint, Response, abort, g, redirect, render_template, request, url_for

from hubbub.connect.route_drafts import (
    Draft,
    DraftChanged,
    change_draft,
    draft_of,
    drop_draft,
    save_draft,
)
from hubbub.connect.routes import WantedRoutes, current_routes, read_wanted
from hubbub.connect.work import find_channel
from hubbub.hub import Hub
from hubbub.people.overtaken import Overtaken, check_seen, mark_of
from hubbub.sdk.errors import HubError
from hubbub.store.types import new_id
from hubbub.ui.channels.head import channel_head
from hubbub.ui.guard import Guard, by_script
from hubbub.ui.routing.clashes import settled_before
from hubbub.ui.routing.page import Tried, routing_page, stored_rule
from hubbub.ui.routing.path import Asked
from hubbub.ui.routing.rule import FALLBACK, focus_after, read_rule, rule_of, rule_page
from hubbub.ui.sources import sources_of

_Change: TypeAlias = Callable[[Draft], Draft]


def add_routing(ui: Blueprint, hub: Hub, guard: Guard) -> None:
    """Add the pages of a channel's rules, which are for admins."""
    _add_page(ui, hub, guard)
    _add_acts(ui, hub, guard)
    _add_rule(ui, hub, guard)


def _add_page(ui: Blueprint, hub: Hub, guard: Guard) -> None:
    @ui.get("/channels/<channel_id>/routing")
    @guard.admin
    def routing(channel_id: str) -> str:
        picked = request.args.get("message", "")
        asked = Asked(message_id=picked) if picked else None
        at = request.args.get("at", "path" if picked else "")
        done = {"did": request.args.get("did", ""), "rule_id": request.args.get("rule", "")}
        return _page(hub, channel_id, asked=asked, at=at, **done)

    @ui.post("/channels/<channel_id>/routing/explain")
    @guard.admin
    def explain_route(channel_id: str) -> Any:
        form = request.form
        asked = Asked(
            **{name: form.get(name, "") for name in ("kind", "text", "sender", "at", "zone")},
            first=form.get("first") == "yes",
        )
        return _page(hub, channel_id, asked=asked, at="path")

    @ui.post("/channels/<channel_id>/routing/save")
    @guard.admin
    def save_routing(channel_id: str) -> Any:
        accepted = request.form.getlist("accept")
        meant = {*accepted, *settled_before(current_routes(hub, channel_id))}
        try:
            save_draft(hub, channel_id, g.person, accepted=meant, seen=_seen())
        except HubError as error:
            return _refused(hub, channel_id, what="save", error=error, accepted=accepted)
        return _back(channel_id, "saved")

    @ui.post("/channels/<channel_id>/routing/json")
    @guard.admin
    def write_routing(channel_id: str) -> Any:
        written = request.form.get("routes", "")
        try:
            rules, fallback = _read_json(hub, channel_id, written)
            change_draft(
                hub,
                channel_id,
                g.person,
                lambda draft: draft.rewritten(rules, fallback),
                seen=_seen(),
            )
        except HubError as error:
            return _refused(hub, channel_id, what="json", error=error, written=written)
        return _back(channel_id, "json")


def _add_acts(ui: Blueprint, hub: Hub, guard: Guard) -> None:
    @ui.post("/channels/<channel_id>/routing/<any(undo,discard,over,add):what>")
    @guard.admin
    def act_on_routing(channel_id: str, what: str) -> Any:
        match what:
            case "undo":
                _change(hub, channel_id, Draft.undone)
            case "discard":
                return _discard(hub, channel_id)
            case "over":
                version = current_routes(hub, channel_id).version
                _change(hub, channel_id, lambda draft: draft.rebased(version))
            case _:
                return _new_rule(hub, channel_id)
        return _back(channel_id, what)

    @ui.post("/channels/<channel_id>/routing/rules/<rule_id>/act")
    @guard.admin
    def act_on_rule(channel_id: str, rule_id: str) -> Any:
        verb, _, place = request.form.get("do", "").partition(":")
        if verb not in _ACTS:
            abort(404)
        change = _ACTS[verb](rule_id, int(place) if place.isdecimal() and len(place) < 4 else 0)  # noqa: PLR2004  # a place among 100
        _change(hub, channel_id, change)
        return _back(channel_id, verb, rule_id, at=_focus(rule_id, verb))


def _discard(hub: Hub, channel_id: str) -> Any:
    try:
        drop_draft(hub, channel_id, g.person, seen=_seen())
    except DraftChanged as error:
        return _refused(hub, channel_id, what="save", error=error)
    return _back(channel_id, "discard")


def _focus(rule_id: str, verb: str) -> str:
    """Return the id of the button that was pressed, or of what is there in its place."""
    if verb == "delete":
        return "undo"
    return f"rule-{rule_id}" if verb == "move" else f"rule-{rule_id}-{verb}"


def _new_rule(hub: Hub, channel_id: str) -> Any:
    rule = {"id": new_id(), "name": "New rule", "when": {}, "to": {"type": "inbox"}}
    _change(hub, channel_id, lambda draft: draft.added(rule))
    return redirect(url_for("ui.rule", channel_id=channel_id, rule_id=rule["id"], at="name"))


def _add_rule(ui: Blueprint, hub: Hub, guard: Guard) -> None:
    @ui.route("/channels/<channel_id>/routing/rules/<rule_id>", methods=["GET", "POST"])
    @guard.admin
    def rule(channel_id: str, rule_id: str) -> Any:
        channel = find_channel(hub, channel_id)
        if request.method == "GET":
            draft = draft_of(hub, channel_id, g.person)
            page = rule_page(
                hub.plugins,
                draft,
                rule_id,
                (channel_id, channel.name),
                checked="check" in request.args,
                at=request.args.get("at", ""),
                sources=sources_of(hub),
            )
            seen = mark_of(hub, rule_of(draft, rule_id))
            return render_template("routing/rule.html", page=page, seen=seen, theirs=None)
        return _keep_rule(hub, channel_id, rule_id)


def _keep_rule(hub: Hub, channel_id: str, rule_id: str) -> Any:
    form = request.form

    def kept(draft: Draft) -> Draft:
        check_seen(hub, form.get("seen"), rule_of(draft, rule_id))
        return read_rule(hub.plugins, draft, rule_id, form)

    try:
        draft = _change(hub, channel_id, kept)
    except Overtaken as error:
        return _overtaken_rule(hub, channel_id, rule_id, error)
    if form.get("do") == "keep" and by_script():
        # What is typed goes on being kept: from now on this is what the form shows.
        return Response(mark_of(hub, rule_of(draft, rule_id)), content_type="text/plain")
    here = partial(url_for, "ui.rule", channel_id=channel_id, rule_id=rule_id)
    if form.get("do", "done") != "done":
        at = focus_after(form)
        return redirect(here(at=at, _anchor=at))
    if rule_page(hub.plugins, draft, rule_id, ("", ""), checked=True, at="").problems:
        return redirect(here(check=1, at="problems"))
    at = FALLBACK if rule_id == FALLBACK else f"rule-{rule_id}"
    return _back(channel_id, "kept", rule_id, at=at)


def _overtaken_rule(hub: Hub, channel_id: str, rule_id: str, error: Overtaken) -> Any:
    """Show a rule as it was typed, and what the draft has in its place by now."""
    if request.form.get("do") == "keep" and by_script():
        return Response(f"{error.detail}\n", 409)
    stored = draft_of(hub, channel_id, g.person)
    mine = read_rule(hub.plugins, stored, rule_id, request.form)
    page = rule_page(
        hub.plugins,
        mine,
        rule_id,
        (channel_id, find_channel(hub, channel_id).name),
        checked=False,
        at="overtaken",
        sources=sources_of(hub),
    )
    seen, theirs = mark_of(hub, rule_of(stored, rule_id)), stored_rule(hub, stored, mine, rule_id)
    return render_template("routing/rule.html", page=page, seen=seen, theirs=theirs), 409


def _page(hub: Hub, channel_id: str, **tried: Any) -> str:
    page = routing_page(hub, channel_id, g.person, Tried(**tried))
    return render_template("routing/rules.html", page=page, head=channel_head(hub, channel_id))


def _refused(hub: Hub, channel_id: str, *, error: HubError, **tried: Any) -> tuple[str, int]:
    status = 409 if isinstance(error, DraftChanged) else 422
    return _page(hub, channel_id, at="problems", error=error, **tried), status


def _seen() -> str | None:
    """Return which draft the page showed."""
    return request.form.get("draft")


def _back(channel_id: str, did: str, rule_id: str = "", *, at: str = "") -> Any:
    told: dict[str, Any] = {"did": did, "rule": rule_id or None, "at": at or None}
    return redirect(url_for("ui.routing", channel_id=channel_id, _anchor=at or None, **told))


def _change(hub: Hub, channel_id: str, change: _Change) -> Draft:
    return change_draft(hub, channel_id, g.person, change)


def _read_json(hub: Hub, channel_id: str, written: str) -> tuple[list[Any], dict[str, Any]]:
    try:
        wanted = json.loads(written)
    except (ValueError, RecursionError) as error:
        raise HubError(f"This is not JSON: {error}.") from None
    match wanted:
        case {"routes": [*rules], "fallback": dict(fallback)} if all(
            isinstance(rule, dict) for rule in rules
        ):
            wish = WantedRoutes(routes=rules, fallback=fallback)
        case _:
            raise HubError('Write an object with "routes" (a list of objects) and "fallback".')
    read = read_wanted(hub.plugins, current_routes(hub, channel_id), wish).as_json()
    return read["routes"], read["fallback"]


#: What the buttons of a rule do: of its id, and of a place among the others.
_ACTS: Final[Mapping[str, Callable[[str, int], _Change]]] = {
    "up": lambda rule_id, _: lambda draft: draft.moved(rule_id, draft.place(rule_id) - 1),
    "down": lambda rule_id, _: lambda draft: draft.moved(rule_id, draft.place(rule_id) + 1),
    "move": lambda rule_id, place: lambda draft: draft.moved(rule_id, place),
    "switch": lambda rule_id, _: lambda draft: draft.switched(rule_id),
    "copy": lambda rule_id, _: lambda draft: draft.copied(rule_id, new=new_id()),
    "delete": lambda rule_id, _: lambda draft: draft.removed(rule_id),
}
