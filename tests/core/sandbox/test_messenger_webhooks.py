"""What Meta tells the hub of a Page, and when; and what the customer's page does."""

import base64
import hashlib
import hmac
import json
from typing import Any
from urllib.parse import urlsplit

import pytest

from hubbub.sandbox.messenger.provider import psid_of
from hubbub.sandbox.providers import Persona

DATA = base64.b64encode(b"some bytes").decode()
ADA = psid_of("300300300300300", Persona("Ada Example"))


def item(told, place="messaging"):
    (entry,) = told.update["entry"]
    (one,) = entry[place]
    return one


@pytest.fixture
def chatting(messaged, hub):
    """A Page to which Ann wrote."""
    messaged.act("messages", text="Hi", name="Ann Test", mid="m_first")
    hub.wait(1)
    return messaged


@pytest.fixture
def sent(chatting):
    """The id of the Page's answer."""
    return chatting.text(reply_to={"mid": "m_first"}).json["message_id"]


# --- how a call is made --------------------------------------------------------------------


def test_conformance_02_a_call_is_signed_over_its_escaped_bytes(messaged, hub):
    messaged.act("messages", text="Café 😀 a/b")
    (told,) = hub.wait(1)
    assert b"Caf\\u00e9 \\ud83d\\ude00 a\\/b" in told.body
    digest = hmac.new(messaged.secret.encode(), told.body, hashlib.sha256).hexdigest()
    assert told.headers["X-Hub-Signature-256"] == f"sha256={digest}"


def test_a_wrong_signature_is_followed_by_a_right_one(messaged, hub, says, sandbox):
    sandbox.fault(kind="bad_signature", provider="messenger", times=1)
    hub.next_answers.append(says(401))
    messaged.act("messages", text="Hi")
    first, second = hub.wait(2)
    assert first.body == second.body
    assert first.headers["X-Hub-Signature-256"] != second.headers["X-Hub-Signature-256"]


def test_nothing_is_told_of_fields_that_only_app_or_page_has(messaged, hub):
    messaged.ask(
        "POST", f"{messaged.page}/subscribed_apps?subscribed_fields=messaging_postbacks,feed"
    )
    assert not messaged.act("messages", text="Hi")["queued"]
    assert messaged.act("taps", title="Start", payload="START")["queued"]
    messaged.ask("DELETE", f"{messaged.page}/subscribed_apps")
    assert not messaged.act("taps", title="Start", payload="START")["queued"]


# --- what customers do ---------------------------------------------------------------------


def test_a_text_is_told_with_its_time_in_milliseconds(messaged, hub):
    messaged.act("messages", text="Hi", mid="m_1", timestamp=1795000001.2)
    (told,) = hub.wait(1)
    assert told.update["object"] == "page"
    assert item(told) == {
        "sender": {"id": messaged.ann},
        "recipient": {"id": messaged.page},
        "timestamp": 1795000001200,
        "message": {"mid": "m_1", "text": "Hi"},
    }


def test_files_are_attachments_of_one_message_at_addresses_that_end(messaged, hub, sandbox):
    uploads = [
        {"kind": "image", "data": DATA, "filename": "a b.png", "mime_type": "image/png"},
        {"kind": "sticker", "data": DATA, "filename": "s.png", "mime_type": "image/png"},
    ]
    messaged.act("messages", text="Look", uploads=uploads)
    (told,) = hub.wait(1)
    message = item(told)["message"]
    assert message["text"] == "Look"
    assert [one["type"] for one in message["attachments"]] == ["image", "sticker"]
    assert message["attachments"][1]["payload"]["sticker_id"]
    url = urlsplit(message["attachments"][0]["payload"]["url"])
    assert url.path.endswith("/a%20b.png")
    got = sandbox.http.get(f"{url.path}?{url.query}")
    assert (got.data, got.content_type) == (b"some bytes", "image/png")
    for over in ("oe=1", "oe=x", ""):
        assert sandbox.http.get(f"{url.path}?{over}").status_code == 403


ACTS: dict[str, tuple[dict[str, Any], str, dict[str, Any]]] = {
    "edits": ({"message_id": "m_first", "text": "Hello"}, "message_edit", {"num_edit": 1}),
    "deletions": ({"message_id": "m_first"}, "message", {"mid": "m_first", "is_deleted": True}),
    "reactions": (
        {"message_id": "m_first", "emoji": "❤️"},
        "reaction",
        {"action": "react", "reaction": "love", "emoji": "❤️"},
    ),
    "taps": ({"title": "Start", "payload": "START"}, "postback", {"payload": "START"}),
    "referrals": ({"ref": "spring", "ad_id": "6"}, "referral", {"ref": "spring", "ad_id": "6"}),
    "optins": ({"optin": {"type": "x"}}, "optin", {"type": "x"}),
    "owners": ({"app_id": "1"}, "pass_thread_control", {"new_owner_app_id": "1"}),
}


@pytest.mark.parametrize("action", ACTS)
def test_each_act_is_told_under_its_name(chatting, hub, action):
    body, name, said = ACTS[action]
    assert chatting.act(action, **body)["queued"]
    told = item(hub.wait(2)[1])
    assert said.items() <= told[name].items()


