"""Which conversation a message belongs to, where an address may have several."""

import json
from dataclasses import replace
from datetime import timedelta

import pytest

from hubbub.connect.health import channel_health
from hubbub.connect.routes import WantedRoutes, save_routes
from hubbub.connect.work import find_channel
from hubbub.deliver.rules import Refused
from hubbub.deliver.work import start_conversation, submit
from hubbub.sdk import Ceilings, Text
from hubbub.store.session import reading, transaction
from hubbub.ui.channels.listing import channel_rows
from tests.core.ui.kit import asked
from tests.services.parrot import Parrot

ANN, BOB = "ann@a.test", "bob@b.test"
CEILINGS = Ceilings(
    conversation=2, address=3, conversations=5, inbound=4, within=timedelta(minutes=10)
)


@pytest.fixture(autouse=True)
def manifest(monkeypatch):
    """Before the world is made, which loads the parrot."""
    can = replace(Parrot.capabilities, threads=True, ceilings=CEILINGS, watermarks=False)
    monkeypatch.setattr(Parrot, "capabilities", can)


@pytest.fixture
def line(world):
    return world.channel()


def said(number, **more):
    return {"id": f"m{number}", "from": ANN, "text": f"Text {number}", **more}


def places(world):
    """Return in the order of the messages which conversation each is in, counted from 0."""
    rows = world.rows("SELECT conversation_id FROM messages ORDER BY id")
    order = list(dict.fromkeys(row["conversation_id"] for row in rows))
    return [order.index(row["conversation_id"]) for row in rows]


def conversation(world, external_id):
    sql = "SELECT conversation_id FROM messages WHERE external_id = :id"
    return world.one(sql, id=external_id)["conversation_id"]


def answer(world, conversation_id, text="Yes", **more):
    """Send something; return its reference."""
    with transaction(world.hub.engine) as db:
        author = more.pop("author", "api:1")
        message = submit(
            world.hub,
            db,
            conversation_id=conversation_id,
            content=Text(text=text),
            author=author,
            **more,
        )
    world.pass_time(seconds=1)
    return world.one("SELECT id FROM deliveries WHERE message_id = :id", id=message)["id"]


def test_what_answers_nothing_begins_a_conversation_of_the_same_contact(world, line):
    world.hear(line, said(1))
    world.hear(line, said(2), said(3))
    assert places(world) == [0, 1, 2]
    assert len(world.rows("SELECT id FROM contacts")) == 1
    assert len(world.rows("SELECT id FROM addresses")) == 1


@pytest.mark.parametrize("proof", ["conversation", "refs", "ids", "ids of theirs"])
def test_what_answers_something_goes_on_with_its_conversation(world, line, proof):
    world.hear(line, said(1), said(2))
    first = conversation(world, "m1")
    reference = answer(world, first)
    answers = {
        "conversation": {"conversation": first},
        "refs": {"refs": [reference]},
        "ids": {"ids": ["out-1"]},
        "ids of theirs": {"ids": ["unknown", "m1"]},
    }[proof]
    world.hear(line, said(3, answers=answers))
    assert conversation(world, "m3") == first


def test_the_surest_of_what_it_answers_decides(world, line):
    world.hear(line, said(1), said(2))
    first, second = conversation(world, "m1"), conversation(world, "m2")
    reference = answer(world, first)
    world.hear(line, said(3, answers={"refs": [reference], "ids": ["m2"]}))
    world.hear(line, said(4, answers={"conversation": second, "refs": [reference]}))
    world.hear(line, said(5, answers={"conversation": "nonsense", "refs": ["x"], "ids": ["m2"]}))
    assert [conversation(world, f"m{number}") for number in (3, 4, 5)] == [first, second, second]


def test_an_answer_in_the_same_call_finds_what_it_answers(world, line):
    world.hear(line, said(1), said(2), said(3, answers={"ids": ["m1"]}))
    assert places(world) == [0, 1, 0]


def test_who_has_no_part_in_it_begins_another_one_beside_it(world, line):
    world.hear(line, said(1))
    first = conversation(world, "m1")
    world.hear(line, said(2, **{"from": BOB}, answers={"conversation": first}))
    row = world.one("SELECT id, related_id FROM conversations WHERE id <> :id", id=first)
    assert row == {"id": conversation(world, "m2"), "related_id": first}
    assert len(world.rows("SELECT id FROM contacts")) == 2


def test_who_answers_others_again_goes_on_beside_them(world, line):
    world.hear(line, said(1))
    first = {"answers": {"conversation": conversation(world, "m1")}}
    world.hear(line, said(2, **{"from": BOB}, **first))
    world.hear(line, said(3, **{"from": BOB}, **first), said(4, **{"from": BOB}, **first))
    assert places(world) == [0, 1, 1, 1]


