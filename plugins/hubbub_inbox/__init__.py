"""Send messages to people: the queue of the inbox."""

from collections.abc import Iterable

from hubbub.sdk import RouteType, hookimpl
from hubbub_inbox.destination import Inbox

__all__ = ["Inbox", "register_route_types"]


@hookimpl
def register_route_types() -> Iterable[RouteType]:
    """Return the one route type of this plugin."""
    return [Inbox()]
