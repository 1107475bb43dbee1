"""Name the ways in which what somebody asked of us is refused."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from pydantic import ValidationError

from hubbub.sdk.errors import HubError

#: What pydantic says in a way that explains itself only to who wrote the model.
_SAID: Final = {"extra_forbidden": "There is no field of this name."}


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
        Complaint(
            _path((*prefix, *one["loc"])),
            _SAID.get(one["type"]) or one["msg"].removeprefix("Value error, "),
        )
        for one in error.errors(include_input=False, include_url=False)
    )


def _path(parts: Iterable[str | int]) -> str:
    return ".".join(str(part) for part in parts)
