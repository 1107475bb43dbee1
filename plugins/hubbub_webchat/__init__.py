"""Offer the hub's own chat window as the channel type ``webchat``."""

from collections.abc import Iterable

from hubbub.sdk import API_VERSION, hookimpl
from hubbub_webchat.channel import Webchat

api_version = API_VERSION


@hookimpl
def register_channel_types() -> Iterable[Webchat]:
    """Offer the one type of this plugin."""
    return [Webchat()]
