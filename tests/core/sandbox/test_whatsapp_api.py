"""The Cloud API's own rules: who may ask, what is refused, what is handed out."""

import base64
import hashlib
import io
from typing import Any

import pytest
from werkzeug.datastructures import FileStorage
from werkzeug.test import encode_multipart

JPEG = b"\xff\xd8\xff\xe0 a picture"
HTTP = "http://localhost"


def code(answer):
    error = answer.json["error"]
    assert error["type"] == "OAuthException"
    assert error["fbtrace_id"]
    return error["code"]


def upload(whatsapp, data=JPEG, mime_type="image/jpeg", **form):
    form = {"messaging_product": "whatsapp", "type": mime_type, **form}
    file = FileStorage(io.BytesIO(data), "cup.jpg", content_type=mime_type)
    boundary, encoded = encode_multipart({**form, "file": file})
    return whatsapp.http.post(
        f"{whatsapp.graph}/{whatsapp.number}/media",
        data=encoded,
        content_type=f"multipart/form-data; boundary={boundary}",
        headers={"Authorization": f"Bearer {whatsapp.token}"},
    )


@pytest.fixture
def written(whatsapp):
    """A number to which a customer wrote; the message's id."""
    return whatsapp.act("messages", text="Hi", name="Ann")["id"]


# --- who asks ------------------------------------------------------------------------------


@pytest.mark.parametrize("token", ["", "EAAanother", "nonsense"])
def test_who_has_no_token_is_refused(whatsapp, token):
    answer = whatsapp.ask("GET", whatsapp.number, token=token)
    assert (answer.status_code, code(answer)) == (401, 190)


@pytest.mark.parametrize(
    ("change", "subcode"), [({"access_token": "EAAnew"}, 467), ({"expires_at": 1}, 463)]
)
def test_a_token_that_was_replaced_or_is_over_is_refused(whatsapp, change, subcode):
    whatsapp.register(**change)
    answer = whatsapp.ask("GET", whatsapp.number)
    assert (answer.status_code, answer.json["error"]["error_subcode"]) == (401, subcode)


def test_a_revoked_token_is_dead_until_there_is_a_new_one(whatsapp):
    whatsapp.http.post(f"/_sandbox/whatsapp/{whatsapp.number}/revoke", json={})
    assert code(whatsapp.ask("GET", whatsapp.number)) == 190
    whatsapp.register(access_token="EAAnew")
    assert whatsapp.ask("GET", whatsapp.number, token="EAAnew").status_code == 200


@pytest.mark.parametrize("path", ["999999999999999", "999999999999999/messages", "1/phone_numbers"])
def test_what_is_not_there_is_refused_as_what_may_not_be_seen(whatsapp, path):
    method = "POST" if path.endswith("messages") else "GET"
    answer = whatsapp.ask(method, path)
    assert (code(answer), answer.json["error"]["error_subcode"]) == (100, 33)


def test_the_number_of_another_app_may_not_be_seen(whatsapp):
    other = {"phone_number_id": "555555", "business_account_id": "666666", "app_id": "77777"}
    whatsapp.register(**other, access_token="EAAother")
    assert whatsapp.ask("GET", "555555", token="EAAother").status_code == 200
    assert code(whatsapp.ask("GET", "555555")) == 100


@pytest.mark.parametrize("version", ["v20.0", "25.0", "latest"])
def test_a_version_that_has_ended_is_refused(whatsapp, version):
    path = f"/whatsapp/{version}/{whatsapp.number}"
    assert code(whatsapp.http.get(path, headers={"Authorization": "Bearer x"})) == 2635


@pytest.mark.parametrize(
    ("method", "path"), [("GET", "a/b/c"), ("PUT", "a/messages"), ("GET", "a/messages")]
)
def test_an_unknown_path_is_refused(whatsapp, method, path):
    assert code(whatsapp.ask(method, path)) == 100


