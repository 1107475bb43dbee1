"""Say what a simulated provider offers to the control API and to the customer's page."""

import zlib
from dataclasses import dataclass
from typing import Protocol

from hubbub.sandbox.wsgi import Ask, Json, Reply, Upload


@dataclass(frozen=True, slots=True)
class Persona:
    """A customer that somebody plays: a made-up name, the same person wherever it is typed."""

    name: str

    @property
    def number(self) -> int:
        """A number that belongs to the name."""
        return zlib.crc32(self.name.strip().casefold().encode())


@dataclass(frozen=True, slots=True)
class Desk:
    """What a customer can write to: a bot, a phone number."""

    provider: str
    #: Known to the provider alone.
    id: str
    title: str
    #: What kind of channel it is, for people.
    kind: str
    #: Whether the hub receives what is written there.
    connected: bool


@dataclass(frozen=True, slots=True)
class Button:
    """A button below a message: one to press, or a link."""

    title: str
    data: str = ""
    url: str = ""


@dataclass(frozen=True, slots=True)
class Picture:
    """A file shown in a message."""

    file_id: str
    name: str
    is_image: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Saying:
    """What a customer says in one go: words and files, or a place, or somebody's number."""

    text: str = ""
    #: What a letter is about.
    subject: str = ""
    files: tuple[Upload, ...] = ()
    #: How the files are meant, one of `Skills.kinds`; empty: as they look.
    kind: str = ""
    #: Latitude and longitude, and what is there.
    place: tuple[float, float] | None = None
    place_name: str = ""
    #: Name and phone number of somebody.
    card: tuple[str, str] | None = None
    #: The id of the earlier message that this one quotes, or whose new wording it is.
    quotes: str = ""
    edits: str = ""
    #: The id of the earlier message that is taken back.
    unsends: str = ""
    #: Whether not the customer says it, but somebody who answers them past the hub.
    by_colleague: bool = False

    @property
    def says_something(self) -> bool:
        """Whether there is anything in it."""
        return bool(self.text or self.files or self.place or self.card or self.unsends)


@dataclass(frozen=True, slots=True, kw_only=True)
class Skills:
    """What a customer of a channel can do beside writing."""

    #: Whether files are carried at all.
    files: bool = True
    quotes: bool = False
    #: Whether what is written are letters: with a subject, long, answers with files.
    letters: bool = False
    edits: bool = False
    unsends: bool = False
    places: bool = False
    cards: bool = False
    #: Where people answer past the hub, if the customer's page can play them too.
    colleague: str = ""
    #: Emoji to react with.
    reactions: tuple[str, ...] = ()
    #: As what a file can be sent.
    kinds: tuple[str, ...] = ()
    #: What the customer's phone can tell of a message.
    receipts: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One message as the customer sees it."""

    id: str
    mine: bool
    at: float
    text: str = ""
    subject: str = ""
    pictures: tuple[Picture, ...] = ()
    buttons: tuple[tuple[Button, ...], ...] = ()
    #: How far it came, in the provider's words.
    status: str = ""
    problem: bool = False
    quote: str = ""
    reaction: str = ""
    edited: bool = False
    #: Whether the customer may word it anew, where that is a skill at all.
    editable: bool = True
    #: Whether anything can be done about it at all.
    acts: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class ChatView:
    """One chat as the customer sees it."""

    address: str
    lines: tuple[Line, ...] = ()
    typing: bool = False
    #: Whether the customer blocked the other side, and what doing so is called here.
    left: bool = False
    leave_label: str = "Block"
    return_label: str = "Unblock"
    #: Buttons in place of the keyboard; each sends its title.
    keyboard: tuple[tuple[str, ...], ...] = ()
    skills: Skills = Skills()


class Provider(Protocol):
    """One simulated provider."""

    @property
    def name(self) -> str:
        """The name in paths and faults."""

    @property
    def prefix(self) -> str:
        """The path below which its API lives."""

    def answer(self, ask: Ask) -> Reply:
        """Answer one request of the hub."""

    def endpoints(self) -> list[Json]:
        """Return the bots or accounts that are known, with their webhooks."""

    def register(self, body: Json) -> Json:
        """Make a bot or account known, or change it; `ValueError` says what is wrong."""

    def control(self, endpoint: str, action: str, body: Json) -> Json:
        """Do as a customer or the provider's website would; `NoSuchThing`, `ValueError`."""

    def desks(self) -> list[Desk]:
        """Return what a customer can write to."""

    def chat(self, desk: str, persona: Persona) -> ChatView:
        """Return what the customer sees."""

    def say(self, desk: str, persona: Persona, saying: Saying) -> None:
        """Write as the customer."""

    def press(self, desk: str, persona: Persona, message: str, data: str) -> None:
        """Press a button below a message."""

    def react(self, desk: str, persona: Persona, message: str, emoji: str) -> None:
        """Put an emoji on a message in place of the one before; none takes that away."""

    def confirm(self, desk: str, persona: Persona, message: str, receipt: str) -> None:
        """Let the customer's phone tell what became of a message."""

    def leave(self, desk: str, persona: Persona, *, left: bool) -> None:
        """Block the other side, or come back."""

    def opened(self, desk: str, persona: Persona) -> None:
        """Note that the customer is looking."""

    def reset(self) -> None:
        """Forget everything."""


class ByText:
    """What every provider of text messages does alike when somebody plays the customer."""

    def say(self, desk: str, persona: Persona, saying: Saying) -> None:
        """Text the number."""
        raise NotImplementedError

    def press(self, desk: str, persona: Persona, message: str, data: str) -> None:
        """Do nothing: text messages have no buttons."""

    def react(self, desk: str, persona: Persona, message: str, emoji: str) -> None:
        """Do nothing: text messages have no reactions."""

    def leave(self, desk: str, persona: Persona, *, left: bool) -> None:
        """Text STOP, or START."""
        self.say(desk, persona, Saying(text="STOP" if left else "START"))

    def opened(self, desk: str, persona: Persona) -> None:
        """Do nothing: nobody sees that a text message is read."""


def british_phone_of(persona: Persona) -> str:
    """Return the made-up phone number of a persona: one that belongs to nobody."""
    return f"+447700900{persona.number % 1000:03d}"
