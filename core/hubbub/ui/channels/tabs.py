"""Show the pages of one channel beside its overview and settings."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from flask import Blueprint, g, redirect, render_template, request, url_for

from hubbub.hub import Hub
from hubbub.people.queries import AuditFilter, audit
from hubbub.receive.work import NotReleasable, replay, replay_many
from hubbub.store.session import reading
from hubbub.store.states import CallState
from hubbub.store.types import AnyRow
from hubbub.ui import queries, words
from hubbub.ui.channels.calls_page import CallsPage, calls_page
from hubbub.ui.channels.head import ChannelHead, channel_head
from hubbub.ui.channels.listing import When
from hubbub.ui.channels.steps import webhook_page
from hubbub.ui.guard import Guard

_ENTRIES: Final = 50
_TEMPLATES: Final = 500
_DONE: Final = {
    "channel.created": "added the channel",
    "channel.changed": "changed",
    "channel.deleted": "deleted the channel",
    "routes.saved": "saved the routes",
    "call.released": "released a call from quarantine",
    "call.replayed": "ran a kept call again",
}


@dataclass(frozen=True, kw_only=True)
class Entry:
    """One thing that somebody did."""

    id: str
    at: When
    who: str
    what: str


@dataclass(frozen=True, kw_only=True)
class AuditPage:
    """What people did to a channel."""

    entries: tuple[Entry, ...]
    older: str


@dataclass(frozen=True, kw_only=True)
class TemplateRow:
    """One template."""

    name: str
    language: str
    category: str
    status: str
    reason: str
    changed: When


def add_channel_tabs(ui: Blueprint, hub: Hub, guard: Guard) -> None:
    """Add the pages of one channel, which are for admins."""
    _add_reading(ui, hub, guard)
    _add_quarantine(ui, hub, guard)


def _add_reading(ui: Blueprint, hub: Hub, guard: Guard) -> None:
    @ui.get("/channels/<channel_id>/webhook")
    @guard.admin
    def channel_webhook(channel_id: str) -> str:
        page = webhook_page(hub, channel_id)
        return _render(hub, channel_id, "channels/webhook.html", page)

    @ui.get("/channels/<channel_id>/templates")
    @guard.admin
    def channel_templates(channel_id: str) -> str:
        return _render(hub, channel_id, "channels/templates.html", _templates(hub, channel_id))

    @ui.get("/channels/<channel_id>/audit")
    @guard.admin
    def channel_audit(channel_id: str) -> str:
        page = _audit(hub, channel_id, before=request.args.get("before", ""))
        return _render(hub, channel_id, "channels/audit.html", page)


def _add_quarantine(ui: Blueprint, hub: Hub, guard: Guard) -> None:
    @ui.get("/channels/<channel_id>/quarantine")
    @guard.admin
    def quarantine(channel_id: str) -> str:
        page = _quarantined(hub, channel_id, before=request.args.get("before", ""))
        return _render(hub, channel_id, "channels/quarantine.html", page)

    @ui.post("/channels/<channel_id>/quarantine")
    @guard.admin
    def release(channel_id: str) -> Any:
        """Release one call, or all on the page that are proven by now."""
        page = _quarantined(hub, channel_id, before="")
        wanted = request.form.get("call", "")
        told = {"problem": "", "released": ""}
        if not wanted:
            done = replay_many(hub, [row.id for row in page.rows], actor=g.person.actor)
            told["released"] = f"{done} of {len(page.rows)} were released."
            if done < len(page.rows):
                told["problem"] = "The others are still not proven to be the provider's."
        else:
            try:
                force = request.form.get("force") == "yes"
                replay(hub, wanted, force=force, actor=g.person.actor)
            except NotReleasable as error:
                told["problem"] = error.detail
            else:
                return redirect(url_for("ui.quarantine", channel_id=channel_id))
        page = _quarantined(hub, channel_id, before="")
        return _render(hub, channel_id, "channels/quarantine.html", page, told)


def _render(
    hub: Hub, channel_id: str, template: str, page: Any, told: Mapping[str, str] | None = None
) -> str:
    head: ChannelHead = channel_head(hub, channel_id)
    return render_template(template, head=head, page=page, told=told or {})


def _quarantined(hub: Hub, channel_id: str, *, before: str) -> CallsPage:
    return calls_page(hub, channel_id, state=CallState.QUARANTINED, before=before)


def _templates(hub: Hub, channel_id: str) -> tuple[TemplateRow, ...]:
    now = hub.now()
    with reading(hub.engine) as db:
        rows = queries.templates_of(db, channel_id, limit=_TEMPLATES)
    return tuple(
        TemplateRow(
            name=row.name,
            language=row.language,
            category=row.category,
            status=row.status,
            reason=row.reason,
            changed=When.of(row.changed_at, now),
        )
        for row in rows
    )


def _audit(hub: Hub, channel_id: str, *, before: str) -> AuditPage:
    with reading(hub.engine) as db:
        ours = AuditFilter(object_id=channel_id)
        rows = audit(db, ours, before=before or None, limit=_ENTRIES + 1)
        names = queries.names(db)
    shown = rows[:_ENTRIES]
    now = hub.now()
    return AuditPage(
        entries=tuple(
            Entry(
                id=row.id,
                at=When.of(row.at, now),
                who=words.author(row.actor, names),
                what=" ".join(_done(row)),
            )
            for row in shown
        ),
        older=shown[-1].id if len(rows) > _ENTRIES else "",
    )


def _done(row: AnyRow) -> Iterator[str]:
    yield _DONE.get(row.action, row.action.replace(".", " "))
    changed: dict[str, list[str]] = defaultdict(list)
    for name in row.detail.get("changed", ()):
        part, _, field = name.partition(".")
        changed[part] += [field] if field else []
    parts = [_part(part, fields) for part, fields in changed.items()]
    if parts:
        yield words.listed(parts)
    elif "changed" in row.detail:
        yield "nothing"  # as it was noted once
    if "version" in row.detail:
        yield f"(version {row.detail['version']})"


#: What a change may touch, as people know it.
_CHANGED: Final = {
    "name": "its name",
    "enabled": "whether it is on",
    "credentials": "its credentials",
    "settings": "its settings",
    "old_credentials_until": "how long the old credentials count",
}


def _part(name: str, fields: Sequence[str]) -> str:
    called = _CHANGED.get(name, name)
    return f"{called} ({', '.join(fields)})" if fields else called
