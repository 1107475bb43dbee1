"""Measure sending: in bulk to a slow provider, in order, and on time behind a long queue."""

import time
from collections import defaultdict
from collections.abc import Sequence
from datetime import timedelta

from bench.databases import KINDS
from bench.report import Figure
from bench.seed import Seeder
from bench.stub import Arrival
from bench.world import World, alone, target
from hubbub.deliver.courier import SIZE

_BULK_DELAY = 0.05
#: Parts of one channel on their way at once: it never has more places than it leaves free.
_PLACES = SIZE // 2
_HOT_DELAY = 0.03
_HOT = 10
_SOON = 2.0


def measure(world: World) -> Sequence[Figure]:
    """Measure all three, on each database in turn."""
    seeders = [_seeder(world, kind) for kind in KINDS]
    bulk = [_figure(f"bulk to a 50 ms provider, {kind}", 0.6, 0.9) for kind in KINDS]
    hot = [_figure(f"10 hot conversations in order, {kind}", 0.5, 0.75) for kind in KINDS]
    late = [_late(world, kind) for kind in KINDS]
    for _ in range(world.scale.runs):
        for seeder, figure in zip(seeders, bulk, strict=True):
            figure.floor.append(_PLACES / _BULK_DELAY)
            figure.hub.append(_bulk(world, seeder))
        for seeder, figure in zip(seeders, hot, strict=True):
            figure.floor.append(_HOT / _HOT_DELAY)
            figure.hub.append(_in_order(world, seeder))
    for seeder, figure in zip(seeders, late, strict=True):
        _queue_for_later(world, seeder)
        figure.hub = [_lateness(world, seeder) for _ in range(world.scale.runs)]
        seeder.close()
    return [*bulk, *hot, *late]


def _figure(what: str, must: float, aim: float) -> Figure:
    return Figure(what=what, unit="/s", must=must, aim=aim)


def _late(world: World, kind: str) -> Figure:
    what = f"due in 2 s behind {world.scale.delayed:,} due in an hour, late, {kind}"
    return Figure(what=what, unit="s", must=3, aim=1, better="less")


def _seeder(world: World, kind: str) -> Seeder:
    hub = world.hub(kind)
    world.stub.reset()
    target(hub).post(world.updates(1))
    world.stub.wait_for(1)
    return Seeder(hub)


def _bulk(world: World, seeder: Seeder) -> float:
    """Return how many messages a second are sent, one to each of many contacts."""
    count = world.scale.bulk
    seeder.pause(paused=True)
    seeder.queued(seeder.people(count, last_seq=1), 1, seeder.inside.now(), bulk=True)
    return _released(world, seeder, count, _BULK_DELAY)[0]


def _in_order(world: World, seeder: Seeder) -> float:
    """Return how many messages a second are sent in few conversations, each in its order."""
    said = [str(number) for number in range(world.scale.hot)]
    people = seeder.people(_HOT)
    seeder.pause(paused=True)
    seeder.say(people, dict.fromkeys(range(_HOT), said))
    rate, arrivals = _released(world, seeder, _HOT * len(said), _HOT_DELAY)
    heard: dict[int, list[str]] = defaultdict(list)
    for arrival in arrivals:
        heard[arrival.chat].append(arrival.text)
    assert all(texts == said for texts in heard.values()), "Messages arrived out of order."
    return rate


def _released(
    world: World, seeder: Seeder, count: int, delay: float
) -> tuple[float, Sequence[Arrival]]:
    """Let go what waits; return how many a second were sent, and what arrived."""
    world.stub.reset(delay=delay)
    began = time.monotonic()
    seeder.pause(paused=False)
    arrivals = world.stub.wait_for(count)
    return count / (arrivals[-1].at + delay - began), arrivals


def _queue_for_later(world: World, seeder: Seeder) -> None:
    each = 100
    people = seeder.people(world.scale.delayed // each, last_seq=each)
    seeder.queued(people, each, seeder.inside.now() + timedelta(hours=1))


def _lateness(world: World, seeder: Seeder) -> float:
    """Return how many seconds after its time a message arrives."""
    world.stub.reset()
    people = seeder.people(1)
    due = time.monotonic() + _SOON
    seeder.say(people, {0: ["soon"]}, seeder.inside.now() + timedelta(seconds=_SOON))
    return world.stub.wait_for(1)[0].at - due


if __name__ == "__main__":
    alone(measure)
