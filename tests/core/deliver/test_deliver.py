"""How messages go out: once, in order, and what becomes of each failure."""

import json
import secrets
from datetime import timedelta

import pytest

from hubbub.deliver import work as deliver
from hubbub.deliver.actors import nudge_deliver
from hubbub.deliver.record import keep_renewed
from hubbub.deliver.rules import Refused
from hubbub.sdk import OutcomeUnknown, Permanent, RateLimited, Renewed, Text
from hubbub.store.session import reading, transaction
from hubbub.track.trace import trace
from hubbub.transport import AnswerLost, NotSent
from tests.services import parrot


@pytest.fixture
def line(world):
    """A channel with one conversation, in which +1 said hello."""
    line = world.channel()
    world.hear(line, {"id": "m1", "from": "+1", "text": "Hello"})
    return line


def send(world, text="Hi", **more):
    conversation = world.one("SELECT id FROM conversations")["id"]
    with transaction(world.hub.engine) as db:
        message_id = deliver.submit(
            world.hub,
            db,
            conversation_id=conversation,
            content=Text(text=text),
            author="api:t",
            **more,
        )
    nudge_deliver(world.hub)
    world.work()
    return message_id


def status(world, message_id):
    return world.one("SELECT status FROM messages WHERE id = :id", id=message_id)["status"]


def error(world, message_id):
    import json

    found = world.one("SELECT error FROM messages WHERE id = :id", id=message_id)["error"]
    return json.loads(found) if isinstance(found, str) else found


def test_an_accepted_message_is_sent_and_known_by_the_providers_id(world, line):
    message_id = send(world)
    assert status(world, message_id) == "sent"
    assert world.one("SELECT external_id FROM messages WHERE id = :i", i=message_id) == {
        "external_id": "out-1"
    }
    assert world.provider.said == ["Hi"]


def test_a_long_text_goes_out_in_parts_in_order(world, line):
    message_id = send(world, " ".join(["word"] * 60))
    assert len(world.provider.said) == 3
    assert " ".join(world.provider.said) == " ".join(["word"] * 60)
    assert status(world, message_id) == "sent"


def test_the_next_part_waits_until_the_one_before_is_accepted(world, line):
    world.provider.will((503, {}))
    send(world, "one")
    send(world, "two")
    assert world.provider.said == ["one"]
    world.pass_time(seconds=10)
    assert world.provider.said == ["one", "one", "two"]


def test_other_conversations_do_not_wait(world, line):
    world.provider.will((503, {}))
    send(world, "one")
    with transaction(world.hub.engine) as db:
        other = deliver.start_conversation(world.hub, db, channel_id=line.id, address="+2")
        deliver.submit(
            world.hub, db, conversation_id=other, content=Text(text="other"), author="api:t"
        )
    nudge_deliver(world.hub)
    world.work()
    assert world.provider.said == ["one", "other"]


def test_what_fails_for_a_while_is_tried_on_schedule_and_then_given_up(world, line):
    world.provider.will(*[(503, {})] * 20)
    message_id = send(world)
    for passed in ({"seconds": 10}, {"seconds": 60}, {"minutes": 5}, {"minutes": 20}, {"hours": 2}):
        assert status(world, message_id) == "sending"
        world.pass_time(**passed)
    world.pass_time(hours=12)
    assert status(world, message_id) == "failed"
    assert len(world.provider.said) == 7
    assert error(world, message_id)["provider_code"] == "503"


def test_a_retrying_message_holds_its_lane_for_a_bounded_time(world, line):
    world.provider.will((503, {}), (503, {}), (503, {}), (503, {}))
    send(world, "one")
    send(world, "two")
    for _ in range(5):
        world.pass_time(seconds=45)
    assert "two" in world.provider.said


def test_to_be_told_to_wait_uses_up_no_attempt(world, line):
    world.provider.will(*[(429, {})] * 12)
    message_id = send(world)
    for _ in range(12):
        assert status(world, message_id) == "sending"
        world.pass_time(seconds=9)
    assert status(world, message_id) == "sent"
    assert world.one("SELECT attempts FROM deliveries")["attempts"] == 1


