"""What becomes of the events in kept calls."""

import itertools
import secrets
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy.exc import DataError

from hubbub.connect.actors import nudge_templates
from hubbub.connect.templates import read_templates
from hubbub.contacts.erase import erase_contact
from hubbub.live import LiveEvent
from hubbub.media import Missing
from hubbub.normalise.work import normalise
from hubbub.receive.work import NotReleasable, replay
from hubbub.sdk import Text
from tests.services import parrot


@dataclass(frozen=True)
class Mood:
    """What a channel type of another version of the SDK may tell of."""

    key: str


def parsed_time(stored):
    """Return a time as either database gives it."""
    found = datetime.fromisoformat(stored) if isinstance(stored, str) else stored
    return found.replace(tzinfo=found.tzinfo or UTC)


def outcomes(world):
    return [[outcome["outcome"] for outcome in row["outcomes"]] for row in _calls(world)]


def _calls(world):
    import json

    rows = world.rows("SELECT state, outcomes, reason FROM calls ORDER BY id")
    for row in rows:
        if isinstance(row["outcomes"], str):
            row["outcomes"] = json.loads(row["outcomes"])
    return rows


def test_a_message_makes_contact_address_conversation_and_message(world):
    line = world.channel()
    world.hear(line, {"id": "m1", "from": "+1", "name": "Ada", "text": "Hello"})
    message = world.one("SELECT direction, kind, status, seq, external_id FROM messages")
    assert message == {
        "direction": "inbound",
        "kind": "text",
        "status": "received",
        "seq": 1,
        "external_id": "m1",
    }
    assert world.one("SELECT name FROM contacts")["name"] == "Ada"
    assert world.one("SELECT address, state FROM addresses") == {"address": "+1", "state": "ok"}
    conversation = world.one("SELECT unread, preview, last_seq, status FROM conversations")
    assert conversation == {"unread": 1, "preview": "Hello", "last_seq": 1, "status": "open"}


def test_the_same_event_twice_is_one_message_and_one_duplicate(world):
    line = world.channel()
    hello = {"id": "m1", "from": "+1", "text": "Hello"}
    world.hear(line, hello, hello)
    world.hear(line, hello)
    assert len(world.rows("SELECT id FROM messages")) == 1
    assert outcomes(world) == [["applied", "duplicate"], ["duplicate"]]


def test_a_call_that_comes_twice_at_the_same_moment_is_one_message_and_told_once(
    world, monkeypatch
):
    line = world.channel()
    for _ in range(4):
        world.call(line, {"items": [{"id": "m1", "from": "+1", "text": "Hello"}]})
    told: list[LiveEvent] = []
    monkeypatch.setattr(world.hub.live, "publish", told.extend)
    monkeypatch.setattr("hubbub.normalise.work.BATCH", 1)
    start = threading.Barrier(4)

    def worker():
        start.wait()
        return normalise(world.hub, line.id)

    with ThreadPoolExecutor(4) as pool:
        done = [future.result() for future in [pool.submit(worker) for _ in range(4)]]
    assert sum(done) == 4
    assert [event.kind for event in told] == ["message"]
    assert world.one("SELECT unread FROM conversations") == {"unread": 1}
    assert sorted(outcomes(world)) == [["applied"], *[["duplicate"]] * 3]


def test_equal_texts_without_an_id_are_two_messages(world):
    line = world.channel()
    world.hear(line, {"from": "+1", "text": "ok"}, {"from": "+1", "text": "ok"})
    assert [row["seq"] for row in world.rows("SELECT seq FROM messages ORDER BY seq")] == [1, 2]


