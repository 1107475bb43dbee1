"""What Meta tells the hub, and when; the library pywa judges signatures and payloads."""

import base64
import json

import pytest
from pywa import WhatsApp, types
from pywa.types.templates import TemplateStatusUpdate
from pywa.utils import webhook_updates_validator

from hubbub.sandbox.providers import Persona
from hubbub.sandbox.whatsapp.provider import phone_of

ANN = "15550100199"
DATA = base64.b64encode(b"some bytes").decode()
BUTTONS = {
    "type": "button",
    "body": {"text": "Sure?"},
    "action": {"buttons": [{"type": "reply", "reply": {"id": "yes", "title": "Yes"}}]},
}
LIST = {
    "type": "list",
    "body": {"text": "When?"},
    "action": {
        "button": "Slots",
        "sections": [{"rows": [{"id": "s1", "title": "09:00", "description": "Room 1"}]}],
    },
}
ORDER = {
    "name": "order_ok",
    "language": {"code": "en_US"},
    "components": [
        {
            "type": "body",
            "parameters": [{"type": "text", "text": "Ann"}, {"type": "text", "text": "42"}],
        },
        {
            "type": "button",
            "sub_type": "quick_reply",
            "index": "0",
            "parameters": [{"type": "payload", "payload": "MOVE"}],
        },
        {
            "type": "button",
            "sub_type": "url",
            "index": "1",
            "parameters": [{"type": "text", "text": "42"}],
        },
    ],
}
OFFER = {"name": "old_offer", "language": {"code": "en_US"}}


@pytest.fixture
def read():
    """Return what pywa reads in a call."""
    heard = []
    library = WhatsApp(phone_id="100200300400500", token="x", server=None, verify_token="x")
    for listen in (
        library.on_message,
        library.on_callback_button,
        library.on_callback_selection,
        library.on_message_status,
        library.on_template_status_update,
        library.on_phone_number_change,
    ):
        listen(lambda _, update: heard.append(update))

    def parse(told):
        heard.clear()
        library.webhook_update_handler(told.body)
        return list(heard)

    return parse


def value(told, change=0):
    return told.update["entry"][0]["changes"][change]["value"]


def status(told):
    (one,) = value(told)["statuses"]
    return one


@pytest.fixture
def chatting(whatsapped, hub):
    """A number to which Ann wrote, and what was told of it."""
    whatsapped.act("messages", text="Hi", name="Ann")
    hub.wait(1)
    return whatsapped


# --- the handshake, and who is told --------------------------------------------------------


def test_conformance_01_a_webhook_is_set_only_after_a_handshake(whatsapp, hub, sandbox):
    def set_webhook(token, path="/wa"):
        override = {"override_callback_uri": f"{hub.url}{path}", "verify_token": token}
        return whatsapp.ask("POST", whatsapp.number, {"webhook_configuration": override})

    refused = set_webhook("wrong")
    assert (refused.status_code, refused.json["error"]["code"]) == (400, 2200)
    fields = f"{whatsapp.number}?fields=webhook_configuration"
    assert whatsapp.ask("GET", fields).json["webhook_configuration"] == {}
    assert set_webhook(hub.verify_token).json == {"success": True}
    shown = whatsapp.ask("GET", fields).json["webhook_configuration"]
    assert shown == {"phone_number": f"{hub.url}/wa"}
    assert [call["status"] for call in sandbox.calls(kind="handshake")] == [403, 200]
    whatsapp.ask("POST", whatsapp.number, {"webhook_configuration": {"override_callback_uri": ""}})
    assert whatsapp.ask("GET", fields).json["webhook_configuration"] == {}
    assert whatsapp.ask("POST", whatsapp.number, {}).status_code == 400


