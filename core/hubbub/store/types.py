"""Give tables their column types and rows their ids."""

import os
import re
import threading
import time
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any, Final, TypeAlias

from sqlalchemy import JSON, ColumnElement, DateTime, Dialect, Row, literal_column
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.types import TypeDecorator

_ALPHABET: Final = "0123456789abcdefghjkmnpqrstvwxyz"
_PAIRS: Final = [a + b for a in _ALPHABET for b in _ALPHABET]

#: What no database keeps in a text: NUL, and half of a pair that stands for one character.
UNKEPT: Final = re.compile("[\0\ud800-\udfff]")
#: A row of a statement, whatever its columns.
AnyRow: TypeAlias = Row[*tuple[Any, ...]]
#: JSON, indexable where the database can.
Json: Final = JSON(none_as_null=True).with_variant(JSONB(none_as_null=True), "postgresql")


class UtcDateTime(TypeDecorator[datetime]):
    """An aware time in UTC, on every database; naive ones are refused."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def bind_processor(self, dialect: Dialect) -> Callable[[datetime | None], Any]:
        """Return what refuses naive times and gives the others to the database."""
        return utc_text if dialect.name == "sqlite" else _utc

    def result_processor(
        self, dialect: Dialect, coltype: object
    ) -> Callable[[Any], datetime | None]:
        """Return what makes an aware time of what the database gives."""
        del coltype
        return _from_text if dialect.name == "sqlite" else _utc


def _utc(value: datetime | None) -> datetime | None:
    if value is None:
        return None
    if value.tzinfo is None:
        raise ValueError(f"A time without a zone: {value!r}")
    return value if value.tzinfo is UTC else value.astimezone(UTC)


@lru_cache(maxsize=1024)
def utc_text(value: datetime | None) -> str | None:
    """Return a time as SQLite holds it: text that sorts as time does. Refuses naive ones."""
    aware = _utc(value)
    return None if aware is None else aware.replace(tzinfo=None).isoformat(" ", "microseconds")


def _from_text(value: str | None) -> datetime | None:
    return None if value is None else datetime.fromisoformat(value).replace(tzinfo=UTC)


def _written(value: int, bits: int) -> str:
    """Return the last ``bits`` (a multiple of ten) of ``value``, five to a character."""
    pairs = _PAIRS
    return "".join([pairs[value >> shift & 1023] for shift in range(bits - 10, -10, -10)])


class _Ids:
    """Make ids that sort by the time they were made, even within one millisecond."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._last = 0
        #: The upper bits of the last id, which those made at once share, and how they are written.
        self._upper = (0, _written(0, 90))
        self._dice = bytearray()
        # A child must not throw the dice that its parent throws.
        os.register_at_fork(after_in_child=self._dice.clear)

    def new(self) -> str:
        with self._lock:
            value = time.time_ns() // 1_000_000 << 80 | self._thrown()
            if value >> 80 <= self._last >> 80:
                # The same millisecond, or a clock that was set back: go on from the last one.
                value = self._last + 1 + (value & 0xFFFFFFFF)
            self._last = value
            upper, text = self._upper
            if value >> 40 != upper:
                upper = value >> 40
                text = _written(upper, 90)
                self._upper = upper, text
        return text + _written(value, 40)

    def _thrown(self) -> int:
        """Return 80 random bits. The system is asked for many at once: each time costs a turn."""
        if not self._dice:
            self._dice += os.urandom(10 * 128)
        thrown = int.from_bytes(self._dice[-10:])
        del self._dice[-10:]
        return thrown


_IDS = _Ids()


def new_id() -> str:
    """Return a new id: 26 of ``[0-9a-z]``, unique everywhere; later ones sort after earlier."""
    return _IDS.new()


def as_json_time(value: datetime | None) -> str | None:
    """Return ``value`` as RFC 3339 in UTC, as the API shows times."""
    if value is None:
        return None
    return value.astimezone(UTC).isoformat().replace("+00:00", "Z")


def one_of(column: ColumnElement[Any], words: Iterable[str]) -> ColumnElement[bool]:
    """Return the condition that ``column`` is one of ``words``, which are words of our own.

    They are written out, not bound: only so does the planner see that a partial index fits.
    """
    return column.in_([literal_column(f"'{word}'") for word in sorted(words)])