def test_an_event_that_fails_half_way_leaves_nothing_behind(world, monkeypatch):
    from hubbub.normalise import batch
    from hubbub.route.work import place

    def fail_at_two(case):
        if case.inquiry.content == Text(text="two"):
            raise RuntimeError("no place for it")
        return place(case)

    monkeypatch.setattr(batch, "place", fail_at_two)
    line = world.channel()
    texts = [{"id": text, "from": "+1", "text": text} for text in ("one", "two", "three")]
    world.hear(line, *texts, {"id": "new", "from": "+2", "text": "two"})
    assert outcomes(world) == [["applied", "dead", "applied", "dead"]]
    kept = world.rows("SELECT seq, external_id FROM messages ORDER BY seq")
    assert kept == [{"seq": 1, "external_id": "one"}, {"seq": 2, "external_id": "three"}]
    conversation = world.one("SELECT unread, last_seq FROM conversations")
    assert conversation == {"unread": 2, "last_seq": 2}
    assert world.rows("SELECT id FROM addresses WHERE address = '+2'") == []


def test_one_bad_item_harms_no_sibling(world):
    line = world.channel()
    world.hear(
        line,
        {"id": "m1", "from": "+1", "text": "one"},
        {"bad": "rotten"},
        {"ignore": "of no interest"},
        {"id": "m2", "from": "+1", "text": "two"},
    )
    assert outcomes(world) == [["applied", "dead", "ignored", "applied"]]
    (call,) = _calls(world)
    assert (call["state"], call["reason"]) == ("dead", "rotten")


@pytest.mark.parametrize("how", ["explode", "exit"])
def test_a_plugin_that_fails_makes_the_call_dead_and_replayable(world, how):
    line = world.channel()
    world.hear(line, {"explode": how})
    row = world.one("SELECT id, state, dead, events FROM calls")
    assert (row["state"], row["dead"], row["events"]) == ("dead", 1, 1)
    replay(world.hub, row["id"])
    world.work()
    assert world.one("SELECT state FROM calls")["state"] == "dead"


@pytest.mark.parametrize(
    ("said", "kind"), [(Mood("gloomy"), "Mood"), ({"type": "text"}, "dict"), (None, "NoneType")]
)
def test_what_the_hub_does_not_know_as_an_event_is_dead_and_harms_no_sibling(
    world, monkeypatch, said, kind
):
    real = parrot._event
    monkeypatch.setattr(parrot, "_event", lambda item: said if "odd" in item else real(item))
    world.hear(world.channel(), {"odd": 1}, {"id": "m1", "from": "+1", "text": "one"})
    assert outcomes(world) == [["dead", "applied"]]
    (call,) = _calls(world)
    assert call["reason"] == f"The hub does not know this kind of event: {kind}."


@pytest.mark.parametrize("text", ["a\0b", "half \ud83d pair", "whole 😀 pair"])
def test_text_that_a_database_refuses_is_kept_as_well_as_it_can_be(world, text):
    line = world.channel()
    world.hear(line, {"id": "m1", "from": "+1", "text": text})
    assert world.one("SELECT status FROM messages")["status"] == "received"


def test_a_replayed_call_changes_nothing_twice(world):
    line = world.channel()
    world.hear(line, {"id": "m1", "from": "+1", "text": "Hello"})
    replay(world.hub, world.one("SELECT id FROM calls")["id"])
    world.work()
    assert len(world.rows("SELECT id FROM messages")) == 1
    assert outcomes(world) == [["duplicate"]]


def test_a_quarantined_call_is_released_once_the_secret_is_mended(world):
    from hubbub.connect.work import ChannelChange, change_channel
    from hubbub.receive.work import NotReleasable, replay

    line = world.channel()
    world.hear(line, {"id": "m1", "from": "+1", "text": "Hi"}, secret="the new secret")
    call_id = world.one("SELECT id FROM calls")["id"]
    with pytest.raises(NotReleasable, match="still not authentic"):
        replay(world.hub, call_id)
    change = ChannelChange(credentials={"secret": "the new secret"})
    change_channel(world.hub, line.id, change, actor="cli")
    replay(world.hub, call_id)
    world.work()
    assert world.one("SELECT state FROM calls")["state"] == "done"
    assert len(world.rows("SELECT id FROM messages")) == 1


