"""A made-up channel, calls signed as Meta signs them, and answers from files."""

import hashlib
import hmac
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from hubbub.sdk import Call, Connection, Headers, HttpRequest, HttpResponse, Part, Text
from hubbub_messenger.channel import Messenger

PAYLOADS = Path(__file__).parent / "payloads"
TOKEN = "EAAFictitiousPageToken0123456789"
APP_SECRET = "f1c71710f1c71710f1c71710f1c71710"
VERIFY_TOKEN = "a-word-that-the-hub-made"
PAGE_ID = "300300300300300"
APP_ID = "400400400400"
WEBHOOK = "https://hub.example.com/webhooks/k1"
GRAPH = "https://graph.facebook.com/v25.0"
#: What shows that who has the token has the secret too.
PROOF = hmac.new(APP_SECRET.encode(), TOKEN.encode(), hashlib.sha256).hexdigest()
ANN = "7770001112223334"
REFERENCE = "d" * 26
NOON = datetime(2026, 11, 1, 12, tzinfo=UTC)


def signature(body, secret=APP_SECRET):
    return "sha256=" + hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()


@pytest.fixture(scope="session")
def channel():
    return Messenger()


@pytest.fixture(scope="session")
def payload() -> Callable[[str], bytes]:
    return lambda name: (PAYLOADS / name).read_bytes()


@pytest.fixture(scope="session")
def connect() -> Callable[..., Connection[Any]]:
    """Return a maker of connections: credentials and settings by name."""
    credentials = {"page_access_token": TOKEN, "app_secret": APP_SECRET}
    settings = {"page_id": PAGE_ID, "app_id": APP_ID}

    def make(*, webhook_url=WEBHOOK, facts=None, **given):
        secret = {name: value for name, value in given.items() if name in credentials}
        open_ = {name: value for name, value in given.items() if name not in credentials}
        fields = Messenger.fields.model_validate(
            {"credentials": credentials | secret, "settings": settings | open_}
        )
        return Connection(
            channel_id="c1",
            name="Front desk",
            fields=fields,
            webhook_url=webhook_url,
            verify_token=VERIFY_TOKEN,
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
        return Call(method=method, url=url, headers=Headers(named), body=body, received_at=NOON)

    return make


@pytest.fixture(scope="session")
def hear(channel, connection, call, payload):
    """Return what a call says: a file's, or the given bytes."""

    def parse(name_or_body, via=connection):
        body = payload(name_or_body) if isinstance(name_or_body, str) else name_or_body
        return list(channel.parse(call(body), via))

    return parse


@pytest.fixture(scope="session")
def answer(payload) -> Callable[..., HttpResponse]:
    """Return a maker of answers: a file, whose name ends in the status, or a status alone."""

    def make(name_or_status, body=b"", **headers):
        named = Headers({name.replace("_", "-"): value for name, value in headers.items()})
        if isinstance(name_or_status, int):
            return HttpResponse(status=name_or_status, headers=named, body=body)
        status = int(name_or_status.removesuffix(".json").rpartition("_")[2])
        return HttpResponse(status=status, headers=named, body=body or payload(name_or_status))

    return make


@pytest.fixture(scope="session")
def drive() -> Callable[..., tuple[list[HttpRequest], Any]]:
    """Return a runner of exchanges: it hands over the answers, and all of them must be asked for."""

    def run(exchange, *answers):
        requests = []
        waiting = list(answers)
        try:
            requests.append(next(exchange))
            while True:
                requests.append(exchange.send(waiting.pop(0)))
        except StopIteration as stop:
            assert not waiting, f"{len(waiting)} answers were not asked for"
            return requests, stop.value

    return run


@pytest.fixture(scope="session")
def part() -> Callable[..., Part]:
    """Return a maker of parts to one recipient."""
    text = Part(content=Text(text="Ready at 5"), address=ANN, reference=REFERENCE)

    def make(content="Ready at 5", **more):
        if isinstance(content, str):
            content = Text(text=content)
        return replace(text, content=content, **more)

    return make
