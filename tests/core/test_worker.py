"""What a worker begins with, beside its threads."""

import threading
from types import SimpleNamespace
from typing import Any

import dramatiq
import pytest
from dramatiq.brokers.stub import StubBroker

from hubbub import process, worker


class Booted(dramatiq.Middleware):
    """Notes who was told that a process has begun, as `TimeLimit` needs to be."""

    def __init__(self):
        self.times = 0

    def after_process_boot(self, broker):
        del broker
        self.times += 1


@pytest.fixture
def replace(monkeypatch):
    """Put a broker in memory in the place of one of the worker's; return who is told."""

    def put(name):
        booted = Booted()
        monkeypatch.setattr(worker, name, StubBroker(middleware=[booted]))
        return booted

    yield put
    process.stop_couriers()


def test_the_time_limits_of_actors_begin_with_the_worker(world, replace):
    booted = replace("broker")
    stop = threading.Event()
    stop.set()
    worker.run(world.hub.settings, stop)
    assert booted.times == 1


def test_the_time_limits_of_what_plugins_are_told_begin_with_its_workers(replace):
    booted = replace("telling")
    hub: Any = SimpleNamespace(plugins=SimpleNamespace(listeners=["one"]))
    teller = worker.start_telling(hub)
    assert teller is not None
    teller.stop()
    assert booted.times == 1
