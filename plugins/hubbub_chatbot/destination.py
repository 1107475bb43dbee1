"""Ask a bot over HTTP, and do what it answers: at once, or later through the callback."""

import json
from datetime import timedelta
from typing import Final
from urllib.parse import urlsplit

from hubbub.sdk import (
    Action,
    Exchange,
    HttpRequest,
    HttpResponse,
    Inquiry,
    MalformedPayload,
    Outcome,
    Permanent,
    RouteType,
    Transient,
    Wait,
)
from hubbub_chatbot.fields import ChatbotFields
from hubbub_chatbot.signature import signed_headers
from hubbub_chatbot.wire import question, read_actions

#: Answers that say "not now".
_LATER: Final = frozenset({408, 425, 429})
_OK, _ACCEPTED, _NOTHING, _BROKEN = 200, 202, 204, 500
#: Bytes of one answer.
_LARGEST: Final = 256 << 10


class Chatbot(RouteType):
    """A bot of yours, behind a URL."""

    type = "chatbot"
    label = "Chatbot"
    description = "A bot of yours, asked over HTTP."
    fields = ChatbotFields
    automatic = True

    def handle(self, inquiry: Inquiry, settings: ChatbotFields) -> Exchange[Outcome]:
        """Ask the bot once; the core asks again, or the fallback, if that fails."""
        response = yield _request(inquiry, settings)
        return _outcome(response, settings)

    def describe(self, settings: ChatbotFields) -> str:
        """Name where the bot is."""
        return f"{self.label} at {urlsplit(settings.url).hostname}"

    def resume(self, inquiry: Inquiry, settings: ChatbotFields, answer: object) -> Outcome:
        """Do what the bot said through the callback."""
        del inquiry, settings
        return Outcome(actions=read_actions(answer), why="The bot answered later.")


def _request(inquiry: Inquiry, settings: ChatbotFields) -> HttpRequest:
    asked = question(inquiry, settings.wait_seconds)
    body = json.dumps(asked, ensure_ascii=False, separators=(",", ":")).encode()
    signed = signed_headers(inquiry.message_id, inquiry.now, body, settings.secret)
    return HttpRequest(
        method="POST",
        url=settings.url,
        headers={"content-type": "application/json", **signed},
        body=body,
        timeout=timedelta(seconds=settings.timeout_seconds),
        max_answer=_LARGEST,
        # The bot knows a repeated message by its webhook-id.
        safe=True,
    )


def _outcome(response: HttpResponse, settings: ChatbotFields) -> Outcome:
    status = response.status
    if status == _OK:
        return Outcome(actions=_actions(response), why="The bot answered.")
    if status == _ACCEPTED:
        waits = Wait(seconds=settings.wait_seconds)
        return Outcome(actions=(waits,), why="The bot will answer later.")
    if status == _NOTHING:
        return Outcome(why="The bot has nothing to say.")
    if status >= _BROKEN or status in _LATER:
        raise Transient(f"The bot answered with HTTP status {status}.", provider_code=str(status))
    raise Permanent(
        f"The bot answered with HTTP status {status}; 200, 202 and 204 are understood.",
        provider_code=str(status),
    )


def _actions(response: HttpResponse) -> tuple[Action, ...]:
    try:
        return read_actions(response.json())
    except MalformedPayload as error:
        reason = error.detail
    except (ValueError, RecursionError):
        reason = "its body is not JSON."
    raise Permanent(f"The bot's answer cannot be used: {reason}", code="bad_answer")
