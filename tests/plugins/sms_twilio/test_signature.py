"""Whether a call is Twilio's; Twilio's own library signs, and the fact sheet's vectors judge."""

import hashlib
import hmac
from base64 import b64encode

import pytest
from hypothesis import given, strategies as st
from twilio.request_validator import RequestValidator  # type: ignore[import-untyped]  # it has no types

from hubbub.sdk import Accept, Reject, Unreadable
from hubbub_sms_twilio import signature

TOKEN = "0123456789abcdef0123456789abcdef"
URL = "https://chat.example.com/hooks/tw/ch_1?x=1"
SHA1 = "hbkSpuhDkCInlvdo8b7s6jMqkXs="
SHA256 = "M0QbpcJoIEcas363b0eWt8cFgnCDIIXypp/5GI7lhcI="
SHA256_SETTINGS = "key=webhooks_sharedkey_1,algorithm=HMAC_SHA256"
BODY_HASH = "f9d86028c6e0d64e225186f96acb69338b2c59764df79162107f5c4bb34d1310"
JSON_URL = f"https://chat.example.com/hooks/tw/ch_1?bodySHA256={BODY_HASH}"


@pytest.fixture(scope="session")
def verify(channel, connect):
    """Return a checker of calls on a channel with the given fields."""
    return lambda call, **fields: channel.verify(call, connect(**fields))


@pytest.fixture
def vector(call, payload):
    def make(*, url=URL, body=None, sign=SHA1, **headers):
        body = payload("vector.form") if body is None else body
        return call(body, url=url, x_twilio_signature=sign, **headers)

    return make


def test_conformance_1_the_form_vector_is_accepted(verify, vector):
    assert isinstance(verify(vector()), Accept)


def test_conformance_1_the_get_vector_is_accepted(verify, call):
    url = "https://chat.example.com/hooks/tw/ch_1?Body=a+b&From=%2B15005550006"
    got = call(url=url, method="GET", x_twilio_signature="7YlWexnUP2320tXg8Btu5d16mQI=")
    assert isinstance(verify(got), Accept)


def test_conformance_1_the_json_vector_is_accepted(verify, json_call):
    assert isinstance(verify(json_call(b'{"a": 1}')), Accept)


@pytest.mark.parametrize(
    ("url", "wrong"),
    [
        ("http://chat.example.com/hooks/tw/ch_1?x=1", b""),
        ("https://chat.example.com/hooks/tw/ch_1/?x=1", b""),
        ("https://chat.example.com/hooks/tw/ch_1", b""),
        ("https://chat.example.com:8443/other?x=1", b""),
        (URL, b"&FromCity="),
    ],
)
def test_conformance_1_an_altered_call_is_rejected(verify, vector, payload, url, wrong):
    altered = payload("vector.form").replace(wrong, b"", 1)
    verdict = verify(vector(url=url, body=altered))
    assert isinstance(verdict, Reject)
    assert "X-Twilio-Signature does not fit" in verdict.reason


def test_conformance_1_the_wrong_token_is_rejected(verify, vector):
    verdict = verify(vector(), auth_token="f" * 32)
    assert isinstance(verdict, Reject)
    assert "f" * 32 not in verdict.reason


def test_conformance_2_headers_of_proxies_change_nothing(verify, vector):
    proxied = vector(host="10.0.0.7:8080", x_forwarded_proto="http", x_forwarded_host="inner")
    assert isinstance(verify(proxied), Accept)


def test_conformance_3_an_unknown_parameter_is_signed_too(verify, signed):
    accepted = signed("message_short_code.form")
    assert isinstance(verify(accepted), Accept)


@pytest.fixture
def json_call(call):
    def make(body, url=JSON_URL, sign="POfZXvwCv8bBu8FSyA74zyK9MlA="):
        return call(body, url=url, content_type="application/json", x_twilio_signature=sign)

    return make


def test_conformance_4_json_changed_by_a_blank_is_rejected(verify, json_call):
    verdict = verify(json_call(b'{"a":  1}'))
    assert isinstance(verdict, Reject)
    assert "bodySHA256" in verdict.reason


def test_json_whose_hash_is_not_in_the_address_is_rejected(verify, json_call):
    url = "https://chat.example.com/hooks/tw/ch_1"
    sign = RequestValidator(TOKEN).compute_signature(url, {})
    verdict = verify(json_call(b'{"a": 1}', url, sign))
    assert isinstance(verdict, Reject)


@pytest.mark.parametrize(
    ("called", "signed_url"),
    [
        ("https://hub.example.com/w/k", "https://hub.example.com:443/w/k"),
        ("https://hub.example.com:443/w/k", "https://hub.example.com/w/k"),
        ("http://hub.example.com/w/k", "http://hub.example.com:80/w/k"),
        ("https://hub.example.com:8443/w/k?d=1", "https://hub.example.com/w/k?d=1"),
        ("https://hub.example.com/w/k", "https://hub.example.com/w/k#rc=5&rp=all"),
        ("https://[2001:db8::1]/w/k", "https://[2001:db8::1]:443/w/k"),
        ("https://hub.example.com", "https://hub.example.com:443"),
    ],
)
def test_the_port_and_our_overrides_may_be_signed_or_not(verify, signed, called, signed_url):
    accepted = signed("message_text.form", url=called, signed_url=signed_url)
    assert isinstance(verify(accepted), Accept)


