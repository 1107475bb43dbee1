"""Hold what plugins are told of: messages, conversations and channels as they are stored."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

from hubbub.sdk.content import Content
from hubbub.sdk.values import ExternalId, Fault


@dataclass(frozen=True, kw_only=True)
class Message:
    """A stored message, as it is when plugins are told of it."""

    id: str
    channel_id: str
    conversation_id: str
    contact_id: str
    direction: Literal["inbound", "outbound"]
    content: Content
    #: Whom it came from, by address and name; of an outbound one, our side.
    sender: str
    sender_name: str | None
    external_id: ExternalId | None
    #: As the API names it: ``received``, ``queued``, ``sent``, ...
    status: str
    error: Fault | None
    #: ``api:<token id>``, ``program:<token id>``, ``user:<id>``, ``bot:<route type>``; None for an
    #: inbound one.
    author: str | None
    provider_at: datetime | None
    created_at: datetime
    #: Why an inbound one went where it went, as its trace shows it.
    decision: Mapping[str, Any] = field(default_factory=dict)

    @property
    def destination(self) -> str | None:
        """The type of the destination that took it; None while none did."""
        chosen = self.decision.get("destination") or {}
        return chosen.get("type")


@dataclass(frozen=True, kw_only=True)
class Conversation:
    """A conversation, as it is when plugins are told of it."""

    id: str
    channel_id: str
    contact_id: str
    #: The contact's address on the channel.
    address: str
    #: ``open``, ``snoozed`` or ``resolved``.
    status: str
    #: ``queue``, ``people``, ``user:<id>`` or ``bot:<route type>``.
    owner: str
    assignee_id: str | None
    tags: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class Channel:
    """A channel, as it is when plugins are told of it."""

    id: str
    type: str
    name: str
    enabled: bool
    #: ``connected``, ``error`` or ``inactive``, and why.
    status: str
    status_reason: str
    status_since: datetime
