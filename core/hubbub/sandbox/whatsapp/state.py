"""Hold what WhatsApp knows: accounts, numbers, people, chats, files."""

import secrets
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final

from hubbub.sandbox.meta.apps import App, Apps, Grant
from hubbub.sandbox.meta.refusal import no_such_object
from hubbub.sandbox.whatsapp.templates import STARTERS, Filled, Template
from hubbub.sandbox.world import NoSuchThing, World
from hubbub.sandbox.wsgi import Json

#: How far each status is; a lower one never follows a higher one.
RANKS: Final = {"accepted": 0, "sent": 1, "failed": 2, "delivered": 3, "read": 4, "played": 5}
#: Messages of one chat that the customer's page shows.
_SHOWN: Final = 300
_TYPING: Final = 25.0
_REMEMBERED: Final = 20_000


@dataclass
class Message:
    """One message of a chat."""

    person: "Person"
    #: Whether the customer wrote it.
    mine: bool
    kind: str
    #: What it holds, as the API writes it: the object under the name of its type.
    content: object
    status: str
    id: str
    at: float = field(default_factory=time.time)
    #: What statuses echo.
    callback_data: str = ""
    quoted: str = ""
    #: The files of the sandbox that it shows.
    files: tuple[str, ...] = ()
    #: A template as people see it.
    filled: Filled | None = None
    category: str = ""
    error: int | None = None
    edited: bool = False
    #: The emoji of each side.
    reactions: dict[bool, str] = field(default_factory=dict)


@dataclass(eq=False)
class Person:
    """Somebody on WhatsApp, as the business portfolio knows them."""

    #: Digits only; it need not be what people dial.
    wa_id: str
    user_id: str
    name: str = ""
    username: str = ""
    #: What else people dial to reach them.
    dialled: frozenset[str] = frozenset()
    #: Whether webhooks leave the number out.
    hides_number: bool = False
    on_whatsapp: bool = True
    #: Whether they stopped marketing.
    no_marketing: bool = False

    @property
    def address(self) -> str:
        """What the hub would call them."""
        return self.user_id if self.hides_number else f"+{self.wa_id}"


@dataclass(eq=False)
class Chat:
    """What one number and one person say to each other."""

    messages: list[Message] = field(default_factory=list)
    #: When the person last wrote, by their phone's clock: it opens the window.
    wrote_at: float = 0.0
    typing_until: float = 0.0
    blocked: bool = False

    @property
    def typing(self) -> bool:
        """Whether the business shows that it is writing."""
        return self.typing_until > time.time()

    def keep(self, message: Message) -> None:
        """Remember a message."""
        self.messages.append(message)
        del self.messages[:-_SHOWN]
        if not message.mine:
            self.typing_until = 0.0

    def show_typing(self) -> None:
        """Show for a while that the business is writing."""
        self.typing_until = time.time() + _TYPING

    def before(self, message: Message) -> Iterator[Message]:
        """Yield the person's messages up to ``message``."""
        for one in self.messages:
            if one.mine:
                yield one
            if one is message:
                return


@dataclass(eq=False)
class Number:
    """A phone number of a business: one channel of the hub."""

    id: str
    account: "Account"
    #: As people write it.
    display: str
    name: str = "Sandbox shop"
    #: Where its own webhooks go, before those of account and app.
    callback: str = ""
    #: What the API says beside.
    quality_rating: str = "GREEN"
    status: str = "CONNECTED"
    platform_type: str = "CLOUD_API"
    throughput: str = "STANDARD"
    messages: dict[str, Message] = field(default_factory=dict)
    chats: dict[Person, Chat] = field(default_factory=dict)

    @property
    def digits(self) -> str:
        """Return the number as webhooks tell it."""
        return "".join(sign for sign in self.display if sign.isdigit())

    @property
    def webhook(self) -> str:
        """Where its webhooks go: empty where nobody listens."""
        app, account = self.account.app, self.account
        if not account.subscribed:
            return ""
        return self.callback or account.callback or app.callbacks.get(OBJECT, "")

    def chat(self, person: Person) -> Chat:
        """Return the chat with somebody."""
        return self.chats.setdefault(person, Chat())

    def keep(self, message: Message) -> Message:
        """Remember a message and return it."""
        self.messages[message.id] = message
        while len(self.messages) > _REMEMBERED:
            del self.messages[next(iter(self.messages))]
        self.chat(message.person).keep(message)
        return message


