"""Find in what people pasted what a field asks for, and tell who took the wrong one.

A field says by ``looks_like`` in its schema what a whole value matches; those that do not say so
are left as they are.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

#: What chats and web pages put into what is copied from them, and nobody sees.
_UNSEEN: Final = re.compile("[\u00ad\u200b-\u200f\u202a-\u202e\u2060-\u2064\ufeff]")
_BLANKS: Final = re.compile(r"\s+")


@dataclass(frozen=True, kw_only=True)
class Mould:
    """What the value of one field looks like."""

    #: Its path, such as ``credentials.token``.
    path: str
    title: str
    pattern: str

    def fits(self, value: str) -> bool:
        """Whether ``value`` is one."""
        return re.fullmatch(self.pattern, value) is not None


def found_in(pasted: str, pattern: str) -> str:
    """Return the value in what was pasted: all of it, unless one thing in it looks like one."""
    text = _UNSEEN.sub("", pasted).strip()
    if not pattern or re.fullmatch(pattern, text):
        return text
    if re.fullmatch(pattern, squeezed := _BLANKS.sub("", text)):
        return squeezed
    alone = re.compile(rf"(?<![\w+-])(?:{pattern})(?![\w-])")
    values = {match.group() for match in alone.finditer(text)}
    return values.pop() if len(values) == 1 else text


def mixed_up(of: tuple[Mould, ...], typed: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    """Yield the path of each field that holds the value of another, and what to do about it."""
    for mould in of:
        value = typed.get(mould.path, "")
        if not value or mould.fits(value):
            continue
        others = [other for other in of if other is not mould and other.fits(value)]
        if len(others) == 1:
            # Long enough to tell a sort of value is not yet to tell whose it is.
            yield mould.path, f"This looks like the {others[0].title}, which has its own field."
