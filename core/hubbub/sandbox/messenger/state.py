"""Hold what Messenger knows: Pages, people, what they say to each other, files."""

import secrets
import time
from dataclasses import dataclass, field
from typing import Final

from hubbub.sandbox.meta.apps import App, Apps, Grant
from hubbub.sandbox.meta.refusal import no_such_object
from hubbub.sandbox.world import NoSuchThing, World
from hubbub.sandbox.wsgi import Json

#: What the webhooks of Messenger are about.
OBJECT: Final = "page"
#: The app that people use who answer for a Page at Facebook itself.
PAGE_INBOX: Final = "263902037430900"
#: How far each status of a Page's message is.
RANKS: Final = {"sent": 0, "delivered": 1, "read": 2}
#: Messages of one chat that the customer's page shows.
_SHOWN: Final = 300
_TYPING: Final = 20.0
_REMEMBERED: Final = 20_000


@dataclass
class Message:
    """One message of a chat."""

    person: "Person"
    #: Whether the customer wrote it.
    mine: bool
    #: What it holds: the object ``message`` of the Send API, or of the webhook.
    content: Json
    status: str
    id: str
    at: float = field(default_factory=time.time)
    #: The app that sent it for the Page.
    app_id: str = ""
    quoted: str = ""
    #: The files of the sandbox that it shows.
    files: tuple[str, ...] = ()
    #: How often it was edited.
    edits: int = 0
    #: Whether it was taken back.
    unsent: bool = False
    #: The customer's emoji on it.
    reaction: str = ""

    @property
    def milliseconds(self) -> int:
        """When it was sent, as webhooks tell it."""
        return int(self.at * 1000)


@dataclass(eq=False)
class Person:
    """Somebody as one Page knows them, and what they say to each other."""

    psid: str
    first_name: str = ""
    last_name: str = ""
    #: Whether Meta tells the Page nothing of them.
    hides_profile: bool = False
    blocked: bool = False
    #: The other app that answers the chat; empty: ours does.
    owner: str = ""
    messages: list[Message] = field(default_factory=list)
    #: When they last did something that opens the window, by Meta's clock.
    acted_at: float = 0.0
    typing_until: float = 0.0

    @property
    def typing(self) -> bool:
        """Whether the Page shows that it is writing."""
        return self.typing_until > time.time()

    def show_typing(self, *, on: bool) -> None:
        """Show for a while that the Page is writing, or no longer."""
        self.typing_until = time.time() + _TYPING if on else 0.0


@dataclass(frozen=True, slots=True)
class Attachment:
    """A file of the Page under the id by which it may be sent again."""

    file_id: str
    kind: str


@dataclass(eq=False)
class Page:
    """A Facebook Page: one channel of the hub."""

    id: str
    app: App
    grant: Grant
    name: str = "Sandbox page"
    #: Whether App Review granted the app the feature Human Agent.
    human_agent: bool = False
    #: What the app wants to hear of the Page.
    subscribed: frozenset[str] = frozenset()
    #: How the hub reaches the sandbox.
    reached_at: str = ""
    people: dict[str, Person] = field(default_factory=dict)
    messages: dict[str, Message] = field(default_factory=dict)
    attachments: dict[str, Attachment] = field(default_factory=dict)

    @property
    def webhook(self) -> str:
        """Where its webhooks go: empty where nobody listens."""
        return self.app.callbacks.get(OBJECT, "") if self.subscribed else ""

    def hears(self, name: str) -> bool:
        """Whether the hub is told of a field: both the app and its Page must have it."""
        return bool(self.webhook) and name in self.subscribed & self.app.fields

    def person(self, psid: str) -> Person:
        """Return who has this page-scoped id, made up if they are new."""
        return self.people.setdefault(psid, Person(psid))

    def keep(self, message: Message) -> Message:
        """Remember a message and return it."""
        self.messages[message.id] = message
        while len(self.messages) > _REMEMBERED:
            del self.messages[next(iter(self.messages))]
        chat = message.person.messages
        chat.append(message)
        del chat[:-_SHOWN]
        if not message.mine:
            message.person.show_typing(on=False)
        return message

    def sent(self, mid: str) -> Message:
        """Return a message of the Page's; `NoSuchThing` if there is none."""
        message = self.messages.get(mid)
        if message is None or message.mine:
            raise NoSuchThing(f"The Page sent no message {mid}.")
        return message


@dataclass(eq=False)
class Cloud:
    """Everything that Meta knows about Messenger. Guarded by the world's lock."""

    world: World
    apps: Apps = field(default_factory=Apps)
    pages: dict[str, Page] = field(default_factory=dict)

    def named(self, page_id: str) -> Page:
        """Return a known Page; `NoSuchThing` if there is none."""
        page = self.pages.get(page_id)
        if page is None:
            raise NoSuchThing(
                "The sandbox knows no such Page. It is made known by POST /_sandbox/pages."
            )
        return page

    def page_of(self, grant: Grant) -> Page:
        """Return the Page whose token it is. Raises `Refused`."""
        page = next((one for one in self.pages.values() if one.grant is grant), None)
        if page is None:
            raise no_such_object("me")
        return page

    def reset(self) -> None:
        """Forget everything."""
        with self.world.lock:
            self.apps.clear()
            self.pages.clear()


def new_mid() -> str:
    """Return the id of a message."""
    return f"m_{secrets.token_urlsafe(32)}"


def new_id() -> str:
    """Return the id of a node of the graph."""
    return str(secrets.randbelow(9 * 10**14) + 10**14)
