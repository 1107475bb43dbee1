import json
from datetime import timedelta
from typing import Any

import pytest

from hubbub.sdk import (
    Accepted,
    Attachment,
    Card,
    Choices,
    Contacts,
    Draft,
    File,
    Headers,
    HttpResponse,
    Location,
    Media,
    Multipart,
    Option,
    OutcomeUnknown,
    Part,
    Permanent,
    RateLimited,
    Reaction,
    System,
    Text,
    Unsupported,
)

BOT = "/bot5550900:AAExampleExampleExampleExampleExample/"
URL = "https://api.telegram.org" + BOT
LINK = "https://files.example.com/a"
LONG = "x" * 65


def part(content, address="5550001", **more):
    return Part(content=content, address=address, **more)


def attachment(kind, *, caption=None, **media):
    return Attachment(type=kind, media=Media(url=LINK, **media), caption=caption)


def body(request):
    return json.loads(request.body)


SAID: list[Any] = [
    pytest.param(Text(text="Hi <3 2*3*4"), "sendMessage", {"text": "Hi <3 2*3*4"}, id="text"),
    pytest.param(
        attachment("image", caption="Look"),
        "sendPhoto",
        {"photo": LINK, "caption": "Look"},
        id="image",
    ),
    pytest.param(
        attachment("image", mime_type="image/gif"),
        "sendAnimation",
        {"animation": LINK},
        id="gif",
    ),
    pytest.param(
        attachment("audio", duration_ms=2500),
        "sendAudio",
        {"audio": LINK, "duration": 2},
        id="audio",
    ),
    pytest.param(attachment("voice"), "sendVoice", {"voice": LINK}, id="voice"),
    pytest.param(
        attachment("video", width=640, height=360),
        "sendVideo",
        {"video": LINK, "supports_streaming": True, "width": 640, "height": 360},
        id="video",
    ),
    pytest.param(
        attachment("document", width=1, duration_ms=9000),
        "sendDocument",
        {"document": LINK, "disable_content_type_detection": True},
        id="document",
    ),
    pytest.param(
        attachment("sticker", mime_type="image/webp"),
        "sendSticker",
        {"sticker": LINK},
        id="sticker",
    ),
    pytest.param(
        attachment("sticker", mime_type="image/png"),
        "sendPhoto",
        {"photo": LINK},
        id="sticker that is a picture",
    ),
    pytest.param(
        Location(latitude=48.1, longitude=11.5),
        "sendLocation",
        {"latitude": 48.1, "longitude": 11.5},
        id="location",
    ),
    pytest.param(
        Location(latitude=48.1, longitude=11.5, name="Cafe", address="Main St 1"),
        "sendVenue",
        {"latitude": 48.1, "longitude": 11.5, "title": "Cafe", "address": "Main St 1"},
        id="venue",
    ),
    pytest.param(
        Location(latitude=48.1, longitude=11.5, address="Main St 1"),
        "sendVenue",
        {"latitude": 48.1, "longitude": 11.5, "title": "Main St 1", "address": "Main St 1"},
        id="address",
    ),
    pytest.param(
        Contacts(contacts=(Card(name="Ada", phones=("+491511234567",)),)),
        "sendContact",
        {"phone_number": "+491511234567", "first_name": "Ada"},
        id="contact",
    ),
    pytest.param(
        Contacts(
            contacts=(Card(name="Ada; Co", phones=("+491", "+492"), emails=("a@example.com",)),)
        ),
        "sendContact",
        {
            "phone_number": "+491",
            "first_name": "Ada; Co",
            "vcard": "BEGIN:VCARD\r\nVERSION:3.0\r\nN:Ada\\; Co;;;;\r\nFN:Ada\\; Co\r\n"
            "TEL:+491\r\nTEL:+492\r\nEMAIL:a@example.com\r\nEND:VCARD",
        },
        id="contact with more",
    ),
    pytest.param(
        Choices(
            text="Which?",
            options=(
                Option(id="yes", title="Yes"),
                Option(id=LONG, title="Long"),
                Option(id="o:0", title="Odd"),
                Option(id="é" * 32, title="Just fits"),
                Option(id="é" * 33, title="Just does not"),
            ),
        ),
        "sendMessage",
        {
            "text": "Which?",
            "reply_markup": {
                "inline_keyboard": [
                    [{"text": "Yes", "callback_data": "yes"}],
                    [{"text": "Long", "callback_data": "o:1"}],
                    [{"text": "Odd", "callback_data": "o:2"}],
                    [{"text": "Just fits", "callback_data": "é" * 32}],
                    [{"text": "Just does not", "callback_data": "o:4"}],
                ]
            },
        },
        id="choices",
    ),
]


