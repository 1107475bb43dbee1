"""A bot that answers by keyword, within the hub: for demos, and for simple questions."""

from collections.abc import Iterable

from hubbub.sdk import RouteType, hookimpl
from hubbub_keyword.bot import Keyword


@hookimpl
def register_route_types() -> Iterable[RouteType]:
    """Offer the destination ``keyword``."""
    return [Keyword()]
