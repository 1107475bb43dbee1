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


def test_each_kind_of_work_has_threads_of_its_own(world, replace, caplog):
    """One whose threads all wait for a silent provider keeps no other from being done."""
    replace("broker")
    broker: Any = vars(worker)["broker"]
    stop, over, done = threading.Event(), threading.Event(), threading.Event()
    started = threading.Semaphore(0)

    @dramatiq.actor(broker=broker, queue_name="default")
    def wait():
        started.release()
        over.wait(10)

    @dramatiq.actor(broker=broker, queue_name="inbound")
    def read():
        done.set()

    runner = threading.Thread(target=worker.run, args=(world.hub.settings, stop))
    runner.start()
    for _ in range(20):
        wait.send()
    for _ in range(worker._THREADS["default"]):
        assert started.acquire(timeout=10)
    read.send()
    assert done.wait(10)
    stop.set()
    over.set()
    runner.join(10)
    assert not runner.is_alive()
    assert caplog.messages == []


def test_the_time_limits_of_what_plugins_are_told_begin_with_its_workers(replace):
    booted = replace("telling")
    hub: Any = SimpleNamespace(plugins=SimpleNamespace(listeners=["one"]))
    teller = worker.start_telling(hub)
    assert teller is not None
    teller.stop()
    assert booted.times == 1
