"""Take the words out of a rich message. Source: Bot API, "RichBlock" and "RichText"."""

from collections.abc import Iterable, Iterator, Mapping


def words_of(blocks: Iterable[object]) -> str:
    """Return the text of ``blocks``, a line for each; pictures and rules have none."""
    return "\n".join(line for block in blocks for line in _lines(block))


def _lines(block: object) -> Iterator[str]:
    if not isinstance(block, Mapping):
        return
    for key in ("summary", "text"):
        if text := _inline(block.get(key)):
            yield text
    for key in ("blocks", "items"):
        for inner in _list(block.get(key)):
            yield from _lines(inner)
    for row in _list(block.get("cells")):
        yield " | ".join(_inline(cell) for cell in _list(row))
    if caption := _inline(block.get("caption")):
        yield caption


def _inline(text: object) -> str:
    match text:
        case str():
            return text
        case list():
            return "".join(map(_inline, text))
        case Mapping():
            return _inline(text.get("text"))
    return ""


def _list(value: object) -> list[object]:
    return value if isinstance(value, list) else []