def test_a_reaction_that_is_taken_back_names_its_message_alone(chatting, hub):
    chatting.act("reactions", message_id="m_first", emoji="")
    assert item(hub.wait(2)[1])["reaction"] == {"mid": "m_first", "action": "unreact"}


def test_a_message_can_be_edited_five_times_and_taken_back_once(chatting):
    for _ in range(5):
        chatting.act("edits", message_id="m_first", text="Hello")
    body = {"from": chatting.ann, "message_id": "m_first"}
    path = f"/_sandbox/messenger/{chatting.page}"
    assert chatting.http.post(f"{path}/edits", json=body | {"text": "x"}).status_code == 422
    chatting.act("deletions", message_id="m_first")
    assert chatting.http.post(f"{path}/deletions", json=body).status_code == 404


def test_a_tap_is_a_postback_and_a_quick_reply_a_message(chatting, hub):
    button = {"type": "postback", "title": "Yes", "payload": "YES"}
    payload = {"template_type": "button", "text": "Sure?", "buttons": [button]}
    quick = {"content_type": "text", "title": "Red", "payload": "RED"}
    below = chatting.send({"attachment": {"type": "template", "payload": payload}}).json
    offered = chatting.send({"text": "Colour?", "quick_replies": [quick]}).json
    chatting.act("presses", message_id=below["message_id"], data="YES")
    chatting.act("presses", message_id=offered["message_id"], data="RED")
    tap, reply = (item(told) for told in hub.wait(3)[1:])
    assert (tap["postback"]["title"], tap["postback"]["payload"]) == ("Yes", "YES")
    assert (reply["message"]["text"], reply["message"]["quick_reply"]) == (
        "Red",
        {"payload": "RED"},
    )


def test_conformance_15_what_another_app_answers_is_told_in_standby(chatting, hub):
    chatting.act("owners", app_id="1")
    chatting.act("messages", text="Hello?")
    chatting.act("taps", title="Call", payload="CALL")
    chatting.act("owners")
    _, passed, asked, tap, back = hub.wait(5)
    assert item(passed)["pass_thread_control"]["previous_owner_app_id"] == chatting.app
    assert item(asked, "standby")["message"]["text"] == "Hello?"
    assert "payload" not in item(tap, "standby")["postback"]
    assert item(back)["pass_thread_control"]["new_owner_app_id"] == chatting.app


def test_anything_else_is_told_as_it_is(chatting, hub):
    entry = [{"id": "1", "messaging": [{"moon": {}}]}, {"id": "2", "changes": []}]
    assert chatting.as_page("events", entry=entry)["queued"]
    assert hub.wait(2)[1].update == {"object": "page", "entry": entry}


# --- what becomes of messages --------------------------------------------------------------


def test_a_message_is_echoed_delivered_and_read_when_the_chat_is_opened(chatting, hub, sandbox):
    sandbox.rules(messenger_receipts=True, messenger_delivered_after=0)
    mid = chatting.send({"text": "Ready", "metadata": "ref"}).json["message_id"]
    echo, delivery = (item(told) for told in hub.wait(3)[1:])
    assert (echo["sender"], echo["recipient"]) == ({"id": chatting.page}, {"id": chatting.ann})
    assert echo["message"] == {
        "mid": mid,
        "is_echo": True,
        "app_id": int(chatting.app),
        "text": "Ready",
        "metadata": "ref",
    }
    assert delivery["delivery"]["mids"] == [mid]
    assert delivery["delivery"]["watermark"] >= echo["timestamp"]
    assert chatting.act("openings")["queued"]
    assert item(hub.wait(4)[3])["read"]["watermark"] >= echo["timestamp"]
    assert not chatting.act("openings")["queued"]


@pytest.mark.parametrize(
    ("fault", "told"),
    [
        ("reorder_receipts", ["delivery", "message"]),
        ("undelivered", ["message"]),
    ],
)
def test_receipts_may_be_made_to_go_wrong(chatting, hub, sandbox, fault, told):
    sandbox.rules(messenger_receipts=True, messenger_delivered_after=0)
    sandbox.fault(kind=fault, provider="messenger", times=1)
    chatting.text()
    chatting.act("messages", text="after it")
    heard = [item(one) for one in hub.wait(len(told) + 2)[1:]]
    ours = [one for one in heard if one.get("message", {}).get("text") != "after it"]
    assert [next(name for name in told if name in one) for one in ours] == told


def test_a_receipt_can_be_told_by_hand_in_any_order(chatting, hub, sent):
    for status in ("read", "delivered", "echo"):
        chatting.as_page("receipts", id=sent, status=status, names=False)
    read, delivery, echo = (item(told) for told in hub.wait(4)[1:])
    assert "watermark" in read["read"]
    assert delivery["delivery"].keys() == {"watermark"}
    assert echo["message"]["mid"] == sent


def test_conformance_07_the_page_inbox_answers_past_the_hub(chatting, hub):
    mid = chatting.as_page("answers", to=chatting.ann, text="Hello")["mid"]
    message = item(hub.wait(2)[1])["message"]
    assert message == {"mid": mid, "is_echo": True, "app_id": 263902037430900, "text": "Hello"}


