import pytest

from hubbub_telegram.commands import (
    entity_text,
    for_another_bot,
    started,
    without_bot_name,
)
from hubbub_telegram.wire import Entity


def command(offset, length):
    return Entity(type="bot_command", offset=offset, length=length)


@pytest.mark.parametrize(
    ("text", "offset", "length", "marked"),
    [
        ("/help", 0, 5, "/help"),
        ("😀 /help", 3, 5, "/help"),
        ("👩‍👩‍👧 /help me", 9, 5, "/help"),
        ("short", 3, 50, "rt"),
        ("short", 50, 3, ""),
        ("😀😀", 1, 2, ""),
    ],
)
def test_offsets_count_utf16_units(text, offset, length, marked):
    assert entity_text(text, command(offset, length)) == marked


def test_only_our_own_name_is_cut_and_all_of_it():
    text = "😀 /a@shop_bot and /b@Shop_Bot and /c@other_bot"
    entities = [command(3, 11), command(19, 11), command(35, 12)]
    assert without_bot_name(text, entities, "shop_bot") == "😀 /a and /b and /c@other_bot"


@pytest.mark.parametrize("username", ["", "other"])
def test_nothing_is_cut_where_the_name_is_not_ours(username):
    assert without_bot_name("/a@shop_bot", [command(0, 11)], username) == "/a@shop_bot"


@pytest.mark.parametrize(
    ("text", "length", "username", "other"),
    [
        ("/a@other_bot", 12, "shop_bot", True),
        ("/a@Shop_bot", 11, "shop_bot", False),
        ("/a", 2, "shop_bot", False),
        ("/a@other_bot", 12, "", False),
    ],
)
def test_a_command_is_for_whom_it_names(text, length, username, other):
    assert for_another_bot(text, [command(0, length)], username) is other


def test_a_command_in_the_middle_does_not_make_it_another_bots():
    assert not for_another_bot("try /a@other_bot", [command(4, 12)], "shop_bot")


@pytest.mark.parametrize(
    ("text", "detail"),
    [
        ("/start", None),
        ("/start ", None),
        ("/start ref_42", "ref_42"),
        ("/start@shop_bot ref-42", "ref-42"),
        ("/start " + "x" * 64, "x" * 64),
    ],
)
def test_start_opens_the_conversation(text, detail):
    opened = started(text)
    assert opened is not None
    assert (opened.event, opened.detail) == ("started", detail)


@pytest.mark.parametrize(
    "text", ["/started", "start", "/start two words", "/start " + "x" * 65, "Hi /start", "/start é"]
)
def test_what_a_person_typed_is_not_taken_for_a_deep_link(text):
    assert started(text) is None
