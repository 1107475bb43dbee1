"""Telling what is slow from what never ends."""

import time
from collections.abc import Iterator
from contextlib import contextmanager

#: Seconds of the processor. The slowest that is guarded takes two of them, and sixteen were seen on
#: a busy machine; what has no bounds takes minutes.
PATIENCE = 60


@contextmanager
def within_bounds() -> Iterator[None]:
    """Fail if what is done here takes a time that only work without bounds takes."""
    began = time.thread_time()
    yield
    assert time.thread_time() - began < PATIENCE