def test_the_echo_of_a_file_names_it(chatting, hub):
    hub.resources["/cup.png"] = ("image/png", b"png")
    payload = {"url": f"{hub.url}/cup.png"}
    mid = chatting.send({"attachment": {"type": "image", "payload": payload}}).json["message_id"]
    chatting.as_page("receipts", id=mid, status="echo")
    (attachment,) = item(hub.wait(2)[1])["message"]["attachments"]
    assert (attachment["type"], "/cdn/" in attachment["payload"]["url"]) == ("image", True)


# --- the customer's page -------------------------------------------------------------------


class Chat:
    """Ada in front of the page."""

    def __init__(self, http, page):
        self.http = http
        self.seat = {"channel": f"messenger:{page}", "persona": "Ada Example"}

    def shown(self):
        return self.http.get("/thread", query_string=self.seat).text

    def do(self, path="say", **form):
        answer = self.http.post(f"/{path}", data={**self.seat, **form})
        assert answer.status_code == 303, answer.text


@pytest.fixture
def chat(messaged, hub):
    chat = Chat(messaged.http, messaged.page)
    chat.do(text="Hello", latitude="48.1", longitude="11.5", place_name="Test Cafe")
    hub.wait(1)
    return chat


def mid_of(told):
    return item(told)["message"]["mid"]


def test_a_customer_says_words_and_place_in_one_message(chat, hub, sandbox):
    assert sandbox.calls(1, kind="message")[0]["status"] == 200
    message = item(hub.told[0])["message"]
    assert message["text"] == "Hello"
    assert message["attachments"][0]["payload"]["coordinates"] == {"lat": 48.1, "long": 11.5}
    shown = chat.shown()
    assert "Hello\n📍 48.1, 11.5" in shown
    assert "the hub has it" in shown


def test_a_customer_edits_quotes_reacts_and_takes_back(chat, hub):
    mid = mid_of(hub.told[0])
    chat.do(edits=mid, text="Hello there")
    chat.do(quotes=mid, text="That is me")
    chat.do("react", message=mid, emoji="👍")
    assert "· edited" in chat.shown()
    chat.do(unsends=mid)
    edit, quoting, reaction, unsent = (item(told) for told in hub.wait(5)[1:])
    assert edit["message_edit"]["text"] == "Hello there"
    assert quoting["message"]["reply_to"] == {"mid": mid}
    assert reaction["reaction"]["reaction"] == "like"
    assert unsent["message"]["is_deleted"] is True
    assert "(unsent)" in chat.shown()
    assert f'value="{mid}"' not in chat.shown()


def test_a_customer_plays_the_page_inbox_too(chat, hub):
    chat.do(text="We are open", by_colleague="1")
    assert item(hub.wait(2)[1])["message"]["is_echo"] is True
    assert "by the Page inbox" in chat.shown()


def test_a_customer_sees_buttons_cards_and_quick_replies_while_they_are_new(chat, hub, messaged):
    button = {"type": "postback", "title": "Book", "payload": "BOOK"}
    link = {"type": "web_url", "title": "Site", "url": "https://example.org"}
    element = {"title": "Room 1", "subtitle": "09:00", "buttons": [button, link]}
    cards = {"template_type": "generic", "elements": [element]}
    quick = {"content_type": "text", "title": "Red", "payload": "RED"}
    to = {"recipient": {"id": ADA}}
    messaged.send({"attachment": {"type": "template", "payload": cards}}, **to)
    mid = messaged.send({"text": "Colour?", "quick_replies": [quick]}, **to).json["message_id"]
    shown = chat.shown()
    assert "Room 1, 09:00" in shown
    assert 'href="https://example.org"' in shown
    assert 'value="RED"' in shown
    chat.do("press", message=mid, data="RED")
    assert item(hub.wait(2)[1])["message"]["quick_reply"] == {"payload": "RED"}
    assert 'value="RED"' not in chat.shown()
    assert 'value="BOOK"' in chat.shown()


def test_a_look_at_the_chat_reads_what_was_delivered(chat, hub, messaged):
    mid = messaged.text(recipient={"id": ADA}).json["message_id"]
    chat.do("confirm", message=mid, receipt="delivered")
    hub.wait(2)
    chat.http.get("/thread", query_string={**chat.seat, "visible": "1"})
    assert "read" in item(hub.wait(3)[2])
    assert "· read" in chat.shown()


def test_a_customer_blocks_the_page(chat, messaged):
    chat.do("leave", left="1")
    refused = messaged.text(recipient={"id": ADA})
    assert refused.json["error"]["code"] == 551
    assert "Unblock" in chat.shown()


def test_what_no_customer_could_write_is_shown_as_something_else(chat, hub, messaged):
    body = {"from": ADA, "message": {"attachments": ["nonsense"]}}
    messaged.http.post(f"/_sandbox/messenger/{messaged.page}/messages", json=body)
    assert "(something else)" in chat.shown()
    assert json.loads(hub.wait(2)[1].body)
