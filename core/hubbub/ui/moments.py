"""Read times as people type them, in the zone that their browser names."""

from datetime import UTC, datetime, time, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from hubbub.people.errors import Complaint, Invalid

#: When a day of work begins.
_MORNING: Final = time(9)
_MONDAY: Final = 0


def zone_called(name: str) -> ZoneInfo:
    """Return a time zone by its name; UTC for one that nobody knows, or none."""
    try:
        return ZoneInfo(name or "UTC")
    except (ValueError, OSError, LookupError):
        return ZoneInfo("UTC")


def typed_moment(text: str, zone: ZoneInfo, *, field: str) -> datetime:
    """Return what a field for day and time holds. Raises `Invalid`."""
    try:
        return datetime.fromisoformat(text).replace(tzinfo=zone).astimezone(UTC)
    except (ValueError, OverflowError):
        raise Invalid(Complaint(field, "Give a day and a time.")) from None


def tomorrow(now: datetime, zone: ZoneInfo) -> datetime:
    """Return the morning of the day after ``now``."""
    return _morning(now, zone, days=1)


def next_monday(now: datetime, zone: ZoneInfo) -> datetime:
    """Return the morning of the first Monday after the day of ``now``."""
    return _morning(now, zone, days=7 - (now.astimezone(zone).weekday() - _MONDAY) % 7)


def _morning(now: datetime, zone: ZoneInfo, *, days: int) -> datetime:
    day = now.astimezone(zone).date() + timedelta(days=days)
    return datetime.combine(day, _MORNING, zone).astimezone(UTC)
