"""Say what Meta tells of an account, rather than of a message.

News of templates change what may be sent. The hub asks for the state of its channels by itself
(`account.check`), so that all else is noted with its reason and has no other effect.
"""

from collections.abc import Mapping
from typing import Any, Final

from pydantic import Field

from hubbub.sdk import Event, Ignored, MalformedPayload, TemplateChanged, Unreadable, graph
from hubbub.sdk.whatsapp.wire import Error
from hubbub_whatsapp_cloud.fields import Settings
from hubbub_whatsapp_cloud.template_list import STATUS
from hubbub_whatsapp_cloud.wire import Change

_MEANINGS: Final[Mapping[str, str]] = {
    "account_alerts": "Meta has news of the account",
    "account_review_update": "Meta reviewed the account",
    "account_update": "Meta changed the account",
    "business_capability_update": "The limits of the account changed",
    "calls": "Calls are not part of this channel",
    "flows": "The state of a flow is no message",
    "history": "What was said before the number joined is not taken over",
    "phone_number_name_update": "The display name was decided on",
    "phone_number_quality_update": "The quality or the limits of a number changed",
    "security": "The security of a number changed",
    "standby": "Another app answers this chat",
}
_OF_TEMPLATES: Final = frozenset(
    {
        "message_template_components_update",
        "message_template_quality_update",
        "message_template_status_update",
        "template_category_update",
    }
)
#: What is worth telling of each, in the order of telling.
_DETAILS: Final = (
    "event",
    "reason",
    "display_phone_number",
    "current_limit",
    "decision",
)


class Explained(graph.Said):
    """Why a template was rejected, or what it was paused for."""

    reason: str = ""
    description: str = ""


class TemplateNews(graph.Said):
    """What happened to a template; ``event`` is its new status, where it has one."""

    message_template_name: str = Field(min_length=1)
    message_template_language: str = Field(min_length=1)
    event: str = ""
    reason: str = ""
    rejection_info: Explained = Explained()
    other_info: Explained = Explained()

    @property
    def why(self) -> str:
        """The most telling of the reasons that are given."""
        code = "" if self.reason == "NONE" else self.reason
        return self.rejection_info.reason or self.other_info.description or code


def event(change: Change, account_id: str, settings: Settings) -> Event:
    """Return what is to be noted of a ``change`` that holds no message."""
    ours = settings.business_account_id
    if ours and account_id != ours:
        return Ignored(reason=f"It is about another account: {account_id[:40] or 'none'}.")
    if change.field in _OF_TEMPLATES:
        return _template(change.value)
    meaning = _MEANINGS.get(change.field, f"The hub does not know {change.field[:64]!r}")
    words = ", ".join(_words(change.value))
    return Ignored(reason=f"{meaning}: {words}." if words else f"{meaning}.")


def trouble(error: Error) -> Ignored:
    """Return what is to be noted of an ``error`` that belongs to no message."""
    return Ignored(reason=f"WhatsApp reports trouble ({error.code}): {error.words[:200]}")


def _template(value: Mapping[str, Any]) -> Event:
    try:
        news = graph.readable(TemplateNews, value)
    except MalformedPayload as error:
        return Unreadable(reason=error.detail)
    return TemplateChanged(
        name=news.message_template_name,
        language=news.message_template_language,
        # Some events say no status, but that something is to be read anew.
        status=STATUS.get(news.event),
        provider_status=news.event,
        reason=news.why,
    )


def _words(value: Mapping[str, Any]) -> list[str]:
    said = [value.get(name) for name in _DETAILS]
    return [str(word)[:80] for word in said if isinstance(word, str | int) and word != "NONE"]
