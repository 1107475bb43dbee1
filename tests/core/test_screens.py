"""What plugins keep from coming in and from going out, and that no message is lost by it."""

import json

import pytest

from hubbub.connect import work as connect
from hubbub.connect.routes import WantedRoutes, save_routes
from hubbub.deliver import work as deliver
from hubbub.deliver.actors import nudge_deliver
from hubbub.deliver.rules import Refused
from hubbub.receive.work import replay
from hubbub.sdk import Text
from hubbub.store.session import reading, transaction
from hubbub.track.ledger import ledger
from hubbub.track.trace import trace


@pytest.fixture
def world(invite):
    return invite("[plugins.guest]")


@pytest.fixture
def line(world):
    """A channel with one conversation, in which +1 said hello."""
    line = world.channel()
    world.hear(line, {"id": "m0", "from": "+1", "text": "Hello"})
    return line


def send(world, words, **more):
    conversation = world.one("SELECT id FROM conversations")["id"]
    with transaction(world.hub.engine) as db:
        message_id = deliver.submit(
            world.hub,
            db,
            conversation_id=conversation,
            content=Text(text=words),
            author="api:t",
            **more,
        )
    nudge_deliver(world.hub)
    world.work()
    return message_id


def change(world, verb, *arguments):
    with transaction(world.hub.engine) as db:
        verb(*arguments[:1], db, *arguments[1:]) if len(arguments) > 1 else verb(db, *arguments)
    nudge_deliver(world.hub)
    world.work()


def status(world, message_id):
    return world.one("SELECT status FROM messages WHERE id = :id", id=message_id)["status"]


def as_json(value):
    return json.loads(value) if isinstance(value, str) else value


def traced(world, message_id):
    with reading(world.hub.engine) as db:
        return [(item.what, item.detail) for item in trace(db, message_id)]


# --- what comes in ---------------------------------------------------------------------------


def test_a_dropped_message_is_an_ignored_event_with_the_reason(world):
    line = world.channel()
    world.hear(line, {"id": "m1", "from": "+1", "text": "drop it"}, {"from": "+2", "text": "Hi"})
    call = world.one("SELECT state, outcomes, applied, ignored FROM calls")
    assert (call["state"], call["applied"], call["ignored"]) == ("done", 1, 1)
    assert as_json(call["outcomes"])[0]["reason"] == "Dropped by guest: It says drop."
    assert world.one("SELECT address FROM addresses") == {"address": "+2"}


def test_what_was_dropped_comes_in_by_a_replay_once_the_screen_lets_it(world, monkeypatch):
    world.hear(world.channel(), {"id": "m1", "from": "+1", "text": "drop it"})
    monkeypatch.setattr(world.hub.plugins, "inbound", ())
    replay(world.hub, world.one("SELECT id FROM calls")["id"])
    world.pass_time(seconds=1)
    assert world.one("SELECT kind, status FROM messages") == {"kind": "text", "status": "received"}


def test_a_quarantined_message_is_kept_and_asks_for_no_attention(world):
    world.hear(world.channel(), {"from": "+1", "text": "quarantine me"})
    row = world.one("SELECT id, decision FROM messages")
    assert as_json(row["decision"]) == {"not_routed": "Quarantined by guest: It says quarantine."}
    assert ("not routed", as_json(row["decision"])) in traced(world, row["id"])
    conversation = world.one("SELECT unread, status FROM conversations")
    assert conversation == {"unread": 0, "status": "resolved"}


def test_the_next_good_message_opens_the_conversation(world):
    line = world.channel()
    world.hear(line, {"from": "+1", "text": "quarantine me"}, {"from": "+1", "text": "Hello"})
    conversation = world.one("SELECT unread, status FROM conversations")
    assert conversation == {"unread": 1, "status": "open"}


def test_a_quarantined_message_leaves_an_open_conversation_open(world, line):
    world.hear(line, {"from": "+1", "text": "quarantine me"})
    conversation = world.one("SELECT unread, status FROM conversations")
    assert conversation == {"unread": 1, "status": "open"}


@pytest.mark.parametrize("word", ["drop", "quarantine"])
def test_an_opt_out_is_never_screened(world, word):
    world.hear(world.channel(), {"from": "+1", "text": f"{word} me", "opt_out": True})
    assert world.one("SELECT state FROM addresses") == {"state": "opted_out"}


@pytest.mark.parametrize("how", ["broken", "silly"])
def test_a_screen_that_fails_keeps_nothing_out(invite, how):
    world = invite(f'[plugins.guest]\n{how} = ["screen_inbound", "screen_outbound"]')
    world.hear(world.channel(), {"from": "+1", "text": "Hello"})
    message_id = send(world, "Hi")
    assert status(world, message_id) == "sent"


