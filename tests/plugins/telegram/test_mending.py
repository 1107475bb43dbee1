import json

import pytest

from hubbub.sdk import (
    Attachment,
    File,
    Headers,
    HttpResponse,
    Media,
    Multipart,
    Part,
    Permanent,
    Text,
)

URL = "https://api.telegram.org/bot5550900:AAExampleExampleExampleExampleExample/"
LINK = "https://files.example.com/a"


def part(content, address="5550001", **more):
    return Part(content=content, address=address, **more)


def attachment(kind, *, caption=None, **media):
    return Attachment(type=kind, media=Media(url=LINK, **media), caption=caption)


def body(request):
    return json.loads(request.body)


def test_broken_formatting_is_sent_again_as_plain_text(send):
    accepted, (first, second) = send(
        part(Text(text="a <x b")), "400_parse", "sendMessage", parse_mode="HTML"
    )
    assert body(first) == {**body(second), "parse_mode": "HTML"}
    assert accepted.note == "sent without formatting"


def test_a_vanished_message_is_no_longer_quoted(send):
    reply = part(Text(text="Hi"), reply_to_external_id="5550001:41")
    accepted, (_, second) = send(reply, "400_reply", "sendMessage")
    assert body(second) == {"chat_id": 5550001, "text": "Hi"}
    assert accepted.note == "sent without the quotation"


@pytest.mark.parametrize(("kind", "why"), [("image", "400_photo"), ("voice", "400_voice")])
def test_what_is_refused_as_picture_or_voice_is_sent_as_a_document(send, kind, why):
    content = attachment(kind, caption="Look", duration_ms=2000)
    accepted, (_, second) = send(part(content), why, "sendMessage")
    assert second.url == URL + "sendDocument"
    assert body(second) == {"chat_id": 5550001, "document": LINK, "caption": "Look"}
    assert accepted.note == "sent as a document"


def test_an_upload_refused_as_a_picture_is_uploaded_as_a_document(send):
    media = Media(id="m1", filename="wide.png")
    _, (_, second) = send(part(Attachment(type="image", media=media)), "400_photo", "sendMessage")
    assert second.url == URL + "sendDocument"
    assert second.body == Multipart((("chat_id", "5550001"), ("document", File(media, "wide.png"))))


def test_several_repairs_follow_each_other(send):
    reply = part(attachment("image", caption="<x"), "-4001", reply_to_external_id="-4001:7")
    refusals = ["400_reply", "400_parse", "400_photo", "400_migrated"]
    accepted, requests = send(reply, *refusals, "sendMessage_supergroup", parse_mode="HTML")
    assert body(requests[-1]) == {
        "chat_id": -1001234567890,
        "document": LINK,
        "caption": "<x",
    }
    assert accepted.address == "-1001234567890"


@pytest.mark.parametrize("why", ["400_parse", "400_reply", "400_photo", "400_migrated"])
def test_the_same_refusal_twice_is_final(telegram, connection, refused, answer, why):
    content = attachment("image", caption="<x")
    reply = part(content, "-4001", reply_to_external_id="-4001:7")
    sending = telegram.send(reply, connection(parse_mode="HTML"))
    error, requests = refused(Permanent, sending, answer(why), answer(why))
    assert len(requests) == 2
    assert error.provider_code == "400"


def test_no_rights_to_send_photos_is_not_mended(telegram, connection, refused):
    told = b'{"ok":false,"error_code":400,"description":"Bad Request: not enough rights to send photos to the chat"}'
    answer = HttpResponse(status=400, headers=Headers(), body=told)
    sending = telegram.send(part(attachment("image")), connection())
    error, requests = refused(Permanent, sending, answer)
    assert (error.code, len(requests)) == ("no_rights", 1)
