"""Turn signals into an event to wait for."""

import signal
import threading


def stop_on_signal() -> threading.Event:
    """Return an event that SIGINT and SIGTERM set. Only the main thread may call this."""
    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    return stop
