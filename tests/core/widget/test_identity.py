"""A site proves who its visitor is, or nobody is believed."""

import base64
import hashlib
import hmac
import json
from datetime import UTC, datetime

import pytest

from hubbub.widget.identity import Unproven, by_hash, by_jwt

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
SECRET, FORMER, FOREIGN = "s" * 32, "f" * 32, "x" * 32
KEY = "key-of-the-widget"
T = int(NOW.timestamp())
CLAIMS = {"sub": "u-17", "aud": KEY, "iat": T, "exp": T + 3600, "name": "Ada", "plan": "gold"}


def coded(value):
    data = value if isinstance(value, bytes) else json.dumps(value).encode()
    return base64.urlsafe_b64encode(data).decode().rstrip("=")


def jwt(claims=None, *, secret=SECRET, head=None):
    signed = f"{coded(head or {'alg': 'HS256', 'kid': '1'})}.{coded({**CLAIMS, **(claims or {})})}"
    mac = hmac.new(secret.encode(), signed.encode(), hashlib.sha256).digest()
    return f"{signed}.{coded(mac)}"


def test_a_jwt_names_the_user_and_what_is_known_of_them():
    found = by_jwt(jwt(), [SECRET], KEY, NOW)
    assert (found.user, found.name, found.attributes["plan"]) == ("u-17", "Ada", "gold")
    assert "aud" not in found.attributes


def test_while_a_secret_is_replaced_both_prove():
    for secret in (SECRET, FORMER):
        assert by_jwt(jwt(secret=secret), [SECRET, FORMER], KEY, NOW).user == "u-17"


@pytest.mark.parametrize(
    "token",
    [
        jwt(secret=FOREIGN),
        jwt({"exp": 253_402_300_799}),
        jwt({"iat": 253_402_300_799, "exp": 253_402_300_799}),
        jwt(head={"alg": "none"}),
        jwt(head={"alg": "HS512"}),
        f"{coded({'alg': 'none'})}.{coded(CLAIMS)}.",
        jwt({"aud": "another-widget"}),
        jwt({"aud": None}),
        jwt({"exp": T - 61}),
        jwt({"exp": T + 25 * 3600}),
        jwt({"exp": "soon"}),
        jwt({"exp": 1e30}),
        jwt({"iat": None}),
        jwt({"iat": T + 120}),
        jwt({"nbf": T + 120}),
        jwt({"sub": ""}),
        jwt({"sub": 17}),
        jwt({"sub": "u" * 201}),
        jwt({"sub": "u\u202e17"}),
        jwt()[:-1] + "*",
        jwt() + "A",
        "",
        "..",
        "a.b.c",
        "ü.ü.ü",
        coded(b"[]") * 3,
    ],
)
def test_case_08_what_proves_nothing_is_refused(token):
    with pytest.raises(Unproven):
        by_jwt(token, [SECRET], KEY, NOW)


def test_case_08_an_expired_jwt_says_so():
    with pytest.raises(Unproven) as refused:
        by_jwt(jwt({"exp": T - 61}), [SECRET], KEY, NOW)
    assert refused.value.code == "identity_expired"


def test_clocks_may_differ_by_a_minute():
    assert by_jwt(jwt({"exp": T - 59, "iat": T - 99}), [SECRET], KEY, NOW)
    assert by_jwt(jwt({"iat": T + 59}), [SECRET], KEY, NOW)


def test_without_a_secret_nobody_is_proven():
    for prove in (
        lambda: by_jwt(jwt(secret=""), [], KEY, NOW),
        lambda: by_hash("u-17", "", [], NOW),
    ):
        with pytest.raises(Unproven):
            prove()


def test_case_08_a_hash_covers_the_id_alone():
    user_hash = hmac.new(SECRET.encode(), b"u-17", hashlib.sha256).hexdigest()
    found = by_hash("u-17", user_hash.upper(), [SECRET], NOW)
    assert (found.user, found.name, dict(found.attributes)) == ("u-17", None, {})
    for user, given in (("u-18", user_hash), ("u-17", user_hash[:-1]), ("u-17", "é" * 64)):
        with pytest.raises(Unproven):
            by_hash(user, given, [SECRET], NOW)
