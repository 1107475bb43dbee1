"""Measure the whole way: webhook, bot, answer at the provider, beside two floors."""

from collections.abc import Sequence

from bench.databases import KINDS
from bench.report import Figure
from bench.world import Target, World, alone, target


def measure(world: World) -> Sequence[Figure]:
    """Carry messages of 400 people through hub, floor and aiogram bot, in turn."""
    lean = [Figure(what=f"whole way, {kind}", unit="/s", must=0.4, aim=0.65) for kind in KINDS]
    bots = [
        Figure(what=f"the same beside an aiogram bot, {kind}", unit="/s", must=1.2, aim=2.0)
        for kind in KINDS
    ]
    for number in range(world.scale.runs + 1):
        bot = _rate(world, world.aiogram())
        for kind, beside_floor, beside_bot in zip(KINDS, lean, bots, strict=True):
            floor = _rate(world, world.floor(kind))
            hub = _rate(world, target(world.hub(kind)))
            if number:  # the first round warms up: everybody is new then
                beside_floor.floor.append(floor)
                beside_floor.hub.append(hub)
                beside_bot.floor.append(bot)
                beside_bot.hub.append(hub)
    return [*lean, *bots]


def _rate(world: World, there: Target) -> float:
    """Return messages a second, from the first webhook to the last arrival."""
    count = world.scale.carried
    world.stub.reset()
    load = there.post(world.updates(count))
    return count / (world.stub.wait_for(count)[-1].at - load.began)


if __name__ == "__main__":
    alone(measure)
