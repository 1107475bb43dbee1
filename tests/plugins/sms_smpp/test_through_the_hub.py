"""The channel through a whole hub: a listener, a worker, and the sandbox's message centre."""

import json
from contextlib import suppress

import pytest

from hubbub import holding, listener as listening
from hubbub.connect.work import ChannelChange, change_channel, check_channel
from hubbub.guard import Guard
from hubbub.receive.work import keep_polled
from hubbub.sandbox.ports import Port
from hubbub.sdk import Polled, Text
from hubbub.store.session import DatabaseDown
from hubbub.transports import Transports
from hubbub_sms_smpp.pdu import Address
from tests.plugins.conftest import LOOPBACK
from tests.plugins.sms_smpp.conftest import ADA, OURS, PASSWORD, SYSTEM_ID
from tests.plugins.sms_smpp.made import deliver, receipt, segment
from tests.plugins.test_through_the_api import KEYS, Traveller
from tests.services.peers import certificate

__all__ = ["certificate"]

LONG = "Überall €uro und 😀, " * 20


def write(bound, text):
    """Write to somebody, and wait until the centre has it."""
    bound.joined.write(bound.line, ADA, Text(text=text))
    bound.until(lambda: bound.joined.statuses()[-1] in {"sent", "delivered", "failed"})


def keep(bound, *messages):
    """Keep what a session heard, and read it."""
    calls = tuple(deliver(message).encoded() for message in messages)
    keep_polled(bound.world.hub, bound.line, Polled(calls=calls, cursor=""))
    bound.world.work()


def inbound(bound):
    return [json.loads(row["content"])["text"] for row in bound.joined.inbound()]


def test_a_conversation_through_the_api_alone(bound):
    program = Traveller(bound.joined, None)
    settings = {"api_base": bound.address, "system_id": SYSTEM_ID, "from_number": OURS}
    body = {"type": "sms_smpp", "name": "Shop", "credentials": {"password": PASSWORD}}
    channel = program.api("POST", "/channels", body | {"settings": settings}, status=201)
    assert (channel["type"], channel["status"]) == ("sms_smpp", "connected")
    bound.line = bound.world.line(channel["id"])
    bound.hold()

    bound.say("Is it open today?")
    bound.joined.heard(1)
    (conversation,) = program.api("GET", f"/conversations?channel_id={channel['id']}")["items"]
    (heard,) = program.api("GET", f"/conversations/{conversation['id']}/messages")["items"]
    assert heard.keys() >= KEYS
    assert heard["content"] == {"type": "text", "text": "Is it open today?"}
    assert heard["sender"] == {"address": ADA, "name": None}

    answer = {"conversation_id": conversation["id"], "content": {"type": "text", "text": "Yes"}}
    once = {"status": 202, "Idempotency-Key": "one"}
    message = program.api("POST", "/messages", answer, **once)
    assert (message.keys() >= KEYS, message["status"]) == (True, "queued")
    assert program.api("POST", "/messages", answer, **once)["id"] == message["id"]
    bound.joined.heard(2)  # its receipts
    found = f"/messages/{message['id']}"
    bound.until(lambda: program.api("GET", found)["status"] == "delivered")
    (sent,) = bound.joined.sent()
    assert (sent["address"], sent["text"]) == (ADA, "Yes")
    stages = {one["stage"] for one in program.api("GET", f"{found}/trace")["items"]}
    assert stages == {"deliver", "track"}


@pytest.mark.parametrize("mode", ["transceiver", "transmitter+receiver"])
def test_a_message_goes_out_and_its_receipts_come_back(bound, mode):
    bound.open(bind_mode=mode).hold(sessions=1 if mode == "transceiver" else 2)
    write(bound, "Ready at 5€")
    bound.joined.heard(2)
    assert bound.joined.statuses() == ["delivered"]
    (sent,) = bound.joined.sent()
    assert (sent["address"], sent["text"]) == (ADA, "Ready at 5€")


@pytest.mark.parametrize("mode", ["udh", "udh8", "sar", "payload"])
def test_a_long_message_arrives_whole_with_one_receipt(bound, mode):
    bound.open(long_mode=mode).hold()
    write(bound, LONG)
    bound.joined.heard(2)
    assert bound.joined.statuses() == ["delivered"]
    assert [sent["text"] for sent in bound.joined.sent()] == [LONG]


def test_what_a_customer_writes_comes_in(bound):
    bound.open().hold()
    bound.say("When are you open?")
    bound.joined.heard(1)
    (message,) = bound.joined.inbound()
    assert json.loads(message["content"])["text"] == "When are you open?"
    assert message["sender_address"] == ADA


