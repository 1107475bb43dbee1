"""Name the steps of the pipeline, so that a test can kill a process at any one of them.

``HUBBUB_DIE_AT=deliver.answered:3`` ends the process with SIGKILL the third time it comes to that
step. Nothing is done, and next to nothing costs, where the variable is not set.
"""

import os
import signal
import threading
from typing import Final

#: Every step, in the order in which a message comes by.
STEPS: Final = (
    "listen.fetched",
    "listen.kept",
    "receive.judged",
    "receive.kept",
    "receive.nudged",
    "normalise.read",
    "normalise.stored",
    "normalise.committed",
    "deliver.found",
    "deliver.claimed",
    "deliver.answered",
    "deliver.recorded",
    "deliver.committed",
)
_NAME, _, _COUNT = os.environ.get("HUBBUB_DIE_AT", "").partition(":")
_lock = threading.Lock()
_left = int(_COUNT or 1)


def step(name: str) -> None:
    """Say that this process is at the step ``name``."""
    if name == _NAME:
        _die_in_turn()


def _die_in_turn() -> None:
    global _left  # noqa: PLW0603  # a count of this process, for tests alone
    with _lock:
        _left -= 1
        if _left <= 0:
            os.kill(os.getpid(), signal.SIGKILL)
