"""Run the chaos suite: ``python -m tests.chaos [--short] [--seed N] [--database KIND]``."""

import argparse
import random
import shutil
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from sqlalchemy import Engine

from hubbub.steps import STEPS
from hubbub.store.session import make_engine
from tests.chaos import calls
from tests.chaos.book import Book
from tests.chaos.bot import Bot
from tests.chaos.databases import database
from tests.chaos.facts import Facts, collect
from tests.chaos.gremlin import Gremlin
from tests.chaos.judge import Judge, settled
from tests.chaos.leaks import leaks, tracebacks
from tests.chaos.people import People
from tests.chaos.person import World
from tests.chaos.place import BOT_SECRET, Place, prepare
from tests.chaos.settle import Clocks, Settling
from tests.chaos.town import KEY, Town

#: How many wrongs are shown, and how much of each.
SHOWN, WIDTH = 40, 600


@dataclass(frozen=True, kw_only=True)
class Size:
    """How much is done, and how long it may take (in seconds)."""

    #: Customers on each channel, and seconds between two messages of one.
    customers: int
    pace: float
    #: Calls that have to be answered, deeds of each kind, and how long that may take.
    calls: int
    rounds: int
    torment: float
    #: How long the hub may need afterwards at the most, and after how long its clocks are turned.
    settle: float
    hurry_after: float


SHORT = Size(customers=6, pace=0.15, calls=1000, rounds=1, torment=30, settle=180, hurry_after=0)
FULL = Size(
    customers=16, pace=0.25, calls=10_000, rounds=6, torment=170, settle=300, hurry_after=75
)


@dataclass
class Report:
    """What one run showed."""

    wrong: list[str]
    lines: list[str] = field(default_factory=list)


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
            report = _story(town, seed, size)
        finally:
            town.stop()
    for line in [*report.lines, *(f"WRONG: {one[:WIDTH]}" for one in report.wrong[:SHOWN])]:
        print(f"  {line}")
    more = len(report.wrong) - SHOWN
    if more > 0:
        print(f"  and {more} more")
    outcome = f"NOT WELL, see {folder}" if report.wrong else "nothing lost, nothing doubled"
    print(f"  {outcome}; {time.monotonic() - began:.0f} s", flush=True)
    if not report.wrong:
        shutil.rmtree(folder, ignore_errors=True)
    return int(bool(report.wrong))


def _story(town: Town, seed: int, size: Size) -> Report:
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
        town.until(lambda: not people.alive(), seconds=120)
        tormented = time.monotonic()
        left = Settling(clocks=clocks, hurry_after=size.hurry_after).wait(size.settle)
        times = (tormented - began, time.monotonic() - tormented)
        return _judge(town, engine, place, book, gremlin, left, times)
    finally:
        engine.dispose()
        bot.stop()


def _judge(
    town: Town,
    engine: Engine,
    place: Place,
    book: Book,
    gremlin: Gremlin,
    left: dict[str, int],
    times: tuple[float, float],
) -> Report:
    facts = collect(town, engine)
    secrets = {
        "The bot token": calls.TOKEN.partition(":")[2],
        "The polled bot's token": calls.POLLED.partition(":")[2],
        "The auth token": calls.AUTH,
        "The webhook secret": place.telegram_secret,
        "The API token": place.api["Authorization"].removeprefix("Bearer "),
        "The bot's secret": BOT_SECRET,
        "The secret key": KEY,
    }
    known = tracebacks(town.folder)
    wrong = [
        *(f"{what}: {count} after the wait" for what, count in left.items() if count),
        *(f"No process died at {step}" for step in gremlin.missed()),
        *Judge(book=book, facts=facts, channels=place.channels).verdict(),
        *dict.fromkeys(leaks(town.folder, engine, secrets)),
        *(f"A traceback, {count} times, in {what}" for what, count in known.items()),
    ]
    return Report(wrong=wrong, lines=list(_summary(book, facts, times)))


def _summary(book: Book, facts: Facts, times: tuple[float, float]) -> Iterator[str]:
    ledger = facts.ledger
    heard = sum(map(len, book.heard.values()))
    yield f"tormented for {times[0]:.0f} s, settled after {times[1]:.0f} s"
    yield f"calls: {book.calls} answered, {book.repeated} without an answer and repeated"
    yield (
        f"in: {heard} messages with {len(book.files)} files, {len(book.edits)} edits, {ledger['receipts']} receipts, "
        f"{book.doubled} told twice; {len(book.rejected)} rejected, {len(book.malformed)} malformed"
    )
    states: dict[str, int] = {}
    for row in facts.deliveries:
        states[row.state] = states.get(row.state, 0) + 1
    yield f"out: {len(facts.deliveries)} parts, {states}; the sandbox saw {len(facts.seen)}"
    yield f"outcomes that were unknown: {dict(settled(facts))}"
    died = sum(1 for deed in book.deeds if deed.startswith("died at"))
    others = {key: n for key, n in sorted(book.deeds.items()) if not key.startswith("died at")}
    yield f"died at {died} of {len(STEPS)} steps; {others}"
    yield f"ledger: {ledger}"


if __name__ == "__main__":
    sys.exit(main())
