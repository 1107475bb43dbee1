"""Whether a call is Vonage's; the fact sheet's vectors and PyJWT judge."""

import base64
import hashlib
import json
from datetime import timedelta
from urllib.parse import urlencode

import jwt
import pytest
from hypothesis import given, strategies as st

from hubbub.sdk import Accept, Answer, Challenge, Reject, Unreadable
from hubbub_sms_vonage import signature, tokens
from tests.plugins.sms_vonage.conftest import APPLICATION, KEY, NOON, SIGNATURE_SECRET, WEBHOOK

STAMP = 1767268800
#: The claims of the fact sheet's vector; its time lies twelve hours before noon.
VECTOR = {
    "iat": 1767225600,
    "jti": "11111111-1111-4111-8111-111111111111",
    "iss": "Vonage",
    "payload_hash": "694f72f05a5fc9b24d1ae3959482e5674d89135c90f23b2ca26577901c2082ce",
    "api_key": KEY,
    "application_id": APPLICATION,
}
VECTOR_SIGNATURE = "LT1HBNzcBHARs6jVyNwHPgZpLafng1tQT38ft37M0WQ"
LEGACY = {
    "msisdn": "447700900001",
    "to": "447700900000",
    "messageId": "0A0000000123ABCD1",
    "text": "a=b & c",
    "type": "text",
    "keyword": "A=B",
    "message-timestamp": "2026-01-01 12:00:00",
    "timestamp": str(STAMP),
    "nonce": "n-1",
}
LEGACY_SIGNATURES = {
    "md5hash": "09c5754fc85e1be876c05066f17c86b6",
    "md5": "185163123579d997afe329e6eb327fb8",
    "sha256": "6fc79f5fe506579db773d4af7ed79db5cefe2ca6ba01627eabd123386027888d",
}


@pytest.fixture(scope="session")
def verify(channel, connection):
    return lambda call, via=connection: channel.verify(call, via)


# --- the Messages API ----------------------------------------------------------------------


def _vector_token():
    """The token as the sheet has it: the header that Vonage writes, the claims in that order."""
    header = {"alg": "HS256", "typ": "JWT"}
    packed = [json.dumps(part, separators=(",", ":")).encode() for part in (header, VECTOR)]
    return ".".join(base64.urlsafe_b64encode(part).decode().rstrip("=") for part in packed)


def test_conformance_1_the_vector_is_accepted(verify, call, payload):
    token = f"{_vector_token()}.{VECTOR_SIGNATURE}"
    assert tokens.shared_secret_signature(_vector_token(), SIGNATURE_SECRET) == VECTOR_SIGNATURE
    heard = call(payload("vector.json"), authorization=f"Bearer {token}")
    assert verify(heard) == Accept(Answer(status=200, body=b""))


@given(data=st.data())
def test_conformance_1_a_body_changed_by_one_byte_is_rejected(verify, call, payload, signed, data):
    body = payload("vector.json")
    right = signed(body=body)
    assert isinstance(verify(right), Accept)
    place, bit = data.draw(st.integers(0, len(body) - 1)), data.draw(st.integers(0, 7))
    changed = bytes([*body[:place], body[place] ^ 1 << bit, *body[place + 1 :]])
    verdict = verify(call(changed, authorization=right.headers["authorization"]))
    assert isinstance(verdict, Reject)
    assert "payload_hash" in verdict.reason


# The sheet would answer 503 here, so that Vonage sends it again and signed; the contract wants
# what is not proven answered 401 and quarantined, where it is not lost either.
@pytest.mark.parametrize("header", [{}, {"authorization": ""}, {"authorization": "Basic eDp5"}])
def test_conformance_2_a_call_without_token_is_rejected(verify, call, payload, header):
    verdict = verify(call(payload("message_text.json"), **header))
    assert isinstance(verdict, Reject)
    assert "not signed" in verdict.reason


