"""Manage the tokens of programs."""

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final

from flask import Blueprint, g, redirect, render_template, request, url_for
from redis import RedisError

from hubbub.hub import Hub
from hubbub.people.rules import Scope
from hubbub.people.tokens import TokenInfo, create_token, list_tokens, revoke_token
from hubbub.sdk.errors import HubError
from hubbub.ui import words
from hubbub.ui.guard import Guard
from hubbub.ui.words import said

_PAGE: Final = 50
#: For how long it is remembered that a form was sent.
_REMEMBERED: Final = timedelta(days=1)
_MADE: Final = (
    "Its token was made already, and is not shown again. Make another, and revoke that one."
)
#: What each scope allows; docs/api.md says it at length.
_SCOPES: Final[Mapping[Scope, str]] = {
    "read": "look at everything",
    "write": "send messages, work on conversations and contacts",
    "admin": "change channels, routes, plugins, tokens and users",
}


@dataclass(frozen=True, kw_only=True)
class TokenRow:
    """The token of a program."""

    id: str
    name: str
    may: str
    made: str
    made_at: str
    used: str
    used_at: str
    revoked: bool


@dataclass(frozen=True, kw_only=True)
class TokensPage:
    """Some tokens, the newest first. ``token`` is shown this once."""

    tokens: tuple[TokenRow, ...]
    scopes: Mapping[Scope, str]
    before: str
    older: str
    #: What was typed, where that was refused, and why.
    name: str
    chosen: tuple[str, ...]
    problem: str = ""
    token: str = ""


def add_tokens(ui: Blueprint, hub: Hub, guard: Guard) -> None:
    """Add the page of tokens, which is for admins."""

    @ui.get("/operate/tokens")
    @guard.admin
    def tokens() -> str:
        return _page(hub)

    @ui.post("/operate/tokens")
    @guard.admin
    def new_token() -> Any:
        key = request.form.get("key", "")[:64]
        if _was_made(hub, key):
            return _page(hub, problem=_MADE), 409
        try:
            _, token = create_token(
                hub,
                name=request.form.get("name", ""),
                scopes=request.form.getlist("scope"),
                actor=g.person.actor,
            )
        except HubError as error:
            _was_not_made(hub, key)
            return _page(hub, problem=said(error)), 422
        return _page(hub, token=token)

    @ui.post("/operate/tokens/<token_id>/revoke")
    @guard.admin
    def revoke(token_id: str) -> Any:
        revoke_token(hub, token_id, actor=g.person.actor)
        return redirect(url_for("ui.tokens"))


def _was_made(hub: Hub, key: str) -> bool:
    """Whether this very form has made its token: a page that is loaded again sends it again."""
    try:
        return bool(key) and not hub.redis.set(f"form:{key}", 1, nx=True, ex=_REMEMBERED)
    except RedisError:
        return False


def _was_not_made(hub: Hub, key: str) -> None:
    """Let a form that was refused be mended and sent again, also by who goes back to it."""
    with suppress(RedisError):
        hub.redis.delete(f"form:{key}")


def _page(hub: Hub, *, problem: str = "", token: str = "") -> str:
    before = request.args.get("before", "")
    found = list_tokens(hub, before=before or None, limit=_PAGE + 1)
    shown = found[:_PAGE]
    page = TokensPage(
        tokens=tuple(_row(hub, one) for one in shown),
        scopes=_SCOPES,
        before=before,
        older=shown[-1].id if len(found) > _PAGE else "",
        name=request.form.get("name", "") if problem else "",
        chosen=tuple(request.form.getlist("scope")) if problem else ("read", "write"),
        problem=problem,
        token=token,
    )
    return render_template("people/tokens.html", page=page)


def _row(hub: Hub, one: TokenInfo) -> TokenRow:
    return TokenRow(
        id=one.id,
        name=one.name,
        may=", ".join(one.scopes),
        made=words.ago(one.created_at, hub.now()),
        made_at=words.exact(one.created_at),
        used=words.ago(one.last_used_at, hub.now()),
        used_at=words.exact(one.last_used_at),
        revoked=one.revoked_at is not None,
    )
