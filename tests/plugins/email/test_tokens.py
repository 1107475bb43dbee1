"""What we give away comes back as proof; what others make up does not."""

import pytest

from hubbub_email import tokens
from hubbub_email.tokens import Proof, Purpose

KEY = b"k" * 32
ID = "01hzyx8k3m0v9q2r4t6w8y0a1b"


def test_a_message_id_of_ours_proves_its_delivery():
    written = tokens.message_id(ID, "example.com", KEY)
    assert written.startswith(f"<{ID}.")
    assert written.endswith("@example.com>")
    assert list(tokens.of_message_ids([written], KEY)) == [Proof(Purpose.DELIVERY, ID)]


def test_a_message_id_is_the_same_on_every_attempt():
    assert tokens.message_id(ID, "a.example", KEY) == tokens.message_id(ID, "a.example", KEY)


@pytest.mark.parametrize("rewritten", [str.upper, str.lower, str.title])
def test_tokens_survive_programs_that_change_case(rewritten):
    address = tokens.reply_address("support@example.com", ID, KEY)
    assert list(tokens.of_addresses([rewritten(address)], KEY)) == [Proof(Purpose.CONVERSATION, ID)]


def test_a_local_part_with_a_token_fits_the_limit_of_64():
    for address in (
        tokens.reply_address("support@example.com", ID, KEY),
        tokens.bounce_address("support@example.com", ID, KEY),
    ):
        assert len(address.partition("@")[0]) <= 64


def test_a_bounce_address_proves_a_delivery():
    address = tokens.bounce_address("support@example.com", ID, KEY)
    assert list(tokens.of_addresses([address], KEY)) == [Proof(Purpose.BOUNCE, ID)]


def test_a_domain_rewritten_by_the_relay_changes_nothing():
    written = tokens.message_id(ID, "example.com", KEY).replace("example.com", "eu.amazonses.com")
    assert list(tokens.of_message_ids([written], KEY)) == [Proof(Purpose.DELIVERY, ID)]


@pytest.mark.parametrize("purpose", Purpose)
@pytest.mark.parametrize("other", Purpose)
def test_a_token_proves_nothing_for_another_purpose(purpose, other):
    found = tokens.opened(other, tokens.seal(purpose, ID, KEY), KEY)
    assert found == (ID if purpose is other else None)


@pytest.mark.parametrize(
    "forged",
    ["", ID, f"{ID}.", f"{ID}.aaaaaaaaaa", f"{ID}.{'a' * 9}", f"{ID} .aaaaaaaaaa", "x" * 10_000],
)
def test_what_we_did_not_make_proves_nothing(forged):
    assert tokens.opened(Purpose.DELIVERY, forged, KEY) is None


def test_another_key_makes_other_tokens():
    sealed = tokens.seal(Purpose.DELIVERY, ID, b"another")
    assert tokens.opened(Purpose.DELIVERY, sealed, KEY) is None


def test_an_id_changed_by_one_character_proves_nothing():
    sealed = tokens.seal(Purpose.DELIVERY, ID, KEY)
    assert tokens.opened(Purpose.DELIVERY, "9" + sealed[1:], KEY) is None


def test_our_ids_are_found_anywhere_in_a_text():
    text = f"Your letter {tokens.message_id(ID, 'example.com', KEY)} came back"
    assert list(tokens.of_text(text, KEY)) == [Proof(Purpose.DELIVERY, ID)]
