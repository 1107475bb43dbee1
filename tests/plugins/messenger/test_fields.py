"""The set-up form, and what the channel type tells of itself."""

from xml.etree import ElementTree as ET

import pytest
from pydantic import ValidationError

from hubbub.sdk import ChannelType
from hubbub_messenger import register_channel_types
from tests.plugins.messenger.conftest import APP_ID, APP_SECRET, PAGE_ID, TOKEN


def test_the_plugin_offers_one_type():
    (kind,) = register_channel_types()
    assert isinstance(kind, ChannelType)
    assert kind.type == "messenger"


def test_every_field_has_a_title_and_secrets_are_marked(channel):
    defined = channel.fields.model_json_schema()["$defs"]
    fields = {**defined["Credentials"]["properties"], **defined["Settings"]["properties"]}
    assert all(field["title"][0].isupper() for field in fields.values())
    secret = {name for name, field in fields.items() if field.get("writeOnly")}
    assert secret == {"page_access_token", "app_secret"}


def test_the_contract_s_fields_are_enough(channel):
    fields = channel.fields.model_validate(
        {
            "credentials": {"page_access_token": TOKEN, "app_secret": APP_SECRET},
            "settings": {"page_id": PAGE_ID},
        }
    )
    assert fields.settings.graph_version == "v25.0"
    assert fields.settings.api_base == "https://graph.facebook.com"
    assert not fields.settings.human_agent_enabled
    assert TOKEN not in repr(fields)
    assert APP_SECRET not in repr(fields)


def test_ids_may_be_numbers_and_blanks_are_dropped(connect):
    settings = connect(page_id=300, app_id=" 12345 ", graph_version="").fields.settings
    assert (settings.page_id, settings.app_id) == ("300", "12345")
    assert settings.graph_version == "v25.0"


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("page_id", "my.page"),
        ("page_id", ""),
        ("page_id", APP_ID),
        ("app_id", "x"),
        ("graph_version", "25"),
        ("api_base", "graph.facebook.com"),
        ("page_access_token", ""),
        ("page_access_token", "EAA\nx"),
        ("app_secret", " "),
        ("colour", "green"),
    ],
)
def test_what_cannot_be_right_is_refused(connect, field, value):
    with pytest.raises(ValidationError):
        connect(**{field: value})


def test_the_manifest_says_what_messenger_allows(channel):
    can = channel.capabilities.as_json()
    assert (can["window"], can["text_limit"], can["caption_limit"]) == (86400, 2000, 0)
    assert (can["options"], can["initiates"], can["watermarks"]) == (13, False, True)
    assert can["verify_token"]
    assert can["registers_webhook"]
    assert can["media"]["video"]["max_size"] == 25 << 20


def test_a_page_is_one_account_and_pages_of_an_app_are_a_family(channel, connect):
    one, other, stranger = connect(), connect(page_id="999"), connect(app_secret="another")
    assert channel.account(one) == channel.sender(one) == PAGE_ID
    assert channel.family(one) == channel.family(other) != channel.family(stranger)
    assert APP_SECRET not in channel.family(one)


def test_the_icon_is_a_small_drawing(channel):
    drawing = ET.fromstring(channel.icon)
    assert drawing.get("viewBox") == "0 0 24 24"
    assert len(channel.icon) < 8000


def test_the_steps_name_what_people_see(channel):
    steps = " ".join(step.text for step in channel.setup_steps)
    for word in ("Page ID", "App secret", "Generate token", "Callback URL", "Verify token"):
        assert word in steps
