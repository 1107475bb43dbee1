"""Describe the templates that a provider approves before they may be sent.

`hubbub.sdk.Template` is a message that fills one in; here is what there is to be filled in.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Literal


class TemplateStatus(StrEnum):
    """What a provider thinks of a template; only an approved one is sent."""

    APPROVED = "approved"
    PENDING = "pending"
    REJECTED = "rejected"
    #: For a while, because people disliked it.
    PAUSED = "paused"
    DISABLED = "disabled"
    DELETED = "deleted"
    #: The provider has a word for it that the channel type does not know.
    UNKNOWN = "unknown"


@dataclass(frozen=True, kw_only=True)
class TemplateParameter:
    """One thing to fill in: a key of `hubbub.sdk.Template.parameters`."""

    name: str
    required: bool = True
    #: A text, or the public address of a file.
    holds: Literal["text", "url"] = "text"
    #: Characters; None: nobody knows of a limit.
    max_length: int | None = None


@dataclass(frozen=True, kw_only=True)
class MessageTemplate:
    """A template in one language, which with its name identifies it on a channel."""

    name: str
    language: str
    status: TemplateStatus
    #: The provider's own word for ``status``.
    provider_status: str = ""
    #: Why it has that status, in words for people.
    reason: str = ""
    external_id: str | None = None
    category: str = ""
    quality: str = ""
    parameter_format: str = ""
    #: What it consists of, as the provider tells it.
    components: tuple[Mapping[str, Any], ...] = ()
    #: All that it wants filled in: the hub refuses anything else. None: only the provider knows.
    parameters: tuple[TemplateParameter, ...] | None = None


@dataclass(frozen=True, kw_only=True)
class TemplateChanged:
    """Something about a template changed: the hub reads the channel's templates anew.

    Where ``status`` is known it counts at once. The event needs no key: what was read last counts.
    """

    name: str
    language: str
    status: TemplateStatus | None = None
    provider_status: str = ""
    reason: str = ""
