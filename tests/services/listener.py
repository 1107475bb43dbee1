"""A plugin that is a module: it hears of messages, and refuses what says so."""

from hubbub.sdk import Refuse, hookimpl, preview

heard: list[tuple[object, ...]] = []


@hookimpl
def message_received(message):
    heard.append(("message_received", message))


@hookimpl
def screen_outbound(message):
    return Refuse(reason="No.") if preview(message.content).startswith("refuse") else None
