"""Messenger's own rules: who may ask, what is refused, what is handed out."""

import hashlib
import hmac
import io
import json
import time
from typing import Any

import pytest
from werkzeug.datastructures import FileStorage
from werkzeug.test import encode_multipart

JPEG = b"\xff\xd8\xff\xe0 a picture"
DAY = 24 * 60 * 60


def code(answer):
    error = answer.json["error"]
    assert error["fbtrace_id"]
    return error["code"], error.get("error_subcode")


@pytest.fixture
def written(messenger):
    """A Page to which a customer wrote."""
    messenger.act("messages", text="Hi", name="Ann Test")
    return messenger


# --- who asks ------------------------------------------------------------------------------


@pytest.mark.parametrize("token", ["", "EAAanother"])
def test_who_has_no_token_is_refused(messenger, token):
    answer = messenger.ask("GET", "me", token=token)
    assert (answer.status_code, code(answer)) == (401, (190, None))


@pytest.mark.parametrize(
    ("change", "subcode"), [({"page_access_token": "EAAnew"}, 467), ({"expires_at": 1}, 463)]
)
def test_a_token_that_was_replaced_or_is_over_is_refused(messenger, change, subcode):
    messenger.register(**change)
    assert code(messenger.ask("GET", "me")) == (190, subcode)


def test_a_page_has_a_token_of_its_own_and_may_ask_of_no_other(messenger):
    messenger.register(page_id="300300300300301", page_access_token="EAAother")
    assert messenger.ask("GET", "me").json == {"id": messenger.page, "name": "Shop"}
    other = messenger.ask("GET", "me?fields=id", token="EAAother")
    assert other.json == {"id": "300300300300301"}
    assert code(messenger.ask("GET", "300300300300301")) == (100, 33)


def test_a_proof_must_be_right_and_where_the_app_requires_one_be_there(messenger):
    def asked(secret):
        proof = hmac.new(secret.encode(), messenger.token.encode(), hashlib.sha256).hexdigest()
        return messenger.ask("GET", f"me?appsecret_proof={proof}")

    assert asked(messenger.secret).status_code == 200
    wrong = asked("another")
    assert (code(wrong), wrong.json["error"]["type"]) == ((100, None), "GraphMethodException")
    assert messenger.ask("GET", "me").status_code == 200
    messenger.register(requires_proof=True)
    assert code(messenger.ask("GET", "me")) == (100, None)


@pytest.mark.parametrize(
    ("scope", "path"), [("pages_messaging", "subscribed_apps"), ("feed", "messages")]
)
def test_each_act_takes_its_permission(messenger, scope, path):
    messenger.register(scopes=[scope])
    assert code(messenger.ask("POST", f"me/{path}", {})) == (200, None)


@pytest.mark.parametrize(
    ("method", "path", "number"),
    [
        ("GET", "a/b/c", 100),
        ("PUT", "me/messages", 100),
        ("GET", "me?fields=colour", 100),
        ("GET", "7770001112223334", 100),
    ],
)
def test_what_is_not_there_is_refused(messenger, method, path, number):
    assert code(messenger.ask(method, path))[0] == number


@pytest.mark.parametrize("version", ["v20.0", "25.0"])
def test_a_version_that_has_ended_is_refused(messenger, version):
    assert code(messenger.http.get(f"/messenger/{version}/me")) == (2635, None)


def test_a_token_is_explained_to_its_app(messenger):
    said = messenger.as_app("GET", "debug_token", input_token=messenger.token).json["data"]
    assert (said["type"], said["app_id"], said["is_valid"]) == ("PAGE", messenger.app, True)
    assert {tuple(grant["target_ids"]) for grant in said["granular_scopes"]} == {(messenger.page,)}
    unknown = messenger.as_app("GET", "debug_token", input_token="EAAanother").json["data"]
    assert unknown["is_valid"] is False
    refused = messenger.as_app("GET", "debug_token", input_token="x", access_token="1|wrong")
    assert code(refused) == (190, None)


# --- webhook and subscription --------------------------------------------------------------


def test_conformance_01_a_webhook_is_set_only_after_a_handshake(messenger, hub, sandbox):
    path = f"{messenger.app}/subscriptions"
    asked = {"object": "page", "callback_url": f"{hub.url}/fb", "fields": "messages"}
    assert code(messenger.as_app("POST", path, verify_token="wrong", **asked)) == (2200, None)
    assert messenger.as_app("GET", path).json == {"data": []}
    messenger.as_app("POST", path, verify_token=hub.verify_token, **asked)
    (shown,) = messenger.as_app("GET", path).json["data"]
    assert (shown["object"], shown["callback_url"]) == ("page", f"{hub.url}/fb")
    assert [field["name"] for field in shown["fields"]] == ["messages"]
    assert [call["status"] for call in sandbox.calls(kind="handshake")] == [403, 200]
    messenger.as_app("DELETE", path, object="page")
    assert messenger.as_app("GET", path).json == {"data": []}


