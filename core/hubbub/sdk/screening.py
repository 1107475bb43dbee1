"""Hold what passes between the hub and a plugin that screens messages."""

from dataclasses import dataclass
from datetime import datetime

from hubbub.sdk.content import Content


@dataclass(frozen=True, kw_only=True)
class Incoming:
    """A message that came in, before it is stored."""

    channel_id: str
    channel_type: str
    channel_name: str
    #: Who wrote, by address and name.
    address: str
    name: str | None
    content: Content
    #: When the screen is asked: it reads no clock.
    now: datetime


@dataclass(frozen=True, kw_only=True)
class Outgoing:
    """A message that somebody wants sent, before it is queued."""

    channel_id: str
    channel_type: str
    channel_name: str
    conversation_id: str
    #: To whom it goes.
    address: str
    content: Content
    #: ``api:<token id>``, or ``program:`` where that says so; ``user:<id>``, ``bot:<route type>``,
    #: ``route:<route type>``.
    author: str
    #: When the screen is asked: it reads no clock.
    now: datetime


@dataclass(frozen=True, kw_only=True)
class Drop:
    """Store no message. The call that brought it is kept and can be replayed."""

    reason: str


@dataclass(frozen=True, kw_only=True)
class Quarantine:
    """Store the message where people can look it up, and neither route nor announce it."""

    reason: str


@dataclass(frozen=True, kw_only=True)
class Refuse:
    """Queue nothing: whoever wants it sent is told the reason."""

    reason: str


@dataclass(frozen=True, kw_only=True)
class Hold:
    """Queue the message, and send it only once a person releases it."""

    reason: str
