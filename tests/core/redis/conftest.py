"""Give workers of the test's own, and wait for what they do."""

import time
from contextlib import ExitStack
from datetime import timedelta

import dramatiq
import pytest

from hubbub.consumer import PromptBroker


@pytest.fixture
def make_worker_broker():
    """Return a broker, closed at the end."""
    with ExitStack() as stack:

        def make(url, *, heartbeat=timedelta(seconds=15)):
            broker = PromptBroker(url, heartbeat=heartbeat, middleware=[])
            stack.callback(broker.close)
            return broker

        yield make


@pytest.fixture
def run_worker():
    """Start a worker on a broker; it is stopped at the end."""
    with ExitStack() as stack:

        def run(broker, **options):
            worker = dramatiq.Worker(broker, worker_timeout=100, **options)
            worker.start()
            stack.callback(worker.stop)
            return worker

        yield run


@pytest.fixture
def eventually():
    """Wait until something is so, and fail when it never is."""

    def wait(done, *, limit=60.0):
        deadline = time.monotonic() + limit
        while not done():
            assert time.monotonic() < deadline, "it never became so"
            time.sleep(0.005)

    return wait
