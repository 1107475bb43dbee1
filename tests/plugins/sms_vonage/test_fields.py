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
from hubbub.sdk import BadAddress, Permanent
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


# --- addresses -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("given", "written"),
    [
        ("+44 7700 900001", "+447700900001"),
        ("0044 7700 900001", "+447700900001"),
        (" +447700900001 ", "+447700900001"),
    ],
)
def test_one_number_has_one_spelling(channel, connection, given, written):
    assert channel.address(given, connection) == written


@pytest.mark.parametrize("given", ["nonsense", "", "+", "07700 900001", "12345", "AcmeShop"])
def test_what_is_no_number_with_its_country_is_refused(channel, connection, given):
    with pytest.raises(BadAddress, match="country"):
        channel.address(given, connection)


def test_the_icon_is_small(channel):
    assert channel.icon.startswith("<svg")
    assert len(channel.icon.encode()) <= 8192


# --- files of MMS --------------------------------------------------------------------------


@pytest.fixture
def fetch(channel, connection, drive, answer):
    def run(ref, reply=None, via=connection):
        reply = reply or answer(200, b"GIF89a", content_type="image/gif")
        (request,), file = drive(channel.fetch_media(ref, via), reply)
        assert (request.method, request.url, request.safe) == ("GET", ref, True)
        return request.headers, file

    return run


def test_a_file_at_vonage_is_fetched_with_our_token(fetch):
    headers, file = fetch("https://api-us.nexmo.com/v3/media/1")
    assert headers["authorization"].startswith("Bearer ey")
    assert (file.body, file.mime_type) == (b"GIF89a", "image/gif")


@pytest.mark.parametrize("ref", ["https://carrier.example/1", "https://evilnexmo.com/1"])
def test_a_file_elsewhere_is_fetched_without_our_token(fetch, ref):
    assert fetch(ref)[0] == {}


def test_a_file_of_a_simulator_may_do_without_tls(fetch, connect):
    via = connect(api_base="http://127.0.0.1:9000/vonage")
    assert "authorization" in fetch("http://127.0.0.1:9000/vonage/media/1", via=via)[0]


@pytest.mark.parametrize("ref", ["http://api.nexmo.com/1", "http://[x", "file:///etc/passwd"])
def test_a_file_at_an_unsafe_address_is_not_fetched(channel, connection, ref):
    with pytest.raises(Permanent):
        next(channel.fetch_media(ref, connection))


@pytest.mark.parametrize(("status", "code"), [(404, "media_missing"), (302, "media_unavailable")])
def test_a_file_that_is_not_there_says_so(fetch, answer, status, code):
    from hubbub.sdk import SendError

    with pytest.raises(SendError) as caught:
        fetch("https://api-us.nexmo.com/v3/media/1", answer(status))
    assert caught.value.code == code
