"""Measure how long a message takes from its webhook to its answer at the provider."""

from collections import defaultdict, deque
from collections.abc import Sequence

from bench.databases import KINDS
from bench.load import Load
from bench.report import Figure
from bench.stub import Arrival
from bench.world import World, alone, target


def measure(world: World) -> Sequence[Figure]:
    """Post at 20 and at 100 messages a second, whatever the answers take."""
    return [figure for kind in KINDS for figure in _measure(world, kind)]


def _measure(world: World, kind: str) -> Sequence[Figure]:
    p50, p99, busy = figures = (
        Figure(what=f"end to end at 20/s, p50, {kind}", unit="ms", must=40, aim=20, better="less"),
        Figure(what=f"end to end at 20/s, p99, {kind}", unit="ms", must=120, aim=50, better="less"),
        Figure(
            what=f"end to end at 100/s, p99, {kind}", unit="ms", must=250, aim=100, better="less"
        ),
    )
    slow, fast = world.scale.steady
    _took(world, kind, 20, 2.0)
    for _ in range(world.scale.runs):
        took = _took(world, kind, 20, slow)
        p50.hub.append(_share(took, 50))
        p99.hub.append(_share(took, 99))
        busy.hub.append(_share(_took(world, kind, 100, fast), 99))
    return figures


def _took(world: World, kind: str, rate: int, seconds: float) -> list[float]:
    """Return the milliseconds that each message took, in order."""
    count = int(rate * seconds)
    there = target(world.hub(kind))
    world.stub.reset()
    load = there.post(world.updates(count), rate=rate)
    return sorted(_pairs(load, world.stub.wait_for(count)))


def _pairs(load: Load, arrivals: Sequence[Arrival]) -> list[float]:
    """Return how long each took: the answers to a person come in the order of the questions."""
    asked: dict[int, deque[float]] = defaultdict(deque)
    for at, chat in load.sent:
        asked[chat].append(at)
    return [(arrival.at - asked[arrival.chat].popleft()) * 1000 for arrival in arrivals]


def _share(ordered: Sequence[float], percent: int) -> float:
    return ordered[min(len(ordered) - 1, len(ordered) * percent // 100)]


if __name__ == "__main__":
    alone(measure)
