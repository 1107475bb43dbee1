"""Say what Meta tells of an account, rather than of a message.

The hub asks for the state of its channels by itself (`account.inspect`), so that all of this is
noted with its reason and has no other effect.
"""

from collections.abc import Mapping
from typing import Any, Final

from hubbub.sdk import Ignored
from hubbub_whatsapp_cloud.fields import Settings
from hubbub_whatsapp_cloud.wire import Change, Error

_MEANINGS: Final[Mapping[str, str]] = {
    "account_alerts": "Meta has news of the account",
    "account_review_update": "Meta reviewed the account",
    "account_update": "Meta changed the account",
    "business_capability_update": "The limits of the account changed",
    "calls": "Calls are not part of this channel",
    "flows": "The state of a flow is no message",
    "history": "What was said before the number joined is not taken over",
    "message_template_components_update": "A template changed",
    "message_template_quality_update": "The quality of a template changed",
    "message_template_status_update": "The state of a template changed",
    "phone_number_name_update": "The display name was decided on",
    "phone_number_quality_update": "The quality or the limits of a number changed",
    "security": "The security of a number changed",
    "smb_message_echoes": "It was written in the WhatsApp Business app, and by us",
    "standby": "Another app answers this chat",
    "template_category_update": "A template changed its category",
    "user_preferences": "Somebody chose about marketing, which Meta itself holds back",
}
#: What is worth telling of each, in the order of telling.
_DETAILS: Final = (
    "event",
    "message_template_name",
    "message_template_language",
    "reason",
    "new_quality_score",
    "new_category",
    "display_phone_number",
    "current_limit",
    "decision",
)


def event(change: Change, account_id: str, settings: Settings) -> Ignored:
    """Return what is to be noted of a ``change`` that holds no message."""
    ours = settings.business_account_id
    if ours and account_id != ours:
        return Ignored(reason=f"It is about another account: {account_id[:40] or 'none'}.")
    meaning = _MEANINGS.get(change.field, f"The hub does not know {change.field[:64]!r}")
    words = ", ".join(_words(change.value))
    return Ignored(reason=f"{meaning}: {words}." if words else f"{meaning}.")


def trouble(error: Error) -> Ignored:
    """Return what is to be noted of an ``error`` that belongs to no message."""
    return Ignored(reason=f"WhatsApp reports trouble ({error.code}): {error.words[:200]}")


def _words(value: Mapping[str, Any]) -> list[str]:
    said = [*(value.get(name) for name in _DETAILS), *_choices(value)]
    return [str(word)[:80] for word in said if isinstance(word, str | int) and word != "NONE"]


def _choices(value: Mapping[str, Any]) -> list[str]:
    """Return what people chose about marketing: ``stop``, ``resume`` or ``signup``."""
    preferences = value.get("user_preferences")
    chosen = preferences if isinstance(preferences, list) else []
    return [str(one.get("value")) for one in chosen if isinstance(one, dict)]