def test_a_permanent_refusal_fails_at_once_with_the_reason(world, line):
    world.provider.will((400, {}))
    message_id = send(world)
    assert status(world, message_id) == "failed"
    assert error(world, message_id) == {
        "code": "rejected",
        "provider_code": "400",
        "detail": "The parrot refuses.",
        "retryable": False,
    }


def test_refused_credentials_turn_the_channel_to_error_and_hold_its_messages(world, line):
    from hubbub.connect.work import check_channel

    world.provider.will((401, {}))
    message_id = send(world)
    assert world.one("SELECT status FROM channels")["status"] == "error"
    send(world, "two")
    world.pass_time(hours=1)
    assert world.provider.said == ["Hi"]
    check_channel(world.hub, line.id)
    assert world.one("SELECT status FROM channels")["status"] == "connected"
    world.pass_time(minutes=5)
    assert world.provider.said == ["Hi", "Hi", "two"]
    assert status(world, message_id) == "sent"


def test_a_channel_that_sends_nothing_stays_in_error_however_well_its_checks_end(world, line):
    """What waits is tried again all the same, and with the first that is sent it is well."""
    from hubbub.connect import queries, work as connect

    def passed(minutes):
        for _ in range(minutes):
            world.pass_time(minutes=1)
            now = world.hub.now()
            before = now - connect.EVERY_AWAY, now - connect.EVERY_OTHER
            with reading(world.hub.engine) as db:
                due = queries.due_for_check(db, away_before=before[0], others_before=before[1])
            for channel_id in due:
                connect.watch_channel(world.hub, channel_id)
        return world.one("SELECT status FROM channels")["status"]

    def refusing(request):
        return (401, {}) if request.url.endswith("/send") else (200, {"id": "well"})

    world.provider.will(*[refusing] * 50)
    send(world)
    assert {passed(1) for _ in range(40)} == {"error"}
    assert 3 <= len(world.provider.said) <= 5
    world.provider.answers.clear()
    assert passed(15) == "connected"


def test_a_recipient_who_is_gone_is_marked_and_not_written_to_again(world, line):
    world.provider.will((410, {}))
    message_id = send(world)
    assert status(world, message_id) == "failed"
    with pytest.raises(Refused, match="asked not to be written to"):
        send(world)


def test_nothing_that_reached_the_provider_is_repeated_without_proof(world, line):
    world.provider.will(OutcomeUnknown("The connection broke."))
    message_id = send(world)
    assert status(world, message_id) == "unknown"
    world.pass_time(seconds=50)
    assert world.provider.said == ["Hi"]


def test_an_unknown_outcome_names_the_provider_and_not_its_host(world, line):
    world.provider.will(AnswerLost("127.0.0.1", "no answer in time"))
    send(world)
    assert world.one("SELECT error ->> 'detail' AS detail FROM deliveries")["detail"] == (
        "Parrot may have done as asked, but its answer is lost: no answer in time."
    )


def test_a_receipt_with_our_reference_settles_an_unknown_outcome(world, line):
    world.provider.will(OutcomeUnknown("The connection broke."))
    message_id = send(world)
    reference = world.one("SELECT id FROM deliveries")["id"]
    world.hear(line, {"status": "delivered", "ref": reference, "id": "x1"})
    assert status(world, message_id) == "delivered"


@pytest.mark.parametrize(
    ("answer", "said", "ends"),
    [((200, {"id": "found"}), ["Hi"], "sent"), ((404, {}), ["Hi", "Hi"], "sent")],
)
def test_the_provider_is_asked_what_became_of_an_unknown_outcome(world, line, answer, said, ends):
    world.provider.will(OutcomeUnknown("The connection broke."), answer)
    message_id = send(world)
    world.pass_time(seconds=61)
    world.pass_time(seconds=1)
    assert world.provider.said == said
    assert status(world, message_id) == ends


