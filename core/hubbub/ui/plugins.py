"""Serve the pages that plugins bring, each behind the guard that it asks for."""

from collections.abc import Callable

import structlog
from flask import Blueprint, Flask

from hubbub.hub import Hub
from hubbub.sdk.types import Pages
from hubbub.ui.errors import add_error_pages
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
    add_error_pages(ours)
    ours.register_blueprint(pages.blueprint)
    return ours


def _go_on() -> None:
    """Let the request come to its view."""
