"""Make the web application: webhooks, API, console, chat window, health."""

from functools import partial

from flask import Flask, Response, jsonify
from redis.exceptions import RedisError
from sqlalchemy import text

from hubbub import logs, metrics, process
from hubbub.api import make_api
from hubbub.api.problems import problem_response
from hubbub.connect.views import make_unsubscribing
from hubbub.hub import Hub
from hubbub.proxies import Proxied
from hubbub.receive.views import Webhooks
from hubbub.route.views import make_callbacks
from hubbub.settings import Settings
from hubbub.store.session import DatabaseDown, reading
from hubbub.tell.actors import announce
from hubbub.ui import add_plugin_pages, make_ui
from hubbub.widget.blueprint import make_widget

#: Bytes of a request body, uploads of files included; webhooks have limits of their own.
_LARGEST = 100 << 20


def create_app(settings: Settings | None = None, *, hub: Hub | None = None) -> Flask:
    """Return the application for ``settings``, or for a hub that is made already."""
    hub = process.use(announce(hub or Hub.make(settings or Settings.read())))
    app = Flask("hubbub", static_folder=None, template_folder=None)
    app.config["MAX_CONTENT_LENGTH"] = _LARGEST
    app.json.sort_keys = False  # type: ignore[attr-defined]  # the default provider has it
    app.register_blueprint(make_api(hub))
    app.register_blueprint(make_callbacks(hub, partial(problem_response, hub.settings.base_url)))
    app.register_blueprint(make_unsubscribing(hub))
    app.register_blueprint(make_ui(hub))
    app.register_blueprint(make_widget(hub))
    add_plugin_pages(app, hub)
    _add_health(app, hub)
    behind = Proxied(hub.settings.proxies, app.wsgi_app)
    app.wsgi_app = Webhooks(hub, behind)  # type: ignore[method-assign]  # as Flask documents
    return app


def serve() -> Flask:
    """Return the application for a server that was started by hand, its logs set up as ours."""
    settings = Settings.read()
    logs.configure("web", json=settings.logs_json)
    return create_app(settings)


def _add_health(app: Flask, hub: Hub) -> None:
    @app.get("/healthz")
    def healthz() -> Response:
        return jsonify(status="ok")

    @app.get("/readyz")
    def readyz() -> tuple[Response, int]:
        wrong = {name: reason for name, reason in _state(hub).items() if reason}
        return jsonify(status="unavailable" if wrong else "ok", **wrong), 503 if wrong else 200

    @app.get("/metrics")
    def numbers() -> Response:
        found = metrics.render(hub.engine, now=hub.now())
        return Response(found, content_type=metrics.CONTENT_TYPE)


def _state(hub: Hub) -> dict[str, str]:
    """Return what each part that we cannot serve without says; empty when it is well."""
    found = {"database": "", "redis": ""}
    try:
        with reading(hub.engine) as db:
            db.execute(text("SELECT 1"))
    except DatabaseDown as error:
        found["database"] = error.detail
    try:
        hub.redis.ping()
    except RedisError as error:
        found["redis"] = f"Redis did not answer: {type(error).__name__}"
    return found
