import base64
import io
import struct

import pytest
from werkzeug.datastructures import FileStorage
from werkzeug.test import encode_multipart

TOKEN = "5550900:" + "A" * 35

PNG = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
)


def png(width, height):
    return PNG[:16] + struct.pack(">II", width, height) + PNG[24:]


def refusal(answer):
    assert answer.json["ok"] is False
    assert answer.json["error_code"] == answer.status_code
    return answer.status_code, answer.json["description"]


def upload(telegram, method, field, data=PNG, filename="a.png", **params):
    form = {"chat_id": "5550001", field: FileStorage(io.BytesIO(data), filename), **params}
    # Encoded here, as the test client would leave a large body open in a temporary file.
    boundary, body = encode_multipart(form)
    content_type = f"multipart/form-data; boundary={boundary}"
    return telegram.http.post(
        f"/telegram/bot{TOKEN}/{method}", data=body, content_type=content_type
    )


def test_any_well_formed_token_is_a_bot(telegram):
    assert telegram.result("getMe") == {
        "id": 5550900,
        "is_bot": True,
        "first_name": "Sandbox bot",
        "username": "sandbox_5550900_bot",
        "can_join_groups": True,
        "can_read_all_group_messages": False,
        "supports_inline_queries": False,
        "can_connect_to_business": False,
        "has_main_web_app": False,
    }


@pytest.mark.parametrize("token", ["nonsense", "12:short", "abc:" + "A" * 35])
def test_a_malformed_token_is_not_found(telegram, token):
    assert refusal(telegram.call("getMe", token=token)) == (404, "Not Found")


def test_a_revoked_token_is_unauthorized_and_a_new_one_is_good(telegram):
    telegram.result("getMe")
    telegram.post("revoke", {})
    assert refusal(telegram.call("getMe")) == (401, "Unauthorized")
    assert telegram.call("getMe", token="5550900:" + "B" * 35).status_code == 200


def test_an_unknown_method_is_not_found(telegram):
    assert refusal(telegram.call("sendPigeon")) == (404, "Not Found: method not found")


@pytest.mark.parametrize("name", ["sendmessage", "SENDMESSAGE", "sendMessage"])
def test_method_names_ignore_case(telegram, name):
    telegram.write()
    assert telegram.result(name, chat_id=5550001, text="x")["text"] == "x"


@pytest.mark.parametrize(
    "send",
    [
        lambda http, url: http.get(url, query_string={"chat_id": "5550001", "text": "a&b"}),
        lambda http, url: http.post(url, data={"chat_id": "5550001", "text": "a&b"}),
        lambda http, url: http.post(url, json={"chat_id": 5550001, "text": "a&b"}),
        lambda http, url: http.post(url, json={"chat_id": "5550001", "text": "a&b"}),
        lambda http, url: http.post(
            url, data={"chat_id": "5550001", "text": "a&b", "f": (io.BytesIO(b"x"), "f")}
        ),
    ],
    ids=["query", "form", "json", "json with text", "multipart"],
)
def test_parameters_come_in_every_way(telegram, send):
    telegram.write()
    answer = send(telegram.http, f"/telegram/bot{TOKEN}/sendMessage")
    assert answer.json["result"]["text"] == "a&b"


def test_what_is_sent_is_recorded_with_its_id(sandbox, telegram):
    telegram.write()
    message = telegram.result("sendMessage", chat_id=5550001, text="Order 17")
    [sent] = sandbox.sent(provider="telegram", address="5550001")
    assert sent["external_id"] == f"5550001:{message['message_id']}"
    assert (sent["operation"], sent["text"]) == ("sendMessage", "Order 17")
    assert sent["params"] == {"chat_id": 5550001, "text": "Order 17"}


def test_a_stranger_is_not_found_and_a_person_of_another_bot_must_write_first(telegram):
    assert refusal(telegram.call("sendMessage", chat_id=42, text="x")) == (
        400,
        "Bad Request: chat not found",
    )
    telegram.write()
    other = telegram.call("sendMessage", token="777777:" + "C" * 35, chat_id=5550001, text="x")
    assert refusal(other) == (403, "Forbidden: bot can't initiate conversation with a user")


def test_the_rule_of_first_contact_can_be_switched_off(sandbox, telegram):
    sandbox.rules(telegram_first_contact=False)
    assert telegram.result("sendMessage", chat_id=42, text="x")["chat"]["id"] == 42


