"""Run the chaos suite: ``python -m tests.chaos [--short] [--seed N] [--database KIND]``."""

import argparse
import contextlib
import random
import shutil
import sys
import tempfile
import time
from pathlib import Path

from tests.chaos.story import Story, fresh_name
from tests.chaos.town import Town
from tests.services.postgres import shared_postgres, stop_postgres, url_of
from tests.services.shared import open_run


def main():
    asked = argparse.ArgumentParser(prog="make chaos")
    asked.add_argument("--short", action="store_true", help="about a minute")
    asked.add_argument("--seed", type=int, default=random.randrange(10**6))
    asked.add_argument("--database", choices=["sqlite", "postgresql", "both"], default="both")
    options = asked.parse_args()
    kinds = ["sqlite", "postgresql"] if options.database == "both" else [options.database]
    return max([run(kind, options.seed, short=options.short) for kind in kinds])


def run(kind, seed, *, short):
    """Run one story; returns 1 when something is wrong."""
    folder = Path(tempfile.mkdtemp(prefix="hubbub-chaos-"))
    print(f"{kind}, seed {seed}, logs in {folder}", flush=True)
    began = time.monotonic()
    with database(kind, folder) as url:
        town = Town(folder, url)
        story = Story(town, seed=seed, customers=4 if short else 16, size=40 if short else 300)
        try:
            town.start()
            story.prepare()
            story.run()
            waiting = story.settle(150)
            wrong = story.verdict(waiting)
        finally:
            town.stop()
    report(story, wrong, time.monotonic() - began)
    if not wrong:
        shutil.rmtree(folder, ignore_errors=True)
    return int(bool(wrong))


def report(story, wrong, seconds):
    book = story.book
    inbound = sum(map(len, book.telegram.values())) + sum(map(len, book.sms.values()))
    print(f"  {inbound} inbound messages acknowledged, {book.rejected} calls rejected,")
    print(f"  {book.malformed} malformed; outbound: {dict(story.statuses)}")
    print(f"  done to it: {dict(sorted(story.killed.items()))}")
    for line in wrong[:30]:
        print(f"  WRONG: {line}")
    print(f"  {'NOT WELL' if wrong else 'nothing lost, nothing doubled'} after {seconds:.0f} s")


@contextlib.contextmanager
def database(kind, folder):
    if kind == "sqlite":
        yield f"sqlite:///{folder / 'hubbub.db'}"
        return
    place = open_run()
    server = shared_postgres()
    name = fresh_name()
    server._admin.execute(f"CREATE DATABASE {name}")
    try:
        yield url_of(server._sockets, name)
    finally:
        server._admin.execute(f"DROP DATABASE {name} WITH (FORCE)")
        server.close()
        if place is not None:
            stop_postgres(place)
            shutil.rmtree(place, ignore_errors=True)


if __name__ == "__main__":
    sys.exit(main())
