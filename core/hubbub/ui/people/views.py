"""Manage the people who work here: invite them, change their role, log them out."""

from dataclasses import dataclass
from typing import Any, Final, cast

from flask import Blueprint, abort, g, redirect, render_template, request, url_for

from hubbub.hub import Hub
from hubbub.people.invites import Expired, accept, add_invited, invite, invited
from hubbub.people.rules import Person, Role
from hubbub.people.sessions import open_session
from hubbub.people.users import add_user, change_user, end_sessions, find_user, list_users
from hubbub.sdk.errors import HubError
from hubbub.ui import words
from hubbub.ui.guard import Guard
from hubbub.ui.people.session import keeping_login
from hubbub.ui.words import said

_PAGE: Final = 50


@dataclass(frozen=True, kw_only=True)
class PersonRow:
    """Somebody who works here."""

    id: str
    email: str
    name: str
    role: str
    since: str
    since_at: str
    disabled: bool
    #: Whether it is who looks at the page.
    me: bool


@dataclass(frozen=True, kw_only=True)
class PeoplePage:
    """Some of the people who work here, the newest first."""

    people: tuple[PersonRow, ...]
    before: str
    older: str
    problem: str


@dataclass(frozen=True, kw_only=True)
class PersonPage:
    """One of them. ``link`` is shown this once."""

    row: PersonRow
    link: str = ""
    expires: str = ""
    expires_at: str = ""
    told: str = ""
    problem: str = ""


@dataclass(frozen=True, kw_only=True)
class WelcomePage:
    """Where somebody chooses a password."""

    email: str
    problem: str = ""


def add_people(ui: Blueprint, hub: Hub, guard: Guard) -> None:
    """Add the pages of people, which are for admins, and the one that an invitation leads to."""
    _add_list(ui, hub, guard)
    _add_person(ui, hub, guard)
    _add_welcome(ui, hub, guard)


def _add_list(ui: Blueprint, hub: Hub, guard: Guard) -> None:
    @ui.get("/operate/people")
    @guard.admin
    def people() -> str:
        return _list(hub)

    @ui.post("/operate/people")
    @guard.admin
    def new_person() -> Any:
        password = request.form.get("password", "")
        about = {name: request.form.get(name, "") for name in ("email", "name")}
        role, actor = request.form.get("role", "agent"), g.person.actor
        try:
            if password:
                user_id = add_user(hub, **about, role=role, password=password, actor=actor)
            else:
                user_id = add_invited(hub, **about, role=role, actor=actor)
        except HubError as error:
            return _list(hub, said(error)), 422
        if password:
            return _one(hub, user_id, told="They can log in now, with the password that you chose.")
        return _invited(hub, user_id)


def _add_person(ui: Blueprint, hub: Hub, guard: Guard) -> None:
    @ui.get("/operate/people/<user_id>")
    @guard.admin
    def one_person(user_id: str) -> str:
        return _one(hub, user_id)

    @ui.post("/operate/people/<user_id>/<any(link,role,disable,enable,logout):what>")
    @guard.admin
    def change_person(user_id: str, what: str) -> Any:
        if user_id == g.person.id:
            # One's own password takes the old one, and nobody locks themselves out by a slip.
            abort(403)
        try:
            if what == "link":
                return _invited(hub, user_id)
            told = _change(hub, user_id, what)
        except HubError as error:
            return _one(hub, user_id, problem=said(error)), 422
        return _one(hub, user_id, told=told)


def _add_welcome(ui: Blueprint, hub: Hub, guard: Guard) -> None:
    @ui.route("/welcome/<user_id>/<int:until>/<signature>", methods=["GET", "POST"])
    @guard.open
    def welcome(user_id: str, until: int, signature: str) -> Any:
        try:
            who = invited(hub, user_id, until, signature)
        except Expired as error:
            return render_template("people/welcome_over.html", problem=said(error)), 410
        if request.method == "GET":
            return render_template("people/welcome.html", page=WelcomePage(email=who.email))
        new = request.form.get("new_password", "")
        if new != request.form.get("same_password", ""):
            return _unwelcome(who, "The passwords are not the same.")
        try:
            accept(hub, user_id, until, signature, password=new)
        except HubError as error:
            return _unwelcome(who, said(error))
        cookie = open_session(hub, user_id, replaces=guard.cookie() or None)
        return keeping_login(hub, redirect(url_for("ui.inbox")), cookie)


def _unwelcome(who: Person, problem: str) -> Any:
    return render_template(
        "people/welcome.html", page=WelcomePage(email=who.email, problem=problem)
    ), 422


def _change(hub: Hub, user_id: str, what: str) -> str:
    actor = g.person.actor
    match what:
        case "role":
            role = request.form.get("role", "")
            change_user(hub, user_id, actor=actor, role=cast("Role", role))
            return f"Their role is {role} now."
        case "logout":
            end_sessions(hub, user_id, actor=actor)
            return "They are logged out everywhere."
    change_user(hub, user_id, actor=actor, disabled=what == "disable")
    if what == "disable":
        return (
            "They cannot log in any more, and are logged out everywhere. What waits for them goes "
            "back to its queue."
        )
    return "They can log in again."


def _invited(hub: Hub, user_id: str) -> str:
    made = invite(hub, user_id, actor=g.person.actor)
    return _one(
        hub,
        user_id,
        link=f"{hub.settings.base_url}{made.path}",
        expires=words.moment(made.expires_at),
        expires_at=words.exact(made.expires_at),
    )


def _list(hub: Hub, problem: str = "") -> str:
    before = request.args.get("before", "")
    found = list_users(hub, before=before or None, limit=_PAGE + 1)
    shown = found[:_PAGE]
    page = PeoplePage(
        people=tuple(_row(hub, one) for one in shown),
        before=before,
        older=shown[-1].id if len(found) > _PAGE else "",
        problem=problem,
    )
    return render_template("people/list.html", page=page, typed=request.form if problem else {})


def _one(hub: Hub, user_id: str, **told: str) -> str:
    page = PersonPage(row=_row(hub, find_user(hub, user_id)), **told)
    return render_template("people/person.html", page=page)


def _row(hub: Hub, one: Person) -> PersonRow:
    return PersonRow(
        id=one.id,
        email=one.email,
        name=one.name,
        role=one.role,
        since=words.ago(one.created_at, hub.now()),
        since_at=words.exact(one.created_at),
        disabled=one.disabled,
        me=one.id == g.person.id,
    )
