"""Hold what an author recorded of a provider: its webhook calls, and its answers."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, Final

from hubbub.sdk import (
    AddressChanged,
    Event,
    ForAccount,
    Headers,
    HttpResponse,
    MessageDeleted,
    MessageEdited,
    MessageReceived,
    ReceiptReceived,
    SendError,
    SentElsewhere,
    TemplateChanged,
)


@dataclass(frozen=True, kw_only=True)
class Recorded:
    """One webhook call as the provider made it, without its proof, and what it says.

    ``says`` has one entry for each event, as `said` words it: ``("text",)``. ``words`` are what
    people wrote in it, texts and captions, as they wrote them: each must come out. ``id`` is the
    text by which alone the provider tells it from another that says the same, where that is not
    the ``external_id`` of its message.
    """

    says: tuple[str, ...]
    words: tuple[str, ...] = ()
    id: str = ""
    body: bytes = b""
    method: str = "POST"
    query: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Refused:
    """Answers to a send, the last of which refuses it, and the very class of error it stands for.

    ``wait`` is how long a `RateLimited` says to wait, where the provider named it.
    """

    answers: tuple[HttpResponse, ...]
    error: type[SendError]
    wait: timedelta | None = None


def answer(
    status: int = 200, body: bytes | str | Mapping[str, Any] = b"", **headers: str
) -> HttpResponse:
    """Return a provider's answer; a mapping is written as JSON, ``retry_after`` is a header."""
    if isinstance(body, Mapping):
        body = json.dumps(body)
    data = body.encode() if isinstance(body, str) else body
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return HttpResponse(status=status, headers=Headers(named), body=data)


def said(event: Event) -> str:
    """Return in one or two words what ``event`` is.

    The content's type for a message; ``edit``, ``deletion``, ``receipt delivered``,
    ``address blocked``; ``template paused``, or ``template`` where no status is told; ``text
    elsewhere`` for what others sent, ``for account``; ``ignored`` and ``unreadable``.
    """
    match event:
        case MessageReceived(content=content):
            return content.type
        case SentElsewhere(content=content):
            return f"{content.type} elsewhere"
        case ReceiptReceived(state=state):
            return f"receipt {state}"
        case AddressChanged(state=state):
            return f"address {state}"
        case TemplateChanged(status=status):
            return f"template {status or ''}".rstrip()
    return _WORDS.get(type(event), type(event).__name__.lower())


_WORDS: Final[Mapping[type, str]] = {
    ForAccount: "for account",
    MessageEdited: "edit",
    MessageDeleted: "deletion",
}