def test_a_placeholder_is_upgraded_in_place_when_the_type_is_understood(world, monkeypatch):
    line = world.channel()
    world.hear(line, {"id": "m1", "from": "+1", "kind": "hologram", "text": "Hi"})
    before = world.one("SELECT id, kind FROM messages")
    assert before["kind"] == "unsupported"
    from tests.services import parrot

    monkeypatch.setattr(parrot, "_content", lambda item: Text(text=item["text"]))
    replay(world.hub, world.one("SELECT id FROM calls")["id"])
    world.work()
    assert world.one("SELECT id, kind FROM messages") == {"id": before["id"], "kind": "text"}


def test_an_edit_keeps_what_was_said_before(world):
    line = world.channel()
    world.hear(line, {"id": "m1", "from": "+1", "text": "Helo"})
    world.hear(line, {"edit": "m1", "text": "Hello"})
    world.hear(line, {"edit": "m1", "text": "Hello"})
    message = world.one("SELECT content, edited_at FROM messages")
    assert "Hello" in str(message["content"])
    assert message["edited_at"] is not None
    assert "Helo" in str(world.one("SELECT content FROM message_versions")["content"])
    assert outcomes(world)[1:] == [["applied"], ["duplicate"]]


def test_an_edit_in_the_same_call_as_its_message_is_applied(world):
    line = world.channel()
    world.hear(line, {"id": "m1", "from": "+1", "text": "Helo"}, {"edit": "m1", "text": "Hello"})
    assert "Hello" in str(world.one("SELECT content FROM messages")["content"])


def test_a_deletion_of_an_earlier_message_leaves_the_preview_alone(world):
    line = world.channel()
    world.hear(line, *({"id": text, "from": "+1", "text": text} for text in ("one", "two")))
    world.hear(line, {"delete": "one"})
    assert world.one("SELECT preview FROM conversations") == {"preview": "two"}
    world.hear(line, {"delete": "two"}, {"id": "three", "from": "+1", "text": "three"})
    assert world.one("SELECT preview FROM conversations") == {"preview": "three"}


def test_a_deletion_marks_the_message(world):
    line = world.channel()
    world.hear(line, {"id": "m1", "from": "+1", "text": "Oops"}, {"delete": "m1"})
    assert world.one("SELECT deleted_at FROM messages")["deleted_at"] is not None


def test_what_is_taken_back_is_gone_with_its_versions_and_files(world):
    line = world.channel()
    world.provider.will((200, b"\x89PNG"))
    world.hear(line, {"id": "m1", "from": "+1", "image": "file-7", "text": "Oops"})
    world.hear(line, {"edit": "m1", "text": "Oops, I mean", "key": "e1"})
    file = world.one("SELECT id, state FROM media")
    assert file["state"] == "ready"
    world.hear(line, {"delete": "m1"})
    for rows in ("messages", "message_versions", "conversations", "media"):
        assert "Oops" not in str(world.rows(f"SELECT * FROM {rows}"))
    assert world.rows("SELECT id FROM media") == []
    with pytest.raises(Missing):
        world.hub.media.get(file["id"])


@pytest.mark.parametrize("which", [0, 1, 2])
def test_nothing_brings_back_what_was_taken_back(world, which):
    line = world.channel()
    for item in ({"id": "m1", "from": "+1", "text": "Oops"}, {"edit": "m1", "text": "Oh"}):
        world.hear(line, item)
    world.hear(line, {"delete": "m1"})
    world.hear(line, {"edit": "m1", "text": "A late one"})
    replay(world.hub, world.rows("SELECT id FROM calls ORDER BY id")[which]["id"])
    world.work()
    assert outcomes(world)[which] == ["duplicate"]
    assert outcomes(world)[3] == ["ignored"]
    message = world.one("SELECT kind, content FROM messages")
    assert message["kind"] == "system"
    assert "deleted" in str(message["content"])


