"""The one gate: what may be sent now."""

from dataclasses import replace
from datetime import timedelta

import pytest

from hubbub.deliver.gate import check_sendable, sendable
from hubbub.deliver.rules import Refused
from hubbub.people.errors import Invalid
from hubbub.sdk import Attachment, Media, Template, TemplateStatus, Text
from hubbub.store.session import reading
from hubbub.store.templates import KnownTemplate
from hubbub.store.threads import by_ids

SALE = Template(name="sale", language="en")
PICTURE = Attachment(type="video", media=Media(url="https://example.org/film.mp4"))


@pytest.fixture
def conversation(world, monkeypatch):
    """Return a channel with a window of a day and templates, and a conversation on it."""
    line = world.channel()
    world.hear(line, {"id": "m1", "from": "+1", "text": "Hello"})
    can = line.hooks.capabilities
    narrow = replace(can, window=timedelta(hours=24), outbound=can.outbound | {"template"})
    monkeypatch.setattr(line.hooks.kind, "capabilities", narrow)
    monkeypatch.setattr(line.hooks, "capabilities", narrow)
    with reading(world.hub.engine) as db:
        (thread,) = by_ids(db, [world.one("SELECT id FROM conversations")["id"]]).values()
    return line, thread


@pytest.fixture
def gate(world, conversation):
    """Return what asks the gate of that channel."""
    line, thread = conversation

    def ask(content, author="api:t"):
        check_sendable(line, thread, content, world.clock.now, author=author)

    return ask


def known(name, status="approved", reason=""):
    template = KnownTemplate(
        id=name,
        name=name,
        language="en",
        category="",
        status=TemplateStatus(status),
        reason=reason,
        parameters=(),
    )
    return {(name, "en"): template}


@pytest.mark.parametrize("content", [Text(text="Hi"), PICTURE])
def test_everything_may_be_sent_while_the_window_is_open(gate, content):
    gate(content)


@pytest.mark.parametrize("content", [Text(text="Hi"), PICTURE])
def test_nothing_but_templates_may_be_sent_once_it_is_shut(world, gate, content):
    world.clock.forward(hours=25)
    with pytest.raises(Refused) as refused:
        gate(content)
    assert refused.value.code == "window-closed"
    assert refused.value.detail.startswith("The contact wrote too long ago: ")


def test_a_template_may_be_sent_once_it_is_shut(world, gate):
    world.clock.forward(hours=25)
    gate(Template(name="hello", language="en"))


def test_a_channel_without_templates_sends_nothing_once_it_is_shut(
    world, conversation, gate, monkeypatch
):
    hooks = conversation[0].hooks
    plain = replace(hooks.capabilities, outbound=frozenset({"text"}))
    monkeypatch.setattr(hooks, "capabilities", plain)
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


@pytest.mark.parametrize("hours", [1, 25])
def test_templates_are_told_with_those_that_may_not_be_sent(world, conversation, hours):
    line, thread = conversation
    paused = known("sale", "paused", "People disliked it.")
    line = replace(line, templates={**known("hello"), **paused})
    world.clock.forward(hours=hours)
    answer = sendable(line, thread, world.clock.now, author="api:t")
    assert "template" in answer.kinds
    assert [one.name for one in answer.templates] == ["hello"]
    assert [(one.name, why) for one, why in answer.withheld] == [
        ("sale", "The template is paused. People disliked it.")
    ]


def test_without_an_approved_template_none_may_be_sent_and_all_else_is_as_before(
    world, conversation
):
    line, thread = conversation
    line = replace(line, templates=known("sale", "rejected"))
    answer = sendable(line, thread, world.clock.now, author="api:t")
    assert set(answer.reasons) == {"template"}
    assert "text" in answer.kinds
    check_sendable(line, thread, PICTURE, world.clock.now, author="api:t")
    with pytest.raises(Invalid):
        check_sendable(line, thread, SALE, world.clock.now, author="api:t")
    world.clock.forward(hours=25)
    assert sendable(line, thread, world.clock.now, author="api:t").kinds == ()


def test_a_blocked_contact_gets_no_template(world, conversation):
    line, thread = conversation
    thread.addressee.blocked = True
    answer = sendable(
        replace(line, templates=known("hello")), thread, world.clock.now, author="api:t"
    )
    assert (answer.kinds, answer.templates) == ((), ())


def test_every_file_may_be_sent_where_only_text_is_carried_since_a_link_says_it(
    world, conversation, monkeypatch
):
    line, thread = conversation
    only_text = replace(line.hooks.capabilities, outbound=frozenset({"text"}))
    monkeypatch.setattr(line.hooks, "capabilities", only_text)
    answer = sendable(line, thread, world.clock.now, author="api:t")
    assert {"image", "voice", "document"} <= set(answer.kinds)
