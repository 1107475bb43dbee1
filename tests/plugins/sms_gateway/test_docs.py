"""The page for operators says what the code does, and what was tried."""

import re
from pathlib import Path

import pytest

from hubbub_sms_gateway import template
from hubbub_sms_gateway.fields import Settings
from hubbub_sms_gateway.meanings import ACCEPTED, MEANINGS
from hubbub_sms_gateway.presets import PRESETS
from tests.services import kannel as tried

PAGE = (Path(__file__).parents[3] / "docs/channels/sms_gateway.md").read_text()


def test_every_preset_is_there_with_its_address():
    rows = dict(re.findall(r"^\| `(\w+)` \| (.*) \|$", PAGE, re.MULTILINE))
    assert PRESETS.keys() <= rows.keys()
    for name, gateway in PRESETS.items():
        assert gateway.base in rows[name] or "the same" in rows[name]


@pytest.mark.parametrize(
    "words",
    [
        [f"{{{name}}}" for name in (*template.PLACEHOLDERS, *template.SECRETS)],
        [*MEANINGS, ACCEPTED],
        {meaning.code for meaning in MEANINGS.values()} - {"rejected"},
        [name for name in Settings.model_fields if name.startswith(("send_", "inbound_", "ok_"))],
    ],
)
def test_every_word_is_explained(words):
    assert [word for word in words if f"`{word}`" not in PAGE] == []


def test_the_configuration_of_kannel_is_the_one_that_the_tests_run():
    (shown,) = re.findall(r"^```\n(group = core\n.*?)^```", PAGE, re.MULTILINE | re.DOTALL)
    whole = tried._CONFIGURATION.replace("{smsc}\n", tried._FAKE)
    assert [_named(line) for line in _lines(shown)] == [_named(line) for line in _lines(whole)]
    assert tried.INBOUND in shown


def _lines(configuration):
    return [line for line in configuration.splitlines() if line]


def _named(line):
    """Return a line without what is each host's own."""
    name, _, value = line.partition(" = ")
    own = {
        "get-url",
        "username",
        "password",
        "status-password",
        "store-location",
        "http-queue-delay",
    }
    return name if name in own or name.endswith(("port", "-log", "log-file")) else (name, value)
