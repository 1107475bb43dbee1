"""Everything the hub relies on, checked by its conformance kit.

The calls are written after LINE's OpenAPI description, with made-up ids.
"""

import base64
import hashlib
import hmac
import json
from dataclasses import replace
from datetime import timedelta
from typing import Any

from hubbub_line.channel import SIGNATURE, Line

from hubbub.sdk import AuthFailed, Call, Connection, Headers, Permanent, RateLimited, Transient
from hubbub.testing import ChannelConformance, Recorded, Refused, answer

ADA = "U" + "a" * 32
GROUP = "C" + "c" * 32
SENT = {"sentMessages": [{"id": "461230966842064897", "quoteToken": "IStG5h1Tz7b"}]}


def event(number: int, kind: str, **more: Any) -> dict[str, Any]:
    return {
        "type": kind,
        "mode": "active",
        "timestamp": 1767268800000 + number,
        "source": {"type": "user", "userId": ADA},
        "webhookEventId": f"01KDW{number:021}",
        "deliveryContext": {"isRedelivery": False},
        **more,
    }


def message(number: int, kind: str, **more: Any) -> dict[str, Any]:
    said = {"id": f"{468789577898262500 + number}", "type": kind, "quoteToken": "q3Plx", **more}
    return event(number, "message", replyToken="nHuyWiB7yP5Zw52FIkcQobQuGDXCTA", message=said)


def call(*events: dict[str, Any], says: tuple[str, ...], words: tuple[str, ...] = ()) -> Recorded:
    body = json.dumps({"destination": "U" + "b" * 32, "events": events}).encode()
    headers = {"content-type": "application/json"}
    # LINE tells events apart by their own id, whatever they speak of.
    id_ = events[0]["webhookEventId"] if events else ""
    return Recorded(body=body, headers=headers, says=says, words=words, id=id_)


ONE = message(1, "text", text="Is it ready? 🍎")
TWO = event(2, "unfollow")
IN_GROUP = {"source": {"type": "group", "groupId": GROUP, "userId": ADA}}
HERE = {"title": "Cafe", "address": "Main St 1", "latitude": 35.65910807942, "longitude": 139.703}


class TestLine(ChannelConformance):
    channel_type = Line
    credentials = {"channel_secret": "0c" * 16, "channel_access_token": "token-of-our-shop" * 8}
    other_credentials = {"channel_secret": "0d" * 16, "channel_access_token": "another-token" * 8}
    facts = {"basic_id": "@216ru"}
    # By the retry key.
    idempotent = True
    address = ADA
    bad_addresses = ("", "ada", "@216ru", "U123", "X" + "a" * 32)

    inbound = {
        "text": call(ONE, says=("text",), words=("Is it ready? 🍎",)),
        "in a group": call(message(3, "text", text="Hi") | IN_GROUP, says=("text",)),
        "image": call(message(4, "image"), says=("image",)),
        "video": call(message(5, "video"), says=("video",)),
        "audio": call(message(6, "audio"), says=("audio",)),
        "file": call(message(7, "file", fileName="bill.pdf", fileSize=9), says=("document",)),
        "location": call(message(8, "location", **HERE), says=("location",)),
        "sticker": call(message(9, "sticker", packageId="1"), says=("unsupported",)),
        "unsend": call(event(10, "unsend", unsend={"messageId": "4687"}), says=("deletion",)),
        "follow": call(event(11, "follow"), says=("address ok",)),
        "unfollow": call(TWO, says=("address blocked",)),
        "tried": call(says=()),
    }
    unknown = call(event(12, "levitation"), says=("ignored",))
    batch = call(ONE, TWO, message(13, "text", text="3"), says=("text", "address blocked", "text"))
    broken_batch = call(
        ONE, {"type": 7}, message(13, "text", text="3"), says=("text", "unreadable", "text")
    )

    accepted = (answer(200, SENT),)
    external_id = "461230966842064897"
    refusals = {
        "token": Refused(answers=(answer(401, {"message": "Invalid."}),), error=AuthFailed),
        "unknown": Refused(answers=(answer(400, {"message": "Not found."}),), error=Permanent),
        "fast": Refused(
            answers=(answer(429, {"message": "Too fast."}),),
            error=RateLimited,
            wait=timedelta(minutes=1),
        ),
        "down": Refused(answers=(answer(500),), error=Transient),
    }
    healthy = (
        answer(200, {"displayName": "Our shop", "basicId": "@216ru"}),
        answer(200, {"endpoint": ChannelConformance.webhook_url, "active": True}),
    )
    registered = (answer(200), *healthy)
    fetched = (answer(200, b"a picture", content_type="image/jpeg"),)

    def sign(self, call: Call, connection: Connection[Any]) -> Call:
        secret = connection.fields.credentials.channel_secret.get_secret_value()
        digest = hmac.new(secret.encode(), call.body, hashlib.sha256).digest()
        signed = {**call.headers, SIGNATURE: base64.b64encode(digest).decode()}
        return replace(call, headers=Headers(signed))

    def test_what_was_taken_before_under_the_same_key_is_accepted(self) -> None:
        ran, transport = self.send(answer(409, SENT))
        assert ran.value is not None
        assert ran.value.external_id == self.external_id
        keys = {
            self.send(*self.accepted)[1].requests[0].headers["x-line-retry-key"],
            *(request.headers["x-line-retry-key"] for request in transport.requests),
        }
        assert len(keys) == 1
