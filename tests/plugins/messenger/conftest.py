"""A made-up channel, calls signed as Meta signs them, and answers from files."""

import hashlib
import hmac
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from hubbub.sdk import Connection, Part, Text
from hubbub_messenger.channel import Messenger
from tests.plugins.meta import APP_SECRET, NOON, WEBHOOK, answer, call, connection, hear, signature

__all__ = ["APP_SECRET", "NOON", "WEBHOOK", "answer", "call", "connection", "hear", "signature"]

PAYLOADS = Path(__file__).parent / "payloads"
TOKEN = "EAAFictitiousPageToken0123456789"
VERIFY_TOKEN = "a-word-that-the-hub-made"
PAGE_ID = "300300300300300"
APP_ID = "400400400400"
GRAPH = "https://graph.facebook.com/v25.0"
#: What shows that who has the token has the secret too.
PROOF = hmac.new(APP_SECRET.encode(), TOKEN.encode(), hashlib.sha256).hexdigest()
ANN = "7770001112223334"
REFERENCE = "d" * 26


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
def part() -> Callable[..., Part]:
    """Return a maker of parts to one recipient."""
    text = Part(content=Text(text="Ready at 5"), address=ANN, reference=REFERENCE)

    def make(content="Ready at 5", **more):
        if isinstance(content, str):
            content = Text(text=content)
        return replace(text, content=content, **more)

    return make
