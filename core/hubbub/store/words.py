"""What words are: how they are parted, which are looked for, and where in a text they stand."""

import re
import unicodedata
from dataclasses import dataclass
from functools import lru_cache
from typing import Final, NamedTuple

#: What parts words, beside white space: ASCII alone, about which all databases agree.
BETWEEN: Final = ".,:;!?@/\\-_+=#&*%$\"'()[]{}<>|~^`"
_APART: Final = str.maketrans(BETWEEN, " " * len(BETWEEN))
#: How people write phone numbers, of which an address has the digits alone.
_IN_NUMBERS: Final = re.compile(r"[\s()./+-]")
_NUMBER: Final = re.compile(r"0{0,2}([1-9][0-9]{3,20})")
#: Words that are looked for at once.
_MOST_WORDS: Final = 10


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """Words, and a number."""

    words: tuple[str, ...]
    #: The digits of a phone number, without what is dialled before it; empty for anything else.
    number: str


def wanted_by(q: str) -> Wanted | None:
    """Return what ``q`` asks for; None where it has no word."""
    # As names of files are kept, and as nearly everybody types.
    q = unicodedata.normalize("NFC", q)
    words = tuple(_words(q)[:_MOST_WORDS])
    number = _NUMBER.fullmatch(_IN_NUMBERS.sub("", q))
    return Wanted(words=words, number=number[1] if number else "") if words else None


class Piece(NamedTuple):
    """Part of a passage. ``hit``: it is one of the words that were looked for."""

    text: str
    hit: bool


def around(said: str, q: str, *, length: int = 80) -> tuple[Piece, ...]:
    """Return whole words of a text, some ``length`` characters, around the first one of ``q``."""
    wanted = wanted_by(q)
    hits = [one.span() for one in _beginning(wanted).finditer(said)] if wanted else []
    start, end = _cut(said, hits[0] if hits else (0, 0), length)
    pieces: list[Piece] = []
    at, lead = start, "…" if start else ""
    for begun, over in (span for span in hits if span[0] < end):
        pieces.append(Piece(lead + said[at:begun], hit=False))
        at, lead = min(over, end), ""
        pieces.append(Piece(said[begun:at], hit=True))
    rest = lead + said[at:end] + ("…" if end < len(said) else "")
    return tuple(one for one in [*pieces, Piece(rest, hit=False)] if one.text)


def _beginning(wanted: Wanted) -> re.Pattern[str]:
    """Return the pattern of a word that begins as one of those that were asked for."""
    asked = "|".join(map(re.escape, filter(None, (*wanted.words, wanted.number))))
    parting = rf"\s{re.escape(BETWEEN)}"
    return re.compile(rf"(?<![^{parting}])(?:{asked})[^{parting}]*", re.IGNORECASE)


def _cut(said: str, hit: tuple[int, int], length: int) -> tuple[int, int]:
    """Return where a passage begins and ends, between words where there are blanks."""
    start = max(0, hit[0] - length // 4) if len(said) > length else 0
    if start:
        start = said.find(" ", start, hit[0]) + 1 or start
    end = start + length
    if end < len(said):
        blank = said.rfind(" ", hit[1], end)
        end = blank if blank > start else end
    return start, end


def has_words(said: str, asked: str, number: str) -> bool:
    """Whether words begin as asked for: what SQLite is lent to look for words."""
    words = _words(said.lower())
    if number and any(word.startswith(number) for word in words):
        return True
    return all(any(word.startswith(one) for word in words) for one in _asked(asked))


@lru_cache(maxsize=8)
def _asked(asked: str) -> tuple[str, ...]:
    return tuple(asked.lower().split())


def _words(said: str) -> list[str]:
    return said.translate(_APART).split()
