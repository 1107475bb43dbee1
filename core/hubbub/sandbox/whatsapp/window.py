"""Say what of Meta's policy stands against a message that was accepted."""

import time
from typing import Final

from hubbub.sandbox.meta.refusal import Refused
from hubbub.sandbox.whatsapp import codes
from hubbub.sandbox.whatsapp.state import Cloud, Message, Number

_WINDOW: Final = 24 * 60 * 60


def is_open(number: Number, message: Message) -> bool:
    """Whether the person wrote within the last 24 hours."""
    return time.time() - number.chat(message.person).wrote_at < _WINDOW


def flaw(cloud: Cloud, number: Number, message: Message) -> int | None:
    """Return the code with which the message fails later, or None.

    Raises `Refused` where the rules say that a closed window is told at once.
    """
    person, rule = message.person, cloud.world.rules.whatsapp_window
    if message.kind != "template" and rule != "off" and not is_open(number, message):
        if rule == "at_once":
            raise Refused(codes.WINDOW_CLOSED, "More than 24 hours have passed.")
        return codes.WINDOW_CLOSED
    if not person.on_whatsapp or number.chat(person).blocked:
        return codes.UNDELIVERABLE
    if person.no_marketing and message.category == "MARKETING":
        return codes.OPTED_OUT
    return None