def test_one_message_at_the_provider_proves_one_of_two_equal_ones(world, line):
    lost = OutcomeUnknown("The connection broke.")
    world.provider.will(lost)
    first = send(world)
    world.clock.forward(minutes=3)  # the lane went on without it
    world.provider.will(lost)
    second = send(world)
    found = (200, {"id": "found"})
    world.provider.will(found, found, (404, {}))
    for _ in range(3):
        world.pass_time(minutes=3)
    assert [status(world, first), status(world, second)] == ["sent", "sent"]
    assert world.provider.said == ["Hi", "Hi", "Hi"]
    assert (
        len({row["external_id"] for row in world.rows("SELECT external_id FROM deliveries")}) == 2
    )


def test_who_asks_for_a_lost_message_knows_which_are_others(world, line):
    send(world)
    world.provider.will(OutcomeUnknown("The connection broke."))
    send(world)
    world.pass_time(seconds=61)
    asked = [r for r in world.provider.requests if "/find/" in r.url]
    assert [json.loads(request.body)["others"] for request in asked] == [["out-1"]]


def test_without_proof_a_person_decides(world, line):
    world.provider.will(OutcomeUnknown("The connection broke."), (500, {}), (500, {}))
    message_id = send(world)
    for _ in range(4):
        world.pass_time(minutes=3)
    assert status(world, message_id) == "unknown"
    with transaction(world.hub.engine) as db:
        told = trace(db, message_id)[-1]
        deliver.settle_by_hand(db, message_id, arrived=True)
    # When the hub itself would look again is nothing to wait for.
    assert (told.what, told.detail.get("due_at")) == ("now unknown", None)
    assert status(world, message_id) == "sent"


def test_the_policy_resend_sends_once_more(world):
    line = world.channel(unknown_outcome="resend")
    world.hear(line, {"id": "m1", "from": "+1", "text": "Hello"})
    world.provider.will(OutcomeUnknown("The connection broke."), (500, {}))
    message_id = send(world)
    world.pass_time(seconds=61)
    world.pass_time(seconds=1)
    assert world.provider.said == ["Hi", "Hi"]
    assert status(world, message_id) == "sent"


@pytest.mark.parametrize(
    ("policy", "proof"),
    [("hold", (404, {})), ("resend", (500, {}))],
    ids=["proven lost", "sent again by policy"],
)
def test_a_try_that_a_person_asked_for_meanwhile_is_not_repeated(world, policy, proof):
    world.hear(world.channel(unknown_outcome=policy), {"id": "m1", "from": "+1", "text": "Hello"})
    world.provider.will(OutcomeUnknown("The connection broke."))
    message_id = send(world)

    def ask(_request):
        with transaction(world.hub.engine) as db:
            deliver.retry(world.hub, db, message_id)
        world.provider.will(OutcomeUnknown("The connection broke again."))
        nudge_deliver(world.hub)
        world.work()
        return proof

    world.provider.will(ask)
    world.pass_time(seconds=61)
    assert world.provider.said == ["Hi", "Hi"]
    assert status(world, message_id) == "unknown"


def test_what_never_reached_the_provider_is_simply_tried_again(world, line):
    world.provider.will(NotSent("Connection refused."))
    message_id = send(world)
    assert status(world, message_id) == "sending"
    world.pass_time(seconds=10)
    assert status(world, message_id) == "sent"


def test_a_failed_message_is_sent_again_on_a_persons_word(world, line):
    world.provider.will((400, {}))
    message_id = send(world)
    with transaction(world.hub.engine) as db:
        deliver.retry(world.hub, db, message_id)
    nudge_deliver(world.hub)
    world.work()
    assert status(world, message_id) == "sent"
    assert world.provider.said == ["Hi", "Hi"]


def test_a_sent_message_cannot_be_sent_again(world, line):
    message_id = send(world)
    with pytest.raises(Refused, match="only a failed one"), transaction(world.hub.engine) as db:
        deliver.retry(world.hub, db, message_id)


