"""Made-up channels, calls, and answers."""

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from hubbub.sdk import Call, Connection, Headers, HttpResponse, Part, Text
from hubbub_sms_gateway.channel import SmsGateway
from tests.services.kannel import kannel

__all__ = ["kannel"]

PAYLOADS = Path(__file__).parent / "payloads"
WEBHOOK = "https://hub.example.com/webhooks/k1"
#: The hub's own word in the addresses that it gives out.
OWN = "OWN-word-of-the-hub"
NOW = datetime(2026, 11, 22, 20, 0, tzinfo=UTC)
SECRETS = {"username", "password", "token", "inbound_token", "signing_key", "status_password"}
#: What each gateway cannot do without.
NEEDED: dict[str, dict[str, str]] = {
    "kannel": {"username": "u", "password": "pw-canary", "from_number": "+15550101"},
    "kannel_query": {"username": "u", "password": "pw-canary", "from_number": "+15550101"},
    "jasmin": {"username": "u", "password": "pw-canary", "from_number": "Acme"},
    "playsms": {"username": "u", "token": "tok-canary"},
    "android_smsgate": {
        "username": "u",
        "password": "pw-canary",
        "api_base": "http://phone.example:8080",
    },
    "httpsms": {"token": "tok-canary", "from_number": "+447700900999"},
    "textbee": {"token": "tok-canary", "device_id": "dev/1"},
    "custom": {"send_url": "https://gate.example/send?to={to}&text={text}"},
}


@pytest.fixture(scope="session")
def channel():
    return SmsGateway()


@pytest.fixture(scope="session")
def payload() -> Callable[[str], bytes]:
    return lambda name: (PAYLOADS / name).read_bytes()


@pytest.fixture(scope="session")
def connect() -> Callable[..., Connection[Any]]:
    """Return a maker of connections: a preset, and credentials and settings by name."""

    def make(preset="kannel", *, webhook_url=WEBHOOK, facts=None, **given):
        named = {**NEEDED[preset], **given}
        fields = SmsGateway.fields.model_validate(
            {
                "credentials": {name: one for name, one in named.items() if name in SECRETS},
                "settings": {
                    "preset": preset,
                    **{name: one for name, one in named.items() if name not in SECRETS},
                },
            }
        )
        return Connection(
            channel_id="c1",
            name="Front desk",
            fields=fields,
            webhook_url=webhook_url,
            webhook_secret=OWN,
            facts=facts or {},
        )

    return make


@pytest.fixture(scope="session")
def call(payload) -> Callable[..., Call]:
    """Return a maker of calls: a file of ``payloads``, or a query and a body."""

    def make(name="", *, query="", body=b"", method=None, content_type="", **headers):
        if name.endswith(".query"):
            query = payload(name).decode()
        elif name:
            body = payload(name)
            content_type = content_type or _CONTENT_TYPES[name.rpartition(".")[2]]
        named = {key.replace("_", "-"): value for key, value in headers.items()}
        return Call(
            method=method or ("POST" if body else "GET"),
            url=WEBHOOK + (f"?{query}" if query else ""),
            headers=Headers({**({"content-type": content_type} if content_type else {}), **named}),
            body=body,
            received_at=NOW,
        )

    return make


_CONTENT_TYPES = {"json": "application/json", "form": "application/x-www-form-urlencoded"}


@pytest.fixture(scope="session")
def answer() -> Callable[..., HttpResponse]:
    """Return a maker of answers."""

    def make(status=200, body="", **headers):
        named = Headers({name.replace("_", "-"): value for name, value in headers.items()})
        data = body if isinstance(body, bytes) else body.encode()
        return HttpResponse(status=status, headers=named, body=data)

    return make


@pytest.fixture(scope="session")
def part() -> Callable[..., Part]:
    """Return a maker of parts to one recipient."""

    def make(content="Ready at 5", *, address="+15005550006", **more):
        if isinstance(content, str):
            content = Text(text=content)
        return Part(content=content, address=address, reference="r1", **more)

    return make
