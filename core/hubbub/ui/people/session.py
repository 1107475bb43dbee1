"""Log people in and out."""

import re
from typing import Any, Final

from flask import Blueprint, make_response, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from hubbub.hub import Hub
from hubbub.people.errors import TooManyAttempts
from hubbub.people.rules import SESSION_LIFE
from hubbub.people.sessions import close_session, cookie_name, open_session
from hubbub.people.throttle import Throttle
from hubbub.people.users import authenticate
from hubbub.ui.guard import Guard
from hubbub.ui.kept import kept_before, login_page, shown

#: A path of ours.
_OURS: Final = re.compile(r"/(?![/\\])[^\x00-\x20\x7f\\]*")


def add_session(ui: Blueprint, hub: Hub, guard: Guard, throttle: Throttle) -> None:
    """Add the pages for logging in and out."""

    @ui.route("/login", methods=["GET", "POST"])
    @guard.open
    def login() -> Any:
        if request.method == "GET":
            return _page("")
        try:
            person = authenticate(
                hub,
                throttle,
                email=request.form.get("email", "")[:254],
                password=request.form.get("password", "")[:512],
                address=request.remote_addr or "",
            )
        except TooManyAttempts as error:
            seconds = str(round(error.retry_after.total_seconds()))
            return _page(error.detail), 429, {"Retry-After": seconds}
        if person is None:
            return _page("This email and password do not belong together."), 401
        cookie = open_session(hub, person.id, replaces=guard.cookie() or None)
        return keeping_login(hub, _onward(guard, cookie), cookie)

    @ui.post("/logout")
    @guard.page
    def logout() -> Any:
        close_session(hub, guard.cookie())
        answer = make_response(redirect(url_for("ui.login")))
        # With the prefix of its name, browsers listen only to who guards it as it was guarded.
        answer.delete_cookie(cookie_name(hub.settings), secure=_is_secure(hub))
        return answer


def keeping_login(hub: Hub, answer: Response, cookie: str) -> Response:
    """Return ``answer``, after which the browser is logged in by ``cookie``."""
    answer.set_cookie(
        cookie_name(hub.settings),
        cookie,
        max_age=SESSION_LIFE,
        httponly=True,
        samesite="Lax",
        secure=_is_secure(hub),
    )
    return answer


def _is_secure(hub: Hub) -> bool:
    return hub.settings.base_url.startswith("https://")


def _page(problem: str) -> str:
    return login_page(
        problem,
        email=request.form.get("email", ""),
        onward=request.values.get("next", ""),
        kept=kept_before(request.form),
        kept_for=_path("kept_for"),
    )


def _onward(guard: Guard, cookie: str) -> Response:
    """Return what comes after the login: where somebody wanted to go, or what they had typed."""
    where, kept = _path("kept_for"), kept_before(request.form)
    if not where or not kept:
        return redirect(_path("next") or url_for("ui.inbox"))
    page = render_template(
        "people/again.html",
        where=where,
        fields=kept,
        shown=shown(kept),
        token=guard.token(cookie),
    )
    return make_response(page)


def _path(field: str) -> str:
    """Return the path of ours that a field of the form holds; empty for anything else."""
    wanted = request.form.get(field, "")
    # Browsers leave out some characters, and take others for a slash: what is left may be a host.
    return wanted if _OURS.fullmatch(wanted) else ""
