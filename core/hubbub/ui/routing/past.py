"""Show earlier versions of a channel's rules, and ask the draft about what came in of late."""

from dataclasses import dataclass
from typing import Any, Final

from flask import Blueprint, g, redirect, render_template, request, url_for

from hubbub.connect.dryrun import DAYS, Counted, Moved, dry_run
from hubbub.connect.route_drafts import draft_of
from hubbub.connect.routes import current_routes
from hubbub.connect.versions import (
    RoutesVersion,
    find_version,
    list_versions,
    names_of,
    restore_version,
)
from hubbub.connect.work import find_channel
from hubbub.hub import Hub
from hubbub.people.errors import NotFound
from hubbub.route.rules import Decision
from hubbub.route.telling import changes, reads
from hubbub.sdk.errors import HubError
from hubbub.store.session import reading
from hubbub.ui import queries, words
from hubbub.ui.guard import Guard
from hubbub.ui.routing.page import sound_part

#: Versions, and examples of messages, in one page.
_VERSIONS: Final = 20
_EXAMPLES: Final = 20


@dataclass(frozen=True, kw_only=True)
class VersionRow:
    """One version in the list, or alone with its rules."""

    version: int
    by: str
    ago: str
    at: str
    in_force: bool
    changed: tuple[str, ...]
    rules: tuple[tuple[str, str, bool], ...] = ()
    fallback: str = ""
    #: How the version in force differs from it.
    since: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class VersionsPage:
    """Earlier versions of a channel's rules."""

    channel_id: str
    channel: str
    versions: tuple[VersionRow, ...]
    #: From which version on downwards the next page goes; 0: there is none.
    older: int
    problem: str


@dataclass(frozen=True, kw_only=True)
class CountRow:
    """How many messages a rule takes, and what part of all that is, in hundredths."""

    name: str
    to: str
    count: int
    share: int


@dataclass(frozen=True, kw_only=True)
class MovedRow:
    """A message that would go elsewhere."""

    id: str
    sender: str
    text: str
    ago: str
    at: str
    now: str
    then: str


@dataclass(frozen=True, kw_only=True)
class DryRunPage:
    """What the draft would do with the messages of late."""

    channel_id: str
    channel: str
    days: int
    asked: int
    more: bool
    counts: tuple[CountRow, ...]
    moved: int
    examples: tuple[MovedRow, ...]
    #: The number of this page of examples, and whether there is another.
    page: int
    next: bool
    #: Rules of the draft that are not finished, and were left out.
    left_out: tuple[str, ...]


def add_routing_past(ui: Blueprint, hub: Hub, guard: Guard) -> None:
    """Add the pages of versions and of the dry run, which are for admins."""
    _add_versions(ui, hub, guard)
    _add_dry_run(ui, hub, guard)


def _add_versions(ui: Blueprint, hub: Hub, guard: Guard) -> None:
    @ui.get("/channels/<channel_id>/routing/versions")
    @guard.admin
    def route_versions(channel_id: str) -> str:
        return render_template("routing/versions.html", page=_versions_page(hub, channel_id))

    @ui.get("/channels/<channel_id>/routing/versions/<int:number>")
    @guard.admin
    def route_version(channel_id: str, number: int) -> str:
        channel = find_channel(hub, channel_id)
        row = _whole_version(hub, channel_id, number)
        return render_template(
            "routing/version.html", channel_id=channel_id, channel=channel.name, row=row
        )

    @ui.post("/channels/<channel_id>/routing/versions/<int:number>/restore")
    @guard.admin
    def restore_routes(channel_id: str, number: int) -> Any:
        try:
            restore_version(hub, channel_id, number, actor=g.person.actor)
        except NotFound:
            raise
        except HubError as error:
            page = _versions_page(hub, channel_id, problem=error.detail)
            return render_template("routing/versions.html", page=page), 422
        return redirect(url_for("ui.routing", channel_id=channel_id, did="restored"))


def _add_dry_run(ui: Blueprint, hub: Hub, guard: Guard) -> None:
    @ui.get("/channels/<channel_id>/routing/dry-run")
    @guard.admin
    def route_dry_run(channel_id: str) -> str:
        number = request.args.get("page", 1, type=int)
        return render_template(
            "routing/dry_run.html", page=_dry_run_page(hub, channel_id, max(1, number))
        )


def _versions_page(hub: Hub, channel_id: str, problem: str = "") -> VersionsPage:
    channel = find_channel(hub, channel_id)
    up_to = request.args.get("up_to", type=int)
    found = list_versions(hub, channel_id, up_to=up_to, limit=_VERSIONS + 1)
    rows = tuple(_row(hub, one) for one in found[:_VERSIONS])
    return VersionsPage(
        channel_id=channel_id,
        channel=channel.name,
        versions=rows,
        older=found[_VERSIONS].version if len(found) > _VERSIONS else 0,
        problem=problem,
    )


def _row(hub: Hub, found: RoutesVersion, **more: Any) -> VersionRow:
    with reading(hub.engine) as db:
        names = queries.names(db)
    return VersionRow(
        version=found.version,
        by=words.author(found.by, names),
        ago=words.ago(found.at, hub.now()),
        at=words.exact(found.at),
        in_force=found.in_force,
        changed=found.changed,
        **more,
    )


def _whole_version(hub: Hub, channel_id: str, number: int) -> VersionRow:
    found = find_version(hub, channel_id, number)
    current = current_routes(hub, channel_id)
    rules = tuple(
        (route.name, reads(route, names_of(hub, route.to)), route.enabled)
        for route in found.routes.routes
    )
    return _row(
        hub,
        found,
        rules=rules,
        fallback=names_of(hub, found.routes.fallback),
        since=changes(found.routes, current, lambda to: names_of(hub, to)),
    )


def _dry_run_page(hub: Hub, channel_id: str, number: int) -> DryRunPage:
    channel = find_channel(hub, channel_id)
    current, draft = current_routes(hub, channel_id), draft_of(hub, channel_id, g.person)
    sound = sound_part(hub.plugins, draft)
    found = dry_run(hub, channel_id, current, sound.routes)
    start = (number - 1) * _EXAMPLES
    return DryRunPage(
        channel_id=channel_id,
        channel=channel.name,
        days=DAYS,
        asked=found.asked,
        more=found.more,
        counts=tuple(_count(hub, one, found.asked) for one in found.rules),
        moved=len(found.moved),
        examples=tuple(_example(hub, one) for one in found.moved[start : start + _EXAMPLES]),
        page=number,
        next=len(found.moved) > start + _EXAMPLES,
        left_out=tuple(rule["name"] for rule in draft.rules if sound.faults[rule["id"]]),
    )


def _count(hub: Hub, one: Counted, asked: int) -> CountRow:
    return CountRow(
        name=one.name,
        to=names_of(hub, one.destination),
        count=one.count,
        share=round(100 * one.count / asked) if asked else 0,
    )


def _example(hub: Hub, one: Moved) -> MovedRow:
    return MovedRow(
        id=one.message_id,
        sender=one.sender,
        text=one.preview,
        ago=words.ago(one.at, hub.now()),
        at=words.exact(one.at),
        now=_placed(hub, one.now),
        then=_placed(hub, one.then),
    )


def _placed(hub: Hub, decision: Decision) -> str:
    by = f"“{decision.route_name}”" if decision.route_id else "the fallback"
    return f"{names_of(hub, decision.destination)}, by {by}"