@pytest.mark.parametrize(("content", "method", "params"), SAID)
def test_each_content_is_one_exact_call(send, content, method, params):
    accepted, (request,) = send(part(content), "sendMessage")
    assert accepted == Accepted(external_id="5550001:78")
    assert request.method == "POST"
    assert request.url == URL + method
    assert request.headers == {"content-type": "application/json"}
    assert body(request) == {"chat_id": 5550001, **params}
    assert not request.safe


def test_every_declared_content_type_can_be_sent(telegram):
    sent = {case.values[0].type for case in SAID} | {"reaction"}
    assert sent == telegram.capabilities.outbound


def test_what_the_channel_cannot_say_is_unsupported(telegram, connection, refused):
    refused(Unsupported, telegram.send(part(System(event="joined")), connection()))


def test_another_server_is_called_where_the_settings_name_one(send):
    own = {"api_base": "http://127.0.0.1:8081/telegram/"}
    _, (request,) = send(part(Text(text="Hi")), "sendMessage", **own)
    assert request.url == f"http://127.0.0.1:8081/telegram{BOT}sendMessage"


def test_html_is_declared_where_the_settings_say_so(send):
    own = {"parse_mode": "HTML"}
    _, (text,) = send(part(Text(text="<b>Hi</b>")), "sendMessage", **own)
    assert body(text)["parse_mode"] == "HTML"
    photo = part(attachment("image", caption="<b>Hi</b>"))
    _, (image,) = send(photo, "sendMessage", **own)
    assert body(image)["parse_mode"] == "HTML"


@pytest.mark.parametrize(
    ("address", "where"),
    [
        ("-1001234567890", {"chat_id": -1001234567890}),
        ("-1001234567890/77", {"chat_id": -1001234567890, "message_thread_id": 77}),
        ("@example_club", {"chat_id": "@example_club"}),
    ],
)
def test_an_address_may_be_a_group_a_topic_or_a_name(send, address, where):
    accepted, (request,) = send(part(Text(text="Hi"), address), "sendMessage_supergroup")
    assert body(request) == {**where, "text": "Hi"}
    assert accepted.external_id == "-1001234567890:2"
    assert accepted.address == ("-1001234567890" if address.startswith("@") else None)


# --- quoting and reacting ---


def test_a_reply_quotes_and_goes_out_even_if_the_quoted_is_gone(send):
    reply = part(Text(text="Hi"), reply_to_external_id="5550001:41")
    _, (request,) = send(reply, "sendMessage")
    assert body(request)["reply_parameters"] == {
        "message_id": 41,
        "allow_sending_without_reply": True,
    }


@pytest.mark.parametrize("quoted", ["-4001:13", "SM123", ""])
def test_a_message_of_another_chat_is_not_quoted(send, quoted):
    reply = part(Text(text="Hi"), reply_to_external_id=quoted)
    _, (request,) = send(reply, "sendMessage")
    assert "reply_parameters" not in body(request)


@pytest.mark.parametrize(
    ("emoji", "reaction"),
    [
        ("👍", [{"type": "emoji", "emoji": "👍"}]),
        ("❤️", [{"type": "emoji", "emoji": "❤"}]),
        ("", []),
    ],
)
def test_a_reaction_is_put_on_its_message(send, emoji, reaction):
    content = Reaction(emoji=emoji, target_external_id="5550001:41")
    accepted, (request,) = send(part(content), "true")
    assert request.url == URL + "setMessageReaction"
    assert body(request) == {"chat_id": 5550001, "message_id": 41, "reaction": reaction}
    assert accepted.external_id == "5550001:41:reaction"


