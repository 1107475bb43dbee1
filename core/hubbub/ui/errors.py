"""Say on a page of the console what went wrong, and where to go on from there."""

import secrets
from typing import Any, Final
from urllib.parse import quote

import structlog
from flask import Blueprint, current_app, g, redirect, render_template, request
from werkzeug.exceptions import HTTPException, MethodNotAllowed
from werkzeug.routing import MapAdapter
from werkzeug.wrappers import Response

from hubbub.people.errors import Conflict, Invalid, NotFound
from hubbub.sdk.errors import HubError
from hubbub.store.session import DatabaseDown
from hubbub.ui.guard import Guard, by_script, harden
from hubbub.ui.words import said

_SAID: Final = {
    400: "There are characters in it that no text holds.",
    403: "You may not do this here. Perhaps the page was open for too long: load it again.",
    404: "There is nothing here. Perhaps it was deleted.",
    405: "This cannot be done in this way.",
    413: "This is larger than the hub takes.",
}
_TITLES: Final = {
    400: "Not understood",
    403: "Not allowed",
    404: "Not found",
    413: "Too large",
    500: "Something went wrong",
    503: "Not available just now",
}
#: With these the page is there still on which something was asked for.
_STAYS: Final = frozenset({400, 403, 409, 413})
log = structlog.get_logger(__name__)


def add_error_pages(pages: Blueprint) -> None:
    """Answer what goes wrong in the views of ``pages``, ours or a plugin's."""
    pages.register_error_handler(HTTPException, _http_error)
    pages.register_error_handler(Exception, _broken)


def add_console_errors(ui: Blueprint, guard: Guard) -> None:
    """Answer what goes wrong in the console, and for addresses at which there is nothing at all."""
    add_error_pages(ui)
    ui.register_error_handler(HubError, _hub_error)

    def lost(error: HTTPException) -> Any:
        own = isinstance(error, MethodNotAllowed) and request.method == "GET"
        above = _page_above(request.path) if own else None
        if above is not None:
            return redirect(quote(above))
        _recognise(guard)
        return _http_error(error)

    def unread(error: HTTPException) -> Any:
        if "person" not in g:
            _recognise(guard)
        return _http_error(error)

    ui.register_error_handler(400, unread)
    ui.app_errorhandler(404)(lost)
    ui.app_errorhandler(405)(lost)


def refused(error: HubError) -> Any:
    """Answer what was asked of a page and cannot be done."""
    return _hub_error(error)


def context() -> dict[str, Any]:
    """Return what the frame of every page needs."""
    _, section, part, *_ = f"{request.path}//".split("/")
    return {
        "person": g.get("person"),
        "form_token": g.get("form_token", ""),
        "fresh_key": lambda: secrets.token_hex(16),
        "section": section,
        "part": part,
    }


def _way_back(status: int) -> str:
    """Return the page on which a form was sent that is refused; empty where it has none."""
    above = _page_above(request.path) if request.method == "POST" and status in _STAYS else None
    if above is None:
        return ""
    query = request.query_string.decode("ascii", "ignore")
    return quote(above) + (f"?{query}" if query else "")


def _page_above(path: str) -> str | None:
    """Return the page that a form's own address belongs to."""
    paths = current_app.create_url_adapter(request)
    if paths is None or not _is_form(paths, path):
        return None
    while path and not paths.test(path, "GET"):
        path = path.rpartition("/")[0]
    return path or "/"


def _is_form(paths: MapAdapter, path: str) -> bool:
    return paths.test(path, "POST") and str(paths.match(path, "POST")[0]).startswith("ui.")


def _recognise(guard: Guard) -> None:
    """Note who asks, so that the page offers them the way to all that they may see."""
    try:
        g.person = guard.person()
    except DatabaseDown:
        return  # the page says that there is nothing here, which needs no database
    g.form_token = guard.token()


def _http_error(error: HTTPException) -> Any:
    status = error.code or 500
    if isinstance(error.response, Response):
        return error.response
    # What is said of this one beats what is said of all that are like it.
    own = error.description if error.description != type(error).description else None
    return _page(status, own or _SAID.get(status, error.description or ""))


def _hub_error(error: HubError) -> Any:
    match error:
        case NotFound():
            return _page(404, error.detail)
        case Conflict() | Invalid():
            return _page(409, said(error))
        case DatabaseDown():
            return _page(503, "The database does not answer. Nothing is lost; try again shortly.")
    return _page(409, error.detail)


def _broken(error: Exception) -> Any:
    log.error("page failed", path=request.path, exc_info=error)
    return _page(500, "Something went wrong here, and the log knows what. Nothing was lost.")


def _page(status: int, detail: str) -> Any:
    if by_script():
        return harden(Response(f"{detail}\n", status, content_type="text/plain; charset=utf-8"))
    page = render_template(
        "error.html",
        **context(),
        title=_TITLES.get(status, "Not done"),
        detail=detail,
        again=request.full_path.rstrip("?") if status >= 500 and request.method == "GET" else "",  # noqa: PLR2004  # ours
        back=_way_back(status),
    )
    return harden(Response(page, status, content_type="text/html; charset=utf-8"))
