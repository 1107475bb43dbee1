"""Offer Pages on Facebook Messenger as the channel type ``messenger``."""

from collections.abc import Iterable

from hubbub.sdk import API_VERSION, hookimpl
from hubbub_messenger.channel import Messenger

api_version = API_VERSION


@hookimpl
def register_channel_types() -> Iterable[Messenger]:
    """Offer the one type of this plugin."""
    return [Messenger()]
