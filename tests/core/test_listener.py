"""Sources held by a listener: their rounds, their rests, their cursors."""

import threading
from dataclasses import replace
from datetime import timedelta

import pytest

from hubbub.listener import Listener
from hubbub.receive.work import keep_fetched
from hubbub.sdk import AuthFailed, Call, Headers, Polled

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
            said = self._rounds.pop(0)
            if isinstance(said, Exception):
                raise said
            return said
        self.resting.set()
        return Polled(calls=(), cursor=cursor, rest=timedelta(hours=1))
        yield  # a generator, as every exchange is


def wait_for_sources():
    for thread in threading.enumerate():
        if thread.name.startswith("source-"):
            thread.join(PATIENCE)


@pytest.fixture
def listener_of(world):
    """Return a maker of listeners that know one source; they are stopped at the end."""
    world.channel()
    made = []

    def make(source, **hub):
        plugins = replace(world.hub.plugins, sources=[source])
        made.append(Listener(replace(world.hub, plugins=plugins, **hub)))
        return made[-1]

    yield make
    for listener in made:
        listener.stop()


def test_rounds_follow_each_other_until_the_source_rests(world, listener_of):
    source = Scripted(Polled(calls=(b"[]",), cursor="1"), Polled(calls=(b"[]", b"[]"), cursor="2"))
    listener = listener_of(source)
    listener.look()
    assert source.resting.wait(PATIENCE)
    # At once, although the rest is an hour.
    listener.stop()
    assert source.cursors == ["", "1", "2"]
    assert world.one("SELECT count(*) AS kept FROM calls") == {"kept": 3}


def test_a_source_whose_credentials_are_refused_waits_until_they_are_mended(world, listener_of):
    source = Scripted(AuthFailed("No."))
    listener = listener_of(source)
    for _ in range(3):
        listener.look()
        wait_for_sources()
    assert source.cursors == [""]
    assert world.one("SELECT status FROM channels")["status"] == "error"
    world.write("UPDATE channels SET paused_until = NULL")
    listener.look()
    assert source.resting.wait(PATIENCE)


def test_a_source_at_rest_stays_with_its_listener(world, listener_of):
    first, second = Scripted(), Scripted()
    listener = listener_of(first)
    listener.look()
    assert first.resting.wait(PATIENCE)
    other = listener_of(second, process_id="another")
    other.look()
    other.stop()
    assert second.cursors == []
    listener.stop()
    assert world.rows("SELECT name FROM leases") == []


def test_what_another_listener_fetched_meanwhile_is_not_kept_again(world):
    line, body = world.channel(), b'{"items": []}'
    call = Call(method="POLL", url="", headers=Headers(), body=body, received_at=world.clock())
    kept = [
        keep_fetched(world.hub, line, [call], cursor=cursor, was=was)
        for was, cursor in [("", "1"), ("", "1"), ("0", "2"), ("1", "2"), ("1", "2")]
    ]
    assert kept == [True, False, False, True, False]
    assert world.one("SELECT count(*) AS kept FROM calls") == {"kept": 2}
    assert world.one("SELECT cursor FROM source_cursors") == {"cursor": "2"}
