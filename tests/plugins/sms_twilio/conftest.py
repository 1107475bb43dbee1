"""A made-up channel, calls that Twilio's own library signs, and answers from files."""

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

import pytest
from twilio.request_validator import RequestValidator  # type: ignore[import-untyped]  # it has no types

from hubbub.sdk import Call, Connection, Headers, HttpResponse, Part, Text
from hubbub_sms_twilio.channel import SmsTwilio

PAYLOADS = Path(__file__).parent / "payloads"
SID = "AC00000000000000000000000000000009"
TOKEN = "0123456789abcdef0123456789abcdef"
WEBHOOK = "https://hub.example.com/webhooks/k1"
FORM = "application/x-www-form-urlencoded"


@pytest.fixture(scope="session")
def channel():
    return SmsTwilio()


@pytest.fixture(scope="session")
def payload() -> Callable[[str], bytes]:
    return lambda name: (PAYLOADS / name).read_bytes()


@pytest.fixture(scope="session")
def connect() -> Callable[..., Connection[Any]]:
    """Return a maker of connections: credentials and settings by name."""
    secret = {"auth_token", "auth_token_next", "signing_key"}

    def make(*, webhook_url=WEBHOOK, facts=None, **given):
        settings = {name: value for name, value in given.items() if name not in secret}
        credentials = {name: value for name, value in given.items() if name in secret}
        fields = SmsTwilio.fields.model_validate(
            {
                "credentials": {"account_sid": SID, "auth_token": TOKEN} | credentials,
                "settings": settings or {"from_number": "+15005550001"},
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
def call() -> Callable[..., Call]:
    """Return a maker of calls with exactly the given headers."""

    def make(body=b"", *, url=WEBHOOK, method="POST", **headers):
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return Call(
            method=method,
            url=url,
            headers=Headers({"content-type": FORM, **named}),
            body=body,
            received_at=datetime(2026, 1, 1, 12, tzinfo=UTC),
        )

    return make


@pytest.fixture(scope="session")
def signed(call, payload) -> Callable[..., Call]:
    """Return a maker of calls that Twilio's own library signs; the body is a file's."""

    def make(name="", *, body=None, url=WEBHOOK, token=TOKEN, signed_url=None, **headers):
        body = payload(name) if body is None else body
        form = parse_qs(body.decode("ascii"), keep_blank_values=True)
        parameters = {key: values[0] for key, values in form.items()}
        signature = RequestValidator(token).compute_signature(signed_url or url, parameters)
        return call(body, url=url, x_twilio_signature=signature, **headers)

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

    def make(content="Ready at 5", *, address="+15005550006", **more):
        if isinstance(content, str):
            content = Text(text=content)
        return Part(content=content, address=address, reference="r1", **more)

    return make