def test_an_app_hears_of_a_page_from_when_it_says_so(messenger):
    path = f"{messenger.page}/subscribed_apps"
    assert messenger.ask("GET", path).json == {"data": []}
    assert code(messenger.ask("POST", path)) == (100, None)
    assert code(messenger.ask("POST", f"{path}?subscribed_fields=messages,moon")) == (100, None)
    messenger.ask("POST", f"{path}?subscribed_fields=messages,standby")
    (app,) = messenger.ask("GET", path).json["data"]
    assert (app["id"], app["subscribed_fields"]) == (messenger.app, ["messages", "standby"])
    messenger.ask("DELETE", path)
    assert messenger.ask("GET", path).json == {"data": []}


# --- messages ------------------------------------------------------------------------------

POSTBACK = {"type": "postback", "title": "Yes", "payload": "YES"}
LINK = {"type": "web_url", "title": "Site", "url": "https://example.org"}
QUICK = {"content_type": "text", "title": "Red", "payload": "RED"}


def template(**payload):
    return {"attachment": {"type": "template", "payload": payload}}


def buttons(*those, text="Sure?"):
    return template(template_type="button", text=text, buttons=[*those])


def card(**more):
    return {"title": "Room 1", **more}


TAKEN: dict[str, dict[str, Any]] = {
    "text": {"text": "x" * 2000, "metadata": "y" * 1000},
    "sticker": {"sticker_id": 369239263222822},
    "quick replies": {"text": "?", "quick_replies": [QUICK] * 13},
    "phone": {"text": "?", "quick_replies": [{"content_type": "user_phone_number"}]},
    "buttons": buttons(POSTBACK, LINK, POSTBACK, text="t" * 640),
    "call": buttons({"type": "phone_number", "title": "Call", "payload": "+15550100"}),
    "cards": template(template_type="generic", elements=[card(subtitle="9:00")] * 10),
}


@pytest.mark.parametrize("kind", TAKEN)
def test_each_kind_of_message_is_taken_and_kept_as_it_came(written, sandbox, kind):
    answer = written.send(TAKEN[kind]).json
    assert answer["recipient_id"] == written.ann
    (sent,) = sandbox.sent(provider="messenger")
    assert (sent["external_id"], sent["address"]) == (answer["message_id"], written.ann)
    assert sent["params"]["message"] == TAKEN[kind]


REFUSED: dict[str, dict[str, Any]] = {
    "nothing": {},
    "too long": {"text": "x" * 2001},
    "too long beside it": {"text": "x", "metadata": "y" * 1001},
    "two things": {"text": "x", "sticker_id": 1},
    "unknown": {"text": "x", "colour": "red"},
    "fourteen quick replies": {"text": "?", "quick_replies": [QUICK] * 14},
    "long quick reply": {"text": "?", "quick_replies": [QUICK | {"title": "x" * 21}]},
    "long payload": {"text": "?", "quick_replies": [QUICK | {"payload": "x" * 1001}]},
    "mute quick reply": {"text": "?", "quick_replies": [{"content_type": "text", "title": "x"}]},
    "four buttons": buttons(*[POSTBACK] * 4),
    "no button": buttons(),
    "long button": buttons(POSTBACK | {"title": "x" * 21}),
    "long text of buttons": buttons(POSTBACK, text="x" * 641),
    "no link": buttons(LINK | {"url": "javascript:x"}),
    "eleven cards": template(template_type="generic", elements=[card(subtitle="9:00")] * 11),
    "bare card": template(template_type="generic", elements=[card()]),
    "long card": template(template_type="generic", elements=[card(subtitle="x" * 81)]),
    "unknown template": template(template_type="hologram"),
    "file in two places": {
        "attachment": {
            "type": "image",
            "payload": {"url": "https://x.test/a", "attachment_id": "1"},
        }
    },
    "file nowhere": {"attachment": {"type": "image", "payload": {}}},
    "unknown file": {"attachment": {"type": "image", "payload": {"attachment_id": "1"}}},
    "no address": {"attachment": {"type": "image", "payload": {"url": "ftp://x.test/a"}}},
}


@pytest.mark.parametrize("kind", REFUSED)
def test_what_is_not_as_documented_is_refused_and_not_kept(written, sandbox, kind):
    assert code(written.send(REFUSED[kind]))[0] == 100
    assert sandbox.sent() == []


