"""What docs/bots.md shows is what happens."""

import json
import re
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, cast

import pytest

from hubbub_chatbot.fields import ChatbotFields
from hubbub_chatbot.signature import signed_headers
from hubbub_chatbot.wire import read_actions

DOC = (Path(__file__).parents[3] / "docs" / "bots.md").read_text(encoding="utf-8")
JSONS = [json.loads(block) for block in re.findall(r"```json\n(.*?)```", DOC, re.DOTALL)]
NOW = datetime(2026, 1, 5, 12, tzinfo=UTC)


def shown(name: str) -> dict[str, Any]:
    """Return the first JSON of the page that has ``name`` at its top."""
    return cast("dict[str, Any]", next(block for block in JSONS if name in block))


@pytest.fixture(scope="module")
def is_from_the_hub() -> Callable[..., bool]:
    (code,) = re.findall(r"```python\n(.*?)```", DOC, re.DOTALL)
    names: dict[str, Any] = {}
    exec(code, names)  # our own page
    return cast("Callable[..., bool]", names["is_from_the_hub"])


def structure(value: object) -> object:
    if isinstance(value, dict):
        return {name: structure(one) for name, one in value.items()}
    return type(value) if not isinstance(value, int | float) or isinstance(value, bool) else float


def test_the_settings_are_valid():
    fields = dict(shown("to")["to"])

    assert fields.pop("type") == "chatbot"
    assert ChatbotFields.model_validate(fields).wait_seconds == 60


def test_the_question_has_the_shape_of_the_payload_that_is_tested():
    payload = Path(__file__).parent / "payloads" / "question.json"

    assert structure(shown("message")) == structure(json.loads(payload.read_bytes()))


def test_the_answer_is_understood():
    assert len(read_actions(shown("actions"))) == 4


@pytest.mark.parametrize(
    "secret", ["whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3", "a secret of plain text"]
)
def test_the_example_accepts_what_we_sign_and_nothing_else(is_from_the_hub, secret):
    body = '{"text":"Größe"}'.encode()
    headers = signed_headers("01message", NOW, body, secret)
    now = NOW.timestamp()

    assert is_from_the_hub(headers, body, secret, now)
    assert not is_from_the_hub(headers, body + b" ", secret, now)
    assert not is_from_the_hub(headers, body, secret + "BBBB", now)
    assert not is_from_the_hub({**headers, "webhook-id": "other"}, body, secret, now)
    assert not is_from_the_hub(headers, body, secret, now + 301)
