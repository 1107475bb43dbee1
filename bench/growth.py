"""Measure what a message costs beside few and beside many stored ones."""

import contextlib
from collections.abc import Sequence

from bench.databases import KINDS
from bench.hub import Hub
from bench.report import Figure
from bench.seed import Seeder
from bench.world import World, alone, target

#: Stored messages of each contact.
_EACH = 100


def measure(world: World) -> Sequence[Figure]:
    """Fill hubs to different sizes and send messages through them in turn."""
    return [figure for kind in KINDS for figure in _measure(world, kind)]


def _measure(world: World, kind: str) -> Sequence[Figure]:
    sizes = world.scale.stored
    with contextlib.ExitStack() as stack:
        hubs = [stack.enter_context(world.fresh_hub(kind)) for _ in sizes]
        for hub, size in zip(hubs, sizes, strict=True):
            _fill(world, hub, size)
        costs = [[_cost(world, hub) for hub in hubs] for _ in range(world.scale.runs)]
    few, *more = zip(*costs, strict=True)
    return [_figure(kind, size, few, many) for size, many in zip(sizes[1:], more, strict=True)]


def _figure(kind: str, size: int, few: Sequence[float], many: Sequence[float]) -> Figure:
    what = f"cost of a message with {size:,} stored, {kind}"
    return Figure(
        what=what, unit="us", must=1.4, aim=1.2, better="less", floor=list(few), hub=list(many)
    )


def _fill(world: World, hub: Hub, size: int) -> None:
    _cost(world, hub)  # everybody is new at first
    seeder = Seeder(hub)
    seeder.history(seeder.people(size // _EACH, last_seq=_EACH), _EACH)
    seeder.close()


def _cost(world: World, hub: Hub) -> float:
    """Return microseconds a message, from the first webhook to the last arrival."""
    count = world.scale.grown
    world.stub.reset()
    load = target(hub).post(world.updates(count))
    return (world.stub.wait_for(count)[-1].at - load.began) / count * 1e6


if __name__ == "__main__":
    alone(measure)
