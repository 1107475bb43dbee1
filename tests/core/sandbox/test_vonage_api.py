"""Vonage's own rules: who may ask, what is refused, what is told; PyJWT and its library judge."""

import base64
import hashlib
import time

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)
from vonage_jwt import JwtClient, verify_signature

APP = "22222222-2222-4222-8222-222222222222"
KEY, SECRET, SIGNS = "abcd1234", "Fict1tiousApiSecret", "Fict1tiousSignatureSecret0123456789abcd"
OURS, ADA = "447700900000", "447700900001"
SMS = {
    "channel": "sms",
    "message_type": "text",
    "to": ADA,
    "from": OURS,
    "text": "Ready at 5",
    "client_ref": "d-1",
}
BASIC = {"Authorization": "Basic " + base64.b64encode(f"{KEY}:{SECRET}".encode()).decode()}


@pytest.fixture(scope="module")
def key():
    return rsa.generate_private_key(65537, 2048)


@pytest.fixture(scope="module")
def private_pem(key):
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()


@pytest.fixture
def account(sandbox, key):
    """An application with one number; nothing is told but what the test says."""
    sandbox.rules(vonage_receipts=False)
    public = key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    body = {
        "application_id": APP,
        "api_key": KEY,
        "api_secret": SECRET,
        "signature_secret": SIGNS,
        "public_key": public.decode(),
        "numbers": [OURS],
    }
    assert sandbox.http.post("/_sandbox/applications", json=body).status_code == 201
    return sandbox


@pytest.fixture
def send(account):
    def sent(headers=BASIC, **changes):
        return account.http.post("/vonage/v1/messages", json=SMS | changes, headers=headers)

    return sent


def bearer(token):
    return {"Authorization": f"Bearer {token}"}


def webhook(url):
    hook = {"address": url, "http_method": "POST"}
    webhooks = {"inbound_url": hook, "status_url": hook}
    return {"name": "A", "capabilities": {"messages": {"version": "v1", "webhooks": webhooks}}}


def connect(account, url):
    """Let the application call ``url``, and link the number to it."""
    put = account.http.put(f"/vonage/v2/applications/{APP}", json=webhook(url), headers=BASIC)
    assert put.status_code == 200
    form = {"country": "GB", "msisdn": OURS, "app_id": APP}
    assert account.http.post("/vonage/number/update", data=form, headers=BASIC).status_code == 200


# --- requests ------------------------------------------------------------------------------


def test_a_message_is_accepted_and_kept(send, account):
    answer = send()
    assert (answer.status_code, answer.json.keys()) == (202, {"message_uuid"})
    (line,) = account.sent(provider="vonage")
    assert (line["address"], line["text"], line["params"]) == (f"+{ADA}", "Ready at 5", SMS)


def test_the_library_s_token_is_taken(send, private_pem):
    token = JwtClient(APP, private_pem).generate_application_jwt().decode()
    assert send(bearer(token)).status_code == 202


@pytest.mark.parametrize(
    ("claims", "status"),
    [
        ({}, 202),
        ({"exp": time.time() - 3600}, 401),
        ({"iat": time.time() + 3600}, 401),
        ({"jti": None}, 401),
        ({"application_id": "another"}, 401),
    ],
)
def test_a_token_must_be_good(send, private_pem, claims, status):
    usual = {"application_id": APP, "iat": time.time(), "exp": time.time() + 900, "jti": "1"}
    token = jwt.encode(usual | claims, private_pem, algorithm="RS256")
    assert send(bearer(token)).status_code == status


@pytest.mark.parametrize("headers", [{}, bearer("x.y.z"), bearer(""), {"Authorization": "Basic x"}])
def test_who_proves_nothing_is_refused(send, headers):
    answer = send(headers)
    assert answer.status_code == 401
    assert answer.json["type"].endswith("#unauthorized")


def test_a_token_of_another_key_is_refused(send):
    other = rsa.generate_private_key(65537, 2048)
    usual = {"application_id": APP, "iat": time.time(), "exp": time.time() + 900, "jti": "1"}
    assert send(bearer(jwt.encode(usual, other, algorithm="RS256"))).status_code == 401


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"channel": "pigeon"}, 1400),
        ({"message_type": "image"}, 1440),
        ({"to": f"+{ADA}"}, 1430),
        ({"to": f"00{ADA}"}, 1430),
        ({"from": "Acme Shop"}, 1420),
        ({"from": "447700900999"}, 1120),
        ({"text": "a" * 3201}, 1090),
        ({"client_ref": "d" * 101}, 1450),
    ],
)
def test_what_vonage_refuses_is_refused(send, changes, code):
    answer = send(**changes)
    assert (answer.status_code, answer.json["title"]) == (422, str(code))


