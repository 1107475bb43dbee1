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
from tests.plugins.whatsapp_cloud.conftest import ACCOUNT_ID, APP_ID, APP_SECRET, NUMBER_ID, TOKEN

ANN, ANNS_ID = "+15550100199", "US.70000000015550100199"
NUMBER = {
    "phone_number_id": NUMBER_ID,
    "business_account_id": ACCOUNT_ID,
    "app_id": APP_ID,
    "app_secret": APP_SECRET,
    "access_token": TOKEN,
    "display_phone_number": "+1 555-010-0100",
}
SCOPES = ["whatsapp_business_management", "whatsapp_business_messaging"]
JPEG = b"\xff\xd8\xff\xe0 a picture"
OGG = b"OggS a voice"


class Shop:
    """A hub with one number, as programs and customers see it."""

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
            "type": "whatsapp_cloud",
            "name": "Shop",
            "credentials": {"access_token": TOKEN, "app_secret": APP_SECRET},
            "settings": {
                "phone_number_id": NUMBER_ID,
                "business_account_id": ACCOUNT_ID,
                "app_id": APP_ID,
                "api_base": f"{self.joined.sandbox.url}/whatsapp",
                **settings,
            },
        }
        self.channel = self.api("POST", "/channels", body, status=201)
        return self

    def customer(self, action="messages", **body):
        """Let a customer act, and the hub hear it; return what Meta calls it."""
        body = {"from": ANN, "name": "Ann Test", **body}
        told = self.joined.control(f"whatsapp/{NUMBER_ID}/{action}", body)
        if told.get("queued"):
            self.joined.heard()
        return told

    def meta(self, action, calls=1, **body):
        self.joined.control(f"whatsapp/{NUMBER_ID}/{action}", body)
        self.joined.heard(calls)

    def messages(self):
        """Return the messages of the only conversation, oldest first."""
        (conversation,) = self.api("GET", "/conversations")["items"]
        return self.api("GET", f"/conversations/{conversation['id']}/messages")["items"]

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
    joined.control("rules", {"whatsapp_receipts": False}, method="PATCH")
    joined.control("numbers", NUMBER)
    shop = Shop(joined).open()
    assert joined.heard() == [200]  # the handshake
    return shop


def findings(shop):
    shown = shop.api("POST", f"/channels/{shop.channel['id']}/check")
    return shown["status"], {finding["code"] for finding in shown["findings"] if not finding["ok"]}


# --- the whole way -------------------------------------------------------------------------


def test_a_conversation_from_the_first_word_to_the_last_receipt(shop):
    assert shop.channel["status"] == "connected"
    assert shop.channel["verify_token"]
    wamid = shop.customer(text="Is it open today? Café 😀")["id"]
    (inbound,) = shop.messages()
    assert (inbound["direction"], inbound["status"]) == ("inbound", "received")
    assert inbound["content"] == {"type": "text", "text": "Is it open today? Café 😀"}
    assert inbound["sender"] == {"address": ANN, "name": "Ann Test"}
    assert (inbound["external_id"], inbound["reply_to"]) == (wamid, None)

    answer = {"conversation_id": inbound["conversation_id"]}
    answer |= {"content": {"type": "text", "text": "Yes, till 6"}}
    shop.headers["Idempotency-Key"] = "one"
    message = shop.api("POST", "/messages", answer, status=202)
    assert message["status"] == "queued"
    assert shop.api("POST", "/messages", answer, status=202)["id"] == message["id"]

    (sent,) = shop.joined.sent()
    reference = sent["params"].pop("biz_opaque_callback_data")
    assert sent["params"] == {
        "messaging_product": "whatsapp",
        "recipient_type": "individual",
        "to": "15550100199",
        "type": "text",
        "text": {"body": "Yes, till 6"},
    }
    assert len(reference) == 26
    said = shop.again(message)
    assert (said["status"], said["external_id"]) == ("sent", sent["external_id"])
    assert said["sender"]["address"] == "+15550100100"
    for told in ("sent", "delivered"):
        shop.meta("receipts", id=sent["external_id"], status=told)
        assert shop.again(message)["status"] == told
    shop.customer("openings")
    shop.joined.heard()
    assert shop.again(message)["status"] == "read"
    stages = [
        line["stage"] for line in shop.api("GET", f"/messages/{message['id']}/trace")["items"]
    ]
    assert {"deliver", "track"} <= set(stages)


