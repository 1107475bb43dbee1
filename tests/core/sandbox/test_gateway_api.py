"""The gateway's own rules: what it takes, what it refuses, and what arrives of a text."""

import pytest

USER = {"username": "chatapp", "password": "a word"}
SMS = {**USER, "from": "12345", "to": "+447700900123", "text": "Ready at 5", "dlr-mask": "31"}


@pytest.fixture
def send(sandbox):
    sandbox.rules(gateway_receipts=False)

    def sent(method="GET", *, data=None, headers=None, **changes):
        query = {name: one for name, one in {**SMS, **changes}.items() if one is not None}
        given = {"query_string": query} if method == "GET" else {"data": data, "headers": headers}
        answer = sandbox.http.open("/gateway/cgi-bin/sendsms", method=method, **given)
        return answer.status_code, answer.text

    return sent


def test_a_message_is_accepted_and_kept(send, sandbox):
    assert send() == (202, "0: Accepted for delivery")
    (line,) = sandbox.sent(provider="gateway")
    assert (line["endpoint"], line["address"], line["text"]) == (
        "chatapp",
        "+447700900123",
        "Ready at 5",
    )
    assert "password" not in line["params"]


def test_everything_may_stand_in_headers(send, sandbox):
    headers = {
        "Content-Type": "text/plain; charset=UTF-8",
        "X-Kannel-Username": "chatapp",
        "X-Kannel-Password": "a word",
        "X-Kannel-From": "12345",
        "X-Kannel-To": "+447700900123",
        "X-Kannel-Coding": "2",
    }
    assert send("POST", data="Да  😀\n".encode(), headers=headers)[0] == 202
    assert sandbox.sent()[0]["text"] == "Да  😀\n"


def test_a_form_is_refused(send):
    assert send("POST", data=SMS) == (400, "Invalid content-type")


@pytest.mark.parametrize(
    ("text", "coding", "arrived"),
    [
        ("Да", "0", "??"),
        ("ça", "0", "Ça"),
        ("Да", "2", "Да"),
        ("a" * 1531, "0", "a" * 1530),
        ("я" * 671, "2", "я" * 670),
    ],
)
def test_what_an_alphabet_lacks_and_what_is_too_long_is_lost(send, sandbox, text, coding, arrived):
    assert send(text=text, coding=coding)[0] == 202
    assert sandbox.sent()[0]["text"] == arrived


def test_the_first_password_is_the_right_one(send):
    send()
    assert send(password="another") == (403, "Authorization failed for sendsms")


def test_faults_strike(send, sandbox):
    sandbox.fault(kind="status", operation="sendsms", times=1)
    sandbox.fault(kind="token_revoked", operation="sendsms", times=1)
    sandbox.fault(kind="status", provider="gateway", status=400, body="No.", times=1)
    assert send()[0] == 500
    assert send() == (403, "Authorization failed for sendsms")
    assert send() == (400, "No.")
    assert send()[0] == 202


def test_what_is_not_there_is_unknown(sandbox):
    assert sandbox.http.get("/gateway/cgi-bin/other").text == "Unknown request."
    assert sandbox.http.post("/_sandbox/gateway/nobody/messages", json={}).status_code == 404


def test_a_user_is_configured_and_forgotten(sandbox):
    wanted = {"username": "shop", "numbers": ["12345"], "get_url": "http://hub.example/?x=%b"}
    assert sandbox.http.post("/_sandbox/gateways", json=wanted).status_code == 201
    assert sandbox.http.get("/_sandbox/gateways").json["items"] == [wanted]
    assert "12345" in sandbox.http.get("/").text
    sandbox.http.post("/_sandbox/reset")
    assert sandbox.http.get("/_sandbox/gateways").json["items"] == []
