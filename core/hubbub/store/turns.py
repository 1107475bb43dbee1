"""Let the writers of an SQLite file take turns.

SQLite has those who find it locked sleep and look again, longer each time: whoever writes much
then keeps the others out, and everybody sleeps while nobody writes. Who waits here is woken.
"""

import os
import sys
import threading
from typing import Final

#: Windows has no such locks; there SQLite's own waiting must do.
_LOCKS_FILES: Final = sys.platform != "win32"
if _LOCKS_FILES:
    import fcntl


class Turns:
    """One writer at a time among the threads of a process, and among the processes of a host.

    A thread that has its turn may take it again. The system ends the turn of a process that dies.
    """

    def __init__(self, path: str | None) -> None:
        """``path`` names a file of its own, beside the database; None for one in memory."""
        self._path = path if _LOCKS_FILES else None
        self._threads = threading.RLock()
        self._depth = 0
        self._file: int | None = None

    def __enter__(self) -> None:
        self._threads.acquire()
        if self._depth == 0:
            self._lock()
        self._depth += 1

    def __exit__(self, *_: object) -> None:
        self._depth -= 1
        if self._depth == 0 and self._file is not None:
            fcntl.flock(self._file, fcntl.LOCK_UN)
        self._threads.release()

    def close(self) -> None:
        """Close the file between two turns; the next one opens it again."""
        with self._threads:
            if self._depth == 0 and self._file is not None:
                os.close(self._file)
                self._file = None

    def _lock(self) -> None:
        if self._path is None:
            return
        try:
            if self._file is None:
                # Opened at the first turn: a fork would share the lock.
                self._file = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
            fcntl.flock(self._file, fcntl.LOCK_EX)
        except OSError:
            # Not on this kind of file system. SQLite keeps writers apart in any case.
            self._path = None
