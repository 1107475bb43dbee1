import json

import pytest

from hubbub.sdk import (
    Choice,
    Ignored,
    MessageDeleted,
    MessageEdited,
    Part,
    Reaction,
    Sender,
    Text,
    Unsupported,
)

ADA = Sender(address="5550001@bc1", name="Ada Example")
FILES = [
    "business_message",
    "business_edited",
    "business_deleted",
    "business_reply",
    "business_connection",
]


@pytest.mark.parametrize("name", FILES)
def test_business_accounts_are_ignored_unless_switched_on(event, name):
    ignored = event(name)
    assert isinstance(ignored, Ignored)
    assert "switched off" in ignored.reason


def test_a_message_to_the_account_has_an_address_of_its_own(event):
    received = event("business_message", business=True)
    assert (received.sender, received.content) == (ADA, Text(text="For the shop"))
    assert (received.external_id, received.reply_address) == ("5550001@bc1:3", None)


def test_a_reply_quotes_within_the_business_chat(event):
    assert event("business_reply", business=True).reply_to_external_id == "5550001@bc1:4"


@pytest.mark.parametrize(
    ("name", "who"), [("business_owner", "owner"), ("business_bot", "The bot")]
)
def test_what_our_side_wrote_there_is_ignored(event, name, who):
    ignored = event(name, business=True)
    assert isinstance(ignored, Ignored)
    assert who in ignored.reason


def test_edits_there_are_told(event):
    edited = event("business_edited", business=True)
    assert isinstance(edited, MessageEdited)
    assert (edited.external_id, edited.content) == (
        "5550001@bc1:3",
        Text(text="For the shop, please"),
    )


def test_messages_taken_back_there_are_told_one_by_one(events):
    gone = events("business_deleted", business=True)
    assert [type(event) for event in gone] == [MessageDeleted, MessageDeleted]
    assert [event.external_id for event in gone] == ["5550001@bc1:3", "5550001@bc1:5"]
    assert len({event.key for event in gone}) == 2


def test_a_button_pressed_there_is_answered_there(event):
    pressed = event("callback_query_business", business=True)
    assert (pressed.sender, pressed.content) == (ADA, Choice(id="v1:yes", title="Yes"))
    assert pressed.reply_to_external_id == "5550001@bc1:8"


@pytest.mark.parametrize(
    ("name", "words"),
    [("business_connection", "lets the bot"), ("business_connection_off", "no longer lets")],
)
def test_accounts_that_come_and_go_are_noted(event, name, words):
    ignored = event(name, business=True)
    assert isinstance(ignored, Ignored)
    assert f"Mia {words}" in ignored.reason


def test_an_answer_goes_out_for_the_account(send):
    part = Part(
        content=Text(text="Ready"), address="5550001@bc1", reply_to_external_id="5550001@bc1:3"
    )
    accepted, (request,) = send(part, "sendMessage", business=True)
    assert json.loads(request.body) == {
        "chat_id": 5550001,
        "business_connection_id": "bc1",
        "reply_parameters": {"message_id": 3, "allow_sending_without_reply": True},
        "text": "Ready",
    }
    assert (accepted.external_id, accepted.address) == ("5550001@bc1:78", None)


@pytest.mark.parametrize(
    ("address", "quoted"), [("5550001", "5550001@bc1:3"), ("5550001@bc1", "5550001:3")]
)
def test_the_two_chats_of_a_person_quote_only_themselves(send, address, quoted):
    part = Part(content=Text(text="Hi"), address=address, reply_to_external_id=quoted)
    _, (request,) = send(part, "sendMessage")
    assert "reply_parameters" not in json.loads(request.body)


def test_typing_is_shown_for_the_account(telegram, connection, run, answer):
    _, (request,) = run(telegram.typing("5550001@bc1", "5550001:1", connection()), answer("true"))
    assert json.loads(request.body)["business_connection_id"] == "bc1"


def test_no_bot_reacts_for_an_account(telegram, connection, refused):
    reaction = Reaction(emoji="👍", target_external_id="5550001@bc1:3")
    part = Part(content=reaction, address="5550001@bc1")
    error, requests = refused(Unsupported, telegram.send(part, connection()))
    assert "business account" in error.detail
    assert requests == []


@pytest.mark.parametrize("business", [False, True])
def test_business_updates_are_asked_for_where_they_are_wanted(
    telegram, connection, run, answer, *, business
):
    setting = telegram.setup(connection(business=business))
    _, (register, *_) = run(setting, answer("true"), answer("getMe"), answer("getWebhookInfo"))
    wanted = json.loads(register.body)["allowed_updates"]
    assert ("business_message" in wanted) is business
    assert "message_reaction" in wanted