@pytest.mark.parametrize(
    ("params", "description"),
    [
        ({}, "message text is empty"),
        ({"text": " \n"}, "message text is empty"),
        ({"text": "x" * 4097}, "message is too long"),
        ({"text": "x" * 32769}, "text is too long"),
        ({"text": "<u>x", "parse_mode": "HTML"}, "Can't find end tag corresponding to start tag"),
        ({"text": "é<br>", "parse_mode": "HTML"}, 'Unsupported start tag "br" at byte offset 2'),
        ({"text": "a < b", "parse_mode": "HTML"}, "Unclosed start tag at byte offset 2"),
        ({"text": "</b>", "parse_mode": "HTML"}, "Unexpected end tag at byte offset 0"),
        ({"text": "x", "reply_parameters": {"message_id": 99}}, "message to be replied not found"),
        ({"text": "x", "reply_markup": "{"}, "can't parse reply_markup JSON object"),
        (
            {
                "text": "x",
                "reply_markup": {"inline_keyboard": [[{"text": "a", "callback_data": "ü" * 33}]]},
            },
            "BUTTON_DATA_INVALID",
        ),
        (
            {
                "text": "x",
                "reply_markup": {"inline_keyboard": [[{"text": "a", "url": "http://localhost"}]]},
            },
            "Wrong HTTP URL",
        ),
    ],
)
def test_a_bad_text_message_is_refused(telegram, params, description):
    telegram.write()
    status, text = refusal(telegram.call("sendMessage", chat_id=5550001, **params))
    assert status == 400
    assert description in text


def test_nothing_refused_is_recorded(sandbox, telegram):
    telegram.write()
    telegram.call("sendMessage", chat_id=5550001, text="")
    assert sandbox.sent() == []


def test_the_longest_text_and_the_longest_button_are_taken(telegram):
    telegram.write()
    markup = {"inline_keyboard": [[{"text": "a", "callback_data": "x" * 64}]]}
    message = telegram.result("sendMessage", chat_id=5550001, text="😀" * 4096, reply_markup=markup)
    assert message["reply_markup"] == markup


def test_html_becomes_text_and_entities_in_utf16_units(telegram):
    telegram.write()
    html = '😀 <b>a <i>b</i></b> &lt;<a href="https://e.example/?a=1&amp;b=2">link</a>'
    message = telegram.result("sendMessage", chat_id=5550001, text=html, parse_mode="HTML")
    assert message["text"] == "😀 a b <link"
    assert message["entities"] == [
        {"type": "bold", "offset": 3, "length": 3},
        {"type": "italic", "offset": 5, "length": 1},
        {"type": "text_link", "url": "https://e.example/?a=1&b=2", "offset": 8, "length": 4},
    ]


def test_the_limit_counts_what_is_left_after_the_tags(telegram):
    telegram.write()
    text = "<b>" + "x" * 4096 + "</b>"
    assert telegram.call("sendMessage", chat_id=5550001, text=text, parse_mode="HTML").json["ok"]


def test_a_quoted_message_comes_back_whole(telegram):
    number = telegram.write("Where is it?")["message_id"]
    message = telegram.result(
        "sendMessage", chat_id=5550001, text="Here", reply_parameters={"message_id": number}
    )
    assert message["reply_to_message"]["text"] == "Where is it?"


def test_a_missing_quote_can_be_passed_over(telegram):
    telegram.write()
    reply = {"message_id": 99, "allow_sending_without_reply": True}
    message = telegram.result("sendMessage", chat_id=5550001, text="x", reply_parameters=reply)
    assert "reply_to_message" not in message


@pytest.mark.parametrize(
    ("state", "description"),
    [
        ("blocked", "Forbidden: bot was blocked by the user"),
        ("deactivated", "Forbidden: user is deactivated"),
        ("kicked", "Forbidden: bot was kicked from the private chat"),
    ],
)
def test_a_chat_that_is_gone_is_forbidden(telegram, state, description):
    telegram.write()
    telegram.post("chats", {"id": 5550001, "state": state})
    assert refusal(telegram.call("sendMessage", chat_id=5550001, text="x")) == (403, description)


def test_a_group_that_moved_names_its_new_id(telegram):
    telegram.write(chat={"id": -7, "type": "group", "title": "G"})
    telegram.post("chats", {"id": -7, "migrated_to": -1007})
    answer = telegram.call("sendMessage", chat_id=-7, text="x")
    assert answer.json["parameters"] == {"migrate_to_chat_id": -1007}
    assert telegram.result("sendMessage", chat_id=-1007, text="x")["chat"]["id"] == -1007


