"""Who may call us."""

import base64
import hashlib
import hmac
import json

import pytest

from hubbub.sdk import Accept, Reject
from tests.plugins.sms_gateway.conftest import NOW, OWN, WEBHOOK

TOKEN = "inbound & canary"
KEY = "signing canary"


@pytest.fixture
def verdict(channel, call):
    def judge(via, *args, **kwargs):
        return channel.verify(call(*args, **kwargs), via)

    return judge


def refused(verdict):
    assert isinstance(verdict, Reject)
    assert "canary" not in verdict.reason
    return verdict.reason


def sign(key, message, digest=hashlib.sha256):
    return hmac.new(key.encode(), message, digest).hexdigest()


def test_conformance_12_a_wrong_token_is_refused(verdict, connect):
    via = connect("kannel", inbound_token=TOKEN)
    assert isinstance(verdict(via, query="token=inbound+%26+canary&text=x"), Accept)
    for query in ("token=wrong", "token=", "text=x", "token=inbound", "token=%FF"):
        assert "token" in refused(verdict(via, query=query))


def test_reports_come_to_an_address_that_we_gave_out(verdict, connect):
    via = connect("kannel", inbound_token=TOKEN)
    assert isinstance(verdict(via, query=f"hubbub_ref=r1&token={OWN}&status=8"), Accept)
    assert "token" in refused(verdict(via, query="hubbub_ref=r1&token=guess&status=8"))


@pytest.mark.parametrize("header", ["X-Token", "Authorization"])
def test_a_token_may_stand_in_a_header(verdict, connect, header):
    via = connect("custom", inbound_token=TOKEN, inbound_auth="header", inbound_auth_name=header)
    for value in (TOKEN, f"Bearer {TOKEN}"):
        assert isinstance(verdict(via, query="text=x", **{header: value}), Accept)
    assert header in refused(verdict(via, query="text=x", **{header: "no"}))
    assert header in refused(verdict(via, query=f"text=x&token={TOKEN}"))


def test_a_password_may_prove_the_call(verdict, connect):
    via = connect("kannel", inbound_token=TOKEN, inbound_auth="basic")
    good = base64.b64encode(f"any:{TOKEN}".encode()).decode()
    assert isinstance(verdict(via, query="text=x", authorization=f"Basic {good}"), Accept)
    for value in ("Basic !", "Basic " + base64.b64encode(b"u:no").decode(), f"Bearer {good}", ""):
        assert "Basic" in refused(verdict(via, query="text=x", authorization=value))


def test_without_a_secret_the_address_alone_proves_the_call(verdict, connect):
    for preset in ("kannel", "android_smsgate", "httpsms"):
        assert isinstance(verdict(connect(preset), query="text=x"), Accept)


def test_conformance_11_android_signs_body_and_time(verdict, connect, payload):
    via = connect("android_smsgate", signing_key=KEY)
    body, at = payload("android_received.json"), str(int(NOW.timestamp()))
    good = sign(KEY, body + at.encode())
    name = "android_received.json"
    assert isinstance(verdict(via, name, x_signature=good, x_timestamp=at), Accept)
    assert isinstance(verdict(via, name, x_signature=good.upper(), x_timestamp=at), Accept)
    later = str(int(NOW.timestamp()) + 1)
    for signature, time in ((good, later), (sign(KEY, body), at), (sign("k", body), at), ("", at)):
        refused(verdict(via, name, x_signature=signature, x_timestamp=time))


@pytest.mark.parametrize(
    ("age", "fine"), [(0, True), (86_000, True), (-240, True), (-900, False), (300_000, False)]
)
def test_a_repeat_may_be_old_but_not_of_tomorrow(verdict, connect, payload, age, fine):
    via = connect("android_smsgate", signing_key=KEY)
    at = str(int(NOW.timestamp()) - age)
    good = sign(KEY, payload("android_received.json") + at.encode())
    given = verdict(via, "android_received.json", x_signature=good, x_timestamp=at)
    assert isinstance(given, Accept) == fine


@pytest.mark.parametrize("at", ["", "soon", "nan", "1e400", "-1e30"])
def test_a_time_that_is_none_is_refused(verdict, connect, payload, at):
    via = connect("android_smsgate", signing_key=KEY)
    good = sign(KEY, payload("android_received.json") + at.encode())
    refused(verdict(via, "android_received.json", x_signature=good, x_timestamp=at))


def test_textbee_signs_the_body(verdict, connect, payload):
    via = connect("textbee", signing_key=KEY)
    good = sign(KEY, payload("textbee_received.json"))
    for signature in (good, f"sha256={good}"):
        assert isinstance(verdict(via, "textbee_received.json", x_signature=signature), Accept)
    refused(verdict(via, "textbee_received.json", x_signature="0" * 64))


@pytest.mark.parametrize("digest", ["sha256", "sha512", "sha1"])
def test_other_gateways_sign_in_their_own_way(verdict, connect, digest):
    via = connect(
        "custom",
        signing_key=KEY,
        inbound_auth="hmac",
        inbound_auth_name="X-Sign",
        inbound_digest=digest,
        inbound_signed="{header.X-Id}.{body}",
    )
    mark = hmac.new(KEY.encode(), b"7.text=x", digest)
    for signature in (mark.hexdigest(), base64.b64encode(mark.digest()).decode()):
        given = verdict(via, body=b"text=x", x_id="7", x_sign=signature)
        assert isinstance(given, Accept)
    refused(verdict(via, body=b"text=x", x_id="8", x_sign=mark.hexdigest()))


def jwt(key=KEY, *, head=None, **claims):
    now = int(NOW.timestamp())
    body = {"iss": "api.httpsms.com", "aud": WEBHOOK, "exp": now + 600, **claims}
    pieces = [
        base64.urlsafe_b64encode(json.dumps(one).encode()).rstrip(b"=")
        for one in (head or {"alg": "HS256", "typ": "JWT"}, body)
    ]
    signed = b".".join(pieces)
    mark = base64.urlsafe_b64encode(hmac.new(key.encode(), signed, hashlib.sha256).digest())
    return (signed + b"." + mark.rstrip(b"=")).decode()


def test_httpsms_brings_a_token_of_its_own(verdict, connect):
    via = connect("httpsms", signing_key=KEY)
    for token in (jwt(), jwt(aud=["x", WEBHOOK])):
        given = verdict(via, "httpsms_received.json", authorization=f"Bearer {token}")
        assert isinstance(given, Accept)


@pytest.mark.parametrize(
    ("token", "why"),
    [
        (jwt("another key"), "signature"),
        (jwt(head={"alg": "none"}), "signature"),
        (jwt(head={"alg": "HS512"}), "signature"),
        (jwt(aud="https://elsewhere.example/"), "another address"),
        (jwt(aud=None), "another address"),
        (jwt(iss="evil.example"), "not issued"),
        (jwt(exp=int(NOW.timestamp()) - 3600), "expired"),
        (jwt(exp=None), "expired"),
        (jwt().rpartition(".")[0] + ".", "signature"),
        ("", "no token"),
        ("a.b.c", "signature"),
        ("[].[].[]", "signature"),
    ],
)
def test_a_token_that_is_not_for_us_is_refused(verdict, connect, token, why):
    via = connect("httpsms", signing_key=KEY)
    given = verdict(via, "httpsms_received.json", authorization=f"Bearer {token}")
    assert why in refused(given)
