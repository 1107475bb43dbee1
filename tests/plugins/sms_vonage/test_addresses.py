"""How addresses that people give are written."""

import pytest

from hubbub.sdk import BadAddress


@pytest.mark.parametrize(
    ("given", "written"),
    [
        ("+44 7700 900001", "+447700900001"),
        ("0044 7700 900001", "+447700900001"),
        (" +447700900001 ", "+447700900001"),
    ],
)
def test_one_number_has_one_spelling(channel, connection, given, written):
    assert channel.address(given, connection) == written


@pytest.mark.parametrize("given", ["nonsense", "", "+", "07700 900001", "12345", "AcmeShop"])
def test_what_is_no_number_with_its_country_is_refused(channel, connection, given):
    with pytest.raises(BadAddress, match="country"):
        channel.address(given, connection)
