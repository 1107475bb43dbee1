"""The channel from end to end, through the hub's API alone, at the simulated Meta.

The simulator was written from the fact sheet, and refuses what Meta would refuse.
"""

import base64
import io
from datetime import UTC, datetime
from typing import Any

import pytest
from flask import Flask

from hubbub.api import make_api
from hubbub.people.tokens import create_token
from tests.plugins.messenger.conftest import ANN, APP_ID, APP_SECRET, PAGE_ID, TOKEN

PAGE = {
    "page_id": PAGE_ID,
    "app_id": APP_ID,
    "app_secret": APP_SECRET,
    "page_access_token": TOKEN,
    "name": "Shop",
    "requires_proof": True,
}
SCOPES = ["pages_messaging", "pages_manage_metadata"]
JPEG = b"\xff\xd8\xff\xe0 a picture"
MP3 = b"ID3 a song"
PDF = b"%PDF-1.4 x"


class Shop:
    """A hub with one Page, as programs and customers see it."""

    def __init__(self, joined):
        self.joined = joined
        app = Flask("test", static_folder=None)
        app.register_blueprint(make_api(joined.world.hub))
        self.http = app.test_client()
        _, token = create_token(joined.world.hub, name="test", actor="cli")
        self.headers = {"Authorization": f"Bearer {token}"}
        self.channel = {}

    def api(self, method, path, body=None, *, status=200, **more):
        """Call the API, and do the work that follows."""
        answer = self.http.open(
            f"/api/v1{path}", method=method, json=body, headers=self.headers, **more
        )
        assert answer.status_code == status, answer.text
        self.joined.world.work()
        return answer.json

    def open(self, **settings):
        """Connect the channel; Meta shakes hands meanwhile."""
        body = {
            "type": "messenger",
            "name": "Shop",
            "credentials": {"page_access_token": TOKEN, "app_secret": APP_SECRET},
            "settings": {
                "page_id": PAGE_ID,
                "app_id": APP_ID,
                "api_base": f"{self.joined.sandbox.url}/messenger",
                **settings,
            },
        }
        self.channel = self.api("POST", "/channels", body, status=201)
        return self

    def customer(self, action="messages", **body):
        """Let a customer act, and the hub hear it; return what Meta calls it."""
        return self.meta(action, **{"from": ANN, "name": "Ann Test", **body})

    def meta(self, action, **body):
        told = self.joined.control(f"messenger/{PAGE_ID}/{action}", body)
        if told.get("queued", True):
            self.joined.heard()
        return told

    def messages(self):
        """Return the messages of the only conversation, oldest first."""
        (conversation,) = self.api("GET", "/conversations")["items"]
        return self.api("GET", f"/conversations/{conversation['id']}/messages")["items"]

    def contact(self):
        (contact,) = self.api("GET", "/contacts")["items"]
        return contact

    def contents(self):
        return [message["content"] for message in self.messages()]

    def say(self, content, *, status=202, **more):
        body = {"channel_id": self.channel["id"], "to": {"address": ANN}, "content": content}
        return self.api("POST", "/messages", body | more, status=status)

    def again(self, message):
        return self.api("GET", f"/messages/{message['id']}")

    def upload(self, data, name):
        answer = self.http.post(
            "/api/v1/media", data={"file": (io.BytesIO(data), name)}, headers=self.headers
        )
        assert answer.status_code == 201, answer.text
        return {"id": (answer.json or {})["id"]}


@pytest.fixture
def shop(joined):
    # Meta tells times of today, and the window counts from them.
    joined.world.clock.now = datetime.now(UTC)
    joined.control("rules", {"messenger_receipts": False}, method="PATCH")
    joined.control("pages", PAGE)
    shop = Shop(joined).open()
    assert joined.heard() == [200]  # the handshake
    return shop


def findings(shop):
    shown = shop.api("POST", f"/channels/{shop.channel['id']}/check")
    return shown["status"], {finding["code"] for finding in shown["findings"] if not finding["ok"]}


def taken(line):
    """Return what a message to Ann was, without the parts that all have."""
    params = line["params"]
    assert params["recipient"] == {"id": ANN}
    assert params["messaging_type"] == "RESPONSE"
    message = dict(params["message"])
    assert len(message.pop("metadata")) == 26
    return message


