"""The sessions of a channel, held by one thread."""

import socket
import threading
from typing import Any, cast

import pytest

from hubbub.holding import Holding
from hubbub.sdk import Endpoint, Keep, Over, Transient, Write


class Deaf:
    """A connection to somebody who reads nothing: whatever is written takes too long."""

    def __init__(self):
        self.near, self.far = socket.socketpair()
        self.tried = 0

    def __getattr__(self, name):
        return getattr(self.near, name)

    def sendall(self, data):
        self.tried += 1
        raise TimeoutError


class Talkative:
    """A session that has a lot to say at once."""

    endpoint, room = Endpoint(host="centre.example", port=1), 0

    def opened(self, now):
        yield from (Write(b"answer") for _ in range(4096))
        yield Keep(calls=(b"heard",))

    def settled(self, *, kept, now):
        yield Write(b"kept")

    def closing(self, now):
        yield Over()


def test_to_who_never_reads_it_writes_once_and_keeps_what_was_heard(world):
    link = Deaf()
    dialler = type("Dialler", (), {"connect": lambda *_: link})
    holding = Holding(
        world.hub,
        world.channel(),
        [cast("Any", Talkative())],
        dialler=dialler(),
        stop=threading.Event(),
        still=lambda: True,
    )
    with pytest.raises(Transient, match="connection was lost"), link.far:
        holding.run()
    assert link.tried == 1
    assert world.one("SELECT count(*) AS kept FROM calls")["kept"] == 1
