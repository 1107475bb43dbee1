"""Count the segments of a text message."""

from typing import Final

_GSM: Final = frozenset(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?"
    "¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
#: Characters that take two septets; they are never torn apart between segments.
_EXTENDED: Final = frozenset("\f^{}\\[~]|€")


def segments(body: str) -> int:
    """Return how many segments carry ``body``; an empty one takes one."""
    if all(character in _GSM or character in _EXTENDED for character in body):
        return _packed([2 if character in _EXTENDED else 1 for character in body], 160, 153)
    return _packed([2 if ord(character) > 0xFFFF else 1 for character in body], 70, 67)  # noqa: PLR2004  # beyond one UTF-16 unit


def _packed(sizes: list[int], alone: int, together: int) -> int:
    if sum(sizes) <= alone:
        return 1
    count, filled = 1, 0
    for size in sizes:
        if filled + size > together:
            count, filled = count + 1, 0
        filled += size
    return count
