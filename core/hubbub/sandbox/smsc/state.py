"""Hold what the centre knows: who may bind, the sessions that are up, and every message."""

import itertools
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field

from hubbub.sandbox.smsc.wire import Message, Unit
from hubbub.sandbox.world import NoSuchThing, World


@dataclass(slots=True)
class Sms:
    """One message, in or out."""

    id: str
    #: Our customer, and the number of the hub.
    customer: str
    number: str
    text: str
    mine: bool
    at: float
    #: How far it came, in words for the customer's page.
    status: str = ""
    problem: bool = False
    #: The ids of the segments of which the hub wants to hear what became.
    registered: tuple[str, ...] = ()


class Bound:
    """A session: what goes over it, and what the hub answers."""

    def __init__(self, send: "Sender", *, receives: bool) -> None:
        self.receives = receives
        self._send = send
        self._numbers = itertools.count(1)
        self._answered = threading.Condition()
        self._answers: dict[int, int] = {}
        self.ended = False

    def deliver(self, command: int, body: bytes, timeout: float) -> int | None:
        """Send a unit and return the status of its answer; None when there is none in time."""
        with self._answered:
            number = next(self._numbers)
        self._send(Unit(command, 0, number, body))
        with self._answered:
            self._answered.wait_for(lambda: self.ended or number in self._answers, timeout)
            return self._answers.pop(number, None)

    def ask(self, command: int) -> None:
        """Send a unit without a body, and wait for nothing."""
        with self._answered:
            number = next(self._numbers)
        self._send(Unit(command, 0, number))

    def hear(self, unit: Unit) -> None:
        """Take an answer of the hub."""
        with self._answered:
            self._answers[unit.sequence] = unit.status
            self._answered.notify_all()

    def end(self) -> None:
        """Note that the connection is gone."""
        with self._answered:
            self.ended = True
            self._answered.notify_all()


class Sender:
    """Writes units to one connection; a class for the sake of its type."""

    def __call__(self, unit: Unit) -> None:
        """Write ``unit``; what cannot be written is lost, as on any line."""
        raise NotImplementedError


@dataclass(slots=True)
class Account:
    """Somebody who may bind."""

    system_id: str
    password: str = ""
    numbers: list[str] = field(default_factory=list)
    #: Whether receipts write the ids as decimal numbers, where answers have hexadecimal ones.
    decimal_receipts: bool = False
    messages: dict[str, Sms] = field(default_factory=dict)
    sessions: list[Bound] = field(default_factory=list)
    #: How many units for the hub are not confirmed, nor given up.
    waiting: int = 0
    #: Segments of messages of the hub that are not complete, each with its id, by place.
    segments: dict[tuple[str, str, int, int], dict[int, tuple[str, Message]]] = field(
        default_factory=dict
    )

    def chat(self, number: str, customer: str) -> list[Sms]:
        """Return what passed between a number of ours and a customer, oldest first."""
        here = (number, customer)
        return [sms for sms in self.messages.values() if (sms.number, sms.customer) == here]

    def receiver(self) -> Bound | None:
        """Return the session over which the hub receives, if it is up."""
        return next((one for one in self.sessions if one.receives and not one.ended), None)


@dataclass
class Smsc:
    """Everything the centre knows."""

    world: World
    accounts: dict[str, Account] = field(default_factory=dict)
    _numbers: Iterator[int] = field(default_factory=lambda: itertools.count(0x2F0A))

    def named(self, system_id: str) -> Account:
        """Return a known account; `NoSuchThing` if there is none."""
        account = self.accounts.get(system_id)
        if account is None:
            raise NoSuchThing("The centre has no such account. Make one by POST /_sandbox/centres.")
        return account

    def new_id(self) -> str:
        """Return an id as many a centre makes them."""
        return f"{next(self._numbers):08X}"

    def reset(self) -> None:
        """Forget everything but who is connected, whose binds are void then."""
        with self.world.lock:
            self.accounts.clear()