def test_rate_limits_are_off_until_they_are_switched_on(sandbox, telegram):
    telegram.write()
    assert all(telegram.call("sendMessage", chat_id=5550001, text="x").json["ok"] for _ in range(9))
    sandbox.rules(telegram_rate_limits=True)
    answers = [telegram.call("sendMessage", chat_id=5550001, text="x") for _ in range(9)]
    assert refusal(answers[-1]) == (429, "Too Many Requests: retry after 1")
    assert answers[-1].json["parameters"] == {"retry_after": 1}
    assert answers[-1].headers["Retry-After"] == "1"


def test_thirty_messages_a_second_are_the_most_for_a_bot(sandbox, telegram):
    sandbox.rules(telegram_rate_limits=True, telegram_first_contact=False)
    answers = [telegram.call("sendMessage", chat_id=100 + i, text="x") for i in range(60)]
    assert {answer.status_code for answer in answers[:30]} == {200}
    assert 429 in {answer.status_code for answer in answers[30:]}


@pytest.mark.parametrize(
    ("method", "field", "data"),
    [
        ("sendPhoto", "photo", PNG),
        ("sendVoice", "voice", b"OggS-voice"),
        ("sendAudio", "audio", b"ID3-audio"),
        ("sendVideo", "video", b"video"),
        ("sendVideoNote", "video_note", b"round"),
        ("sendAnimation", "animation", b"GIF89a"),
        ("sendDocument", "document", b"%PDF-1.7"),
        ("sendSticker", "sticker", b"RIFF0000WEBP"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_an_upload_can_be_sent_again_by_its_id_and_fetched(telegram, method, field, data):
    telegram.write()
    content = upload(telegram, method, field, data).json["result"][field]
    file_id = (content[-1] if isinstance(content, list) else content)["file_id"]
    again = telegram.result(method, chat_id=5550001, **{field: file_id})
    assert field in again
    path = telegram.result("getFile", file_id=file_id)["file_path"]
    assert telegram.http.get(f"/telegram/file/bot{TOKEN}/{path}").data == data


def test_a_file_id_is_good_for_one_bot_and_one_kind(telegram):
    telegram.write()
    content = upload(telegram, "sendDocument", "document", b"x").json["result"]["document"]
    wrong_kind = telegram.call("sendPhoto", chat_id=5550001, photo=content["file_id"])
    assert "can't use file of type Document as Photo" in refusal(wrong_kind)[1]
    other = telegram.call("getFile", token="777777:" + "C" * 35, file_id=content["file_id"])
    assert "wrong file_id" in refusal(other)[1]


@pytest.mark.parametrize(
    ("data", "description"),
    [
        (b"no image", "IMAGE_PROCESS_FAILED"),
        (png(9000, 2000), "PHOTO_INVALID_DIMENSIONS"),
        (png(2100, 100), "PHOTO_INVALID_DIMENSIONS"),
        (b"", "file must be non-empty"),
    ],
    ids=["no image", "too wide", "too narrow", "empty"],
)
def test_a_bad_photo_is_refused(telegram, data, description):
    telegram.write()
    assert description in refusal(upload(telegram, "sendPhoto", "photo", data))[1]


def test_a_photo_above_ten_megabytes_is_too_large(telegram):
    telegram.write()
    answer = upload(telegram, "sendPhoto", "photo", PNG + bytes(10 * 1024 * 1024))
    assert refusal(answer) == (413, "Request Entity Too Large")


def test_a_caption_has_1024_characters_at_most(telegram):
    telegram.write()
    good = upload(telegram, "sendPhoto", "photo", caption="x" * 1024)
    assert good.json["result"]["caption"] == "x" * 1024
    bad = upload(telegram, "sendPhoto", "photo", caption="x" * 1025)
    assert refusal(bad) == (400, "Bad Request: message caption is too long")


def test_a_photo_is_fetched_from_its_address(telegram, hub):
    telegram.write()
    hub.resources["/cat.png"] = ("image/png", PNG)
    message = telegram.result("sendPhoto", chat_id=5550001, photo=f"{hub.url}/cat.png")
    assert message["photo"][-1]["file_size"] == len(PNG)
    missing = telegram.call("sendPhoto", chat_id=5550001, photo=f"{hub.url}/dog.png")
    assert refusal(missing) == (400, "Bad Request: failed to get HTTP URL content")


def test_an_album_is_one_send_with_several_messages(sandbox, telegram):
    telegram.write()
    media = '[{"type":"photo","media":"attach://a","caption":"Both"},{"type":"photo","media":"attach://b"}]'
    form = {
        "chat_id": "5550001",
        "media": media,
        "a": (io.BytesIO(PNG), "a.png"),
        "b": (io.BytesIO(PNG), "b.png"),
    }
    messages = telegram.http.post(f"/telegram/bot{TOKEN}/sendMediaGroup", data=form).json["result"]
    assert len({message["media_group_id"] for message in messages}) == 1
    assert [message.get("caption") for message in messages] == ["Both", None]
    assert len(sandbox.sent()) == 2


@pytest.mark.parametrize(
    "media",
    [
        [{"type": "photo", "media": "attach://a"}],
        [{"type": "photo", "media": "x"}, {"type": "document", "media": "y"}],
    ],
)
def test_a_bad_album_is_refused(telegram, media):
    telegram.write()
    status, text = refusal(telegram.call("sendMediaGroup", chat_id=5550001, media=media))
    assert (status, "group send failed" in text) == (400, True)


@pytest.mark.parametrize(
    ("method", "params", "key"),
    [
        ("sendLocation", {"latitude": 48.1, "longitude": 11.5}, "location"),
        ("sendVenue", {"latitude": 1, "longitude": 2, "title": "T", "address": "A"}, "venue"),
        ("sendContact", {"phone_number": "+1202", "first_name": "Ada"}, "contact"),
    ],
)
def test_places_and_contacts_are_sent(telegram, method, params, key):
    telegram.write()
    assert key in telegram.result(method, chat_id=5550001, **params)
    first = next(iter(params))
    incomplete = {name: value for name, value in params.items() if name != first}
    assert refusal(telegram.call(method, chat_id=5550001, **incomplete))[0] == 400


def test_an_edit_changes_the_message_and_an_equal_one_is_refused(sandbox, telegram):
    telegram.write()
    number = telegram.result("sendMessage", chat_id=5550001, text="Old")["message_id"]
    ids = {"chat_id": 5550001, "message_id": number}
    assert telegram.result("editMessageText", **ids, text="New")["text"] == "New"
    again = refusal(telegram.call("editMessageText", **ids, text="New"))
    assert "message is not modified" in again[1]
    assert [line["operation"] for line in sandbox.sent(kind="all")] == [
        "sendMessage",
        "editMessageText",
    ]


def test_buttons_go_when_the_markup_is_edited_away(telegram):
    telegram.write()
    markup = {"inline_keyboard": [[{"text": "Yes", "callback_data": "y"}]]}
    message = telegram.result("sendMessage", chat_id=5550001, text="?", reply_markup=markup)
    ids = {"chat_id": 5550001, "message_id": message["message_id"]}
    assert "reply_markup" not in telegram.result("editMessageReplyMarkup", **ids)


def test_a_deleted_message_is_gone(telegram):
    telegram.write()
    number = telegram.result("sendMessage", chat_id=5550001, text="x")["message_id"]
    ids = {"chat_id": 5550001, "message_id": number}
    assert telegram.result("deleteMessage", **ids) is True
    assert "message to delete not found" in refusal(telegram.call("deleteMessage", **ids))[1]
    assert (
        "message to edit not found" in refusal(telegram.call("editMessageText", **ids, text="y"))[1]
    )


def test_a_reaction_needs_its_message(telegram):
    number = telegram.write()["message_id"]
    reaction = [{"type": "emoji", "emoji": "👍"}]
    good = {"chat_id": 5550001, "message_id": number, "reaction": reaction}
    assert telegram.result("setMessageReaction", **good) is True
    bad = telegram.call("setMessageReaction", **{**good, "message_id": 99})
    assert "message to react not found" in refusal(bad)[1]


def test_a_press_is_answered_once(telegram):
    telegram.write()
    press = {"from": {"id": 5550001}, "message_id": 1, "data": "v1:yes"}
    query = telegram.post("presses", press)["callback_query_id"]
    assert telegram.result("answerCallbackQuery", callback_query_id=query) is True
    again = refusal(telegram.call("answerCallbackQuery", callback_query_id=query))
    assert "query is too old" in again[1]


def test_typing_is_an_action_and_no_message(sandbox, telegram):
    telegram.write()
    assert telegram.result("sendChatAction", chat_id=5550001, action="typing") is True
    assert refusal(telegram.call("sendChatAction", chat_id=5550001, action="x"))[0] == 400
    assert sandbox.sent() == []
    assert [line["operation"] for line in sandbox.sent(kind="action")] == ["sendChatAction"]
