"""Make what others wrote fit for every database."""

import hashlib
import re
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
#: What Unicode calls letters and signs, and nobody sees.
_BLANK: Final = frozenset("\u034f\u115f\u1160\u17b4\u17b5\u2800\u3164\uffa0")
#: Marks between two characters that stand apart, or together, as a script or an emoji asks for.
_JOINERS: Final = "\u200c\u200d"
#: Before and after what they do nothing: the alphabets of Europe, and those of East Asia.
_UNJOINED: Final = r"[\s\0-\u058f\u2e80-\ua4cf\uac00-\ud7ff]"
#: Marks by which a black flag is that of England, Scotland or Wales.
_MARKS: Final = "\U000e0020-\U000e007f"
#: What of joiners and marks does nothing where it stands; and, in a group, what does.
_IDLE: Final = re.compile(
    f"(\U0001f3f4[{_MARKS}]{{6}})|[{_MARKS}]|(?:^|(?<={_UNJOINED}))[{_JOINERS}]+"
    f"|[{_JOINERS}]+(?={_UNJOINED}|$)|(?<=[{_JOINERS}])[{_JOINERS}]+"
)
#: Where emoji are, and are added each year: Python learns of them later than people use them.
_EMOJI: Final = ("\U0001f000", "\U0001faff")


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


def legible(name: str) -> str:
    """Return ``name`` on one line, such that who reads it knows how it is written.

    Without what nobody sees, and what shows a name otherwise than it is, such as marks that turn
    ``fdp.exe`` around; and with accents in the one way in which people type them: those of a Mac
    come in another.
    """
    if not (name.isascii() and name.isprintable()):
        seen = _IDLE.sub(r"\1", "".join(one for one in name if one.isspace() or _is_seen(one)))
        name = unicodedata.normalize("NFC", seen)
    return " ".join(name.split())


def folded(name: str) -> str:
    """Return what is the same of two names that people hardly tell apart: all but the case."""
    return legible(name).casefold()


def file_name(told: str | None) -> str | None:
    """Return the last part of what a file is called; None where nothing of it is `legible`."""
    name = (told or "").replace("\\", "/").rpartition("/")[2]
    return legible(name)[:LONGEST_NAME] or None


def _is_seen(one: str) -> bool:
    if _EMOJI[0] <= one <= _EMOJI[1]:
        return True
    joins = one in _JOINERS or "\U000e0020" <= one <= "\U000e007f"
    return joins or (one.isprintable() and one not in _BLANK)


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