def test_who_may_be_another_than_they_say_goes_on_beside_those_whom_they_answer(world, line):
    world.hear(line, said(1))
    doubted = {"answers": {"conversation": conversation(world, "m1"), "doubted": True}}
    world.hear(line, said(2, **doubted), said(3, **doubted))
    world.hear(line, said(4, answers={"conversation": conversation(world, "m1")}))
    assert places(world) == [0, 1, 1, 0]


def test_who_may_be_another_than_they_say_changes_nothing_of_them(world, line):
    world.hear(line, said(1, name="Ann"), {"address": ANN, "state": "gone", "key": "g"})
    world.hear(line, said(2, name="Mallory", answers={"doubted": True}))
    sql = "SELECT a.state, a.name, c.name AS given FROM addresses a JOIN contacts c"
    sql += " ON c.id = a.contact_id"
    assert world.one(sql) == {"state": "gone", "name": "Ann", "given": "Ann"}
    world.hear(line, said(3, name="Anna"))
    assert world.one(sql) == {"state": "ok", "name": "Anna", "given": "Anna"}


def test_who_is_met_by_a_letter_in_doubt_goes_by_its_name_until_they_write(world, line):
    world.hear(line, said(1, name="Mallory", answers={"doubted": True}))
    world.hear(line, said(2, name="Ann"))
    assert world.one("SELECT name FROM contacts") == {"name": "Ann"}


def test_who_uses_the_id_of_another_draws_nobody_away(world, line):
    world.hear(line, said(1))
    world.hear(line, {**said(1, **{"from": BOB}), "text": "Mine", "key": "another"})
    world.hear(line, said(2, answers={"ids": ["m1"]}))
    world.hear(line, said(3, **{"from": BOB}, answers={"ids": ["m1"]}))
    assert places(world) == [0, 1, 0, 1]


def test_a_conversation_of_another_channel_is_never_gone_on_with(world, line):
    other = world.channel(name="Other")
    world.hear(other, said(1))
    reference = answer(world, conversation(world, "m1"))
    answers = {
        "conversation": conversation(world, "m1"),
        "refs": [reference],
        "ids": ["m1", "out-1"],
    }
    world.hear(line, said(2, answers=answers))
    row = world.one(
        "SELECT channel_id, related_id FROM conversations WHERE id = :id",
        id=conversation(world, "m2"),
    )
    assert row == {"channel_id": line.id, "related_id": None}


def test_who_writes_first_begins_a_conversation_each_time(world, line):
    world.hear(line, said(1))
    with transaction(world.hub.engine) as db:
        begun = [
            start_conversation(world.hub, db, channel_id=line.id, address=address)
            for address in (ANN, ANN, BOB, BOB)
        ]
    assert len({*begun, conversation(world, "m1")}) == 5
    assert len(world.rows("SELECT id FROM contacts")) == 2


def test_an_address_that_is_gone_is_so_in_all_its_conversations(world, line):
    world.hear(line, said(1), said(2))
    world.hear(line, {"address": ANN, "state": "gone", "key": "gone"}, said(3, not_routed="Auto"))
    assert world.one("SELECT state FROM addresses") == {"state": "ok"}
    world.hear(line, {"address": ANN, "state": "gone", "key": "gone again"})
    assert world.one("SELECT state FROM addresses") == {"state": "gone"}


def test_what_goes_out_says_where_it_belongs_and_what_was_before(world, line):
    world.hear(line, said(1), said(2))
    first = conversation(world, "m1")
    answer(world, first)
    answer(world, first, "And more")
    sent = [json.loads(request.body) for request in world.provider.requests]
    assert [one["in"] for one in sent] == [first, first]
    assert [one["after"] for one in sent] == [["m1"], ["m1", "out-1"]]


def test_of_a_long_conversation_the_first_and_the_last_messages_are_named(world, line):
    world.hear(line, said(0))
    for number in range(1, 60):
        world.hear(line, said(number, answers={"ids": ["m0"]}))
    answer(world, conversation(world, "m0"))
    (sent,) = [json.loads(request.body) for request in world.provider.requests]
    assert sent["after"] == [f"m{number}" for number in (*range(20), *range(40, 60))]


# --- programs that answer programs -------------------------------------------------------------


@pytest.fixture
def bot(world, line):
    """Something that answers whatever comes."""
    routes = WantedRoutes(routes=[], fallback={"type": "keyword", "otherwise": "I am a bot."})
    save_routes(world.hub, line.id, routes, actor="cli")
    return line


def answers_to(world, address=ANN):
    sql = "SELECT count(*) AS number FROM messages WHERE author LIKE 'bot:%'"
    return world.one(sql)["number"]


def test_a_conversation_is_answered_automatically_a_few_times_a_day(world, bot):
    world.hear(bot, said(1))
    for number in range(2, 5):
        world.clock.forward(minutes=10)
        world.hear(bot, said(number, answers={"ids": ["m1"]}))
    assert answers_to(world) == 2
    (why,) = [
        decision["errors"]
        for row in world.rows("SELECT decision FROM messages WHERE external_id = 'm4'")
        for decision in [_json(row["decision"])]
    ]
    assert "2 automatic answers went out in this conversation" in why[0]
    world.clock.forward(days=1)
    world.hear(bot, said(5, answers={"ids": ["m1"]}))
    assert answers_to(world) == 3


