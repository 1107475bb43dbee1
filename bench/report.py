"""Keep figures, judge them, and lay them out."""

import os
import platform
import statistics
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Literal

PAGE = Path(__file__).parent.parent / "docs" / "performance.md"
_MARK = "<!-- figures -->"
_HEAD = ("what", "floor", "hub", "ratio", "must", "aim", "verdict")
_LIBRARIES = ("flask", "granian", "dramatiq", "redis", "sqlalchemy", "psycopg", "aiogram")


@dataclass(kw_only=True)
class Figure:
    """One thing that was measured several times, beside its floor where there is one."""

    what: str
    unit: str
    hub: list[float] = field(default_factory=list)
    floor: list[float] = field(default_factory=list)
    must: float | None = None
    aim: float | None = None
    better: Literal["more", "less"] = "more"

    @property
    def ratios(self) -> list[float]:
        """The hub's runs, each divided by the floor's run beside it."""
        return [ours / theirs for ours, theirs in zip(self.hub, self.floor, strict=False)]

    @property
    def verdict(self) -> str:
        """What the median reaches of what was asked for."""
        if self.must is None or not self.hub:
            return ""
        value = statistics.median(self.ratios or self.hub)
        if self.aim is not None and self._reaches(value, self.aim):
            return "aim"
        return "must" if self._reaches(value, self.must) else "MISSED"

    def row(self) -> tuple[str, ...]:
        """Return the cells of this figure's line."""
        return (
            self.what,
            _spread(self.floor, self.unit),
            _spread(self.hub, self.unit),
            _spread(self.ratios, "") if self.floor else "",
            "" if self.must is None else f"{self.must:g}",
            "" if self.aim is None else f"{self.aim:g}",
            self.verdict,
        )

    def _reaches(self, value: float, wanted: float) -> bool:
        return value >= wanted if self.better == "more" else value <= wanted


def table(figures: Sequence[Figure]) -> str:
    """Return the figures as a table of Markdown whose columns stand below one another."""
    rows = [_HEAD, *(figure.row() for figure in figures)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(_HEAD))]
    lines = [_line(row, widths) for row in rows]
    lines.insert(1, "|" + "|".join("-" * (width + 2) for width in widths) + "|")
    return "\n".join(lines)


def machine(runs: int) -> str:
    """Return on what, with what, when and how often it was measured."""
    system = f"{os.cpu_count()} cores, {_memory():.0f} GB, {platform.system()}"
    python = f"Python {platform.python_version()}"
    libraries = ", ".join(f"{name} {version(name)}" for name in _LIBRARIES)
    when = datetime.now(UTC).strftime("%-d %B %Y")
    return (
        f"{when}; {system}, with the load, the provider and the databases on the same cores; "
        f"{python}, {libraries}. Medians (minimum to maximum) of {runs} runs, the hub's and the "
        "floor's in turn; a ratio compares runs side by side."
    )


def write(figures: Sequence[Figure], runs: int) -> None:
    """Put the figures into docs/performance.md in the place of the last ones."""
    before = PAGE.read_text().partition(_MARK)[0]
    PAGE.write_text(f"{before}{_MARK}\n\n{machine(runs)}\n\n{table(figures)}\n")


def _line(row: Sequence[str], widths: Sequence[int]) -> str:
    cells = (cell.ljust(width) for cell, width in zip(row, widths, strict=True))
    return f"| {' | '.join(cells)} |"


def _spread(values: Sequence[float], unit: str) -> str:
    if not values:
        return ""
    middle, least, most = (_number(pick(values)) for pick in (statistics.median, min, max))
    spread = "" if least == most else f" ({least} to {most})"
    return f"{middle}{f' {unit}' if unit else ''}{spread}"


def _number(value: float) -> str:
    if value >= 100:
        return f"{value:,.0f}"
    return f"{value:.1f}" if value >= 5 else f"{value:.2f}"


def _memory() -> float:
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 1e9
