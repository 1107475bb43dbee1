import json
import socket
import time
from urllib.parse import urlsplit

import pytest

from hubbub.sandbox.faults import REQUEST_KINDS, Fault, Faults

TOKEN = "5550900:" + "A" * 35
NUMBER = "+12025550100"
CUSTOMER = "+12065550107"


def raw_post(url, path, body):
    """Post JSON and return every byte that came back until the other side closed."""
    parts = urlsplit(url)
    head = (
        f"POST {path} HTTP/1.1\r\nHost: {parts.netloc}\r\nContent-Type: application/json\r\n"
        f"Content-Length: {len(body)}\r\n\r\n"
    )
    with socket.create_connection((parts.hostname, parts.port), timeout=10) as connection:
        connection.sendall(head.encode() + body)
        return b"".join(iter(lambda: connection.recv(65536), b""))


def send_over_network(sandbox):
    """Send a message and return the bytes of the answer that came before the end."""
    body = json.dumps({"chat_id": 5550001, "text": "Hi"}).encode()
    answer = raw_post(sandbox.url, f"/telegram/bot{TOKEN}/sendMessage", body)
    return answer.partition(b"\r\n\r\n")


@pytest.fixture
def at_once(sandbox):
    """Take down how long the sandbox would have waited."""
    waited: list[float] = []
    sandbox.world.faults._sleep = waited.append
    return waited


@pytest.mark.parametrize("kind", ["drop_after_accept", "drop_before", "timeout"])
def test_a_dropped_connection_gives_no_whole_answer(sandbox, telegram, at_once, kind):
    telegram.write()
    sandbox.fault(provider="telegram", operation="sendMessage", kind=kind)
    head, _, rest = send_over_network(sandbox)
    assert b"Content-Length: 1000000" in head
    assert rest == b""
    assert len(sandbox.sent()) == (1 if kind == "drop_after_accept" else 0)


def test_without_a_fault_the_same_request_is_answered_whole(sandbox, telegram):
    telegram.write()
    body = json.dumps({"chat_id": 5550001, "text": "Hi"}).encode()
    path = f"/telegram/bot{TOKEN}/sendMessage"
    answer = telegram.http.post(path, data=body, content_type="application/json")
    assert answer.json["ok"] is True


def test_a_slow_provider_waits_first_and_answers_then(sandbox, telegram, at_once):
    telegram.write()
    sandbox.fault(operation="sendMessage", kind="slow", delay_ms=2500)
    assert telegram.call("sendMessage", chat_id=5550001, text="x").status_code == 200
    assert at_once == [2.5]


@pytest.mark.parametrize(
    ("fault", "status", "description"),
    [
        ({"kind": "status"}, 500, "Internal Server Error: restart"),
        ({"kind": "status", "status": 502}, 502, "Bad Gateway"),
        ({"kind": "rate_limit", "retry_after": 9}, 429, "Too Many Requests: retry after 9"),
        ({"kind": "token_revoked"}, 401, "Unauthorized"),
    ],
)
def test_telegram_refuses_in_its_own_words(sandbox, telegram, fault, status, description):
    telegram.write()
    sandbox.fault(provider="telegram", operation="sendMessage", **fault)
    answer = telegram.call("sendMessage", chat_id=5550001, text="x")
    assert (answer.status_code, answer.json["description"]) == (status, description)
    assert sandbox.sent() == []


@pytest.mark.parametrize(
    ("fault", "status", "code"),
    [
        ({"kind": "status"}, 500, 20500),
        ({"kind": "status", "code": 21610}, 400, 21610),
        ({"kind": "status", "status": 400, "code": 30005}, 400, 30005),
        ({"kind": "rate_limit", "retry_after": 3}, 429, 20429),
        ({"kind": "token_revoked"}, 401, 20003),
    ],
)
def test_twilio_refuses_in_its_own_words(sandbox, twilio, fault, status, code):
    sandbox.fault(provider="twilio", operation="Messages.create", **fault)
    answer = twilio.create()
    assert (answer.status_code, answer.json["code"]) == (status, code)
    assert sandbox.sent() == []


@pytest.mark.parametrize(("body", "text"), [("<html>", "<html>"), ({"a": 1}, '{"a": 1}')])
def test_the_body_of_a_refusal_can_be_given(sandbox, telegram, body, text):
    sandbox.fault(kind="status", status=503, body=body)
    assert telegram.call("getMe").text == text


def test_garbage_comes_after_the_message_was_taken(sandbox, telegram):
    telegram.write()
    sandbox.fault(operation="sendMessage", kind="garbage")
    answer = telegram.call("sendMessage", chat_id=5550001, text="x")
    assert (answer.status_code, answer.mimetype) == (200, "text/html")
    assert len(sandbox.sent()) == 1


def test_a_fault_strikes_as_often_as_it_is_told(sandbox, telegram):
    sandbox.fault(kind="status", times=2)
    assert [telegram.call("getMe").status_code for _ in range(3)] == [500, 500, 200]
    [fault] = sandbox.http.get("/_sandbox/faults").json["items"]
    assert fault["fired"] == 2


@pytest.mark.parametrize(("throw", "strikes"), [(0.2, True), (0.3, False), (0.9, False)])
def test_a_fault_strikes_with_its_probability(throw, strikes):
    faults = Faults(dice=lambda: throw)
    faults.add(Fault.model_validate({"kind": "status", "probability": 0.3}))
    picked = faults.pick(REQUEST_KINDS, "telegram", "getMe")
    assert (picked is not None) is strikes


