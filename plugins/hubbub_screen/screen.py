"""Compare addresses and words with the lists of the operator."""

import re
from collections.abc import Callable, Sequence
from typing import ClassVar

from hubbub.sdk import (
    Attachment,
    Choice,
    Choices,
    Content,
    Drop,
    Email,
    Hold,
    Incoming,
    Outgoing,
    Quarantine,
    Refuse,
    Text,
    hookimpl,
)
from hubbub_screen.options import ScreenOptions


class Screen:
    """The plugin, made with the operator's lists."""

    Options: ClassVar = ScreenOptions

    def __init__(self, options: ScreenOptions) -> None:
        self._blocked = _blocking(options.block)
        self._suspect = _finding(options.quarantine)
        self._confidential = _finding(options.hold)
        self._holds_people = options.hold_people

    @hookimpl
    def screen_inbound(self, message: Incoming) -> Drop | Quarantine | None:
        """Drop what a blocked address sent; set aside what has suspect words."""
        if self._blocked(message.address):
            return Drop(reason=f"The address {message.address} is blocked.")
        found = self._suspect(_said(message.content))
        return Quarantine(reason=f"It says “{found}”.") if found else None

    @hookimpl
    def screen_outbound(self, message: Outgoing) -> Refuse | Hold | None:
        """Send nothing to a blocked address; let a person look at confidential words first."""
        if self._blocked(message.address):
            return Refuse(reason=f"The address {message.address} is blocked.")
        if message.author.startswith("user:") and not self._holds_people:
            return None
        found = self._confidential(_said(message.content))
        return Hold(reason=f"It says “{found}”.") if found else None


def _blocking(addresses: Sequence[str]) -> Callable[[str], bool]:
    whole = frozenset(address for address in addresses if not address.endswith("*"))
    starts = tuple(address[:-1] for address in addresses if address.endswith("*"))

    def blocked(address: str) -> bool:
        address = address.casefold()
        return address in whole or address.startswith(starts)

    return blocked


def _finding(phrases: Sequence[str]) -> Callable[[str], str]:
    """Return what finds the first of ``phrases`` in a text, as words of its own; "" if none is."""
    if not phrases:
        return lambda _: ""
    search = re.compile(rf"(?<!\w)(?:{'|'.join(map(re.escape, phrases))})(?!\w)").search

    def find(text: str) -> str:
        found = search(" ".join(text.casefold().split()))
        return found[0] if found else ""

    return find


def _said(content: Content) -> str:
    match content:
        case Text(text=text) | Choice(title=text):
            return text
        case Choices(text=text, options=options):
            return " ".join([text, *(option.title for option in options)])
        case Attachment(caption=caption):
            return caption or ""
        case Email(subject=subject, text=text):
            return f"{subject} {text}"
    return ""
