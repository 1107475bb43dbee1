"""Offer options as buttons under a message.

A button carries at most 64 bytes back to us. An option whose id is longer (or looks like what
follows) is sent as ``o:<index>``. Its choice quotes the message that offered it, whose options the
hub knows, so that it can put the id back.
"""

import re
from collections.abc import Iterable
from typing import Final

from hubbub.sdk import Choices, Option

#: Buttons under one message, as far as is known: the Bot API names no limit.
OPTIONS: Final = 100

#: Bytes of ``callback_data`` - Bot API, "InlineKeyboardButton".
_LONGEST: Final = 64
_BY_INDEX: Final = re.compile(r"o:[0-9]+")


def keyboard(options: Iterable[Option]) -> dict[str, object]:
    """Return ``options`` as an inline keyboard, one below the other."""
    rows = [
        [{"text": option.title, "callback_data": callback_data(index, option.id)}]
        for index, option in enumerate(options)
    ]
    return {"inline_keyboard": rows}


def callback_data(index: int, option_id: str) -> str:
    """Return what the button of the option ``option_id`` carries: the id, or ``o:<index>``."""
    fits = 0 < len(option_id.encode()) <= _LONGEST
    return option_id if fits and not _BY_INDEX.fullmatch(option_id) else f"o:{index}"


def described(choices: Choices) -> str:
    """Return the text of ``choices`` with the descriptions, for which buttons have no room."""
    lines = [f"{o.title}: {o.description}" for o in choices.options if o.description]
    return "\n".join([choices.text, "", *lines]) if lines else choices.text
