"""What was sent from our account by other means, and what is for other channels."""

import json
from datetime import timedelta

import pytest

from hubbub.connect.work import ChannelChange, change_channel
from hubbub.deliver import work as deliver
from hubbub.deliver.actors import nudge_deliver
from hubbub.sdk import Text
from hubbub.store.session import transaction

SAID = {"said": "x1", "to": "+1", "text": "We are open", "by": "the app"}


def outbound(world):
    return world.rows(
        "SELECT status, author, external_id FROM messages WHERE direction = 'outbound' ORDER BY id"
    )


def test_it_stands_in_the_conversation_once_and_asks_for_no_attention(world):
    line = world.channel()
    world.hear(line, SAID, SAID)
    world.hear(line, SAID)
    shown = {"status": "sent", "author": "elsewhere:the app", "external_id": "x1"}
    assert outbound(world) == [shown]
    assert world.one("SELECT unread, preview FROM conversations") == {
        "unread": 0,
        "preview": "We are open",
    }
    assert world.provider.requests == []


def test_receipts_move_it_on(world):
    line = world.channel()
    world.hear(line, SAID)
    world.hear(line, {"status": "read", "id": "x1"})
    assert outbound(world)[0]["status"] == "read"


def test_what_the_hub_sent_itself_is_told_by_its_id(world):
    line = world.channel()
    with transaction(world.hub.engine) as db:
        conversation = deliver.start_conversation(world.hub, db, channel_id=line.id, address="+1")
        deliver.submit(
            world.hub, db, conversation_id=conversation, content=Text(text="Hi"), author="api:t"
        )
    nudge_deliver(world.hub)
    world.work()
    world.hear(line, {"said": "out-1", "to": "+1", "text": "Hi"})
    assert [row["author"] for row in outbound(world)] == ["api:t"]


def test_a_message_that_another_program_answers_is_shown_and_goes_nowhere(world):
    line = world.channel()
    world.hear(line, {"id": "m1", "from": "+1", "text": "Hi", "not_routed": "A bot answers."})
    row = world.one("SELECT decision FROM messages")
    decision = row["decision"]
    decision = json.loads(decision) if isinstance(decision, str) else decision
    assert decision == {"not_routed": "A bot answers."}
    assert world.one("SELECT unread FROM conversations") == {"unread": 0}


@pytest.fixture
def perches(world):
    """Two channels whose provider calls both at one address."""
    return world.channel(perch="a"), world.channel(perch="b")


MIXED = ({"for": "b"}, {"for": "a"}, {"for": "c"}, {"id": "m1", "from": "+1", "text": "Hi"})


def test_a_call_is_handed_to_the_channel_that_has_the_account_and_no_further(world, perches):
    one, other = perches
    world.hear(one, *MIXED)
    calls = world.rows("SELECT channel_id, state, applied, ignored FROM calls ORDER BY id")
    assert calls == [
        {"channel_id": one.id, "state": "done", "applied": 2, "ignored": 2},
        {"channel_id": other.id, "state": "done", "applied": 1, "ignored": 3},
    ]


def test_a_channel_with_another_secret_is_handed_nothing(world):
    one = world.channel(perch="a")
    world.channel(perch="b", secret="another")
    world.hear(one, *MIXED)
    assert len(world.rows("SELECT id FROM calls")) == 1


def test_channels_stay_together_while_their_secret_is_rotated(world, perches):
    one, _ = perches
    new = ChannelChange(
        credentials={"secret": "new"}, old_credentials_until=world.hub.now() + timedelta(days=1)
    )
    change_channel(world.hub, one.id, new, actor="cli")
    world.hear(world.line(one.id), *MIXED)
    assert len(world.rows("SELECT id FROM calls")) == 2
    world.clock.forward(days=1)
    world.hear(world.line(one.id), {"for": "b"}, secret="new")
    assert len(world.rows("SELECT id FROM calls")) == 3
