"""Hold what Telegram knows: bots, chats, messages and updates that wait."""

import threading
import time
from collections import OrderedDict, deque
from collections.abc import Hashable
from dataclasses import dataclass, field
from typing import Final, Literal

from hubbub.sandbox.wsgi import Json

#: What a bot gets that never said what it wants.
DEFAULT_UPDATES: Final = frozenset(
    {
        "message",
        "edited_message",
        "channel_post",
        "edited_channel_post",
        "business_connection",
        "business_message",
        "edited_business_message",
        "deleted_business_messages",
        "guest_message",
        "inline_query",
        "chosen_inline_result",
        "callback_query",
        "shipping_query",
        "pre_checkout_query",
        "purchased_paid_media",
        "poll",
        "poll_answer",
        "my_chat_member",
        "chat_join_request",
        "chat_boost",
        "removed_chat_boost",
        "managed_bot",
    }
)
ALL_UPDATES: Final = DEFAULT_UPDATES | {"chat_member", "message_reaction", "message_reaction_count"}

#: Messages of one chat that can still be edited, quoted or shown.
_REMEMBERED: Final = 300

ChatState = Literal["open", "blocked", "deactivated", "kicked"]


@dataclass
class Bucket:
    """A token bucket: ``rate`` tokens a second, at most ``burst`` at once."""

    rate: float
    burst: float
    tokens: float = -1.0
    at: float = 0.0

    def wait(self, now: float) -> float:
        """Take a token and return 0, or return the seconds until there is one."""
        if self.tokens < 0:
            self.tokens, self.at = self.burst, now
        self.tokens = min(self.burst, self.tokens + (now - self.at) * self.rate)
        self.at = now
        if self.tokens >= 1:
            self.tokens -= 1
            return 0.0
        return (1 - self.tokens) / self.rate


@dataclass
class Chat:
    """One chat of one bot."""

    about: Json
    state: ChatState = "open"
    #: The id of the supergroup that this group became.
    migrated_to: int | None = None
    messages: OrderedDict[int, Json] = field(default_factory=OrderedDict)
    #: Reactions of the bot, by message.
    reactions: dict[int, str] = field(default_factory=dict)
    #: Reactions of people, by message and person.
    customer_reactions: dict[tuple[int, int], str] = field(default_factory=dict)
    next_message: int = 1
    typing_until: float = 0.0
    keyboard: tuple[tuple[str, ...], ...] = ()
    bucket: Bucket = field(default_factory=lambda: Bucket(rate=1, burst=3))

    @property
    def id(self) -> int:
        """The chat's id."""
        return int(self.about["id"])

    @property
    def private(self) -> bool:
        """Whether it is a chat with one person."""
        return bool(self.about.get("type") == "private")

    def new_id(self) -> int:
        """Return the next message id; the first of every chat is 1."""
        self.next_message += 1
        return self.next_message - 1

    def keep(self, message: Json) -> Json:
        """Remember a message and return it."""
        self.messages[message["message_id"]] = message
        while len(self.messages) > _REMEMBERED:
            self.reactions.pop(self.messages.popitem(last=False)[0], None)
        return message


@dataclass(frozen=True, eq=False)
class Webhook:
    """Where updates go; each registration is a thing of its own."""

    url: str
    secret_token: str = field(default="", repr=False)
    max_connections: int = 40
    has_certificate: bool = False


@dataclass(frozen=True)
class Pending:
    """An update that nobody has taken yet."""

    update: Json
    kind: str
    lane: Hashable
    #: When it is of no use any more, in seconds since the epoch.
    expires_at: float
    address: str = ""
    text: str = ""

    @property
    def id(self) -> int:
        """The update's id."""
        return int(self.update["update_id"])


@dataclass(eq=False)
class Bot:
    """One bot. Guarded by the world's lock."""

    id: int
    arrived: threading.Condition
    username: str = ""
    first_name: str = "Sandbox bot"
    tokens: set[str] = field(default_factory=set, repr=False)
    revoked: set[str] = field(default_factory=set, repr=False)
    chats: dict[int, Chat] = field(default_factory=dict)
    webhook: Webhook | None = None
    #: Whether it asked for updates since it has no webhook.
    polls: bool = False
    allowed: frozenset[str] = DEFAULT_UPDATES
    pending: OrderedDict[int, Pending] = field(default_factory=OrderedDict)
    #: From the clock on: one started anew tells nothing under a number that an earlier
    #: one used, which the hub would take for a repetition.
    next_update: int = field(default_factory=lambda: int(time.time()))
    last_error: tuple[int, str] | None = None
    #: Callback queries that can still be answered, with the time they were made.
    queries: OrderedDict[str, float] = field(default_factory=OrderedDict)
    #: Files that this bot knows, by ``file_id``: kind and id of the stored file.
    files: dict[str, tuple[str, str]] = field(default_factory=dict)
    paths: dict[str, str] = field(default_factory=dict)
    #: Which poller may wait, and why the one before must stop.
    poll: int = 0
    poll_ended: str = ""
    bucket: Bucket = field(default_factory=lambda: Bucket(rate=30, burst=30))
    commands: list[Json] = field(default_factory=list)
    recent_queries: deque[str] = field(default_factory=lambda: deque(maxlen=50))

    @property
    def is_heard(self) -> bool:
        """Whether a program receives what the bot is told."""
        return self.webhook is not None or self.polls

    def me(self) -> Json:
        """Return the bot as a User, as messages name it."""
        return {
            "id": self.id,
            "is_bot": True,
            "first_name": self.first_name,
            "username": self.username,
        }

    def new_update(self) -> int:
        """Return the next update id."""
        self.next_update += 1
        return self.next_update - 1