# --- the whole way -------------------------------------------------------------------------


def test_a_conversation_from_the_first_word_to_the_last_receipt(shop):
    assert shop.channel["status"] == "connected"
    assert shop.channel["verify_token"]
    mid = shop.customer(text="Is it open today? Café 😀 a/b")["mid"]
    (inbound,) = shop.messages()
    assert (inbound["direction"], inbound["status"]) == ("inbound", "received")
    assert inbound["content"] == {"type": "text", "text": "Is it open today? Café 😀 a/b"}
    assert inbound["sender"]["address"] == ANN
    assert shop.contact()["name"] == "Ann Test"
    assert (inbound["external_id"], inbound["reply_to"]) == (mid, None)

    answer = {"conversation_id": inbound["conversation_id"]}
    answer |= {"content": {"type": "text", "text": "Yes, till 6"}}
    shop.headers["Idempotency-Key"] = "one"
    message = shop.api("POST", "/messages", answer, status=202)
    assert message["status"] == "queued"
    assert shop.api("POST", "/messages", answer, status=202)["id"] == message["id"]

    (sent,) = shop.joined.sent()
    reference = sent["params"]["message"].pop("metadata")
    assert sent["params"] == {
        "recipient": {"id": ANN},
        "messaging_type": "RESPONSE",
        "message": {"text": "Yes, till 6"},
    }
    assert len(reference) == 26
    said = shop.again(message)
    assert (said["status"], said["external_id"]) == ("sent", sent["external_id"])
    assert said["sender"]["address"] == PAGE_ID
    shop.meta("receipts", id=sent["external_id"], status="echo")
    assert shop.again(message)["status"] == "sent"
    shop.meta("receipts", id=sent["external_id"], status="delivered", names=False)
    assert shop.again(message)["status"] == "delivered"
    shop.customer("openings")
    assert shop.again(message)["status"] == "read"
    assert len(shop.messages()) == 2
    trace = shop.api("GET", f"/messages/{message['id']}/trace")["items"]
    assert {"deliver", "track"} <= {line["stage"] for line in trace}


def upload(kind, data, filename, mime_type):
    return {
        "kind": kind,
        "data": base64.b64encode(data).decode(),
        "filename": filename,
        "mime_type": mime_type,
    }


PLACE = {"type": "location", "payload": {"coordinates": {"lat": 48.1, "long": 11.5}}}
LINK = {"type": "fallback", "payload": {"title": "Example", "url": "https://example.org/x"}}
THUMB = {"type": "sticker", "payload": {"sticker_id": 369239263222822, "url": "https://x.test/s"}}


def test_conformance_05_what_customers_say_and_do_reaches_the_inbox(shop):
    shop.customer(message={"attachments": [PLACE]})
    shop.customer(text="https://example.org/x", message={"attachments": [LINK]})
    shop.customer(message={"attachments": [THUMB]})
    shop.customer(message={"attachments": [{"type": "hologram", "payload": {}}]})
    shop.customer(message={})
    shop.customer("taps", title="Get Started", payload="GET_STARTED")
    shop.customer("referrals", ref="spring", source="ADS", ad_id="6000000001")
    shop.customer("optins", optin={"type": "notification_messages", "title": "News"})
    assert shop.contents() == [
        {"type": "location", "latitude": 48.1, "longitude": 11.5},
        {"type": "text", "text": "https://example.org/x\nExample"},
        {"type": "text", "text": "👍"},
        {"type": "unsupported", "provider_type": "hologram"},
        {"type": "unsupported", "provider_type": "message"},
        {"type": "choice", "id": "GET_STARTED", "title": "Get Started"},
        {
            "type": "system",
            "event": "started",
            "detail": "ref=spring, source=ADS, type=OPEN_THREAD, ad_id=6000000001",
        },
        {"type": "system", "event": "optin", "detail": "News"},
    ]