@pytest.mark.parametrize(
    "change",
    [
        {"messaging_type": None},
        {"messaging_type": "MESSAGE_TAG"},
        {"tag": "HUMAN_AGENT"},
        {"messaging_type": "MESSAGE_TAG", "tag": "HOLOGRAM"},
        {"sender_action": "typing_on"},
        {"recipient": {}},
        {"recipient": {"id": "1"}},
    ],
)
def test_what_stands_around_a_message_is_looked_at_too(written, change):
    assert code(written.text(**change))[0] == 100


def test_signs_stand_alone_and_change_what_the_customer_sees(written, sandbox):
    def sign(name):
        body = {"recipient": {"id": written.ann}, "sender_action": name}
        return written.ask("POST", "me/messages", body)

    assert sign("typing_on").json == {"recipient_id": written.ann}
    assert sign("mark_seen").status_code == 200
    assert code(sign("dance")) == (100, None)
    texts = [line["text"] for line in sandbox.sent(kind="action")]
    assert texts == ["typing_on", "mark_seen"]


def test_a_form_is_as_good_as_json(written, sandbox):
    form = {
        "recipient": json.dumps({"id": written.ann}),
        "messaging_type": "RESPONSE",
        "message": json.dumps({"attachment": {"type": "image", "payload": {}}}),
        "filedata": (io.BytesIO(JPEG), "cup.jpg", "image/jpeg"),
    }
    headers = {"Authorization": f"Bearer {written.token}"}
    answer = written.http.post(f"{written.graph}/me/messages", data=form, headers=headers)
    assert answer.status_code == 200, answer.text
    assert len(sandbox.sent()) == 1


# --- the window ----------------------------------------------------------------------------

TAG = {"messaging_type": "MESSAGE_TAG", "tag": "HUMAN_AGENT"}


@pytest.mark.parametrize(
    ("age", "feature", "more", "taken"),
    [
        (DAY - 60, False, {}, True),
        (DAY + 60, False, {}, False),
        (DAY + 60, False, {"messaging_type": "UPDATE"}, False),
        (DAY + 60, False, TAG, False),
        (DAY + 60, True, TAG, True),
        (7 * DAY + 60, True, TAG, False),
    ],
)
def test_conformance_12_the_window_is_a_day_and_for_people_a_week(
    messenger, age, feature, more, taken
):
    messenger.register(human_agent=feature)
    messenger.act("messages", text="Hi", timestamp=time.time() - age)
    answer = messenger.text(**more)
    assert (answer.status_code == 200) == taken
    assert taken or code(answer) == (10, 2018278)


def test_a_time_in_milliseconds_is_refused_before_it_opens_a_window(messenger):
    said = {"from": messenger.ann, "text": "Hi", "timestamp": time.time() * 1000}
    answer = messenger.http.post(f"/_sandbox/messenger/{messenger.page}/messages", json=said)
    assert (answer.status_code, "timestamp" in answer.text) == (422, True)


def test_a_tap_opens_the_window_and_a_rule_keeps_it_open(messenger, sandbox):
    messenger.act("messages", text="Hi", timestamp=1)
    assert code(messenger.text()) == (10, 2018278)
    sandbox.rules(messenger_window=False)
    assert messenger.text().status_code == 200
    sandbox.rules(messenger_window=True)
    messenger.act("taps", title="Get Started", payload="GET_STARTED")
    assert messenger.text().status_code == 200


def test_the_rule_of_first_contact_can_be_switched_off(messenger, sandbox):
    assert code(messenger.text()) == (100, 2018001)
    sandbox.rules(messenger_first_contact=False, messenger_window=False)
    assert messenger.text().status_code == 200


def test_tags_that_ended_are_told_so(written):
    tag = {"messaging_type": "MESSAGE_TAG", "tag": "ACCOUNT_UPDATE"}
    assert code(written.text(**tag)) == (100, 1893061)


def test_who_blocked_the_page_or_is_answered_by_another_app_gets_nothing(written):
    written.act("blocks")
    assert code(written.text()) == (551, 1545041)
    written.act("blocks", blocked=False)
    written.act("owners", app_id="263902037430900")
    assert code(written.text()) == (10, 2018300)
    written.act("owners")
    assert written.text().status_code == 200


def test_a_person_is_known_to_the_page_to_which_they_wrote(written):
    shown = written.ask("GET", f"{written.ann}?fields=first_name,last_name").json
    assert shown == {"first_name": "Ann", "last_name": "Test", "id": written.ann}
    written.act("people", hides_profile=True)
    assert code(written.ask("GET", written.ann)) == (100, 33)


# --- files ---------------------------------------------------------------------------------


def upload(messenger, data=JPEG, mime_type="image/jpeg", kind="image"):
    message = {"attachment": {"type": kind, "payload": {"is_reusable": True}}}
    file = FileStorage(io.BytesIO(data), "cup.jpg", content_type=mime_type)
    boundary, form = encode_multipart({"message": json.dumps(message), "filedata": file})
    return messenger.http.post(
        f"{messenger.graph}/{messenger.page}/message_attachments",
        data=form,
        content_type=f"multipart/form-data; boundary={boundary}",
        headers={"Authorization": f"Bearer {messenger.token}"},
    )


