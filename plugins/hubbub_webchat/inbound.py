"""Turn one call of the window into events."""

from collections.abc import Iterator, Sequence
from datetime import datetime

from pydantic import ValidationError

from hubbub.sdk import (
    AddressChanged,
    Event,
    MessageReceived,
    ReceiptReceived,
    ReceiptState,
    Sender,
    SentElsewhere,
    System,
    Text,
    Unreadable,
    from_json,
)
from hubbub.sdk.widget import Greeting
from hubbub.sdk.widget_calls import (
    VisitorLeft,
    VisitorProven,
    VisitorRated,
    VisitorSaw,
    VisitorWrote,
    WidgetCall,
)
from hubbub_webchat.manifest import CAPABILITIES


def events_of(said: WidgetCall, at: datetime, greetings: Sequence[Greeting]) -> Iterator[Event]:
    """Yield what a visitor did at ``at``."""
    match said:
        case VisitorWrote():
            yield from _greeted(said, at, greetings)
            yield _message(said, at)
        case VisitorSaw():
            yield from _receipts(said, at)
        case VisitorLeft():
            yield _aside(said, at, System(event="left"))
        case VisitorRated():
            rating = ": ".join(filter(None, (f"{said.stars} of 5", said.comment)))
            yield _aside(said, at, System(event="rated", detail=rating))
        case VisitorProven():
            yield AddressChanged(
                key=f"proven:{said.before}",
                address=said.before,
                moved_to=said.visitor,
                state=None,
                reason="The site has proven who the visitor is.",
            )


def _greeted(said: VisitorWrote, at: datetime, greetings: Sequence[Greeting]) -> Iterator[Event]:
    """Yield the greeting that a first message answers: until then nobody but the page knew it."""
    for greeting in greetings:
        if greeting.id == said.greeting:
            yield SentElsewhere(
                # By whom it greets: first words that come at once answer one greeting.
                key=f"greeting:{said.visitor}",
                external_id=f"greeting:{said.visitor}",
                address=said.visitor,
                content=Text(text=greeting.content),
                by=f"greeting {greeting.id}",
                provider_at=at,
            )


def _message(said: VisitorWrote, at: datetime) -> Event:
    try:
        content = from_json(said.content)
    except ValidationError:
        return Unreadable(reason="The visitor's message has no content that is known here.")
    if content.type not in CAPABILITIES.inbound:
        return Unreadable(reason=f"Visitors send nothing like this: {content.type}.")
    return MessageReceived(
        # The window makes the id once, and says it again with each try.
        key=f"message:{said.client_id}",
        external_id=said.client_id,
        sender=Sender(address=said.visitor, name=said.name),
        content=content,
        provider_at=at,
    )


def _aside(said: VisitorLeft | VisitorRated, at: datetime, content: System) -> Event:
    """Return what agents see as a line of the conversation, and nobody has to answer."""
    return MessageReceived(
        key=f"{said.kind}:{said.client_id}",
        external_id=said.client_id,
        sender=Sender(address=said.visitor),
        content=content,
        provider_at=at,
        not_routed="Nobody has to answer it.",
    )


def _receipts(said: VisitorSaw, at: datetime) -> Iterator[Event]:
    for reference in said.references:
        yield ReceiptReceived(
            key=f"{said.state}:{reference}",
            state=ReceiptState(said.state),
            reference=reference,
            provider_at=at,
        )
