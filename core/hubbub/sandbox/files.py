"""Keep the files that customers and the hub exchange."""

import secrets
import threading
from collections import OrderedDict
from dataclasses import dataclass

#: All kept files together; the oldest go first.
_CAPACITY = 256 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class StoredFile:
    """One file, under an id of the sandbox's own."""

    id: str
    name: str
    mime_type: str
    data: bytes

    @property
    def is_image(self) -> bool:
        """Whether a browser may show it: raster images only, as an SVG can hold scripts."""
        return self.mime_type in {"image/png", "image/jpeg", "image/gif", "image/webp"}


class FileStore:
    """The files, in memory; the oldest are forgotten when there are too many."""

    def __init__(self, capacity: int = _CAPACITY) -> None:
        self._lock = threading.Lock()
        self._files: OrderedDict[str, StoredFile] = OrderedDict()
        self._capacity = capacity
        self._size = 0

    def put(self, *, name: str, mime_type: str, data: bytes) -> StoredFile:
        """Keep a file and return it with its id."""
        stored = StoredFile(secrets.token_urlsafe(18), name, mime_type, data)
        with self._lock:
            self._files[stored.id] = stored
            self._size += len(data)
            while self._size > self._capacity and len(self._files) > 1:
                self._size -= len(self._files.popitem(last=False)[1].data)
        return stored

    def get(self, file_id: str) -> StoredFile | None:
        """Return the file, if it is still kept."""
        return self._files.get(file_id)

    def clear(self) -> None:
        """Forget every file."""
        with self._lock:
            self._files.clear()
            self._size = 0
