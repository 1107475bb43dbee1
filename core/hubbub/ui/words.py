"""Say times, states and sizes in words, for templates."""

from datetime import datetime, timedelta
from typing import Final

#: Sign, word and explanation of each status of a message.
TICKS: Final = {
    "received": ("", "received", ""),
    "queued": ("◷", "queued", "Waiting to be sent."),
    "sending": ("◷", "sending", "On its way to the provider."),
    "sent": ("✓", "sent", "The provider has accepted it."),
    "delivered": ("✓✓", "delivered", "It reached the contact's device."),
    "read": ("✓✓", "read", "The contact has read it."),
    "failed": ("!", "failed", "It was not sent."),
    "unknown": ("?", "unknown", "It may have arrived: the provider's answer was lost."),
    "cancelled": ("✕", "cancelled", "It was taken back before it was sent."),
}
STATUS: Final = {"connected": "Connected", "error": "Error", "inactive": "Inactive"}
_UNITS: Final = ((86400, "day"), (3600, "hour"), (60, "minute"))


def ago(then: datetime | None, now: datetime) -> str:
    """Return how long ago ``then`` was, as one would say it."""
    if then is None:
        return "never"
    seconds = (now - then).total_seconds()
    for size, unit in _UNITS:
        count = int(seconds // size)
        if count:
            return f"{count} {unit}{'s' if count > 1 else ''} ago"
    return "just now"


def clock(then: datetime) -> str:
    """Return the time of day, in UTC, which the browser turns into its own zone."""
    return then.strftime("%H:%M")


def day(then: datetime, now: datetime) -> str:
    """Return the day of ``then`` as a separator shows it."""
    if then.date() == now.date():
        return "Today"
    if then.date() == (now - timedelta(days=1)).date():
        return "Yesterday"
    return then.strftime("%-d %B %Y")


def exact(then: datetime | None) -> str:
    """Return ``then`` for machines and for who hovers."""
    return then.isoformat(timespec="seconds") if then else ""


def author(author: str | None, names: dict[str, str]) -> str:
    """Return who wrote an outbound message."""
    kind, _, name = (author or "").partition(":")
    if kind == "user":
        return names.get(name, "A colleague")
    if kind == "bot":
        return f"Bot ({name})"
    return "API" if kind in {"api", "token"} else kind.capitalize()


def owner(owner: str, names: dict[str, str]) -> str:
    """Return who answers in a conversation, as a sentence; empty when the routes decide."""
    kind, _, name = owner.partition(":")
    if kind == "bot":
        return f"The bot “{name}” answers here."
    if kind == "user":
        return f"{names.get(name, 'A colleague')} handles this."
    return "Waiting for a person." if kind == "people" else ""
