"""Mount the chat window in a Flask application: its pages, and what it asks for."""

from collections.abc import Callable

from flask import Blueprint, Response, request

from hubbub.hub import Hub
from hubbub.widget import calls, config, flood, pages
from hubbub.widget.calls import CALLS, as_json
from hubbub.widget.desk import Desk
from hubbub.widget.refusals import notice


def make_widget(hub: Hub) -> Blueprint:
    """Return the blueprint of ``/widget/...`` and of the window's files."""
    widget = Blueprint("widget", __name__, template_folder="templates")
    desk = Desk(hub)
    _add_pages(widget, desk)
    _add_calls(widget, desk)
    return widget


def _add_pages(widget: Blueprint, desk: Desk) -> None:
    hub = desk.hub

    @widget.get("/widget/<key>.js")
    def loader(key: str) -> Response:
        def make() -> Response:
            line, settings = desk.line(key)
            notice(hub, line, settings, request)
            told = config.for_loader(line, settings, hub.settings.base_url, hub.now())
            return pages.loader(request, told)

        return desk.answer(make)

    @widget.get("/widget/<key>/frame")
    def frame(key: str) -> Response:
        def make() -> Response:
            line, settings = desk.line(key)
            notice(hub, line, settings, request)
            doubt = flood.lasts(hub, line.id)
            told = config.for_window(line, settings, hub.settings.base_url, hub.now(), doubt=doubt)
            return pages.frame(told, settings.allowed_origins)

        return desk.answer(make)

    @widget.get("/static/widget/<wanted>/<name>")
    def file(wanted: str, name: str) -> Response:
        found = pages.file(request, name, wanted)
        return found or Response("There is no such file.\n", 404, content_type="text/plain")


def _add_calls(widget: Blueprint, desk: Desk) -> None:
    @widget.post("/widget/<key>/session")
    def session(key: str) -> Response:
        return desk.answer(lambda: calls.session(desk, key, request))

    @widget.get("/widget/<key>/media/<media_id>")
    def media(key: str, media_id: str) -> Response:
        return desk.answer(lambda: calls.media(desk, key, media_id, request))

    @widget.get("/widget/<key>/stream")
    def stream(key: str) -> Response:
        return desk.answer(lambda: calls.stream(desk, key, request))

    @widget.get("/widget/<key>/probe")
    def probe(key: str) -> Response:
        return desk.answer(lambda: calls.probe(desk, key, request))

    for method, name, call in CALLS:

        def view(key: str, call: Callable[..., tuple[object, int]] = call) -> Response:
            return desk.answer(lambda: as_json(*call(desk, desk.guest(key, request), request)))

        rule = f"/widget/<key>/{name}"
        widget.add_url_rule(rule, f"{method} {name}", view, methods=[method])
