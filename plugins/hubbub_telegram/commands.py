"""Read bot commands out of a text. Offsets count UTF-16 code units, as Telegram's do."""

import re
from collections.abc import Iterable
from typing import Final

from hubbub.sdk import System
from hubbub_telegram.wire import Entity

_ENCODING: Final = "utf-16-le"
#: A deep link's payload - Bot API, "Deep linking". What else follows /start a person typed.
_START: Final = re.compile(r"/start(?:@\w+)?(?:\s+([A-Za-z0-9_-]{1,64}))?\s*")


def entity_text(text: str, entity: Entity) -> str:
    """Return the stretch of ``text`` that ``entity`` marks."""
    start, end = _bounds(entity)
    return text.encode(_ENCODING)[start:end].decode(_ENCODING, errors="ignore")


def started(text: str) -> System | None:
    """Return the opening of a conversation that ``/start`` or a deep link stands for, or None."""
    found = _START.fullmatch(text)
    return System(event="started", detail=found[1]) if found else None


def for_another_bot(text: str, entities: Iterable[Entity], username: str) -> bool:
    """Whether ``text`` begins with a command that names a bot other than ``username``."""
    first = next((e for e in entities if e.type == "bot_command" and e.offset == 0), None)
    if first is None or not username:
        return False
    named = entity_text(text, first).partition("@")[2]
    return bool(named) and named.lower() != username.lower()


def without_bot_name(text: str, entities: Iterable[Entity], username: str) -> str:
    """Return ``text`` with each ``/help@username`` cut to ``/help``."""
    commands = [entity for entity in entities if entity.type == "bot_command"]
    if not commands or not username:
        return text
    units = text.encode(_ENCODING)
    # From the last to the first, so that the offsets of those still to come hold.
    for entity in sorted(commands, key=lambda entity: entity.offset, reverse=True):
        command, _, named = entity_text(text, entity).partition("@")
        if named.lower() == username.lower():
            start, end = _bounds(entity)
            units = units[:start] + command.encode(_ENCODING) + units[end:]
    return units.decode(_ENCODING, errors="ignore")


def _bounds(entity: Entity) -> tuple[int, int]:
    return 2 * entity.offset, 2 * (entity.offset + entity.length)
