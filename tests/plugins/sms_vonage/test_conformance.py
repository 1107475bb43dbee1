"""The conformance kit, on both of Vonage's APIs; PyJWT and Vonage's own library sign the calls."""

import hashlib
import json
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import jwt
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)
from vonage_http_client import Auth

from hubbub.sandbox import live
from hubbub.sdk import AuthFailed, Headers, Permanent, RateLimited, RecipientGone, Transient
from hubbub.testing import ChannelConformance, Recorded, Refused, answer
from hubbub_sms_vonage.channel import SmsVonage

PAYLOADS = Path(__file__).parent / "payloads"
KEY = "abcd1234"
APPLICATION = "22222222-2222-4222-8222-222222222222"
OURS, ADA = "+447700900000", "+447700900001"

_PAIR = rsa.generate_private_key(65537, 2048)
PRIVATE = _PAIR.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
PUBLIC = _PAIR.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()


def payload(name):
    escaped = json.dumps(PUBLIC).strip('"').encode()
    return (PAYLOADS / f"{name}.json").read_bytes().replace(b"THE PUBLIC KEY", escaped)


def heard(name, *says, words=()):
    headers = {"content-type": "application/json"}
    return Recorded(body=payload(name), headers=headers, says=says, words=words)


def answered(name):
    return answer(int(name.rpartition("_")[2]), payload(name))


class Vonage(ChannelConformance):
    """What both APIs have in common."""

    credentials = {
        "api_key": KEY,
        "api_secret": "Fict1tiousApiSecret",
        "application_id": APPLICATION,
        "private_key": PRIVATE,
        "signature_secret": "Fict1tiousSignatureSecret0123456789abcd",
    }
    other_credentials = {
        "api_key": KEY,
        "api_secret": "An0therApiSecret",
        "application_id": APPLICATION,
        "signature_secret": "An0therSignatureSecret0123456789abcdefg",
    }
    settings = {"from_number": OURS}
    webhook_url = "https://hub.example.com/webhooks/k1"
    address = ADA
    bad_addresses = ("", "Ada", "Example Ltd", "+", "12", "60607")


class TestMessagesApi(Vonage):
    channel_type = SmsVonage
    inbound = {
        "text": heard("message_text", "text", words=("Is it ready?",)),
        "picture": heard("message_mms_image", "image", words=("Look",)),
        "files": heard("message_mms_several", "image", "audio", "document", "document"),
        "stop": heard("message_stop", "text"),
        "name": heard("message_name", "text", "address blocked"),
        "submitted": heard("status_submitted", "receipt sent"),
        "delivered": heard("status_delivered", "receipt delivered"),
        "video": Recorded(
            body=payload("message_mms_image")
            .replace(b'"image"', b'"video"')
            .replace(b"0005", b"0009"),
            says=("video",),
        ),
        "hologram": Recorded(
            body=payload("message_text")
            .replace(b'"text":"Is it ready?"', b'"message_type":"hologram"')
            .replace(b"-000000000001", b"-000000000010"),
            says=("unsupported",),
        ),
        "rejected": heard("status_rejected_1240", "receipt failed"),
        "elsewhere": heard("message_whatsapp", "ignored"),
    }
    unknown = Recorded(
        body=payload("status_delivered").replace(b'"delivered"', b'"pondered"'),
        says=("unreadable",),
    )

    accepted = (answered("sent_202"),)
    external_id = "00000000-0000-4000-8000-000000000002"
    refusals = {
        "secret": Refused(answers=(answered("refused_401"),), error=AuthFailed),
        "sender": Refused(answers=(answered("refused_1420_422"),), error=Permanent),
        "fast": Refused(answers=(answered("refused_429"),), error=RateLimited),
        "down": Refused(answers=(answer(503),), error=Transient),
    }
    healthy = (answered("balance_200"), answered("application_200"), answered("numbers_200"))
    registered = (
        answered("balance_200"),
        answered("application_bare_200"),
        answered("application_200"),
        answered("numbers_200"),
    )
    removed = (answered("application_200"), answered("application_bare_200"))
    fetched = (answer(200, b"a picture", content_type="image/jpeg"),)

    passing_headers = frozenset({"authorization"})

    def sign(self, call, connection):
        claims = {
            "iat": int(call.received_at.timestamp()),
            "jti": "11111111-1111-4111-8111-111111111111",
            "iss": "Vonage",
            "payload_hash": hashlib.sha256(call.body).hexdigest(),
            "api_key": KEY,
            "application_id": APPLICATION,
        }
        token = jwt.encode(claims, connection.fields.credentials.signature_secret)
        return replace(call, headers=Headers({**call.headers, "authorization": f"Bearer {token}"}))

    @contextmanager
    def simulator(self):
        with live() as sandbox:
            given = {name: self.credentials[name] for name in ("api_key", "api_secret")}
            application = {
                **given,
                "application_id": APPLICATION,
                "signature_secret": self.credentials["signature_secret"],
                "public_key": PUBLIC,
                "numbers": [OURS.removeprefix("+")],
            }
            told = sandbox.app.test_client().post("/_sandbox/applications", json=application)
            assert told.status_code == 201, told.text
            yield self.connection(api_base=f"{sandbox.url}/vonage")


