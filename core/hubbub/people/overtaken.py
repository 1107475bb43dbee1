"""Let nobody write over what somebody else wrote meanwhile without knowing it.

A form repeats the mark of what it shows. Who saves it once that is something else is told, sees
both, and may save once more.
"""

import json

from hubbub.hub import Hub
from hubbub.people.errors import Conflict


class Overtaken(Conflict):
    """What somebody changes is not what they saw."""

    code = "overtaken"

    def __init__(self) -> None:
        super().__init__("It was changed meanwhile: look at it as it is now, and save once more.")


def mark_of(hub: Hub, *told: object) -> str:
    """Return what a form repeats of what it shows, by which nobody can guess a secret in it."""
    return hub.vault.sign(_said(told))


def check_seen(hub: Hub, seen: str | None, *told: object) -> None:
    """Refuse a change of something that is not as it was ``seen``; None: whatever it was.

    Raises `Overtaken`.
    """
    if seen is not None and not hub.vault.signed(_said(told), seen):
        raise Overtaken


def _said(told: tuple[object, ...]) -> str:
    return f"seen:{json.dumps(told, sort_keys=True, default=str)}"
