"""Offer the simulated Telegram to the control API and to the customer's page."""

import secrets
from collections.abc import Iterator
from typing import Final

from pydantic import BaseModel, ConfigDict

from hubbub.sandbox.providers import ChatView, Desk, Persona, Saying
from hubbub.sandbox.telegram import customers
from hubbub.sandbox.telegram.api import PREFIX, answer
from hubbub.sandbox.telegram.cloud import Cloud
from hubbub.sandbox.telegram.params import Params
from hubbub.sandbox.telegram.receiving import set_webhook
from hubbub.sandbox.telegram.refusal import Refused
from hubbub.sandbox.telegram.state import ALL_UPDATES, Bot
from hubbub.sandbox.telegram.views import chat_view
from hubbub.sandbox.world import NoSuchThing, World
from hubbub.sandbox.wsgi import Ask, Json, Reply

_WITHOUT_CAPTION: Final = frozenset({"sticker", "video_note"})
#: Where the ids of personas begin: above 32 bits, as real ones can be.
_FIRST_PERSONA: Final = 5_000_000_000


class Registration(BaseModel):
    """A bot to make known."""

    model_config = ConfigDict(extra="forbid")

    token: str
    username: str = ""
    first_name: str = ""


class WebhookChange(BaseModel):
    """A webhook to set by hand, as ``setWebhook`` would."""

    model_config = ConfigDict(extra="forbid")

    url: str
    secret_token: str = ""
    allowed_updates: list[str] = sorted(ALL_UPDATES)


class Telegram:
    """The simulated Telegram."""

    name = "telegram"
    prefix = PREFIX

    def __init__(self, world: World) -> None:
        self._cloud = Cloud(world)

    def answer(self, ask: Ask) -> Reply:
        """Answer one call of the Bot API."""
        return answer(self._cloud, ask)

    def endpoints(self) -> list[Json]:
        """Return the bots that are known, with their webhooks."""
        with self._cloud.world.lock:
            return [_described(bot) for bot in self._cloud.bots.values()]

    def register(self, body: Json) -> Json:
        """Make a bot known, or rename it."""
        wanted = Registration.model_validate(body)
        try:
            bot = self._cloud.bot_for(wanted.token)
        except Refused as refused:
            raise ValueError(f"The token cannot be used: {refused.description}.") from None
        bot.username = wanted.username.lstrip("@") or bot.username
        bot.first_name = wanted.first_name or bot.first_name
        return _described(bot)

    def control(self, endpoint: str, action: str, body: Json) -> Json:
        """Do as a customer would, or as @BotFather."""
        bot = self._cloud.bot_named(endpoint)
        match action:
            case "messages":
                return customers.write(self._cloud, bot, customers.Writing.model_validate(body))
            case "presses":
                return customers.press(self._cloud, bot, customers.Pressing.model_validate(body))
            case "reactions":
                return customers.react(self._cloud, bot, customers.Reacting.model_validate(body))
            case "blocks":
                return self._block(bot, customers.Blocking.model_validate(body))
            case "chats":
                return customers.change_chat(bot, customers.ChatChange.model_validate(body))
            case "webhook":
                return self._set_webhook(bot, WebhookChange.model_validate(body))
            case "revoke":
                self._cloud.revoke(bot)
                return _described(bot)
            case _:
                raise NoSuchThing(
                    f"Telegram has no {action!r} here; there are messages, presses, reactions, "
                    "blocks, chats, webhook and revoke."
                )

    def desks(self) -> list[Desk]:
        """Return the bots that a customer can write to."""
        with self._cloud.world.lock:
            return [
                Desk("telegram", str(bot.id), f"@{bot.username}", "Telegram", bot.is_heard)
                for bot in self._cloud.bots.values()
            ]

    def chat(self, desk: str, persona: Persona) -> ChatView:
        """Return what the customer sees."""
        return chat_view(self._cloud.world, self._cloud.bot_named(desk), _id(persona))

    def say(self, desk: str, persona: Persona, saying: Saying) -> None:
        """Write to the bot; each file is a message of its own, the first one with the words."""
        bot = self._cloud.bot_named(desk)
        about: Json = {"from": _user(persona)}
        if saying.quotes:
            about["reply_to"] = saying.quotes
        if saying.edits:
            about["edits"] = saying.edits
        for piece in self._pieces(bot, saying):
            writing = customers.Writing.model_validate({**about, **piece})
            customers.write(self._cloud, bot, writing)

    def press(self, desk: str, persona: Persona, message: str, data: str) -> None:
        """Press a button below a message."""
        body = {"from": _user(persona), "message_id": message, "data": data}
        pressing = customers.Pressing.model_validate(body)
        customers.press(self._cloud, self._cloud.bot_named(desk), pressing)

    def react(self, desk: str, persona: Persona, message: str, emoji: str) -> None:
        """Put an emoji on a message."""
        body = {"from": _user(persona), "message_id": message, "emoji": emoji}
        reacting = customers.Reacting.model_validate(body)
        customers.react(self._cloud, self._cloud.bot_named(desk), reacting)

    def confirm(self, desk: str, persona: Persona, message: str, receipt: str) -> None:
        """Do nothing: bots have no receipts."""

    def leave(self, desk: str, persona: Persona, *, left: bool) -> None:
        """Block the bot, or let it write again."""
        person = customers.Person.model_validate(_user(persona))
        change = customers.block if left else customers.unblock
        change(self._cloud, self._cloud.bot_named(desk), person)

    def opened(self, desk: str, persona: Persona) -> None:
        """Do nothing: bots are not told who reads."""

    def reset(self) -> None:
        """Forget every bot."""
        self._cloud.reset()

    def _pieces(self, bot: Bot, saying: Saying) -> Iterator[Json]:
        if saying.place:
            yield customers.place(*saying.place, saying.place_name)
        if saying.card:
            yield customers.card(*saying.card)
        files = [customers.attach(self._cloud, bot, file, saying.kind) for file in saying.files]
        captioned = bool(files) and files[0].keys().isdisjoint(_WITHOUT_CAPTION)
        album = {"media_group_id": secrets.token_hex(8)} if len(files) > 1 else {}
        for index, file in enumerate(files):
            words = {"caption": saying.text} if captioned and saying.text and not index else {}
            yield {**file, **words, **album}
        if saying.text and not captioned:
            yield {"text": saying.text}

    def _block(self, bot: Bot, blocking: customers.Blocking) -> Json:
        change = customers.block if blocking.blocked else customers.unblock
        return change(self._cloud, bot, blocking.sender)

    def _set_webhook(self, bot: Bot, change: WebhookChange) -> Json:
        try:
            set_webhook(self._cloud, bot, Params(change.model_dump()))
        except Refused as refused:
            raise ValueError(refused.description) from None
        return _described(bot)


def _described(bot: Bot) -> Json:
    webhook = bot.webhook
    return {
        "id": str(bot.id),
        "username": bot.username,
        "first_name": bot.first_name,
        "webhook": None
        if webhook is None
        else {"url": webhook.url, "has_secret_token": bool(webhook.secret_token)},
        "allowed_updates": sorted(bot.allowed),
        "pending_update_count": len(bot.pending),
        "chats": [{**chat.about, "state": chat.state} for chat in bot.chats.values()],
    }


def _id(persona: Persona) -> int:
    return _FIRST_PERSONA + persona.number


def _user(persona: Persona) -> Json:
    first, _, last = persona.name.strip().partition(" ")
    user: Json = {"id": _id(persona), "is_bot": False, "first_name": first, "language_code": "en"}
    return {**user, "last_name": last} if last else user
