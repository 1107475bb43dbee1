"""The conformance cases of the channel, by number, as far as a type without I/O can show them."""

import json
from datetime import timedelta

import pytest

from hubbub.sdk import (
    Accept,
    AddressState,
    Answer,
    Attachment,
    AuthFailed,
    Choice,
    Draft,
    Ignored,
    Location,
    Media,
    MessageReceived,
    Part,
    RateLimited,
    RecipientGone,
    Reject,
    System,
    Text,
    UnsupportedContent,
)
from hubbub_telegram.commands import entity_text
from hubbub_telegram.wire import Update

HI = Part(content=Text(text="Hi"), address="5550001")


def units(text):
    return len(text.encode("utf-16-le")) // 2


def test_case_01_text_behind_an_emoji_is_cut_out_right(payload):
    message = Update.model_validate_json(payload("updates/message_text")).message
    assert message
    assert message.text
    assert [entity_text(message.text, entity) for entity in message.entities] == [
        "@bob_1",
        "/help",
    ]


def test_case_02_only_the_right_secret_is_let_in(telegram, connection, call):
    assert isinstance(telegram.verify(call(b"{}", headers={}), connection()), Reject)
    wrong = call(b"{}", headers={"X-Telegram-Bot-Api-Secret-Token": "wrong"})
    assert isinstance(telegram.verify(wrong, connection()), Reject)
    assert telegram.verify(call(b"{}"), connection()) == Accept(Answer(status=200, body=b""))


def test_case_03_the_same_update_twice_has_the_same_key(event):
    assert event("message_text").key == event("message_text").key == "update:700000001"


def test_case_04_the_largest_photo_is_fetched_by_its_id_and_the_token_stays_inside(
    telegram, connection, event, run, answer
):
    media = event("message_photo").content.media
    assert (media.ref, media.url) == ("Ag2", None)
    fetching = telegram.fetch_media(media.ref, connection())
    fetched, (ask, _) = run(fetching, answer("getFile"), answer("true"))
    assert json.loads(ask.body) == {"file_id": "Ag2"}
    assert "AAExample" not in repr(fetched)


def test_case_05_what_is_given_twice_is_one_attachment_or_one_place(events):
    (animation,) = events("message_animation")
    assert animation.content.type == "video"
    (venue,) = events("message_venue")
    assert venue.content == Location(
        latitude=48.1, longitude=11.5, name="Example Cafe", address="Main St 1"
    )


def test_case_06_an_animated_sticker_without_a_thumbnail_is_its_emoji(event):
    assert event("message_sticker_animated_bare").content == Text(text="👍")


def test_case_07_items_of_an_album_are_messages_that_can_be_put_in_order(event):
    item = event("message_photo")
    assert isinstance(item, MessageReceived)
    assert item.external_id == "5550001:41"


def test_case_08_a_deep_link_opens_the_conversation(event):
    assert event("message_start_payload").content == System(event="started", detail="ref_42")


def test_case_09_a_button_of_an_inaccessible_message_is_read_and_answered(
    telegram, connection, event, call, payload, *, run, answer
):
    assert event("callback_query_inaccessible").content == Choice(id="v1:yes", title="v1:yes")
    pressed = call(payload("updates/callback_query_inaccessible"))
    assert telegram.wants_ack(pressed)
    _, (request,) = run(telegram.acknowledge(pressed, connection()), answer("true"))
    assert request.url.endswith("/answerCallbackQuery")


def test_case_10_blocking_and_coming_back_change_the_address(event):
    blocked, back = event("my_chat_member_kicked"), event("my_chat_member_member")
    assert [blocked.state, back.state] == [AddressState.BLOCKED, AddressState.OK]
    assert blocked.address == back.address == "5550001"
    assert blocked.key != back.key


def test_case_11_what_is_unknown_is_accepted_and_counted(
    telegram, connection, call, payload, event
):
    new_kind = call(payload("updates/unknown_kind"))
    assert isinstance(telegram.verify(new_kind, connection()), Accept)
    assert isinstance(event("unknown_kind"), Ignored)
    assert event("message_unknown_content").content == UnsupportedContent(provider_type="hologram")


def test_case_12_a_limit_holds_one_chat_for_as_long_as_telegram_says(
    telegram, connection, refused, answer
):
    error, _ = refused(RateLimited, telegram.send(HI, connection()), answer("429"))
    assert error.retry_after == timedelta(seconds=3)
    assert not error.whole_channel


def test_case_13_a_group_that_moved_is_written_to_once_where_it_is_now(
    telegram, connection, run, answer
):
    part = Part(content=Text(text="Hi"), address="-4001", reply_to_external_id="-4001:13")
    sending = telegram.send(part, connection())
    accepted, (first, second) = run(
        sending, answer("400_migrated"), answer("sendMessage_supergroup")
    )
    assert json.loads(first.body)["chat_id"] == -4001
    # Message ids start anew there, so nothing is quoted.
    assert json.loads(second.body) == {"chat_id": -1001234567890, "text": "Hi"}
    assert accepted.address == "-1001234567890"
    assert accepted.external_id == "-1001234567890:2"


@pytest.mark.parametrize("word", ["word ", "😀", "😀 wörd\n"])
def test_case_14_long_texts_are_split_and_long_captions_follow_their_picture(
    telegram, connection, word
):
    text = (word * 5000)[:5000]
    parts = telegram.render(Draft(content=Text(text=text)), HI, connection())
    texts = [part.content.text for part in parts]
    assert len(texts) > 1
    assert max(map(units, texts)) <= 4096
    assert "".join("".join(texts).split()) == "".join(text.split())
    picture = Attachment(type="image", media=Media(id="m1"), caption="x" * 1500)
    first, second = telegram.render(Draft(content=picture), HI, connection())
    assert first.content == Attachment(type="image", media=Media(id="m1"))
    assert second.content == Text(text="x" * 1500)


@pytest.mark.parametrize(("name", "error"), [("401", AuthFailed), ("403_blocked", RecipientGone)])
def test_case_15_a_dead_token_and_a_blocked_bot_are_told_apart(
    telegram, connection, refused, answer, *, name, error
):
    refused(error, telegram.send(HI, connection()), answer(name))
