"""How addresses that people give are written."""

from typing import Any

import pytest

from hubbub.sdk import BadAddress
from hubbub_sms_twilio.channel import SmsTwilio

#: Addresses do not depend on the channel.
ANY: Any = None


@pytest.mark.parametrize(
    ("given", "written"),
    [
        ("+1 500 555-0006", "+15005550006"),
        ("0049 30 901820", "+4930901820"),
        (" +15005550006 ", "+15005550006"),
        ("72975", "72975"),
    ],
)
def test_one_number_has_one_spelling(given, written):
    assert SmsTwilio().address(given, ANY) == written


@pytest.mark.parametrize("given", ["nonsense", "", "+", "+1", "030 901820", "Bank"])
def test_what_is_no_number_with_its_country_is_refused(given):
    with pytest.raises(BadAddress, match="country"):
        SmsTwilio().address(given, ANY)