def test_a_token_is_explained_to_its_app(whatsapp):
    def asked(token=whatsapp.token, by=f"{whatsapp.app}|{whatsapp.secret}"):
        query = {"input_token": token, "access_token": by}
        return whatsapp.http.get(f"{whatsapp.graph}/debug_token", query_string=query)

    said = asked().json["data"]
    assert (said["is_valid"], said["app_id"], said["expires_at"]) == (True, whatsapp.app, 0)
    assert {tuple(grant["target_ids"]) for grant in said["granular_scopes"]} == {
        (whatsapp.account,)
    }
    assert not asked("EAAanother").json["data"]["is_valid"]
    assert code(asked(by=f"{whatsapp.app}|wrong")) == 190
    whatsapp.register(app_id="77777", app_secret="s", access_token="EAAother")
    assert code(asked("EAAother")) == 100
    whatsapp.register(expires_at=1)
    assert asked().json["data"]["error"]["subcode"] == 463


# --- numbers and accounts ------------------------------------------------------------------


def test_only_fields_that_exist_are_shown(whatsapp):
    shown = whatsapp.ask("GET", f"{whatsapp.number}?fields=verified_name,throughput").json
    assert shown.keys() == {"id", "verified_name", "throughput"}
    plain = whatsapp.ask("GET", whatsapp.number).json
    assert plain["display_phone_number"] == "+1 555-010-0100"
    answer = whatsapp.ask("GET", f"{whatsapp.number}?fields=id,colour")
    assert code(answer) == 100
    assert "(colour)" in answer.json["error"]["error_data"]["details"]


def test_an_account_lists_its_numbers_page_by_page(whatsapp):
    whatsapp.register(phone_number_id="100200300400501")
    path = f"{whatsapp.account}/phone_numbers?fields=id&limit=1"
    first = whatsapp.ask("GET", path).json
    second = whatsapp.http.get(
        first["paging"]["next"].removeprefix(HTTP),
        headers={"Authorization": f"Bearer {whatsapp.token}"},
    ).json
    pages = [first, second]
    assert [[one["id"] for one in page["data"]] for page in pages] == [
        [whatsapp.number],
        ["100200300400501"],
    ]
    assert "next" not in second["paging"]
    assert code(whatsapp.ask("GET", f"{path}&after=x")) == 100


def test_an_app_hears_of_an_account_from_when_it_says_so(whatsapp, hub):
    path = f"{whatsapp.account}/subscribed_apps"
    assert whatsapp.ask("GET", path).json == {"data": []}
    override = {"override_callback_uri": f"{hub.url}/wa", "verify_token": hub.verify_token}
    whatsapp.ask("POST", path, override)
    (app,) = whatsapp.ask("GET", path).json["data"]
    assert app["whatsapp_business_api_data"]["id"] == whatsapp.app
    assert app["override_callback_uri"] == f"{hub.url}/wa"
    whatsapp.ask("DELETE", path)
    assert whatsapp.ask("GET", path).json == {"data": []}


def test_an_app_s_own_webhook_is_set_by_the_app(whatsapp, hub):
    def subscribe(token, **more):
        body = {
            "object": "whatsapp_business_account",
            "callback_url": f"{hub.url}/app",
            "verify_token": hub.verify_token,
            "fields": "messages,flows",
            "access_token": token,
            **more,
        }
        return whatsapp.http.post(f"{whatsapp.graph}/{whatsapp.app}/subscriptions", data=body)

    assert code(subscribe(whatsapp.token)) == 190
    own = f"{whatsapp.app}|{whatsapp.secret}"
    assert code(subscribe(own, verify_token="wrong")) == 2200
    assert code(subscribe(own, object="")) == 100
    assert subscribe(own).json == {"success": True}
    assert whatsapp.register()["app_callback"] == f"{hub.url}/app"


# --- messages ------------------------------------------------------------------------------


