"""Hold what the gateway knows: who may send, where inbound messages go, and every message."""

import hmac
import itertools
from collections.abc import Iterator
from dataclasses import dataclass, field

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
    status_url: str = ""


@dataclass(slots=True)
class User:
    """One ``sendsms-user``, and the ``sms-service`` that belongs to it."""

    name: str
    password: str = ""
    numbers: list[str] = field(default_factory=list)
    #: With Kannel's escapes; empty: nobody hears what comes in.
    get_url: str = ""
    messages: dict[str, Sms] = field(default_factory=dict)

    def chat(self, number: str, customer: str) -> list[Sms]:
        """Return what passed between a number of ours and a customer, oldest first."""
        return [
            sms
            for sms in self.messages.values()
            if (sms.number, sms.customer) == (number, customer)
        ]


@dataclass
class Gateway:
    """Everything the gateway knows."""

    world: World
    users: dict[str, User] = field(default_factory=dict)
    _numbers: Iterator[int] = field(default_factory=lambda: itertools.count(1))

    def named(self, name: str) -> User:
        """Return a known user; `NoSuchThing` if there is none."""
        user = self.users.get(name)
        if user is None:
            raise NoSuchThing(
                "The gateway has no such user. It learns of one when the hub sends as it, or by "
                "POST /_sandbox/gateways."
            )
        return user

    def admit(self, name: str, password: str) -> User | None:
        """Return the user if the password is right; the first that is ever used is."""
        if not name or not password:
            return None
        with self.world.lock:
            user = self.users.setdefault(name, User(name))
            user.password = user.password or password
        return user if hmac.compare_digest(user.password.encode(), password.encode()) else None

    def new_id(self) -> str:
        """Return an id as Kannel's ``%I``."""
        return f"00000000-0000-4000-8000-{next(self._numbers):012x}"

    def reset(self) -> None:
        """Forget everything."""
        with self.world.lock:
            self.users.clear()