def test_a_port_that_is_not_the_default_is_not_added(verify, signed):
    url = "https://hub.example.com/w/k"
    verdict = verify(
        signed("message_text.form", url=url, signed_url="https://hub.example.com:80/w/k")
    )
    assert isinstance(verdict, Reject)


def test_either_token_is_accepted_while_one_replaces_the_other(verify, signed):
    rotating = {"auth_token": "a" * 32, "auth_token_next": "b" * 32}
    for token in rotating.values():
        assert isinstance(verify(signed("message_text.form", token=token), **rotating), Accept)
    assert isinstance(verify(signed("message_text.form", token="c"), **rotating), Reject)


def test_a_call_without_signature_is_rejected(verify, call, payload):
    verdict = verify(call(payload("message_text.form")))
    assert isinstance(verdict, Reject)
    assert "no X-Twilio-Signature header" in verdict.reason


def test_an_empty_secondary_token_proves_nothing(verify, signed):
    assert isinstance(verify(signed("message_text.form", token="")), Reject)


def test_the_sha256_vector_is_accepted_with_the_shared_key(verify, vector):
    modern = {"auth_token": "a" * 32, "signing_key": TOKEN}
    settings = {"x_twilio_webhooks_signature_settings": SHA256_SETTINGS}
    assert isinstance(verify(vector(sign=SHA256, **settings), **modern), Accept)
    assert isinstance(verify(vector(sign=SHA1, **settings), **modern), Reject)


@pytest.mark.parametrize(
    ("settings", "reason"),
    [
        (SHA256_SETTINGS, "enter it as Webhook SharedKey"),
        ("key=k,algorithm=HMAC_MD5", "signed with HMAC_MD5, which this hub does not know"),
    ],
)
def test_what_cannot_be_checked_is_rejected(verify, vector, settings, reason):
    verdict = verify(vector(sign=SHA256, x_twilio_webhooks_signature_settings=settings))
    assert isinstance(verdict, Reject)
    assert reason in verdict.reason


@pytest.mark.parametrize("settings", ["", "key=k", "algorithm=", "key=k, algorithm=hmac_sha1"])
def test_the_auth_token_is_meant_unless_the_header_says_otherwise(verify, vector, settings):
    accepted = vector(x_twilio_webhooks_signature_settings=settings)
    assert isinstance(verify(accepted), Accept)


def test_a_call_for_another_account_is_rejected(verify, signed):
    body = b"MessageSid=SM1&AccountSid=AC00000000000000000000000000000008&From=%2B1&Body=x"
    verdict = verify(signed(body=body))
    assert isinstance(verdict, Reject)
    assert "another account" in verdict.reason


def test_repeated_names_count_each_value_once_in_order():
    pairs = [(b"a", b"2"), (b"B", b"x"), (b"a", b"1"), (b"a", b"2")]
    expected = hmac.new(b"k", b"https://h/" + b"Bx" + b"a1" + b"a2", hashlib.sha1)
    assert signature.sign("https://h/", signature.covered(pairs), "k") == b64encode(
        expected.digest()
    )


@given(st.dictionaries(st.text("aA0_Ü", min_size=1), st.text(max_size=20), max_size=6))
def test_signatures_agree_with_twilios_library(parameters):
    url = "https://hub.example.com/webhooks/k1?d=1"
    expected = RequestValidator(TOKEN).compute_signature(url, parameters)
    pairs = [
        (name.encode("utf-8", "surrogatepass"), value.encode("utf-8", "surrogatepass"))
        for name, value in parameters.items()
    ]
    assert signature.sign(url, signature.covered(pairs), TOKEN).decode() == expected


@given(body=st.binary(max_size=200), sign=st.text(max_size=40), settings=st.text(max_size=40))
def test_no_forged_call_is_accepted_and_none_breaks_the_check(verify, call, body, sign, settings):
    for content_type in ("application/x-www-form-urlencoded", "application/json", "x"):
        forged = call(
            body,
            content_type=content_type,
            x_twilio_signature=sign,
            x_twilio_webhooks_signature_settings=settings,
        )
        assert isinstance(verify(forged), Reject)


@pytest.mark.parametrize(
    "body",
    [
        b"[" * 500_000 + b"]" * 500_000,
        b'{"a":' * 100_000,
        b"null",
        b"9" * 1_000_000,
        b"&".join(b"a=%d" % number for number in range(100_000)),
        b"a=" + b"%FF" * 300_000,
        b"a=\x00&b=\xff\xfe&=&&&=",
    ],
    ids=["deep", "unclosed", "null", "huge", "many", "no UTF-8", "odd"],
)
@pytest.mark.parametrize("content_type", ["application/json", "application/x-www-form-urlencoded"])
def test_a_nasty_body_is_rejected_or_read(verify, channel, connection, call, *, body, content_type):
    forged = call(body, content_type=content_type, x_twilio_signature=SHA1)
    assert isinstance(verify(forged), Reject)
    (event,) = channel.parse(forged, connection)
    assert isinstance(event, Unreadable)


@given(url=st.text(max_size=60), method=st.sampled_from(["GET", "POST", "PUT"]))
def test_no_address_breaks_the_check(verify, call, url, method):
    forged = call(b"a=b", url=url, method=method, x_twilio_signature="x")
    assert isinstance(verify(forged), Reject)