CARD = {"name": {"formatted_name": "Bob Test", "first_name": "Bob"}}
BUTTON = {"type": "reply", "reply": {"id": "yes", "title": "Yes"}}
ROW = {"id": "r", "title": "09:00", "description": "Room 1"}
ACTION = {"button": "Slots", "sections": [{"rows": [ROW]}]}


def buttons(*those, **more):
    return {"type": "button", "body": {"text": "?"}, "action": {"buttons": [*those]}, **more}


def rows(**more):
    return {"type": "list", "body": {"text": "?"}, "action": ACTION, **more}


TAKEN: dict[str, dict[str, Any]] = {
    "text": {"text": {"body": "x" * 4096, "preview_url": True}},
    "image": {"image": {"link": "https://files.example/a.png", "caption": "c" * 1024}},
    "document": {"document": {"link": "https://files.example/a.pdf", "filename": "a.pdf"}},
    "voice": {"audio": {"link": "https://files.example/a.ogg", "voice": True}},
    "video": {"video": {"link": "https://files.example/a.mp4"}},
    "sticker": {"sticker": {"link": "https://files.example/a.webp"}},
    "location": {"location": {"latitude": 48.1, "longitude": 11, "name": "Test Cafe"}},
    "contacts": {"contacts": [CARD | {"phones": [{"phone": "+15550100111", "type": "WORK"}]}]},
    "buttons": {"interactive": buttons(BUTTON, footer={"text": "f"})},
    "list": {"interactive": rows(header={"type": "text", "text": "h"})},
    "link": {
        "interactive": {
            "type": "cta_url",
            "body": {"text": "?"},
            "action": {
                "name": "cta_url",
                "parameters": {"display_text": "Open", "url": "https://shop.example"},
            },
        }
    },
    "place": {
        "interactive": {
            "type": "location_request_message",
            "body": {"text": "Where?"},
            "action": {"name": "send_location"},
        }
    },
    "number": {
        "interactive": {
            "type": "request_contact_info",
            "body": {"text": "Who?"},
            "action": {"name": "request_contact_info"},
        }
    },
    "template": {"template": {"name": "hello_world", "language": {"code": "en_US"}}},
}


@pytest.mark.parametrize("kind", TAKEN)
def test_each_kind_of_message_is_taken_and_kept_as_it_came(whatsapp, sandbox, written, kind):
    answer = whatsapp.send(**TAKEN[kind], biz_opaque_callback_data="m-1")
    assert answer.status_code == 200, answer.text
    (line,) = sandbox.sent(provider="whatsapp")
    assert answer.json["messages"][0]["id"] == line["external_id"]
    assert line["params"] == {
        "messaging_product": "whatsapp",
        "to": "15550100199",
        "biz_opaque_callback_data": "m-1",
        "type": next(iter(TAKEN[kind])),
        **TAKEN[kind],
    }
    assert line["address"] == "+15550100199"


