"""Mount the console in a Flask application."""

from typing import Any

import structlog
from flask import Blueprint, g, render_template, request
from werkzeug.exceptions import HTTPException
from werkzeug.wrappers import Response

from hubbub.hub import Hub
from hubbub.people.errors import Conflict, Invalid, NotFound
from hubbub.sdk.errors import HubError
from hubbub.store.session import DatabaseDown
from hubbub.ui.channels import add_channels
from hubbub.ui.guard import Guard, by_script, harden
from hubbub.ui.inbox import add_inbox
from hubbub.ui.live import add_live
from hubbub.ui.messages import add_messages
from hubbub.ui.session import add_session
from hubbub.ui.settings import add_settings

_SAID = {
    403: "You may not do this here. Perhaps the page was open for too long: load it again.",
    404: "There is nothing here. Perhaps it was deleted.",
    405: "This cannot be done in this way.",
    413: "This is larger than the hub takes.",
}
_TITLES = {
    403: "Not allowed",
    404: "Not found",
    413: "Too large",
    500: "Something went wrong",
    503: "Not available just now",
}
log = structlog.get_logger(__name__)


def make_ui(hub: Hub) -> Blueprint:
    """Return the blueprint of the console."""
    ui = Blueprint(
        "ui",
        __name__,
        template_folder="templates",
        static_folder="static",
        static_url_path="/static",
    )
    guard = Guard(hub)
    add_session(ui, hub, guard)
    add_inbox(ui, hub, guard)
    add_channels(ui, hub, guard)
    add_messages(ui, hub, guard)
    add_settings(ui, hub, guard)
    add_live(ui, hub, guard)
    ui.after_request(harden)
    ui.context_processor(_context)
    ui.register_error_handler(HTTPException, _http_error)
    ui.register_error_handler(HubError, _hub_error)
    ui.register_error_handler(Exception, _broken)
    return ui


def _context() -> dict[str, Any]:
    return {
        "person": g.get("person"),
        "form_token": g.get("form_token", ""),
        "section": request.path.split("/")[1],
    }


def _http_error(error: HTTPException) -> Any:
    status = error.code or 500
    if isinstance(error.response, Response):
        return error.response
    return _page(status, _SAID.get(status, error.description or ""))


def _hub_error(error: HubError) -> Any:
    match error:
        case NotFound():
            return _page(404, error.detail)
        case Conflict() | Invalid():
            return _page(409, error.detail)
        case DatabaseDown():
            return _page(503, "The database does not answer. Nothing is lost; try again shortly.")
    return _page(409, error.detail)


def _broken(error: Exception) -> Any:
    log.error("page failed", path=request.path, exc_info=error)
    return _page(500, "Something went wrong here, and the log knows what. Nothing was lost.")


def _page(status: int, detail: str) -> Any:
    if by_script():
        return harden(Response(f"{detail}\n", status, content_type="text/plain; charset=utf-8"))
    page = render_template("error.html", title=_TITLES.get(status, "Not done"), detail=detail)
    return harden(Response(page, status, content_type="text/html; charset=utf-8"))