def test_files_of_a_customer_are_fetched_each_as_a_message(shop):
    files = [
        upload("image", JPEG, "cup 1.jpg", "image/jpeg"),
        upload("audio", MP3, "note.mp3", "audio/mpeg"),
        upload("file", PDF, "offer.pdf", "application/pdf"),
        upload("sticker", b"\x89PNG\r\n\x1a\n", "s.png", "image/png"),
    ]
    shop.customer(text="Look", uploads=files)
    shop.joined.world.pass_time(seconds=5)
    text, *shown = shop.contents()
    assert text == {"type": "text", "text": "Look"}
    assert [content["type"] for content in shown] == ["image", "audio", "document", "sticker"]
    media = [content["media"] for content in shown]
    assert {one["state"] for one in media} == {"ready"}
    assert [one["filename"] for one in media] == [one["filename"] for one in files]
    assert [one["size"] for one in media[:3]] == [len(JPEG), len(MP3), len(PDF)]


def test_what_is_taken_back_goes_with_all_its_files(shop):
    files = [upload("image", JPEG, name, "image/jpeg") for name in ("a.jpg", "b.jpg")]
    mid = shop.customer(text="Look", uploads=files)["mid"]
    shop.customer("edits", message_id=mid, text="Look here")
    shop.customer("deletions", message_id=mid)
    messages = shop.messages()
    assert [message["external_id"] for message in messages] == [mid] * 3
    assert all(message["deleted_at"] for message in messages)
    assert [bool(message["edited_at"]) for message in messages] == [True, False, False]


def test_a_file_whose_address_is_over_is_lost(shop):
    shop.joined.control("rules", {"messenger_media_seconds": 0}, method="PATCH")
    shop.customer(uploads=[upload("image", JPEG, "cup.jpg", "image/jpeg")])
    shop.joined.world.pass_time(seconds=5)
    (content,) = shop.contents()
    assert content["media"]["state"] == "failed"


def test_conformance_09_quotations_reactions_edits_and_deletions_are_of_their_message(shop):
    first = shop.customer(text="fxied")["mid"]
    gone = shop.customer(text="wrong chat")["mid"]
    ours = shop.say({"type": "text", "text": "Ready"})
    sent = shop.joined.sent()[0]["external_id"]
    shop.customer(text="Thanks", quotes=sent)
    shop.customer("reactions", message_id=sent, emoji="👍")
    shop.customer("reactions", message_id=sent, emoji="")
    shop.customer("edits", message_id=first, text="fixed")
    shop.customer("deletions", message_id=gone)
    edited, deleted, _, quoting, reaction, taken_back = shop.messages()
    assert (edited["content"]["text"], bool(edited["edited_at"])) == ("fixed", True)
    assert deleted["deleted_at"]
    assert (quoting["reply_to"], quoting["reply_to_external_id"]) == (ours["id"], sent)
    assert reaction["content"] == {"type": "reaction", "emoji": "👍", "target_external_id": sent}
    assert taken_back["content"]["emoji"] == ""


OPTIONS = [{"id": f"o{number}", "title": f"Slot {number}"} for number in range(4)]
CARDS = [{"id": "r1", "title": "Room 1", "description": "09:00"}]


def button(option):
    return {"type": "postback", "title": option["title"], "payload": option["id"]}


WRITTEN: dict[str, Any] = {
    "location": (
        {"type": "location", "latitude": 48.1, "longitude": 11.5, "name": "Test Cafe"},
        [{"text": "Test Cafe\nhttps://maps.google.com/?q=48.1,11.5"}],
    ),
    "buttons": (
        {"type": "choices", "text": "When?", "options": OPTIONS[:3]},
        [
            {
                "attachment": {
                    "type": "template",
                    "payload": {
                        "template_type": "button",
                        "text": "When?",
                        "buttons": [button(option) for option in OPTIONS[:3]],
                    },
                }
            }
        ],
    ),
    "quick replies": (
        {"type": "choices", "text": "When?", "options": OPTIONS},
        [
            {
                "text": "When?",
                "quick_replies": [
                    {"content_type": "text", "title": one["title"], "payload": one["id"]}
                    for one in OPTIONS
                ],
            }
        ],
    ),
    "cards": (
        {"type": "choices", "text": "Which?", "options": CARDS},
        [
            {"text": "Which?"},
            {
                "attachment": {
                    "type": "template",
                    "payload": {
                        "template_type": "generic",
                        "elements": [
                            {"title": "Room 1", "subtitle": "09:00", "buttons": [button(CARDS[0])]}
                        ],
                    },
                }
            },
        ],
    ),
}


