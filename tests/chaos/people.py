"""Let everybody live at once, each in a thread."""

import threading
from dataclasses import dataclass, field

from tests.chaos.colleagues import Colleague, Network
from tests.chaos.customers import PolledCustomer, SmsCustomer, TelegramCustomer
from tests.chaos.person import Person, World

#: Between the chats of two customers on Telegram, each of whom may need several.
APART = 1000
NETWORKS = 3


@dataclass(kw_only=True)
class People:
    """Everybody outside: so many customers on each channel, and those who belong to them."""

    world: World
    customers: int
    _threads: list[threading.Thread] = field(default_factory=list)

    def start(self) -> None:
        """Let them begin."""
        for person in self._everybody():
            name = f"{type(person).__name__}-{person.number}"
            thread = threading.Thread(target=person.live, name=name)
            self._threads.append(thread)
            thread.start()

    def alive(self) -> bool:
        """Whether anybody still has something to say."""
        return any(thread.is_alive() for thread in self._threads)

    def _everybody(self) -> list[Person]:
        world, many = self.world, range(self.customers)
        few = range(max(2, self.customers // 4))
        return [
            *(TelegramCustomer(world=world, number=9_000_000 + APART * number) for number in many),
            *(PolledCustomer(world=world, number=8_000_000 + APART * number) for number in few),
            *(SmsCustomer(world=world, number=number) for number in many),
            *(Colleague(world=world, number=number) for number in few),
            *(Network(world=world, number=number) for number in range(NETWORKS)),
        ]
