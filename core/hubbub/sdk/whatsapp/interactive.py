"""Say options to pick from as buttons or as a list. Source: "Interactive messages"."""

from collections.abc import Mapping
from typing import Any, Final

from hubbub.sdk import Choices, Option

#: Characters of the text above the options.
BODY_LIMIT: Final = 1024
#: Rows of a list, over all its sections.
OPTIONS: Final = 10

_BUTTONS: Final = 3
_BUTTON_TITLE: Final = 20
_ROW_TITLE: Final = 24
_ROW_DESCRIPTION: Final = 72
#: Characters of an id; those of buttons may have 256.
_ID: Final = 200
#: What people press to see a list; the SDK's `Choices` have no word for it.
_OPEN: Final = "☰"


def native(choices: Choices) -> bool:
    """Whether WhatsApp can show these options; else they become a numbered menu."""
    titles = [option.title for option in choices.options]
    short = all(0 < len(title) <= _ROW_TITLE for title in titles)
    # Meta refuses options that look the same.
    return short and 0 < len(titles) <= OPTIONS and len(set(titles)) == len(titles)


def interactive(choices: Choices) -> Mapping[str, Any]:
    """Return the interactive message that shows `native` ``choices``."""
    body = {"text": choices.text}
    if _as_buttons(choices.options):
        return {"type": "button", "body": body, "action": {"buttons": _buttons(choices.options)}}
    sections = [{"rows": _rows(choices.options)}]
    return {"type": "list", "body": body, "action": {"button": _OPEN, "sections": sections}}


def _as_buttons(options: tuple[Option, ...]) -> bool:
    # Buttons have no room for a description.
    fits = all(len(option.title) <= _BUTTON_TITLE and not option.description for option in options)
    return fits and len(options) <= _BUTTONS


def _buttons(options: tuple[Option, ...]) -> list[Mapping[str, Any]]:
    keys = _keys(options)
    return [
        {"type": "reply", "reply": {"id": key, "title": option.title}}
        for key, option in zip(keys, options, strict=True)
    ]


def _rows(options: tuple[Option, ...]) -> list[Mapping[str, str]]:
    keys = _keys(options)
    return [_row(key, option) for key, option in zip(keys, options, strict=True)]


def _row(key: str, option: Option) -> Mapping[str, str]:
    row = {"id": key, "title": option.title}
    if option.description:
        row["description"] = option.description[:_ROW_DESCRIPTION]
    return row


def _keys(options: tuple[Option, ...]) -> list[str]:
    """Return the ids, or short keys that the hub turns back into them, where Meta takes none."""
    ids = [option.id for option in options]
    usable = all(0 < len(key) <= _ID for key in ids) and len(set(ids)) == len(ids)
    return ids if usable else [f"o:{number}" for number in range(len(ids))]
