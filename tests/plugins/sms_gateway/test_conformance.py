"""The conformance kit, on a gateway that proves its calls by a word, and one that signs them."""

import hashlib
import hmac
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import quote

from hubbub.sandbox import live
from hubbub.sdk import AuthFailed, Headers, OutcomeUnknown, Permanent, RateLimited, Transient
from hubbub.testing import REFERENCE, ChannelConformance, Recorded, Refused, answer
from hubbub_sms_gateway.channel import SmsGateway

PAYLOADS = Path(__file__).parent / "payloads"
OURS, ADA = "+15005550001", "+15005550006"


def asked(name, *says):
    """A call of Kannel, all of which is in the address."""
    query = (PAYLOADS / f"{name}.query").read_text().strip().removeprefix("token=SECRET&")
    return Recorded(method="GET", query=query, says=says)


def reported(status, *says):
    """What Kannel calls once it knows more; `%` and its letter stand for what it fills in."""
    query = f"hubbub_ref={REFERENCE}&status={status}&ans=&foreign=7&ts=1795385075&smsc=lab"
    return Recorded(method="GET", query=query, says=says)


def told(name, *says):
    """A call of SMS Gateway for Android."""
    headers = {"content-type": "application/json", "x-timestamp": "1795377540"}
    return Recorded(body=(PAYLOADS / f"{name}.json").read_bytes(), headers=headers, says=says)


class TestKannel(ChannelConformance):
    channel_type = SmsGateway
    credentials = {
        "username": "shop",
        "password": "password-of-the-shop",
        "inbound_token": "inbound-token-of-the-shop",
    }
    other_credentials = {
        "username": "shop",
        "password": "password-of-others",
        "inbound_token": "inbound-token-of-others",
    }
    settings = {"from_number": OURS}
    received_at = datetime(2026, 11, 22, 20, tzinfo=UTC)
    address = ADA
    bad_addresses = ("", "Ada", "+", "Example Ltd")

    signs_body = False
    inbound = {
        "text": replace(asked("kannel_message", "text"), words=("Hello two  spaces",)),
        "utf16": asked("kannel_message_utf16", "text"),
        "recoded": asked("kannel_message_recoded", "text"),
        "binary": asked("kannel_message_binary", "unsupported"),
        "accepted": reported(8, "receipt sent"),
        "delivered": reported(1, "receipt delivered"),
        "failed": reported(2, "receipt failed"),
        "expired": reported(34, "receipt failed"),
    }
    unknown = reported(64, "unreadable")

    accepted = (answer(202, "0: Accepted for delivery"),)
    external_id = REFERENCE
    refusals = {
        "password": Refused(
            answers=(answer(403, "Authorization failed for sendsms"),), error=AuthFailed
        ),
        "listed": Refused(answers=(answer(400, "Number(s) in black-lists"),), error=Permanent),
        "busy": Refused(
            answers=(answer(503, "Temporal failure, try again later."),), error=Transient
        ),
        "proxy": Refused(answers=(answer(429),), error=RateLimited),
    }
    healthy = (answer(400, "Missing receiver"),)

    def sign(self, call, connection):
        # The address for reports is ours, and has our own word in it.
        word = connection.fields.credentials.inbound_token
        token = connection.webhook_secret if "hubbub_ref=" in call.query else word
        return replace(call, url=f"{call.url}&token={quote(token)}")

    def test_a_yes_that_cannot_be_read_is_an_unknown_outcome(self):
        """Kannel refuses in words too, under a status that says yes: it leaves open only these."""
        for body in ("", "<html><body>It works!</body></html>"):
            ran, _ = self.send(answer(202, body))
            assert isinstance(ran.error, OutcomeUnknown)

    def test_what_arrived_is_found(self):
        """Kannel cannot be asked: what the manifest promises holds for other gateways."""
        ran, _ = self._find()
        assert isinstance(ran.error, OutcomeUnknown)

    test_what_did_not_arrive_is_proven_missing = test_what_arrived_is_found

    @contextmanager
    def simulator(self):
        with live() as sandbox:
            user = {name: self.credentials[name] for name in ("username", "password")}
            made = sandbox.app.test_client().post(
                "/_sandbox/gateways", json={**user, "numbers": [OURS]}
            )
            assert made.status_code == 201, made.text
            yield self.connection(api_base=f"{sandbox.url}/gateway")


class TestAndroid(ChannelConformance):
    channel_type = SmsGateway
    credentials = {
        "username": "shop",
        "password": "password-of-the-shop",
        "signing_key": "signing-key-of-the-shop",
    }
    other_credentials = {
        "username": "shop",
        "password": "password-of-others",
        "signing_key": "signing-key-of-others",
    }
    settings = {"preset": "android_smsgate", "api_base": "http://phone.example:8080"}
    received_at = datetime(2026, 11, 22, 20, tzinfo=UTC)
    address = ADA
    bad_addresses = ("", "Ada", "+", "Example Ltd")

    inbound = {
        "text": replace(told("android_received", "text"), words=("Is it ready? 😀",)),
        "sent": replace(
            told("android_delivered", "receipt sent"),
            body=(PAYLOADS / "android_delivered.json").read_bytes().replace(b"delivered", b"sent"),
        ),
        "delivered": told("android_delivered", "receipt delivered"),
        "failed": told("android_failed", "receipt failed"),
        "ping": told("android_ping", "ignored"),
    }
    unknown = replace(
        told("android_ping", "ignored"),
        body=(PAYLOADS / "android_ping.json").read_bytes().replace(b"system:ping", b"sms:pondered"),
    )

    accepted = (answer(202, {"id": "out-1", "state": "Pending"}),)
    external_id = "out-1"
    refusals = {
        "password": Refused(answers=(answer(401, {"message": "Unauthorized"}),), error=AuthFailed),
        "number": Refused(answers=(answer(400, {"message": "Invalid"}),), error=Permanent),
        "fast": Refused(answers=(answer(429, retry_after="9"),), error=RateLimited),
        "down": Refused(answers=(answer(503),), error=Transient),
    }
    healthy = (answer(200, {"status": "pass"}),)

    def sign(self, call, connection):
        key = connection.fields.credentials.signing_key.encode()
        signed = call.body + call.headers["x-timestamp"].encode()
        signature = hmac.new(key, signed, hashlib.sha256).hexdigest()
        return replace(call, headers=Headers({**call.headers, "x-signature": signature}))

    def test_what_did_not_arrive_is_proven_missing(self):
        """The message has our id there: whether it arrived or not, sending again is safe."""
        ran, transport = self._find()
        assert (ran.value, ran.error, transport.requests) == (None, None, [])

    test_what_arrived_is_found = test_what_did_not_arrive_is_proven_missing
    test_no_answer_proves_nothing = test_what_did_not_arrive_is_proven_missing
