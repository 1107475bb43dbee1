"""Hold what is known of a call beside the words of its update."""

from dataclasses import dataclass
from typing import Final

from hubbub.sdk import Ignored
from hubbub_telegram.fields import TelegramConnection, bot_id
from hubbub_telegram.wire import Chat, Update

CHANNEL_POST: Final = "What a Telegram channel publishes is no message to us."


@dataclass(frozen=True, kw_only=True)
class About:
    """The update's key, who we are, and what this channel takes part in."""

    key: str
    bot_id: str
    username: str
    groups: bool
    business: bool

    def ignored(self, reason: str) -> Ignored:
        """Return the event of an update that is no message to us."""
        return Ignored(reason=reason, key=self.key)

    def outside(self, chat: Chat) -> str | None:
        """Return why nothing that happens in ``chat`` concerns us, or None."""
        if chat.type == "private":
            return None
        if chat.type == "channel":
            return CHANNEL_POST
        return None if self.groups else "Groups are switched off for this channel."


def known(update: Update, connection: TelegramConnection) -> About:
    """Return what is known beside ``update``."""
    settings = connection.fields.settings
    return About(
        key=f"update:{update.update_id}",
        bot_id=bot_id(connection),
        username=connection.facts.get("username", ""),
        groups=settings.allow_groups,
        business=settings.business,
    )
