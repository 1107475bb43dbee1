"""Let in who is logged in, refuse forged forms, and tell browsers what a page may do."""

import hmac
from collections.abc import Callable, Iterable, Mapping
from functools import wraps
from itertools import chain
from typing import Any, Final
from urllib.parse import urlsplit

from flask import Response, abort, g, redirect, request, url_for
from werkzeug.datastructures import MultiDict
from werkzeug.wrappers import Response as AnyResponse

from hubbub.hub import Hub
from hubbub.people.rules import Person
from hubbub.people.sessions import cookie_name, person_of
from hubbub.store.types import UNKEPT
from hubbub.ui.kept import kept_of, login_page
from hubbub.vault import digest

View = Callable[..., Any]

#: What every page of the console may load and do: only what comes from here.
HEADERS: Final[Mapping[str, str]] = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
        "media-src 'self'; frame-src 'self'; connect-src 'self'; font-src 'self'; "
        "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cache-Control": "no-store",
}
_ADMINS_ALONE: Final = "Only admins see this. Ask one of them for what you need here."
_ENDED: Final = "Your login ended before this was sent. Log in, and it is still here."
_LOST: Final = "Your login ended before this was sent, and it is not kept. Log in and do it again."


class Guard:
    """Wraps views; made once for each application."""

    def __init__(self, hub: Hub) -> None:
        self._hub = hub

    def person(self) -> Person | None:
        """Return who asks, or None."""
        cookie = self.cookie()
        return person_of(self._hub, cookie) if cookie else None

    def cookie(self) -> str:
        """Return the value of the login cookie; empty without one."""
        return request.cookies.get(cookie_name(self._hub.settings), "")

    def page(self, view: View) -> View:
        """Let everyone in who is logged in."""
        return self._guarded(view, admin=False)

    def admin(self, view: View) -> View:
        """Let in admins alone."""
        return self._guarded(view, admin=True)

    def open(self, view: View) -> View:
        """Let everybody in, but no form of somebody else's."""

        @wraps(view)
        def wrapped(**path: str) -> Any:
            if request.method == "POST":
                self._check_form()
            return view(**path)

        return wrapped

    def token(self, cookie: str = "") -> str:
        """Return what a form of this login has to repeat; or of that which ``cookie`` begins."""
        return self._hub.vault.sign(f"form:{digest(cookie or self.cookie())}")

    def _guarded(self, view: View, *, admin: bool) -> View:
        @wraps(view)
        def wrapped(**path: str) -> Any:
            person = self.person()
            if person is None:
                return self._to_login()
            g.person, g.form_token = person, self.token()
            if request.method == "POST":
                self._check_form()
                self._check_token()
            if admin and person.role != "admin":
                abort(403, _ADMINS_ALONE)
            return view(**path)

        return wrapped

    def _to_login(self) -> Any:
        if by_script():
            return Response("You are logged out.\n", 401)
        if request.method == "GET":
            return redirect(url_for("ui.login", next=request.full_path.rstrip("?")))
        self._check_form()
        kept = kept_of(request.form)
        said = _ENDED if kept else _LOST
        where = request.full_path.rstrip("?")
        return login_page(said, kept=kept, kept_for=where), 401

    def _check_form(self) -> None:
        """Refuse a form that is not ours, before it is read, and then what cannot be kept of it."""
        self._refuse_foreign_forms()
        _refuse_unkept(_texts(request.form))

    def _refuse_foreign_forms(self) -> None:
        site = request.headers.get("Sec-Fetch-Site")
        if site is not None:
            if site not in {"same-origin", "none"}:
                abort(403)
            return
        origin = request.headers.get("Origin")
        ours = {urlsplit(self._hub.settings.base_url).netloc, request.host}
        if origin is not None and origin.partition("://")[2] not in ours:
            abort(403)

    def _check_token(self) -> None:
        given = request.form.get("form_token", "")
        if not hmac.compare_digest(given.encode(), self.token().encode()):
            abort(403)


def refuse_unkept_address() -> None:
    """Refuse characters that no database keeps: no browser sends them by itself."""
    _refuse_unkept([*_texts(request.args), *map(str, (request.view_args or {}).values())])


def _refuse_unkept(texts: Iterable[str]) -> None:
    if any(UNKEPT.search(text) for text in texts):
        abort(400)


def _texts(fields: MultiDict[str, str]) -> Iterable[str]:
    return chain.from_iterable(fields.items(multi=True))


def harden(answer: AnyResponse) -> AnyResponse:
    """Put the headers of the console on an answer that has none of its own."""
    for name, value in HEADERS.items():
        answer.headers.setdefault(name, value)
    return answer


def by_script() -> bool:
    """Whether the script of an open page asks, and not the browser for a new one."""
    return request.headers.get("X-Script") == "1"
