"""Measure how long it takes until a queue moves again whose worker was killed."""

import os
import signal
import time
from collections.abc import Sequence

from bench.common import wait_until
from bench.databases import KINDS
from bench.hub import Hub
from bench.load import Load, begin, ended
from bench.report import Figure
from bench.seed import Seeder
from bench.stub import Arrival
from bench.world import World, alone, target

_RATE = 50
_DELAY = 0.05
#: Seconds of load before and after the kill.
_BEFORE, _AFTER = 2.0, 3.0
#: What was on its way when the worker died arrives within this; what comes later was sent anew.
_ON_ITS_WAY = 0.1


def measure(world: World) -> Sequence[Figure]:
    """Kill the worker under load, on each database in turn."""
    moves = [_figure(f"kill -9 of the worker, until it sends again, {kind}") for kind in KINDS]
    through = [_figure(f"the same, until all taken before is sent, {kind}") for kind in KINDS]
    for number in range(world.scale.runs * len(KINDS)):
        which = number % len(KINDS)
        again, all_sent = _killed(world, world.hub(KINDS[which]))
        moves[which].hub.append(again)
        through[which].hub.append(all_sent)
    return [*moves, *through]


def _figure(what: str) -> Figure:
    return Figure(what=what, unit="s", must=30, aim=10, better="less")


def _killed(world: World, hub: Hub) -> tuple[float, float]:
    """Return the seconds from the kill to the next send, and to the last of what was taken."""
    there = target(hub)
    wait_until(lambda: hub.worker() is not None, 30, "the worker")
    world.stub.reset(delay=_DELAY)
    there.post(world.updates(1))
    world.stub.wait_for(1)
    seeder = Seeder(hub)
    # Everybody writes once: what may have been sent is left to a person, and holds up its lane.
    updates = world.updates(int(_RATE * (_BEFORE + _AFTER)), chats=10**8)
    world.stub.reset(delay=_DELAY)
    loading = begin(there.port, there.path, there.headers, updates, rate=_RATE)
    wait_until(lambda: world.stub.count() > _RATE * _BEFORE, 60, "the load")
    worker = hub.worker()
    assert worker is not None
    killed = time.monotonic()
    os.kill(worker, signal.SIGKILL)
    load = ended(loading)
    wait_until(lambda: not seeder.waiting(), 120, "the queue to be empty", every=0.25)
    seeder.close()
    return _again(world.stub.arrivals(), killed), _through(load, world.stub.arrivals(), killed)


def _again(arrivals: Sequence[Arrival], killed: float) -> float:
    return next(one.at for one in arrivals if one.at > killed + _ON_ITS_WAY) - killed


def _through(load: Load, arrivals: Sequence[Arrival], killed: float) -> float:
    taken = {chat for at, chat in load.sent if at < killed}
    return max(0.0, *(one.at - killed for one in arrivals if one.chat in taken))


if __name__ == "__main__":
    alone(measure)
