"""Listen on a port of loopback for a protocol that is not HTTP."""

import socket
import threading
from collections.abc import Callable
from contextlib import suppress


class Port:
    """A port that opens when somebody asks for it, with a thread for each connection."""

    def __init__(self, name: str, talk: Callable[[socket.socket], None]) -> None:
        """``talk`` serves one connection; when it returns the connection is closed."""
        self._name = name
        self._talk = talk
        self._lock = threading.Lock()
        self._server: socket.socket | None = None
        self._links: set[socket.socket] = set()

    def number(self) -> int:
        """Return where it listens, which it does from now on."""
        with self._lock:
            if self._server is None:
                self._server = socket.create_server(("127.0.0.1", 0))
                name = f"sandbox-{self._name}"
                threading.Thread(target=self._serve, name=name, daemon=True).start()
            return int(self._server.getsockname()[1])

    def hang_up(self) -> None:
        """Close every connection, as a network does that fails."""
        for link in list(self._links):
            _shut(link)

    def close(self) -> None:
        """Listen no more."""
        if self._server is not None:
            _shut(self._server)
        self.hang_up()

    def _serve(self) -> None:
        server = self._server
        while server is not None:
            try:
                link, _ = server.accept()
            except OSError:
                server.close()
                return
            self._links.add(link)
            name = f"sandbox-{self._name}-link"
            threading.Thread(target=self._one, args=(link,), name=name, daemon=True).start()

    def _one(self, link: socket.socket) -> None:
        link.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        try:
            with link:
                self._talk(link)
        except (OSError, ValueError):
            pass  # the hub is gone, or speaks something else: either way that is the end
        finally:
            self._links.discard(link)


class Line:
    """Writes to a connection, one thing at a time, from any thread."""

    def __init__(self, link: socket.socket) -> None:
        self._link = link
        self._lock = threading.Lock()
        #: Whether what is written is lost.
        self.broken = False

    def __call__(self, octets: bytes) -> None:
        """Write ``octets``."""
        with self._lock, suppress(OSError):
            if not self.broken:
                self._link.sendall(octets)


def _shut(link: socket.socket) -> None:
    with suppress(OSError):
        link.shutdown(socket.SHUT_RDWR)