@pytest.mark.parametrize(
    ("fault", "strikes"),
    [
        ({}, True),
        ({"provider": "telegram"}, True),
        ({"provider": "twilio"}, False),
        ({"operation": "sendmessage"}, True),
        ({"operation": "sendPhoto"}, False),
        ({"match": {"address": "5550001"}}, True),
        ({"match": {"address": "5550002"}}, False),
        ({"match": {"text_contains": "bo"}}, True),
        ({"match": {"text_contains": "zz"}}, False),
        ({"operation": "webhook", "kind": "slow"}, False),
    ],
)
def test_a_fault_strikes_where_it_fits(sandbox, telegram, at_once, fault, strikes):
    telegram.write()
    number = sandbox.fault(**{"kind": "drop_before", "times": 1, **fault})["id"]
    telegram.call("sendMessage", chat_id=5550001, text="about")
    [found] = sandbox.http.get("/_sandbox/faults").json["items"]
    assert (found["id"], found["fired"]) == (number, int(strikes))


def test_faults_are_switched_off_one_by_one_and_together(sandbox, telegram):
    first = sandbox.fault(kind="status", status=503)["id"]
    sandbox.fault(kind="status", status=502)
    assert telegram.call("getMe").status_code == 503
    sandbox.http.delete(f"/_sandbox/faults/{first}")
    assert telegram.call("getMe").status_code == 502
    sandbox.http.delete("/_sandbox/faults")
    assert telegram.call("getMe").status_code == 200


@pytest.mark.parametrize(
    ("fault", "words"),
    [
        ({"kind": "explode"}, "kind"),
        ({"kind": "status", "times": 0}, "times"),
        ({"kind": "status", "operation": "webhook"}, "not webhooks"),
        ({"kind": "status", "colour": "red"}, "colour"),
        ({"kind": "status", "provider": "smpp"}, "smsc"),
        ({"kind": "bad_signature", "provider": "onprem"}, "signs nothing"),
    ],
)
def test_a_fault_that_makes_no_sense_is_refused(sandbox, fault, words):
    answer = sandbox.http.post("/_sandbox/faults", json=fault)
    assert answer.status_code == 422
    assert words in answer.json["error"]


def test_a_webhook_can_come_twice(sandbox, hooked, hub):
    sandbox.fault(kind="duplicate_webhooks", times=1)
    hooked.write("twice")
    hooked.write("once")
    told = hub.wait(3)
    assert [item.update["message"]["text"] for item in told] == ["twice", "twice", "once"]
    assert told[0].body == told[1].body


def test_a_webhook_can_be_lost(sandbox, texted, hub):
    sandbox.fault(operation="webhook", kind="drop_before", match={"text_contains": "lost"})
    texted.text("lost")
    texted.text("found")
    assert [told.form["Body"] for told in hub.wait(1)] == ["found"]


def test_a_webhook_can_be_slow(sandbox, texted, hub, at_once):
    sandbox.fault(operation="webhook", kind="slow", delay_ms=1500)
    texted.text("late")
    hub.wait(1)
    assert at_once == [1.5]


def test_telegram_can_bring_a_wrong_secret(sandbox, hooked, hub, says):
    sandbox.fault(provider="telegram", kind="bad_signature", times=1)
    hub.next_answers.append(says(401))
    hooked.write()
    secrets = [told.headers["X-Telegram-Bot-Api-Secret-Token"] for told in hub.wait(2)]
    assert (secrets[0] == "s3cret_-token", secrets[1]) == (False, "s3cret_-token")


def test_twilio_can_bring_a_wrong_signature(sandbox, texted, hub):
    sandbox.fault(provider="twilio", kind="bad_signature", times=1)
    texted.text("same")
    texted.text("same", sid="SM" + "1" * 32)
    signatures = {told.headers["X-Twilio-Signature"] for told in hub.wait(2)}
    assert len(signatures) == 2


def test_receipts_can_come_in_the_wrong_order(sandbox, twilio, hub):
    sandbox.fault(kind="reorder_receipts")
    sid = twilio.create(StatusCallback=f"{hub.url}/status").json["sid"]
    assert [told.form["MessageStatus"] for told in hub.wait(2)] == ["delivered", "sent"]
    assert twilio.fetch(sid)["status"] == "delivered"


def test_a_message_can_stay_undelivered(sandbox, twilio, hub):
    sandbox.fault(kind="undelivered", code=30005, match={"address": CUSTOMER})
    sid = twilio.create(StatusCallback=f"{hub.url}/status").json["sid"]
    told = hub.wait(2)
    assert [item.form["MessageStatus"] for item in told] == ["sent", "undelivered"]
    assert told[1].form["ErrorCode"] == "30005"
    assert twilio.fetch(sid)["error_code"] == 30005


def test_receipts_alone_can_come_twice(sandbox, texted, hub):
    sandbox.fault(operation="receipt", kind="duplicate_webhooks")
    texted.text("once")
    texted.create(StatusCallback=f"{hub.url}/status")
    statuses = [told.form["MessageStatus"] for told in hub.wait(4, path="/status")]
    assert statuses == ["sent", "sent", "delivered", "delivered"]
    assert len(hub.wait(1, path="/webhooks")) == 1


def test_a_real_pause_is_made_by_default():
    began = time.monotonic()
    Faults().pause(0.01)
    assert time.monotonic() - began >= 0.01