@pytest.mark.parametrize(
    ("said", "refused"),
    [
        ({"text": {"body": "x" * 4097}}, 131009),
        ({"text": {"body": ""}}, 131009),
        ({"text": {}}, 131008),
        ({"text": {"body": "Hi", "colour": "red"}}, 100),
        ({"text": {"body": 7}}, 131009),
        ({"hologram": {"body": "Hi"}}, 131009),
        ({"text": {"body": "Hi"}, "image": {"id": "1"}}, 131009),
        ({"text": {"body": "Hi"}, "biz_opaque_callback_data": "x" * 513}, 131009),
        ({"text": {"body": "Hi"}, "to": "Ann"}, 131009),
        ({"text": {"body": "Hi"}, "to": "15550100100"}, 131021),
        ({"text": {"body": "Hi"}, "to": "", "recipient": "US.404"}, 131009),
        ({"text": {"body": "Hi"}, "to": ""}, 131009),
        ({"image": {"id": "1"}}, 131009),
        ({"image": {}}, 131009),
        ({"image": {"id": "1", "link": "https://files.example/a.png"}}, 131009),
        ({"image": {"link": "ftp://files.example/a.png"}}, 131009),
        ({"image": {"link": "https://files.example/a.png", "caption": "c" * 1025}}, 131009),
        ({"audio": {"link": "https://files.example/a.mp3", "caption": "c"}}, 100),
        ({"location": {"latitude": 91, "longitude": 0}}, 131009),
        ({"contacts": [{"name": {"formatted_name": "Bob"}}]}, 131009),
        ({"contacts": [CARD] * 258}, 131009),
        ({"reaction": {"message_id": "wamid.NONE", "emoji": "x"}}, 131009),
        ({"interactive": buttons()}, 131009),
        ({"interactive": buttons(BUTTON, BUTTON)}, 131009),
        ({"interactive": buttons(*[BUTTON] * 4)}, 131009),
        (
            {"interactive": buttons({"type": "reply", "reply": {"id": "1", "title": "x" * 21}})},
            131009,
        ),
        ({"interactive": buttons(BUTTON, footer={"text": "f" * 61})}, 131009),
        ({"interactive": buttons(BUTTON, header={"type": "image"})}, 131009),
        ({"interactive": rows(header={"type": "image", "image": {"id": "1"}})}, 131009),
        ({"interactive": rows(body={"text": "b" * 1025})}, 131009),
        ({"interactive": rows(action=ACTION | {"sections": [{"rows": [ROW] * 11}]})}, 131009),
        ({"interactive": rows(action=ACTION | {"sections": [{"rows": [ROW]}] * 2})}, 131009),
        ({"interactive": rows(action=ACTION | {"sections": [{"rows": [ROW, ROW]}]})}, 131009),
        ({"interactive": {"type": "dance"}}, 131009),
    ],
)
def test_what_is_not_as_documented_is_refused_and_not_kept(
    whatsapp, sandbox, written, said, refused
):
    answer = whatsapp.send(**said)
    assert (answer.status_code, code(answer)) == (400, refused)
    assert answer.json["error"]["error_data"]["messaging_product"] == "whatsapp"
    assert sandbox.sent() == []


def test_the_answer_names_the_recipient_as_whatsapp_knows_them(whatsapp):
    whatsapp.act("people", dialled=["15550100909"], user_id="US.1")
    answer = whatsapp.text(to="+15550100909").json
    assert answer["contacts"] == [
        {"input": "+15550100909", "wa_id": "15550100199", "user_id": "US.1"}
    ]
    assert answer["messages"][0]["id"].startswith("wamid.")


def test_who_hides_their_number_is_reached_by_user_id(whatsapp, sandbox):
    whatsapp.act("people", user_id="US.1", hides_number=True)
    answer = whatsapp.text(to=None, recipient="US.1")
    assert answer.json["contacts"] == [{"input": "US.1", "user_id": "US.1"}]
    assert sandbox.sent()[0]["address"] == "US.1"


def test_a_message_is_marked_read_with_all_before_it(whatsapp, sandbox, written):
    second = whatsapp.act("messages", text="Hello?")["id"]
    body = {"messaging_product": "whatsapp", "status": "read", "message_id": second}
    answer = whatsapp.ask(
        "POST", f"{whatsapp.number}/messages", body | {"typing_indicator": {"type": "text"}}
    )
    assert answer.json == {"success": True}
    page = {"channel": f"whatsapp:{whatsapp.number}", "persona": "Ann"}
    (line,) = sandbox.sent(kind="action")
    assert (line["operation"], line["external_id"]) == ("Messages.read", second)
    assert sandbox.http.get("/", query_string=page).status_code == 200
    wrong = whatsapp.ask("POST", f"{whatsapp.number}/messages", body | {"message_id": "wamid.X"})
    assert code(wrong) == 131009


def test_a_reaction_stands_at_its_message_and_is_none_of_its_own(whatsapp, sandbox, written):
    answer = whatsapp.send(reaction={"message_id": written, "emoji": "👍"})
    assert answer.status_code == 200
    assert sandbox.sent(kind="message") == []
    assert len(sandbox.sent(kind="action")) == 1


