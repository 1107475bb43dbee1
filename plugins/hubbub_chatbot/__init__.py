"""Ask a bot over HTTP what to answer."""

from collections.abc import Iterable

from hubbub.sdk import RouteType, hookimpl
from hubbub_chatbot.destination import Chatbot

__all__ = ["Chatbot", "register_route_types"]


@hookimpl
def register_route_types() -> Iterable[RouteType]:
    """Return the one route type of this plugin."""
    return [Chatbot()]