def test_a_file_whose_message_is_taken_back_while_it_is_fetched_is_not_kept(world):
    line = world.channel()
    fetched = []

    def meanwhile(_):
        fetched.append(world.one("SELECT id FROM media")["id"])
        world.call(line, {"items": [{"delete": "m1"}]})
        normalise(world.hub, line.id)
        return 200, b"\x89PNG"

    world.provider.will(meanwhile)
    world.hear(line, {"id": "m1", "from": "+1", "image": "file-7"})
    with pytest.raises(Missing):
        world.hub.media.get(*fetched)


def test_a_change_of_a_message_that_never_came_is_ignored_with_a_reason(world):
    line = world.channel()
    world.hear(line, {"edit": "m9", "text": "?"})
    assert outcomes(world) == [["ignored"]]


def test_a_reply_names_our_message(world):
    line = world.channel()
    world.hear(line, {"id": "m1", "from": "+1", "text": "One"})
    world.hear(line, {"id": "m2", "from": "+1", "text": "Two", "reply_to": "m1"})
    first, second = world.rows(
        "SELECT id, reply_to_id, reply_to_external_id FROM messages ORDER BY seq"
    )
    assert (second["reply_to_id"], second["reply_to_external_id"]) == (first["id"], "m1")


def test_people_of_a_group_share_one_conversation(world):
    line = world.channel()
    world.hear(
        line,
        {"id": "m1", "from": "1", "text": "One", "group": "-7"},
        {"id": "m2", "from": "2", "text": "Two", "group": "-7"},
    )
    assert world.one("SELECT address FROM addresses")["address"] == "-7"
    senders = world.rows("SELECT sender_address FROM messages ORDER BY seq")
    assert [row["sender_address"] for row in senders] == ["1", "2"]


def test_an_opt_out_marks_the_address_until_it_opts_in_again(world):
    line = world.channel()
    world.hear(line, {"id": "m1", "from": "+1", "text": "STOP", "opt_out": True})
    assert world.one("SELECT state FROM addresses")["state"] == "opted_out"
    world.hear(line, {"id": "m2", "from": "+1", "text": "hm"})
    assert world.one("SELECT state FROM addresses")["state"] == "opted_out"
    world.hear(line, {"id": "m3", "from": "+1", "text": "START", "opt_out": False})
    assert world.one("SELECT state FROM addresses")["state"] == "ok"


def test_a_second_wish_not_to_be_written_to_changes_nothing(world):
    line = world.channel()
    world.hear(line, {"id": "m1", "from": "+1", "text": "STOP", "opt_out": True})
    world.write("UPDATE addresses SET state_reason = 'as it was'")
    world.hear(line, {"id": "m2", "from": "+1", "text": "STOP", "opt_out": True})
    assert world.one("SELECT state, state_reason FROM addresses") == {
        "state": "opted_out",
        "state_reason": "as it was",
    }


def test_who_blocked_us_and_writes_again_can_be_reached_again(world):
    line = world.channel()
    world.hear(line, {"id": "m1", "from": "+1", "text": "Hi"})
    world.hear(line, {"address": "+1", "state": "blocked", "key": "b1"})
    assert world.one("SELECT state FROM addresses")["state"] == "blocked"
    world.hear(line, {"id": "m2", "from": "+1", "text": "Hi again"})
    assert world.one("SELECT state FROM addresses")["state"] == "ok"


def test_an_address_that_moved_keeps_its_conversation(world):
    line = world.channel()
    world.hear(line, {"id": "m1", "from": "-1", "text": "Hi"})
    world.hear(line, {"address": "-1", "moved_to": "-1001", "key": "move"})
    world.hear(line, {"id": "m2", "from": "-1001", "text": "Hi"})
    assert world.one("SELECT last_seq FROM conversations")["last_seq"] == 2


