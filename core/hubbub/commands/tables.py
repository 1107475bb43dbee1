"""Lay values out in columns."""

from collections.abc import Mapping, Sequence


def rows(items: Sequence[Mapping[str, object]], columns: Sequence[str]) -> str:
    """Return ``items`` as lines of aligned ``columns`` below their names; empty ones left out."""
    shown = [name for name in columns if any(item.get(name) for item in items)]
    cells = [[name.upper().replace("_", " ") for name in shown]]
    cells += [[_cell(item.get(name)) for name in shown] for item in items]
    widths = [max(len(line[index]) for line in cells) for index in range(len(shown))]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip()
        for line in cells
    )


def _cell(value: object) -> str:
    if isinstance(value, tuple | list):
        return ", ".join(map(str, value))
    return "" if value is None else str(value)
