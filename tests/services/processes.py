"""Find the processes of a hub that runs, and end them as a power failure would. Linux alone."""

import os
import signal
from contextlib import suppress
from pathlib import Path


def kill(pid, name):
    """End the child of ``pid`` that calls itself ``name``, and all that it started."""
    child = next(one for one in _children(pid) if _name(one) == name)
    for one in (child, *_children(child)):
        with suppress(ProcessLookupError):
            os.kill(one, signal.SIGKILL)


def _children(pid):
    return [int(one) for one in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def _name(pid):
    return Path(f"/proc/{pid}/comm").read_text().strip()