def test_a_scheduled_message_waits_and_holds_up_nobody(world, line):
    from datetime import timedelta

    later = send(world, "later", starts_at=world.clock.now + timedelta(hours=1))
    send(world, "now")
    assert world.provider.said == ["now"]
    world.pass_time(hours=1, seconds=1)
    assert world.provider.said == ["now", "later"]
    assert status(world, later) == "sent"


def test_a_scheduled_message_can_be_cancelled(world, line):
    from datetime import timedelta

    later = send(world, "later", starts_at=world.clock.now + timedelta(hours=1))
    with transaction(world.hub.engine) as db:
        deliver.cancel(db, later)
    world.pass_time(hours=2)
    assert world.provider.said == []
    assert status(world, later) == "cancelled"


def test_a_dead_workers_delivery_becomes_unknown(world, line):
    message_id = send(world)
    world.write(
        "UPDATE deliveries SET state = 'sending', claimed_by = 'dead', claimed_at = :at",
        at=str(world.clock.now),
    )
    world.write("UPDATE messages SET status = 'sending' WHERE direction = 'outbound'")
    world.provider.will((200, {"id": "found"}))
    world.pass_time(seconds=1)
    assert status(world, message_id) == "unknown"
    world.pass_time(seconds=61)
    assert status(world, message_id) == "sent"
    assert world.provider.said == ["Hi"]


def test_a_switched_off_channel_sends_nothing(world, line):
    from hubbub.connect.work import ChannelChange, change_channel

    change_channel(world.hub, line.id, ChannelChange(enabled=False), actor="cli")
    with pytest.raises(Refused, match="switched off"):
        send(world)


def test_rate_limits_put_off_and_lose_nothing(world):
    # So slow that the courier does not wait for the next by itself.
    line = world.channel(messages_per_second=0.1)
    world.hear(line, {"id": "m1", "from": "+1", "text": "Hello"})
    conversation = world.one("SELECT id FROM conversations")["id"]
    with transaction(world.hub.engine) as db:
        for number in range(3):
            deliver.submit(
                world.hub,
                db,
                conversation_id=conversation,
                content=Text(text=str(number)),
                author="api:t",
            )
    for _ in range(4):
        world.pass_time(seconds=10, milliseconds=10)
    assert world.provider.said == ["0", "1", "2"]


@pytest.mark.parametrize(
    ("asked", "waits"),
    [(timedelta(seconds=-100), 0.1), (timedelta(0), 0.1), (timedelta.max, 86400)],
)
def test_a_wait_that_no_provider_means_is_brought_within_bounds(asked, waits):
    limited = RateLimited("Slowly.", retry_after=asked)
    assert limited.retry_after == timedelta(seconds=waits)


def test_of_several_sends_that_renew_a_token_at_once_the_first_one_counts(world):
    line = world.channel()
    for token in ("first", "second"):
        with transaction(world.hub.engine) as db:
            renewed = Renewed(tokens={"login": token}, facts={"until": token})
            keep_renewed(world.hub, db, line, renewed)
    now = world.line(line.id).connection
    assert (now.tokens, now.facts["until"]) == ({"login": "first"}, "first")


def test_what_a_send_renewed_is_kept_though_it_failed(world, line, monkeypatch):
    def fail(response):
        error = Permanent("No.")
        error.renewed = Renewed(tokens={"login": "new"})
        raise error

    monkeypatch.setattr(parrot, "_accepted", fail)
    world.provider.will((200, {}))
    assert status(world, send(world, "one")) == "failed"
    assert world.line(line.id).connection.tokens == {"login": "new"}


def test_an_id_of_any_length_that_a_provider_gives_holds_up_nobody(world, line):
    monstrous = secrets.token_hex(3000)
    world.provider.will((200, {"id": monstrous}))
    first = send(world, "one")
    second = send(world, "two")
    assert [status(world, one) for one in (first, second)] == ["sent", "sent"]
    world.hear(line, {"id": monstrous, "status": "delivered"})
    assert status(world, first) == "delivered"
