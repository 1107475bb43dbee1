"""How addresses that people give are written."""

import pytest

from hubbub.sdk import BadAddress
from hubbub_telegram.addresses import given_address


@pytest.mark.parametrize("given", ["123", "-1001234/5", "123@abc_-1", "@some_channel"])
def test_chats_topics_business_chats_and_public_names_are_taken(given):
    assert given_address(f" {given} ") == given


@pytest.mark.parametrize("given", ["nonsense", "", "@ab", "12 3", "@name with blanks", "1/", "+12"])
def test_anything_else_is_refused(given):
    with pytest.raises(BadAddress, match="number of a chat"):
        given_address(given)
