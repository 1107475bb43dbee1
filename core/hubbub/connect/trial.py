"""Try credentials at their provider before there is a channel: nothing is kept or changed."""

from collections.abc import Mapping
from typing import Any

from hubbub.connect.provider import ask_connection
from hubbub.connect.rules import Asked, merged, new_secrets, new_webhook_key, opened, worst_of
from hubbub.hub import Hub
from hubbub.people.errors import Complaint, Invalid
from hubbub.plugins import ChannelHooks, UnknownType
from hubbub.sdk.errors import HubError
from hubbub.sdk.values import Connection
from hubbub.store.types import new_id


def try_channel(
    hub: Hub,
    *,
    type: str,  # noqa: A002  # the contract's name
    credentials: Mapping[str, Any],
    settings: Mapping[str, Any],
) -> Asked:
    """Ask the provider whether a channel with these credentials would be let in.

    What only its set-up puts right, such as a webhook that nobody registered yet, is left out.
    Raises `Invalid`.
    """
    try:
        hooks = hub.plugins.channel(type)
    except UnknownType as error:
        raise Invalid(Complaint("type", str(error))) from None
    asked = ask_connection(
        hub, hooks, _connection(hub, hooks, merged({}, credentials), merged({}, settings)), "check"
    )
    about = hub.plugins.channels[type].components
    later = {"webhook", "inbound"}
    now = tuple(one for one in asked.findings if one.ok or about.get(one.code) not in later)
    return worst_of(asked, now)


def _connection(
    hub: Hub, hooks: ChannelHooks, credentials: Mapping[str, Any], settings: Mapping[str, Any]
) -> Connection[Any]:
    columns = {
        "id": new_id(),
        "name": "",
        "settings": dict(settings),
        "webhook_key": new_webhook_key(),
        "facts": {},
    }
    try:
        return opened(hub, hooks, new_secrets(hooks, credentials), columns)
    except Invalid:
        raise
    except HubError as error:
        raise Invalid(Complaint("credentials", error.detail)) from None
