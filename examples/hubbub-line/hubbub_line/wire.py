"""Name what we use of LINE's JSON. Source: line-openapi, its webhook.yml and messaging-api.yml."""

from typing import Annotated, Any

from pydantic import Field

from hubbub.sdk import Wire

Id = Annotated[str, Field(min_length=1)]


class Webhook(Wire):
    """One call; empty where LINE only tries the address."""

    events: list[Any]


class Source(Wire):
    """Who, and where: a group or a room has people in it."""

    user: Id | None = Field(default=None, alias="userId")
    group: Id | None = Field(default=None, alias="groupId")
    room: Id | None = Field(default=None, alias="roomId")


class Message(Wire):
    """What was said; the fields depend on ``type``."""

    id: Id
    type: str
    text: str | None = None
    title: str | None = None
    address: str | None = None
    latitude: float = Field(default=0, ge=-90, le=90)
    longitude: float = Field(default=0, ge=-180, le=180)
    file_name: str | None = Field(default=None, alias="fileName")
    quoted: Id | None = Field(default=None, alias="quotedMessageId")


class Unsend(Wire):
    """A message that was taken back."""

    message: Id = Field(alias="messageId")


class Event(Wire):
    """One webhook event; ``id`` is the same when it is delivered again."""

    id: Id = Field(alias="webhookEventId")
    type: str
    #: Milliseconds since 1970.
    timestamp: int = Field(ge=0, lt=1 << 48)
    source: Source = Source()
    message: Message | None = None
    unsend: Unsend | None = None


class Sent(Wire):
    """One message that LINE took."""

    id: Id


class Pushed(Wire):
    """The answer to a push; also where it was taken before under the same retry key (409)."""

    sent: list[Sent] = Field(alias="sentMessages", min_length=1)


class Bot(Wire):
    """The account. Source: "Get bot info"."""

    name: str = Field(alias="displayName")
    basic_id: str = Field(alias="basicId")


class Endpoint(Wire):
    """Whom LINE calls. Source: "Get webhook endpoint information"."""

    endpoint: str = ""
    active: bool = False


class Problem(Wire):
    """A refusal."""

    message: str = ""
