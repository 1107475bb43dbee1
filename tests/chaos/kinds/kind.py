"""Say what has to be known of a kind of channel, for everybody who torments one."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final, Literal, TypeAlias, get_args

from tests.chaos.calls import Post
from tests.chaos.words import WORDS

#: Credentials that are no secrets.
_OPEN: Final = frozenset({"account_sid", "api_key", "application_id", "username"})


State: TypeAlias = Literal["sent", "delivered", "failed"]


@dataclass(frozen=True, kw_only=True)
class Line:
    """An open channel, as its provider knows it."""

    kind: "Kind"
    id: str
    url: str
    #: Proves that the provider calls.
    secret: str
    #: The key of its window, where it has one.
    widget: str = ""

    @property
    def forger(self) -> "Line":
        """The line of somebody who does not know the secret."""
        return replace(self, secret=self.secret[::-1])


@dataclass(frozen=True, kw_only=True)
class Said:
    """Something that a customer says."""

    address: str
    #: Nobody else's, and larger than that of what was said before.
    number: int
    text: str


@dataclass(frozen=True, kw_only=True)
class Told:
    """What became of a message of the hub's."""

    id: str
    address: str
    state: State
    #: When it is told. What is told by watermark is told of all that its recipient got until then.
    up_to: float
    #: When the provider took it, and how the hub sent it; nothing, where nobody ever sent it.
    taken_at: float = 0.0
    params: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Webhook:
    """How a provider calls the hub: what is said in its words, signed by a line's secret."""

    external_id: Callable[[Said], str]
    message: Callable[[Line, Said], Post]
    #: An authentic call that nobody can read, unlike any other by its number.
    malformed: Callable[[Line, int], Post]
    #: What was said, in other words; the number is that of this telling.
    edit: Callable[[Line, Said, int], Post] | None = None
    receipt: Callable[[Line, Told], Post] | None = None
    #: What the provider tells at all, and whether it names no message when it tells of deliveries.
    tells: frozenset[State] = frozenset({"sent", "delivered", "failed"})
    watermarks: bool = False
    #: Whether calls prove who makes them; else the hub believes who knows its address.
    signed: bool = True


@dataclass(frozen=True, kw_only=True)
class Centre:
    """How a provider that makes no calls is told, at its simulator, what people and phones do.

    It tells the hub in its own time and again until that confirms it. What people say has no id.
    """

    #: Where it is told, and what of.
    text: Callable[[Said], tuple[str, Mapping[str, Any]]]
    receipt: Callable[[Told], tuple[str, Mapping[str, Any]]]


@dataclass(frozen=True, kw_only=True)
class Mailbox:
    """Where people write letters to, which begin conversations and go on in them.

    As a centre its provider makes no calls: the hub fetches letters in its own time. Of what became
    of those that it sent, letters tell as well, but for failures: nobody would write again.
    """

    #: Where the simulator is told what people write.
    letters: str
    receipt: Callable[[Told], tuple[str, Mapping[str, Any]]]
    tells: frozenset[State] = frozenset({"delivered"})
    #: How many letters of a conversation are answered automatically in a day.
    stamina: int = 5


def _by_http(simulator: str, known: Mapping[str, Any]) -> Mapping[str, Any]:
    # What does not speak HTTP listens elsewhere, and says where.
    return {"api_base": known.get("address", simulator)}


@dataclass(frozen=True, kw_only=True)
class Kind:
    """A kind of channel."""

    name: str
    type: str
    credentials: Mapping[str, str]
    settings: Mapping[str, Any] = field(default_factory=dict)
    #: The name of its simulator, and which of its operations are to go wrong.
    provider: str
    operations: tuple[str, ...]
    #: What else goes wrong there.
    mishaps: tuple[tuple[str, Mapping[str, Any]], ...] = ()
    #: What befalls the way to its servers: what the simulator is told, and where.
    cuts: tuple[tuple[str, Mapping[str, Any]], ...] = ()
    #: What people tell the provider first, and where.
    announced: tuple[str, Mapping[str, Any]] | None = None
    #: How a channel finds the simulator: from its address, and its answer to what was announced.
    reached: Callable[[str, Mapping[str, Any]], Mapping[str, Any]] = _by_http
    #: The simulator's rules that would be in the way.
    rules: Mapping[str, bool | str] = field(default_factory=dict)
    #: Which bot answers.
    bot: Literal["keyword", "chatbot"]
    #: The credential by which calls are signed; empty where the hub made that secret itself.
    signed_by: str = ""
    #: How its provider calls; None where the hub polls, or holds a session with a centre.
    webhook: Webhook | None
    centre: Centre | None = None
    mailbox: Mailbox | None = None
    #: Whether people write in a window of the hub's own: what it sends is seen there alone.
    window: bool = False
    #: The list of the simulator's endpoints, and how much is on one of these for the hub to fetch.
    backlog: tuple[str, Callable[[Mapping[str, Any]], int]] | None = None
    #: The first number of its customers, who have no numbers in common with others.
    first: int
    address: Callable[[int], str] = "+1555{:07}".format
    #: How much one customer may say before somebody else goes on.
    stamina: int = WORDS
    #: Whether the hub may write to whom it never heard of.
    writes_first: bool = False
    #: The id by which the hub knows a message, of which this is the sandbox's record.
    known_as: Callable[[Mapping[str, Any]], str] = lambda sent: str(sent["external_id"])
    #: Whether that is the hub's own id of it, although the hub knows the provider's too.
    by_reference: bool = False

    @property
    def tells(self) -> frozenset[State]:
        """What its provider tells of messages."""
        if self.webhook is not None:
            return self.webhook.tells if self.webhook.receipt else frozenset()
        if self.mailbox is not None:
            return self.mailbox.tells
        return frozenset(get_args(State) if self.centre else ())

    @property
    def retells(self) -> bool:
        """Whether nothing tells a receipt from the same one told again."""
        return self.webhook is None

    @property
    def secrets(self) -> dict[str, str]:
        """The credentials that may stand nowhere in plain text."""
        return {
            f"{self.name}: {name}": secret.rpartition(":")[2]
            for name, secret in self.credentials.items()
            if name not in _OPEN
        }
