"""The form that connects a sender, and what the channel type declares."""

from importlib.metadata import EntryPoint

import pytest
from pydantic import ValidationError

import hubbub_sms_twilio
from hubbub.loading import GROUP, load
from hubbub.sdk import ChannelType

SERVICE = "MG00000000000000000000000000000007"


@pytest.fixture(scope="module")
def schema(channel):
    return channel.fields.model_json_schema()


def test_the_plugin_offers_the_type():
    (kind,) = hubbub_sms_twilio.register_channel_types()
    assert isinstance(kind, ChannelType)
    assert kind.type == "sms_twilio"


def test_the_hub_loads_it(tmp_path):
    file = tmp_path / "plugins.toml"
    file.write_text("[plugins.sms_twilio]\n")
    point = EntryPoint(name="sms_twilio", value="hubbub_sms_twilio", group=GROUP)
    assert "sms_twilio" in load(file, [point]).channels


def test_the_form_has_the_providers_own_titles(schema):
    properties = (
        schema["$defs"]["Credentials"]["properties"] | (schema["$defs"]["Settings"]["properties"])
    )
    assert {name: properties[name]["title"] for name in TITLES} == TITLES


TITLES = {
    "account_sid": "Account SID",
    "auth_token": "Auth Token",
    "from_number": "Phone number",
    "messaging_service_sid": "Messaging Service SID",
}


def test_exactly_the_secrets_are_marked(schema):
    marked = {
        name
        for definition in schema["$defs"].values()
        for name, field in definition["properties"].items()
        if field.get("writeOnly")
    }
    assert marked == {"auth_token", "auth_token_next", "signing_key"}


def test_no_secret_is_in_a_repr(connect):
    connection = connect(auth_token="CANARY1", auth_token_next="CANARY2", signing_key="CANARY3")
    assert "CANARY" not in repr(connection) + repr(connection.fields) + str(connection.fields)


def test_the_base_defaults_to_twilio(connect):
    assert connect().fields.settings.api_base == "https://api.twilio.com"
    assert connect(from_number="12345", api_base="").fields.settings.api_base == (
        "https://api.twilio.com"
    )


@pytest.mark.parametrize(
    ("given", "problem"),
    [
        ({"smart_encoding": True}, "one has to send"),
        ({"from_number": "5005550006"}, "country code"),
        ({"messaging_service_sid": "AC1"}, "pattern"),
        ({"from_number": "12345", "api_base": "api.twilio.com"}, "Give an address such as"),
        ({"from_number": "12345", "api_base": "http://[x"}, "Give an address such as"),
        ({"from_number": "12345", "api_base": "https://h/?x"}, "Give an address such as"),
        ({"auth_token": ""}, "at least 1"),
        ({"from_number": "12345", "colour": "red"}, "not permitted"),
    ],
)
def test_what_cannot_work_is_refused(connect, given, problem):
    with pytest.raises(ValidationError, match=problem):
        connect(**given)


@pytest.mark.parametrize("sid", ["", "AC1", "SK00000000000000000000000000000009"])
def test_a_sid_of_something_else_is_refused(channel, sid):
    credentials = {"account_sid": sid, "auth_token": "t"}
    settings = {"messaging_service_sid": SERVICE}
    with pytest.raises(ValidationError, match="account_sid"):
        channel.fields.model_validate({"credentials": credentials, "settings": settings})


def test_a_pasted_number_is_tidied(connect):
    assert connect(from_number=" +1 (500) 555-0001 ").fields.settings.from_number == "+15005550001"


def test_the_icon_is_small(channel):
    assert channel.icon.startswith("<svg")
    assert len(channel.icon.encode()) <= 8192