def test_the_most_particular_address_is_called(whatsapp, hub):
    own = f"{whatsapp.app}|{whatsapp.secret}"
    app = {"object": "whatsapp_business_account", "callback_url": f"{hub.url}/app"}
    app |= {"verify_token": hub.verify_token, "fields": "messages", "access_token": own}
    whatsapp.http.post(f"{whatsapp.graph}/{whatsapp.app}/subscriptions", data=app)
    assert not whatsapp.act("messages", text="Nobody subscribed to the account")["queued"]
    token = {"verify_token": hub.verify_token}
    account = {"override_callback_uri": f"{hub.url}/account", **token}
    number = {"webhook_configuration": {"override_callback_uri": f"{hub.url}/number", **token}}
    for path, body, told in (
        (f"{whatsapp.account}/subscribed_apps", {}, "/app"),
        (f"{whatsapp.account}/subscribed_apps", account, "/account"),
        (whatsapp.number, number, "/number"),
    ):
        whatsapp.ask("POST", path, body)
        whatsapp.act("messages", text="Hi")
        assert len(hub.wait(1, path=told)) == 1


def test_a_field_that_is_not_subscribed_is_not_told(whatsapped):
    whatsapped.register(webhook_fields=["flows"])
    assert not whatsapped.act("messages", text="Hi")["queued"]


# --- how a call is made --------------------------------------------------------------------


def test_conformance_02_a_call_is_signed_over_its_escaped_bytes(whatsapped, hub):
    whatsapped.act("messages", text="Café 😀 Привет a/b", name="Ann")
    (told,) = hub.wait(1)
    assert b"Caf\\u00e9 \\ud83d\\ude00 \\u041f" in told.body
    assert b"a\\/b" in told.body
    given = told.headers["X-Hub-Signature-256"]
    assert webhook_updates_validator(whatsapped.secret, told.body, given)
    again = json.dumps(told.update, ensure_ascii=False).encode()
    assert not webhook_updates_validator(whatsapped.secret, again, given)


@pytest.mark.parametrize("refusal", [503, 401, 301, 204])
def test_whatever_is_not_200_is_told_again(whatsapped, hub, says, sandbox, refusal):
    hub.next_answers.append(says(refusal))
    whatsapped.act("messages", text="Hi")
    first, second = hub.wait(2)
    assert first.body == second.body
    assert [call["status"] for call in sandbox.calls(2, kind="message")] == [refusal, 200]


def test_a_wrong_signature_is_followed_by_a_right_one(whatsapped, hub, says, sandbox):
    sandbox.fault(kind="bad_signature", provider="whatsapp", times=1)
    hub.next_answers.append(says(401))
    whatsapped.act("messages", text="Hi")
    given = [told.headers["X-Hub-Signature-256"] for told in hub.wait(2)]
    body = hub.told[0].body
    assert [webhook_updates_validator(whatsapped.secret, body, one) for one in given] == [
        False,
        True,
    ]


def test_conformance_03_a_batch_is_one_call_with_entries_and_changes(chatting, hub, read):
    sent = chatting.text().json["messages"][0]["id"]
    body = {
        "messages": [{"from": ANN, "text": "One"}, {"from": "15550100111", "text": "Two"}],
        "receipts": [{"id": sent, "status": "sent"}],
    }
    chatting.http.post(f"/_sandbox/whatsapp/{chatting.number}/batches", json=body)
    told = hub.wait(2)[1]
    assert [len(entry["changes"]) for entry in told.update["entry"]] == [2, 1]


# --- what customers write ------------------------------------------------------------------


