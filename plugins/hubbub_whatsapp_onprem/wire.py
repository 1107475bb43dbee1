"""Name what we use of what the client says. Source: On-Premises API, "Webhooks" and "Nodes"."""

from datetime import UTC, datetime
from typing import Any

from pydantic import Field

from hubbub.sdk.graph import Said
from hubbub.sdk.whatsapp.wire import Context, Error, Spoken, SystemNote

# --- webhooks ------------------------------------------------------------------------------


class Envelope(Said):
    """One call. Nothing in it tells whose number it is about: only the address called does."""

    contacts: tuple[Any, ...] = ()
    messages: tuple[Any, ...] = ()
    statuses: tuple[Any, ...] = ()
    errors: tuple[Any, ...] = ()


class Message(Spoken):
    """One message to us. Gateways may name its sender by a user id alone."""

    id: str = Field(min_length=1)
    sender: str = Field("", alias="from")
    sender_user_id: str = Field("", alias="from_bsuid")
    timestamp: str = ""
    group_id: str = ""
    context: Context = Context()
    system: SystemNote | None = None


class Status(Said):
    """What became of a message of ours."""

    id: str = Field(min_length=1)
    status: str
    timestamp: str = ""
    errors: tuple[Error, ...] = ()


# --- answers -------------------------------------------------------------------------------


class Refusal(Said):
    """What an answer says went wrong; gateways may say it as the Graph API does."""

    errors: tuple[Error, ...] = ()
    error: Error | None = None


class LoggedIn(Said):
    """A token, and when it ends."""

    token: str = Field(min_length=1)
    expires_after: str = ""

    @property
    def ends_at(self) -> datetime | None:
        """When it ends: with a blank or a T in the middle, and in UTC where no zone is said."""
        try:
            end = datetime.fromisoformat(self.expires_after)
        except ValueError:
            return None
        return end if end.tzinfo else end.replace(tzinfo=UTC)


class Login(Said):
    """The answer to a login."""

    users: tuple[LoggedIn, ...] = Field(min_length=1)


class Looked(Said):
    """What WhatsApp knows of a number that we asked about."""

    status: str = ""
    wa_id: str = ""


class LookUp(Said):
    """The answer to the question whether numbers are on WhatsApp."""

    contacts: tuple[Looked, ...] = Field(min_length=1)


class Named(Said):
    """Anything with an id."""

    id: str = Field(min_length=1)


class Sent(Said):
    """The answer to a message; ``contacts`` may be missing."""

    contacts: tuple[Looked, ...] = ()
    messages: tuple[Named, ...] = Field(min_length=1)


class Uploaded(Said):
    """The answer to a file."""

    media: tuple[Named, ...] = Field(min_length=1)


class Health(Said):
    """How the client is: the one node, or a map with every node of several."""

    health: dict[str, Any]

    @property
    def gateways(self) -> list[str]:
        """The state of each node's line to WhatsApp; empty for one that tells of an error."""
        alone = self.health.get("gateway_status")
        nodes = [{"gateway_status": alone}] if isinstance(alone, str) else self.health.values()
        said = (node.get("gateway_status") for node in nodes if isinstance(node, dict))
        return [word if isinstance(word, str) else "" for word in said]


class Webhooks(Said):
    """Where the client calls."""

    url: str = ""


class Application(Said):
    """The client's settings."""

    wa_id: str = ""
    webhooks: Webhooks = Webhooks()


class ApplicationSettings(Said):
    """How they are wrapped."""

    application: Application = Application()


class Configured(Said):
    """The answer about them."""

    settings: ApplicationSettings
