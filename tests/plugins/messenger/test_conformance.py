"""The conformance kit, on Messenger."""

import hashlib
import hmac
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from hubbub.sandbox import live
from hubbub.sdk import (
    ATTACHMENT_TYPES,
    AuthFailed,
    Headers,
    Permanent,
    RateLimited,
    RecipientGone,
    Transient,
    WindowClosed,
)
from hubbub.testing import ChannelConformance, Recorded, Refused, answer
from hubbub_messenger.channel import Messenger
from tests.plugins.meta import shaking_hands

PAYLOADS = Path(__file__).parent / "payloads"


def heard(name, *says, words=()):
    """A call from a file; each has a message of its own."""
    body = (PAYLOADS / f"{name}.json").read_bytes().replace(b"TEST-IN-0001", name.encode())
    return Recorded(body=body, headers={"content-type": "application/json"}, says=says, words=words)


def answered(name):
    return answer(int(name.rpartition("_")[2]), (PAYLOADS / f"{name}.json").read_bytes())


def refused(status, code, subcode=None):
    return (answer(status, {"error": {"message": "No.", "code": code, "error_subcode": subcode}}),)


BROKEN = heard("batch", "text", "unreadable", "text", "text", "for account")
# In the file Meta repeats itself; the kit wants to hear of different things.
BROKEN = replace(BROKEN, body=b"m_E".join(BROKEN.body.rsplit(b"m_A", 1)))
NAMELESS = b',"message":{"text":"No id"}'
assert NAMELESS in BROKEN.body
WHOLE = BROKEN.body.replace(NAMELESS, b',"message":{"mid":"m_D","text":"Three"}')
SENT = answered("sent_200")


class TestMessenger(ChannelConformance):
    channel_type = Messenger
    credentials = {
        "page_access_token": "EAAFictitiousPageToken0123456789",
        "app_secret": "f1c71710f1c71710f1c71710f1c71710",
    }
    other_credentials = {
        "page_access_token": "EAAAnotherToken0123456789012",
        "app_secret": "0a0b0c0d0a0b0c0d0a0b0c0d0a0b0c0d",
    }
    settings = {"page_id": "300300300300300", "app_id": "400400400400"}
    webhook_url = "https://hub.example.com/webhooks/k1"
    address = "7770001112223334"
    bad_addresses = ("", "Ann", "+15550100199", "m.me/ann")

    inbound = {
        "text": heard("message_text", "text", words=("Is it open today? Café 😀",)),
        "images": heard("message_images", "image", "image"),
        "audio": heard("message_audio", "audio"),
        "video": heard("message_video", "video"),
        "file": heard("message_file", "document"),
        "sticker": heard("message_sticker", "sticker"),
        "location": heard("message_location", "location"),
        "quick reply": heard("message_quick_reply", "choice"),
        "postback": heard("postback", "choice"),
        "referral": heard("referral", "system"),
        "reaction": heard("reaction", "reaction"),
        "hologram": heard("message_invented", "unsupported"),
        "standby": heard("standby_message", "text"),
        "edit": heard("edit", "edit"),
        "deleted": heard("message_deleted", "deletion"),
        "ours": heard("echo_ours", "receipt sent"),
        "others": heard("echo_inbox", "text elsewhere"),
        "control": heard("control_passed", "system elsewhere"),
        "delivery": heard("delivery", "receipt delivered", "receipt delivered"),
        "read": heard("read", "receipt read"),
        "policy": heard("policy", "ignored"),
    }
    unknown = heard("item_invented", "ignored")
    batch = replace(BROKEN, body=WHOLE, says=("text", "text", "text", "text", "for account"))
    broken_batch = BROKEN
    handshake = Recorded(method="GET", query="hub.mode=subscribe&hub.challenge=1158201444", says=())
    handshake_answer = b"1158201444"

    accepted = (SENT,)
    accepted_as = dict.fromkeys(ATTACHMENT_TYPES, (answered("uploaded_200"), SENT))
    external_id = "m_TEST-OUT-1"
    refusals = {
        "token": Refused(answers=(answered("error_190_401"),), error=AuthFailed),
        "window": Refused(answers=(answered("error_window_403"),), error=WindowClosed),
        "gone": Refused(answers=(answered("error_unavailable_400"),), error=RecipientGone),
        "limit": Refused(answers=(answered("error_limit_400"),), error=RateLimited),
        "parameter": Refused(answers=refused(400, 100), error=Permanent),
        "down": Refused(answers=refused(503, 2), error=Transient),
    }
    healthy = (
        answered("me_200"),
        answered("webhooks_200"),
        answered("subscribed_200"),
        answered("token_200"),
    )
    registered = (answer(200, {"data": []}), answered("ok_200"), answered("ok_200"), *healthy)
    seen = typed = (answer(200, {"recipient_id": "7770001112223334"}),)
    removed = (answered("ok_200"), answered("webhooks_200"), answered("ok_200"))
    fetched = (answer(200, b"a picture", content_type="image/jpeg"),)

    def sign(self, call, connection):
        if call.method == "GET":
            return replace(call, url=f"{call.url}&hub.verify_token={connection.verify_token}")
        secret = connection.fields.credentials.app_secret.encode()
        signature = hmac.new(secret, call.body, hashlib.sha256).hexdigest()
        signed = {**call.headers, "x-hub-signature-256": f"sha256={signature}"}
        return replace(call, headers=Headers(signed))

    @contextmanager
    def simulator(self):
        with live() as sandbox:
            steer = sandbox.app.test_client().post
            made = steer("/_sandbox/pages", json={**self.settings, **self.credentials})
            # A Page writes only to people who wrote to it.
            said = {"from": self.address, "text": "Hi"}
            told = steer(f"/_sandbox/messenger/{self.settings['page_id']}/messages", json=said)
            assert {made.status_code, told.status_code} == {201}, made.text + told.text
            connection = self.connection(api_base=f"{sandbox.url}/messenger")
            with shaking_hands(self.kind, connection) as reachable:
                yield reachable
