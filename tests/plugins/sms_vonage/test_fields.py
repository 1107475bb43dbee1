"""The form that connects a sender, and what the channel type declares."""

from importlib.metadata import entry_points

import pytest
from cryptography.hazmat.primitives.asymmetric import ed25519
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
)
from pydantic import ValidationError

from hubbub.loading import GROUP, load
from hubbub_sms_vonage import keys

#: Titles as the dashboard has them.
TITLES = {
    "api_key": "API key",
    "api_secret": "API secret",
    "application_id": "Application ID",
    "private_key": "Private key",
    "signature_secret": "Signature secret",
    "signature_method": "Signature method",
}


@pytest.fixture(scope="module")
def schema(channel):
    return channel.fields.model_json_schema()


def test_the_hub_loads_it_by_its_entry_point(tmp_path):
    file = tmp_path / "plugins.toml"
    file.write_text("[plugins.sms_vonage]\n")
    (point,) = entry_points(group=GROUP, name="sms_vonage")
    assert "sms_vonage" in load(file, [point]).channels


def test_the_form_has_the_providers_own_titles(schema):
    definitions = schema["$defs"]
    properties = definitions["Credentials"]["properties"] | definitions["Settings"]["properties"]
    assert {name: properties[name]["title"] for name in TITLES} == TITLES


def test_exactly_the_secrets_are_marked(schema):
    marked = {
        name
        for definition in schema["$defs"].values()
        for name, field in definition["properties"].items()
        if field.get("writeOnly")
    }
    assert marked == {"api_secret", "private_key", "signature_secret"}


def test_no_secret_is_in_a_repr(connect, private_pem):
    connection = connect(api_secret="CANARY1", signature_secret="CANARY2")
    shown = repr(connection) + repr(connection.fields) + str(connection.fields)
    assert "CANARY" not in shown
    assert private_pem.splitlines()[1] not in shown


@pytest.mark.parametrize(
    ("given", "problem"),
    [
        ({"from_number": ""}, "country code"),
        ({"from_number": "TwelveLetters"}, "1 to 11 letters"),
        ({"from_number": "Café"}, "1 to 11 letters"),
        ({"api_base": "api.nexmo.com"}, "Give an address such as"),
        ({"api_base": "http://[x"}, "Give an address such as"),
        ({"rest_base": "https://h/?x"}, "Give an address such as"),
        ({"api_secret": ""}, "at least 1"),
        ({"application_id": "../../v1"}, "pattern"),
        ({"private_key": "secret"}, "BEGIN PRIVATE KEY"),
        (
            {"private_key": "-----BEGIN PRIVATE KEY-----AA-----END PRIVATE KEY-----"},
            "no private key",
        ),
        ({"mode": "smpp"}, "messages"),
        ({"colour": "red"}, "not permitted"),
    ],
)
def test_what_cannot_work_is_refused(connect, given, problem):
    with pytest.raises(ValidationError, match=problem):
        connect(**given)


def test_what_the_messages_api_lacks_is_named_field_by_field(connect):
    with pytest.raises(ValidationError) as caught:
        connect(application_id="", signature_secret="")
    assert {item["loc"]: item["msg"] for item in caught.value.errors()} == {
        ("credentials", "application_id"): "The Messages API needs this.",
        ("credentials", "signature_secret"): "The Messages API needs this.",
    }


def test_the_sms_api_needs_neither_application_nor_signature(legacy):
    assert legacy.fields.legacy


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("447700900000", "+447700900000"),
        ("+44 (7700) 900-000", "+447700900000"),
        ("Acme Shop", "AcmeShop"),
        ("12345", "12345"),
    ],
)
def test_a_sender_is_tidied(channel, connect, given, kept):
    assert channel.sender(connect(from_number=given)) == kept


def test_empty_addresses_become_the_usual_ones(connect):
    settings = connect(api_base="", rest_base="").fields.settings
    assert (settings.api_base, settings.rest_url) == (
        "https://api.nexmo.com",
        "https://rest.nexmo.com",
    )


def test_the_icon_is_small(channel):
    assert channel.icon.startswith("<svg")
    assert len(channel.icon.encode()) <= 8192


# --- keys ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "pasted",
    [
        lambda pem: pem.replace("\n", ""),
        lambda pem: pem.replace("\n", " "),
        lambda pem: pem.replace("\n", "\\n"),
        lambda pem: pem.replace("\n", "\r\n"),
        lambda pem: f"Key:\n  {pem}\n",
    ],
)
def test_a_key_is_read_however_it_was_pasted(private_pem, pasted):
    assert keys.tidy(pasted(private_pem)) == private_pem


def test_the_older_form_of_a_key_is_taken_too(key_pair, public_pem):
    form = (Encoding.PEM, PrivateFormat.TraditionalOpenSSL, NoEncryption())
    assert keys.fit(keys.tidy(key_pair.private_bytes(*form).decode()), public_pem)


def test_a_key_behind_a_password_or_of_another_kind_is_refused(key_pair):
    locked = BestAvailableEncryption(b"password")
    pem = key_pair.private_bytes(Encoding.PEM, PrivateFormat.TraditionalOpenSSL, locked)
    with pytest.raises(ValueError, match="no private key"):
        keys.tidy(pem.decode())
    other = ed25519.Ed25519PrivateKey.generate()
    pem = other.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    with pytest.raises(ValueError, match="RSA"):
        keys.tidy(pem.decode())


def test_what_is_no_public_key_fits_nothing(private_pem):
    assert not keys.fit(private_pem, "")