#: What the webhooks of WhatsApp are about.
OBJECT: Final = "whatsapp_business_account"


@dataclass(eq=False)
class Account:
    """A WhatsApp Business Account."""

    id: str
    app: App
    name: str = "Sandbox account"
    #: Whether the app hears what happens to it.
    subscribed: bool = False
    callback: str = ""
    templates: list[Template] = field(default_factory=lambda: list(STARTERS))


@dataclass(frozen=True, slots=True)
class Media:
    """A file under the id by which the API knows it."""

    id: str
    number_id: str
    file_id: str
    mime_type: str
    #: Whether the business uploaded it.
    ours: bool


@dataclass(frozen=True, slots=True)
class Ticket:
    """An address under which a file lies for some minutes."""

    media_id: str
    until: float


@dataclass(eq=False)
class Cloud:
    """Everything that Meta knows about WhatsApp. Guarded by the world's lock."""

    world: World
    #: Its name in faults and journals.
    provider: str = "whatsapp"
    #: Rewrites what is told of a number, for what tells it otherwise than the Cloud API.
    rewrite: Callable[[Sequence[Json]], Json] | None = None
    apps: Apps = field(default_factory=Apps)
    accounts: dict[str, Account] = field(default_factory=dict)
    numbers: dict[str, Number] = field(default_factory=dict)
    people: list[Person] = field(default_factory=list)
    media: dict[str, Media] = field(default_factory=dict)
    tickets: dict[str, Ticket] = field(default_factory=dict)

    def named(self, number_id: str) -> Number:
        """Return a known number; `NoSuchThing` if there is none."""
        number = self.numbers.get(number_id)
        if number is None:
            raise NoSuchThing(
                "The sandbox knows no such number. It is made known by POST /_sandbox/numbers."
            )
        return number

    def granted(self, app: App) -> Grant:
        """Return what the system user of ``app`` lets it do."""
        return self.apps.granted(app, "SYSTEM_USER", by=app.id)

    def number_of(self, app: App, number_id: str) -> Number:
        """Return a number that ``app`` may use. Raises `Refused`."""
        number = self.numbers.get(number_id)
        if number is None or number.account.app is not app:
            raise no_such_object(number_id)
        return number

    def account_of(self, app: App, account_id: str) -> Account:
        """Return an account that ``app`` may use. Raises `Refused`."""
        account = self.accounts.get(account_id)
        if account is None or account.app is not app:
            raise no_such_object(account_id)
        return account

    def numbers_of(self, account: Account) -> list[Number]:
        """Return the numbers of an account."""
        return [number for number in self.numbers.values() if number.account is account]

    def accounts_of(self, app: App) -> tuple[str, ...]:
        """Return the ids of an app's accounts."""
        return tuple(account.id for account in self.accounts.values() if account.app is app)

    def person(self, wa_id: str) -> Person:
        """Return who is reached by these digits, made up if they are new."""
        for person in self.people:
            if wa_id == person.wa_id or wa_id in person.dialled:
                return person
        person = Person(wa_id, f"US.7{wa_id:0>19}")
        self.people.append(person)
        return person

    def by_user_id(self, user_id: str) -> Person | None:
        """Return who has this business-scoped user id."""
        return next((person for person in self.people if person.user_id == user_id), None)

    def reset(self) -> None:
        """Forget everything."""
        with self.world.lock:
            self.apps.clear()
            for known in (self.accounts, self.numbers, self.media, self.tickets):
                known.clear()
            self.people.clear()


def new_wamid() -> str:
    """Return the id of a message."""
    return f"wamid.{secrets.token_hex(20).upper()}"


def new_id() -> str:
    """Return the id of a node of the graph."""
    return str(secrets.randbelow(9 * 10**14) + 10**14)
