"""The form that connects a gateway, and what the channel type declares."""

from typing import get_args

import pytest
from pydantic import ValidationError
from werkzeug.datastructures import MultiDict

import hubbub_sms_gateway
from hubbub.people.errors import Invalid
from hubbub.sdk import BadAddress, ChannelType
from hubbub.ui.channels.form import draft_form, read_form
from hubbub.ui.nodes import fields_of
from hubbub_sms_gateway.fields import Preset
from hubbub_sms_gateway.presets import PRESETS
from tests.plugins.sms_gateway.conftest import NEEDED


@pytest.fixture(scope="module")
def schema(channel):
    return channel.fields.model_json_schema()


def test_the_plugin_offers_the_type():
    (kind,) = hubbub_sms_gateway.register_channel_types()
    assert isinstance(kind, ChannelType)
    assert kind.type == "sms_gateway"


def test_every_preset_can_be_chosen():
    assert set(get_args(Preset)) == set(PRESETS) == set(NEEDED)


def test_a_person_fills_in_little(channel):
    simple = {one.name for one in draft_form(channel, {}).nodes}
    assert {"settings.preset", "settings.api_base", "settings.from_number"} <= simple
    assert not any(name.startswith("settings.send_") for name in simple)


def test_the_gateway_is_chosen_by_its_name_before_all_that_depends_on_it(channel):
    chosen, *others = fields_of(draft_form(channel, {}).nodes)
    assert chosen.name == "settings.preset"
    assert chosen.labels == {name: preset.label for name, preset in PRESETS.items()}
    named = {one.name.rpartition(".")[2]: one for one in others}
    needed = set().union(*(preset.needs for preset in PRESETS.values())) - {"send_url"}
    assert all(named[name].settled for name in needed)


def test_what_is_missing_is_told_in_the_order_of_the_page(channel):
    with pytest.raises(ValidationError) as refused:
        channel.fields.model_validate({"credentials": {}, "settings": {}})
    told = [one.id for one in draft_form(channel, {}, Invalid.because(refused.value)).problems]
    assert told == ["credentials-username", "credentials-password", "settings-from_number"]


def test_what_the_form_gives_is_what_the_fields_take(channel):
    typed = {
        "settings.preset": "kannel",
        "settings.from_number": "+1 500 555 0001",
        "settings.error_map": "400 no credit -> credit\r\n503 -> retry",
        "credentials.username": "u",
        "credentials.password": "p",
    }
    made = channel.fields.model_validate(read_form(channel, MultiDict(typed), {}))
    assert made.settings.from_number == "+15005550001"
    rules = made.settings.gateway.sending.errors[:2]
    assert [(one.word, one.pattern) for one in rules] == [("credit", "no credit"), ("retry", "")]


def test_exactly_the_secrets_are_marked(schema):
    marked = {
        name
        for definition in schema["$defs"].values()
        for name, field in definition["properties"].items()
        if field.get("writeOnly")
    }
    assert marked == {"password", "token", "inbound_token", "signing_key", "status_password"}


def test_no_secret_is_in_a_repr(connect):
    via = connect("kannel", password="CANARY1", inbound_token="CANARY2", status_password="CANARY3")
    assert "CANARY" not in repr(via) + repr(via.fields) + str(via.fields)


@pytest.mark.parametrize(
    ("preset", "rate"),
    [("kannel", 50), ("android_smsgate", 0.25), ("custom", 1)],
)
def test_each_preset_has_its_pace_unless_somebody_says_otherwise(connect, preset, rate):
    assert connect(preset).fields.settings.messages_per_second == rate
    assert connect(preset, messages_per_second=7).fields.settings.messages_per_second == 7


@pytest.mark.parametrize(
    ("preset", "field", "path"),
    [
        ("kannel", "username", "credentials.username"),
        ("kannel", "from_number", "settings.from_number"),
        ("playsms", "token", "credentials.token"),
        ("android_smsgate", "api_base", "settings.api_base"),
        ("textbee", "device_id", "settings.device_id"),
        ("custom", "send_url", "settings.send_url"),
    ],
)
def test_what_a_gateway_needs_is_asked_for_at_its_field(connect, preset, field, path):
    with pytest.raises(ValidationError, match=f"{path}\\n.* needs this"):
        connect(preset, **{field: ""})