def upload(kind, data, **more):
    return {"kind": kind, "data": base64.b64encode(data).decode(), **more}


PLACE = {"latitude": 48.1, "longitude": 11.5, "name": "Test Cafe", "address": "Main St 1"}
BOB = {"name": "Bob Test", "phones": ["+15550100111"], "emails": []}
SAID: dict[str, Any] = {
    "location": ({"type": "location", "location": PLACE}, {"type": "location", **PLACE}),
    "contacts": (
        {
            "type": "contacts",
            "contacts": [
                {
                    "name": {"formatted_name": "Bob Test", "first_name": "Bob"},
                    "phones": [{"phone": "+15550100111"}],
                }
            ],
        },
        {"type": "contacts", "contacts": [BOB]},
    ),
    "flow": (
        {
            "type": "interactive",
            "interactive": {
                "type": "nfm_reply",
                "nfm_reply": {"name": "flow", "body": "Sent", "response_json": '{"rating":"5"}'},
            },
        },
        {"type": "form", "fields": {"rating": "5"}},
    ),
    "order": (
        {
            "type": "order",
            "order": {
                "catalog_id": "c1",
                "product_items": [
                    {
                        "product_retailer_id": "SKU1",
                        "quantity": 2,
                        "item_price": 30,
                        "currency": "EUR",
                    }
                ],
            },
        },
        {"type": "order", "items": ["2 x SKU1 at 30 EUR"]},
    ),
    "poll": (
        {
            "type": "unsupported",
            "errors": [{"code": 131051, "title": "Message type unknown"}],
            "unsupported": {"type": "poll"},
        },
        {"type": "unsupported", "provider_type": "poll"},
    ),
    "hologram": (
        {"type": "hologram", "hologram": {"id": 1}},
        {"type": "unsupported", "provider_type": "hologram"},
    ),
}


def test_conformance_05_what_customers_say_reaches_the_inbox(shop):
    for said, _ in SAID.values():
        shop.customer(message=said)
    shown = [message["content"] for message in shop.messages()]
    for content, (_, expected) in zip(shown, SAID.values(), strict=True):
        assert expected.items() <= content.items()


def test_conformance_08_files_of_customers_are_fetched(shop):
    files = {
        "image": (upload("image", JPEG, mime_type="image/jpeg"), "image/jpeg"),
        "voice": (upload("voice", OGG, mime_type="audio/ogg"), "audio/ogg"),
        "document": (upload("document", b"%PDF-1.4 x", filename="offer.pdf"), "application/pdf"),
        "sticker": (upload("sticker", b"RIFF0000WEBPVP8 ", mime_type="image/webp"), "image/webp"),
    }
    for one, _ in files.values():
        shop.customer(text="Look" if one["kind"] == "image" else "", upload=one)
    shop.joined.world.pass_time(seconds=5)
    shown = [message["content"] for message in shop.messages()]
    assert [content["type"] for content in shown] == list(files)
    assert [content["media"]["state"] for content in shown] == ["ready"] * len(files)
    assert [one["media"]["mime_type"] for one in shown] == [kind for _, kind in files.values()]
    assert shown[0]["caption"] == "Look"
    assert shown[2]["media"]["filename"] == "offer.pdf"


def test_conformance_08_an_address_that_ended_is_asked_for_anew(shop):
    shop.joined.fault("status", "Media.download", status=404, times=1)
    shop.customer(upload=upload("image", JPEG, mime_type="image/jpeg"))
    shop.joined.world.pass_time(seconds=5)
    assert shop.messages()[0]["content"]["media"]["state"] == "ready"
    shop.joined.control("rules", {"whatsapp_media_seconds": 0}, method="PATCH")
    shop.customer(upload=upload("image", JPEG, mime_type="image/jpeg"))
    shop.joined.world.pass_time(seconds=5)
    assert shop.messages()[1]["content"]["media"]["state"] == "failed"