def test_a_text_names_its_sender_in_both_ways(chatting, hub, read):
    (told,) = hub.told
    said = value(told)
    assert said["metadata"] == {
        "display_phone_number": "15550100100",
        "phone_number_id": chatting.number,
    }
    (contact,), (message,) = said["contacts"], said["messages"]
    assert (contact["wa_id"], contact["user_id"]) == (message["from"], message["from_user_id"])
    (theirs,) = read(told)
    assert (theirs.text, theirs.from_user.name) == ("Hi", "Ann")


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        ({"upload": {"kind": "image", "data": DATA, "mime_type": "image/png"}}, "image"),
        ({"upload": {"kind": "video", "data": DATA, "mime_type": "video/mp4"}}, "video"),
        ({"upload": {"kind": "voice", "data": DATA, "mime_type": "audio/ogg"}}, "voice"),
        ({"upload": {"kind": "audio", "data": DATA, "mime_type": "audio/mpeg"}}, "audio"),
        ({"upload": {"kind": "document", "data": DATA, "filename": "a.pdf"}}, "document"),
        ({"upload": {"kind": "sticker", "data": DATA, "mime_type": "image/webp"}}, "sticker"),
        (
            {"message": {"type": "location", "location": {"latitude": 48.1, "longitude": 11.5}}},
            "location",
        ),
        (
            {
                "message": {
                    "type": "contacts",
                    "contacts": [
                        {
                            "name": {"formatted_name": "Bob", "first_name": "Bob"},
                            "phones": [{"phone": "+15550100111", "type": "CELL"}],
                        }
                    ],
                }
            },
            "contacts",
        ),
    ],
)
def test_each_kind_is_told_as_the_library_reads_it(whatsapped, hub, read, body, kind):
    whatsapped.act("messages", **body)
    (theirs,) = read(hub.wait(1)[0])
    found = theirs.audio if kind == "voice" else getattr(theirs, kind)
    assert found
    if kind in {"voice", "audio"}:
        assert found.voice is (kind == "voice")


def test_a_reply_quotes_and_a_reaction_names_its_message(chatting, hub, read):
    sent = chatting.text().json["messages"][0]["id"]
    chatting.act("messages", text="Thanks", quotes=sent)
    chatting.act("reactions", message_id=sent, emoji="👍")
    chatting.act("reactions", message_id=sent, emoji="")
    quoting, reacting, taking_back = (read(told)[0] for told in hub.wait(4)[1:])
    assert (quoting.reply_to_message.id, quoting.text) == (sent, "Thanks")
    assert (reacting.reaction.emoji, reacting.reaction.message_id) == ("👍", sent)
    assert taking_back.reaction.emoji is None


@pytest.mark.parametrize(
    ("said", "data", "kind", "picked"),
    [
        ({"interactive": BUTTONS}, "yes", types.CallbackButton, ("yes", "Yes")),
        ({"interactive": LIST}, "s1", types.CallbackSelection, ("s1", "09:00")),
        ({"template": ORDER}, "0", types.CallbackButton, ("MOVE", "Change the address")),
    ],
)
def test_a_press_is_told_as_what_was_picked(chatting, hub, read, said, data, kind, picked):
    sent = chatting.send(**said).json["messages"][0]["id"]
    chatting.act("presses", message_id=sent, data=data)
    (theirs,) = read(hub.wait(2)[1])
    assert isinstance(theirs, kind)
    assert (theirs.data, theirs.title, theirs.reply_to_message.id) == (*picked, sent)
    path = f"/_sandbox/whatsapp/{chatting.number}/presses"
    wrong = {"from": ANN, "message_id": sent, "data": "no such button"}
    assert chatting.http.post(path, json=wrong).status_code == 404


def test_conformance_06_who_hides_their_number_is_named_by_user_id_alone(whatsapped, hub):
    whatsapped.act("people", user_id="US.1", username="anntest", hides_number=True)
    whatsapped.act("messages", text="Hi", name="Ann")
    said = value(hub.wait(1)[0])
    assert said["contacts"] == [
        {"profile": {"name": "Ann", "username": "anntest"}, "user_id": "US.1"}
    ]
    assert "from" not in said["messages"][0]
    assert said["messages"][0]["from_user_id"] == "US.1"


