"""Measure how fast webhooks are accepted durably, beside a bare Flask on the same server."""

from collections.abc import Sequence

from bench.databases import KINDS
from bench.report import Figure
from bench.world import World, alone, target

_WANTED = {"PostgreSQL": (0.45, 0.75), "SQLite": (0.50, 0.95)}


def measure(world: World) -> Sequence[Figure]:
    """Post at 64 clients to the bare Flask and to the hub's web alone, in turn."""
    figures = [_figure(kind) for kind in KINDS]
    for number in range(world.scale.runs + 1):
        for kind, figure in zip(KINDS, figures, strict=True):
            bare = world.flask().post(world.updates(world.scale.accepted))
            hub = target(world.web(kind)).post(world.updates(world.scale.accepted))
            if number:  # the first round warms up
                figure.floor.append(bare.rate)
                figure.hub.append(hub.rate)
    return figures


def _figure(kind: str) -> Figure:
    must, aim = _WANTED[kind]
    what = f"durable accept, 64 clients, {kind}"
    return Figure(what=what, unit="/s", must=must, aim=aim)


if __name__ == "__main__":
    alone(measure)
