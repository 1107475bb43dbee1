"""A plugin that is a module and only hears of messages."""

from hubbub.sdk import hookimpl

heard: list[tuple[object, ...]] = []


@hookimpl
def message_received(message):
    heard.append(("message_received", message))
