"""What plugins are told of, and that it harms nothing."""

import pytest
from sqlalchemy import text

from hubbub.api.work import ConversationChange, change_conversation
from hubbub.connect import work as connect
from hubbub.deliver import work as deliver
from hubbub.deliver.actors import nudge_deliver
from hubbub.sdk import Text
from hubbub.store.session import transaction


@pytest.fixture
def world(invite):
    return invite("[plugins.guest]")


def heard(world, *hooks, plugin="guest"):
    found = world.hub.plugins.manager.get_plugin(plugin).heard
    return [told for told in found if told[0] in hooks]


def send(world, words="Hi"):
    conversation = world.one("SELECT id FROM conversations")["id"]
    with transaction(world.hub.engine) as db:
        message_id = deliver.submit(
            world.hub, db, conversation_id=conversation, content=Text(text=words), author="api:t"
        )
    nudge_deliver(world.hub)
    world.work()
    return message_id


def test_a_message_that_came_in_is_told_with_what_it_says(world):
    line = world.channel()
    world.hear(line, {"id": "m1", "from": "+1", "name": "Ada", "text": "Hello"})
    ((_, message),) = heard(world, "message_received")
    assert (message.content, message.sender, message.sender_name) == (
        Text(text="Hello"),
        "+1",
        "Ada",
    )
    assert (message.direction, message.status, message.external_id) == ("inbound", "received", "m1")
    assert message.channel_id == line.id


def test_a_message_without_a_name_is_told_with_its_contacts(world):
    line = world.channel()
    world.hear(line, {"from": "+1", "name": "Ada", "text": "Hello"})
    world.hear(line, {"from": "+1", "text": "Still me"})
    told = heard(world, "message_received")
    assert [message.sender_name for _, message in told] == ["Ada", "Ada"]


def test_a_message_that_came_twice_is_told_once(world):
    line = world.channel()
    hello = {"id": "m1", "from": "+1", "text": "Hello"}
    world.hear(line, hello, hello)
    world.hear(line, hello)
    assert len(heard(world, "message_received")) == 1


def test_where_a_message_went_is_told_with_why(world):
    world.hear(world.channel(), {"from": "+1", "text": "Hello"})
    ((_, message),) = heard(world, "message_routed")
    assert message.destination == "inbox"
    assert message.decision["fallback"] is True


def test_a_message_that_is_not_routed_is_only_told_to_have_come(world):
    world.hear(world.channel(), {"from": "+1", "text": "STOP", "opt_out": True})
    assert len(heard(world, "message_received")) == 1
    assert heard(world, "message_routed") == []


def test_every_step_of_a_delivery_is_told(world):
    line = world.channel()
    world.hear(line, {"from": "+1", "text": "Hello"})
    message_id = send(world)
    world.hear(line, {"id": "out-1", "status": "delivered"})
    world.hear(line, {"id": "out-1", "status": "delivered"}, {"id": "out-1", "status": "sent"})
    world.hear(line, {"id": "out-1", "status": "read"})
    told = heard(world, "delivery_advanced")
    assert [status for _, _, status in told] == ["sent", "delivered", "read"]
    assert {message.id for _, message, _ in told} == {message_id}


def test_a_message_that_fails_is_told_with_its_error(world):
    world.hear(world.channel(), {"from": "+1", "text": "Hello"})
    world.provider.will((400, {}))
    send(world)
    ((_, message, status),) = heard(world, "delivery_advanced")
    assert (status, message.status, message.error.code) == ("failed", "failed", "rejected")


def test_a_conversation_is_told_when_it_begins_and_when_its_standing_changes(world):
    line = world.channel()
    world.hear(line, {"from": "+1", "text": "Hello"})
    world.hear(line, {"from": "+1", "text": "Hello again"})
    conversation_id = world.one("SELECT id FROM conversations")["id"]
    change = ConversationChange(status="resolved", tags=("vip",))
    change_conversation(world.hub, conversation_id, change, actor="cli")
    world.work()
    first, last = (conversation for _, conversation in heard(world, "conversation_changed"))
    assert (first.status, first.tags, first.address) == ("open", (), "+1")
    assert (last.id, last.status, last.tags) == (conversation_id, "resolved", ("vip",))


