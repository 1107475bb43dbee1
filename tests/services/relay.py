"""A relay on loopback that cuts or freezes the connections that go through it."""

import math
import selectors
import socket
import threading
from contextlib import suppress

_LOOK = 0.05


class Relay:
    """Passes on what comes for ``port``; ``budget`` says after how many bytes to cut each."""

    def __init__(self, port, budget=lambda: math.inf):
        self._target = port
        self._budget = budget
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        self.connections = 0
        self._cuts = 0
        self._frozen = 0
        self._closed = False
        self._threads = [threading.Thread(target=self._accept)]
        self._threads[0].start()

    def cut(self):
        """Cut every connection there is."""
        self._cuts = self.connections

    def freeze(self):
        """Pass nothing on any more, and let nobody know."""
        self._frozen = self.connections

    def close(self):
        self._closed = True
        for thread in self._threads:
            thread.join(5)
        self._listener.close()

    def _accept(self):
        while not self._closed:
            if _readable(self._listener):
                near, _ = self._listener.accept()
                self.connections += 1
                thread = threading.Thread(target=self._pass, args=(near, self.connections))
                self._threads.append(thread)
                thread.start()

    def _pass(self, near, number):
        left = self._budget()
        with near, socket.create_connection(("127.0.0.1", self._target)) as far, suppress(OSError):
            other = {near: far, far: near}
            while left > 0 and number > self._cuts and not self._closed:
                ready = [] if number <= self._frozen else [near, far]
                for link in _readable(*ready):
                    data = link.recv(4096)
                    if not data:
                        return
                    other[link].sendall(data)
                    left -= len(data)


def _readable(*links):
    # Not by select(), which knows the first 1024 files of a process alone.
    with selectors.DefaultSelector() as watch:
        for link in links:
            watch.register(link, selectors.EVENT_READ)
        return [key.fileobj for key, _ in watch.select(_LOOK)]
