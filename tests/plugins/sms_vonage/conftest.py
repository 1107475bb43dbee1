"""A made-up channel, calls signed as Vonage signs them, and answers from files."""

import hashlib
import json
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)

from hubbub.sdk import Call, Connection, Headers, HttpResponse, Part, Text
from hubbub_sms_vonage.channel import SmsVonage

PAYLOADS = Path(__file__).parent / "payloads"
KEY = "abcd1234"
API_SECRET = "Fict1tiousApiSecret"
APPLICATION = "22222222-2222-4222-8222-222222222222"
SIGNATURE_SECRET = "Fict1tiousSignatureSecret0123456789abcd"
WEBHOOK = "https://hub.example.com/webhooks/k1"
REFERENCE = "d" * 26
NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)


@pytest.fixture(scope="session")
def key_pair():
    return rsa.generate_private_key(65537, 2048)


@pytest.fixture(scope="session")
def private_pem(key_pair) -> str:
    """The file private.key, as Vonage lets people download it."""
    form = (Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    return str(key_pair.private_bytes(*form).decode())


@pytest.fixture(scope="session")
def public_pem(key_pair) -> str:
    form = (Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    return str(key_pair.public_key().public_bytes(*form).decode())


@pytest.fixture(scope="session")
def channel():
    return SmsVonage()


@pytest.fixture(scope="session")
def payload(public_pem) -> Callable[[str], bytes]:
    """Return a reader of payloads; the applications have the key of this run."""
    escaped = json.dumps(public_pem).strip('"').encode()
    return lambda name: (PAYLOADS / name).read_bytes().replace(b"THE PUBLIC KEY", escaped)


@pytest.fixture(scope="session")
def connect(private_pem) -> Callable[..., Connection[Any]]:
    """Return a maker of connections: credentials and settings by name."""
    known = {
        "api_key": KEY,
        "api_secret": API_SECRET,
        "application_id": APPLICATION,
        "private_key": private_pem,
        "signature_secret": SIGNATURE_SECRET,
    }

    def make(*, webhook_url=WEBHOOK, facts=None, **given):
        settings = {name: value for name, value in given.items() if name not in known}
        credentials = {name: value for name, value in given.items() if name in known}
        fields = SmsVonage.fields.model_validate(
            {
                "credentials": known | credentials,
                "settings": {"from_number": "+447700900000"} | settings,
            }
        )
        return Connection(
            channel_id="c1",
            name="Front desk",
            fields=fields,
            webhook_url=webhook_url,
            facts=facts or {},
        )

    return make


@pytest.fixture(scope="session")
def connection(connect):
    return connect()


@pytest.fixture(scope="session")
def legacy(connect):
    """The SMS API, unsigned as it is unless Vonage's support switched signing on."""
    return connect(mode="sms_legacy", application_id="", private_key="", signature_secret="")


@pytest.fixture(scope="session")
def call() -> Callable[..., Call]:
    """Return a maker of calls with exactly the given headers."""

    def make(body=b"", *, url=WEBHOOK, method="POST", received_at=NOON, **headers):
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return Call(
            method=method, url=url, headers=Headers(named), body=body, received_at=received_at
        )

    return make


@pytest.fixture(scope="session")
def signed(call, payload) -> Callable[..., Call]:
    """Return a maker of calls that PyJWT signs; the body is a file's; claims can be changed."""

    def make(name="", *, body=None, secret=SIGNATURE_SECRET, algorithm="HS256", **claims):
        body = payload(name) if body is None else body
        said = {
            "iat": int(NOON.timestamp()),
            "jti": "11111111-1111-4111-8111-111111111111",
            "iss": "Vonage",
            "payload_hash": hashlib.sha256(body).hexdigest(),
            "api_key": KEY,
            "application_id": APPLICATION,
            **claims,
        }
        kept = {name: value for name, value in said.items() if value is not None}
        token = jwt.encode(kept, secret, algorithm=algorithm)
        return call(body, authorization=f"Bearer {token}", content_type="application/json")

    return make


@pytest.fixture(scope="session")
def answer(payload) -> Callable[..., HttpResponse]:
    """Return a maker of answers: a file, whose name ends in the status, or a status alone."""

    def make(name_or_status, body=b"", **headers):
        named = Headers({name.replace("_", "-"): value for name, value in headers.items()})
        if isinstance(name_or_status, int):
            return HttpResponse(status=name_or_status, headers=named, body=body)
        status = int(name_or_status.removesuffix(".json").rpartition("_")[2])
        return HttpResponse(status=status, headers=named, body=payload(name_or_status))

    return make


@pytest.fixture(scope="session")
def part() -> Callable[..., Part]:
    """Return a maker of parts to one recipient."""
    text = Part(content=Text(text="Ready at 5"), address="+447700900001", reference=REFERENCE)

    def make(content="Ready at 5", **more):
        if isinstance(content, str):
            content = Text(text=content)
        return replace(text, content=content, **more)

    return make
