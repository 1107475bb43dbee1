"""Hold what passes between the hub and a route type: what to look at, what to do."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal, TypeAlias

from hubbub.sdk.content import Content


@dataclass(frozen=True, kw_only=True)
class Subject:
    """What a rule may look at of one inbound message. ``at`` is aware."""

    content: Content
    address: str
    name: str | None
    #: True for the contact's first message ever.
    first: bool
    at: datetime


@dataclass(frozen=True, kw_only=True)
class Inquiry:
    """One inbound message, as a destination sees it."""

    message_id: str
    channel_id: str
    channel_type: str
    channel_name: str
    conversation_id: str
    contact_id: str
    #: The person's address and name on this channel.
    address: str
    name: str | None
    content: Content
    received_at: datetime
    #: When the destination is asked: handlers read no clock.
    now: datetime
    #: True for the contact's first message ever.
    first: bool = False
    #: Where a bot that answers later may do so, with a token good for this message alone.
    callback_url: str = ""
    callback_token: str = field(repr=False, default="")
    #: The version under which answers are computed; a takeover makes them void.
    owner_version: int = 0


@dataclass(frozen=True, kw_only=True)
class Reply:
    """Answer the contact."""

    content: Content


@dataclass(frozen=True, kw_only=True)
class HandOver:
    """Give the conversation to people (the queue), or keep it with this destination's bot.

    ``team`` names whose queue it is, by name or id.
    """

    to: Literal["queue", "bot"] = "queue"
    reason: str = ""
    team: str | None = None


@dataclass(frozen=True, kw_only=True)
class Tag:
    """Put a tag on the conversation."""

    tag: str


@dataclass(frozen=True, kw_only=True)
class Wait:
    """The destination answers later, through the callback; after ``seconds`` the fallback acts."""

    seconds: float


Action: TypeAlias = Reply | HandOver | Tag | Wait


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What a destination decided: actions in order, and a sentence for the trace.

    ``passed`` means that it does not want the message: the fallback gets it.
    """

    actions: tuple[Action, ...] = ()
    passed: bool = False
    why: str = ""


#: The settings of a destination, validated by its route type.
Settings: TypeAlias = Mapping[str, Any]