@pytest.mark.parametrize("algorithm", ["HS512", "HS384"])
def test_conformance_2_no_other_algorithm_counts(verify, signed, algorithm):
    verdict = verify(signed("message_text.json", algorithm=algorithm, secret=SIGNATURE_SECRET * 2))
    assert isinstance(verdict, Reject)
    assert "HS256" in verdict.reason


def test_conformance_2_a_token_without_signature_is_rejected(verify, call, signed):
    unsigned = signed("message_text.json", algorithm="none", secret="")
    assert isinstance(verify(unsigned), Reject)
    # Neither does one that was put behind it, however rightly made.
    signed_part = unsigned.headers["authorization"].removeprefix("Bearer ").rstrip(".")
    filled = f"{signed_part}.{tokens.shared_secret_signature(signed_part, SIGNATURE_SECRET)}"
    verdict = verify(call(unsigned.body, authorization=f"Bearer {filled}"))
    assert isinstance(verdict, Reject)
    assert "HS256" in verdict.reason


def test_a_public_key_does_not_pass_for_a_secret(verify, call, payload, private_pem):
    body = payload("message_text.json")
    claims = {**VECTOR, "payload_hash": hashlib.sha256(body).hexdigest()}
    token = jwt.encode(claims, private_pem, algorithm="RS256")
    assert isinstance(verify(call(body, authorization=f"Bearer {token}")), Reject)


def test_another_secret_is_rejected(verify, signed):
    verdict = verify(signed("message_text.json", secret="x" * 39))
    assert isinstance(verdict, Reject)
    assert "Signature secret" in verdict.reason


@pytest.mark.parametrize(
    ("claims", "reason"),
    [
        ({"api_key": "ffff0000"}, "another account"),
        ({"api_key": None}, "lacks claims"),
        ({"application_id": "33333333-3333-4333-8333-333333333333"}, "another application"),
        ({"iss": "Somebody"}, "not issued by Vonage"),
        ({"iss": None}, "lacks claims"),
        ({"iat": None}, "lacks claims"),
        ({"jti": None}, "lacks claims"),
        ({"payload_hash": None}, "lacks claims"),
        ({"payload_hash": "é"}, "payload_hash"),
    ],
)
def test_conformance_2_claims_must_be_ours(verify, signed, claims, reason):
    verdict = verify(signed("message_text.json", **claims))
    assert isinstance(verdict, Reject)
    assert reason in verdict.reason


def test_the_claim_of_the_application_may_be_missing(verify, signed):
    assert isinstance(verify(signed("message_text.json", application_id=None)), Accept)


@pytest.mark.parametrize(
    ("age", "accepted"),
    [
        (timedelta(hours=25), True),  # a repeat may bring its old time
        (timedelta(hours=25, seconds=1), False),
        (timedelta(seconds=-60), True),
        (timedelta(seconds=-61), False),
    ],
)
def test_the_time_of_a_token_has_bounds(verify, signed, age, accepted):
    heard = signed("message_text.json", iat=int((NOON - age).timestamp()))
    assert isinstance(verify(heard), Accept if accepted else Reject)


@pytest.mark.parametrize(
    "token",
    ["x", "a.b", "a.b.c", "a.b.c.d", "é.b.c", "eyJhbGciOiJIUzI1NiJ9.e30.", "..", "W10.W10.x"],
)
def test_what_is_no_token_is_rejected(verify, call, payload, token):
    heard = call(payload("message_text.json"), authorization=f"Bearer {token}")
    assert isinstance(verify(heard), Reject)


@given(st.binary(max_size=60))
def test_any_header_gets_a_verdict(verify, call, noise):
    heard = call(b"{}", authorization="Bearer " + noise.decode("latin-1"))
    assert isinstance(verify(heard), Reject)


@given(st.binary(max_size=200))
def test_whatever_pyjwt_signs_is_accepted_and_parsed_without_an_exception(
    channel, connection, verify, signed, body
):
    heard = signed(body=body)
    assert isinstance(verify(heard), Accept)
    assert list(channel.parse(heard, connection))


