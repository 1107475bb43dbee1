"""Connect LINE Official Accounts to the hub."""

from collections.abc import Iterable

from hubbub.sdk import hookimpl
from hubbub_line.channel import Line

#: The version of the plugin API that this was written for.
api_version = (1, 0)


@hookimpl
def register_channel_types() -> Iterable[Line]:
    """Offer the one channel type of this plugin."""
    return [Line()]
