"""Write the page that compares the channel types, from their manifests: ``make docs``."""

from collections.abc import Callable, Iterable, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any, Final, TypeAlias

from hubbub.loading import load
from hubbub.sdk import ATTACHMENT_TYPES, CONTENT_TYPES, Capabilities, ChannelType, Limit

HERE: Final = Path(__file__).parent
PAGE: Final = HERE / "index.md"
Types: TypeAlias = Sequence[ChannelType[Any]]
_Cell: TypeAlias = Callable[[Capabilities], str]

_NONE: Final = "-"
_HEAD: Final = """\
# Channels

What each channel type can do, as its manifest says it: the composer, the fitting of messages, the
API and the conformance kit go by the same. `make docs` writes this page; a plugin of yours declares
the like (see [adding a channel](../adding-a-channel.md)).
"""
_CONTENT: Final = """\
## What can be said

*in*: contacts can send it to us. *out*: we can send it as it is; what is not carried goes as text
where text can say it (a menu with numbers, a link to the file), and is refused where it cannot.
Whoever answers a menu with a number or its words picks a `choice` on every channel, as long as
nothing was sent after the menu.
"""
_FILES: Final = """\
## Files

The largest that can be sent, by their kind.
"""


def built_in() -> Types:
    """Return the channel types that come with the hub, by their labels."""
    loaded = load(HERE.parents[1] / "plugins.toml").channels.values()
    return sorted(loaded, key=lambda one: one.label)


def page(types: Types) -> str:
    """Return the page about ``types``."""
    said = [(f"`{name}`", _directions(name)) for name in CONTENT_TYPES if name != "unsupported"]
    files = [(f"`{name}`", _largest(name)) for name in sorted(ATTACHMENT_TYPES)]
    return (
        "\n".join(
            [
                _HEAD,
                _CONTENT,
                *_table(types, said),
                _FILES,
                *_table(types, files),
                "## Limits and manners\n",
                *_table(types, _MANNERS),
            ]
        ).rstrip("\n")
        + "\n"
    )


def _table(types: Types, rows: Iterable[tuple[str, _Cell]]) -> list[str]:
    """Return a row for each ability and a column for each type, without rows that say nothing."""
    lines = [_line("", [_linked(one) for one in types]), "|---" * (len(types) + 1) + "|"]
    for name, cell in rows:
        cells = [cell(one.capabilities) for one in types]
        if set(cells) != {_NONE}:
            lines.append(_line(name, cells))
    return [*lines, ""]


def _line(name: str, cells: Iterable[str]) -> str:
    return f"| {' | '.join([name, *cells])} |"


def _linked(one: ChannelType[Any]) -> str:
    return f"[{one.label}]({one.type}.md)" if (HERE / f"{one.type}.md").exists() else one.label


# --- cells ---------------------------------------------------------------------------------


def _directions(name: str) -> _Cell:
    def cell(can: Capabilities) -> str:
        ways = {"in": name in can.inbound, "out": name in can.outbound}
        return ", ".join(way for way, open_ in ways.items() if open_) or _NONE

    return cell


def _largest(name: str) -> _Cell:
    return lambda can: _size(can.media[name].max_size) if name in can.media else _NONE


def _size(count: int) -> str:
    """Return a number of bytes for people, in the unit that divides it."""
    for factor, unit in ((1 << 20, "MiB"), (10**6, "MB"), (1 << 10, "KiB"), (10**3, "kB")):
        if count % factor == 0:
            return f"{count // factor} {unit}"
    return f"{count} bytes"


def _text(can: Capabilities) -> str:
    unit = "UTF-16 units" if can.text_unit == "utf16" else "characters"
    return f"{can.text_limit} {unit}"


def _pace(can: Capabilities) -> str:
    return "; ".join(map(_rate, can.limits)) or _NONE


def _rate(limit: Limit) -> str:
    every = limit.count / limit.per.total_seconds()
    pace = f"{every:g} a second" if every >= 1 else f"one in {1 / every:g} s"
    if limit.scope == "channel":
        return pace
    return f"{pace} to an address{f' that begins with {limit.only}' if limit.only else ''}"


def _window(can: Capabilities) -> str:
    if can.window is None:
        return "always"
    return f"{can.window // timedelta(hours=1)} h after the contact's last message; then templates"


def _yes(holds: Callable[[Capabilities], object]) -> _Cell:
    return lambda can: "yes" if holds(can) else "no"


_MANNERS: Final[Sequence[tuple[str, _Cell]]] = (
    ("a text", _text),
    ("a caption", lambda can: f"{can.caption_limit} characters" if can.caption_limit else _NONE),
    ("options to choose from", lambda can: str(can.options) if can.options else _NONE),
    ("receipts", lambda can: ", ".join(_in_order(can.receipts)) or _NONE),
    ("quotes", _yes(lambda can: can.replies)),
    ("we may write first", _yes(lambda can: can.initiates)),
    ("when we may write freely", _window),
    ("our pace, unless the channel sets its own", _pace),
    ("the hub enters its webhook itself", _yes(lambda can: can.registers_webhook)),
    ("the hub reads the templates", _yes(lambda can: can.templates)),
    ("a lost answer can be asked for", _yes(lambda can: can.finds)),
)


def _in_order(receipts: Iterable[str]) -> list[str]:
    return sorted(receipts, key=("sent", "delivered", "read").index)


if __name__ == "__main__":
    PAGE.write_text(page(built_in()))