def test_quotations_reactions_and_edits_are_of_their_message(shop):
    first = shop.customer(text="fxied")["id"]
    ours = shop.say({"type": "text", "text": "Ready"})
    sent = shop.joined.sent()[0]["external_id"]
    shop.customer(text="Thanks", quotes=sent)
    shop.customer("reactions", message_id=sent, emoji="👍")
    shop.customer(text="fixed", edits=first)
    edited, _, quoting, reaction = shop.messages()
    assert (edited["content"]["text"], bool(edited["edited_at"])) == ("fixed", True)
    assert (quoting["reply_to"], quoting["reply_to_external_id"]) == (ours["id"], sent)
    assert reaction["content"] == {"type": "reaction", "emoji": "👍", "target_external_id": sent}


OPTIONS = [{"id": "yes", "title": "Yes"}, {"id": "no", "title": "No"}]
SLOTS = [{"id": f"s{n}", "title": f"{n}:00", "description": "Room 1"} for n in range(9, 13)]
WRITTEN: dict[str, Any] = {
    "link": (
        {"type": "text", "text": "See https://shop.example"},
        {"type": "text", "text": {"body": "See https://shop.example", "preview_url": True}},
    ),
    "location": ({"type": "location", **PLACE}, {"type": "location", "location": PLACE}),
    "contacts": (
        {"type": "contacts", "contacts": [BOB]},
        {
            "type": "contacts",
            "contacts": [
                {
                    "name": {"formatted_name": "Bob Test", "first_name": "Bob"},
                    "phones": [{"phone": "+15550100111"}],
                }
            ],
        },
    ),
    "buttons": (
        {"type": "choices", "text": "Sure?", "options": OPTIONS},
        {
            "type": "interactive",
            "interactive": {
                "type": "button",
                "body": {"text": "Sure?"},
                "action": {"buttons": [{"type": "reply", "reply": one} for one in OPTIONS]},
            },
        },
    ),
    "list": (
        {"type": "choices", "text": "When?", "options": SLOTS},
        {
            "type": "interactive",
            "interactive": {
                "type": "list",
                "body": {"text": "When?"},
                "action": {"button": "☰", "sections": [{"rows": SLOTS}]},
            },
        },
    ),
    "named template": (
        {
            "type": "template",
            "name": "visit_reminder",
            "language": "en_US",
            "parameters": {"header.name": "Ann", "day": "Monday", "hour": "9:00"},
        },
        {
            "type": "template",
            "template": {
                "name": "visit_reminder",
                "language": {"code": "en_US"},
                "components": [
                    {
                        "type": "header",
                        "parameters": [{"type": "text", "parameter_name": "name", "text": "Ann"}],
                    },
                    {
                        "type": "body",
                        "parameters": [
                            {"type": "text", "parameter_name": "day", "text": "Monday"},
                            {"type": "text", "parameter_name": "hour", "text": "9:00"},
                        ],
                    },
                ],
            },
        },
    ),
    "template": (
        {
            "type": "template",
            "name": "order_ok",
            "language": "en_US",
            "parameters": {"1": "Ann", "2": "42", "button.1.url": "42"},
        },
        {
            "type": "template",
            "template": {
                "name": "order_ok",
                "language": {"code": "en_US"},
                "components": [
                    {
                        "type": "body",
                        "parameters": [
                            {"type": "text", "text": "Ann"},
                            {"type": "text", "text": "42"},
                        ],
                    },
                    {
                        "type": "button",
                        "sub_type": "url",
                        "index": "1",
                        "parameters": [{"type": "text", "text": "42"}],
                    },
                ],
            },
        },
    ),
}


def test_conformance_09_what_we_say_is_taken_as_documented(shop):
    wamid = shop.customer(text="Hi")["id"]
    said = [shop.say(content) for content, _ in WRITTEN.values()]
    said.append(shop.say({"type": "reaction", "emoji": "👍", "target_external_id": wamid}))
    documents = [expected for _, expected in WRITTEN.values()]
    documents.append({"type": "reaction", "reaction": {"message_id": wamid, "emoji": "👍"}})
    common = {
        "messaging_product": "whatsapp",
        "recipient_type": "individual",
        "to": "15550100199",
    }
    taken = [line["params"] for line in shop.joined.sent(kind="all")]
    for params, expected in zip(taken, documents, strict=True):
        assert len(params.pop("biz_opaque_callback_data")) == 26
        assert params == common | expected
    assert [shop.again(one)["status"] for one in said] == ["sent"] * len(said)


