"""Build the sandbox: the providers in front, the control API and the customer's page behind."""

from collections.abc import Callable
from typing import Final

from flask import Flask, request

from hubbub.sandbox.config import SandboxConfig
from hubbub.sandbox.control import control_blueprint
from hubbub.sandbox.email.provider import MailProvider
from hubbub.sandbox.gateway.provider import Kannel
from hubbub.sandbox.messenger.provider import Messenger
from hubbub.sandbox.onprem.provider import OnPremises
from hubbub.sandbox.pages import page_blueprint
from hubbub.sandbox.providers import Provider
from hubbub.sandbox.shop import shop_blueprint
from hubbub.sandbox.smsc.provider import MessageCentre
from hubbub.sandbox.telegram.provider import Telegram
from hubbub.sandbox.twilio.provider import Twilio
from hubbub.sandbox.vonage.provider import Vonage
from hubbub.sandbox.whatsapp.provider import WhatsApp
from hubbub.sandbox.world import World
from hubbub.sandbox.wsgi import Front, base_url_of

#: Every provider that the sandbox imitates; a new one is added here.
PROVIDERS: Final[tuple[Callable[[World], Provider], ...]] = (
    Telegram,
    Twilio,
    Kannel,
    Vonage,
    WhatsApp,
    Messenger,
    OnPremises,
    MessageCentre,
    MailProvider,
)

_REQUEST_LIMIT: Final = 64 * 1024 * 1024


def create_sandbox(config: SandboxConfig | None = None) -> Flask:
    """Return a sandbox as a WSGI application. Its state is in memory and belongs to it alone."""
    world = World(config or SandboxConfig())
    providers = {provider.name: provider for provider in (make(world) for make in PROVIDERS)}
    app = Flask("hubbub.sandbox", root_path=__file__.rpartition("/")[0])
    app.config["MAX_CONTENT_LENGTH"] = _REQUEST_LIMIT
    app.register_blueprint(control_blueprint(world, providers))
    app.register_blueprint(page_blueprint(world, providers))
    app.register_blueprint(shop_blueprint(world))
    app.before_request(lambda: world.learn_url(base_url_of(request.environ)))
    app.extensions["sandbox"] = world
    app.wsgi_app = Front(providers.values(), app.wsgi_app)  # type: ignore[method-assign]  # Flask's own way to put something in front
    return app
