"""Cut lists into pages with opaque cursors that survive new items at the top."""

import base64
import binascii
import json
from collections.abc import Callable, Sequence
from typing import Any, Final, TypeVar

from pydantic import Field

from hubbub.api.endpoint import Query
from hubbub.people.errors import Complaint, Invalid

_LONGEST: Final = 500
T = TypeVar("T")


class Page(Query):
    """The query of every list."""

    limit: int = Field(50, ge=1, le=200, description="Items in one answer.")
    cursor: str | None = Field(
        None, max_length=_LONGEST, description="`next_cursor` of the page before."
    )

    @property
    def fetch(self) -> int:
        """How many rows to ask for: one more shows whether there is a next page."""
        return self.limit + 1

    def after(self, size: int = 1) -> tuple[str, ...] | None:
        """Return the ``size`` keys of the item that the page before ended with, or None.

        Raises `Invalid` for a cursor that is none of ours.
        """
        if self.cursor is None:
            return None
        keys = _decoded(self.cursor)
        if len(keys) != size:
            raise _not_ours()
        return keys

    def before_id(self) -> str | None:
        """Return the id that the page before ended with, or None. Raises `Invalid`."""
        keys = self.after()
        return keys[0] if keys else None


def cut(
    rows: Sequence[T], limit: int, keys: Callable[[T], tuple[str, ...]]
) -> tuple[Sequence[T], str | None]:
    """Return the page that ``rows`` hold and the cursor of the next one, or None at the end.

    ``rows`` holds one more than ``limit`` where there is a next page (`Page.fetch`); ``keys``
    says what the cursor remembers of the last item.
    """
    if len(rows) <= limit:
        return rows, None
    page = rows[:limit]
    text = json.dumps(keys(page[-1]), separators=(",", ":"))
    return page, base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def by_id(item: Any) -> tuple[str, ...]:
    """Return what a cursor remembers of an item in a list ordered by ids."""
    return (item.id,)


def _decoded(cursor: str) -> tuple[str, ...]:
    try:
        padded = cursor + "=" * (-len(cursor) % 4)
        keys = json.loads(base64.b64decode(padded, altchars=b"-_", validate=True))
    except (ValueError, binascii.Error, RecursionError):
        raise _not_ours() from None
    if not isinstance(keys, list) or not all(_sound(key) for key in keys):
        raise _not_ours()
    return tuple(keys)


def _sound(key: object) -> bool:
    return isinstance(key, str) and key.isascii() and key.isprintable()


def _not_ours() -> Invalid:
    return Invalid(Complaint("cursor", "Take `next_cursor` of the page before, unchanged."))
