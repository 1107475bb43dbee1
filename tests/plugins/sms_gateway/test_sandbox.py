"""The channel and the simulated gateway; and the simulated gateway beside a real Kannel."""

import http.client
from urllib.parse import urlencode, urlsplit

import pytest

from hubbub import demo
from hubbub.connect import work as connect
from hubbub.sdk import Text
from tests.services.kannel import INBOUND, PASSWORD, USER

TOKEN, OURS, ADA = "inbound-token", "12345", "+447700900123"


@pytest.fixture
def shop(joined):
    """A channel whose gateway is the sandbox; nothing is reported but what the test says."""
    joined.control("rules", {"gateway_receipts": False}, method="PATCH")
    channel_id = connect.create_channel(
        joined.world.hub,
        type="sms_gateway",
        name="Shop",
        credentials={"username": USER, "password": PASSWORD, "inbound_token": TOKEN},
        settings={"api_base": f"{joined.sandbox.url}/gateway", "from_number": OURS},
        actor="cli",
    )
    line = joined.world.line(channel_id)
    url = f"{line.connection.webhook_url}?token={TOKEN}&{INBOUND}"
    joined.control("gateways", {"username": USER, "numbers": [OURS], "get_url": url})
    return line


def text(joined, words="Is it  ready? 100% & +", **more):
    message = {"from": ADA, "to": OURS, "text": words, **more}
    return joined.control(f"gateway/{USER}/messages", message)["id"]


def tell(joined, *statuses):
    sms = joined.sent()[-1]["external_id"]
    for status in statuses:
        joined.control(f"gateway/{USER}/receipts", {"id": sms, "status": status})
    joined.heard(len(statuses))


def inbound(joined):
    return [row["content"] for row in joined.inbound()]


def test_a_customer_texts_and_is_answered(joined, shop):
    text(joined)
    assert joined.heard() == [200]
    assert "Is it  ready? 100% & +" in str(inbound(joined))
    joined.write(shop, ADA, Text(text="Готово"))
    assert [line["text"] for line in joined.sent()] == ["Готово"]
    tell(joined, "delivered", "accepted")
    assert joined.statuses() == ["delivered"]


def test_receipts_come_by_themselves(joined, shop):
    rules = {"gateway_receipts": True, "gateway_sent_after": 0, "gateway_delivered_after": 0}
    joined.control("rules", rules, method="PATCH")
    joined.write(shop, ADA, Text(text="Ready"))
    joined.heard(2)
    assert joined.statuses() == ["delivered"]


@pytest.mark.parametrize("status", ["failed", "refused", "expired"])
def test_a_message_that_does_not_arrive_has_failed(joined, shop, status):
    joined.write(shop, ADA, Text(text="Ready"))
    tell(joined, status)
    assert joined.statuses() == ["failed"]


def test_a_repeat_is_one_message(joined, shop):
    joined.fault("duplicate_webhooks", "webhook", times=1)
    text(joined)
    assert joined.heard(2) == [200, 200]
    assert len(inbound(joined)) == 1


def test_a_forged_call_is_refused_and_the_next_one_is_taken(joined, shop):
    joined.fault("bad_signature", "webhook", times=1)
    text(joined)
    assert joined.heard(2) == [401, 200]
    assert len(inbound(joined)) == 1


def test_a_lost_answer_is_settled_by_the_report(joined, shop):
    joined.fault("drop_after_accept", "sendsms", times=1)
    joined.write(shop, ADA, Text(text="Ready"))
    assert joined.statuses() == ["unknown"]
    tell(joined, "delivered")
    assert (joined.statuses(), len(joined.sent())) == (["delivered"], 1)


def test_the_page_lets_a_person_be_the_customer(joined, shop):
    assert OURS in joined.http.get("/").text
    joined.write(shop, ADA, Text(text="Ready"))
    desk = {"channel": f"gateway:{USER}:{OURS}", "persona": "Ada"}
    page = joined.http.get("/", query_string=desk)
    assert page.status_code == 200
    assert "+447700900" in page.text


def test_the_demo_has_a_gateway_that_finds_its_hub(joined):
    for _ in range(2):
        demo._add_gateway(joined.world.hub, joined.sandbox.url)
        text_to = {"from": ADA, "to": "12345", "text": "Hello"}
        joined.control("gateway/demo/messages", text_to)
        assert joined.heard() == [200]
    assert joined.world.rows("SELECT DISTINCT status FROM channels") == [{"status": "connected"}]


# --- beside a real Kannel --------------------------------------------------------------------

GOOD = {"username": USER, "password": PASSWORD, "from": OURS, "to": "+15005550006", "text": "Hi"}
REQUESTS = {
    "good": GOOD,
    "wrong password": {**GOOD, "password": "wrong"},
    "no receiver": {name: one for name, one in GOOD.items() if name != "to"},
    "empty receiver": {**GOOD, "to": ""},
    "no sender": {name: one for name, one in GOOD.items() if name != "from"},
    "empty sender": {**GOOD, "from": ""},
    "no number": {**GOOD, "to": "Ada"},
    "odd coding": {**GOOD, "coding": "7"},
    "odd mask": {**GOOD, "dlr-mask": "99", "dlr-url": "http://127.0.0.1/"},
    "odd report address": {**GOOD, "dlr-mask": "31", "dlr-url": "nowhere"},
}


def test_the_sandbox_answers_as_a_real_kannel_does(joined, shop, kannel):
    boxes = kannel("http://127.0.0.1:9/")
    differing: dict[str, object] = {}
    with boxes.centre():
        for name, query in REQUESTS.items():
            real = _get(f"{boxes.url}/cgi-bin/sendsms?{urlencode(query)}")
            ours = _get(f"{joined.sandbox.url}/gateway/cgi-bin/sendsms?{urlencode(query)}")
            differing |= {} if ours == real else {name: (ours, real)}
    assert differing == {}


def _get(url):
    parts = urlsplit(url)
    connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=20)
    try:
        connection.request("GET", f"{parts.path}?{parts.query}")
        answer = connection.getresponse()
        return answer.status, answer.read().decode()
    finally:
        connection.close()
