"""What the courier does when the hub itself stumbles: nothing is lost, nobody else is held up."""

import asyncio
import json
import threading
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import pytest

from hubbub import process
from hubbub.connect.routes import WantedRoutes, save_routes
from hubbub.deliver import attempt, courier, lanes, queries, stock as stocking, work as deliver
from hubbub.deliver.actors import nudge_bulk, nudge_deliver
from hubbub.deliver.record import record
from hubbub.deliver.stock import Stock
from hubbub.limiter import Bucket
from hubbub.route.handling import finish
from hubbub.scheduler import nudge_what_waits
from hubbub.sdk import Accepted, AuthFailed, HttpRequest, Limit, Permanent, RateLimited, Text
from hubbub.sdk.errors import HubError, OutcomeUnknown
from hubbub.store.session import DatabaseDown, Deadlock, transaction

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


def write(world, line, *texts, bulk=False):
    """Write each of ``texts`` to another contact of the channel."""
    with transaction(world.hub.engine) as db:
        for number, text in enumerate(texts):
            conversation = deliver.start_conversation(
                world.hub, db, channel_id=line.id, address=f"+{number}"
            )
            deliver.submit(
                world.hub,
                db,
                conversation_id=conversation,
                content=Text(text=text),
                author="api:t",
                bulk=bulk,
            )


def send(world, line, *texts):
    write(world, line, *texts)
    nudge_deliver(world.hub)
    world.work()


@contextmanager
def silent_at(world, text):
    """Let the provider not answer what says ``text``, before the end of the block."""
    go = threading.Event()

    def answer(request):
        said = json.loads(request.body).get("text")
        if said == text:
            go.wait(20)
        return 200, {"id": f"{said}-{len(world.provider.requests)}"}

    world.provider.answers.extend([answer] * 1000)
    try:
        yield go
    finally:
        go.set()


@contextmanager
def shift(carrier):
    """Let ``carrier`` run beside the test; it is stopped and has ended at the end of the block."""
    runner = threading.Thread(target=carrier.run)
    runner.start()
    try:
        yield runner
    finally:
        carrier.stop()
        runner.join(10)
        assert not runner.is_alive()


def until(true):
    """Wait for what another thread does."""
    pause = threading.Event()
    for _ in range(1000):
        if true():
            return
        pause.wait(0.01)
    raise AssertionError("It did not come about.")


@pytest.fixture
def make_carrier(world):
    made = []

    def make(**more):
        made.append(courier.Courier(world.hub, finish, **more))
        return made[-1]

    yield make
    for carrier in made:
        carrier.stop()


@pytest.fixture
def carrier(make_carrier):
    return make_carrier()


def test_a_database_that_is_away_before_the_first_request_costs_only_time(world, monkeypatch):
    line = world.channel()
    monkeypatch.setattr(attempt, "part_of", first_raises(AWAY, attempt.part_of))
    send(world, line, "Hi")
    assert world.one("SELECT state FROM deliveries")["state"] == "retrying"
    world.pass_time(seconds=10)
    assert world.one("SELECT state FROM deliveries")["state"] == "sent"
    assert world.provider.said == ["Hi"]


def test_what_waits_for_a_missing_plugin_holds_up_no_other_channel(world, monkeypatch):
    gone, here = world.channel(), world.channel()
    write(world, gone, *["Waits"] * (courier.SIZE + 50))
    write(world, here, "Goes")
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


