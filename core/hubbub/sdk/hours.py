"""Say when somebody is there: opening hours with holidays, and what they mean at a moment.

Local times become instants day by day; hours are never added to local times, so nights in which
clocks change are as long as they are.
"""

import datetime as dt
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import Annotated, Final, Literal, TypeAlias
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import AfterValidator, Field, field_validator

from hubbub.sdk.types import Fields

Day: TypeAlias = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
_NAMES: Final[Mapping[Day, str]] = {
    "mon": "Monday",
    "tue": "Tuesday",
    "wed": "Wednesday",
    "thu": "Thursday",
    "fri": "Friday",
    "sat": "Saturday",
    "sun": "Sunday",
}
_DAYS: Final = tuple(_NAMES)
#: From one local time to another. One that ends no later than it begins lasts into the next day.
Span: TypeAlias = tuple[
    Annotated[dt.time, Field(title="From")], Annotated[dt.time, Field(title="To")]
]
#: Days ahead in which the next opening is looked for.
_HORIZON: Final = 14
_ONE_DAY: Final = dt.timedelta(days=1)


def _apart(spans: tuple[Span, ...]) -> tuple[Span, ...]:
    """Return the spans of a day in order. Raises `ValueError` where two overlap."""
    if any(one.tzinfo for span in spans for one in span):
        raise ValueError("Give local times, such as 09:00.")
    spans = tuple(sorted(spans))
    for (start, end), (following, _) in pairwise(spans):
        # One that lasts into the next day leaves no room for another one after it.
        if end <= start or end > following:
            raise ValueError("Two spans of a day overlap.")
    return spans


Spans: TypeAlias = Annotated[tuple[Span, ...], Field(max_length=12), AfterValidator(_apart)]


class SpecialDay(Fields):
    """A day that is not like others of its weekday; without ``spans`` it is closed."""

    date: dt.date = Field(title="Day")
    spans: Spans = Field(default=(), title="Open", description="Empty: closed all day.")
    #: Whether it comes again every year.
    yearly: bool = Field(default=False, title="Every year")

    def is_on(self, day: dt.date) -> bool:
        """Whether it speaks of ``day``."""
        if self.yearly:
            return (self.date.month, self.date.day) == (day.month, day.day)
        return self.date == day


class Hours(Fields):
    """Opening hours: ``{"timezone": "Europe/Berlin", "weekly": {"mon": [["09:00", "17:00"]]}}``."""

    timezone: str = Field(
        title="Time zone",
        description="Such as Europe/Berlin; summer time is minded.",
        json_schema_extra={"format": "timezone"},
    )
    weekly: Mapping[Day, Spans] = Field(
        default_factory=dict,
        title="Every week",
        description="What ends no later than it begins lasts into the next day; from 00:00 to "
        "00:00 is the whole day. A day without times is closed.",
        json_schema_extra={"labels": dict(_NAMES.items())},
    )
    exceptions: Annotated[tuple[SpecialDay, ...], Field(max_length=400)] = Field(
        default=(),
        title="Special days",
        description="Such as holidays. Each counts before its weekday.",
    )

    @field_validator("timezone")
    @classmethod
    def _known_zone(cls, name: str) -> str:
        try:
            ZoneInfo(name)
        except (ZoneInfoNotFoundError, ValueError, OSError):
            raise ValueError("Take the name of a time zone, such as Europe/Berlin.") from None
        return name

    def spans_on(self, day: dt.date) -> tuple[Span, ...]:
        """Return when it opens on ``day``; a special day counts before its weekday."""
        for special in self.exceptions:
            if special.is_on(day):
                return special.spans
        return self.weekly.get(_DAYS[day.weekday()], ())


@dataclass(frozen=True, kw_only=True)
class Opening:
    """Whether it is open, and when that changes next; None: not within two weeks."""

    open: bool
    changes_at: dt.datetime | None


def opening(hours: Hours | None, now: dt.datetime) -> Opening:
    """Return whether ``hours`` say open at ``now``. Without hours it is always open."""
    if hours is None:
        return Opening(open=True, changes_at=None)
    today = now.astimezone(ZoneInfo(hours.timezone)).date()
    days = (today + _ONE_DAY * offset for offset in range(-1, _HORIZON + 1))
    last = now + _ONE_DAY * (_HORIZON - 1)
    for start, end in _merged(_instants(hours, days)):
        if start <= now < end:
            return Opening(open=True, changes_at=end if end <= last else None)
        if start > now:
            return Opening(open=False, changes_at=start)
    return Opening(open=False, changes_at=None)


def _instants(hours: Hours, days: Iterable[dt.date]) -> Iterator[tuple[dt.datetime, dt.datetime]]:
    """Yield each span as instants. A time that a night skips is as late as it would have been."""
    zone = ZoneInfo(hours.timezone)
    for day in days:
        for start, end in hours.spans_on(day):
            last = day if end > start else day + _ONE_DAY
            begins = dt.datetime.combine(day, start, zone).astimezone(dt.UTC)
            ends = dt.datetime.combine(last, end, zone).astimezone(dt.UTC)
            if begins < ends:
                yield begins, ends


def _merged(
    spans: Iterable[tuple[dt.datetime, dt.datetime]],
) -> list[tuple[dt.datetime, dt.datetime]]:
    """Return ``spans`` in order, those that touch as one."""
    merged: list[tuple[dt.datetime, dt.datetime]] = []
    for start, end in sorted(spans):
        if merged and start <= merged[-1][1]:
            merged[-1] = merged[-1][0], max(end, merged[-1][1])
        else:
            merged.append((start, end))
    return merged
