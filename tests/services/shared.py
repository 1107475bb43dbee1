"""Share what is slow to make among the processes of one test run."""

import fcntl
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

#: Names the run's directory to the workers of pytest-xdist, which inherit the environment.
VARIABLE = "TEST_SERVICES_DIR"
#: Names to pytest the folder for its temporary ones.
_PYTEST = "PYTEST_DEBUG_TEMPROOT"
#: Bytes that a whole run takes, with some to spare.
_ROOM = 2 << 30


def open_run() -> Path | None:
    """Make the directory of this run; None in a process that belongs to a run already."""
    if VARIABLE in os.environ:
        return None
    os.environ.setdefault(_PYTEST, _fast_folder())
    folder = Path(tempfile.mkdtemp(prefix="hubbub-tests-", dir=os.environ[_PYTEST]))
    folder.chmod(0o711)  # PostgreSQL may run as another user and must get through
    os.environ[VARIABLE] = str(folder)
    return folder


def _fast_folder() -> str:
    """Return where to put what tests write: in memory, for each commit waits for the disk."""
    memory = Path("/dev/shm")
    roomy = os.access(memory, os.W_OK) and shutil.disk_usage(memory).free > _ROOM
    return str(memory) if roomy else tempfile.gettempdir()


def run_folder() -> Path:
    """Return the directory of this run."""
    return Path(os.environ[VARIABLE])


@contextmanager
def one_at_a_time(name: str) -> Iterator[None]:
    """Keep the other processes of this run waiting meanwhile."""
    with (run_folder() / f"{name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def missing(reason: str) -> None:
    """Skip the test at home, fail it in CI: there a missing service would hide for months."""
    if os.environ.get("CI"):
        pytest.fail(f"{reason} CI must not skip this.", pytrace=False)
    pytest.skip(reason)
