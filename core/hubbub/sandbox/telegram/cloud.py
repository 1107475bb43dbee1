"""Hold the bots, and know which tokens are good."""

import re
import threading
from dataclasses import dataclass, field
from typing import Final

from hubbub.sandbox.telegram.access import find_chat, open_chat
from hubbub.sandbox.telegram.params import Params
from hubbub.sandbox.telegram.refusal import Refused, unauthorized
from hubbub.sandbox.telegram.state import Bot, Chat
from hubbub.sandbox.world import NoSuchThing, World

_TOKEN: Final = re.compile(r"(\d{5,}):[A-Za-z0-9_-]{30,}")


@dataclass
class Cloud:
    """Everything Telegram knows."""

    world: World
    bots: dict[int, Bot] = field(default_factory=dict)
    #: Everybody who ever wrote to any bot.
    people: set[int] = field(default_factory=set)
    _by_token: dict[str, Bot] = field(default_factory=dict, repr=False)

    def bot_for(self, token: str) -> Bot:
        """Return the bot of a token; any well-formed token that was not revoked makes one."""
        bot = self._by_token.get(token)
        if bot is not None:
            return bot
        match = _TOKEN.fullmatch(token)
        if match is None:
            raise Refused(404, "Not Found")
        with self.world.lock:
            bot = self._made(int(match[1]))
            if token in bot.revoked:
                raise unauthorized()
            bot.tokens.add(token)
            self._by_token[token] = bot
            return bot

    def bot_named(self, name: str) -> Bot:
        """Return the bot with this id or token; `NoSuchThing` if there is none."""
        bot = self._by_token.get(name) or self.bots.get(int(name) if name.isdigit() else -1)
        if bot is None and ":" in name:
            try:
                return self.bot_for(name)
            except Refused:
                bot = None
        if bot is None:
            raise NoSuchThing(
                "The sandbox knows no such bot. It learns of one when the hub calls the Bot API "
                "with its token, or by POST /_sandbox/bots."
            )
        return bot

    def revoke(self, bot: Bot) -> None:
        """Make every token of a bot dead; the next new one is good."""
        with self.world.lock:
            for token in bot.tokens:
                self._by_token.pop(token, None)
            bot.revoked |= bot.tokens
            bot.tokens.clear()

    def open_chat(self, bot: Bot, params: Params) -> Chat:
        """Return the chat that ``chat_id`` names, if the bot may write there."""
        return open_chat(bot, params, rules=self.world.rules, known=self._known(params))

    def find_chat(self, bot: Bot, params: Params) -> Chat:
        """Return the chat that ``chat_id`` names, whatever its state."""
        return find_chat(bot, params, rules=self.world.rules, known=self._known(params))

    def reset(self) -> None:
        """Forget everything."""
        with self.world.lock:
            self.bots.clear()
            self.people.clear()
            self._by_token.clear()

    def _known(self, params: Params) -> bool:
        raw = params.text("chat_id")
        return raw.isdigit() and int(raw) in self.people

    def _made(self, bot_id: int) -> Bot:
        bot = self.bots.get(bot_id)
        if bot is None:
            arrived = threading.Condition(self.world.lock)
            bot = self.bots[bot_id] = Bot(bot_id, arrived, username=f"sandbox_{bot_id}_bot")
        return bot
