"""Say addresses as people would."""

from hubbub.connect.rules import KNOWN_VISITOR, widget_types
from hubbub.hub import Hub


def said_as(hub: Hub, channel_type: str, address: str) -> str:
    """Return an address as people say it; empty where it tells them nothing.

    A visitor of a chat window is somebody whom the site knows, or has only the hub's number.
    """
    if channel_type not in widget_types(hub):
        return address
    return address.removeprefix(KNOWN_VISITOR) if address.startswith(KNOWN_VISITOR) else ""
