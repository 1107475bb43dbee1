import threading

import pytest

TOKEN = "5550900:" + "A" * 35
ACCOUNT = "AC" + "0" * 31 + "9"


def test_bots_are_listed_with_their_webhooks(sandbox, telegram):
    made = {"token": TOKEN, "username": "shop_bot", "first_name": "Shop"}
    sandbox.http.post("/_sandbox/bots", json=made)
    telegram.post("webhook", {"url": "https://hub.example/w", "secret_token": "hidden"})
    [bot] = sandbox.http.get("/_sandbox/bots").json["items"]
    assert (bot["id"], bot["username"]) == ("5550900", "shop_bot")
    assert bot["webhook"] == {"url": "https://hub.example/w", "has_secret_token": True}


def test_accounts_are_listed_with_their_webhooks(sandbox, texted):
    [account] = sandbox.http.get("/_sandbox/accounts").json["items"]
    assert account["sid"] == ACCOUNT
    assert account["numbers"][0]["sms_url"].endswith("/webhooks/sms?a=b%20c")


def test_no_list_shows_a_secret(sandbox, hooked, texted):
    for path in ("bots", "accounts", "outbound", "calls", "faults", "rules"):
        text = sandbox.http.get(f"/_sandbox/{path}").text
        assert not {"A" * 35, "s3cret_-token", "0123456789abcdef" * 2} & set(text.split('"'))
        assert "A" * 35 not in text
        assert "0123456789abcdef0123456789abcdef" not in text


def test_what_was_sent_can_be_asked_for_in_steps(sandbox, telegram):
    telegram.write()
    for text in ("one", "two", "three"):
        telegram.result("sendMessage", chat_id=5550001, text=text)
    page = sandbox.http.get("/_sandbox/outbound", query_string={"limit": 2}).json
    assert [item["text"] for item in page["items"]] == ["one", "two"]
    rest = sandbox.http.get("/_sandbox/outbound", query_string={"since": page["next"]}).json
    assert [item["text"] for item in rest["items"]] == ["three"]
    assert rest["total"] == 3


def test_what_was_sent_is_forgotten_on_request(sandbox, telegram):
    telegram.write()
    telegram.result("sendMessage", chat_id=5550001, text="one")
    assert sandbox.http.delete("/_sandbox/outbound").status_code == 204
    assert sandbox.sent() == []
    telegram.result("sendMessage", chat_id=5550001, text="two")
    assert [line["text"] for line in sandbox.sent()] == ["two"]


def test_asking_can_wait_for_what_comes(sandbox, telegram):
    telegram.write()
    found = []
    asking = threading.Thread(target=lambda: found.extend(sandbox.sent(wait=10)))
    asking.start()
    telegram.result("sendMessage", chat_id=5550001, text="late")
    asking.join(10)
    assert [line["text"] for line in found] == ["late"]


@pytest.mark.parametrize(
    ("query", "texts"),
    [
        ({"provider": "telegram"}, ["tg"]),
        ({"provider": "twilio"}, ["sms"]),
        ({"address": "5550001"}, ["tg"]),
        ({"endpoint": ACCOUNT}, ["sms"]),
        ({}, ["tg", "sms"]),
    ],
)
def test_what_was_sent_is_found_by_where_it_went(sandbox, telegram, twilio, query, texts):
    telegram.write()
    telegram.result("sendMessage", chat_id=5550001, text="tg")
    twilio.create(Body="sms")
    assert [line["text"] for line in sandbox.sent(**query)] == texts


def test_a_reset_forgets_everything(sandbox, hooked, texted):
    hooked.write()
    sandbox.fault(kind="status")
    sandbox.rules(telegram_rate_limits=True)
    assert sandbox.http.post("/_sandbox/reset").status_code == 204
    for path in ("bots", "accounts", "outbound", "calls", "faults"):
        assert sandbox.http.get(f"/_sandbox/{path}").json["items"] == []
    assert sandbox.http.get("/_sandbox/rules").json["telegram_rate_limits"] is False


@pytest.mark.parametrize(
    ("method", "path", "body", "status"),
    [
        ("POST", "telegram/123456/messages", {"from": {"id": 1}, "text": "x"}, 404),
        ("POST", f"telegram/{TOKEN}/pigeons", {}, 404),
        ("POST", f"telegram/{TOKEN}/messages", {"text": "x"}, 422),
        ("POST", f"telegram/{TOKEN}/messages", {"from": {"id": "no number"}}, 422),
        ("POST", f"telegram/{TOKEN}/messages", {"update": {"update_id": 1}}, 422),
        ("POST", f"telegram/{TOKEN}/chats", {"id": 1}, 404),
        ("POST", f"twilio/{ACCOUNT}/messages", {"from": "+12065550107", "to": "+1"}, 404),
        ("POST", "accounts", {"sid": "AC1"}, 422),
        ("POST", "bots", {"token": "x"}, 422),
        ("PATCH", "rules", {"gravity": False}, 422),
        ("GET", "nothing", None, 404),
    ],
)
def test_a_wrong_request_is_answered_with_a_sentence(sandbox, method, path, body, status):
    answer = sandbox.http.open(f"/_sandbox/{path}", method=method, json=body)
    assert answer.status_code == status
    if path != "nothing":
        assert len(answer.json["error"]) > 10


@pytest.mark.parametrize("body", [b"{", b"\xff", b"[]"])
def test_a_body_that_is_no_object_is_refused_in_our_own_words(sandbox, body):
    answer = sandbox.http.post("/_sandbox/bots", data=body)
    assert answer.status_code == 422
    assert answer.json["error"].startswith(
        ("The body is not JSON", "The body must be a JSON object")
    )
