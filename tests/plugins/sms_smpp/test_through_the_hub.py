"""The channel through a whole hub: a listener, a worker, and the sandbox's message centre."""

import json

from hubbub.sdk import Text
from tests.plugins.sms_smpp.conftest import ADA


def test_a_message_goes_out_and_its_receipts_come_back(bound):
    bound.open().hold()
    bound.joined.write(bound.line, ADA, Text(text="Ready at 5€"))
    bound.until(lambda: bound.joined.statuses() != ["queued"])
    bound.joined.heard(2)
    assert bound.joined.statuses() == ["delivered"]
    (sent,) = bound.joined.sent()
    assert (sent["address"], sent["text"]) == (ADA, "Ready at 5€")


def test_what_a_customer_writes_comes_in(bound):
    bound.open().hold()
    bound.say("When are you open?")
    bound.joined.heard(1)
    (message,) = bound.joined.inbound()
    assert json.loads(message["content"])["text"] == "When are you open?"
    assert message["sender_address"] == ADA