@pytest.mark.parametrize(
    ("given", "problem"),
    [
        ({"send_url": "{base}/x"}, "settings.api_base"),
        (
            {"send_url": "https://g.example/?a={nope}"},
            "settings.send_url\\n.*There is no placeholder {nope}",
        ),
        ({"send_url": "https://g.example/?password=x"}, "among the credentials"),
        ({"send_headers": "X-A {text}"}, "settings.send_headers"),
        ({"send_body": "a={text}"}, "Choose the type of the body"),
        ({"send_content_type": "json", "send_body": "a={text}"}, "no JSON document"),
        ({"auth": "header", "token": "t"}, "settings.auth_name"),
        ({"ok_status": "fine"}, "settings.ok_status"),
        ({"ok_body": "("}, "settings.ok_body\\n.*This is no regular expression"),
        ({"id_from": "xml:/a"}, "settings.id_from"),
        ({"id_from": "regex:abc"}, "settings.id_from"),
        ({"error_map": "no credit"}, "settings.error_map"),
        ({"error_map": "400 x -> shrug"}, "There is no 'shrug'"),
        ({"error_map": "400 ( -> retry"}, "regular expression"),
        ({"inbound_map": "words = text"}, "settings.inbound_map"),
        ({"status_map": "state"}, "settings.status_map"),
        ({"inbound_reply": "OK"}, "settings.inbound_reply"),
        ({"inbound_auth": "hmac"}, "credentials.signing_key\\n.*proof of inbound calls"),
        ({"inbound_signed": "{text}"}, "settings.inbound_signed"),
        ({"inbound_auth": "query"}, "credentials.inbound_token"),
        ({"api_base": "gate.example"}, "Give an address such as"),
        ({"api_base": "http://u:p@gate.example"}, "Give an address such as"),
        ({"default_region": "XX"}, "no such country"),
        ({"from_number": "5005550006"}, "country code"),
        ({"max_parts": 0}, "greater than or equal"),
        ({"colour": "red"}, "not permitted"),
    ],
)
def test_what_cannot_work_is_refused(connect, given, problem):
    with pytest.raises(ValidationError, match=problem.replace("{", r"\{")):
        connect("custom", **given)


def test_a_preset_that_nobody_knows_is_refused(channel):
    with pytest.raises(ValidationError, match="preset"):
        channel.fields.model_validate({"credentials": {}, "settings": {"preset": "smpp"}})


@pytest.mark.parametrize(
    ("ok", "status", "accepted"),
    [("200-299", 204, True), ("200, 202", 204, False), ("200, 202", 202, True)],
)
def test_statuses_are_a_range_or_a_list(connect, ok, status, accepted):
    known = connect("custom", ok_status=ok).fields.settings.gateway.sending.ok_status
    assert (status in known) == accepted


def test_a_body_of_ones_own_replaces_both_of_the_preset(connect):
    sending = connect("jasmin", send_body="a={text}").fields.settings.gateway.sending
    assert (sending.body, sending.unicode_body) == ("a={text}", "a={text}")
    both = connect("jasmin", send_body="a={text}", send_body_unicode="b={text_utf16be_hex}")
    assert both.fields.settings.gateway.sending.unicode_body == "b={text_utf16be_hex}"


@pytest.mark.parametrize(
    ("text", "region", "address"),
    [
        ("+1 (500) 555-0006", "", "+15005550006"),
        ("0151 12345678", "DE", "+4915112345678"),
        ("12345", "", "12345"),
    ],
)
def test_one_contact_has_one_spelling(channel, connect, text, region, address):
    assert channel.address(text, connect(default_region=region)) == address


@pytest.mark.parametrize("text", ["", "Acme", "5005550006", "+1"])
def test_what_is_no_number_is_refused(channel, connect, text):
    with pytest.raises(BadAddress, match="country"):
        channel.address(text, connect())


def test_the_sender_is_known_where_it_was_entered(channel, connect):
    assert channel.sender(connect()) == "+15550101"
    assert channel.sender(connect("playsms")) is None


def test_the_icon_is_small(channel):
    assert channel.icon.startswith("<svg")
    assert len(channel.icon.encode()) <= 8192
