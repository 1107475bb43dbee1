"""Say addresses as people would."""

from hubbub.connect.rules import widget_types
from hubbub.hub import Hub
from hubbub.widget.visitors import known_as


def said_as(hub: Hub, channel_type: str, address: str) -> str:
    """Return an address as people say it; empty where it tells them nothing."""
    return known_as(address) if channel_type in widget_types(hub) else address