def test_conformance_11_what_we_say_is_taken_as_documented(shop):
    shop.customer(text="Hi")
    said = [shop.say(content) for content, _ in WRITTEN.values()]
    expected = [document for _, documents in WRITTEN.values() for document in documents]
    assert [taken(line) for line in shop.joined.sent()] == expected
    assert [shop.again(one)["status"] for one in said] == ["sent"] * len(said)


def test_conformance_11_a_long_text_is_several_messages(shop):
    shop.customer(text="Hi")
    words = " ".join(["word"] * 500)
    message = shop.say({"type": "text", "text": words})
    texts = [taken(line)["text"] for line in shop.joined.sent()]
    assert [len(text) <= 2000 for text in texts] == [True, True]
    assert " ".join(text.strip() for text in texts) == words
    assert shop.again(message)["status"] == "sent"


def test_conformance_11_files_are_uploaded_and_sent_by_their_id(shop):
    shop.customer(text="Hi")
    files = {
        "image": (JPEG, "cup.jpg", "image"),
        "voice": (MP3, "note.mp3", "audio"),
        "document": (PDF, "offer.pdf", "file"),
    }
    for kind, (data, name, _) in files.items():
        shop.say({"type": kind, "media": shop.upload(data, name)})
    shop.say({"type": "image", "media": shop.upload(JPEG, "b.jpg"), "caption": "Blue"})
    *attached, caption = (taken(line) for line in shop.joined.sent())
    assert [one["attachment"]["type"] for one in attached] == ["image", "audio", "file", "image"]
    for one in attached:
        assert one["attachment"]["payload"].pop("attachment_id").isdigit()
        assert one["attachment"]["payload"] == {}
    assert caption == {"text": "Blue"}


def test_a_tap_comes_back_as_the_choice(shop):
    shop.customer(text="Hi")
    for content in (WRITTEN["buttons"][0], WRITTEN["quick replies"][0]):
        shop.say(content)
    buttons, replies = (line["external_id"] for line in shop.joined.sent())
    shop.customer("presses", message_id=buttons, data="o1")
    shop.customer("presses", message_id=replies, data="o3")
    choices = [content for content in shop.contents() if content["type"] == "choice"]
    assert choices == [
        {"type": "choice", "id": "o1", "title": "Slot 1"},
        {"type": "choice", "id": "o3", "title": "Slot 3"},
    ]


# --- others who answer ---------------------------------------------------------------------


def test_conformance_07_what_the_page_inbox_answers_is_shown_as_sent_by_it(shop):
    shop.customer(text="Hi")
    mid = shop.meta("answers", to=ANN, text="Hello from Facebook")["mid"]
    _, theirs = shop.messages()
    assert (theirs["direction"], theirs["status"]) == ("outbound", "sent")
    assert (theirs["external_id"], theirs["content"]["text"]) == (mid, "Hello from Facebook")
    shop.meta("receipts", id=mid, status="delivered")
    assert shop.again(theirs)["status"] == "delivered"
    assert shop.joined.sent() == []


def test_conformance_15_another_app_answers_until_the_chat_comes_back(shop):
    shop.customer(text="Hi")
    shop.customer("owners", app_id="263902037430900")
    shop.customer(text="Where is it?")
    shop.customer("taps", title="Call me", payload="CALL")
    failed = shop.again(shop.say({"type": "text", "text": "Here"}))
    assert (failed["status"], failed["error"]["code"]) == ("failed", "other_app")
    assert failed["error"]["provider_code"] == "10/2018300"
    shop.customer("owners")
    assert shop.again(shop.say({"type": "text", "text": "Here"}))["status"] == "sent"
    passed, asked, tap = shop.contents()[1:4]
    assert (passed["event"], passed["detail"]) == ("control_passed", "from us, to Page inbox")
    assert asked["text"] == "Where is it?"
    assert tap == {"type": "choice", "id": "Call me", "title": "Call me"}