@pytest.mark.parametrize("known", [True, False])
@pytest.mark.parametrize("later", ["-1001", "-1"])
def test_a_move_and_messages_told_in_one_call_keep_one_conversation(world, known, later):
    line = world.channel()
    first = {"id": "m1", "from": "-1", "text": "Hi"}
    move = {"address": "-1", "moved_to": "-1001", "key": "move"}
    if known:
        world.hear(line, first)
    world.hear(line, *([] if known else [first]), move, {"id": "m2", "from": later, "text": "Hi"})
    assert world.one("SELECT last_seq FROM conversations")["last_seq"] == 2
    assert world.one("SELECT address FROM addresses")["address"] == "-1001"


def test_an_address_does_not_move_to_one_that_is_another_contact(world):
    line = world.channel()
    world.hear(line, {"id": "m1", "from": "-1", "text": "Hi"})
    world.hear(line, {"id": "m2", "from": "-1001", "text": "Hi"})
    move = {"address": "-1", "moved_to": "-1001", "key": "move"}
    world.hear(line, move, {"id": "m3", "from": "-1001", "text": "Hi"})
    rows = world.rows("SELECT last_seq FROM conversations ORDER BY last_seq")
    assert [row["last_seq"] for row in rows] == [1, 2]


def test_news_of_a_template_count_at_once_and_all_are_read_anew(world):
    line = world.channel()
    read_templates(world.hub, line.id)
    assert world.line(line.id).templates["hello", "en"].status == "approved"
    world.hear(line, {"template": "hello", "status": "paused"}, {"template": "new"})
    assert outcomes(world) == [["applied", "applied"]]
    paused = world.line(line.id).templates["hello", "en"]
    assert (paused.status, paused.reason) == ("paused", "Why.")
    nudge_templates(world.hub)
    world.work()
    assert world.line(line.id).templates["hello", "en"].status == "approved"
    nudge_templates(world.hub)
    assert not world.hub.nudges.waiting


def test_news_of_a_template_count_for_all_channels_that_have_it(world):
    told, sibling, other = (
        world.channel(perch=perch, flock=flock)
        for perch, flock in [("1", "a"), ("2", "a"), ("3", "b")]
    )
    for line in (told, sibling, other):
        read_templates(world.hub, line.id)
    world.hear(told, {"template": "hello", "status": "paused"})
    statuses = [
        world.line(line.id).templates["hello", "en"].status for line in (told, sibling, other)
    ]
    assert statuses == ["paused", "paused", "approved"]
    nudge_templates(world.hub)
    asked = {args for _, args in world.hub.nudges.waiting}
    assert asked == {(told.id,), (sibling.id,)}


def test_the_message_of_a_blocked_contact_is_kept_and_stays_quiet(world):
    line = world.channel()
    world.hear(line, {"id": "m1", "from": "+1", "text": "Hi"})
    world.write("UPDATE contacts SET blocked_at = :now", now=str(world.clock.now))
    world.hear(line, {"id": "m2", "from": "+1", "text": "Hi!"})
    assert world.one("SELECT unread, last_seq FROM conversations") == {"unread": 1, "last_seq": 2}


def test_what_was_there_before_the_channel_stands_where_it_would_have_stood_then(world):
    line, now = world.channel(), world.clock.now

    def hear(sender, text, *, days, historical=True):
        at = (now - timedelta(days=days)).isoformat()
        word = {"from": sender, "text": text, "at": at, "not_routed": "Old.", "id": text}
        world.hear(line, {**word, "historical": historical})

    hear("+1", "later", days=3)
    hear("+1", "sooner", days=5)
    hear("+2", "late", days=4, historical=False)
    hear("+3", "from the future", days=-4)
    rows = world.rows("SELECT preview, last_message_at FROM conversations ORDER BY id")
    assert [row["preview"] for row in rows] == ["later", "late", "from the future"]
    days = [(now - parsed_time(row["last_message_at"])).days for row in rows]
    assert days == [3, 0, 0]