def test_conformance_07_who_moves_is_the_same_person_under_other_ids(chatting, hub, read):
    chatting.act("moves", to="+15550100177", user_id="US.2")
    chatting.act("messages", **{"from": "15550100177"}, text="It is me")
    moved, told = (value(one) for one in hub.wait(3)[1:])
    system = moved["messages"][0]["system"]
    assert (system["wa_id"], system["user_id"]) == ("15550100177", "US.2")
    assert "contacts" not in moved
    assert told["contacts"][0]["profile"]["name"] == "Ann"
    assert told["contacts"][0]["user_id"] == "US.2"


def test_a_message_is_edited(chatting, hub):
    first = value(hub.told[0])["messages"][0]["id"]
    chatting.act("messages", text="Hello", edits=first)
    (edit,) = value(hub.wait(2)[1])["messages"]
    assert edit["edit"]["original_message_id"] == first
    assert edit["edit"]["message"]["text"]["body"] == "Hello"


def test_the_same_message_twice_has_the_same_id(whatsapped, hub):
    for _ in range(2):
        whatsapped.act("messages", text="Hi", id="wamid.ONE", timestamp=1795000001)
    first, second = hub.wait(2)
    assert first.body == second.body


def test_anything_else_is_told_as_it_is(whatsapped, hub, read):
    path = f"/_sandbox/whatsapp/{whatsapped.number}"
    preferences = {"user_preferences": [{"wa_id": ANN, "value": "stop"}]}
    body = {"field": "user_preferences", "value": preferences}
    assert whatsapped.http.post(f"{path}/changes", json=body).json == {"queued": True}
    assert value(hub.wait(1)[0]) == preferences
    paused = {"name": "order_ok", "status": "PAUSED"}
    whatsapped.http.post(f"{path}/templates", json=paused)
    (theirs,) = read(hub.wait(2)[1])
    assert isinstance(theirs, TemplateStatusUpdate)
    assert (theirs.template_name, theirs.new_status.value) == ("order_ok", "PAUSED")


# --- what became of ours -------------------------------------------------------------------


@pytest.fixture
def receipts(sandbox, chatting):
    """Let statuses come by themselves, at once."""
    sandbox.rules(whatsapp_receipts=True, whatsapp_sent_after=0, whatsapp_delivered_after=0)


def test_a_message_is_sent_delivered_and_read_when_the_chat_is_opened(
    chatting, receipts, hub, read
):
    sent = chatting.text(biz_opaque_callback_data="m-1").json["messages"][0]["id"]
    hub.wait(3)
    chatting.act("openings")
    statuses = [status(told) for told in hub.wait(4)[1:]]
    assert [one["status"] for one in statuses] == ["sent", "delivered", "read"]
    assert {one["id"] for one in statuses} == {sent}
    assert {one["biz_opaque_callback_data"] for one in statuses} == {"m-1"}
    assert statuses[0]["pricing"] == {
        "billable": False,
        "pricing_model": "PMP",
        "type": "free_customer_service",
        "category": "service",
    }
    assert statuses[0]["conversation"]["origin"] == {"type": "service"}
    (theirs,) = read(hub.told[1])
    assert (theirs.id, theirs.status.value, theirs.tracker) == (sent, "sent", "m-1")
    assert theirs.conversation.expiration > theirs.timestamp


@pytest.mark.parametrize(
    ("fault", "told"),
    [
        ({"kind": "reorder_receipts"}, [("delivered", None), ("sent", None)]),
        ({"kind": "undelivered"}, [("sent", None), ("failed", 131026)]),
        ({"kind": "undelivered", "code": 131049}, [("sent", None), ("failed", 131049)]),
    ],
)
def test_receipts_may_be_made_to_go_wrong(chatting, receipts, hub, sandbox, fault, told):
    sandbox.fault(provider="whatsapp", operation="receipt", times=1, **fault)
    chatting.text()
    statuses = [status(one) for one in hub.wait(3)[1:]]
    found = [
        (one["status"], one["errors"][0]["code"] if "errors" in one else None) for one in statuses
    ]
    assert found == told