# --- the window ----------------------------------------------------------------------------


def test_a_closed_window_may_be_told_at_once(whatsapp, sandbox):
    sandbox.rules(whatsapp_window="at_once")
    assert code(whatsapp.text()) == 131047
    whatsapp.act("messages", text="Hi", timestamp=1)
    assert code(whatsapp.text()) == 131047
    assert whatsapp.send(**TAKEN["template"]).status_code == 200
    whatsapp.act("messages", text="Hi")
    assert whatsapp.text().status_code == 200


# --- templates -----------------------------------------------------------------------------


def text(words, **more):
    return {"type": "text", "text": words, **more}


def fill(name, *components):
    return {"name": name, "language": {"code": "en_US"}, "components": list(components)}


def body(*parameters):
    return {"type": "body", "parameters": list(parameters)}


def button(kind, index, **parameter):
    return {"type": "button", "sub_type": kind, "index": index, "parameters": [parameter]}


TRACK = button("url", "1", type="text", text="42")
IMAGE = {
    "type": "header",
    "parameters": [{"type": "image", "image": {"link": "https://a.example"}}],
}
CODE = button("copy_code", "0", type="coupon_code", coupon_code="SPRING25")
NAMED = body(text("Monday", parameter_name="day"), text("9", parameter_name="hour"))
HEAD = {"type": "header", "parameters": [text("Ann", parameter_name="name")]}


@pytest.mark.parametrize(
    "template",
    [
        fill("order_ok", body(text("Ann"), text("42")), TRACK),
        fill(
            "order_ok",
            body(text("Ann"), text("42")),
            button("quick_reply", 0, type="payload", payload="STOP"),
            TRACK,
        ),
        fill("visit_reminder", HEAD, NAMED),
        fill("spring_sale", IMAGE, body(text("20 %")), CODE),
    ],
)
def test_a_template_that_is_filled_in_is_taken(whatsapp, template):
    answer = whatsapp.send(template=template)
    assert answer.json["messages"][0]["message_status"] == "accepted"


@pytest.mark.parametrize(
    ("template", "refused"),
    [
        (fill("no_such"), 132001),
        ({"name": "hello_world", "language": {"code": "de"}}, 132001),
        (fill("old_offer"), 132015),
        (fill("order_ok", body(text("Ann")), TRACK), 132000),
        (fill("order_ok", body(text("Ann"), text(" ")), TRACK), 131008),
        (fill("order_ok", body(text("Ann"), text("x" * 1024)), TRACK), 132005),
        (fill("order_ok", body(text("Ann"), text("42"))), 131008),
        (fill("order_ok", body(text("Ann"), text("42")), TRACK | {"index": "0"}), 132012),
        (fill("order_ok", body(text("Ann"), text("42")), TRACK, TRACK | {"index": "7"}), 132012),
        (fill("order_ok", body(text("Ann", parameter_name="a"), text("42")), TRACK), 100),
        (fill("visit_reminder", HEAD, body(text("Monday"), text("9"))), 100),
        (fill("visit_reminder", NAMED), 132000),
        (fill("spring_sale", body(text("20 %")), CODE), 132012),
        (fill("spring_sale", {**IMAGE, "parameters": [text("x")]}, body(text("1")), CODE), 132012),
        (fill("spring_sale", IMAGE, IMAGE | {"type": "sidebar"}), 131009),
    ],
)
def test_conformance_14_a_template_that_is_filled_in_wrongly_is_refused(
    whatsapp, template, refused
):
    assert code(whatsapp.send(template=template)) == refused


def test_a_password_needs_a_number(whatsapp):
    change = {
        "name": "otp",
        "category": "AUTHENTICATION",
        "components": [{"type": "BODY", "text": "{{1}} is your code."}],
    }
    path = f"/_sandbox/whatsapp/{whatsapp.number}/templates"
    assert whatsapp.http.post(path, json=change).status_code == 201
    whatsapp.act("people", user_id="US.1")
    otp = fill("otp", body(text("123456")))
    assert code(whatsapp.send(to=None, recipient="US.1", template=otp)) == 131062
    assert whatsapp.send(template=otp).status_code == 200


