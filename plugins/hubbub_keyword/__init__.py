"""Answer by keywords, inside the hub: a small bot that needs no server."""

from collections.abc import Iterable

from hubbub.sdk import RouteType, hookimpl
from hubbub_keyword.destination import KeywordBot

__all__ = ["KeywordBot", "register_route_types"]


@hookimpl
def register_route_types() -> Iterable[RouteType]:
    """Return the one route type of this plugin."""
    return [KeywordBot()]