def test_conformance_09_files_are_uploaded_and_sent_by_their_id(shop):
    shop.customer(text="Hi")
    rules = {"whatsapp_receipts": True, "whatsapp_sent_after": 0, "whatsapp_delivered_after": 0}
    shop.joined.control("rules", rules, method="PATCH")
    files = {
        "image": (JPEG, "cup.jpg", "Blue"),
        "voice": (OGG, "note.ogg", None),
        "document": (b"%PDF-1.4 x", "offer.pdf", "See p. 2"),
    }
    said = []
    for kind, (data, name, caption) in files.items():
        content = {"type": kind, "media": shop.upload(data, name)}
        said.append(shop.say(content | ({"caption": caption} if caption else {})))
        shop.joined.heard(2)
    taken = [line["params"] for line in shop.joined.sent()]
    bodies = [params[params["type"]] for params in taken]
    assert all(body.pop("id").isdigit() for body in bodies)
    assert [params["type"] for params in taken] == ["image", "audio", "document"]
    assert bodies == [
        {"caption": "Blue"},
        {"voice": True},
        {"filename": "offer.pdf", "caption": "See p. 2"},
    ]
    assert [shop.again(one)["status"] for one in said] == ["delivered"] * 3


def test_a_press_comes_back_as_the_choice(shop):
    shop.customer(text="Hi")
    for content in (WRITTEN["buttons"][0], WRITTEN["list"][0]):
        shop.say(content)
    buttons, rows = (line["external_id"] for line in shop.joined.sent())
    shop.customer("presses", message_id=buttons, data="yes")
    shop.customer("presses", message_id=rows, data="s9")
    choices = [one["content"] for one in shop.messages() if one["content"]["type"] == "choice"]
    assert choices == [
        {"type": "choice", "id": "yes", "title": "Yes"},
        {"type": "choice", "id": "s9", "title": "9:00"},
    ]


# --- who it is -----------------------------------------------------------------------------


def test_conformance_06_who_hides_their_number_is_answered(shop):
    shop.customer("people", user_id="US.1", hides_number=True, name="Ann Test")
    shop.customer(text="Hi")
    (inbound,) = shop.messages()
    assert inbound["sender"]["address"] == "US.1"
    shop.api(
        "POST",
        "/messages",
        {
            "conversation_id": inbound["conversation_id"],
            "content": {"type": "text", "text": "Hello"},
        },
        status=202,
    )
    (sent,) = shop.joined.sent()
    assert sent["params"]["recipient"] == "US.1"
    assert "to" not in sent["params"]


def test_conformance_07_who_moves_stays_in_the_conversation(shop):
    shop.customer(text="Hi")
    shop.customer("moves", to="+15550100177", user_id="US.2")
    shop.customer(**{"from": "+15550100177"}, text="It is me")
    assert [one["content"].get("text") for one in shop.messages()][-1] == "It is me"
    shop.say({"type": "text", "text": "Welcome"}, to={"address": "+15550100177"})
    assert shop.joined.sent()[0]["address"] == "+15550100177"
    assert len(shop.messages()) == 3


def test_a_number_that_whatsapp_knows_otherwise_is_one_contact(shop):
    shop.customer("people", dialled=["15550100909"], name="Ann Test")
    template = WRITTEN["template"][0]
    shop.say(template, to={"address": "+15550100909"})
    shop.customer(text="Thanks")
    assert [one["direction"] for one in shop.messages()] == ["outbound", "inbound"]


# --- what goes wrong -----------------------------------------------------------------------


def test_conformance_02_a_wrong_signature_is_quarantined_until_meta_calls_again(shop):
    shop.joined.fault("bad_signature", "webhook", times=1)
    shop.joined.control(f"whatsapp/{NUMBER_ID}/messages", {"from": ANN, "text": "Hi"})
    assert shop.joined.heard(2) == [401, 200]
    assert len(shop.messages()) == 1


def test_conformance_03_a_batch_is_taken_apart(shop):
    shop.customer(text="Hi")
    ours = shop.say({"type": "text", "text": "Ready"})
    sent = shop.joined.sent()[0]["external_id"]
    shop.meta(
        "batches",
        messages=[{"from": ANN, "text": "One"}, {"from": ANN, "text": "Two"}],
        receipts=[{"id": sent, "status": "sent"}, {"id": sent, "status": "delivered"}],
    )
    texts = [one["content"]["text"] for one in shop.messages()]
    assert texts == ["Hi", "Ready", "One", "Two"]
    assert shop.again(ours)["status"] == "delivered"


