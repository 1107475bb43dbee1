"""Let people change their own password, and how the console works for them."""

from dataclasses import dataclass
from typing import Any

from flask import Blueprint, g, redirect, render_template, request, url_for

from hubbub.hub import Hub
from hubbub.people.errors import Complaint, Invalid, TooManyAttempts
from hubbub.people.preferences import Preferences
from hubbub.people.sessions import open_session
from hubbub.people.throttle import Throttle
from hubbub.people.users import change_own_password, change_user
from hubbub.ui.guard import Guard
from hubbub.ui.people.session import keeping_login


@dataclass(frozen=True, kw_only=True)
class AccountPage:
    """What somebody may know and change of themselves; ``changed`` once the password was."""

    email: str
    role: str
    changed: bool
    available: bool
    preferences: Preferences
    #: Once these were saved.
    liked: bool
    problem: str = ""


def add_account(ui: Blueprint, hub: Hub, guard: Guard, throttle: Throttle) -> None:
    """Add the page of one's own account."""

    @ui.get("/account")
    @guard.page
    def account() -> str:
        return _page()

    @ui.post("/account")
    @guard.page
    def new_password() -> Any:
        try:
            _change(hub, throttle)
        except TooManyAttempts as error:
            seconds = str(round(error.retry_after.total_seconds()))
            return _page(error.detail), 429, {"Retry-After": seconds}
        except Invalid as error:
            return _page(" ".join(one.message for one in error.complaints)), 422
        # Every login ended, that of this browser too: what others may know of it is worth nothing.
        cookie = open_session(hub, g.person.id)
        return keeping_login(hub, redirect(url_for("ui.account", changed="yes")), cookie)

    @ui.post("/account/preferences")
    @guard.page
    def preferences() -> Any:
        _like(hub)
        return redirect(url_for("ui.account", liked="yes"))


def _like(hub: Hub) -> None:
    liked = Preferences(shortcuts="shortcuts" in request.form, undo="undo" in request.form)
    here = "available" in request.form
    change_user(hub, g.person.id, actor=g.person.actor, available=here, preferences=liked)


def _change(hub: Hub, throttle: Throttle) -> None:
    new = request.form.get("new_password", "")
    if new != request.form.get("same_password", ""):
        raise Invalid(Complaint("again", "The new passwords are not the same."))
    change_own_password(
        hub,
        throttle,
        g.person,
        old=request.form.get("old_password", "")[:512],
        new=new,
        address=request.remote_addr or "",
    )


def _page(problem: str = "") -> str:
    page = AccountPage(
        email=g.person.email,
        role=g.person.role,
        changed=request.args.get("changed") == "yes",
        available=g.person.available,
        preferences=g.person.preferences,
        liked=request.args.get("liked") == "yes",
        problem=problem,
    )
    return render_template("people/account.html", page=page)
