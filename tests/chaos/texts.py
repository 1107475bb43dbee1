"""Judge texts without ids: each there at least once, and no more often than it was brought."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby

from tests.chaos.book import Texted

#: What the hub writes for segments that never came.
_GAP = "[…]"


def texts_verdict(
    where: str, texted: Sequence[Texted], found: Sequence[str], repeats: Mapping[str, int]
) -> Iterator[str]:
    """Say what is wrong with what was ``found`` at one address, in order.

    A repetition is another message, since nothing tells it from somebody who writes the same twice;
    the repetition of a last segment is one that lacks the others.
    """
    sayings = Counter(one.text for one in texted)
    whole = [text for text in found if text in sayings]
    wanted, there = _at_least_once([one.text for one in texted]), _at_least_once(whole)
    if wanted != there:
        yield (
            f"{where}: missing {sorted({*wanted} - {*there})[:3]}, or out of order: "
            f"{next((pair for pair in zip(wanted, there, strict=False) if len({*pair}) > 1), '')}"
        )
    for text, times in sayings.items():
        copies, pieces = whole.count(text), sum(_is_of(text, one) for one in found)
        most = times + sum(repeats.get(one.id, 0) for one in texted if one.text == text)
        if not times <= copies <= pieces <= most:
            yield (
                f"{where}: {text!r} was written {times} times and brought at most {most} times; "
                f"it is there {copies} times, and {pieces - copies} pieces of it"
            )
    strange = [one for one in found if not any(_is_of(text, one) for text in sayings)]
    if strange:
        yield f"{where}: never told {strange[:3]}"


def _at_least_once(texts: Sequence[str]) -> list[str]:
    return [text for text, _ in groupby(texts)]


def _is_of(text: str, found: str) -> bool:
    return text.endswith(found.removeprefix(_GAP).lstrip())