def test_conformance_04_the_same_call_twice_is_one_message(shop):
    shop.joined.fault("duplicate_webhooks", "webhook", times=1)
    shop.joined.control(f"whatsapp/{NUMBER_ID}/messages", {"from": ANN, "text": "Hi"})
    assert shop.joined.heard(2) == [200, 200]
    assert len(shop.messages()) == 1


def test_conformance_11_a_closed_window_says_so_however_it_is_told(shop):
    shop.customer(text="Hi")
    for rule, told in (("later", 1), ("at_once", 0)):
        # The hub believes it open, and Meta knows better.
        old = {"from": ANN, "text": "Hi", "timestamp": 1, "id": f"wamid.{rule}"}
        shop.joined.control(f"whatsapp/{NUMBER_ID}/messages", old)
        shop.joined.heard()
        rules = {"whatsapp_window": rule, "whatsapp_receipts": True, "whatsapp_sent_after": 0}
        shop.joined.control("rules", rules, method="PATCH")
        message = shop.say({"type": "text", "text": "Still there?"})
        if told:
            shop.joined.heard(told)
        said = shop.again(message)
        assert (said["status"], said["error"]["code"]) == ("failed", "window_closed")
        assert said["error"]["provider_code"] == "131047"


def test_conformance_11_a_message_that_was_long_under_way_opens_no_window(shop):
    shop.customer(text="Hi", timestamp=int(shop.joined.world.hub.now().timestamp()) - 86_401)
    (inbound,) = shop.messages()
    sendable = shop.api("GET", f"/conversations/{inbound['conversation_id']}/sendable")
    assert sendable["kinds"] == ["template"]
    refused = shop.say({"type": "text", "text": "Hello"}, status=409)
    assert refused["type"].endswith("/window-closed")
    message = shop.say({"type": "template", "name": "hello_world", "language": "en_US"})
    assert shop.again(message)["status"] == "sent"


def test_conformance_12_throttling_is_waited_out(shop):
    shop.customer(text="Hi")
    for count, code in enumerate((130429, 131056, 80007), start=1):
        shop.joined.fault("rate_limit", "Messages.send", code=code, retry_after=60, times=1)
        message = shop.say({"type": "text", "text": "Ready"})
        assert shop.again(message)["status"] in {"queued", "sending"}
        shop.joined.world.pass_time(seconds=70)
        shop.joined.world.pass_time(seconds=70)
        assert shop.again(message)["status"] == "sent"
        assert len(shop.joined.sent()) == count


def test_conformance_13_a_dead_token_stops_sending_until_it_is_replaced(shop):
    shop.customer(text="Hi")
    shop.joined.control(f"whatsapp/{NUMBER_ID}/revoke", {})
    message = shop.say({"type": "text", "text": "Ready"})
    shown = shop.api("GET", f"/channels/{shop.channel['id']}")
    assert shown["status"] == "error"
    shop.customer(text="Hello?")
    assert len(shop.messages()) == 3
    new = {"access_token": "EAANewToken"}
    shop.joined.control("numbers", NUMBER | new)
    shown = shop.api("PATCH", f"/channels/{shop.channel['id']}", {"credentials": new})
    assert shown["status"] == "connected"
    shop.joined.world.pass_time(minutes=1)
    assert shop.again(message)["status"] == "sent"


def read_templates(shop):
    return shop.api("POST", f"/channels/{shop.channel['id']}/templates/sync")["templates"]


def test_conformance_14_what_meta_would_refuse_is_refused_here_once_templates_are_read(shop):
    assert read_templates(shop) == 5
    listed = shop.api("GET", "/templates?status=approved&q=order")["items"]
    assert [(one["name"], one["language"]) for one in listed] == [("order_ok", "en_US")]
    good = dict.fromkeys(("1", "2", "button.1.url"), "42")
    wrong = {"1": "Ann"}, good | {"3": "Bob"}, good | {"1": ""}
    for parameters in wrong:
        content = {"type": "template", "name": "order_ok", "language": "en_US"}
        problem = shop.say(content | {"parameters": parameters}, status=422)
        assert all(error["field"].startswith("content.parameters.") for error in problem["errors"])
    assert shop.joined.sent() == []
    message = shop.say(content | {"parameters": good})
    assert shop.again(message)["status"] == "sent"