def test_conformance_14_templates_are_listed_page_by_page_with_their_components(whatsapp):
    path = f"{whatsapp.account}/message_templates?fields=name,language,status,components&limit=2"
    names, after = [], ""
    for _ in range(3):
        page = whatsapp.ask("GET", path + after).json
        names += [one["name"] for one in page["data"]]
        after = f"&after={page['paging']['cursors']['after']}"
    assert names == ["hello_world", "order_ok", "visit_reminder", "spring_sale", "old_offer"]
    assert "next" not in page["paging"]
    paused = whatsapp.ask("GET", f"{whatsapp.account}/message_templates?status=PAUSED").json
    assert [one["name"] for one in paused["data"]] == ["old_offer"]
    assert code(whatsapp.ask("GET", f"{whatsapp.account}/message_templates?fields=shoe")) == 100


def test_a_template_is_created_decided_on_and_deleted(whatsapp):
    path = f"{whatsapp.account}/message_templates"
    new = {
        "name": "new_one",
        "language": "en_US",
        "category": "UTILITY",
        "components": [{"type": "BODY", "text": "Hello"}],
    }
    assert whatsapp.ask("POST", path, new).json["status"] == "PENDING"
    assert code(whatsapp.ask("POST", path, new)) == 100
    assert code(whatsapp.ask("POST", path, new | {"components": []})) == 100
    assert code(whatsapp.send(template=fill("new_one"))) == 132001
    decided = {"name": "new_one", "status": "APPROVED"}
    whatsapp.http.post(f"/_sandbox/whatsapp/{whatsapp.number}/templates", json=decided)
    assert whatsapp.send(template=fill("new_one")).status_code == 200
    assert whatsapp.ask("DELETE", f"{path}?name=new_one").json == {"success": True}
    assert code(whatsapp.ask("DELETE", f"{path}?name=new_one")) == 132001


# --- media ---------------------------------------------------------------------------------


def test_conformance_08_a_file_is_handed_out_for_some_minutes_to_who_has_the_token(
    whatsapp, sandbox
):
    media_id = upload(whatsapp).json["id"]
    where = whatsapp.ask("GET", f"{media_id}?phone_number_id={whatsapp.number}").json
    assert (where["file_size"], where["mime_type"]) == (len(JPEG), "image/jpeg")
    assert where["sha256"] == hashlib.sha256(JPEG).hexdigest()
    path = where["url"].removeprefix(HTTP)
    token = {"Authorization": f"Bearer {whatsapp.token}"}
    assert whatsapp.http.get(path, headers=token).data == JPEG
    assert whatsapp.http.get(path).status_code == 401
    assert whatsapp.http.get(path, headers=token | {"User-Agent": ""}).status_code == 403
    sandbox.rules(whatsapp_media_seconds=0)
    path = whatsapp.ask("GET", media_id).json["url"].removeprefix(HTTP)
    assert whatsapp.http.get(path, headers=token).status_code == 404


def test_a_file_is_shown_in_a_message_and_deleted(whatsapp, written):
    media_id = upload(whatsapp).json["id"]
    assert whatsapp.send(image={"id": media_id}).status_code == 200
    assert whatsapp.ask("DELETE", media_id).json == {"success": True}
    assert code(whatsapp.send(image={"id": media_id})) == 131009
    assert code(whatsapp.ask("GET", media_id)) == 100


@pytest.mark.parametrize(
    "given",
    [
        {"data": b""},
        {"mime_type": "picture"},
        {"type": "image/png"},
        {"messaging_product": "messenger"},
        {"data": b"x" * (500 * 1024 + 1), "mime_type": "image/webp"},
        {"data": b"x" * (5 * 1024 * 1024 + 1)},
    ],
)
def test_a_file_that_meta_does_not_take_is_refused(whatsapp, given):
    assert code(upload(whatsapp, **given)) == 100


