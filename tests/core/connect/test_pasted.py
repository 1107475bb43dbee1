"""What people paste: the value is found in it, and one in the wrong field is told."""

import pytest

from hubbub.connect.pasted import Mould, found_in, mixed_up

TOKEN = r"[0-9]{5,}:[A-Za-z0-9_-]{30,}"
VALUE = "123456789:AAE" + "x" * 32
META = (
    Mould(path="credentials.access_token", title="Access token", pattern="EAA[A-Za-z0-9]{20,}"),
    Mould(path="credentials.app_secret", title="App secret", pattern="[0-9a-f]{32}"),
    Mould(path="settings.phone_number_id", title="Phone number ID", pattern="[0-9]{5,20}"),
    Mould(path="settings.app_id", title="App ID", pattern="[0-9]{5,20}"),
)


@pytest.mark.parametrize(
    "pasted",
    [
        VALUE,
        f"  {VALUE}\n",
        f"\u200b{VALUE}\ufeff",
        f"“{VALUE}”",
        f"Use this token to access the HTTP API:\n{VALUE}\nKeep your token secure.",
        f"token={VALUE}",
        f"{VALUE[:20]}\n{VALUE[20:]}",
        f"{VALUE} {VALUE}",
    ],
)
def test_the_value_is_found_in_what_was_pasted(pasted):
    assert found_in(pasted, TOKEN) == VALUE


@pytest.mark.parametrize("pasted", ["not a token", f"{VALUE} and {VALUE}x", f"x{VALUE}"])
def test_what_holds_no_value_or_several_is_left_for_its_author_to_mend(pasted):
    assert found_in(pasted, TOKEN) == pasted


def test_a_field_that_does_not_say_what_it_looks_like_keeps_all_but_blanks_around():
    assert found_in(' "quoted" pass word\u200b ', "") == '"quoted" pass word'


@pytest.mark.parametrize(
    ("path", "value", "told"),
    [
        ("settings.phone_number_id", "EAA" + "x" * 24, "Access token"),
        ("credentials.access_token", "0" * 31 + "a", "App secret"),
        ("credentials.app_secret", "EAA" + "x" * 24, "Access token"),
    ],
)
def test_a_value_in_the_field_of_another_is_told(path, value, told):
    assert list(mixed_up(META, {path: value})) == [
        (path, f"This looks like the {told}, which has its own field.")
    ]


@pytest.mark.parametrize(
    "typed",
    [
        {},
        {"settings.phone_number_id": "12345"},
        # Either id looks like it, so that nobody can tell.
        {"credentials.app_secret": "12345"},
        {"credentials.access_token": "nothing known"},
    ],
)
def test_what_cannot_be_told_apart_is_not_guessed_at(typed):
    assert list(mixed_up(META, typed)) == []
