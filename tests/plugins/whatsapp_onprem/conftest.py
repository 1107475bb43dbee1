"""A made-up channel, the calls of a client, and answers from files."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from hubbub.sdk import Call, Connection, Headers, HttpResponse, Part, Text
from hubbub_whatsapp_onprem.channel import WhatsAppOnPremise

PAYLOADS = Path(__file__).parent / "payloads"
USERNAME = "hub-user"
PASSWORD = "Fict1tious-Passw0rd"
TOKEN = "eyJ.fictitious.token"
RENEWED = "eyJ.fictitious.renewed"
BASE = "https://wa.example.org:9090"
WEBHOOK = "https://hub.example.com/webhooks/abcdefghijklmnopqrst"
NAMESPACE = "aaaa_bbbb"
ANN = "+15550100199"
NOON = datetime(2026, 11, 1, 12, tzinfo=UTC)


@pytest.fixture(scope="session")
def channel():
    return WhatsAppOnPremise()


@pytest.fixture(scope="session")
def connect() -> Callable[..., Connection[Any]]:
    """Return a maker of connections: credentials and settings by name."""
    credentials = {"username": USERNAME, "password": PASSWORD, "api_token": ""}
    settings = {"api_base": BASE, "namespace": NAMESPACE}

    def make(*, tokens=None, facts=None, **given):
        secret = {name: value for name, value in given.items() if name in credentials}
        open_ = {name: value for name, value in given.items() if name not in credentials}
        fields = WhatsAppOnPremise.fields.model_validate(
            {"credentials": credentials | secret, "settings": settings | open_}
        )
        return Connection(
            channel_id="c1",
            name="Front desk",
            fields=fields,
            webhook_url=WEBHOOK,
            facts=facts or {},
            tokens={"login": TOKEN} if tokens is None else tokens,
        )

    return make


@pytest.fixture(scope="session")
def connection(connect):
    """Return a channel that is logged in."""
    return connect()


@pytest.fixture(scope="session")
def hear(channel, connection):
    """Return what a call says: a file's, or the given bytes."""

    def parse(name_or_body):
        body = name_or_body
        if isinstance(name_or_body, str):
            body = (PAYLOADS / f"{name_or_body}.json").read_bytes()
        call = Call(method="POST", url=WEBHOOK, headers=Headers(), body=body, received_at=NOON)
        return list(channel.parse(call, connection))

    return parse


@pytest.fixture(scope="session")
def answer() -> Callable[..., HttpResponse]:
    """Return a maker of answers: a file, whose name ends in the status, or a status alone."""

    def make(name_or_status, body=b"", **headers):
        named = Headers({name.replace("_", "-"): value for name, value in headers.items()})
        if isinstance(name_or_status, int):
            return HttpResponse(status=name_or_status, headers=named, body=body)
        status = int(name_or_status.rpartition("_")[2])
        said = (PAYLOADS / f"{name_or_status}.json").read_bytes()
        return HttpResponse(status=status, headers=named, body=said)

    return make


@pytest.fixture(scope="session")
def drive(answer):
    """Return a runner of exchanges: it hands over the answers, and all must be asked for."""

    def run(exchange, *answers):
        requests = []
        waiting = [one if isinstance(one, HttpResponse) else answer(one) for one in answers]
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
    text = Part(content=Text(text="Ready at 5"), address=ANN, reference="d" * 26)

    def make(content="Ready at 5", **more):
        if isinstance(content, str):
            content = Text(text=content)
        return replace(text, content=content, **more)

    return make
