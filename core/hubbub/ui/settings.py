"""Manage the people who work here and the tokens of programs."""

import secrets
from typing import Any

from flask import Blueprint, g, redirect, render_template, request, url_for

from hubbub.hub import Hub
from hubbub.people.tokens import create_token, list_tokens, revoke_token
from hubbub.people.users import add_user, change_user, list_users
from hubbub.sdk.errors import HubError
from hubbub.ui import words
from hubbub.ui.guard import Guard

_MOST = 200


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
        password = request.form.get("password") or secrets.token_urlsafe(12)
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
            return _page(hub, problem=error.detail), 422
        told = "" if request.form.get("password") else f"Their password is {password}"
        return _page(hub, told=f"{request.form['email']} can log in now. {told}")

    @ui.post("/settings/users/<user_id>")
    @guard.admin
    def switch_user(user_id: str) -> Any:
        disabled = request.form.get("disabled") == "yes"
        try:
            change_user(hub, user_id, actor=g.person.actor, disabled=disabled)
        except HubError as error:
            return _page(hub, problem=error.detail), 422
        return redirect(url_for("ui.settings"))


def _add_tokens(ui: Blueprint, hub: Hub, guard: Guard) -> None:
    @ui.post("/settings/tokens")
    @guard.admin
    def new_token() -> Any:
        try:
            _, token = create_token(hub, name=request.form.get("name", ""), actor=g.person.actor)
        except HubError as error:
            return _page(hub, problem=error.detail), 422
        return _page(hub, token=token)

    @ui.post("/settings/tokens/<token_id>/revoke")
    @guard.admin
    def revoke(token_id: str) -> Any:
        revoke_token(hub, token_id, actor=g.person.actor)
        return redirect(url_for("ui.settings"))


def _page(hub: Hub, *, problem: str = "", told: str = "", token: str = "") -> str:
    return render_template(
        "settings.html",
        users=list_users(hub, limit=_MOST),
        tokens=list_tokens(hub, limit=_MOST),
        problem=problem,
        told=told,
        token=token,
        ago=lambda at: words.ago(at, hub.now()),
    )