def test_the_ledger_balances_whatever_screens_say(world):
    line = world.channel()
    world.hear(
        line,
        {"id": "1", "from": "+1", "text": "drop it"},
        {"id": "2", "from": "+1", "text": "quarantine it"},
        {"id": "3", "from": "+1", "text": "Hello"},
    )
    with reading(world.hub.engine) as db:
        assert ledger(db).balanced


# --- what goes out ---------------------------------------------------------------------------


def test_a_refused_message_is_not_queued_and_the_reason_is_told(world, line):
    with pytest.raises(Refused, match=r"Refused by guest: It says refuse\.") as refused:
        send(world, "refuse this")
    assert refused.value.code == "screened"
    assert world.rows("SELECT id FROM messages WHERE direction = 'outbound'") == []


def test_a_held_message_waits_for_a_person_and_shows_why(world, line):
    message_id = send(world, "hold this")
    world.pass_time(days=300)
    row = world.one("SELECT status, error FROM messages WHERE id = :id", id=message_id)
    assert row["status"] == "queued"
    assert as_json(row["error"])["code"] == "held"
    assert as_json(row["error"])["detail"] == "Held by guest: It says hold."
    assert world.provider.said == []
    assert traced(world, message_id)[-1][0] == "held"


def test_a_held_message_holds_up_nothing_behind_it(world, line):
    send(world, "hold this")
    assert status(world, send(world, "Hi")) == "sent"


def test_a_held_message_goes_out_once_a_person_releases_it(world, line):
    message_id = send(world, "hold this")
    change(world, deliver.retry, world.hub, message_id)
    assert status(world, message_id) == "sent"
    assert world.provider.said == ["hold this"]
    assert world.one("SELECT error FROM messages WHERE id = :i", i=message_id)["error"] in {
        None,
        "null",
    }


def test_a_held_message_that_was_meant_for_later_is_released_for_later(world, line):
    later = world.clock.now.replace(hour=23)
    message_id = send(world, "hold this", starts_at=later)
    change(world, deliver.retry, world.hub, message_id)
    assert status(world, message_id) == "queued"
    world.pass_time(days=1)
    assert status(world, message_id) == "sent"


def test_a_held_message_can_be_called_off(world, line):
    message_id = send(world, "hold this")
    change(world, deliver.cancel, message_id)
    assert status(world, message_id) == "cancelled"


def test_a_channel_that_is_mended_lets_go_nothing_that_is_held(world, line):
    message_id = send(world, "hold this")
    world.provider.will((401, {}))
    connect.check_channel(world.hub, line.id)
    connect.check_channel(world.hub, line.id)
    world.pass_time(minutes=1)
    assert status(world, message_id) == "queued"
    assert world.one("SELECT status FROM channels") == {"status": "connected"}


@pytest.mark.parametrize(
    ("sections", "first"),
    [("[plugins.guest]\n[plugins.other]", "guest"), ("[plugins.other]\n[plugins.guest]", "other")],
)
def test_the_first_plugin_of_plugins_toml_that_answers_decides(invite, sections, first):
    world = invite(sections)
    world.hear(world.channel(), {"from": "+1", "text": "Hello"})
    with pytest.raises(Refused, match=f"Refused by {first}:"):
        send(world, "refuse this")


@pytest.mark.parametrize(("word", "sent"), [("refuse", []), ("hold", []), ("say", ["say it"])])
def test_what_a_bot_answers_goes_through_the_same_gate(world, word, sent):
    line = world.channel()
    bot = {"type": "keyword", "answers": [{"match": "hello", "reply": f"{word} it"}]}
    save_routes(world.hub, line.id, WantedRoutes(routes=[], fallback=bot), actor="cli")
    world.hear(line, {"from": "+1", "text": "Hello"})
    assert world.provider.said == sent
    decision = as_json(world.one("SELECT decision FROM messages WHERE seq = 1")["decision"])
    refused = ["An answer could not be sent: Refused by guest: It says refuse."]
    assert decision.get("errors") == (refused if word == "refuse" else None)


def test_a_bot_says_nothing_to_who_asked_not_to_be_written_to(world):
    line = world.channel()
    bot = {"type": "keyword", "otherwise": "say it"}
    save_routes(world.hub, line.id, WantedRoutes(routes=[], fallback=bot), actor="cli")
    world.hear(line, {"from": "+1", "text": "STOP", "opt_out": True}, {"from": "+1", "text": "Hi"})
    assert world.provider.said == []