def test_conformance_11_a_file_is_uploaded_and_sent_as_what_it_was_uploaded(written):
    attachment_id = upload(written).json["attachment_id"]
    payload = {"attachment_id": attachment_id}
    assert written.send({"attachment": {"type": "image", "payload": payload}}).status_code == 200
    wrong = written.send({"attachment": {"type": "video", "payload": payload}})
    assert code(wrong) == (100, 2018074)


@pytest.mark.parametrize(
    ("given", "subcode"),
    [
        ({"data": b""}, 2018047),
        ({"mime_type": "image/webp"}, 2018047),
        ({"kind": "video"}, 2018047),
        ({"data": b"x" * (25 * 1024 * 1024 + 1), "kind": "file"}, 2018109),
    ],
)
def test_a_file_that_messenger_does_not_take_is_refused(written, given, subcode):
    assert code(upload(written, **given)) == (100, subcode)


def test_the_file_behind_an_address_must_be_what_it_is_sent_as(written, hub):
    hub.resources["/cup.jpg"] = ("image/jpeg", JPEG)

    def send(kind, path):
        payload = {"url": f"{hub.url}{path}", "is_reusable": True}
        return written.send({"attachment": {"type": kind, "payload": payload}})

    assert send("image", "/cup.jpg").json["attachment_id"]
    assert code(send("audio", "/cup.jpg")) == (100, 2018047)
    assert code(send("image", "/gone.jpg")) == (100, 2018008)


# --- faults and control --------------------------------------------------------------------


@pytest.mark.parametrize(
    ("fault", "status", "said"),
    [
        ({"kind": "status"}, 500, (1200, None)),
        ({"kind": "status", "status": 403}, 403, (10, None)),
        ({"kind": "status", "status": 429}, 429, (613, None)),
        ({"kind": "status", "code": 2018278}, 403, (10, 2018278)),
        ({"kind": "status", "code": 1893063}, 403, (10, 1893063)),
        ({"kind": "status", "code": 368}, 403, (368, None)),
        ({"kind": "rate_limit"}, 400, (613, None)),
        ({"kind": "token_revoked"}, 401, (190, 467)),
    ],
)
def test_faults_strike_in_meta_s_words(written, sandbox, fault, status, said):
    sandbox.fault(provider="messenger", operation="Messages.send", times=1, **fault)
    answer = written.text()
    assert (answer.status_code, code(answer)) == (status, said)
    assert written.text().status_code == 200
    assert len(sandbox.sent()) == 1


def test_a_limit_of_the_account_says_in_minutes_how_long_to_wait(written, sandbox):
    sandbox.fault(kind="rate_limit", provider="messenger", code=80006, retry_after=61, times=1)
    usage = json.loads(written.text().headers["X-Business-Use-Case-Usage"])
    ((use,),) = usage.values()
    assert (use["type"], use["estimated_time_to_regain_access"]) == ("messenger", 2)


def test_a_fault_finds_its_message_by_address_and_words(written, sandbox):
    match = {"address": written.ann, "text_contains": "5"}
    sandbox.fault(kind="status", provider="messenger", match=match)
    assert written.text("Ready at 5").status_code == 500
    assert written.text("Ready").status_code == 200


@pytest.mark.parametrize(
    ("path", "body", "status"),
    [
        ("pages", {"page_id": "x", "app_id": "1"}, 422),
        ("messenger/999999/messages", {"from": "77700", "text": "Hi"}, 404),
        ("messenger/300300300300300/dances", {}, 404),
        ("messenger/300300300300300/messages", {"from": "Ann", "text": "Hi"}, 422),
        (
            "messenger/300300300300300/presses",
            {"from": "77700", "message_id": "1", "data": ""},
            404,
        ),
        ("messenger/300300300300300/edits", {"from": "77700", "message_id": "1", "text": ""}, 404),
        ("messenger/300300300300300/receipts", {"id": "1", "status": "delivered"}, 404),
    ],
)
def test_what_makes_no_sense_is_refused(messenger, path, body, status):
    assert messenger.http.post(f"/_sandbox/{path}", json=body).status_code == status


def test_a_page_is_listed_and_forgotten(messenger, sandbox):
    (shown,) = messenger.http.get("/_sandbox/pages").json["items"]
    assert (shown["page_id"], shown["webhook"]) == (messenger.page, "")
    messenger.http.post("/_sandbox/reset")
    assert messenger.http.get("/_sandbox/pages").json == {"items": []}
    assert code(messenger.ask("GET", "me")) == (190, None)
