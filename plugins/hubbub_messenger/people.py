"""Ask what people are called: messages do not say. Source: "User profile API"."""

from typing import Final

from hubbub.sdk import Exchange, Permanent, graph
from hubbub_messenger import api, meanings
from hubbub_messenger.fields import MessengerConnection

#: Once these are mended Meta may tell.
_MENDABLE: Final = frozenset({meanings.AUTH_FAILED.code, meanings.WRONG_SECRET.code})


class Profile(graph.Said):
    """A person, as far as Meta tells."""

    first_name: str = ""
    last_name: str = ""


def name(address: str, connection: MessengerConnection) -> Exchange[str | None]:
    """Return what somebody is called; where Meta does not tell, something to tell them apart."""
    try:
        who = yield from api.ask(connection, Profile, address, fields="first_name,last_name")
    except Permanent as error:
        if error.code in _MENDABLE:
            raise
        who = Profile()
    full = f"{who.first_name} {who.last_name}".strip()
    return full or f"Messenger user {address[-4:]}"
