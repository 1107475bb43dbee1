"""Make what others wrote fit for every database."""

import hashlib
import unicodedata
from dataclasses import replace
from typing import Any, Final, TypeVar

T = TypeVar("T")

#: The most octets of an id that is kept as others wrote it: a letter's may fill a line of 998.
#: PostgreSQL refuses index entries of more than 2704.
_LONGEST_ID: Final = 1000
_WIDEST: Final = 4
#: The most characters of a name that is given to a contact or a file, and of an address: the
#: longest of a mailbox has no more, and an index over words takes neither of any length.
LONGEST_NAME: Final = 200
LONGEST_ADDRESS: Final = 320


def clean(value: T) -> T:
    """Return ``value``, a text or any nesting of frozen values, with storable texts alone.

    NUL, which PostgreSQL refuses, and halves of surrogate pairs are replaced.
    """
    cleaned: T = _clean(value)
    return cleaned


def bounded(identifier: str) -> str:
    """Return ``identifier``, or what always stands for it where it is too long for an index."""
    if len(identifier) * _WIDEST <= _LONGEST_ID:
        return identifier
    octets = identifier.encode("utf-8", "surrogatepass")
    if len(octets) <= _LONGEST_ID:
        return identifier
    return f"sha256:{hashlib.sha256(octets).hexdigest()}"


def file_name(told: str | None) -> str | None:
    """Return the last part of what a file is called, on one line; None where nothing is left.

    Without what shows a name otherwise than it is, such as marks that turn ``fdp.exe`` around; and
    with accents in the one way in which people type them: those of a Mac come in another.
    """
    name = (told or "").replace("\\", "/").rpartition("/")[2]
    shown = "".join(one for one in name if one.isprintable() or one.isspace())
    return unicodedata.normalize("NFC", " ".join(shown.split()))[:LONGEST_NAME] or None


def _clean(value: Any) -> Any:
    if isinstance(value, str):
        return value if value.isascii() and "\0" not in value else _storable(value)
    if isinstance(value, tuple):
        return tuple(_clean(item) for item in value)
    if isinstance(value, list):
        return [_clean(item) for item in value]
    if isinstance(value, dict):
        return {_clean(key): _clean(item) for key, item in value.items()}
    names = getattr(value, "__dataclass_fields__", None)
    if names is None:
        return value
    changed = {
        name: new
        for name in names
        if (new := _clean(old := getattr(value, name))) is not old and new != old
    }
    return replace(value, **changed) if changed else value


def _storable(value: str) -> str:
    value = value.replace("\0", "\ufffd")
    return value.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
