from datetime import timedelta
from importlib.metadata import EntryPoint
from xml.etree import ElementTree as ET

import pytest

from hubbub import loading
from hubbub.sdk import Limit
from hubbub_telegram.channel import Telegram
from hubbub_telegram.source import TelegramUpdates


@pytest.fixture
def loaded(tmp_path):
    file = tmp_path / "plugins.toml"
    file.write_text("[plugins.telegram]\nenabled = true\n")
    return loading.load(file, [EntryPoint("telegram", "hubbub_telegram", loading.GROUP)])


def test_the_hub_loads_the_type_and_its_source(loaded):
    assert [(status.name, status.state) for status in loaded.statuses] == [("telegram", "loaded")]
    assert isinstance(loaded.channels["telegram"], Telegram)
    assert [type(source) for source in loaded.sources] == [TelegramUpdates]


def test_the_hub_reads_calls_through_its_hooks(loaded, connection, call, payload):
    hooks = loaded.channel("telegram")
    (event,) = hooks.parse(call(payload("updates/message_text")), connection())
    assert event.key == "update:700000001"
    assert hooks.wants_ack(call(payload("updates/callback_query")))
    assert hooks.account(connection()) == "5550900"


@pytest.mark.parametrize("method", ["setup", "teardown", "fetch_media", "acknowledge", "typing"])
def test_the_hub_sees_what_is_offered(loaded, method):
    assert loaded.channel("telegram").offers(method)


def test_no_receipts_are_promised(telegram):
    assert telegram.capabilities.receipts == frozenset()
    assert not telegram.capabilities.finds


def test_the_pace_is_that_of_the_channel_of_a_chat_and_of_a_group(telegram):
    assert telegram.capabilities.limits == (
        Limit(scope="channel", count=25, per=timedelta(seconds=1), burst=5),
        Limit(scope="address", count=1, per=timedelta(seconds=1), burst=3),
        Limit(scope="address", count=20, per=timedelta(minutes=1), burst=3, only="-"),
    )


def test_the_icon_is_a_small_drawing_without_scripts(telegram):
    assert len(telegram.icon.encode()) <= 8192
    drawing = ET.fromstring(telegram.icon)
    assert drawing.get("viewBox") == "0 0 24 24"
    assert {element.tag.rpartition("}")[2] for element in drawing.iter()} == {
        "svg",
        "circle",
        "path",
    }


def test_the_steps_begin_at_botfather(telegram):
    assert telegram.setup_steps[0].link == "https://t.me/BotFather"
    assert all(step.title and step.text.endswith(".") for step in telegram.setup_steps)
