"""What channel types of Meta's are tested with: calls signed as Meta signs them, and answers."""

import hashlib
import hmac
from collections.abc import Callable
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from hubbub.sdk import Call, Challenge, Headers, HttpResponse
from tests.services.peers import Server

APP_SECRET = "f1c71710f1c71710f1c71710f1c71710"
WEBHOOK = "https://hub.example.com/webhooks/k1"
NOON = datetime(2026, 11, 1, 12, tzinfo=UTC)


def signature(body, secret=APP_SECRET):
    return "sha256=" + hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()


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


@contextmanager
def shaking_hands(channel_type, connection):
    """Return ``connection`` with a webhook on this machine, where the type answers handshakes."""

    def listen(peer):
        head, _ = peer.request()
        path = head.split(b" ", 2)[1].decode()
        call = Call(method="GET", url=path, headers=Headers({}), body=b"", received_at=NOON)
        verdict = channel_type.verify(call, connection)
        assert isinstance(verdict, Challenge)
        peer.answer(verdict.answer.body, f"{verdict.answer.status} .")

    server = Server(listen)
    try:
        yield replace(connection, webhook_url=server.url("/webhooks/k1"))
    finally:
        server.close()
