"""The conformance kit, on the WhatsApp Cloud API."""

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
    Transient,
    WindowClosed,
)
from hubbub.testing import ChannelConformance, Recorded, Refused, answer
from hubbub_whatsapp_cloud.channel import WhatsAppCloud
from tests.plugins.meta import shaking_hands

PAYLOADS = Path(__file__).parent / "payloads"


def heard(name, *says, words=()):
    """A call from a file; each has a message of its own."""
    body = (PAYLOADS / f"{name}.json").read_bytes().replace(b"TEST0001", name.encode())
    return Recorded(body=body, headers={"content-type": "application/json"}, says=says, words=words)


def answered(name):
    return answer(int(name.rpartition("_")[2]), (PAYLOADS / f"{name}.json").read_bytes())


def refused(status, code):
    return (answer(status, {"error": {"message": "No.", "code": code}}),)


BROKEN = heard(
    "batch",
    *("text", "unreadable", "text", "receipt delivered", "unreadable"),
    *("ignored", "text", "unreadable", "unreadable", "unreadable"),
)
WHOLE = BROKEN.body
for spoilt in (
    b'{"id":"wamid.BAD","from":["nobody"],"type":"text"},',
    *(b',{"status":"read"}', b'"nobody",', b",42", b',{"field":"messages","value":"nothing"}'),
    b',"no entry"',
):
    assert spoilt in WHOLE
    WHOLE = WHOLE.replace(spoilt, b"")
SENT = answered("sent_200")


class TestWhatsAppCloud(ChannelConformance):
    channel_type = WhatsAppCloud
    credentials = {
        "access_token": "EAAFictitiousToken0123456789",
        "app_secret": "f1c71710f1c71710f1c71710f1c71710",
    }
    other_credentials = {
        "access_token": "EAAAnotherToken0123456789012",
        "app_secret": "0a0b0c0d0a0b0c0d0a0b0c0d0a0b0c0d",
    }
    settings = {
        "phone_number_id": "100200300400500",
        "business_account_id": "900800700600500",
        "app_id": "12345",
    }
    webhook_url = "https://hub.example.com/webhooks/k1"
    address = "+15550100199"
    bad_addresses = ("", "Ann", "+", "12", "US.", "US.7 0")

    inbound = {
        "text": heard("message_text", "text", words=("Is it open today? Café 😀",)),
        "image": heard("message_image", "image", words=("my receipt",)),
        "audio": heard("message_audio", "audio"),
        "voice": heard("message_voice", "voice"),
        "video": heard("message_video", "video"),
        "document": heard("message_document", "document"),
        "sticker": heard("message_sticker", "sticker"),
        "location": heard("message_location", "location"),
        "contacts": heard("message_contacts", "contacts"),
        "reaction": heard("message_reaction", "reaction"),
        "button": heard("message_button_reply", "choice"),
        "flow": heard("message_flow_reply", "form"),
        "order": heard("message_order", "order"),
        "identity": heard("message_changed_identity", "system"),
        "hologram": heard("message_invented", "unsupported"),
        "user id": heard("message_user_id_only", "text"),
        "edit": heard("message_edit", "edit"),
        "revoke": heard("message_revoke", "deletion"),
        "moved": heard("message_changed_number", "address ok", "address ok"),
        "group": heard("message_group", "ignored"),
        "sent": heard("status_sent", "receipt sent"),
        "delivered": heard("status_delivered", "receipt delivered"),
        "read": heard("status_read", "receipt read"),
        "failed": heard("status_failed_131026", "receipt failed"),
        "app": heard("account_echo", "text elsewhere"),
        "quality": heard("account_quality", "ignored"),
        "paused": heard("account_template_paused", "template paused"),
        "category": heard("account_template_category", "template"),
    }
    unknown = heard("account_invented", "ignored")
    batch = replace(
        BROKEN, body=WHOLE, says=("text", "text", "receipt delivered", "ignored", "text")
    )
    broken_batch = BROKEN
    handshake = Recorded(method="GET", query="hub.mode=subscribe&hub.challenge=1158201444", says=())
    handshake_answer = b"1158201444"

    accepted = (SENT,)
    accepted_as = dict.fromkeys(ATTACHMENT_TYPES, (answered("uploaded_200"), SENT))
    external_id = "wamid.OUT0001"
    refusals = {
        "token": Refused(answers=(answered("error_190_401"),), error=AuthFailed),
        "window": Refused(answers=(answered("error_131047_400"),), error=WindowClosed),
        "pair": Refused(answers=refused(400, 131056), error=RateLimited),
        "parameter": Refused(answers=refused(400, 100), error=Permanent),
        "down": Refused(answers=refused(503, 2), error=Transient),
    }
    healthy = (
        answered("number_200"),
        answered("numbers_200"),
        answered("subscribed_200"),
        answered("token_200"),
    )
    registered = (answered("ok_200"), answered("ok_200"), *healthy)
    removed = (answered("ok_200"),)
    seen = typed = (answered("ok_200"),)
    listed = (answered("templates_first_200"), answered("templates_last_200"))
    fetched = (answered("media_200"), answer(200, b"a picture", content_type="image/jpeg"))

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
            known = {**self.settings, **self.credentials}
            made = sandbox.app.test_client().post("/_sandbox/numbers", json=known)
            assert made.status_code == 201, made.text
            connection = self.connection(api_base=f"{sandbox.url}/whatsapp")
            with shaking_hands(self.kind, connection) as reachable:
                yield reachable
