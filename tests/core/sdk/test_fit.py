"""A message is fitted to what a channel can carry, and loses nothing by it."""

from hubbub.sdk import Choice, Choices, Option, choice_from_reply, numbered_menu

SIZES = Choices(
    text="Size?",
    options=(Option(id="s", title="Small", description="0.2 l"), Option(id="l", title="Large")),
)


def test_a_numbered_menu_says_what_buttons_would_say():
    assert numbered_menu(SIZES) == "Size?\n\n1. Small: 0.2 l\n2. Large"


def test_an_option_is_picked_from_a_menu_by_number_or_title():
    small = Choice(id="s", title="Small")
    assert [choice_from_reply(said, SIZES) for said in ("1", " 1. ", "small")] == [small] * 3