def test_conformance_14_a_status_event_pauses_a_template_until_another_lets_it_go_on(shop):
    read_templates(shop)
    shop.meta("templates", name="order_ok", status="PAUSED")
    problem = shop.say(WRITTEN["template"][0], status=422)
    assert problem["errors"] == [{"field": "content.name", "message": "The template is paused."}]
    shop.meta("templates", name="order_ok", status="APPROVED")
    message = shop.say(WRITTEN["template"][0])
    assert shop.again(message)["status"] == "sent"


def test_conformance_14_a_template_that_meta_does_not_take_fails_for_good(shop):
    shop.customer(text="Hi")
    wrong = {"type": "template", "name": "order_ok", "language": "en_US"}
    for parameters in ({"1": "Ann", "button.1.url": "42"}, {"1": "Ann", "2": "42"}):
        said = shop.again(shop.say(wrong | {"parameters": parameters}))
        assert said["status"] == "failed"
        assert said["error"]["code"] in {"bad_template", "bad_request"}
    shop.meta("templates", name="order_ok", status="PAUSED")
    said = shop.again(shop.say(WRITTEN["template"][0]))
    assert (said["error"]["code"], said["error"]["provider_code"]) == ("template_paused", "132015")


def test_conformance_15_a_lost_answer_is_settled_by_the_status_and_not_sent_again(shop):
    shop.customer(text="Hi")
    shop.joined.fault("drop_after_accept", "Messages.send", times=1)
    message = shop.say({"type": "text", "text": "Ready"})
    assert shop.again(message)["status"] == "unknown"
    (sent,) = shop.joined.sent()
    shop.meta("receipts", id=sent["external_id"], status="delivered")
    shop.joined.world.pass_time(hours=1)
    assert shop.again(message)["status"] == "delivered"
    assert len(shop.joined.sent()) == 1


def test_conformance_15_who_stopped_marketing_gets_none(shop):
    shop.customer("people", no_marketing=True, name="Ann Test")
    shop.customer(text="Hi")
    rules = {"whatsapp_receipts": True, "whatsapp_sent_after": 0}
    shop.meta("templates", name="old_offer", status="APPROVED")
    shop.joined.control("rules", rules, method="PATCH")
    message = shop.say({"type": "template", "name": "old_offer", "language": "en_US"})
    shop.joined.heard()
    assert shop.again(message)["error"]["code"] == "marketing_opt_out"


# --- the channel itself --------------------------------------------------------------------


def test_a_channel_that_is_deleted_is_called_no_more(shop):
    (shown,) = shop.joined.http.get("/_sandbox/numbers").json["items"]
    assert shown["webhook"] == shop.channel["webhook_url"]
    shop.api("DELETE", f"/channels/{shop.channel['id']}", status=204)
    (shown,) = shop.joined.http.get("/_sandbox/numbers").json["items"]
    assert shown["overrides"]["number"] == ""


def test_a_check_says_what_is_wrong_at_meta(shop):
    for wrong, right, found in (
        ({"app_secret": "another"}, NUMBER, {"app"}),
        ({"access_token": "EAAnother"}, NUMBER, {"token"}),
        ({"scopes": ["whatsapp_business_management"]}, {"scopes": SCOPES}, {"scopes"}),
        ({"platform_type": "ON_PREMISE"}, {"platform_type": "CLOUD_API"}, {"platform"}),
        ({"status": "FLAGGED"}, {"status": "CONNECTED"}, {"number_status"}),
        ({"business_account_id": "555555555555555"}, NUMBER, {"account"}),
    ):
        shop.joined.control("numbers", NUMBER | wrong)
        assert findings(shop) == ("error", found)
        shop.joined.control("numbers", NUMBER | right)
    # Only warnings.
    soon = int(shop.joined.world.hub.now().timestamp()) + 3600
    shop.joined.control("numbers", NUMBER | {"quality_rating": "RED", "expires_at": soon})
    assert findings(shop) == ("connected", set())


def test_a_channel_that_meta_does_not_call_says_so(shop):
    shop.joined.control("reset")
    shop.joined.control("numbers", NUMBER)
    assert findings(shop) == ("error", {"webhook", "subscription"})
