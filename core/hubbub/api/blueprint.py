"""Mount the API, its description and its reader in a Flask application."""

import json
from collections.abc import Callable
from functools import cache
from typing import Any, Final

from flask import Blueprint, Response, request
from werkzeug.exceptions import HTTPException, MethodNotAllowed, NotFound as NoSuchPath

from hubbub.api import (
    canned,
    channels,
    contacts,
    conversations,
    events,
    media,
    messages,
    operate,
    people,
    route_versions,
    routes,
    teams,
    templates,
    views,
)
from hubbub.api.endpoint import PREFIX, Endpoint, guarded
from hubbub.api.openapi import describe
from hubbub.api.problems import Problem
from hubbub.api.reader import STYLE, page
from hubbub.hub import Hub

ENDPOINTS: Final[tuple[Endpoint, ...]] = (
    *channels.ENDPOINTS,
    *routes.ENDPOINTS,
    *route_versions.ENDPOINTS,
    *templates.ENDPOINTS,
    *messages.ENDPOINTS,
    *conversations.ENDPOINTS,
    *contacts.ENDPOINTS,
    *events.ENDPOINTS,
    *media.ENDPOINTS,
    *people.ENDPOINTS,
    *teams.ENDPOINTS,
    *views.ENDPOINTS,
    *canned.ENDPOINTS,
    *operate.ENDPOINTS,
)
#: Nothing that the reader or an icon could load or run comes from anywhere else.
_CSP: Final = "default-src 'none'; style-src 'self'; sandbox; frame-ancestors 'none'"


def make_api(hub: Hub) -> Blueprint:
    """Return the blueprint of ``/api/v1``, ``/openapi.json`` and ``/docs``."""
    blueprint = Blueprint("api", __name__)
    for one in ENDPOINTS:
        _mount(blueprint, hub, one)
    _mount_files(blueprint, hub)
    _mount_description(blueprint, hub)
    blueprint.before_app_request(lambda: _lost(hub))
    return blueprint


def _mount(blueprint: Blueprint, hub: Hub, one: Endpoint) -> None:
    def view(**path: str) -> Response:
        return one.run(hub, request, path)

    _add(blueprint, one.method, PREFIX + one.path, one.handler.__name__, view)


def _mount_files(blueprint: Blueprint, hub: Hub) -> None:
    def file(id: str) -> Response:  # noqa: A002  # named as in every other path
        return guarded(hub, lambda: media.serve(hub, request, id))

    def icon(type: str) -> Response:  # noqa: A002  # likewise
        return guarded(hub, lambda: _icon(hub, type))

    _add(blueprint, "GET", f"{PREFIX}/media/{{id}}", "file", file)
    _add(blueprint, "GET", f"{PREFIX}/channel-types/{{type}}/icon.svg", "icon", icon)


def _mount_description(blueprint: Blueprint, hub: Hub) -> None:
    # Made when somebody asks: few processes ever are.
    @cache
    def document() -> dict[str, Any]:
        return describe(ENDPOINTS, hub.settings.base_url)

    @cache
    def html() -> str:
        return page(document())

    def openapi() -> Response:
        return Response(json.dumps(document()), content_type="application/json")

    def docs(code: str = "") -> Response:
        del code  # every problem is explained on the one page
        answer = Response(html(), content_type="text/html; charset=utf-8")
        answer.headers["Content-Security-Policy"] = _CSP
        return answer

    _add(blueprint, "GET", "/openapi.json", "openapi", openapi)
    _add(blueprint, "GET", "/docs", "docs", docs)
    _add(blueprint, "GET", "/docs/problems/{code}", "problem", docs)
    _add(blueprint, "GET", "/docs/style.css", "docs_style", _style)


def _add(
    blueprint: Blueprint, method: str, path: str, name: str, view: Callable[..., Response]
) -> None:
    rule = path.replace("{", "<").replace("}", ">")
    blueprint.add_url_rule(rule, name, view, methods=[method], provide_automatic_options=False)


#: A speech bubble.
_PLAIN_ICON: Final = (
    '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 24 24" fill="none" '
    'stroke="currentColor" stroke-width="2" stroke-linejoin="round">'
    '<path d="M4 4h16v12H10l-5 4v-4H4z"/></svg>'
)


def _icon(hub: Hub, channel_type: str) -> Response:
    kind = hub.plugins.channels.get(channel_type)
    # A type without an icon, or whose plugin is missing, is shown all the same.
    icon = kind.icon if kind is not None and kind.icon else _PLAIN_ICON
    answer = Response(icon, content_type="image/svg+xml")
    answer.headers["Content-Security-Policy"] = "default-src 'none'; style-src 'unsafe-inline'"
    answer.headers["X-Content-Type-Options"] = "nosniff"
    answer.headers["Cache-Control"] = "public, max-age=86400"
    return answer


def _style() -> Response:
    answer = Response(STYLE, content_type="text/css; charset=utf-8")
    answer.headers["Cache-Control"] = "public, max-age=3600"
    return answer


def _lost(hub: Hub) -> Response | None:
    """Answer below `PREFIX` for paths that do not exist, before Flask does so in HTML."""
    error = request.routing_exception
    if error is None or not request.path.startswith(f"{PREFIX}/"):
        return None
    problem = _routing_problem(error)
    return None if problem is None else problem.response(hub.settings.base_url)


def _routing_problem(error: HTTPException) -> Problem | None:
    match error:
        case MethodNotAllowed():
            allowed = ", ".join(sorted(error.valid_methods or ()))
            return Problem(
                code="method-not-allowed",
                detail=f"This path takes {allowed}.",
                headers={"Allow": allowed},
            )
        case NoSuchPath():
            return Problem(code="not-found", detail="There is nothing at this address.")
    return None