def test_a_reaction_to_no_message_of_telegrams_fails(telegram, connection, refused):
    content = Reaction(emoji="👍", target_external_id="SM123")
    error, requests = refused(Permanent, telegram.send(part(content), connection()))
    assert (error.code, requests) == ("bad_target", [])


# --- files ---


@pytest.mark.parametrize(
    ("kind", "field", "method", "filename"),
    [
        ("voice", "voice", "sendVoice", "voice.ogg"),
        ("image", "photo", "sendPhoto", "image"),
        ("document", "document", "sendDocument", "invoice.pdf"),
    ],
)
def test_a_file_that_the_hub_has_is_uploaded(send, kind, field, method, filename):
    media = Media(
        id="m1",
        url=LINK,
        mime_type="audio/ogg" if kind == "voice" else None,
        filename="invoice.pdf" if kind == "document" else None,
    )
    content = Attachment(type=kind, media=media, caption="Grüße")
    reply = part(content, reply_to_external_id="5550001:41")
    _, (request,) = send(reply, "sendMessage")
    assert request.url == URL + method
    assert isinstance(request.body, Multipart)
    fields = dict(request.body.fields)
    assert fields.pop(field) == File(media, filename)
    assert fields.pop("disable_content_type_detection", "true") == "true"
    assert fields == {
        "chat_id": "5550001",
        "caption": "Grüße",
        "reply_parameters": '{"message_id": 41, "allow_sending_without_reply": true}',
    }


def test_a_file_without_bytes_and_address_fails(telegram, connection, refused):
    content = Attachment(type="image", media=Media())
    error, requests = refused(Permanent, telegram.send(part(content), connection()))
    assert (error.code, requests) == ("no_media", [])


# --- how a draft becomes parts ---


def render(telegram, connection, content):
    draft = Draft(content=content, reply_to_external_id="5550001:41")
    return telegram.render(draft, part(Text(text="")), connection())


def test_a_sticker_has_its_caption_sent_after_it(telegram, connection):
    sticker = attachment("sticker", caption="Ha", mime_type="image/webp")
    first, second = render(telegram, connection, sticker)
    assert first.content == attachment("sticker", mime_type="image/webp")
    assert second.content == Text(text="Ha")
    assert [first.reply_to_external_id, second.reply_to_external_id] == ["5550001:41", None]


def test_contacts_are_sent_one_by_one_and_those_without_a_number_as_text(telegram, connection):
    ada = Card(name="Ada", phones=("+491",))
    bob = Card(name="Bob", emails=("bob@example.com",))
    parts = render(telegram, connection, Contacts(contacts=(ada, bob)))
    assert [each.content for each in parts] == [
        Contacts(contacts=(ada,)),
        Text(text="Bob, bob@example.com"),
    ]


def test_descriptions_of_options_stand_in_the_text(telegram, connection):
    options = (Option(id="s", title="Small", description="0.2 l"), Option(id="l", title="Large"))
    (only,) = render(telegram, connection, Choices(text="Size?", options=options))
    assert only.content == Choices(text="Size?\n\nSmall: 0.2 l", options=options)


def test_a_menu_says_descriptions_once(telegram, connection):
    options = tuple(Option(id=f"{n}", title="Size", description=f"{n} cm") for n in range(101))
    menu = render(telegram, connection, Choices(text="Size?", options=options))
    assert "\n".join(one.content.text for one in menu).count(" 100 cm") == 1


# --- answers that cannot be read ---


@pytest.mark.parametrize(
    "body",
    [b"", b"<html>", b"[]", b'{"ok":true}', b'{"ok":true,"result":true}', b'{"result":{}}'],
)
def test_a_success_that_cannot_be_read_is_an_unknown_outcome(telegram, connection, refused, body):
    answer = HttpResponse(status=200, headers=Headers(), body=body)
    error, _ = refused(OutcomeUnknown, telegram.send(part(Text(text="Hi")), connection()), answer)
    assert error.code == "unreadable_answer"


def test_a_limit_holds_only_the_chat(telegram, connection, refused, answer):
    error, _ = refused(
        RateLimited, telegram.send(part(Text(text="Hi")), connection()), answer("429")
    )
    assert error.retry_after == timedelta(seconds=3)
    assert not error.whole_channel
