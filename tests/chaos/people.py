"""Let everybody live at once, each in a thread."""

import threading
from dataclasses import dataclass, field

from tests.chaos.colleagues import Colleague, Network
from tests.chaos.customers import CallingCustomer, PolledCustomer, TextingCustomer
from tests.chaos.letters import WritingCustomer
from tests.chaos.person import Person, World
from tests.chaos.visitors import VisitingCustomer

#: Between the numbers of two customers, each of whom may need several.
APART = 1000
NETWORKS = 3


@dataclass(kw_only=True)
class People:
    """Everybody outside: so many customers, dealt out to the channels, and those around them."""

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
        world, few = self.world, range(max(2, self.customers // 8))
        calling = [line for line in world.place.lines if line.kind.webhook]
        texting = [line for line in world.place.lines if line.kind.centre]
        writing = [line for line in world.place.lines if line.kind.mailbox]
        visited = [line for line in world.place.lines if line.kind.window]
        told = (*calling, *texting, *writing, *visited)
        polled = [line for line in world.place.lines if line not in told]
        dealt = [(number, calling[number % len(calling)]) for number in range(self.customers)]
        return [
            *(
                CallingCustomer(world=world, line=line, number=line.kind.first + APART * number)
                for number, line in dealt
            ),
            *(
                PolledCustomer(world=world, line=line, number=line.kind.first + APART * number)
                for number in few
                for line in polled
            ),
            *(
                TextingCustomer(world=world, line=line, number=line.kind.first + APART * number)
                for number in few
                for line in texting
            ),
            *(
                WritingCustomer(world=world, line=line, number=line.kind.first + APART * number)
                for number in few
                for line in writing
            ),
            *(
                VisitingCustomer(world=world, line=line, number=line.kind.first + APART * number)
                for number in few
                for line in visited
            ),
            *(Colleague(world=world, number=number) for number in few),
            *(Network(world=world, number=number) for number in range(NETWORKS)),
        ]
