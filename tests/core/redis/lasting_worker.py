"""Consume one message and never finish it; a test starts this and kills it."""

import sys
import threading
from datetime import timedelta

import dramatiq
from dramatiq.brokers.stub import StubBroker

dramatiq.set_broker(StubBroker(middleware=[]))
from hubbub.consumer import PromptBroker  # noqa: E402  # no environment is read here

broker = PromptBroker(sys.argv[1], heartbeat=timedelta(seconds=float(sys.argv[2])), middleware=[])


@dramatiq.actor(broker=broker, queue_name="inbound")
def work() -> None:
    print("begun", flush=True)  # noqa: T201  # the test waits for it
    threading.Event().wait()


dramatiq.Worker(broker, worker_threads=1).start()
threading.Event().wait()
