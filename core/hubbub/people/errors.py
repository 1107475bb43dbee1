"""Name the ways in which what somebody asked of us is refused."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from hubbub.sdk.errors import HubError

#: What pydantic says in a way that explains itself only to who wrote the model, in plain words.
_SAID: Final = {
    "extra_forbidden": "There is no field of this name.",
    "missing": "This is needed.",
    "string_type": "Take a text.",
    "string_too_long": "Take at most {max_length} characters.",
    "string_too_short": "Take at least {min_length} characters.",
    "string_pattern_mismatch": "This is not written in the way that is asked for.",
    "too_long": "Take at most {max_length} of them.",
    "too_short": "Take at least {min_length} of them.",
    "literal_error": "Take one of {expected}.",
    "enum": "Take one of {expected}.",
    "bool_parsing": "Take true or false.",
    "bool_type": "Take true or false.",
    "int_parsing": "Take a whole number.",
    "int_type": "Take a whole number.",
    "int_from_float": "Take a whole number.",
    "float_parsing": "Take a number.",
    "float_type": "Take a number.",
    "greater_than": "Take more than {gt}.",
    "greater_than_equal": "Take {ge} or more.",
    "less_than": "Take less than {lt}.",
    "less_than_equal": "Take {le} or less.",
    "time_parsing": "Take a time, such as 09:00.",
    "time_type": "Take a time, such as 09:00.",
    "date_parsing": "Take a date, such as 2026-12-24.",
    "date_type": "Take a date, such as 2026-12-24.",
    "date_from_datetime_parsing": "Take a date, such as 2026-12-24.",
    "datetime_parsing": "Take a time, such as 2026-01-31T18:00:00Z.",
    "datetime_from_date_parsing": "Take a time, such as 2026-01-31T18:00:00Z.",
    "timezone_aware": "Say of which zone it is, such as 2026-01-31T18:00:00Z.",
}


@dataclass(frozen=True)
class Complaint:
    """What is wrong with one field; ``field`` is a path such as ``credentials.token``."""

    field: str
    message: str


class Invalid(HubError):
    """What was given cannot be used; each complaint names a field and why."""

    code = "invalid"

    def __init__(self, *complaints: Complaint) -> None:
        super().__init__(" ".join(f"{one.field}: {one.message}" for one in complaints))
        self.complaints = complaints

    @classmethod
    def because(cls, error: ValidationError, *prefix: str) -> "Invalid":
        """Return the refusal that ``error`` stands for, its paths below ``prefix``."""
        return cls(*complaints(error, *prefix))


class NotFound(HubError):
    """There is no such thing, or it was deleted."""

    code = "not_found"


class Conflict(HubError):
    """What was asked is sound by itself but clashes with what is there."""

    code = "conflict"


class TooManyAttempts(HubError):
    """Too many attempts failed of late: nobody is let in before ``retry_after``."""

    code = "too_many_attempts"

    def __init__(self, retry_after: timedelta) -> None:
        super().__init__("Too many attempts to log in. Wait a few minutes and try again.")
        self.retry_after = retry_after


def complaints(error: ValidationError, *prefix: str) -> tuple[Complaint, ...]:
    """Return what pydantic found wrong, without the values, which may be secret."""
    return tuple(
        Complaint(_path((*prefix, *one["loc"])), _said(one))
        for one in error.errors(include_input=False, include_url=False)
    )


def _said(one: ErrorDetails) -> str:
    if one["type"] in _SAID:
        return _SAID[one["type"]].format_map(one.get("ctx", {}))
    return one["msg"].removeprefix("Value error, ")


def _path(parts: Iterable[str | int]) -> str:
    return ".".join(str(part) for part in parts)
