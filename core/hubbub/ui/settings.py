"""Manage the people who work here and the tokens of programs."""

import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from flask import Blueprint, abort, g, redirect, render_template, request, url_for

from hubbub.hub import Hub
from hubbub.people.rules import Person, Scope
from hubbub.people.tokens import TokenInfo, create_token, list_tokens, revoke_token
from hubbub.people.users import add_user, change_user, list_users
from hubbub.sdk.errors import HubError
from hubbub.ui import words
from hubbub.ui.errors import said
from hubbub.ui.guard import Guard

_MOST: Final = 200
#: What each scope allows; docs/api.md says it at length.
_SCOPES: Final[Mapping[Scope, str]] = {
    "read": "look at everything",
    "write": "send messages, work on conversations and contacts",
    "admin": "change channels, routes, tokens and users",
}


@dataclass(frozen=True, kw_only=True)
class PersonRow:
    """Somebody who works here."""

    id: str
    email: str
    name: str
    role: str
    since: str
    since_exact: str
    disabled: bool
    #: Whether it is who looks at the page.
    me: bool


@dataclass(frozen=True, kw_only=True)
class TokenRow:
    """The token of a program."""

    id: str
    name: str
    may: str
    made: str
    made_exact: str
    used: str
    used_exact: str
    revoked: bool


@dataclass(frozen=True, kw_only=True)
class SettingsPage:
    """People and tokens. ``token`` and ``password`` are shown this once."""

    people: tuple[PersonRow, ...]
    tokens: tuple[TokenRow, ...]
    scopes: Mapping[Scope, str]
    #: What went wrong, and in which form: ``adding`` or ``token``; empty for what has none.
    problem: str = ""
    form: str = ""
    #: What was typed into that form.
    typed: Mapping[str, str]
    #: Who can log in from now on, or with another password.
    added: str = ""
    renewed: str = ""
    password: str = ""
    token: str = ""


def add_settings(ui: Blueprint, hub: Hub, guard: Guard) -> None:
    """Add the page of people and tokens."""

    @ui.get("/settings")
    @guard.admin
    def settings() -> str:
        return _page(hub)

    _add_users(ui, hub, guard)
    _add_tokens(ui, hub, guard)


def _add_users(ui: Blueprint, hub: Hub, guard: Guard) -> None:
    @ui.post("/settings/users")
    @guard.admin
    def new_user() -> Any:
        chosen = request.form.get("password", "")
        password = chosen or secrets.token_urlsafe(12)
        try:
            add_user(
                hub,
                email=request.form.get("email", ""),
                password=password,
                role=request.form.get("role", "agent"),
                name=request.form.get("name", ""),
                actor=g.person.actor,
            )
        except HubError as error:
            return _page(hub, problem=said(error), form="adding"), 422
        return _page(hub, added=request.form["email"], password="" if chosen else password)

    @ui.post("/settings/users/<user_id>/password")
    @guard.admin
    def reset_password(user_id: str) -> Any:
        if user_id == g.person.id:
            abort(403)  # one's own takes the old one: whoever finds this browser must not have it
        password = secrets.token_urlsafe(12)
        person = change_user(hub, user_id, actor=g.person.actor, password=password)
        return _page(hub, renewed=person.email, password=password)

    @ui.post("/settings/users/<user_id>")
    @guard.admin
    def switch_user(user_id: str) -> Any:
        disabled = request.form.get("disabled") == "yes"
        try:
            change_user(hub, user_id, actor=g.person.actor, disabled=disabled)
        except HubError as error:
            return _page(hub, problem=said(error)), 422
        return redirect(url_for("ui.settings"))


def _add_tokens(ui: Blueprint, hub: Hub, guard: Guard) -> None:
    @ui.post("/settings/tokens")
    @guard.admin
    def new_token() -> Any:
        try:
            _, token = create_token(
                hub,
                name=request.form.get("name", ""),
                scopes=request.form.getlist("scope"),
                actor=g.person.actor,
            )
        except HubError as error:
            return _page(hub, problem=said(error), form="token"), 422
        return _page(hub, token=token)

    @ui.post("/settings/tokens/<token_id>/revoke")
    @guard.admin
    def revoke(token_id: str) -> Any:
        revoke_token(hub, token_id, actor=g.person.actor)
        return redirect(url_for("ui.settings"))


def _page(hub: Hub, **told: str) -> str:
    page = SettingsPage(
        people=tuple(_person(hub, one) for one in list_users(hub, limit=_MOST)),
        tokens=tuple(_token(hub, one) for one in list_tokens(hub, limit=_MOST)),
        scopes=_SCOPES,
        typed=request.form if told.get("form") == "adding" else {},
        **told,
    )
    return render_template("settings.html", page=page)


def _person(hub: Hub, one: Person) -> PersonRow:
    return PersonRow(
        id=one.id,
        email=one.email,
        name=one.name,
        role=one.role,
        since=words.ago(one.created_at, hub.now()),
        since_exact=words.exact(one.created_at),
        disabled=one.disabled_at is not None,
        me=one.id == g.person.id,
    )


def _token(hub: Hub, one: TokenInfo) -> TokenRow:
    return TokenRow(
        id=one.id,
        name=one.name,
        may=", ".join(one.scopes),
        made=words.ago(one.created_at, hub.now()),
        made_exact=words.exact(one.created_at),
        used=words.ago(one.last_used_at, hub.now()),
        used_exact=words.exact(one.last_used_at),
        revoked=one.revoked_at is not None,
    )
