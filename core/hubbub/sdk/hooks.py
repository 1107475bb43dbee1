"""Specify every hook: what it is called for, where, and what an exception does.

A `ChannelType` or `RouteType` implements the ``channel_...`` and ``route_...`` hooks by
overriding methods (``send`` implements ``channel_send``); nothing is decorated. A plugin that
wants to act around all types implements the same hooks with ``@hookimpl(wrapper=True)``.
"""

# The arguments of a specification are there for their names and types.

from collections.abc import Iterable
from datetime import timedelta
from typing import Any, Final

import pluggy

from hubbub.sdk.mailbox import MailboxType
from hubbub.sdk.routing import Inquiry, Outcome
from hubbub.sdk.screening import Drop, Hold, Incoming, Outgoing, Quarantine, Refuse
from hubbub.sdk.session import SessionType
from hubbub.sdk.telling import Channel, Conversation, Message
from hubbub.sdk.templates import MessageTemplate
from hubbub.sdk.types import ChannelType, ConditionType, Pages, RouteType, Source
from hubbub.sdk.values import (
    Accepted,
    Call,
    Checked,
    Connection,
    Draft,
    Event,
    Exchange,
    FetchedMedia,
    Part,
    Verdict,
)

PROJECT: Final = "hubbub"
hookspec = pluggy.HookspecMarker(PROJECT)
hookimpl = pluggy.HookimplMarker(PROJECT)


@hookspec
def register_channel_types() -> Iterable[ChannelType[Any]]:  # type: ignore[empty-body]  # a spec
    """Return the channel types a plugin offers; called at start in every process.

    An exception refuses the plugin and harms no other.
    """


@hookspec
def register_route_types() -> Iterable[RouteType]:  # type: ignore[empty-body]  # a spec
    """Return the route types a plugin offers; called at start in every process.

    An exception refuses the plugin and harms no other.
    """


@hookspec
def register_sources() -> Iterable[Source]:  # type: ignore[empty-body]  # a spec
    """Return the sources a plugin offers; called at start in every process.

    An exception refuses the plugin and harms no other.
    """


@hookspec
def register_sessions() -> Iterable[SessionType]:  # type: ignore[empty-body]  # a spec
    """Return the sessions a plugin offers; called at start in every process.

    An exception refuses the plugin and harms no other.
    """


@hookspec
def register_mailboxes() -> Iterable[MailboxType]:  # type: ignore[empty-body]  # a spec
    """Return the mailbox types a plugin offers; called at start in every process.

    An exception refuses the plugin and harms no other.
    """


@hookspec
def register_conditions() -> Iterable[ConditionType]:  # type: ignore[empty-body]  # a spec
    """Return kinds of condition for routes; called at start in every process.

    An exception refuses the plugin and harms no other.
    """


@hookspec(firstresult=True)
def contribute_blueprint() -> Pages:  # type: ignore[empty-body]  # a spec
    """Return pages, served under ``/plugins/<name>/``; called at start in web.

    An exception is logged, and the plugin has no pages.
    """


@hookspec(firstresult=True)
def contribute_commands() -> Iterable[Any]:  # type: ignore[empty-body]  # a spec
    """Return click commands, offered as ``hubbub <name> ...``; called when one of them is run.

    An exception is told to whoever ran it.
    """


@hookspec(firstresult=True)
def channel_account(connection: Connection[Any]) -> str | None:
    """Return what no second channel may share; in web, on saving. An exception refuses the form."""


@hookspec(firstresult=True)
def channel_family(connection: Connection[Any]) -> str | None:
    """Return what channels share that are called at one address; pure, in a worker."""


@hookspec(firstresult=True)
def channel_address(text: str, connection: Connection[Any]) -> str:  # type: ignore[empty-body]  # a spec
    """Return how the channel writes an address that somebody gave; `BadAddress` is answered 422."""


@hookspec(firstresult=True)
def channel_sender(connection: Connection[Any]) -> str | None:
    """Return the address from which we write, or None; pure, wherever a message is composed."""


@hookspec(firstresult=True)
def channel_owns(address: str, connection: Connection[Any]) -> bool:  # type: ignore[empty-body]  # a spec
    """Return whether an address is one of ours; pure, in web, where answers go to many."""


@hookspec(firstresult=True)
def channel_window(connection: Connection[Any], by_person: bool) -> timedelta | None:  # noqa: FBT001  # see there
    """Return how long free-form messages may follow a contact's; pure, where the gate is asked."""


@hookspec(firstresult=True)
def channel_verify(call: Call, connection: Connection[Any]) -> Verdict:  # type: ignore[empty-body]  # a spec
    """Say whether a call is authentic; pure, in web. An exception quarantines the call."""


@hookspec(firstresult=True)
def channel_parse(call: Call, connection: Connection[Any]) -> Iterable[Event]:  # type: ignore[empty-body]  # a spec
    """Yield the events of a kept call; pure, in a worker. An exception makes the call dead."""


@hookspec(firstresult=True)
def channel_render(  # type: ignore[empty-body]  # a spec
    draft: Draft, part: Part, connection: Connection[Any]
) -> tuple[Part, ...]:
    """Return a draft as parts the channel can carry; pure. `Unsupported` fails the message."""


