"""Whether a call is Meta's: the handshake, and the signature over the bytes."""

import json
from urllib.parse import urlencode

import pytest
from hypothesis import given, strategies as st

from hubbub.sdk import Accept, Answer, Challenge, Reject
from tests.plugins.messenger.conftest import APP_SECRET, VERIFY_TOKEN, WEBHOOK, signature


@pytest.fixture
def shake(channel, connection, call):
    def ask(**changes):
        said = {"mode": "subscribe", "verify_token": VERIFY_TOKEN, "challenge": "1158201444"}
        query = urlencode({f"hub.{name}": word for name, word in (said | changes).items() if word})
        return channel.verify(call(url=f"{WEBHOOK}?{query}", method="GET"), connection)

    return ask


def test_conformance_01_the_right_token_gets_the_bare_challenge_as_text(shake):
    assert shake() == Challenge(Answer(status=200, body=b"1158201444"))
    assert shake().answer.content_type.startswith("text/plain")


@pytest.mark.parametrize(
    "changes", [{"verify_token": "another"}, {"verify_token": None}, {"mode": "unsubscribe"}]
)
def test_conformance_01_another_token_or_mode_is_refused(shake, changes):
    assert shake(**changes).answer.status == 403
    assert b"1158201444" not in shake(**changes).answer.body


@pytest.mark.parametrize("name", ["message_text.json", "message_file.json", "message_link.json"])
def test_conformance_02_the_bytes_are_signed_as_meta_wrote_them(
    channel, connection, call, payload, *, name
):
    body = payload(name)
    assert rb"\u00e9 \ud83d\ude00" in body or rb"\/" in body
    good = call(body, x_hub_signature_256=signature(body))
    assert channel.verify(good, connection) == Accept()


@pytest.mark.parametrize(
    ("kept", "why"),
    [
        ({}, "not signed"),
        ({"x_hub_signature": "sha1=" + "0" * 40}, "not signed"),
        ({"x_hub_signature_256": "sha256=" + "0" * 64}, "does not fit"),
        ({"x_hub_signature_256": "sha256=é"}, "does not fit"),
    ],
)
def test_conformance_02_a_missing_or_wrong_signature_is_refused(
    channel, connection, call, payload, *, kept, why
):
    verdict = channel.verify(call(payload("message_text.json"), **kept), connection)
    assert isinstance(verdict, Reject)
    assert why in verdict.reason
    assert APP_SECRET not in verdict.reason


def test_conformance_02_an_altered_or_rewritten_body_is_refused(channel, connection, call, payload):
    body = payload("message_text.json")
    anew = json.dumps(json.loads(body)).encode()
    for changed in (anew, body[:-1] + b" ", body.replace(b"open", b"shut")):
        verdict = channel.verify(call(changed, x_hub_signature_256=signature(body)), connection)
        assert isinstance(verdict, Reject)


@given(body=st.binary(max_size=200), said=st.text(max_size=80))
def test_whatever_is_sent_a_verdict_is_given(channel, connection, call, body, said):
    verdict = channel.verify(call(body, x_hub_signature_256=f"sha256={said}"), connection)
    assert isinstance(verdict, Reject)
    assert channel.verify(call(body, x_hub_signature_256=signature(body)), connection) == Accept()
