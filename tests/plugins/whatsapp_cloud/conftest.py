"""A made-up channel, calls signed as Meta signs them, and answers from files."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from hubbub.sdk import Connection, Part, Text
from hubbub_whatsapp_cloud.channel import WhatsAppCloud
from tests.plugins.meta import APP_SECRET, NOON, WEBHOOK, answer, call, connection, hear, signature

__all__ = ["APP_SECRET", "NOON", "WEBHOOK", "answer", "call", "connection", "hear", "signature"]

PAYLOADS = Path(__file__).parent / "payloads"
TOKEN = "EAAFictitiousToken0123456789"
VERIFY_TOKEN = "a-word-that-the-hub-made"
NUMBER_ID = "100200300400500"
ACCOUNT_ID = "900800700600500"
APP_ID = "12345"
GRAPH = "https://graph.facebook.com/v25.0"
ANN = "+15550100199"
ANNS_ID = "US.70000000000000000001"
REFERENCE = "d" * 26


@pytest.fixture(scope="session")
def channel():
    return WhatsAppCloud()


@pytest.fixture(scope="session")
def payload() -> Callable[[str], bytes]:
    return lambda name: (PAYLOADS / name).read_bytes()


@pytest.fixture(scope="session")
def connect() -> Callable[..., Connection[Any]]:
    """Return a maker of connections: credentials and settings by name."""
    credentials = {"access_token": TOKEN, "app_secret": APP_SECRET}
    settings = {
        "phone_number_id": NUMBER_ID,
        "business_account_id": ACCOUNT_ID,
        "app_id": APP_ID,
    }

    def make(*, webhook_url=WEBHOOK, facts=None, **given):
        secret = {name: value for name, value in given.items() if name in credentials}
        open_ = {name: value for name, value in given.items() if name not in credentials}
        fields = WhatsAppCloud.fields.model_validate(
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
def part() -> Callable[..., Part]:
    """Return a maker of parts to one recipient."""
    text = Part(content=Text(text="Ready at 5"), address=ANN, reference=REFERENCE)

    def make(content="Ready at 5", **more):
        if isinstance(content, str):
            content = Text(text=content)
        return replace(text, content=content, **more)

    return make
