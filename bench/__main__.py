"""Measure, print, and keep the last run: ``python -m bench [--quick|--full] [--only NAME]``."""

import argparse
import dataclasses
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Final, TypeAlias

from bench import (
    accept,
    console,
    growth,
    idle,
    latency,
    resilience,
    sending,
    whole_way,
    windows,
)
from bench.report import Figure, machine, table, write
from bench.world import QUICK, Scale, World

Measure: TypeAlias = Callable[[World], Sequence[Figure]]

#: Sessions of measurements that share what runs; nothing else is up while idling is measured.
SESSIONS: Final[Sequence[Mapping[str, Measure]]] = (
    {"idle": idle.measure},
    {"windows": windows.measure},
    {"accept": accept.measure},
    {"whole_way": whole_way.measure},
    {
        "latency": latency.measure,
        "sending": sending.measure,
        "resilience": resilience.measure,
    },
    {"growth": growth.measure},
    {"console": console.measure},
)


def main() -> None:
    """Measure what the command line says."""
    names = [name for session in SESSIONS for name in session]
    asked = argparse.ArgumentParser(prog="make bench")
    size = asked.add_mutually_exclusive_group()
    size.add_argument("--quick", action="store_true", help="less than three minutes, less exact")
    size.add_argument("--full", action="store_true", help="also with a million messages stored")
    asked.add_argument("--only", action="append", choices=names, help="only this, or these")
    told = asked.parse_args()
    scale = QUICK if told.quick else Scale()
    if told.full:
        scale = dataclasses.replace(scale, stored=(1_000, 100_000, 1_000_000))
    figures = [
        figure for session in SESSIONS for figure in _measured(session, scale, told.only or names)
    ]
    print(f"{machine(scale.runs)}\n\n{table(figures)}")
    if not told.quick and not told.only:
        write(figures, scale.runs)


def _measured(session: Mapping[str, Measure], scale: Scale, names: Sequence[str]) -> list[Figure]:
    figures: list[Figure] = []
    with World(scale) as world:
        for name, measure in session.items():
            if name in names:
                began = time.monotonic()
                print(f"{name} ...", end=" ", flush=True)
                figures += measure(world)
                print(f"{time.monotonic() - began:.0f} s", flush=True)
    return figures


if __name__ == "__main__":
    main()