def test_so_is_an_address_however_many_conversations_it_begins(world, bot):
    for number in range(6):
        world.clock.forward(minutes=10)
        world.hear(bot, said(number))
    assert answers_to(world) == 3


def test_in_one_call_they_are_counted_too(world, bot):
    world.hear(bot, *[said(number) for number in range(6)])
    assert answers_to(world) == 3


@pytest.mark.parametrize("at_once", [True, False])
def test_who_writes_from_another_address_each_time_is_answered_a_few_times_an_hour(
    world, bot, at_once
):
    told = [said(number, **{"from": f"{number}@a.test"}) for number in range(8)]
    for items in [told] if at_once else [[one] for one in told]:
        world.hear(bot, *items)
    assert answers_to(world) == 5
    # What began to be answered goes on.
    world.hear(bot, {**said(9, answers={"ids": ["m1"]}), "from": "1@a.test"})
    assert answers_to(world) == 6
    world.clock.forward(hours=1, seconds=1)
    world.hear(bot, said(10, **{"from": "10@a.test"}))
    assert answers_to(world) == 7


def test_while_no_stranger_is_answered_the_channel_says_so(world, bot):
    def outbound():
        with reading(world.hub.engine) as db:
            health = channel_health(world.hub, db, find_channel(world.hub, bot.id))
            (row,) = channel_rows(world.hub, db, [find_channel(world.hub, bot.id)])
        (part,) = [part for part in health.parts if part.name == "outbound"]
        return part.state, "no automatic answer now" in part.detail, row.silenced

    world.hear(bot, *[said(number, **{"from": f"{number}@a.test"}) for number in range(4)])
    assert outbound() == ("fine", False, "")
    world.hear(bot, *[said(number, **{"from": f"{number}@a.test"}) for number in range(4, 9)])
    assert outbound() == ("warning", True, "Bots answer no new contacts for now.")
    world.clock.forward(hours=1, seconds=1)
    assert outbound() == ("fine", False, "")


def test_of_all_channels_of_a_list_the_ceilings_are_asked_at_once(world, bot):
    channels = [bot, *(world.channel(name=f"Perch {number}") for number in range(3))]
    with reading(world.hub.engine) as db:
        rows = [find_channel(world.hub, one.id) for one in channels]
        with asked(world.hub.engine) as statements:
            channel_rows(world.hub, db, rows)
    assert len([one for one, _ in statements if "addresses" in one]) == 1
    # Where they lead is said by the list alone.
    assert not [one for one, _ in statements if "route" in one]


def test_a_flood_of_strangers_keeps_no_answer_from_who_wrote_before(world, bot):
    world.hear(bot, {**said(100), "from": "ada@a.test"})
    world.clock.forward(hours=2)
    world.hear(bot, *[said(number, **{"from": f"{number}@b.test"}) for number in range(8)])
    assert answers_to(world) == 1 + 5
    world.hear(bot, {**said(101), "from": "ada@a.test"})
    assert answers_to(world) == 1 + 5 + 1


def test_a_program_that_says_so_is_counted_and_others_are_not(world, line):
    world.hear(line, said(1))
    there = conversation(world, "m1")
    for _ in range(2):
        answer(world, there, author="program:1")
    with pytest.raises(Refused, match="2 automatic answers"):
        answer(world, there, author="program:1")
    answer(world, there, author="api:1")


def test_what_a_program_writes_of_itself_answers_nobody_and_is_not_counted(world, bot):
    for number in range(6):
        with transaction(world.hub.engine) as db:
            there = start_conversation(
                world.hub, db, channel_id=bot.id, address=f"{number % 2}@a.test"
            )
        answer(world, there, author="program:1")
    world.hear(bot, said(1, **{"from": "0@a.test"}))
    assert answers_to(world) == 1


def test_an_address_that_writes_very_often_is_shown_to_people_only(world, bot):
    for number in range(6):
        world.hear(bot, said(number))
        world.write("UPDATE messages SET author = 'api:1' WHERE author IS NOT NULL")
    rows = world.rows("SELECT decision FROM messages WHERE direction = 'inbound' ORDER BY id")
    refused = ["not_routed" in _json(row["decision"]) for row in rows]
    assert refused == [False] * 4 + [True] * 2
    assert {row["unread"] for row in world.rows("SELECT unread FROM conversations")} == {1}


def test_people_are_not_counted(world, bot):
    world.hear(bot, said(1, not_routed="Not now."))
    for number in range(5):
        answer(world, conversation(world, "m1"), f"{number}", author="api:1")
    assert len(world.provider.requests) == 5


def _json(value):
    return json.loads(value) if isinstance(value, str) else value