def test_a_long_text_of_a_customer_is_one_message_and_each_segment_confirmed(bound):
    bound.open().hold()
    bound.say(LONG)
    bound.joined.heard(-(-len(LONG.encode("utf-16-be")) // 134))
    assert inbound(bound) == [LONG]


def test_the_centre_counts_what_it_has_for_the_hub(bound):
    bound.open()
    bound.say("Once")
    bound.say("Twice, which takes two segments. " * 6)
    assert bound.account()["waiting"] == 1 + 2
    bound.hold()
    bound.until(lambda: bound.account()["waiting"] == 0)
    bound.joined.heard(3)
    assert len(inbound(bound)) == 2


def test_case_14_receipts_before_the_answer_and_in_decimal_are_matched(bound):
    bound.joined.control("centres", {"system_id": SYSTEM_ID, "decimal_receipts": True})
    bound.joined.fault("reorder_receipts", "receipt")
    bound.open(receipt_id_format="dec_to_hex").hold()
    write(bound, "Ready")
    bound.joined.heard(2)
    assert bound.joined.statuses() == ["delivered"]


def test_what_the_network_could_not_deliver_has_failed(bound):
    bound.joined.fault("undelivered", "receipt")
    bound.open().hold()
    write(bound, "Ready")
    bound.joined.heard(2)
    assert bound.joined.statuses() == ["failed"]


def test_case_13_throttled_is_sent_again_and_uses_up_no_attempt(bound):
    bound.open().hold()
    bound.joined.fault("rate_limit", "submit_sm", times=2)
    bound.joined.write(bound.line, ADA, Text(text="Ready"))

    def passed():
        bound.world.pass_time(seconds=5)
        return bound.joined.statuses() != ["sending"] and bound.joined.sent()

    bound.until(passed)
    assert len(bound.joined.sent()) == 1
    assert bound.world.one("SELECT attempts FROM deliveries")["attempts"] == 1


def test_an_answer_that_is_lost_leaves_the_outcome_open_and_nothing_is_sent_twice(bound):
    bound.open().hold()
    bound.joined.control("rules", {"smsc_receipts": False}, method="PATCH")
    bound.joined.fault("drop_after_accept", "submit_sm", times=1)
    bound.joined.write(bound.line, ADA, Text(text="Ready"))
    bound.until(lambda: bound.world.one("SELECT state FROM deliveries")["state"] == "unknown")
    assert len(bound.joined.sent()) == 1


@pytest.mark.parametrize("what", ["unbind", "hangup"])
def test_case_15_a_session_that_the_centre_ends_is_begun_anew(bound, what):
    bound.open().hold()
    bound.joined.control(f"smsc/{SYSTEM_ID}/{what}", {})
    bound.say("Are you there?")
    bound.until(lambda: 0 in bound.joined.heard(1))
    assert inbound(bound) == ["Are you there?"]
    write(bound, "We are")


def test_what_cannot_be_kept_comes_again(bound, monkeypatch):
    failures: list[Exception] = [DatabaseDown("away"), RuntimeError("odd")]

    def failing(*arguments):
        if failures:
            raise failures.pop()
        keep_polled(*arguments)

    monkeypatch.setattr(holding, "keep_polled", failing)
    bound.open().hold()
    bound.say("Once")
    assert bound.joined.heard(3) == [0x64, 0x64, 0]
    assert inbound(bound) == ["Once"]


def test_a_wrong_password_turns_the_channel_to_error_until_it_is_mended(bound):
    bound.open(password="wrong-canary")
    assert bound.status()["status"] == "error"
    assert "ESME_RINVPASWD" in bound.status()["status_reason"]
    change_channel(
        bound.world.hub,
        bound.line.id,
        ChannelChange(credentials={"password": PASSWORD}),
        actor="cli",
    )
    assert bound.status()["status"] == "connected"
    bound.hold()


def test_a_bind_that_is_refused_later_stops_the_listener_too(bound):
    bound.open()
    bound.joined.fault("status", "bind", code=0x0E)
    bound.listener.look()
    bound.until(lambda: bound.status()["status"] == "error")
    assert "ESME_RINVPASWD" in bound.status()["status_reason"]


def test_a_check_asks_over_the_session_and_without_one_asks_to_be_let_in(bound):
    bound.open()
    before = {one.code: one.detail for one in check_channel(bound.world.hub, bound.line.id)}
    bound.hold()
    after = {one.code: one.detail for one in check_channel(bound.world.hub, bound.line.id)}
    assert "no listener" in before["session"]
    assert "is held" in after["session"]


def test_without_a_listener_a_message_is_provably_not_sent_and_waits(bound):
    bound.open()
    bound.joined.write(bound.line, ADA, Text(text="Ready"))
    bound.until(lambda: bound.world.one("SELECT state FROM deliveries")["state"] == "retrying")
    assert (
        json.loads(bound.world.one("SELECT error FROM deliveries")["error"])["code"] == "no_session"
    )
    assert bound.joined.sent() == []


def test_a_changed_channel_gets_a_new_session(bound, monkeypatch):
    monkeypatch.setattr(listening, "_LOOK_AGAIN", 0.0)
    bound.open().hold()
    change = ChannelChange(settings={"bind_mode": "transmitter+receiver"})
    change_channel(bound.world.hub, bound.line.id, change, actor="cli")
    bound.until(lambda: bound.sessions() == 2)


def test_a_listener_that_stops_takes_leave_and_another_one_goes_on(bound):
    bound.open().hold()
    bound.listener.stop()
    bound.until(lambda: bound.sessions() == 0)
    assert not bound.world.hub.redis.exists(f"hubbub:session:{bound.line.id}:held")
    assert bound.world.rows("SELECT name FROM leases") == []
    bound.listener = listening.Listener(bound.world.hub)
    bound.hold()


def test_a_listener_that_lost_its_lease_lets_the_session_go(bound, monkeypatch):
    monkeypatch.setattr(listening, "_LOOK_AGAIN", 0.0)
    monkeypatch.setattr(listening, "_RENEW", 0.0)
    bound.open().hold()
    bound.world.write("UPDATE leases SET holder = 'another'")
    bound.until(lambda: bound.sessions() == 0)
    bound.listener.look()
    assert bound.sessions() == 0


def test_a_channel_that_is_switched_off_takes_leave(bound, monkeypatch):
    monkeypatch.setattr(listening, "_LOOK_AGAIN", 0.0)
    bound.open().hold()
    change_channel(bound.world.hub, bound.line.id, ChannelChange(enabled=False), actor="cli")
    bound.until(lambda: bound.sessions() == 0)


def test_a_reference_that_is_used_again_takes_the_place_of_nothing_confirmed(bound):
    """What stood there is a call of its own, and a message of its own."""
    bound.open()
    for place, text in ((1, b"ORDER 1: ten "), (1, b"ORDER 2: two "), (2, b"bags")):
        keep(bound, segment(place, text))
    bound.world.pass_time(seconds=301)
    assert inbound(bound) == ["ORDER 1: ten […]", "ORDER 2: two bags"]


def test_long_messages_of_many_people_at_once_are_all_whole(bound):
    bound.open()
    people = [Address(text=f"4477009{n:05}", ton=1, npi=1) for n in range(60)]
    for place in (1, 2):
        keep(bound, *(segment(place, b"x" * 130, source=person) for person in people))
    assert {len(text) for text in inbound(bound)} == {260}
    assert len(inbound(bound)) == 60


def test_an_id_that_the_centre_used_before_is_the_latest_messages(bound):
    bound.joined.control("rules", {"smsc_receipts": False}, method="PATCH")
    bound.open().hold()
    for _ in range(2):
        write(bound, "Ready")
        (newest,) = bound.world.rows("SELECT id FROM deliveries ORDER BY id DESC LIMIT 1")
        bound.world.write("UPDATE deliveries SET external_id='7' WHERE id=:id", id=newest["id"])
        keep(bound, receipt("id:7 done date:2611222155 stat:DELIVRD err:000"))
    assert bound.joined.statuses() == ["delivered", "delivered"]


def test_over_tls_all_goes_as_without(bound, certificate, monkeypatch):
    server, client = certificate
    plain = Port._one
    monkeypatch.setattr(
        Port, "_one", lambda self, link: plain(self, server.wrap_socket(link, server_side=True))
    )
    transports = Transports(
        Guard(LOOPBACK, lookup=lambda host, port, **_: [(2, 1, 6, "", ("127.0.0.1", port))]),
        bound.world.hub.redis,
        bound.world.hub.media,
    )
    transports.__dict__["_trust"] = client
    bound.world.hub.http = transports
    bound.open(api_base=f"smpps://hub.test:{bound.address.rpartition(':')[2]}").hold()
    write(bound, LONG)
    bound.joined.heard(2)
    bound.say(LONG)
    bound.until(lambda: bound.joined.heard(1) and inbound(bound))
    assert (bound.joined.statuses(), inbound(bound)) == (["delivered"], [LONG])


def test_a_certificate_that_nobody_vouches_for_is_refused(bound, certificate, monkeypatch):
    server, _ = certificate

    def talk(self, link):
        with suppress(OSError), link:
            server.wrap_socket(link, server_side=True).close()

    monkeypatch.setattr(Port, "_one", talk)
    bound.open(api_base=bound.address.replace("smpp:", "smpps:"))
    assert "certificate is not valid" in bound.status()["status_reason"]


def test_no_attempt_shows_the_password_or_octets(bound):
    bound.open().hold()
    write(bound, "Ready")
    exchanges = bound.world.one("SELECT exchanges FROM attempts")["exchanges"]
    assert PASSWORD not in exchanges
    assert json.loads(exchanges)[0]["request"]["headers"]["destination_addr"] == (
        "447700900123 (TON 1, NPI 1)"
    )
