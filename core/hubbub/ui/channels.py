"""Show channels, add them, change them, mend them."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final

from flask import Blueprint, abort, g, redirect, render_template, request, url_for
from pydantic import BaseModel

from hubbub.api import queries as api_queries
from hubbub.connect import queries as channel_queries, routes
from hubbub.connect.work import (
    ChannelChange,
    change_channel,
    check_channel,
    create_channel,
    delete_channel,
    find_channel,
)
from hubbub.hub import Hub
from hubbub.people.errors import Invalid
from hubbub.receive.work import replay
from hubbub.sdk.errors import HubError
from hubbub.sdk.types import SetupStep
from hubbub.sdk.values import Finding
from hubbub.store.session import reading
from hubbub.store.types import AnyRow
from hubbub.ui import queries, words
from hubbub.ui.forms import FormField, form_fields, read_form
from hubbub.ui.guard import Guard

_CALLS: Final = 20
_MOST: Final = 200


@dataclass(frozen=True, kw_only=True)
class ChannelRow:
    """One channel in the list."""

    id: str
    name: str
    type: str
    label: str
    status: str
    word: str
    reason: str
    since: str
    since_exact: str
    active: str
    active_exact: str
    enabled: bool
    received: int
    sent: int
    failed: int


@dataclass(frozen=True, kw_only=True)
class TypeCard:
    """One channel type to choose from."""

    type: str
    label: str
    description: str


@dataclass(frozen=True, kw_only=True)
class FormPage:
    """The form of a new channel, or of one that is changed."""

    label: str
    type: str
    name: str
    name_problem: str
    fields: tuple[FormField, ...]
    steps: tuple[SetupStep, ...]
    problems: tuple[tuple[str, str, str], ...]


@dataclass(frozen=True, kw_only=True)
class CallRow:
    """One kept call."""

    id: str
    at: str
    ago: str
    method: str
    state: str
    reason: str


@dataclass(frozen=True, kw_only=True)
class ChannelPage:
    """Everything of one channel."""

    row: ChannelRow
    webhook_url: str
    verify_token: str | None
    findings: tuple[Finding, ...]
    routes: tuple[str, ...]
    routes_json: str
    routes_problem: str
    calls: tuple[CallRow, ...]
    form: FormPage | None
    touches: Mapping[str, int]
    problem: str


def add_channels(ui: Blueprint, hub: Hub, guard: Guard) -> None:
    """Add the pages of channels."""
    _add_list(ui, hub, guard)
    _add_new(ui, hub, guard)
    _add_detail(ui, hub, guard)


def _add_list(ui: Blueprint, hub: Hub, guard: Guard) -> None:
    @ui.get("/channels")
    @guard.page
    def channels() -> str:
        now = hub.now()
        with reading(hub.engine) as db:
            rows = channel_queries.channels(db, before=None, limit=_MOST)
            traffic = queries.traffic(db, now - timedelta(hours=24))
            silent = queries.silent_kinds(db, now)
        shown = tuple(_row(hub, row, traffic.get(row.id, {})) for row in rows)
        return render_template("channels.html", channels=shown, silent=silent)


def _add_new(ui: Blueprint, hub: Hub, guard: Guard) -> None:
    @ui.get("/channels/add")
    @guard.admin
    def add_channel() -> str:
        cards = tuple(
            TypeCard(type=kind.type, label=kind.label, description=kind.description)
            for kind in hub.plugins.channels.values()
        )
        refused = tuple(one for one in hub.plugins.statuses if one.state == "refused")
        return render_template("channel_types.html", cards=cards, refused=refused)

    @ui.route("/channels/add/<channel_type>", methods=["GET", "POST"])
    @guard.admin
    def new_channel(channel_type: str) -> Any:
        if channel_type not in hub.plugins.channels:
            abort(404)
        if request.method == "GET":
            return _new_page(hub, channel_type, {}, {})
        fields = form_fields(_schema(hub, channel_type), {}, {})
        given = read_form(fields, request.form)
        try:
            channel_id = create_channel(
                hub,
                type=channel_type,
                name=request.form.get("name", ""),
                credentials=given["credentials"],
                settings=given["settings"],
                actor=g.person.actor,
            )
        except HubError as error:
            return _new_page(hub, channel_type, request.form, _problems(error)), 422
        return redirect(url_for("ui.channel", channel_id=channel_id))


def _add_detail(ui: Blueprint, hub: Hub, guard: Guard) -> None:
    @ui.get("/channels/<channel_id>")
    @guard.page
    def channel(channel_id: str) -> str:
        return _detail(hub, channel_id)

    @ui.post("/channels/<channel_id>/<what>")
    @guard.admin
    def act(channel_id: str, what: str) -> Any:
        find_channel(hub, channel_id)
        if what == "check":
            return _detail(hub, channel_id, findings=check_channel(hub, channel_id))
        act = _ACTIONS.get(what)
        if act is None:
            abort(404)
        try:
            answer = act(hub, channel_id)
        except HubError as error:
            return _detail(hub, channel_id, error=error, about=what), 422
        return answer or redirect(url_for("ui.channel", channel_id=channel_id))


def _change(hub: Hub, channel_id: str) -> None:
    row = find_channel(hub, channel_id)
    fields = form_fields(_schema(hub, row.type), _flat(row.settings), {}, kept=True)
    given = read_form(fields, request.form)
    change = ChannelChange(
        name=request.form.get("name"),
        credentials=given["credentials"] or None,
        settings=given["settings"] or None,
    )
    change_channel(hub, channel_id, change, actor=g.person.actor)


def _switch(hub: Hub, channel_id: str) -> None:
    change = ChannelChange(enabled=request.form.get("enabled") == "yes")
    change_channel(hub, channel_id, change, actor=g.person.actor)


def _save_routes(hub: Hub, channel_id: str) -> None:
    try:
        wanted = json.loads(request.form.get("routes", ""))
        wish = routes.WantedRoutes(
            routes=wanted["routes"],
            fallback=wanted["fallback"],
            accept_conflicts=request.form.get("accept") == "yes",
        )
    except (ValueError, KeyError, TypeError):
        raise HubError('Write an object with "routes" (a list) and "fallback".') from None
    routes.save_routes(hub, channel_id, wish, actor=g.person.actor)


def _replay(hub: Hub, channel_id: str) -> None:
    del channel_id  # the call knows its channel
    replay(hub, request.form.get("call", ""), force=request.form.get("force") == "yes")


def _delete(hub: Hub, channel_id: str) -> Any:
    row = find_channel(hub, channel_id)
    if request.form.get("name", "").strip() != row.name:
        raise HubError("Type the channel's name to delete it.")
    delete_channel(hub, channel_id, actor=g.person.actor)
    return redirect(url_for("ui.channels"))


_ACTIONS: Final = {
    "change": _change,
    "switch": _switch,
    "routes": _save_routes,
    "replay": _replay,
    "delete": _delete,
}


def _detail(
    hub: Hub,
    channel_id: str,
    *,
    findings: tuple[Finding, ...] = (),
    error: HubError | None = None,
    about: str = "",
) -> str:
    row = find_channel(hub, channel_id)
    now = hub.now()
    with reading(hub.engine) as db:
        traffic = queries.traffic(db, now - timedelta(hours=24)).get(channel_id, {})
        calls = api_queries.calls(db, channel_id=channel_id, state=None, before=None, limit=_CALLS)
        touches = queries.counts_of_channel(db, channel_id)
        line = hub.directory.usable(db, channel_id)
    current = routes.current_routes(hub, channel_id)
    shown = routes.shown_routes(hub.plugins, current)
    typed = request.form.get("routes") if about == "routes" else None
    page = ChannelPage(
        row=_row(hub, row, traffic),
        webhook_url=f"{hub.settings.base_url}/webhooks/{row.webhook_key}",
        verify_token=line.connection.verify_token if line else None,
        findings=findings,
        routes=_sentences(shown),
        routes_json=typed or json.dumps(shown, indent=2, ensure_ascii=False),
        routes_problem=_routes_problem(error) if about == "routes" and error else "",
        calls=tuple(_call(one, now) for one in calls),
        form=_change_form(hub, row, _problems(error) if about == "change" and error else {}),
        touches=touches,
        problem=error.detail if error and about not in {"routes", "change"} else "",
    )
    return render_template("channel.html", page=page)


def _row(hub: Hub, row: AnyRow, traffic: Mapping[str, int]) -> ChannelRow:
    now = hub.now()
    kind = hub.plugins.channels.get(row.type)
    return ChannelRow(
        id=row.id,
        name=row.name,
        type=row.type,
        label=kind.label if kind else row.type,
        status=row.status if kind else "error",
        word=words.STATUS[row.status if kind else "error"],
        reason=row.status_reason if kind else "The plugin of this channel is not loaded.",
        since=words.ago(row.status_since, now),
        since_exact=words.exact(row.status_since),
        active=words.ago(row.last_active_at, now),
        active_exact=words.exact(row.last_active_at),
        enabled=row.enabled,
        received=traffic.get("received", 0),
        sent=traffic.get("sent", 0),
        failed=traffic.get("failed", 0),
    )


def _call(row: AnyRow, now: Any) -> CallRow:
    return CallRow(
        id=row.id,
        at=words.exact(row.received_at),
        ago=words.ago(row.received_at, now),
        method=row.method,
        state=row.state,
        reason=row.reason,
    )


def _new_page(
    hub: Hub, channel_type: str, form: Mapping[str, str], problems: Mapping[str, str]
) -> str:
    kind = hub.plugins.channels[channel_type]
    page = FormPage(
        label=kind.label,
        type=channel_type,
        name=form.get("name", kind.label),
        name_problem=problems.get("name", ""),
        fields=form_fields(_schema(hub, channel_type), form, problems),
        steps=kind.setup_steps,
        problems=_listed(problems),
    )
    return render_template("channel_new.html", page=page)


def _change_form(hub: Hub, row: AnyRow, problems: Mapping[str, str]) -> FormPage | None:
    kind = hub.plugins.channels.get(row.type)
    if kind is None:
        return None
    values = {**_flat(row.settings), **(request.form if problems else {})}
    return FormPage(
        label=kind.label,
        type=row.type,
        name=request.form.get("name", row.name) if problems else row.name,
        name_problem=problems.get("name", ""),
        fields=form_fields(_schema(hub, row.type), values, problems, kept=True),
        steps=(),
        problems=_listed(problems),
    )


def _schema(hub: Hub, channel_type: str) -> Mapping[str, Any]:
    fields: type[BaseModel] = hub.plugins.channels[channel_type].fields
    return fields.model_json_schema()


def _flat(settings: Mapping[str, Any]) -> dict[str, str]:
    return {
        f"settings.{name}": "" if value is None else str(value) for name, value in settings.items()
    }


def _problems(error: HubError) -> dict[str, str]:
    if isinstance(error, Invalid):
        return {one.field: one.message for one in error.complaints}
    return {"": error.detail}


def _listed(problems: Mapping[str, str]) -> tuple[tuple[str, str, str], ...]:
    return tuple((path.replace(".", "-"), path, text) for path, text in problems.items())


def _routes_problem(error: HubError) -> str:
    conflicts = getattr(error, "conflicts", ())
    if conflicts:
        lines = [
            f"{one.kind}: {', '.join(one.routes)}; for example {one.example}" for one in conflicts
        ]
        return "\n".join([error.detail, *lines])
    if isinstance(error, Invalid):
        return "\n".join(f"{one.field}: {one.message}" for one in error.complaints)
    return error.detail


def _sentences(shown: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the routes as sentences, in order."""
    lines = [
        f"{number}. “{route['name']}”: if {_condition(route.get('when') or {})}, then to"
        f" {route['to']['type']}."
        for number, route in enumerate(shown["routes"], start=1)
    ]
    return (*lines, f"Everything else goes to {shown['fallback']['type']}.")


def _condition(when: Mapping[str, Any]) -> str:
    return json.dumps(when, ensure_ascii=False) if when else "anything"