def test_a_message_accepted_and_dropped_is_never_told_of(chatting, receipts, hub, sandbox):
    match = {"text_contains": "Lost"}
    sandbox.fault(kind="drop_before", provider="whatsapp", operation="receipt", match=match)
    chatting.text("Lost")
    ready = chatting.text("Ready").json["messages"][0]["id"]
    assert {status(told)["id"] for told in hub.wait(3)[1:]} == {ready}


@pytest.mark.parametrize(
    ("change", "said", "code"),
    [
        ({"on_whatsapp": False}, {"text": {"body": "Hi"}}, 131026),
        ({"no_marketing": True}, {"template": OFFER}, 131050),
    ],
)
def test_what_stands_against_a_recipient_is_told_later(
    chatting, receipts, hub, *, change, said, code
):
    chatting.act("people", **change)
    approved = {"name": "old_offer", "status": "APPROVED"}
    chatting.http.post(f"/_sandbox/whatsapp/{chatting.number}/templates", json=approved)
    hub.wait(2)
    assert chatting.send(**said).status_code == 200
    (error,) = status(hub.wait(3)[2])["errors"]
    assert error["code"] == code
    assert error["error_data"]["details"]


def test_who_blocked_the_business_gets_nothing(chatting, receipts, hub):
    chatting.act("blocks")
    chatting.text()
    assert status(hub.wait(2)[1])["errors"][0]["code"] == 131026
    chatting.act("blocks", blocked=False)
    chatting.text()
    assert status(hub.wait(3)[2])["status"] == "sent"


def test_a_time_in_milliseconds_is_refused_before_it_opens_a_window(whatsapped):
    said = {"from": "+15550100199", "text": "Hi", "timestamp": 1795000001000}
    answer = whatsapped.http.post(f"/_sandbox/whatsapp/{whatsapped.number}/messages", json=said)
    assert (answer.status_code, "timestamp" in answer.text) == (422, True)


def test_conformance_11_a_closed_window_is_told_by_a_status(whatsapped, sandbox, hub):
    sandbox.rules(whatsapp_receipts=True, whatsapp_sent_after=0)
    whatsapped.act("messages", text="Hi", timestamp=1)
    hub.wait(1)
    assert whatsapped.text().status_code == 200
    assert status(hub.wait(2)[1])["errors"][0]["code"] == 131047
    sandbox.rules(whatsapp_window="off")
    whatsapped.text()
    assert status(hub.wait(3)[2])["status"] == "sent"


@pytest.mark.parametrize(
    ("mime_type", "said", "end"),
    [
        ("image/png", "image", "sent"),
        ("image/webp", "image", "failed"),
        ("", "image", "failed"),
        ("audio/mpeg", "audio", "failed"),
        ("audio/ogg; codecs=opus", "audio", "sent"),
    ],
)
def test_the_file_behind_a_link_must_be_what_it_is_sent_as(
    chatting, receipts, hub, mime_type, said, end
):
    if mime_type:
        hub.resources["/files/x"] = (mime_type, b"bytes")
    voice = {"voice": True} if said == "audio" else {}
    chatting.send(**{said: {"link": f"{hub.url}/files/x", **voice}})
    told = status(hub.wait(2)[1])
    assert told["status"] == end
    if end == "failed":
        assert told["errors"][0]["code"] == 131053


def test_a_reaction_is_only_told_to_be_sent(chatting, receipts, hub):
    first = value(hub.told[0])["messages"][0]["id"]
    chatting.send(reaction={"message_id": first, "emoji": "👍"})
    chatting.text()
    kinds = [status(told)["status"] for told in hub.wait(4)[1:]]
    assert sorted(kinds) == ["delivered", "sent", "sent"]


def test_a_status_can_be_told_by_hand_in_any_order(chatting, hub):
    sent = chatting.text().json["messages"][0]["id"]
    for word in ("played", "sent", "failed"):
        chatting.tell(id=sent, status=word)
    told = [status(one)["status"] for one in hub.wait(4)[1:]]
    assert told == ["played", "sent", "failed"]


