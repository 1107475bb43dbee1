"""The conformance kit, on Twilio, with calls that Twilio's own library signs."""

from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from urllib.parse import parse_qsl

from twilio.request_validator import RequestValidator  # type: ignore[import-untyped]  # it has no types

from hubbub.sandbox import live
from hubbub.sdk import AuthFailed, Headers, Permanent, RateLimited, RecipientGone, Transient
from hubbub.testing import ChannelConformance, Recorded, Refused, answer
from hubbub_sms_twilio.channel import SmsTwilio

PAYLOADS = Path(__file__).parent / "payloads"
SID = "AC00000000000000000000000000000009"
OURS, ADA = "+15005550001", "+15005550006"
FORM = {"content-type": "application/x-www-form-urlencoded"}


def payload(name):
    return (PAYLOADS / name).read_bytes()


def form(name, *says, query="", words=()):
    body = payload(f"{name}.form")
    return Recorded(body=body, headers=FORM, query=query, says=says, words=words)


def answered(name):
    status = int(name.rpartition("_")[2])
    return answer(status, payload(f"{name}.json"))


def listed(*words):
    """Twilio's list of what was sent to Ada: a message for each of ``words``."""
    messages = [
        {
            "sid": f"SM{number}",
            "direction": "outbound-api",
            "from": OURS,
            "to": ADA,
            "body": body,
            "num_media": "0",
            "status": "delivered",
        }
        for number, body in enumerate(words)
    ]
    return (answer(200, {"messages": messages}),)


class TestSmsTwilio(ChannelConformance):
    channel_type = SmsTwilio
    credentials = {"account_sid": SID, "auth_token": "0123456789abcdef0123456789abcdef"}
    other_credentials = {"account_sid": SID, "auth_token": "fedcba9876543210fedcba9876543210"}
    settings = {"from_number": OURS}
    webhook_url = "https://hub.example.com/webhooks/k1"
    address = ADA
    bad_addresses = ("", "Ada", "Example Ltd", "+", "12")

    inbound = {
        "text": form("message_text", "text", words=("Is it ready?",)),
        "picture": form("message_mms", "image"),
        "files": replace(
            form("message_mms_five", "image", "video", "document", "audio", "document"),
            body=payload("message_mms_five.form").replace(
                b"MM" + b"0" * 31 + b"2", b"MM" + b"1" * 32
            ),
            words=("Look 😀",),
        ),
        "location": form("message_location", "location"),
        "stop": form("message_stop", "text"),
        "sent": form("status_sent", "receipt sent", query="d=01jz0000000000000000000001"),
        "delivered": form("status_delivered", "receipt delivered"),
        "unreachable": form("status_undelivered_30003", "receipt failed"),
        "gone": form("status_undelivered_30005", "receipt failed"),
        "queued": form("status_queued", "ignored"),
    }
    unknown = form("status_unknown", "unreadable")

    accepted = (answered("created_201"),)
    external_id = "SM00000000000000000000000000000003"
    refusals = {
        "token": Refused(answers=(answered("refused_20003_401"),), error=AuthFailed),
        "limit": Refused(answers=(answered("refused_20429_429"),), error=RateLimited),
        "stopped": Refused(answers=(answered("refused_21610_400"),), error=RecipientGone),
        "unnamed": Refused(answers=(answer(400, {"message": "No."}),), error=Permanent),
        "down": Refused(answers=(answer(503),), error=Transient),
    }

    healthy = (answered("account_200"), answered("numbers_200"))
    registered = (*healthy, answered("numbers_200"))
    removed = (answered("numbers_200"),)
    fetched = (answer(200, b"a picture", content_type="image/jpeg"),)
    found = listed("Another", "Zebra42 is ready")
    not_found = listed("Another")

    def sign(self, call, connection):
        token = connection.fields.credentials.auth_token
        said = dict(parse_qsl(call.body.decode(), keep_blank_values=True))
        signature = RequestValidator(token).compute_signature(call.url, said)
        return replace(call, headers=Headers({**call.headers, "X-Twilio-Signature": signature}))

    @contextmanager
    def simulator(self):
        with live() as sandbox:
            account = {"sid": SID, "auth_token": self.credentials["auth_token"]}
            told = sandbox.app.test_client().post(
                "/_sandbox/accounts", json={**account, "numbers": [OURS]}
            )
            assert told.status_code == 201, told.text
            yield self.connection(api_base=f"{sandbox.url}/twilio")
