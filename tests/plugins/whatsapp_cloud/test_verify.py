"""Whether a call is Meta's: the handshake, and the signature over the bytes."""

import json
from urllib.parse import urlencode

import pytest

from hubbub.sdk import Accept, Answer, Challenge, Reject
from tests.plugins.whatsapp_cloud.conftest import APP_SECRET, VERIFY_TOKEN, WEBHOOK, signature

REFUSED = 403


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
    assert shake(challenge="<b>&é</b>").answer.body == "<b>&é</b>".encode()


@pytest.mark.parametrize(
    "changes",
    [
        {"verify_token": "another"},
        {"verify_token": None},
        {"verify_token": "é"},
        {"mode": "unsubscribe"},
        {"mode": None},
    ],
)
def test_conformance_01_another_token_or_mode_is_refused(shake, changes):
    assert shake(**changes).answer.status == REFUSED
    assert b"1158201444" not in shake(**changes).answer.body


def test_without_a_verify_token_nobody_can_shake_hands(channel, connection, call):
    from dataclasses import replace

    query = "hub.mode=subscribe&hub.verify_token=&hub.challenge=1"
    verdict = channel.verify(
        call(url=f"{WEBHOOK}?{query}", method="GET"), replace(connection, verify_token=None)
    )
    assert verdict.answer.status == REFUSED


def test_conformance_02_the_bytes_are_signed_as_meta_wrote_them(channel, connection, call, payload):
    body = payload("message_text.json")
    assert rb"Caf\u00e9 \ud83d\ude00" in body
    good = call(body, x_hub_signature_256=signature(body))
    assert channel.verify(good, connection) == Accept()


@pytest.mark.parametrize(
    ("kept", "why"),
    [
        ({}, "not signed"),
        ({"x_hub_signature": "sha1=" + "0" * 40}, "not signed"),
        ({"x_hub_signature_256": "0" * 64}, "not signed"),
        ({"x_hub_signature_256": "sha256="}, "does not fit"),
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


def test_conformance_02_a_body_written_anew_is_refused(channel, connection, call, payload):
    body = payload("message_text.json")
    anew = json.dumps(json.loads(body)).encode()
    verdict = channel.verify(call(anew, x_hub_signature_256=signature(body)), connection)
    assert isinstance(verdict, Reject)


def test_the_secret_of_another_channel_proves_nothing(channel, connect, connection, call, payload):
    body = payload("message_text.json")
    signed = call(body, x_hub_signature_256=signature(body, "another"))
    assert isinstance(channel.verify(signed, connection), Reject)
    assert channel.verify(signed, connect(app_secret="another")) == Accept()


def test_the_reason_of_a_refusal_holds_no_secret(channel, connection, call):
    verdict = channel.verify(call(b"{}", x_hub_signature_256="sha256=0"), connection)
    assert APP_SECRET not in verdict.reason
