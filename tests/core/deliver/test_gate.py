"""The one gate: what may be sent now."""

from dataclasses import replace
from datetime import timedelta

import pytest

from hubbub.deliver.rules import Refused, check_sendable
from hubbub.sdk import Attachment, Media, Template, Text
from hubbub.store.session import reading
from hubbub.store.threads import by_ids

PICTURE = Attachment(type="video", media=Media(url="https://example.org/film.mp4"))


@pytest.fixture
def gate(world, monkeypatch):
    """Return what asks the gate of a channel with a window of a day."""
    line = world.channel()
    world.hear(line, {"id": "m1", "from": "+1", "text": "Hello"})
    narrow = replace(line.hooks.capabilities, window=timedelta(hours=24))
    monkeypatch.setattr(line.hooks.kind, "capabilities", narrow)
    monkeypatch.setattr(line.hooks, "capabilities", narrow)
    with reading(world.hub.engine) as db:
        (thread,) = by_ids(db, [world.one("SELECT id FROM conversations")["id"]]).values()

    def ask(content, author="api:t"):
        check_sendable(line, thread, content, world.clock.now, author=author)

    return ask


@pytest.mark.parametrize("content", [Text(text="Hi"), PICTURE])
def test_everything_may_be_sent_while_the_window_is_open(gate, content):
    gate(content)


@pytest.mark.parametrize("content", [Text(text="Hi"), PICTURE])
def test_nothing_but_templates_may_be_sent_once_it_is_shut(world, gate, content):
    world.clock.forward(hours=25)
    with pytest.raises(Refused) as refused:
        gate(content)
    assert refused.value.code == "window-closed"


def test_a_channel_without_templates_sends_nothing_once_it_is_shut(world, gate):
    world.clock.forward(hours=25)
    with pytest.raises(Refused):
        gate(Template(name="hello", language="en"))


def test_people_may_have_more_time_than_programs(world, gate, monkeypatch):
    def window(connection, by_person):
        return timedelta(days=7 if by_person else 1)

    monkeypatch.setattr(world.hub.plugins.channel("parrot"), "window", window)
    world.clock.forward(hours=25)
    gate(Text(text="Sorry for the delay"), author="user:u1")
    for author in ("api:t", "bot:chatbot"):
        with pytest.raises(Refused):
            gate(Text(text="Still there?"), author=author)
    world.clock.forward(days=7)
    with pytest.raises(Refused):
        gate(Text(text="Sorry for the delay"), author="user:u1")
