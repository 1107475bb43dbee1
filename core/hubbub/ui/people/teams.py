"""Manage the teams of the inbox."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from flask import Blueprint, g, redirect, render_template, request, url_for
from sqlalchemy import Connection

from hubbub.hub import Hub
from hubbub.people import queries as people_queries, team_queries
from hubbub.people.overtaken import Overtaken
from hubbub.people.teams import (
    Team,
    change_team,
    create_team,
    delete_team,
    find_team,
    list_teams,
    mark_of_team,
)
from hubbub.sdk.errors import HubError
from hubbub.store.clean import legible
from hubbub.store.session import reading
from hubbub.store.types import AnyRow
from hubbub.ui.guard import Guard
from hubbub.ui.words import said

#: Teams in the page; the API lists all.
_MOST: Final = 200


@dataclass(frozen=True, kw_only=True)
class Member:
    """Somebody who is in a team, or could be."""

    id: str
    name: str
    inside: bool
    away: bool


@dataclass(frozen=True, kw_only=True)
class TeamRow:
    """One team in the list."""

    id: str
    name: str
    members: str


@dataclass(frozen=True, kw_only=True)
class TeamPage:
    """One team, or a new one: then ``id`` is empty."""

    id: str
    name: str
    members: tuple[Member, ...]
    #: How many conversations are in its queue.
    waiting: int
    problem: str
    #: The mark of what it shows, and what is saved where that is something else by now.
    seen: str
    theirs: tuple[tuple[str, str], ...] | None


def add_teams(ui: Blueprint, hub: Hub, guard: Guard) -> None:
    """Add the pages of the teams."""

    @ui.get("/operate/teams")
    @guard.admin
    def teams() -> str:
        with reading(hub.engine) as db:
            names = {row.id: row.name or row.email for row in people_queries.colleagues(db)}
        rows = tuple(_row(team, names) for team in list_teams(hub, limit=_MOST))
        return render_template("people/teams.html", teams=rows)

    @ui.route("/operate/teams/new", methods=["GET", "POST"])
    @guard.admin
    def new_team() -> Any:
        if request.method == "GET":
            return _page(hub, None)
        try:
            create_team(hub, **_given(), actor=g.person.actor)
        except HubError as error:
            return _page(hub, None, error), 422
        return redirect(url_for("ui.teams"))

    _add_one(ui, hub, guard)


def _add_one(ui: Blueprint, hub: Hub, guard: Guard) -> None:
    @ui.route("/operate/teams/<team_id>", methods=["GET", "POST"])
    @guard.admin
    def team(team_id: str) -> Any:
        found = find_team(hub, team_id)
        if request.method == "GET":
            return _page(hub, found)
        try:
            given, seen = _given(), request.form.get("seen")
            given["members"] += _out_of_sight(hub, found)
            change_team(hub, team_id, **given, actor=g.person.actor, seen=seen)
        except Overtaken as error:
            return _page(hub, find_team(hub, team_id), error), 409
        except HubError as error:
            return _page(hub, found, error), 422
        return redirect(url_for("ui.teams"))

    @ui.post("/operate/teams/<team_id>/delete")
    @guard.admin
    def remove_team(team_id: str) -> Any:
        delete_team(hub, team_id, actor=g.person.actor)
        return redirect(url_for("ui.teams"))


def _given() -> dict[str, Any]:
    return {
        "name": request.form.get("name", ""),
        "members": request.form.getlist("member"),
    }


def _out_of_sight(hub: Hub, team: Team) -> list[str]:
    """Return the members whom the form does not show, as they are disabled: they stay members."""
    with reading(hub.engine) as db:
        shown = {row.id for row in people_queries.colleagues(db)}
    return [user_id for user_id in team.members if user_id not in shown]


def _row(team: Team, names: Mapping[str, str]) -> TeamRow:
    known = sorted(names[user_id] for user_id in team.members if user_id in names)
    return TeamRow(id=team.id, name=team.name, members=", ".join(known))


def _page(hub: Hub, team: Team | None, error: HubError | None = None) -> str:
    overtaken = isinstance(error, Overtaken)
    now = mark_of_team(hub, team) if team else ""
    with reading(hub.engine) as db:
        page = TeamPage(
            id=team.id if team else "",
            # As it would be stored: else it would look unlike the one that has it already.
            name=legible(request.form.get("name", team.name if team else "")),
            members=_members(db, team),
            waiting=team_queries.waiting(db, team.id) if team else 0,
            problem="" if error is None or overtaken else said(error),
            seen=request.form.get("seen", now) if error and not overtaken else now,
            theirs=_theirs(db, team) if team and overtaken else None,
        )
    return render_template("people/team.html", page=page)


def _theirs(db: Connection, team: Team) -> tuple[tuple[str, str], ...]:
    """Return what is saved of a team where the form says otherwise."""
    names = {row.id: row.name or row.email for row in people_queries.colleagues(db)}
    inside = {user_id for user_id in team.members if user_id in names}
    said = [("Name", team.name)] if team.name != legible(_given()["name"]) else []
    if inside != set(_given()["members"]):
        said.append(("Members", ", ".join(sorted(names[user_id] for user_id in inside))))
    return tuple(said)


def _members(db: Connection, team: Team | None) -> tuple[Member, ...]:
    typed = request.form.getlist("member") if request.method == "POST" else None
    inside = team.members if team and typed is None else typed or ()
    return tuple(_member(row, inside=row.id in inside) for row in people_queries.colleagues(db))


def _member(row: AnyRow, *, inside: bool) -> Member:
    return Member(
        id=row.id, name=row.name or row.email, inside=inside, away=row.away_at is not None
    )
