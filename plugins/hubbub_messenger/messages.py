"""Read what contacts write and do. Source: Messenger Platform, "Webhooks reference"."""

from collections.abc import Iterator

from hubbub.sdk import (
    Choice,
    Content,
    Event,
    Ignored,
    MessageDeleted,
    MessageEdited,
    MessageReceived,
    System,
    Text,
)
from hubbub_messenger import echoes, wire
from hubbub_messenger.content import contents_of, reaction_of
from hubbub_messenger.occasion import Occasion


def message(occasion: Occasion, said: wire.Message) -> Iterator[Event]:
    """Yield a message as the messages it becomes: a text, and one for each attachment."""
    if said.is_deleted:
        yield MessageDeleted(
            key=f"deleted:{said.mid}", external_id=said.mid, deleted_at=occasion.at
        )
    elif said.is_echo or occasion.by_page:
        yield from echoes.echo(occasion, said)
    else:
        if said.referral:
            yield _came(occasion, said.referral, event="referral")
        for number, content in enumerate(contents_of(said)):
            yield _received(occasion, content, said.mid, said.reply_to.mid, number)


def edit(occasion: Occasion, said: wire.Edit) -> Iterator[Event]:
    """Yield the new text of a message."""
    yield MessageEdited(
        key=f"edit:{said.mid}:{said.num_edit}",
        external_id=said.mid,
        content=Text(text=said.text),
        edited_at=occasion.at,
    )


def reaction(occasion: Occasion, said: wire.Reaction) -> Iterator[Event]:
    """Yield a reaction, or its taking back."""
    if occasion.by_page:
        yield Ignored(reason="The Page itself reacted.")
        return
    yield MessageReceived(
        key=occasion.key("reaction", said.mid, said.action, said.emoji),
        sender=occasion.sender,
        content=reaction_of(said),
        provider_at=occasion.at,
        not_routed=occasion.not_routed,
    )


def postback(occasion: Occasion, said: wire.Postback) -> Iterator[Event]:
    """Yield the tap on a button, and by which link or ad it came about."""
    if said.referral:
        yield _came(occasion, said.referral, event="referral")
    choice = Choice(id=said.payload or said.title, title=said.title or said.payload)
    if said.mid:
        yield _received(occasion, choice, said.mid)
        return
    yield MessageReceived(
        key=occasion.key("postback", said.payload),
        sender=occasion.sender,
        content=choice,
        provider_at=occasion.at,
        not_routed=occasion.not_routed,
    )


def referral(occasion: Occasion, said: wire.Referral) -> Iterator[Event]:
    """Yield that somebody came by a link or an ad and has not written yet."""
    yield _came(occasion, said, event="started")


def optin(occasion: Occasion, said: wire.Optin) -> Iterator[Event]:
    """Yield that somebody agreed to something."""
    details = [said.title, said.payload, said.ref]
    yield MessageReceived(
        key=occasion.key("optin", said.type, *details),
        sender=occasion.sender,
        content=System(event="optin", detail=", ".join(filter(None, details)) or None),
        provider_at=occasion.at,
        not_routed=occasion.not_routed,
    )


def _came(occasion: Occasion, said: wire.Referral, *, event: str) -> Event:
    words = {"ref": said.ref, "source": said.source, "type": said.type, "ad_id": said.ad_id}
    detail = ", ".join(f"{name}={word}" for name, word in words.items() if word)
    return MessageReceived(
        key=occasion.key("referral", *words.values()),
        sender=occasion.sender,
        content=System(event=event, detail=detail or None),
        provider_at=occasion.at,
        not_routed=occasion.not_routed,
    )


def _received(
    occasion: Occasion, content: Content, mid: str, quoted: str = "", number: int = 0
) -> Event:
    # All parts have the message's id, so that they go together when it is taken back; edits and
    # quotations by that id mean the first.
    first = number == 0
    return MessageReceived(
        key=f"message:{mid}" if first else f"message:{mid}:{number}",
        sender=occasion.sender,
        content=content,
        external_id=mid,
        provider_at=occasion.at,
        reply_to_external_id=quoted or None if first else None,
        not_routed=occasion.not_routed,
    )
