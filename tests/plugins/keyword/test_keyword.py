"""Answer by keywords."""

from datetime import UTC, datetime

import pytest
from pydantic import ValidationError

import hubbub_keyword
from hubbub.sdk import (
    Attachment,
    Choice,
    Choices,
    Email,
    HandOver,
    Inquiry,
    Media,
    Option,
    Reply,
    System,
    Text,
)
from hubbub_keyword.fields import KeywordFields

NOW = datetime(2026, 1, 5, 12, tzinfo=UTC)
OPTIONS = [{"id": "hours", "title": "Opening hours"}, {"id": "human", "title": "A person"}]
MENU = {"text": "What do you need?", "options": OPTIONS}
BOT = {
    "greeting": "Welcome!",
    "farewell": "One moment.",
    "answers": [
        {"match": "hello|good  morning", "reply": "Hello to you."},
        {"match": "menu", "choices": MENU},
        {"match": "hours|c++", "reply": "9 to 17."},
        {"match": "hello there", "reply": "never"},
    ],
}


def handled(content, **changes):
    (kind,) = hubbub_keyword.register_route_types()
    inquiry = Inquiry(
        message_id="m",
        channel_id="c",
        channel_type="webchat",
        channel_name="Site",
        conversation_id="v",
        contact_id="p",
        address="visitor",
        name=None,
        content=Text(text=content) if isinstance(content, str) else content,
        received_at=NOW,
        now=NOW,
    )
    exchange = kind.handle(inquiry, KeywordFields.model_validate({**BOT, **changes}))
    with pytest.raises(StopIteration) as stop:
        next(exchange)
    return stop.value.value


def said(outcome):
    return [getattr(one.content, "text", None) for one in outcome.actions if isinstance(one, Reply)]


def test_the_plugin_offers_a_bot():
    (kind,) = hubbub_keyword.register_route_types()

    assert (kind.type, kind.automatic) == ("keyword", True)


@pytest.mark.parametrize(
    ("content", "reply"),
    [
        ("HELLO!", "Hello to you."),
        ("good morning", "Hello to you."),
        ("Well, good\n  morning all", "Hello to you."),
        ("hello there", "Hello to you."),
        ("your hours?", "9 to 17."),
        ("do you speak C++ here", "9 to 17."),
        ("menu", "What do you need?"),
        (Choice(id="hours", title="Opening"), "9 to 17."),
        (Attachment(type="image", media=Media(), caption="hours?"), "9 to 17."),
        (Email(subject="Hours", text="..."), "9 to 17."),
        (System(event="started"), "Welcome!"),
    ],
)
def test_the_first_answer_that_fits_is_given(content, reply):
    outcome = handled(content)

    assert said(outcome) == [reply]
    assert outcome.why
    assert not outcome.passed


@pytest.mark.parametrize(
    "content",
    [
        "othello",
        "",
        "what?",
        Attachment(type="image", media=Media()),
        System(event="left"),
        Email(subject="Re: Order", text="No\n\n> hello", visible="No"),
    ],
)
def test_what_the_bot_does_not_know_is_passed_on(content):
    outcome = handled(content)

    assert outcome.passed
    assert outcome.actions == ()


def test_the_bot_may_say_that_it_does_not_know():
    outcome = handled("what?", otherwise="Sorry?")

    assert said(outcome) == ["Sorry?"]
    assert not outcome.passed


def test_a_bot_without_greeting_is_silent_when_a_chat_is_opened():
    outcome = handled(System(event="started"), greeting="")

    assert outcome.actions == ()
    assert not outcome.passed


def test_options_become_choices():
    (reply,) = handled("the menu please").actions

    assert reply == Reply(
        content=Choices(
            text="What do you need?",
            options=(
                Option(id="hours", title="Opening hours"),
                Option(id="human", title="A person"),
            ),
        )
    )


@pytest.mark.parametrize("content", ["a human, please", "AGENT", Choice(id="human", title="X")])
def test_who_asks_for_a_person_gets_one(content):
    *before, hand_over = handled(content).actions

    assert before == [Reply(content=Text(text="One moment."))]
    assert isinstance(hand_over, HandOver)
    assert hand_over.to == "queue"
    assert "asked for a person" in hand_over.reason


def test_the_words_for_a_person_are_a_setting_and_nothing_need_be_said():
    outcome = handled("mensch", hand_over="mensch", farewell="")

    assert [type(action) for action in outcome.actions] == [HandOver]
    assert handled("human", hand_over="mensch").passed


@pytest.mark.parametrize(
    ("settings", "field"),
    [
        ({"answers": [{"match": "", "reply": "x"}]}, ("answers", 0, "match")),
        ({"answers": [{"match": "a||b", "reply": "x"}]}, ("answers", 0, "match")),
        ({"answers": [{"match": "a"}]}, ("answers", 0)),
        ({"answers": [{"match": "a", "reply": "x", "choices": MENU}]}, ("answers", 0)),
        ({"answers": [{"match": "a", "reply": ""}]}, ("answers", 0, "reply")),
        (
            {"answers": [{"match": "a", "choices": {"text": "x", "options": []}}]},
            ("answers", 0, "choices", "options"),
        ),
        (
            {"answers": [{"match": "a", "choices": {**MENU, "options": OPTIONS * 2}}]},
            ("answers", 0, "choices"),
        ),
        ({"hand_over": " "}, ("hand_over",)),
        ({"greetings": "x"}, ("greetings",)),
    ],
)
def test_wrong_settings_are_refused_by_field(settings, field):
    with pytest.raises(ValidationError) as caught:
        KeywordFields.model_validate(settings)

    assert [error["loc"] for error in caught.value.errors()] == [field]


@pytest.mark.parametrize(
    ("settings", "doubted"),
    [
        ({}, True),
        ({"greeting": "Welcome!"}, True),
        ({"otherwise": "We are back at nine."}, False),
        (BOT, False),
    ],
)
def test_a_bot_that_answers_no_message_is_doubted(settings, doubted):
    (kind,) = hubbub_keyword.register_route_types()
    assert ("no answers yet" in kind.doubt(KeywordFields.model_validate(settings))) is doubted
