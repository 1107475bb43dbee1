"""Run the chaos suite: ``python -m tests.chaos [--short] [--seed N] [--database KIND]``."""

import argparse
import random
import shutil
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from hubbub.store.session import make_engine
from tests.chaos.book import Book
from tests.chaos.bot import Bot
from tests.chaos.databases import database
from tests.chaos.facts import Facts, collect
from tests.chaos.gremlin import Gremlin
from tests.chaos.judge import Judge
from tests.chaos.kinds import KINDS
from tests.chaos.leaks import leaks, tracebacks
from tests.chaos.people import People
from tests.chaos.person import World
from tests.chaos.place import Place, prepare
from tests.chaos.settle import Clocks, Settling
from tests.chaos.summary import summary
from tests.chaos.town import Town
from tests.chaos.visitors import seen_in_windows, windows_verdict

#: How many wrongs are shown, and how much of each.
SHOWN, WIDTH = 40, 600
#: Seconds for everybody to finish what they are at: more than anyone's stamina.
PATIENCE = 180.0


@dataclass(frozen=True, kw_only=True)
class Size:
    """How much is done, and how long it may take (in seconds)."""

    #: Customers on all channels together, and seconds between two messages of one.
    customers: int
    pace: float
    #: Calls that have to be answered, deeds of each kind, and how long that may take.
    calls: int
    rounds: int
    torment: float
    #: How long the hub may get nothing done afterwards, and when its clocks are turned.
    settle: float
    hurry_after: float


SHORT = Size(customers=12, pace=0.15, calls=1000, rounds=1, torment=30, settle=60, hurry_after=0)
FULL = Size(
    customers=32, pace=0.25, calls=10_000, rounds=6, torment=170, settle=120, hurry_after=75
)


def main() -> int:
    asked = argparse.ArgumentParser(prog="make chaos")
    asked.add_argument("--short", action="store_true", help="less than a minute")
    asked.add_argument("--seed", type=int, default=random.randrange(10**6))
    asked.add_argument("--database", choices=["sqlite", "postgresql", "both"], default="both")
    options = asked.parse_args()
    kinds = ["sqlite", "postgresql"] if options.database == "both" else [options.database]
    return max([run(kind, options.seed, SHORT if options.short else FULL) for kind in kinds])


def run(kind: str, seed: int, size: Size) -> int:
    """Torment one hub and judge it; returns 1 when something is wrong."""
    folder = Path(tempfile.mkdtemp(prefix="hubbub-chaos-"))
    print(f"{kind}, seed {seed}; logs in {folder}", flush=True)
    began = time.monotonic()
    with database(kind, folder) as server:
        town = Town(folder, server)
        try:
            town.start()
            wrong, summary = _story(town, seed, size)
        finally:
            town.stop()
    more = [f"and {len(wrong) - SHOWN} more"] if len(wrong) > SHOWN else []
    for line in [*summary, *(f"WRONG: {one[:WIDTH]}" for one in wrong[:SHOWN]), *more]:
        print(f"  {line}")
    outcome = f"NOT WELL, see {folder}" if wrong else "nothing lost, nothing doubled"
    print(f"  {outcome}; {time.monotonic() - began:.0f} s", flush=True)
    if not wrong:
        shutil.rmtree(folder, ignore_errors=True)
    return int(bool(wrong))


def _story(town: Town, seed: int, size: Size) -> tuple[list[str], list[str]]:
    """Return what is wrong, and what happened."""
    bot = Bot(seed)
    engine = make_engine(town.database.url)
    try:
        place, book = prepare(town, bot.url), Book()
        clocks = Clocks(town=town, engine=engine)
        world = World(place=place, book=book, seed=seed, pace=size.pace, calls=size.calls)
        people = People(world=world, customers=size.customers)
        gremlin = Gremlin(town=town, clocks=clocks, book=book, seed=seed, rounds=size.rounds)
        began = time.monotonic()
        people.start()
        gremlin.torment(people, calls=size.calls, seconds=size.torment)
        town.until(lambda: not people.alive(), seconds=PATIENCE)
        tormented = time.monotonic()
        left = Settling(clocks=clocks, hurry_after=size.hurry_after).wait(size.settle)
        times = f"tormented for {tormented - began:.0f} s, settled after "
        times += f"{time.monotonic() - tormented:.0f} s"
        for window in book.windows.values():
            window.catch_up()
        facts = collect(town, engine)
        facts.seen.extend(seen_in_windows(book, facts.deliveries))
        wrong = [
            *(f"{what}: {count} after the wait" for what, count in left.items() if count),
            *(f"No process died at {step}" for step in gremlin.missed()),
            *(f"{name} ended by itself" for name in town.gone()),
            *_judge(place, book, facts).verdict(),
            *windows_verdict(book),
            *dict.fromkeys(leaks(town.folder, engine, place.secrets)),
            *tracebacks(town.folder),
        ]
        return wrong, [times, *summary(book, facts)]
    finally:
        engine.dispose()
        bot.stop()


def _judge(place: Place, book: Book, facts: Facts) -> Judge:
    return Judge(
        book=book,
        facts=facts,
        channels=place.channels,
        by_reference=frozenset(kind.name for kind in KINDS if kind.by_reference),
        retelling=frozenset(kind.name for kind in KINDS if kind.retells),
    )


if __name__ == "__main__":
    sys.exit(main())