# --- what goes wrong -----------------------------------------------------------------------


def test_conformance_02_a_wrong_signature_is_quarantined_until_meta_calls_again(shop):
    shop.joined.fault("bad_signature", "webhook", times=1)
    shop.joined.control(f"messenger/{PAGE_ID}/messages", {"from": ANN, "text": "Hi"})
    assert shop.joined.heard(2) == [401, 200]
    assert len(shop.messages()) == 1


def test_conformance_03_a_batch_is_taken_apart_and_the_rest_ignored(shop):
    def item(mid, text):
        return {
            "sender": {"id": ANN},
            "recipient": {"id": PAGE_ID},
            "timestamp": 1795000001200,
            "message": {"mid": mid, "text": text},
        }

    entry = {"id": PAGE_ID, "time": 1795000001500}
    shop.meta(
        "events",
        entry=[
            entry | {"messaging": [item("m_1", "One"), item("m_2", "Two"), item("m_1", "One")]},
            entry | {"messaging": [item("m_3", "Three"), {"sender": {"id": ANN}, "moon": {}}]},
            entry | {"id": "999999999999999", "messaging": [item("m_4", "Another Page's")]},
        ],
    )
    assert [content["text"] for content in shop.contents()] == ["One", "Two", "Three"]


def test_conformance_04_the_same_call_twice_is_one_message(shop):
    shop.joined.fault("duplicate_webhooks", "webhook", times=1)
    shop.joined.control(f"messenger/{PAGE_ID}/messages", {"from": ANN, "text": "Hi"})
    assert shop.joined.heard(2) == [200, 200]
    assert len(shop.messages()) == 1


def test_conformance_08_a_watermark_settles_what_was_sent_before_it(shop):
    shop.customer(text="Hi")
    said = [shop.say({"type": "text", "text": text}) for text in ("One", "Two")]
    for line in shop.joined.sent():
        shop.meta("receipts", id=line["external_id"], status="echo")
    last = shop.joined.sent()[1]["external_id"]
    shop.meta("receipts", id=last, status="read")
    shop.meta("receipts", id=last, status="delivered")
    assert [shop.again(one)["status"] for one in said] == ["read", "read"]


def hours_ago(shop, hours):
    return shop.joined.world.hub.now().timestamp() - hours * 3600


def test_conformance_12_after_a_day_the_hub_refuses_by_itself(shop):
    shop.customer(text="Hi", timestamp=hours_ago(shop, 25))
    (inbound,) = shop.messages()
    sendable = shop.api("GET", f"/conversations/{inbound['conversation_id']}/sendable")
    assert sendable["kinds"] == []
    refused = shop.say({"type": "text", "text": "Hello"}, status=409)
    assert refused["type"].endswith("/window-closed")


def test_conformance_12_a_window_that_meta_knows_to_be_closed_says_so(shop):
    shop.customer(text="Hi")
    old = {"from": ANN, "text": "Hi", "timestamp": hours_ago(shop, 30), "mid": "m_old"}
    shop.meta("messages", **old)
    said = shop.again(shop.say({"type": "text", "text": "Still there?"}))
    assert (said["status"], said["error"]["code"]) == ("failed", "window_closed")
    assert said["error"]["provider_code"] == "10/2018278"


def test_conformance_13_a_dead_token_stops_sending_until_it_is_replaced(shop):
    shop.customer(text="Hi")
    shop.joined.control(f"messenger/{PAGE_ID}/revoke", {})
    message = shop.say({"type": "text", "text": "Ready"})
    assert shop.api("GET", f"/channels/{shop.channel['id']}")["status"] == "error"
    shop.customer(text="Hello?")
    assert len(shop.messages()) == 3
    new = {"page_access_token": "EAANewToken"}
    shop.joined.control("pages", PAGE | new)
    shown = shop.api("PATCH", f"/channels/{shop.channel['id']}", {"credentials": new})
    assert shown["status"] == "connected"
    shop.joined.world.pass_time(minutes=1)
    assert shop.again(message)["status"] == "sent"


