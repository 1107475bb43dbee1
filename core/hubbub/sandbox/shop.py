"""Imitate a website with the hub's chat window on it: a place to be a visitor."""

from typing import Any, Final
from urllib.parse import urlsplit

from flask import Blueprint, Response, jsonify, render_template, request

from hubbub.sandbox.world import NoSuchThing, World

#: What the site's own policy has to allow, and nothing else of the hub.
_POLICY: Final = (
    "default-src 'none'; style-src 'self'; img-src 'self' data:; base-uri 'none'; "
    "form-action 'none'; script-src {hub}; frame-src {hub}"
)
_PAGES: Final = ("home", "prices")


def shop_blueprint(world: World) -> Blueprint:
    """Return the website, and where its widget is told: ``POST /_sandbox/shops``."""
    blueprint = Blueprint("shop", "hubbub.sandbox.shop")
    blueprint.add_app_template_global(lambda: bool(world.widget_url), "has_shop")

    @blueprint.post("/_sandbox/shops")
    def open_shop() -> tuple[Response, int]:
        given: Any = request.get_json()
        world.widget_url = str(given["widget_url"])
        return jsonify(url=f"{world.base_url}/shop"), 201

    @blueprint.get("/shop")
    @blueprint.get("/shop/<any(" + ",".join(_PAGES) + "):page>")
    def shop(page: str = _PAGES[0]) -> Response:
        if not world.widget_url:
            raise NoSuchThing("The hub has told of no widget yet: POST /_sandbox/shops.")
        answer = Response(render_template("shop.html", page=page, widget=world.widget_url))
        parts = urlsplit(world.widget_url)
        hub = f"{parts.scheme}://{parts.netloc}"
        answer.headers["Content-Security-Policy"] = _POLICY.format(hub=hub)
        return answer

    return blueprint
