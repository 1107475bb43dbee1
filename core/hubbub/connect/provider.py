"""Ask a provider about a channel: no transaction is open, and no plugin's failure is ours."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any, Literal, TypeVar, cast

import structlog
from sqlalchemy import Row

from hubbub.connect.rules import (
    Asked,
    connection_secrets,
    from_answer,
    from_failure,
    open_connection,
)
from hubbub.connect.sites import findings_of
from hubbub.exchange import run
from hubbub.hub import Hub
from hubbub.people.errors import Conflict
from hubbub.plugins import ChannelHooks
from hubbub.redact import Redactor, registry
from hubbub.sdk.errors import HubError
from hubbub.sdk.templates import MessageTemplate
from hubbub.sdk.values import Connection, Exchange

T = TypeVar("T")
log = structlog.get_logger(__name__)


def ask(hub: Hub, row: Row[Any], verb: Literal["setup", "check"]) -> Asked:
    """Set a channel up at its provider, or only look how it is; say what came of it.

    A type that cannot be asked is taken as it is: connected.
    """
    try:
        hooks = hub.plugins.channel(row.type)
        connection = open_connection(hub, row)
    except HubError as error:
        return from_failure(error)
    asked = ask_connection(hub, hooks, connection, verb)
    return replace(asked, findings=(*asked.findings, *findings_of(hub, connection)))


def ask_connection(
    hub: Hub, hooks: ChannelHooks, connection: Connection[Any], verb: Literal["setup", "check"]
) -> Asked:
    """Do what `ask` does with a connection, be there a channel for it or not."""
    try:
        verb = "check" if verb == "setup" and not hooks.offers("setup") else verb
        if not hooks.offers(verb):
            return Asked(status="connected")
        exchange = hooks.setup if verb == "setup" else hooks.check
        checked = _talk(hub, exchange, connection)
    except HubError as error:
        return from_failure(error)
    return from_answer(checked)


def list_templates(hub: Hub, row: Row[Any]) -> tuple[MessageTemplate, ...]:
    """Return the templates that a channel has at its provider.

    Raises `HubError` where it has none to list, or does not answer.
    """
    hooks = hub.plugins.channel(row.type)
    if not hooks.capabilities.templates:
        raise Conflict(
            "This provider lists no templates: where it takes any, they are not checked.",
            code="no_templates",
        )
    return _talk(hub, hooks.templates, open_connection(hub, row))


def say_goodbye(hub: Hub, row: Row[Any]) -> None:
    """Undo the set-up of a channel at its provider, as well as can be."""
    try:
        hooks: ChannelHooks = hub.plugins.channel(row.type)
        if hooks.offers("teardown"):
            _talk(hub, hooks.teardown, open_connection(hub, row))
    except HubError as error:
        log.info("channel not taken down", channel=row.id, error=error.code)


def _talk(
    hub: Hub, exchange: Callable[[Connection[Any]], Exchange[T]], connection: Connection[Any]
) -> T:
    secrets = connection_secrets(connection)
    registry.add(secrets)
    ran = run(
        exchange(connection),
        hub.http,
        redact=Redactor(secrets),
        files=lambda media: hub.media.get(media.id),
    )
    if ran.error is not None:
        raise ran.error
    return cast("T", ran.value)
