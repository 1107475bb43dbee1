"""Connect Telegram bots to the hub."""

from collections.abc import Iterable
from typing import Any

from hubbub.sdk import ChannelType, Source, hookimpl
from hubbub_telegram.channel import Telegram
from hubbub_telegram.source import TelegramUpdates

__all__ = ["Telegram", "TelegramUpdates", "register_channel_types", "register_sources"]


@hookimpl
def register_channel_types() -> Iterable[ChannelType[Any]]:
    """Return the one channel type of this plugin."""
    return [Telegram()]


@hookimpl
def register_sources() -> Iterable[Source]:
    """Return the long poll for hubs without a public https address."""
    return [TelegramUpdates()]
