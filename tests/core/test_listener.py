"""Sources held by a listener: their rounds, their rests, their cursors."""

import threading
from dataclasses import replace
from datetime import timedelta

import pytest

from hubbub.listener import Listener
from hubbub.sdk import Polled

PATIENCE = 30


class Scripted:
    """A source whose rounds bring what the test says, and then rest for an hour."""

    type = "parrot"

    def __init__(self, *rounds):
        self._rounds = list(rounds)
        self.cursors = []
        self.resting = threading.Event()

    def wanted(self, connection):
        return True

    def cycle(self, connection, cursor):
        self.cursors.append(cursor)
        if self._rounds:
            return self._rounds.pop(0)
        self.resting.set()
        return Polled(calls=(), cursor=cursor, rest=timedelta(hours=1))
        yield  # a generator, as every exchange is


@pytest.fixture
def listen(world):
    """Let a listener hold a source until it rests; return the source."""
    world.channel()

    def held(source):
        plugins = replace(world.hub.plugins, sources=[source])
        listener = Listener(replace(world.hub, plugins=plugins))
        listener.look()
        assert source.resting.wait(PATIENCE)
        return listener

    return held


def test_rounds_follow_each_other_until_the_source_rests(world, listen):
    source = Scripted(Polled(calls=(b"[]",), cursor="1"), Polled(calls=(b"[]", b"[]"), cursor="2"))
    listener = listen(source)
    # At once, although the rest is an hour.
    listener.stop()
    assert source.cursors == ["", "1", "2"]
    assert world.one("SELECT count(*) AS kept FROM calls") == {"kept": 3}


def test_a_source_at_rest_stays_with_its_listener(world, listen):
    first = Scripted()
    listener = listen(first)
    second = Scripted()
    other = Listener(
        replace(
            world.hub,
            process_id="another",
            plugins=replace(world.hub.plugins, sources=[second]),
        )
    )
    other.look()
    other.stop()
    assert second.cursors == []
    listener.stop()
    assert world.rows("SELECT name FROM leases") == []
