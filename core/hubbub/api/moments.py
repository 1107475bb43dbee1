"""Take times that every database can keep, and that can still be reckoned with."""

from datetime import UTC, datetime
from typing import Annotated, Final, TypeAlias

from pydantic import AfterValidator, AwareDatetime

_YEARS: Final = range(1970, 9000)


def within_reach(value: datetime) -> datetime:
    """Return ``value`` in UTC. Raises `ValueError` without a zone, or far out of time."""
    if value.tzinfo is None:
        raise ValueError("Give a time with its zone.")
    if value.year not in _YEARS:
        raise ValueError(f"Give a time in the years {_YEARS.start} to {_YEARS.stop - 1}.")
    return value.astimezone(UTC)


#: A time with its zone, as callers give it.
Moment: TypeAlias = Annotated[AwareDatetime, AfterValidator(within_reach)]
