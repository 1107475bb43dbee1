"""Say times, states and sizes in words, for templates."""

import re
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Final, NamedTuple

from hubbub.people.errors import Invalid
from hubbub.sdk.errors import HubError


class Tick(NamedTuple):
    """How the status of a message is shown."""

    sign: str
    word: str
    explained: str


NO_TICK: Final = Tick("", "", "")
TICKS: Final = {
    "received": Tick("", "received", ""),
    "queued": Tick("◷", "queued", "Waiting to be sent."),
    "sending": Tick("◷", "sending", "On its way to the provider."),
    "sent": Tick("✓", "sent", "The provider has accepted it."),
    "delivered": Tick("✓✓", "delivered", "It reached the contact's device."),
    "read": Tick("✓✓", "read", "The contact has read it."),
    "failed": Tick("!", "failed", "It was not sent."),
    "unknown": Tick("?", "unknown", "It may have arrived: the provider's answer was lost."),
    "cancelled": Tick("✕", "cancelled", "It was taken back before it was sent."),
}
STATUS: Final = {"connected": "Connected", "error": "Error", "inactive": "Inactive"}
NO_CHANNEL: Final = "The channel was deleted."
_TROUBLE: Final = {
    "error": "This channel has an error, and replies wait until it is mended.",
    "inactive": "This channel is not connected, and replies wait until it is.",
}
_AUTHORS: Final = {
    "api": "API",
    "token": "API",
    "cli": "the command line",
    "program": "A program",
}
_KILO: Final = 1000
#: Where a word begins within a name such as ``MessageReceived``.
_WITHIN: Final = re.compile(r"(?<=[a-z])(?=[A-Z])")
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


def lasting(then: datetime | None, now: datetime) -> str:
    """Return for how long it has been so since ``then``, as one would say it."""
    said = ago(then, now)
    return f"for {said.removesuffix(' ago')}" if said.endswith(" ago") else said


def until(then: datetime, now: datetime) -> str:
    """Return how long it is until ``then``."""
    seconds = max(0, round((then - now).total_seconds()))
    for size, unit in (*_UNITS, (1, "second")):
        count = seconds // size
        if count:
            return f"in {count} {unit}{'s' if count > 1 else ''}"
    return "now"


def initial(name: str) -> str:
    """Return what stands for somebody in their circle; of a number, its last two digits."""
    letter = next((character for character in name if character.isalpha()), "")
    digits = [character for character in name if character.isdigit()]
    return letter.upper() or "".join(digits[-2:]) or name[:1]


def clock(then: datetime) -> str:
    """Return the time of day in UTC; the script says it in the reader's zone."""
    return then.strftime("%H:%M UTC")


def day(then: datetime, now: datetime) -> str:
    """Return the day of ``then`` in UTC as a separator shows it."""
    if then.date() == now.date():
        return "Today"
    if then.date() == (now - timedelta(days=1)).date():
        return "Yesterday"
    return then.strftime("%-d %B %Y")


def moment(then: datetime) -> str:
    """Return day and time of ``then`` in UTC; the script says them in the reader's zone."""
    return then.strftime("%-d %B %Y, %H:%M UTC")


def exact(then: datetime | None) -> str:
    """Return ``then`` for machines and for who hovers."""
    return then.isoformat(timespec="milliseconds") if then else ""


def listed(things: Sequence[str]) -> str:
    """Return things one after the other, as one would say them."""
    return " and ".join(filter(None, (", ".join(things[:-1]), *things[-1:])))


def trouble(status: str, reason: str) -> str:
    """Return what is wrong with a channel, for who answers through it; empty when it is well."""
    return f"{_TROUBLE[status]} {reason}".strip() if status in _TROUBLE else ""


def size(count: int | None) -> str:
    """Return how large a file of so many bytes is; empty where that is not known."""
    if count is None:
        return ""
    if count < _KILO:
        return f"{count} bytes"
    return f"{count / _KILO:.0f} kB" if count < _KILO**2 else f"{count / _KILO**2:.1f} MB"


def author(author: str | None, names: Mapping[str, str]) -> str:
    """Return who wrote an outbound message."""
    kind, _, name = (author or "").partition(":")
    if kind == "user":
        return names.get(name, "A colleague")
    if kind == "bot":
        return f"Bot ({name})"
    if kind == "elsewhere":
        return name or "Written elsewhere"
    return _AUTHORS.get(kind, kind.capitalize())


def event(kind: str) -> str:
    """Return a kind of event in words: ``MessageReceived`` is a "Message received"."""
    return _WITHIN.sub(" ", kind).capitalize()


def said(error: HubError) -> str:
    """Return what is wrong; who sees the form needs no names of fields."""
    if isinstance(error, Invalid):
        return " ".join(one.message for one in error.complaints)
    return error.detail


def owner(owner: str, names: dict[str, str]) -> str:
    """Return who answers in a conversation, as a sentence; empty when the routes decide."""
    kind, _, name = owner.partition(":")
    if kind == "bot":
        return f"The bot “{name}” answers here."
    if kind == "user":
        return f"{names.get(name, 'A colleague')} handles this."
    return "Waiting for a person." if kind == "people" else ""
