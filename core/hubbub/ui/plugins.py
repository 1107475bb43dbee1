"""Serve the pages that plugins bring, each behind the guard that it asks for."""

from collections.abc import Callable
from typing import Any

import structlog
from flask import Blueprint, Flask, Response, request
from werkzeug.exceptions import HTTPException

from hubbub.hub import Hub
from hubbub.sdk.types import Pages
from hubbub.ui.guard import Guard, View, harden

log = structlog.get_logger(__name__)


def add_plugin_pages(app: Flask, hub: Hub) -> None:
    """Serve the pages of each plugin under ``/plugins/<name>/``; one that fails has none."""
    guard = Guard(hub)
    for plugin, pages in hub.plugins.pages():
        try:
            app.register_blueprint(_behind(guard, plugin, pages), url_prefix=f"/plugins/{plugin}")
        # A plugin may bring anything; the pages of the others are served.
        except Exception:
            log.exception("pages not served", plugin=plugin)


def _behind(guard: Guard, plugin: str, pages: Pages) -> Blueprint:
    """Return the pages in a blueprint of ours: theirs may be mounted already, by another app."""
    ours = Blueprint(f"plugin_{plugin}", __name__)
    wraps: dict[str, Callable[[View], View]] = {
        "people": guard.page,
        "admins": guard.admin,
        "everybody": lambda view: view,
    }
    ours.before_request(wraps[pages.open_to](_go_on))
    ours.after_request(harden)
    ours.register_error_handler(Exception, _broken)
    ours.register_blueprint(pages.blueprint)
    return ours


def _go_on() -> None:
    """Let the request come to its view."""


def _broken(error: Exception) -> Any:
    if isinstance(error, HTTPException):
        return error
    log.error("page of a plugin failed", path=request.path, exc_info=error)
    return Response("This page failed, and the log knows why.\n", 500)