def test_a_file_of_a_customer_is_described_with_its_digest(whatsapped, hub):
    data = base64.b64encode(JPEG).decode()
    whatsapped.act("messages", text="Look", upload={"kind": "image", "data": data})
    (told,) = hub.wait(1, path="/wa")
    image = told.update["entry"][0]["changes"][0]["value"]["messages"][0]["image"]
    assert base64.b64decode(image["sha256"]) == hashlib.sha256(JPEG).digest()
    assert image["caption"] == "Look"


# --- faults --------------------------------------------------------------------------------


def test_faults_strike_in_meta_s_words(whatsapp, sandbox, written):
    about = {"provider": "whatsapp", "operation": "Messages.send", "times": 1}
    sandbox.fault(kind="rate_limit", **about)
    sandbox.fault(kind="rate_limit", code=131056, **about)
    sandbox.fault(kind="rate_limit", code=80007, retry_after=90, **about)
    sandbox.fault(kind="token_revoked", **about)
    sandbox.fault(kind="status", code=131026, **about)
    sandbox.fault(kind="status", **about)
    sandbox.fault(kind="status", status=503, **about)
    answers = [whatsapp.text() for _ in range(8)]
    codes = [code(answer) for answer in answers[:-1]]
    assert codes == [130429, 131056, 80007, 190, 131026, 131000, 2]
    assert [one.status_code for one in answers] == [400, 400, 400, 401, 400, 500, 503, 200]
    assert '"estimated_time_to_regain_access": 2' in answers[2].headers["X-Business-Use-Case-Usage"]


def test_a_fault_finds_its_message_by_address_and_words(whatsapp, sandbox, written):
    match = {"address": "+15550100199", "text_contains": "Ready"}
    sandbox.fault(kind="status", provider="whatsapp", match=match)
    assert whatsapp.text("Ready at 5").status_code == 500
    assert whatsapp.text("Hello").status_code == 200
    assert whatsapp.text("Ready at 5", to="15550100111").status_code == 200


# --- by HTTP -------------------------------------------------------------------------------


def test_a_number_is_listed_changed_and_forgotten(whatsapp, sandbox):
    whatsapp.register(verified_name="Lucky Shrub", quality_rating="RED")
    (shown,) = sandbox.http.get("/_sandbox/numbers").json["items"]
    assert (shown["phone_number_id"], shown["verified_name"]) == (whatsapp.number, "Lucky Shrub")
    assert "Lucky Shrub" in sandbox.http.get("/").text
    fields = "quality_rating"
    assert whatsapp.ask("GET", f"{whatsapp.number}?fields={fields}").json[fields] == "RED"
    sandbox.http.post("/_sandbox/reset")
    assert sandbox.http.get("/_sandbox/numbers").json["items"] == []


@pytest.mark.parametrize(
    ("path", "body", "status"),
    [
        ("404404/messages", {"from": "1", "text": "Hi"}, 404),
        ("100200300400500/dances", {}, 404),
        ("100200300400500/messages", {"from": "Ann", "text": "Hi"}, 422),
        ("100200300400500/receipts", {"id": "wamid.X", "status": "read"}, 404),
        ("100200300400500/presses", {"from": "1", "message_id": "wamid.X", "data": ""}, 404),
        ("100200300400500/reactions", {"from": "1", "message_id": "wamid.X", "emoji": ""}, 404),
        ("100200300400500/messages", {"from": "1", "text": "Hi", "edits": "wamid.X"}, 404),
        (
            "100200300400500/messages",
            {"from": "1", "upload": {"kind": "image", "data": "not base64"}},
            422,
        ),
    ],
)
def test_what_makes_no_sense_is_refused(whatsapp, path, body, status):
    assert whatsapp.http.post(f"/_sandbox/whatsapp/{path}", json=body).status_code == status