# --- the SMS API ---------------------------------------------------------------------------


@pytest.fixture
def legacy_signed(connect):
    """Return a maker of connections whose webhooks are signed by one method."""

    def make(method="md5hash"):
        return connect(
            mode="sms_legacy", application_id="", private_key="", signature_method=method
        )

    return make


def _query(call, parameters):
    return call(url=f"{WEBHOOK}?{urlencode(parameters)}", method="GET")


def test_conformance_3_what_is_signed_has_no_ampersand_or_equals_sign_in_values():
    assert signature.covered({**LEGACY, "sig": "x"}) == (
        "&keyword=A_B&message-timestamp=2026-01-01 12:00:00&messageId=0A0000000123ABCD1"
        "&msisdn=447700900001&nonce=n-1&text=a_b _ c&timestamp=1767268800&to=447700900000"
        "&type=text"
    )


@pytest.mark.parametrize(("method", "sig"), LEGACY_SIGNATURES.items())
def test_conformance_3_the_vectors_of_each_method_are_accepted(
    verify, call, legacy_signed, method, sig
):
    for given_sig in (sig, sig.upper()):
        heard = _query(call, {**LEGACY, "sig": given_sig})
        assert isinstance(verify(heard, legacy_signed(method)), Accept)
    others = LEGACY_SIGNATURES.keys() - {method}
    assert all(isinstance(verify(heard, legacy_signed(other)), Reject) for other in others)


@pytest.mark.parametrize(
    "changed", [{"text": "a=b & d"}, {"sig": "é"}, {"sig": ""}, {"extra": "1"}]
)
def test_a_changed_legacy_call_is_rejected(verify, call, legacy_signed, changed):
    said = {**LEGACY, "sig": LEGACY_SIGNATURES["md5hash"], **changed}
    assert isinstance(verify(_query(call, said), legacy_signed()), Reject)


@pytest.mark.parametrize(
    ("hours", "accepted"), [(25, True), (25.001, False), (-0.016, True), (-0.1, False)]
)
def test_the_time_of_a_legacy_call_has_bounds(verify, call, legacy_signed, hours, accepted):
    said = {**LEGACY, "timestamp": str(round(STAMP - hours * 3600))}
    said["sig"] = signature.legacy_signature(said, SIGNATURE_SECRET, "sha512")
    verdict = verify(_query(call, said), legacy_signed("sha512"))
    assert isinstance(verdict, Accept if accepted else Reject)


def test_a_signed_legacy_call_must_tell_its_time(verify, call, legacy_signed):
    said = {**LEGACY, "timestamp": "now"}
    said["sig"] = signature.legacy_signature(said, SIGNATURE_SECRET, "sha1")
    assert isinstance(verify(_query(call, said), legacy_signed("sha1")), Reject)


def test_legacy_calls_are_not_proven_where_there_is_no_secret(verify, call, legacy, payload):
    assert isinstance(verify(call(payload("legacy_message_text.json")), legacy), Accept)


@pytest.mark.parametrize("body", [b"", b"{}", b"concat=true"])
def test_conformance_5_a_probe_is_answered_and_not_kept(verify, call, legacy, legacy_signed, body):
    for via in (legacy, legacy_signed()):
        assert verify(call(body), via) == Challenge(Answer(status=200))


@pytest.mark.parametrize("body", [b"\xff\xfe", b"{"])
def test_a_legacy_call_that_cannot_be_read_is_quarantined(channel, verify, call, legacy, body):
    assert isinstance(verify(call(body), legacy), Reject)
    (event,) = channel.parse(call(body), legacy)
    assert isinstance(event, Unreadable)


def test_a_flood_of_parameters_is_not_sorted(verify, call, legacy_signed):
    said = {**LEGACY, "sig": "x", **{f"p{number}": "" for number in range(1000)}}
    verdict = verify(_query(call, said), legacy_signed())
    assert verdict == Reject("The call has more parameters than Vonage ever sends.")
