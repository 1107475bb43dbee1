"""Hold what this process works with: made once, before its first work."""

import threading
from collections.abc import Callable
from typing import Protocol

from hubbub.hub import Hub
from hubbub.settings import Settings


class Carrier(Protocol):
    """What a worker process sends with."""

    def run(self) -> bool:
        """Carry until nothing is due; True if there may be more."""

    def halt(self) -> None:
        """Begin nothing new from now on."""

    def stop(self) -> None:
        """Begin nothing new, and wait for what is on its way."""


class _Process:
    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.hub: Hub | None = None
        self.carriers: dict[bool, Carrier] = {}
        self.equip: Callable[[Hub, bool], Carrier] | None = None


_process = _Process()


def hub() -> Hub:
    """Return the hub of this process, made from the environment on first use."""
    if _process.hub is None:
        with _process.lock:
            if _process.hub is None:
                _process.hub = Hub.make(Settings.read())
    return _process.hub


def use(made: Hub) -> Hub:
    """Make ``made`` the hub of this process."""
    _process.hub = made
    return made


def equip(carrier: Callable[[Hub, bool], Carrier]) -> None:
    """Say how to make what this process sends with: for replies, and for bulk (True)."""
    _process.equip = carrier


def courier(*, bulk: bool) -> Carrier:
    """Return what this process sends with. Only a worker has been equipped for it."""
    made = hub()
    with _process.lock:
        if not _process.carriers:
            if _process.equip is None:
                raise RuntimeError("This process is no worker: it cannot send.")
            _process.carriers = {kind: _process.equip(made, kind) for kind in (False, True)}
        return _process.carriers[bulk]


def stop_couriers() -> None:
    """Wait for what is on its way; nothing new begins."""
    carriers = list(_process.carriers.values())
    for carrier in carriers:
        carrier.halt()
    for carrier in carriers:
        carrier.stop()
