"""A plugin as somebody else might write it: it uses every hook that is no channel's and no route's.

It imports nothing of ours but the SDK, and the libraries of what it contributes.
"""

import click
from flask import Blueprint, g

from hubbub.sdk import (
    ConditionType,
    Drop,
    Fields,
    Hold,
    Pages,
    Quarantine,
    Refuse,
    hookimpl,
    preview,
)


class Options(Fields):
    """What an operator decides in plugins.toml."""

    open_to: str = "people"
    #: Hooks that fail.
    broken: tuple[str, ...] = ()
    #: Hooks whose answer is no answer at all.
    silly: tuple[str, ...] = ()


class LengthFields(Fields):
    above: int


class Length(ConditionType):
    """Looks at how long a message is."""

    type = "length"
    label = "length"
    fields = LengthFields

    def holds(self, subject, settings):
        if settings.above == 666:
            raise RuntimeError("the condition is broken")
        return len(preview(subject.content)) > settings.above

    def describe(self, settings):
        return f"length is above {settings.above}"


class Guest:
    """The plugin: made once, with its settings."""

    Options = Options

    def __init__(self, options):
        self.options = options
        self.heard = []

    def _note(self, hook, *told):
        self.heard.append((hook, *told))
        if hook in self.options.broken:
            raise RuntimeError(f"{hook} is broken")
        return object() if hook in self.options.silly else None

    @hookimpl
    def message_received(self, message):
        self._note("message_received", message)

    @hookimpl
    def message_routed(self, message):
        self._note("message_routed", message)

    @hookimpl
    def delivery_advanced(self, message, status):
        self._note("delivery_advanced", message, status)

    @hookimpl
    def channel_status_changed(self, channel):
        self._note("channel_status_changed", channel)

    @hookimpl
    def conversation_changed(self, conversation):
        self._note("conversation_changed", conversation)

    @hookimpl
    def screen_inbound(self, message):
        verdict = self._note("screen_inbound", message)
        word = preview(message.content).partition(" ")[0]
        if word in {"drop", "quarantine"}:
            return {"drop": Drop, "quarantine": Quarantine}[word](reason=f"It says {word}.")
        return verdict

    @hookimpl
    def screen_outbound(self, message):
        verdict = self._note("screen_outbound", message)
        word = preview(message.content).partition(" ")[0]
        if word in {"refuse", "hold"}:
            return {"refuse": Refuse, "hold": Hold}[word](reason=f"It says {word}.")
        return verdict

    @hookimpl(wrapper=True)
    def channel_send(self, part):
        self.heard.append(("sending", part.address))
        return (yield)

    @hookimpl
    def register_conditions(self):
        return [Length()]

    @hookimpl
    def contribute_blueprint(self):
        self._note("contribute_blueprint")
        pages = Blueprint("guest", __name__)

        @pages.route("/", methods=["GET", "POST"])
        def index():
            self._note("page")
            return f"Hello {g.person.email}" if "person" in g else "Hello stranger"

        return Pages(blueprint=pages, open_to=self.options.open_to)

    @hookimpl
    def contribute_commands(self):
        self._note("contribute_commands")

        @click.command("greet")
        @click.argument("name")
        def greet(name):
            """Greet somebody."""
            click.echo(f"Hello {name}, the plugin is open to {self.options.open_to}.")

        return [greet]