def test_a_new_word_reopens_a_resolved_conversation(world):
    line = world.channel()
    world.hear(line, {"id": "m1", "from": "+1", "text": "Hi"})
    world.write("UPDATE conversations SET status = 'resolved', owner = 'user:1'")
    world.hear(line, {"id": "m2", "from": "+1", "text": "Hi!"})
    assert world.one("SELECT status, owner FROM conversations") == {
        "status": "open",
        "owner": "queue",
    }


def test_many_calls_of_many_conversations_keep_each_in_order(world):
    line = world.channel()
    for number, who in itertools.product(range(30), ("+1", "+2", "+3")):
        world.call(line, {"items": [{"id": f"{who}:{number}", "from": who, "text": str(number)}]})
    world.work()
    rows = world.rows("SELECT external_id, seq, sender_address FROM messages ORDER BY seq")
    for who in ("+1", "+2", "+3"):
        mine = [row for row in rows if row["sender_address"] == who]
        assert [row["external_id"] for row in mine] == [f"{who}:{n}" for n in range(30)]
        assert [row["seq"] for row in mine] == list(range(1, 31))


@pytest.mark.parametrize(
    ("error", "why"),
    [
        (DataError("INSERT", {}, Exception("no")), "The database refused what it says."),
        (
            UnicodeEncodeError("utf-8", "\ud800", 0, 1, "no"),
            "The hub could not store what it says.",
        ),
    ],
)
def test_a_call_that_cannot_be_stored_does_not_hold_up_its_neighbours(
    world, monkeypatch, error, why
):
    from hubbub.normalise import queries

    line = world.channel()
    real = queries.add

    def refusing(db, which, rows):
        rows = list(rows)
        if any("poison" in str(row.get("content")) for row in rows):
            raise error
        real(db, which, rows)

    monkeypatch.setattr(queries, "add", refusing)
    for number, text in enumerate(["one", "poison", "two"]):
        world.call(line, {"items": [{"id": str(number), "from": "+1", "text": text}]})
    world.work()
    assert [row["state"] for row in _calls(world)] == ["done", "dead", "done"]
    assert _calls(world)[1]["reason"] == why
    assert len(world.rows("SELECT id FROM messages")) == 2


def test_an_id_of_any_length_is_one_and_holds_up_nobody(world):
    line = world.channel()
    long = {"id": secrets.token_hex(3000), "from": "+1", "text": "Hello"}
    world.hear(line, long)
    world.hear(line, {"id": "m2", "from": "+2", "text": "Hello"})
    world.hear(line, long)
    assert outcomes(world) == [["applied"], ["applied"], ["duplicate"]]
    world.hear(line, {"edit": long["id"], "text": "Hi", "key": secrets.token_hex(3000)})
    assert outcomes(world)[-1] == ["applied"]


def test_an_address_of_any_length_holds_up_nobody(world):
    line = world.channel()
    world.call(line, {"items": [{"from": secrets.token_hex(3000), "text": "Hello"}]})
    world.hear(line, {"from": "+2", "text": "Hello"})
    assert world.one("SELECT id FROM addresses WHERE address = '+2'")
    assert "pending" not in {row["state"] for row in _calls(world)}


def words(count):
    """As many different words, which an index over words has to keep one by one."""
    return " ".join(f"{number:x}" for number in range(count))


@pytest.mark.parametrize(
    ("told", "address"), [({"name": ""}, "+1"), ({"group": "g", "group_name": ""}, "g")]
)
def test_a_name_of_any_length_is_kept_as_far_as_a_name_goes(world, told, address):
    line = world.channel()
    *_, field = told
    for name in (words(135_000), "x" + words(135_000)):
        assert len(name) > 700_000
        hello = {"from": "+1", "text": "Hello"}
        world.hear(line, hello | told | {field: name}, {"from": "+2", "text": "Hello"})
        assert outcomes(world)[-1] == ["applied", "applied"]
        known = world.one(f"SELECT name FROM addresses WHERE address = '{address}'")
        assert known["name"] == name[:200]


