"""What the courier does when the hub itself stumbles: nothing is lost, nobody else is held up."""

import pytest

from hubbub import process
from hubbub.connect.routes import WantedRoutes, save_routes
from hubbub.deliver import attempt, courier, work as deliver
from hubbub.deliver.actors import nudge_deliver
from hubbub.route.handling import finish
from hubbub.sdk import Text
from hubbub.store.session import DatabaseDown, transaction

BOT = {"type": "chatbot", "url": "https://bot.example/", "secret": "a bot secret of good length"}
AWAY = DatabaseDown("The database (here) did not answer: away")


def first_raises(error, then):
    """Return ``then``, but for its first call, which raises ``error``."""
    errors = [error]

    def call(*given, **named):
        if errors:
            raise errors.pop()
        return then(*given, **named)

    return call


@pytest.fixture
def asked(world):
    """A channel whose bot answers nothing, and its way of asking it about two messages."""
    line = world.channel()
    save_routes(world.hub, line.id, WantedRoutes(routes=(), fallback=BOT), actor="cli")
    world.provider.will((200, {"actions": []}), (200, {"actions": []}))

    def ask(finishing):
        process.equip(lambda hub, bulk: courier.Courier(hub, finishing, bulk=bulk))
        hello = [{"id": f"m{who}", "from": f"+{who}", "text": "Hello"} for who in (1, 2)]
        world.hear(world.line(line.id), *hello)
        return sorted(row["state"] for row in world.rows("SELECT state FROM deliveries"))

    return ask


def test_an_answer_that_cannot_be_written_down_harms_no_other(asked):
    def stumble(hub, db, result):
        if result.parcel.row.sender_address == "+1":
            raise KeyError("a bug")
        finish(hub, db, result)

    assert asked(stumble) == ["failed", "sent"]


def test_an_answer_is_kept_while_the_database_is_away(asked, world, monkeypatch):
    monkeypatch.setattr(courier, "_OUTAGE_PAUSE", 0.0)
    errors = [KeyError("a bug"), AWAY, AWAY]

    def stumble(hub, db, result):
        if errors:
            raise errors.pop(0)
        finish(hub, db, result)

    assert asked(stumble) == ["sent", "sent"]
    assert len(world.provider.requests) == 2


def test_a_database_that_is_away_before_the_first_request_costs_only_time(world, monkeypatch):
    line = world.channel()
    monkeypatch.setattr(attempt, "part_of", first_raises(AWAY, attempt.part_of))
    with transaction(world.hub.engine) as db:
        conversation = deliver.start_conversation(world.hub, db, channel_id=line.id, address="+1")
        deliver.submit(
            world.hub, db, conversation_id=conversation, content=Text(text="Hi"), author="api:t"
        )
    nudge_deliver(world.hub)
    world.work()
    assert world.one("SELECT state FROM deliveries")["state"] == "retrying"
    world.pass_time(seconds=10)
    assert world.one("SELECT state FROM deliveries")["state"] == "sent"
    assert world.provider.said == ["Hi"]


def test_what_waits_for_a_missing_plugin_holds_up_no_other_channel(world, monkeypatch):
    gone, here = world.channel(), world.channel()

    def write(line, text, number):
        with transaction(world.hub.engine) as db:
            conversation = deliver.start_conversation(
                world.hub, db, channel_id=line.id, address=f"+{number}"
            )
            deliver.submit(
                world.hub, db, conversation_id=conversation, content=Text(text=text), author="api:t"
            )

    for number in range(courier.SIZE + 50):
        write(gone, "Waits", number)
    write(here, "Goes", 1)
    usable = world.hub.directory.usable
    monkeypatch.setattr(
        world.hub.directory,
        "usable",
        lambda db, channel_id: None if channel_id == gone.id else usable(db, channel_id),
    )
    nudge_deliver(world.hub)
    world.work()
    assert world.provider.said == ["Goes"]
    monkeypatch.undo()
    world.pass_time(minutes=1)
    assert world.provider.said.count("Waits") == courier.SIZE + 50
