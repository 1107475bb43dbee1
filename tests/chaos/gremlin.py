"""Kill, starve and confuse a hub, in an order that a seed decides."""

import random
import signal
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Final

from hubbub.steps import STEPS
from tests.chaos.book import Book
from tests.chaos.calls import ask
from tests.chaos.kinds import KINDS
from tests.chaos.people import People
from tests.chaos.settle import Clocks
from tests.chaos.town import LISTENERS, SCHEDULERS, WEBS, WORKERS, Town

#: Seconds that a process has to begin and come to the step at which it dies, at each try. Another
#: one of its kind may do all the work at the first; later ones are only long on a slow machine.
STEP_LIMITS: Final = (10.0, 40.0, 80.0)
#: Between two deeds, so that something gets done in between.
PAUSE: Final = 0.2
#: An answer that is lost: of every operation, as no other fault asks so much of the hub.
LOST: Final = {"kind": "drop_after_accept", "times": 2}
FAULTS: Final[tuple[dict[str, Any], ...]] = (
    {"kind": "drop_before", "times": 2},
    {"kind": "garbage", "times": 1},
    {"kind": "rate_limit", "retry_after": 1, "times": 8},
    {"kind": "status", "status": 503, "times": 3},
    {"kind": "slow", "delay_ms": 400, "times": 5},
)
OPERATIONS: Final = tuple(
    dict.fromkeys((kind.provider, operation) for kind in KINDS for operation in kind.operations)
)
CUTS: Final = tuple(kind.cuts for kind in KINDS if kind.cuts)
MISHAPS: Final = tuple((kind.provider, *mishap) for kind in KINDS for mishap in kind.mishaps)

Deed = Callable[[], None]


@dataclass(kw_only=True)
class Gremlin:
    """Does its deeds in the main thread, while people write."""

    town: Town
    clocks: Clocks
    book: Book
    seed: int
    #: How many deeds of each kind there are beside the steps.
    rounds: int
    #: The steps at which a process died; every one has to be there in the end.
    reached: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        self.dice = random.Random(self.seed)

    def torment(self, people: People, *, calls: int, seconds: float) -> None:
        """Do every deed, then others until so many calls were made; for ``seconds``, if it can."""
        end = time.monotonic() + seconds
        deeds = self._deeds()
        try:
            while deeds or (self.book.calls < calls and time.monotonic() < end):
                (deeds.pop(0) if deeds else self.dice.choice(self._tricks()))()
                self._tidy()
                time.sleep(PAUSE)
        finally:
            people.world.enough.set()
            ask(f"{self.town.sandbox}/_sandbox/faults", method="DELETE")
            self._tidy()

    def missed(self) -> list[str]:
        """Return the steps at which no process died."""
        return [step for step in STEPS if step not in self.reached]

    def _deeds(self) -> list[Deed]:
        deeds: list[Deed] = [partial(self._die_at, step) for step in STEPS]
        for _ in range(self.rounds):
            deeds += self._tricks()
        self.dice.shuffle(deeds)
        return deeds

    def _tricks(self) -> list[Deed]:
        """Return one of each kind."""
        one = self.dice.choice
        kills = [one(kind) for kind in (WEBS, WORKERS, SCHEDULERS, LISTENERS)]
        stops = [signal.SIGINT, signal.SIGQUIT] if self.town.database.restarts else []
        return [
            *(partial(self._kill, name) for name in kills),
            *(partial(self._fault, *operation, LOST) for operation in OPERATIONS),
            *(partial(self._fault, *one(OPERATIONS), fault) for fault in FAULTS),
            *(partial(self._fault, *mishap) for mishap in MISHAPS),
            *(partial(self._cut, *one(cuts)) for cuts in CUTS),
            *(partial(self._restart_database, how) for how in stops),
            self._kill_valkey,
            self._flush,
        ]

    def _die_at(self, step: str) -> None:
        for number, limit in enumerate(STEP_LIMITS):
            if self._died_at(step, limit, alone=number > 0):
                self.reached.add(step)
                self.book.deeds[f"died at {step}"] += 1
                return

    def _died_at(self, step: str, limit: float, *, alone: bool) -> bool:
        """Let one process die at a step, as the only one of its kind if ``alone``."""
        kinds = {"receive": WEBS, "listen": LISTENERS}.get(step.partition(".")[0], WORKERS)
        name, other = self.dice.sample(kinds, 2)
        stopped = (name, other) if alone or kinds is LISTENERS else (name,)
        for each in stopped:
            self.town.end(each)
        self.town.begin(name, die_at=f"{step}:{self.dice.randint(1, 3)}")
        if name in WEBS:
            self._within(limit, lambda: self.town.answers(name))
        if name in LISTENERS:
            # The dead one's lease counts for seconds as being held.
            self.clocks.bury()
        # The dead worker's nudges count for seconds as being on their way.
        self.town.empty_valkey()
        died = self._within(limit, lambda: self._is_dead(name))
        for each in stopped:
            self.town.end(each)
            self.town.begin(each)
        return died

    def _is_dead(self, name: str) -> bool:
        return self.town.ended(name) or (name in WEBS and not self.town.answers(name))

    def _within(self, seconds: float, true: Callable[[], bool]) -> bool:
        try:
            self.town.until(true, seconds=seconds)
        except TimeoutError:
            return False
        return True

    def _kill(self, name: str) -> None:
        self.town.end(name)
        self.book.deeds[f"killed {name.partition('-')[0]}"] += 1
        time.sleep(self.dice.random() * 0.2)
        self.town.begin(name)

    def _kill_valkey(self) -> None:
        self.town.kill_valkey()
        self.book.deeds["killed valkey"] += 1

    def _flush(self) -> None:
        self.town.empty_valkey()
        self.book.deeds["emptied valkey"] += 1

    def _restart_database(self, how: signal.Signals) -> None:
        self.town.restart_database(how)
        self.clocks.engine.dispose()  # its connections are gone
        self.book.deeds[f"restarted PostgreSQL by {how.name}"] += 1

    def _fault(self, provider: str, operation: str, fault: Mapping[str, Any]) -> None:
        wanted = {"provider": provider, "operation": operation, **fault}
        if ask(f"{self.town.sandbox}/_sandbox/faults", wanted) is not None:
            self.book.deeds[f"{provider}: {fault['kind']}"] += 1

    def _cut(self, where: str, what: Mapping[str, Any]) -> None:
        if ask(f"{self.town.sandbox}/_sandbox/{where}", what) is not None:
            how = " ".join(filter(None, (what.get("operation"), what.get("kind"))))
            self.book.deeds[how or where.replace("/", " ")] += 1

    def _tidy(self) -> None:
        for name in self.town.gone():
            self.book.complain(f"{name} ended by itself")
            self.town.begin(name)
