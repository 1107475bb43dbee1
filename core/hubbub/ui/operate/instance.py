"""Show how this instance is, its plugins, and who changed what."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from typing import Any, Final
from zoneinfo import ZoneInfo

from flask import Blueprint, g, redirect, render_template, request, url_for

from hubbub.api.operate import plugins, switch_plugin
from hubbub.api.shapes import PluginJson
from hubbub.health import Check, Health, Source, health
from hubbub.hub import Hub
from hubbub.people import queries as people
from hubbub.sdk.errors import HubError
from hubbub.store.clean import clean
from hubbub.store.session import reading
from hubbub.store.types import AnyRow
from hubbub.ui import queries, words
from hubbub.ui.guard import Guard
from hubbub.ui.moments import zone_called
from hubbub.ui.operate.named import Named, id_in, named

_PAGE: Final = 50
_FILTERS: Final = ("actor", "action", "object_id", "since", "until", "zone")


@dataclass(frozen=True, kw_only=True)
class QueueRow:
    """What waits."""

    name: str
    waiting: int
    oldest: str
    oldest_at: str


@dataclass(frozen=True, kw_only=True)
class ProcessRow:
    """A process."""

    id: str
    kind: str
    host: str
    alive: bool
    started: str
    started_at: str
    seen: str
    seen_at: str


@dataclass(frozen=True, kw_only=True)
class HealthPage:
    """How this instance is."""

    version: str
    python: str
    #: What is wrong comes first.
    checks: tuple[Check, ...]
    wrong: int
    #: What is said where nothing is wrong.
    good: str
    queues: tuple[QueueRow, ...]
    processes: tuple[ProcessRow, ...]
    sources: tuple[Source, ...]


@dataclass(frozen=True, kw_only=True)
class PluginsPage:
    """Every plugin."""

    plugins: tuple[PluginJson, ...]
    #: Whether the next start loads others than run now.
    pending: bool
    problem: str


@dataclass(frozen=True, kw_only=True)
class AuditRow:
    """What somebody changed."""

    id: str
    at: str
    when: str
    who: str
    what: str
    #: What was changed.
    object: Named
    object_id: str
    detail: tuple[tuple[str, Named], ...]


@dataclass(frozen=True, kw_only=True)
class AuditPage:
    """Some lines of the audit log, the newest first."""

    rows: tuple[AuditRow, ...]
    #: Who can be asked for, by what the log calls them.
    people: Mapping[str, str]
    wanted: Mapping[str, str]
    #: What alone is asked for; empty: everything.
    only: str
    before: str
    older: str
    problem: str


def add_instance(ui: Blueprint, hub: Hub, guard: Guard) -> None:
    """Add the pages of this instance, which are for admins."""

    @ui.get("/operate")
    @guard.admin
    def operate() -> str:
        return render_template("operate/health.html", page=_health(health(hub), hub.now()))

    @ui.get("/operate/audit")
    @guard.admin
    def audit_log() -> str:
        return render_template("operate/audit.html", page=_audit(hub))

    @ui.get("/operate/plugins")
    @guard.admin
    def plugin_list() -> str:
        return _plugins(hub)

    @ui.post("/operate/plugins/<name>")
    @guard.admin
    def switch(name: str) -> Any:
        try:
            switch_plugin(hub, name, on=request.form.get("enabled") == "yes", actor=g.person.actor)
        except HubError as error:
            return _plugins(hub, error.detail), 422
        return redirect(url_for("ui.plugin_list", _anchor=f"plugin-{name}"))


def _health(found: Health, now: datetime) -> HealthPage:
    return HealthPage(
        version=found.version,
        python=found.python,
        checks=tuple(sorted(found.checks, key=lambda check: check.ok)),
        wrong=sum(not check.ok for check in found.checks),
        good=_good(found.checks),
        queues=tuple(
            QueueRow(
                name=one.name,
                waiting=one.waiting,
                oldest=words.ago(one.oldest_at, now) if one.oldest_at else "",
                oldest_at=words.exact(one.oldest_at),
            )
            for one in found.queues
        ),
        processes=tuple(
            ProcessRow(
                id=one.id,
                kind=one.kind,
                host=one.host,
                alive=one.alive,
                started=words.ago(one.started_at, now),
                started_at=words.exact(one.started_at),
                seen=words.ago(one.seen_at, now),
                seen_at=words.exact(one.seen_at),
            )
            for one in found.processes
        ),
        sources=found.sources,
    )


def _good(checks: Sequence[Check]) -> str:
    to_note = sum(check.limited for check in checks)
    if not to_note:
        return f"All {len(checks)} parts are in order."
    well = len(checks) - to_note
    return f"{well} part{'' if well == 1 else 's'} in order, {to_note} to note."


def _plugins(hub: Hub, problem: str = "") -> str:
    found = tuple(plugins(hub))
    pending = any(one.enabled != (one.state in {"loaded", "refused"}) for one in found)
    page = PluginsPage(plugins=found, pending=pending, problem=problem)
    return render_template("operate/plugins.html", page=page)


def _audit(hub: Hub) -> AuditPage:
    given = {name: clean(request.args.get(name, "")).strip()[:100] for name in _FILTERS}
    zone = zone_called(given["zone"])
    wanted = {name: value for name, value in given.items() if value}
    before, problem = request.args.get("before", ""), ""
    try:
        chosen = people.AuditFilter(
            actor=wanted.get("actor"),
            action=wanted.get("action"),
            object_id=wanted.get("object_id"),
            since=_day(given["since"], zone),
            until=_day(given["until"], zone, days=1),
        )
    except (ValueError, OverflowError):
        chosen, problem = people.AuditFilter(), "A day is written as 2026-01-31."
    with reading(hub.engine) as db:
        rows = people.audit(db, chosen, before=before or None, limit=_PAGE + 1)
        names = queries.names(db)
        tokens = {f"token:{row.id}": row.name for row in people.tokens(db, before=None, limit=200)}
        shown = rows[:_PAGE]
        known = named(db, shown)
    who = {f"user:{one}": name for one, name in names.items()}
    only = wanted.get("object_id", "")
    return AuditPage(
        rows=tuple(_audit_row(row, {**tokens, **who, **_NOBODY}, known) for row in shown),
        people={**who, **{one: f"{name} (token)" for one, name in tokens.items()}, **_NOBODY},
        wanted=wanted,
        only=known[only].name if only in known else only,
        before=before,
        older=shown[-1].id if len(rows) > _PAGE else "",
        problem=problem,
    )


#: What the log calls otherwise than people do.
_DOINGS: Final = {
    "requeue.began": "what failed: tried again",
    "requeue.stopped": "what failed: tried again no more",
}
#: Details that are times.
_TIMES: Final = frozenset({"snoozed_until", "until"})
#: Actors that are no person.
_NOBODY: Final = {"cli": "Command line", "hub": "The hub itself"}


def _day(text: str, zone: ZoneInfo, *, days: int = 0) -> datetime | None:
    """Return when a day begins in a time zone, or one some ``days`` after it.

    Raises `ValueError`, or `OverflowError` where there is no such day.
    """
    if not text:
        return None
    day = datetime.fromisoformat(text).date() + timedelta(days=days)
    return datetime.combine(day, time(), zone).astimezone(UTC)


def _audit_row(row: AnyRow, names: Mapping[str, str], known: Mapping[str, Named]) -> AuditRow:
    return AuditRow(
        id=row.id,
        at=words.exact(row.at),
        when=words.moment(row.at),
        who=names.get(row.actor, row.actor),
        what=_DOINGS.get(row.action) or row.action.replace(".", ": ").replace("_", " "),
        object=known.get(row.object_id) or Named(name=row.object_id),
        object_id=row.object_id,
        detail=tuple(
            (name.replace("_", " "), known.get(id_in(name, one)) or _told(name, one))
            for name, one in row.detail.items()
        ),
    )


def _told(name: str, value: object) -> Named:
    """Return what a detail of the log says that is the id of nothing."""
    if name in _TIMES and isinstance(value, str):
        at = datetime.fromisoformat(value)
        return Named(name=words.moment(at), at=words.exact(at))
    return Named(name=_said(value))


def _said(value: object) -> str:
    """Return a value of the log in words."""
    if isinstance(value, list):
        return ", ".join(map(str, value)) or "none"
    if isinstance(value, bool):
        return "yes" if value else "no"
    return "none" if value is None else str(value)
