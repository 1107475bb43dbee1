"""Read what the Page itself says: through us, through other apps, in its inbox.

Also who may answer: "Conversation Routing", the former Handover Protocol.
"""

from collections.abc import Iterator
from typing import Final

from hubbub.sdk import Content, Event, SentElsewhere, System
from hubbub_messenger import receipts, wire
from hubbub_messenger.content import contents_of
from hubbub_messenger.occasion import Occasion

_PAGE_INBOX: Final = "263902037430900"


def echo(occasion: Occasion, said: wire.Message) -> Iterator[Event]:
    """Yield the receipt that an echo of ours is, or what somebody else wrote for the Page."""
    ours = receipts.echo(occasion, said)
    if ours:
        yield ours
        return
    for number, content in enumerate(contents_of(said)):
        first = number == 0
        yield SentElsewhere(
            key=f"message:{said.mid}" if first else f"message:{said.mid}:{number}",
            address=occasion.contact,
            content=content,
            external_id=said.mid if first else None,
            by=_app(said.app_id) if said.app_id else "",
            provider_at=occasion.at,
        )


def passed(occasion: Occasion, control: wire.Control) -> Iterator[Event]:
    """Yield that an app gave the chat to another."""
    yield _note(occasion, "control_passed", control)


def taken(occasion: Occasion, control: wire.Control) -> Iterator[Event]:
    """Yield that an app took the chat."""
    yield _note(occasion, "control_taken", control)


def requested(occasion: Occasion, control: wire.Control) -> Iterator[Event]:
    """Yield that an app wants the chat."""
    yield _note(occasion, "control_requested", control)


def _note(occasion: Occasion, event: str, control: wire.Control) -> Event:
    # Nothing that the contact did: it must not look like a message of theirs.
    content: Content = System(event=event, detail=_who(control, occasion.settings.app_id))
    return SentElsewhere(
        key=occasion.key(event),
        address=occasion.contact,
        content=content,
        by="Meta",
        provider_at=occasion.at,
    )


def _who(control: wire.Control, our_app: str) -> str | None:
    told = (
        ("from", control.previous_owner_app_id),
        ("to", control.new_owner_app_id),
        ("by", control.requested_owner_app_id),
    )
    words = [f"{word} {'us' if app == our_app else _app(app)}" for word, app in told if app]
    return ", ".join(words) or None


def _app(app_id: str) -> str:
    return "Page inbox" if app_id == _PAGE_INBOX else f"app {app_id[:40]}"
