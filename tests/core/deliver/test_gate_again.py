"""The gate is asked again when what waited is about to go."""

import json
from dataclasses import replace
from datetime import timedelta

import pytest

from hubbub.connect.templates import read_templates
from hubbub.deliver import work as deliver
from hubbub.deliver.actors import nudge_deliver
from hubbub.deliver.queries import stop_marketing
from hubbub.deliver.rules import Refused
from hubbub.sdk import Template, Text
from hubbub.store.session import transaction

HOUR = timedelta(hours=1)
HELLO = Template(name="hello", language="en")
SALE = Text(text="Sale!")


@pytest.fixture
def line(world):
    """A channel on which +1 has just written."""
    line = world.channel()
    world.hear(line, {"id": "m1", "from": "+1", "text": "Hello"})
    return line


@pytest.fixture
def windowed(line, monkeypatch):
    """That channel, where free-form messages may follow for a day."""
    narrow = replace(line.hooks.capabilities, window=timedelta(hours=24))
    monkeypatch.setattr(line.hooks.kind, "capabilities", narrow)
    monkeypatch.setattr(line.hooks, "capabilities", narrow)
    return line


def write(world, content=SALE, *, later=None, bulk=False):
    """Queue ``content``; return how it is to be seen what became of it."""
    conversation = world.one("SELECT id FROM conversations")["id"]
    with transaction(world.hub.engine) as db:
        message_id = deliver.submit(
            world.hub,
            db,
            conversation_id=conversation,
            content=content,
            author="api:t",
            starts_at=world.clock.now + later if later else None,
            bulk=bulk,
        )
    nudge_deliver(world.hub)
    world.work()

    def ended():
        row = world.one("SELECT status, error FROM messages WHERE id = :id", id=message_id)
        found = json.loads(row["error"]) if isinstance(row["error"], str) else row["error"]
        return row["status"], found["code"] if found else None

    return ended


def test_who_opts_out_is_not_sent_what_waited(world, line):
    ended = write(world, later=HOUR)
    world.hear(line, {"id": "m2", "from": "+1", "text": "STOP", "opt_out": True})
    world.pass_time(hours=2)
    assert ended() == ("failed", "opted-out")
    assert world.provider.said == []


def test_who_is_blocked_here_is_not_sent_what_waited(world, line):
    ended = write(world, later=HOUR)
    world.write("UPDATE contacts SET blocked_at = :now", now=world.clock.now.isoformat())
    world.pass_time(hours=2)
    assert ended() == ("failed", "contact-blocked")
    assert world.provider.said == []


def test_who_stops_marketing_is_not_sent_the_campaign_that_waited(world, line):
    read_templates(world.hub, line.id)
    world.write("UPDATE templates SET category = 'MARKETING'")
    ended = write(world, HELLO, later=HOUR)
    with transaction(world.hub.engine) as db:
        stop_marketing(db, line.id, "+1", now=world.clock.now)
    world.write("UPDATE channels SET version = version + 1")
    world.provider.requests.clear()
    world.pass_time(hours=2)
    assert ended() == ("failed", "marketing-opt-out")
    assert world.provider.requests == []


def test_who_stops_what_goes_to_many_still_gets_answers(world, line):
    campaign = write(world, later=HOUR, bulk=True)
    with transaction(world.hub.engine) as db:
        stop_marketing(db, line.id, "+1", now=world.clock.now)
    world.pass_time(hours=2)
    assert campaign() == ("failed", "marketing-opt-out")
    with pytest.raises(Refused) as refused:
        write(world, bulk=True)
    assert refused.value.code == "marketing-opt-out"
    assert write(world)() == ("sent", None)


def test_nobody_else_is_held_up_by_what_may_not_go(world, line):
    world.hear(line, {"id": "m2", "from": "+2", "text": "Hello"})
    ids = [row["id"] for row in world.rows("SELECT id FROM conversations ORDER BY id")]
    with transaction(world.hub.engine) as db:
        for one in ids:
            deliver.submit(world.hub, db, conversation_id=one, content=SALE, author="api:t")
    world.write("UPDATE addresses SET state = 'opted_out' WHERE address = '+1'")
    nudge_deliver(world.hub)
    world.work()
    assert [json.loads(one.body)["to"] for one in world.provider.requests] == ["+2"]


def test_what_is_scheduled_beyond_the_window_is_not_sent(world, windowed):
    ended = write(world, later=25 * HOUR)
    world.pass_time(hours=25)
    assert ended() == ("failed", "window-closed")
    assert world.provider.said == []


def test_what_waited_long_beyond_the_window_is_not_sent(world, windowed):
    world.write("UPDATE channels SET paused_until = :then", then=later(world, hours=26))
    ended = write(world)
    world.pass_time(hours=27)
    assert ended() == ("failed", "window-closed")


def test_what_is_tried_again_a_moment_after_the_window_shut_is_sent(world, windowed):
    world.clock.forward(hours=23, minutes=59, seconds=58)
    world.provider.will((503, {}))
    ended = write(world, Text(text="Here you are"))
    world.pass_time(seconds=10)
    assert ended() == ("sent", None)
    assert world.provider.said == ["Here you are"] * 2


def test_a_template_is_sent_when_the_window_has_shut_meanwhile(world, windowed):
    ended = write(world, HELLO, later=25 * HOUR)
    world.pass_time(hours=26)
    assert ended() == ("sent", None)


def later(world, **more):
    """Return a time as both databases take it."""
    return (world.clock.now + timedelta(**more)).isoformat(sep=" ")