# --- the page ------------------------------------------------------------------------------


@pytest.fixture
def page(whatsapped):
    """Somebody in front of the page."""
    seat = {"channel": f"whatsapp:{whatsapped.number}", "persona": "Ann Test"}

    class Page:
        #: The number of somebody of this name.
        customer = phone_of(Persona(seat["persona"]))

        def post(self, path, **form):
            answer = whatsapped.http.post(path, data={**seat, **form})
            assert answer.status_code == 303, answer.text
            return answer

        @property
        def text(self):
            return whatsapped.http.get("/", query_string=seat).text

    return Page()


def test_a_person_can_be_the_customer_on_the_page(page, whatsapped, hub, sandbox):
    page.post("/say", text="Is it open?")
    page.post("/say", latitude="48.1", longitude="11.5", place_name="Test Cafe")
    page.post("/say", card_name="Bob Test", card_phone="+15550100111")
    told = [value(one)["messages"][0] for one in hub.wait(3)]
    assert [one["type"] for one in told] == ["text", "location", "contacts"]
    page.post("/say", text="Is it open today?", edits=told[0]["id"])
    customer = told[0]["from"]
    sent = whatsapped.send(to=customer, interactive=BUTTONS | {"footer": {"text": "Small"}})
    wamid = sent.json["messages"][0]["id"]
    page.post("/press", message=wamid, data="yes")
    page.post("/react", message=wamid, emoji="👍")
    page.post("/confirm", message=wamid, receipt="delivered")
    for words in ("Is it open today?", "Test Cafe", "Bob Test", "Sure?", "Small", "👍", "Yes"):
        assert words in page.text
    hub.wait(8)
    assert {status["status"] for one in hub.told for status in value(one).get("statuses", [])} == {
        "delivered",
        "read",
    }
    page.post("/leave", left="1")
    assert "Unblock" in page.text


@pytest.mark.parametrize(
    "message",
    [
        {"type": "location", "location": {}},
        {"type": "contacts", "contacts": ["Bob"]},
        {"type": "interactive", "interactive": {"type": "button_reply", "button_reply": 1}},
        {"type": "hologram"},
    ],
)
def test_whatever_was_brought_the_page_shows_it_and_offers_no_edit(page, whatsapped, message):
    page.post("/say", text="Hi")
    path = f"/_sandbox/whatsapp/{whatsapped.number}/messages"
    body = {"from": page.customer, "message": message}
    assert whatsapped.http.post(path, json=body).status_code == 201
    assert f"({message['type']})" in page.text
    assert page.text.count(">Edit</button>") == 1


def test_a_template_is_shown_filled_in_with_its_buttons(page, whatsapped, hub):
    page.post("/say", text="Hi")
    customer = value(hub.wait(1)[0])["messages"][0]["from"]
    whatsapped.send(to=customer, template=ORDER)
    for words in (
        "Hello Ann, your order 42 is on its way.",
        "Change the address",
        "https://shop.example/track/42",
    ):
        assert words in page.text


def test_what_the_business_does_is_seen(page, whatsapped, hub):
    page.post("/say", text="Hi")
    message = value(hub.wait(1)[0])["messages"][0]
    reading = {"messaging_product": "whatsapp", "status": "read", "message_id": message["id"]}
    reading["typing_indicator"] = {"type": "text"}
    whatsapped.ask("POST", f"{whatsapped.number}/messages", reading)
    assert "is typing" in page.text
    assert "read by the business" in page.text
    link = {"display_text": "Open the shop", "url": "https://shop.example"}
    action = {"name": "cta_url", "parameters": link}
    shop = {"type": "cta_url", "body": {"text": "Look"}, "action": action}
    whatsapped.send(to=message["from"], interactive=shop)
    assert "is typing" not in page.text
    assert "Open the shop" in page.text
