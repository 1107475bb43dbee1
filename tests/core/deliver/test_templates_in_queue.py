"""Templates while their messages wait, and once the provider refused one."""

import pytest

from hubbub.connect.actors import nudge_templates
from hubbub.connect.templates import read_templates
from hubbub.deliver import work as deliver
from hubbub.deliver.actors import nudge_deliver
from hubbub.sdk import Template, TemplateChanged, TemplateStatus
from hubbub.store.session import transaction
from hubbub.store.templates import hear

HELLO = Template(name="hello", language="en")
REFUSES: tuple[int, dict[str, str]] = (412, {})


@pytest.fixture
def line(world):
    """A channel with somebody on it, and with templates."""
    line = world.channel()
    read_templates(world.hub, line.id)
    world.hear(line, {"from": "+1", "text": "Hello"})
    world.provider.requests.clear()
    return line


def send(world):
    """Queue the template; return its message's id."""
    conversation = world.one("SELECT id FROM conversations")["id"]
    with transaction(world.hub.engine) as db:
        return deliver.submit(
            world.hub, db, conversation_id=conversation, content=HELLO, author="api:t"
        )


def carry(world):
    nudge_deliver(world.hub)
    world.work()


def error(world):
    (row,) = world.rows("SELECT state, error FROM deliveries WHERE destination = 'contact'")
    return row["state"], str(row["error"])


def asked(world):
    """Return how often the provider was asked for its templates, once all is done."""
    nudge_templates(world.hub)
    world.work()
    return sum(one.url.endswith("/templates") for one in world.provider.requests)


def test_a_template_that_was_paused_while_it_waited_is_not_sent(world, line):
    send(world)
    paused = TemplateChanged(name="hello", language="en", status=TemplateStatus.PAUSED)
    with transaction(world.hub.engine) as db:
        hear(db, line.id, paused, now=world.hub.now())
    carry(world)
    assert world.provider.requests == []
    state, why = error(world)
    assert state == "failed"
    assert "bad_template" in why
    assert "The template is paused." in why


def test_a_template_that_stayed_as_it_was_is_sent(world, line):
    send(world)
    carry(world)
    assert error(world)[0] == "sent"


def test_once_the_provider_refused_one_all_are_read_anew(world, line):
    world.pass_time(minutes=11)
    send(world)
    world.provider.will(REFUSES)
    carry(world)
    assert error(world)[0] == "failed"
    assert asked(world) == 1


def test_a_refusal_that_a_receipt_tells_counts_as_well(world, line):
    world.pass_time(minutes=11)
    send(world)
    carry(world)
    told = {"id": "out-1", "status": "failed", "unlearnt": True}
    world.hear(line, told)
    assert error(world)[0] == "failed"
    assert asked(world) == 1


def test_many_refusals_let_the_provider_be_asked_once_in_ten_minutes(world, line):
    for minutes, times in ((1, 0), (4, 0), (6, 1), (1, 1)):
        world.pass_time(minutes=minutes)
        for _ in range(3):
            send(world)
        world.provider.will(*[REFUSES] * 3)
        carry(world)
        assert asked(world) == times
