"""Ask a provider few things at once beside its messages, so that one that is silent stays alone.

Files, names, proofs and acknowledgements are asked for by threads that serve every channel.
"""

import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

#: What one process asks about one channel at once.
_MOST: Final = 2


class Asides:
    """What this process is asking, by channel. Safe in any thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._asked: Counter[str] = Counter()

    @contextmanager
    def place(self, channel_id: str) -> Iterator[bool]:
        """Give a place while one thing is asked; False where there is none: ask another time."""
        with self._lock:
            free = self._asked[channel_id] < _MOST
            self._asked[channel_id] += free
        try:
            yield free
        finally:
            with self._lock:
                self._asked[channel_id] -= free
                if not self._asked[channel_id]:
                    del self._asked[channel_id]

    def full(self) -> set[str]:
        """Return the channels about which nothing more may be asked now."""
        with self._lock:
            return {channel_id for channel_id, asked in self._asked.items() if asked >= _MOST}