#: Of those places that are not kept for others, one channel alone gets half.
HALF = (courier.SIZE - courier.SIZE // 9) // 2


def test_a_channel_that_became_slow_leaves_room_for_all_others(world, carrier):
    slow, quick = world.channel(), world.channel()
    write(world, slow, *["Hello"] * courier.SIZE)
    carrier.run()
    write(world, slow, *["Slow"] * (courier.SIZE + 10))
    with silent_at(world, "Slow") as go, shift(carrier) as runner:
        until(lambda: world.provider.said.count("Slow") == HALF)
        write(world, quick, *["Quick"] * 5)
        carrier.run()
        until(lambda: world.provider.said.count("Quick") == 5)
        assert runner.is_alive()
        assert world.provider.said.count("Slow") == HALF
        go.set()


def test_a_channel_that_has_answered_nothing_yet_has_little_on_its_way(world, carrier):
    write(world, world.channel(), *["Slow"] * 50)
    with silent_at(world, "Slow") as go, shift(carrier):
        until(lambda: len(world.provider.requests) == 2)
        go.set()
        until(lambda: world.provider.said.count("Slow") == 50)


def test_though_many_channels_are_silent_from_the_beginning_a_new_one_has_room(world, carrier):
    for _ in range(30):
        write(world, world.channel(), *["Slow"] * 3)
    with silent_at(world, "Slow") as go, shift(carrier):
        until(lambda: world.provider.said.count("Slow") == 60)
        write(world, world.channel(), "Quick")
        carrier.run()
        until(lambda: "Quick" in world.provider.said)
        go.set()


def test_when_all_channels_but_one_fall_silent_at_once_that_one_goes_on(world, make_carrier):
    carrier = make_carrier(size=36)
    quick, *others = (world.channel() for _ in range(10))
    for line in (quick, *others):
        write(world, line, *["Hello"] * 36)
    carrier.run()
    assert world.provider.said.count("Hello") == 360
    for line in others:
        write(world, line, *["Slow"] * 36)
    with silent_at(world, "Slow") as go, shift(carrier):
        until(lambda: world.provider.said.count("Slow") >= 32)
        for number in range(3):
            write(world, quick, f"Quick {number}")
            carrier.run()
            until(lambda: f"Quick {number}" in world.provider.said)  # noqa: B023  # called here
        go.set()


def test_who_does_not_answer_is_asked_one_thing_at_a_time_until_he_does(world, carrier):
    line = world.channel()
    silence = OutcomeUnknown("no answer in time")
    world.provider.answers.extend([silence] * 2)
    write(world, line, "One", "Two")
    carrier.run()
    write(world, line, *["Slow"] * 5)  # the first two lanes wait for proof
    with silent_at(world, "Slow") as go, shift(carrier):
        until(lambda: "Slow" in world.provider.said)
        threading.Event().wait(0.1)
        assert world.provider.said.count("Slow") == 1
        go.set()
        until(lambda: world.provider.said.count("Slow") == 3)


def test_a_shift_ends_without_waiting_for_a_slow_answer(world, carrier, monkeypatch):
    monkeypatch.setattr(courier, "_SHIFT", 0.0)
    line = world.channel()
    write(world, line, "Slow")
    with silent_at(world, "Slow") as go:
        until(lambda: carrier.run() and world.provider.said == ["Slow"])
        write(world, line, "Late", "Later")
        until(lambda: carrier.run() and world.provider.said == ["Slow", "Later"])
        go.set()
        carrier.stop()
    states = world.rows("SELECT state FROM deliveries ORDER BY id")
    assert [row["state"] for row in states] == ["sent", "queued", "sent"]


def test_a_result_that_waits_for_a_shift_is_written_though_redis_forgot_the_nudge(
    world, monkeypatch
):
    monkeypatch.setattr(courier, "_SHIFT", 0.0)
    line = world.channel()
    write(world, line, "Slow")
    carrier = process.courier(bulk=False)
    with silent_at(world, "Slow"):
        until(lambda: carrier.run() and world.provider.said == ["Slow"])
    world.hub.nudges.waiting.clear()

    def sent():
        world.clock.forward(minutes=1)
        nudge_what_waits(world.hub)
        world.work()
        return world.one("SELECT state FROM deliveries")["state"] == "sent"

    until(sent)


def test_a_courier_that_was_stopped_wants_no_further_shift(world, carrier):
    line = world.channel()
    write(world, line, "Hi")
    carrier.stop()
    assert carrier.run() is False
    assert world.provider.said == []


def test_a_channel_that_is_too_fast_rests_and_nothing_is_written_of_what_waits(world):
    line, other = world.channel(messages_per_second=1), world.channel()
    write(world, line, *[str(number) for number in range(40)])
    write(world, other, "Other")
    before = world.rows("SELECT id, due_at FROM deliveries ORDER BY id")
    nudge_deliver(world.hub)
    world.work()
    assert sorted(world.provider.said) == ["0", "Other"]
    world.pass_time(milliseconds=500)
    assert len(world.provider.said) == 2
    for second in range(1, 4):
        world.pass_time(seconds=1, milliseconds=10)
        # The oldest goes first, and no place within the limit is lost.
        assert world.provider.said[-1] == str(second)
    waiting = world.rows("SELECT id, due_at FROM deliveries WHERE state = 'queued' ORDER BY id")
    assert [row for row in before if row in waiting] == waiting


def test_an_address_that_is_too_fast_waits_and_its_channel_goes_on(world, monkeypatch):
    limit = Limit(scope="address", count=1, per=timedelta(minutes=1))
    line = world.channel()
    monkeypatch.setattr(type(world.line(line.id)), "limits", (limit,))
    send(world, line, "1", "2")
    send(world, line, "3", "4", "5")
    assert sorted(world.provider.said) == ["1", "2", "5"]
    world.pass_time(seconds=61)
    assert sorted(world.provider.said) == ["1", "2", "3", "4", "5"]


def test_what_somebody_else_claimed_meanwhile_is_not_put_off(world):
    line = world.channel()
    write(world, line, "1", "2")
    now = world.hub.now()
    first, second = (row["id"] for row in world.rows("SELECT id FROM deliveries ORDER BY id"))
    with transaction(world.hub.engine) as db:
        lanes.claim(db, [first], claimer="other", now=now)
        later = dict.fromkeys((first, second), now + timedelta(hours=1))
        lanes.postpone(db, later, now=now)
    at = {row["id"]: row["due_at"] for row in world.rows("SELECT id, due_at FROM deliveries")}
    assert at[first] < at[second]


@pytest.mark.parametrize("ends", [SystemExit(1), asyncio.CancelledError(), KeyError("a bug")])
@pytest.mark.parametrize("asked", [0, 1])
def test_a_channel_type_that_ends_its_thread_ends_its_attempt_alone(
    world, carrier, monkeypatch, ends, asked
):
    line = world.channel()
    real = type(line.hooks).send

    def sending(self, part, connection):
        if part.content.text == "Hi":
            return real(self, part, connection)
        return broken(part)

    def broken(part):
        for _ in range(asked):
            yield HttpRequest.json("POST", "http://parrot.test/x", {})
        raise ends

    monkeypatch.setattr(type(line.hooks), "send", sending)
    write(world, line, "Bad", "Hi")
    carrier.run()
    carrier.stop()
    states = world.rows("SELECT state, error FROM deliveries ORDER BY id")
    assert [row["state"] for row in states] == ["unknown" if asked else "failed", "sent"]
    assert "plugin_error" in str(states[0]["error"])


def raises(self, part, connection):
    raise ValueError("a bug")


def returns_nothing(self, part, connection):
    yield from ()


def returns_a_number(self, part, connection):
    yield from ()
    number: Any = 1
    return Accepted(external_id=number)


def is_no_generator(self, part, connection):
    return None


@pytest.mark.parametrize("bad", [raises, returns_nothing, returns_a_number, is_no_generator])
def test_a_channel_type_that_does_not_do_as_agreed_has_failed(world, monkeypatch, bad):
    line = world.channel()
    monkeypatch.setattr(type(line.hooks), "send", bad)
    send(world, line, "Hi")
    [row] = world.rows("SELECT state, error FROM deliveries")
    assert row["state"] == "failed"
    assert "plugin_error" in str(row["error"])


@pytest.mark.parametrize("odd", ["half \ud83d a pair", "a \0 in it"])
def test_what_no_database_keeps_is_replaced_in_what_a_provider_says(world, monkeypatch, odd):
    line = world.channel()
    world.provider.will((200, {"id": odd}))
    send(world, line, "Hi")
    assert "\ufffd" in world.one("SELECT external_id FROM deliveries")["external_id"]

    def refused(self, part, connection):
        answer = yield HttpRequest.json("POST", "http://parrot.test/x", {})
        raise Permanent(answer.json()["why"], code=odd, provider_code=odd)

    monkeypatch.setattr(type(line.hooks), "send", refused)
    world.provider.will((400, {"why": odd}))
    send(world, line, "Hi")
    assert world.one("SELECT count(*) AS n FROM deliveries WHERE state = 'failed'")["n"] == 1


def test_a_result_that_can_be_written_in_no_way_harms_no_other(world, monkeypatch):
    line = world.channel()
    real = record

    def stumble(hub, db, results, finish):
        if any(result.parcel.row.address == "+0" for result in results):
            raise KeyError("a bug")
        return real(hub, db, results, finish)

    def no(*given, **named):
        raise KeyError("a bug")

    monkeypatch.setattr(courier, "record", stumble)
    monkeypatch.setattr(queries, "move", no)
    send(world, line, "1", "2", "3")
    states = world.rows("SELECT state FROM deliveries ORDER BY id")
    assert [row["state"] for row in states] == ["sending", "sent", "sent"]


def test_a_channel_that_cannot_be_opened_holds_up_no_other(world, monkeypatch):
    broken, here = world.channel(), world.channel()
    write(world, broken, "Waits")
    write(world, here, "Goes")
    line = world.hub.directory._line

    def stumble(db, channel_id, version):
        if channel_id == broken.id:
            raise KeyError("a bug")
        return line(db, channel_id, version)

    monkeypatch.setattr(world.hub.directory, "_line", stumble)
    nudge_deliver(world.hub)
    world.work()
    assert world.provider.said == ["Goes"]


@pytest.mark.parametrize("rate", [float("inf"), 1e307, 0, -1, float("nan")])
def test_a_rate_that_is_none_is_refused(world, rate):
    with pytest.raises(HubError):
        world.channel(messages_per_second=rate)


@pytest.mark.parametrize(
    "refused",
    [
        RateLimited("Slowly.", retry_after=timedelta(hours=1), whole_channel=True),
        AuthFailed("Who are you?"),
    ],
)
def test_a_channel_that_is_paused_sends_nothing_more_of_what_was_found(world, monkeypatch, refused):
    line = world.channel()

    def refuse(self, part, connection):
        yield HttpRequest.json("POST", "http://parrot.test/send", {})
        raise refused

    monkeypatch.setattr(type(line.hooks), "send", refuse)
    monkeypatch.setattr(stocking, "_AT_FIRST", courier.SIZE)
    send(world, line, *["Hi"] * (courier.SIZE * 2))
    assert len(world.provider.requests) == HALF
    assert world.one("SELECT sum(attempts) AS n FROM deliveries")["n"] == 0


def test_a_pause_is_never_made_shorter(world):
    line = world.channel()
    now = world.hub.now()
    with transaction(world.hub.engine) as db:
        for hours in (5, 1):
            until_then = now + timedelta(hours=hours)
            queries.pause_channel(
                db, line.id, until=until_then, status="error", reason="No.", now=now
            )
    world.clock.forward(hours=2)
    send(world, line, "Hi")
    assert world.provider.said == []


def test_a_reply_overtakes_a_campaign_in_its_own_conversation(world):
    line = world.channel(messages_per_second=1)
    write(world, line, "One", bulk=True)
    write(world, line, "Two", bulk=True)
    write(world, line, "Reply")
    send(world, line)
    assert world.provider.said == ["Reply"]


def too_much(monkeypatch, line, *refused):
    """Let the provider refuse these texts, as more than people asked for."""

    def refuse(self, part, connection):
        yield HttpRequest.json("POST", "http://parrot.test/send", {"text": part.content.text})
        if part.content.text in refused:
            raise RateLimited("Spam.", retry_after=timedelta(hours=24), bulk_only=True)
        return Accepted(external_id=part.content.text)

    monkeypatch.setattr(type(line.hooks), "send", refuse)


def test_a_limit_of_bulk_pauses_campaigns_and_replies_go_on(world, monkeypatch):
    line = world.channel()
    too_much(monkeypatch, line, "Offer")
    write(world, line, "Offer", bulk=True)
    nudge_bulk(world.hub)
    world.work()
    write(world, line, "Later", "Later still", bulk=True)
    # In the conversation of what was refused, and in another one.
    write(world, line, "Reply", "Another reply")
    world.pass_time(minutes=1)
    assert sorted(world.provider.said) == ["Another reply", "Offer", "Reply"]
    too_much(monkeypatch, line)
    world.pass_time(hours=23)
    assert len(world.provider.said) == 3
    world.pass_time(hours=1)
    assert sorted(world.provider.said)[1:] == ["Later", "Later still", "Offer", "Offer", "Reply"]
    assert world.one("SELECT sum(attempts) AS n FROM deliveries")["n"] == 5


def test_a_reply_that_meets_a_limit_of_bulk_is_tried_again_soon(world, monkeypatch):
    line = world.channel()
    too_much(monkeypatch, line, "Reply")
    send(world, line, "Reply")
    too_much(monkeypatch, line)
    world.pass_time(minutes=4)
    assert world.provider.said == ["Reply"]
    world.pass_time(minutes=1, seconds=1)
    assert world.provider.said == ["Reply", "Reply"]


def test_a_place_within_the_limit_is_given_back_where_another_worker_was_faster(world):
    line = world.channel(messages_per_second=1)
    write(world, line, "One", "Two")
    first, second = (row["id"] for row in world.rows("SELECT id FROM deliveries ORDER BY id"))
    stock = Stock(world.hub, bulk=False, size=4)
    stock.look()
    with transaction(world.hub.engine) as db:
        stock.find(db, (), {})
    found = {one.row.id: one for one in stock.next()}
    go, _ = stock.judged([found[first]])
    assert stock.judged([found[second]])[0] == []
    stock.give_back(go)
    world.clock.forward(milliseconds=1)
    assert [bool(wait) for wait in world.hub.limiter.acquire([[bucket(line)]])] == [False]


def test_a_look_that_takes_long_is_not_repeated_at_once(world, monkeypatch):
    """As where thousands wait in one conversation: only their first is to be found."""
    line = world.channel()
    write(world, line, "One", "Two")
    looks = []
    due = lanes.due

    def slow(*given, **named):
        looks.append(given)
        threading.Event().wait(0.03)
        return due(*given, **named)

    monkeypatch.setattr(lanes, "due", slow)
    monkeypatch.setattr(stocking, "_SHARE", 1000)
    stock = Stock(world.hub, bulk=False, size=4)
    for _ in range(5):
        stock.look()
        with transaction(world.hub.engine) as db:
            stock.find(db, (), {})
    assert len(looks) == 1
    assert len(stock.next()) == 2


def bucket(line):
    [limit] = line.limits
    return Bucket(key=f"{line.id}:0:", count=limit.count, per=limit.per, burst=limit.burst)


def test_channels_that_rest_take_no_room_from_others(world, make_carrier):
    carrier, quick = make_carrier(size=4), world.channel()
    for line in [world.channel(messages_per_second=0.01) for _ in range(20)]:
        write(world, line, "One", "Two", "Three")
    carrier.run()
    write(world, quick, "Quick")
    carrier.run()
    assert "Quick" in world.provider.said
    assert world.provider.said.count("One") == 20


def test_a_deadlock_is_tried_again_at_once(world, monkeypatch):
    line = world.channel()
    monkeypatch.setattr(courier, "record", first_raises(Deadlock("Two waited."), record))
    monkeypatch.setattr(courier, "sleep", None)  # not even called
    send(world, line, "Hi")
    assert world.provider.said == ["Hi"]
    assert world.one("SELECT state FROM deliveries")["state"] == "sent"


def test_a_bot_is_asked_while_its_channel_may_send_nothing(world):
    line = world.channel(messages_per_second=0.01)
    send(world, line, *["Waits"] * 40)
    save_routes(world.hub, line.id, WantedRoutes(routes=(), fallback=BOT), actor="cli")
    world.hear(world.line(line.id), {"id": "m1", "from": "+99", "text": "Hello"})
    asked = [request.url for request in world.provider.requests if "bot.example" in request.url]
    assert len(asked) == 1
    assert world.provider.said.count("Waits") == 1
