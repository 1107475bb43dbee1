"""The set-up form, and what the channel type tells of itself."""

from xml.etree import ElementTree as ET

import pytest
from pydantic import ValidationError

from hubbub.sdk import ChannelType
from hubbub_whatsapp_cloud import register_channel_types
from tests.plugins.whatsapp_cloud.conftest import APP_SECRET, NUMBER_ID, TOKEN


def test_the_plugin_offers_one_type():
    (kind,) = register_channel_types()
    assert isinstance(kind, ChannelType)
    assert kind.type == "whatsapp_cloud"


def test_every_field_has_a_title_and_secrets_are_marked(channel):
    defined = channel.fields.model_json_schema()["$defs"]
    fields = {**defined["Credentials"]["properties"], **defined["Settings"]["properties"]}
    assert all(field["title"][0].isupper() for field in fields.values())
    secret = {name for name, field in fields.items() if field.get("writeOnly")}
    assert secret == {"access_token", "app_secret"}


def test_the_contract_s_fields_are_enough(channel):
    fields = channel.fields.model_validate(
        {
            "credentials": {"access_token": TOKEN, "app_secret": APP_SECRET},
            "settings": {"phone_number_id": NUMBER_ID, "business_account_id": "9"},
        }
    )
    assert fields.settings.graph_version == "v25.0"
    assert fields.settings.api_base == "https://graph.facebook.com"
    assert TOKEN not in repr(fields)
    assert APP_SECRET not in repr(fields)


def test_ids_may_be_numbers_and_blanks_are_dropped(connect):
    settings = connect(phone_number_id=100, app_id=" 12345 ", graph_version="").fields.settings
    assert (settings.phone_number_id, settings.app_id) == ("100", "12345")
    assert settings.graph_version == "v25.0"


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("phone_number_id", "+15550100100"),
        ("phone_number_id", ""),
        ("phone_number_id", "900800700600500"),
        ("business_account_id", "my account"),
        ("app_id", "x"),
        ("graph_version", "25"),
        ("graph_version", "v25.0/../../x"),
        ("api_base", "graph.facebook.com"),
        ("api_base", "https://user:word@graph.facebook.com"),
        ("access_token", ""),
        ("access_token", "EAA\nx"),
        ("app_secret", " "),
        ("colour", "green"),
    ],
)
def test_what_cannot_be_right_is_refused(connect, field, value):
    with pytest.raises(ValidationError):
        connect(**{field: value})


def test_the_manifest_says_what_whatsapp_allows(channel):
    can = channel.capabilities.as_json()
    assert (can["window"], can["text_limit"], can["caption_limit"]) == (86400, 4096, 1024)
    assert (can["options"], can["webhook_limit"]) == (10, 3 << 20)
    assert can["verify_token"]
    assert can["registers_webhook"]
    limits = {limit["scope"]: (limit["count"], limit["per"]) for limit in can["limits"]}
    assert limits == {"channel": (80, 1.0), "address": (1, 6.0)}


def test_the_icon_is_a_small_drawing(channel):
    drawing = ET.fromstring(channel.icon)
    assert drawing.get("viewBox") == "0 0 24 24"
    assert len(channel.icon) < 8000


def test_the_steps_name_what_people_see(channel):
    steps = " ".join(step.text for step in channel.setup_steps)
    for word in ("Phone number ID", "App secret", "Callback URL", "Verify token", "messages"):
        assert word in steps