def test_a_channel_is_told_when_its_status_changes(world):
    line = world.channel()
    world.work()
    world.provider.will((401, {}))
    connect.check_channel(world.hub, line.id)
    world.provider.will((401, {}))
    connect.check_channel(world.hub, line.id)
    world.work()
    told = [(channel.status, channel.name) for _, channel in heard(world, "channel_status_changed")]
    assert told == [("connected", "Perch"), ("error", "Perch")]


def test_credentials_refused_at_a_send_are_told(world):
    world.hear(world.channel(), {"from": "+1", "text": "Hello"})
    world.provider.will((401, {}))
    send(world)
    *_, (_, channel) = heard(world, "channel_status_changed")
    assert channel.status == "error"
    assert channel.status_reason == "The parrot does not know us."


def test_nothing_is_told_of_what_was_not_committed(world):
    line = world.channel()
    world.work()
    with pytest.raises(RuntimeError), transaction(world.hub.engine) as db:
        connect.set_status(db, line.id, status="error", reason="?", now=world.clock.now)
        raise RuntimeError("undone")
    with transaction(world.hub.engine) as db:
        db.execute(text("SELECT 1"))
    world.work()
    assert [channel.status for _, channel in heard(world, "channel_status_changed")] == [
        "connected"
    ]


def test_one_plugin_that_fails_harms_no_other(invite):
    world = invite('[plugins.guest]\nbroken = ["message_received"]\n[plugins.other]')
    world.hear(world.channel(), {"from": "+1", "text": "Hello"})
    assert len(heard(world, "message_received")) == 1
    assert len(heard(world, "message_received", plugin="other")) == 1
    assert world.one("SELECT status FROM messages") == {"status": "received"}


def test_each_plugin_is_told_in_a_message_of_its_own(invite):
    world = invite("[plugins.guest]\n[plugins.other]")
    line = world.channel()
    world.work()
    world.call(line, {"items": [{"from": "+1", "text": "one"}, {"from": "+2", "text": "two"}]})
    actor, args = world.hub.nudges.waiting.popleft()
    actor.fn(*args)
    told = [args[:2] for actor, args in world.hub.nudges.waiting if actor.actor_name == "tell"]
    assert sorted(args for args in told if args[1] == "message_received") == [
        ("guest", "message_received"),
        ("guest", "message_received"),
        ("other", "message_received"),
        ("other", "message_received"),
    ]


def test_what_was_erased_meanwhile_is_not_told(world):
    line = world.channel()
    world.call(line, {"items": [{"from": "+1", "text": "Hello"}]})
    actor, args = world.hub.nudges.waiting.popleft()
    actor.fn(*args)
    while world.hub.nudges.waiting:
        actor, args = world.hub.nudges.waiting.popleft()
        actor.fn(*[*args[:2], "gone", *args[3:]] if actor.actor_name == "tell" else args)
    assert heard(world, "message_received", "conversation_changed") == []


def test_nothing_is_noted_where_no_plugin_listens(invite):
    world = invite("")
    line = world.channel()
    world.call(line, {"items": [{"from": "+1", "text": "Hello"}]})
    names = set()
    while world.hub.nudges.waiting:
        actor, args = world.hub.nudges.waiting.popleft()
        names.add(actor.actor_name)
        actor.fn(*args)
    assert "tell" not in names
    assert world.hub.plugins.listeners == {}


def test_a_wrapper_sees_every_send_of_every_channel_type(world):
    world.hear(world.channel(), {"from": "+1", "text": "Hello"})
    send(world)
    assert heard(world, "sending") == [("sending", "+1")]