def test_conformance_13_a_restricted_page_waits(shop):
    shop.customer(text="Hi")
    shop.joined.fault("status", "Messages.send", code=1893063, times=1)
    message = shop.say({"type": "text", "text": "Ready"})
    shown = shop.api("GET", f"/channels/{shop.channel['id']}")
    assert (shown["status"], "restricted" in shown["status_reason"]) == ("error", True)
    assert shop.api("POST", f"/channels/{shop.channel['id']}/check")["status"] == "connected"
    shop.joined.world.pass_time(hours=1)
    assert shop.again(message)["status"] == "sent"


@pytest.mark.parametrize("code", [613, 4, 80006])
def test_conformance_14_throttling_is_waited_out(shop, code):
    shop.customer(text="Hi")
    shop.joined.fault("rate_limit", "Messages.send", code=code, retry_after=60, times=1)
    message = shop.say({"type": "text", "text": "Ready"})
    assert shop.again(message)["status"] in {"queued", "sending"}
    shop.joined.world.pass_time(seconds=130)
    assert shop.again(message)["status"] == "sent"
    assert len(shop.joined.sent()) == 1


def test_conformance_14_who_blocked_the_page_gets_nothing_until_they_write(shop):
    shop.customer(text="Hi")
    shop.joined.control(f"messenger/{PAGE_ID}/blocks", {"from": ANN})
    failed = shop.again(shop.say({"type": "text", "text": "Ready"}))
    assert (failed["error"]["code"], failed["error"]["provider_code"]) == (
        "unavailable",
        "551/1545041",
    )
    shop.joined.control(f"messenger/{PAGE_ID}/blocks", {"from": ANN, "blocked": False})
    shop.customer(text="Sorry")
    assert shop.again(shop.say({"type": "text", "text": "Ready"}))["status"] == "sent"


def test_conformance_15_a_lost_answer_is_settled_by_the_echo_and_not_sent_again(shop):
    shop.customer(text="Hi")
    shop.joined.fault("drop_after_accept", "Messages.send", times=1)
    message = shop.say({"type": "text", "text": "Ready"})
    assert shop.again(message)["status"] == "unknown"
    (sent,) = shop.joined.sent()
    shop.meta("receipts", id=sent["external_id"], status="echo")
    said = shop.again(message)
    assert (said["status"], said["external_id"]) == ("sent", sent["external_id"])
    shop.joined.world.pass_time(hours=1)
    assert len(shop.joined.sent()) == 1


def test_who_hides_their_name_is_told_apart_by_their_number(shop):
    shop.joined.control(
        f"messenger/{PAGE_ID}/people", {"from": ANN, "name": "Ann", "hides_profile": True}
    )
    shop.customer(text="Hi")
    assert shop.contact()["name"] == f"Messenger user {ANN[-4:]}"


# --- the channel itself --------------------------------------------------------------------


def test_a_channel_that_is_deleted_is_called_no_more(shop):
    (shown,) = shop.joined.http.get("/_sandbox/pages").json["items"]
    assert shown["webhook"] == shop.channel["webhook_url"]
    shop.api("DELETE", f"/channels/{shop.channel['id']}", status=204)
    (shown,) = shop.joined.http.get("/_sandbox/pages").json["items"]
    assert (shown["app_callback"], shown["subscribed_fields"]) == ("", [])


def test_a_check_says_what_is_wrong_at_meta(shop):
    for wrong, right, found in (
        ({"app_secret": "another"}, PAGE, {"app"}),
        ({"page_access_token": "EAAnother"}, PAGE, {"token"}),
        ({"scopes": ["pages_messaging"]}, {"scopes": SCOPES}, {"scopes", "subscription"}),
    ):
        shop.joined.control("pages", PAGE | wrong)
        assert findings(shop) == ("error", found)
        shop.joined.control("pages", PAGE | right)
    # Only a warning.
    soon = int(shop.joined.world.hub.now().timestamp()) + 3600
    shop.joined.control("pages", PAGE | {"expires_at": soon})
    assert findings(shop) == ("connected", set())


def test_conformance_13_a_channel_that_meta_does_not_call_says_so(shop):
    shop.joined.control("reset")
    shop.joined.control("pages", PAGE)
    assert findings(shop) == ("error", {"webhook", "subscription"})
    assert findings(shop) == ("connected", set())
