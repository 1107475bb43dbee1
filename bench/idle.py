"""Measure what `hubbub up` takes to start, and what it uses while nothing happens."""

import time
from collections.abc import Sequence

from bench.common import cpu_seconds, pss_megabytes
from bench.hub import hubbub_up
from bench.report import Figure
from bench.world import World, alone

#: Seconds after the start until it counts as idle.
_SETTLED = 2.0


def measure(world: World) -> Sequence[Figure]:
    """Start it on an empty SQLite file, leave it alone, and stop it, several times."""
    ready, cpu, memory = figures = (
        Figure(what="start to ready", unit="s", must=6, aim=3, better="less"),
        Figure(what="idle, CPU of one core", unit="%", must=6, aim=3, better="less"),
        Figure(what="idle, memory (PSS)", unit="MB", must=450, aim=300, better="less"),
    )
    for _ in range(world.scale.runs):
        with hubbub_up() as hub:
            ready.hub.append(hub.started_in)
            time.sleep(_SETTLED)
            before = cpu_seconds(hub.pid)
            time.sleep(world.scale.idle)
            cpu.hub.append((cpu_seconds(hub.pid) - before) / world.scale.idle * 100)
            memory.hub.append(pss_megabytes(hub.pid))
    return figures


if __name__ == "__main__":
    alone(measure)
