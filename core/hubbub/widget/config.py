"""Tell loader and window what they have to know of a channel. All of it is public."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

from hubbub.connect.sites import sites_of
from hubbub.directory import Line
from hubbub.sdk.hours import opening
from hubbub.sdk.widget import WidgetCredentials, WidgetSettings
from hubbub.store.types import as_json_time
from hubbub.widget.kinds import ACCEPTED
from hubbub.widget.questions import (
    as_json,
    asked_in_doubt,
    asked_while_closed,
    labels,
    ticks,
)

#: What the loader does not need: it greets, and leaves the rest to the window.
_WINDOW_ONLY: Final = (
    "prechat",
    "needed",
    "labels",
    "ticks",
    "offline",
    "attachments",
    "conversation",
    "accepted",
    "by_email",
)
#: The luminance on which black and white are read equally well.
_MIDDLE: Final = 0.179


def settings_of(line: Line) -> WidgetSettings | None:
    """Return the settings of a channel that has a window; None for one of another kind."""
    settings = line.settings
    return settings if isinstance(settings, WidgetSettings) and line.enabled else None


def identity_secrets(line: Line, now: datetime) -> list[str]:
    """Return the secrets that prove who a visitor is: that of now, and for a while the former."""
    connections = [line.connection]
    if line.former is not None and now < line.former.until:
        connections.append(line.former.connection)
    credentials = (one.fields.credentials for one in connections)
    return [
        one.identity_secret
        for one in credentials
        if isinstance(one, WidgetCredentials) and one.identity_secret
    ]


def availability(settings: WidgetSettings, now: datetime) -> dict[str, Any]:
    """Return whether it is open, and when that changes."""
    found = opening(settings.hours, now)
    return {"open": found.open, "changes_at": as_json_time(found.changes_at)}


def ink_on(color: str) -> str:
    """Return black or white, whichever is read better on a colour (WCAG 2.2, "luminance")."""
    parts = [int(color[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    red, green, blue = (
        part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4  # noqa: PLR2004
        for part in parts
    )
    luminance = 0.2126 * red + 0.7152 * green + 0.0722 * blue
    return "#000" if luminance > _MIDDLE else "#fff"


def for_window(
    line: Line, settings: WidgetSettings, base_url: str, now: datetime, *, doubt: bool = False
) -> dict[str, Any]:
    """Return what the window has to know; in ``doubt`` visitors fill in a form first."""
    needed = as_json(asked_in_doubt(settings))
    chosen = settings.model_dump(
        mode="json",
        include={
            "theme",
            "locale",
            "texts",
            "attachments",
            "greetings",
            "conversation",
        },
    )
    chosen["theme"]["ink"] = ink_on(settings.theme.color)
    return {
        "key": line.webhook_key,
        **chosen,
        "prechat": {"when": "first", "fields": needed}
        if doubt
        else {"when": settings.prechat.when, "fields": as_json(settings.prechat.fields)},
        "needed": needed,
        "labels": labels(settings),
        "ticks": ticks(settings),
        "offline": {
            "mode": settings.offline.mode,
            "fields": as_json(asked_while_closed(settings)),
        },
        "sites": sites_of(settings, base_url),
        "accepted": ACCEPTED,
        "by_email": bool(settings.email_fallback.channel),
        "availability": availability(settings, now),
    }


def for_loader(
    line: Line, settings: WidgetSettings, base_url: str, now: datetime
) -> Mapping[str, Any]:
    """Return what the loader has to know."""
    window = for_window(line, settings, base_url, now)
    shared = {name: value for name, value in window.items() if name not in _WINDOW_ONLY}
    return {**shared, "base": base_url}