@pytest.mark.parametrize(
    "item",
    [
        {"from": "1" * 321, "text": "Hello"},
        {"from": "+1", "also": "1" * 321, "text": "Hello"},
        {"from": "+1", "group": "1" * 321, "text": "Hello"},
        {"said": "m1", "to": "1" * 321, "text": "Hello"},
        {"address": "+2", "moved_to": "1" * 321, "key": "k"},
        {"status": "read", "to": "1" * 321, "up_to": "2026-01-01T00:00:00+00:00"},
    ],
)
def test_an_address_too_long_to_be_one_is_refused_alone(world, item):
    line = world.channel()
    world.hear(line, {"from": "+2", "text": "Hello"}, item, {"from": "+3", "text": "Hello"})
    assert outcomes(world) == [["applied", "dead", "applied"]]
    assert _calls(world)[0]["reason"] == "It has an address of more than 320 characters."
    assert world.rows("SELECT address FROM addresses ORDER BY address") == [
        {"address": "+2"},
        {"address": "+3"},
    ]


def test_a_call_that_tells_of_nothing_says_so(world):
    line = world.channel()
    world.hear(line)
    assert outcomes(world) == [["ignored"]]
    assert [row["state"] for row in _calls(world)] == ["done"]


def test_a_file_is_fetched_and_stored(world):
    line = world.channel()
    png = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\x02\0\0\0\x03\x08\x06\0\0\0"
    world.provider.will((503, {}), (200, png))
    world.hear(line, {"id": "m1", "from": "+1", "image": "file-7", "text": "Look"})
    assert world.one("SELECT state FROM media")["state"] == "pending"
    world.pass_time(minutes=10)
    media = world.one("SELECT state, mime_type, size, width, height FROM media")
    assert media == {
        "state": "ready",
        "mime_type": "image/png",
        "size": len(png),
        "width": 2,
        "height": 3,
    }


ERASED = {"id": "e1", "from": "+1", "text": "Hello"}


@pytest.mark.parametrize(
    "told",
    [ERASED, {"said": "e2", "to": "+1", "text": "Hi"}, {"key": "stop", "address": "+1"}],
    ids=["message", "elsewhere", "address"],
)
def test_what_was_erased_stays_erased_when_it_is_told_again(world, told):
    line = world.channel()
    world.hear(line, ERASED, {**told, "state": "opted_out"})
    erase_contact(world.hub, world.one("SELECT id FROM contacts")["id"], actor="cli")
    world.hear(line, told)
    assert world.rows("SELECT id FROM contacts") == []
    (_, again) = world.rows("SELECT body, url, reason, state, ignored FROM calls ORDER BY id")
    assert (bytes(again["body"]), again["url"], again["state"]) == (b"", "", "done")
    assert (again["ignored"], again["reason"]) == (1, "Its contact was erased.")
    # Whoever they were, they may begin anew.
    world.hear(line, {**ERASED, "id": "new"}, told)
    assert len(world.rows("SELECT id FROM messages")) == 1
    assert b"new" in world.rows("SELECT body FROM calls ORDER BY id")[-1]["body"]


def test_a_call_whose_contact_was_erased_cannot_be_replayed(world):
    line = world.channel()
    world.hear(line, ERASED)
    (call,) = world.rows("SELECT id FROM calls")
    erase_contact(world.hub, world.one("SELECT id FROM contacts")["id"], actor="cli")
    with pytest.raises(NotReleasable, match="erased"):
        replay(world.hub, call["id"])
    assert world.one("SELECT state FROM calls")["state"] == "done"