OUR_NUMBER = answer(
    200,
    {
        "numbers": [
            {
                "country": "GB",
                "msisdn": "447700900000",
                "features": ["SMS"],
                "moHttpUrl": Vonage.webhook_url,
            }
        ]
    },
)
DONE = answer(200, {"error-code": "200", "error-code-label": "success"})


class SmsApi(SmsVonage):
    """What the older API carries of it: texts."""

    capabilities = replace(
        SmsVonage.capabilities,
        inbound=frozenset({"text", "unsupported"}),
        outbound=frozenset({"text"}),
        media={},
    )


class TestSmsApi(Vonage):
    channel_type = SmsApi
    settings = {"from_number": OURS, "mode": "sms_legacy", "signature_method": "sha256"}
    inbound = {
        "text": heard("legacy_message_text", "text", words=("Is it ready?",)),
        "part": heard("legacy_message_part_1", "text"),
        "binary": heard("legacy_message_binary", "unsupported"),
        "buffered": heard("legacy_receipt_buffered", "receipt sent"),
        "delivered": heard("legacy_receipt_delivered", "receipt delivered"),
        "rejected": heard("legacy_receipt_rejected_9", "receipt failed"),
        "lost": heard("legacy_receipt_unknown", "ignored"),
    }
    unknown = Recorded(
        body=payload("legacy_receipt_delivered").replace(b'"delivered"', b'"pondered"'),
        says=("unreadable",),
    )

    accepted = (answered("legacy_sent_200"),)
    external_id = "0A0000001234567B"
    refusals = {
        "secret": Refused(
            answers=(answer(200, {"messages": [{"status": "4", "error-text": "Bad"}]}),),
            error=AuthFailed,
        ),
        "fast": Refused(answers=(answer(200, {"messages": [{"status": "1"}]}),), error=RateLimited),
        "down": Refused(answers=(answer(200, {"messages": [{"status": "5"}]}),), error=Transient),
        "empty": Refused(answers=(answer(200, {"messages": [{"status": "2"}]}),), error=Permanent),
        "barred": Refused(
            answers=(answer(200, {"messages": [{"status": "7"}]}),), error=RecipientGone
        ),
    }
    healthy = (answered("balance_200"), OUR_NUMBER)
    registered = (answered("balance_200"), answered("numbers_unlinked_200"), DONE, OUR_NUMBER)
    removed = (OUR_NUMBER, DONE)

    def sign(self, call, connection):
        said = {**json.loads(call.body), "timestamp": f"{call.received_at.timestamp():.0f}"}
        secret = connection.fields.credentials.signature_secret
        theirs = Auth(api_key=KEY, signature_secret=secret, signature_method="sha256")
        said["sig"] = theirs.sign_params(said)
        return replace(call, body=json.dumps(said).encode())
