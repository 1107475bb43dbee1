"""Hold what somebody likes of the console."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any, Self


@dataclass(frozen=True, kw_only=True)
class Preferences:
    """How the console works for one person."""

    #: Whether single keys do things in the inbox.
    shortcuts: bool = True
    #: Whether a reply waits a few seconds, in which it can be taken back.
    undo: bool = True

    @classmethod
    def of(cls, kept: Mapping[str, Any] | None) -> Self:
        """Return what is kept of somebody, and what is usual for the rest."""
        names = {field.name for field in fields(cls)}
        return cls(**{name: bool(value) for name, value in (kept or {}).items() if name in names})

    def as_json(self) -> dict[str, bool]:
        """Return how it is kept."""
        return asdict(self)