@hookspec(firstresult=True)
def channel_send(part: Part, connection: Connection[Any]) -> Exchange[Accepted]:  # type: ignore[empty-body]  # a spec
    """Send one part; in a worker. A `SendError` says what to do, any other one is permanent."""


@hookspec(firstresult=True)
def channel_find(part: Part, connection: Connection[Any]) -> Exchange[Accepted | None]:  # type: ignore[empty-body]  # a spec
    """Ask the provider about a part whose answer was lost; in a worker."""


@hookspec(firstresult=True)
def channel_check(connection: Connection[Any]) -> Exchange[Checked]:  # type: ignore[empty-body]  # a spec
    """Ask the provider whether all is well; in web on request, in the scheduler by the clock."""


@hookspec(firstresult=True)
def channel_setup(connection: Connection[Any]) -> Exchange[Checked]:  # type: ignore[empty-body]  # a spec
    """Register our webhook at the provider; in web, after saving."""


@hookspec(firstresult=True)
def channel_teardown(connection: Connection[Any]) -> Exchange[None]:  # type: ignore[empty-body]  # a spec
    """Undo the set-up before a channel is deleted; in web. An exception is logged."""


@hookspec(firstresult=True)
def channel_templates(connection: Connection[Any]) -> Exchange[tuple[MessageTemplate, ...]]:  # type: ignore[empty-body]  # a spec
    """Return every template of the channel; in web on request, in a worker by the clock."""


@hookspec(firstresult=True)
def channel_fetch_media(ref: str, connection: Connection[Any]) -> Exchange[FetchedMedia]:  # type: ignore[empty-body]  # a spec
    """Fetch a file that a contact sent; in a worker. A `SendError` says whether to retry."""


@hookspec(firstresult=True)
def channel_read_media(  # type: ignore[empty-body]  # a spec
    ref: str, call: Call, connection: Connection[Any]
) -> FetchedMedia:
    """Return a file that came within its call; pure, in a worker; not called unless offered."""


@hookspec(firstresult=True)
def channel_profile(address: str, connection: Connection[Any]) -> Exchange[str | None]:  # type: ignore[empty-body]  # a spec
    """Ask what a nameless contact is called; in a worker. An exception is logged."""


@hookspec(firstresult=True)
def channel_acknowledge(call: Call, connection: Connection[Any]) -> Exchange[None]:  # type: ignore[empty-body]  # a spec
    """Tell the provider that a call was processed; in a worker. An exception is logged."""


@hookspec(firstresult=True)
def channel_wants_ack(call: Call) -> bool:  # type: ignore[empty-body]  # a spec
    """Say whether the provider waits for `channel_acknowledge`; pure, in a worker."""


@hookspec(firstresult=True)
def channel_mark_read(  # type: ignore[empty-body]  # a spec
    address: str, external_id: str, connection: Connection[Any]
) -> Exchange[None]:
    """Tell a contact that a message of theirs was read; in a worker. An exception is logged."""


@hookspec(firstresult=True)
def channel_typing(  # type: ignore[empty-body]  # a spec
    address: str, external_id: str, connection: Connection[Any]
) -> Exchange[None]:
    """Show that somebody is writing; in a worker. An exception is logged."""


@hookspec(firstresult=True)
def route_handle(inquiry: Inquiry, settings: Any) -> Exchange[Outcome]:  # type: ignore[empty-body]  # a spec
    """Decide what to do with a message; in a worker. A `SendError` sends it to the fallback."""


@hookspec(firstresult=True)
def route_resume(inquiry: Inquiry, settings: Any, answer: object) -> Outcome:  # type: ignore[empty-body]  # a spec
    """Turn a later answer into what to do; in web. `MalformedPayload` is answered 422."""


@hookspec(firstresult=True)
def screen_inbound(message: Incoming) -> Drop | Quarantine | None:
    """Say whether a message is to be kept out, or None; pure, in a worker.

    An exception is logged and counts as None.
    """


@hookspec(firstresult=True)
def screen_outbound(message: Outgoing) -> Refuse | Hold | None:
    """Say whether a message must not go out, or None; pure, in web and in a worker.

    An exception is logged and counts as None.
    """


@hookspec
def message_received(message: Message) -> None:
    """Hear of a message that came in, after it was stored; in a worker. Exceptions are logged."""


@hookspec
def message_routed(message: Message) -> None:
    """Hear where a message went, or that the fallback has it now; in a worker.

    Exceptions are logged.
    """


@hookspec
def delivery_advanced(message: Message, status: str) -> None:
    """Hear that the status of an outbound message moved to ``status``; in a worker.

    Exceptions are logged.
    """


@hookspec
def channel_status_changed(channel: Channel) -> None:
    """Hear of a channel's new status or reason; in a worker. Exceptions are logged."""


@hookspec
def conversation_changed(conversation: Conversation) -> None:
    """Hear of a new conversation, or of its new status, owner, assignee or tags; in a worker.

    Exceptions are logged.
    """