def test_without_credit_nothing_is_sent(send, account):
    body = {"application_id": APP, "api_key": KEY, "balance": 0}
    account.http.post("/_sandbox/applications", json=body)
    assert send().status_code == 402
    balance = account.http.get("/vonage/account/get-balance", headers=BASIC)
    assert balance.json["value"] == 0


def test_numbers_are_found_by_their_beginning(account):
    def numbers(pattern):
        path = f"/vonage/account/numbers?pattern={pattern}"
        return account.http.get(path, headers=BASIC).json

    assert [number["msisdn"] for number in numbers("4477")["numbers"]] == [OURS]
    assert numbers("1") == {}


def test_an_application_is_replaced_as_a_whole_and_keeps_its_key(account):
    path = f"/vonage/v2/applications/{APP}"
    before = account.http.get(path, headers=BASIC).json
    connect(account, "http://hub.example/")
    after = account.http.get(path, headers=BASIC).json
    assert after["keys"] == before["keys"]
    assert after["capabilities"]["messages"]["version"] == "v1"
    other = account.http.get("/vonage/v2/applications/other", headers=BASIC)
    assert other.status_code == 404


def test_faults_strike(send, account):
    account.fault(kind="rate_limit", operation="Messages.send", retry_after=15, times=1)
    account.fault(kind="token_revoked", provider="vonage", times=1)
    account.fault(kind="status", provider="vonage", code=1320, times=1)
    account.fault(kind="status", provider="vonage", status=503, times=1)
    answers = [send() for _ in range(5)]
    assert [answer.status_code for answer in answers] == [429, 401, 422, 503, 202]
    assert answers[0].headers["Retry-After"] == "15"
    assert answers[2].json["type"].endswith("#1320")


def test_a_body_that_is_no_object_is_refused(account):
    headers = BASIC | {"Content-Type": "application/json"}
    answer = account.http.post("/vonage/v1/messages", data="[]", headers=headers)
    assert answer.status_code == 422


# --- webhooks ------------------------------------------------------------------------------


def text(account, **more):
    body = {"from": f"+{ADA}", "to": f"+{OURS}", "text": "Is it ready?", **more}
    return account.http.post(f"/_sandbox/vonage/{APP}/messages", json=body)


def test_a_message_is_told_and_signed(account, hub):
    connect(account, hub.url)
    assert text(account).json["queued"]
    (told,) = hub.wait(1)
    assert told.update["from"] == ADA
    assert told.update["text"] == "Is it ready?"
    token = {name.lower(): value for name, value in told.headers.items()}["authorization"]
    token = token.removeprefix("Bearer ")
    assert verify_signature(token, SIGNS)
    claims = jwt.decode(token, SIGNS, algorithms=["HS256"])
    assert claims["payload_hash"] == hashlib.sha256(told.body).hexdigest()
    assert (claims["iss"], claims["api_key"], claims["application_id"]) == ("Vonage", KEY, APP)


@pytest.mark.parametrize(("status", "times"), [(503, 2), (429, 2), (401, 1), (400, 1)])
def test_only_429_and_5xx_are_told_again(account, hub, status, times):
    from tests.core.sandbox.conftest import Says

    hub.next_answers.append(Says(status))
    connect(account, hub.url)
    text(account)
    assert len(hub.wait(times)) == times
    assert account.calls(times)[-1]["status"] == (200 if times == 2 else status)


def test_a_number_that_leads_nowhere_tells_nobody(account):
    assert not text(account).json["queued"]


def test_a_status_goes_where_the_message_said(send, account, hub):
    sent = send(webhook_url=f"{hub.url}/one").json["message_uuid"]
    for status, code in (("submitted", None), ("rejected", 1240)):
        body = {"message_uuid": sent, "status": status, "error_code": code}
        answer = account.http.post(f"/_sandbox/vonage/{APP}/receipts", json=body)
        assert answer.status_code == 201
    told = {one.update["status"]: one.update for one in hub.wait(2, path="/one")}
    assert told["submitted"]["client_ref"] == "d-1"
    assert told["rejected"]["error"]["title"] == "1240"


def test_an_unknown_message_or_application_is_404(account):
    body = {"message_uuid": "x", "status": "submitted"}
    for path in (f"{APP}/receipts", "nobody/messages", f"{APP}/dances"):
        assert account.http.post(f"/_sandbox/vonage/{path}", json=body).status_code == 404
    assert text(account, to="+447700900999").status_code == 404


def test_an_application_is_listed_and_forgotten(account):
    (shown,) = account.http.get("/_sandbox/applications").json["items"]
    assert (shown["application_id"], shown["numbers"][0]["msisdn"]) == (APP, OURS)
    assert f"+{OURS}" in account.http.get("/").text
    wrong = {"application_id": APP, "api_key": KEY, "numbers": [f"+{OURS}"]}
    assert account.http.post("/_sandbox/applications", json=wrong).status_code == 422
    account.http.post("/_sandbox/reset")
    assert account.http.get("/_sandbox/applications").json["items"] == []
