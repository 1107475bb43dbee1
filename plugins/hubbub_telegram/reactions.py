"""Say what changed when a person reacted. Source: Bot API, "MessageReactionUpdated"."""

from collections.abc import Iterator
from typing import Final

from hubbub.sdk import Event, MessageReceived, Reaction, Sender
from hubbub_telegram.about import About
from hubbub_telegram.addresses import external_id
from hubbub_telegram.wire import MessageReaction, ReactionType, moment

#: What stands for a reaction that is no plain emoji.
_ODD: Final = {"paid": "⭐"}
_ANY: Final = "❔"


def reacted(reaction: MessageReaction, about: About) -> Iterator[Event]:
    """Yield a message for each emoji that is new, or one for what is left."""
    sender = _reactor(reaction)
    emoji = _changes(reaction)
    if reason := about.outside(reaction.chat):
        yield about.ignored(reason)
    elif sender is None or (reaction.user and reaction.user.is_bot):
        yield about.ignored("No person reacted.")
    elif not emoji:
        yield about.ignored("The reactions are what they were.")
    else:
        for index, each in enumerate(emoji):
            key = f"{about.key}:{index}" if index else about.key
            yield _said(reaction, each, sender, key)


def _said(reaction: MessageReaction, emoji: str, sender: Sender, key: str) -> MessageReceived:
    chat = reaction.chat
    private = chat.type == "private"
    target = external_id(chat.id, reaction.message_id)
    return MessageReceived(
        key=key,
        sender=sender,
        content=Reaction(emoji=emoji, target_external_id=target),
        provider_at=moment(reaction.date),
        reply_address=None if private else str(chat.id),
        reply_name=None if private else chat.name,
    )


def _reactor(reaction: MessageReaction) -> Sender | None:
    if reaction.user:
        return Sender(address=str(reaction.user.id), name=reaction.user.name)
    if reaction.actor_chat:
        return Sender(address=str(reaction.actor_chat.id), name=reaction.actor_chat.name)
    return None


def _changes(reaction: MessageReaction) -> list[str]:
    """Return the emoji that were added; else what is left after one was taken away."""
    before = [_emoji(each) for each in reaction.old_reaction]
    after = [_emoji(each) for each in reaction.new_reaction]
    added = [emoji for emoji in after if emoji not in before]
    if added or set(before) == set(after):
        return added
    return after[-1:] or [""]


def _emoji(reaction: ReactionType) -> str:
    return reaction.emoji or _ODD.get(reaction.type, _ANY)
