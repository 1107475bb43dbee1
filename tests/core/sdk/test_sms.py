"""Short messages: alphabets, segments, look-alikes, keywords and addresses."""

# The characters that look alike are what is tested.
# ruff: noqa: RUF001

import pytest
import smsutil
from hypothesis import given, strategies as st

from hubbub.sdk import sms

GSM_TEXT = st.text(st.sampled_from(sorted({*sms.GSM_BASIC, *sms.GSM_EXTENSION})), max_size=700)
#: Text without combining marks, so that composing changes nothing.
ANY_TEXT = st.text(st.sampled_from("aé€[{я😀👩🏽`ç "), max_size=400)
SOME_TEXT = ANY_TEXT.filter(bool)


# --- alphabets and segments ----------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "alphabet", "units"),
    [
        ("a" * 160, "gsm7", [160]),
        ("a" * 161, "gsm7", [153, 8]),
        ("a" * 306, "gsm7", [153, 153]),
        ("a" * 307, "gsm7", [153, 153, 1]),
        ("€" * 80, "gsm7", [160]),
        ("€" * 81, "gsm7", [152, 10]),
        ("a" * 152 + "€" * 5, "gsm7", [152, 10]),
        ("я" * 70, "ucs2", [70]),
        ("я" * 71, "ucs2", [67, 4]),
        ("😀" * 35, "ucs2", [70]),
        ("😀" * 36, "ucs2", [66, 6]),
        ("я" * 66 + "😀" * 5, "ucs2", [66, 10]),
        ("`", "ucs2", [1]),
        ("ç", "ucs2", [1]),
        ("", "gsm7", [0]),
    ],
)
def test_conformance_1_segments_follow_the_vectors(text, alphabet, units):
    parts = sms.split(text)
    assert "".join(parts) == text
    assert [sms.units(part, sms.alphabet(text)) for part in parts] == units
    assert sms.segments(text) == sms.Segments(count=len(units), alphabet=alphabet, units=sum(units))


@pytest.mark.parametrize(
    ("text", "units"),
    [("a" * 161, [152, 9]), ("я" * 71, [66, 5]), ("€" * 81, [152, 10])],
)
def test_a_reference_of_16_bits_leaves_less_room(text, units):
    name = sms.alphabet(text)
    parts = sms.split(text, reference_bits=16)
    assert [sms.units(part, name) for part in parts] == units


def test_a_family_emoji_is_eight_units():
    assert sms.segments("👨‍👩‍👧").units == 8


def test_an_accent_typed_apart_counts_as_its_composed_letter():
    apart = "cafe\u0301"
    assert sms.alphabet(apart) == "gsm7"
    assert sms.segments(apart).units == 4
    assert sms.split(apart) == ["café"]


@pytest.mark.parametrize("character", "`çáíóúâêîôûëïÿãõ\t\u00a0’“”–—…ÀÈÌÒÙ")
def test_characters_often_taken_for_gsm_are_not(character):
    assert sms.alphabet(character) == "ucs2"


@given(GSM_TEXT.filter(bool))
def test_gsm_segments_agree_with_smsutil(text):
    assert sms.alphabet(text) == "gsm7"
    assert sms.split(text) == [part.content for part in smsutil.split(text).parts]


@given(SOME_TEXT)
def test_the_alphabet_agrees_with_smsutil(text):
    assert (sms.alphabet(text) == "gsm7") == smsutil.is_valid_gsm(text)


@given(ANY_TEXT, st.sampled_from([8, 16]))
def test_no_segment_is_too_long_and_nothing_is_lost(text, bits):
    name = sms.alphabet(text)
    parts = sms.split(text, reference_bits=bits)
    room = {("gsm7", 8): 153, ("gsm7", 16): 152, ("ucs2", 8): 67, ("ucs2", 16): 66}[name, bits]
    assert "".join(parts) == text
    if len(parts) > 1:
        assert all(0 < sms.units(part, name) <= room for part in parts)


# --- octets --------------------------------------------------------------------------------


def test_conformance_15_every_character_survives_the_round_trip():
    every = "".join([*sms.GSM_BASIC, *sms.GSM_EXTENSION])
    assert len(every) == 137
    assert sms.gsm_decode(sms.gsm_encode(every)) == every


def test_the_octets_are_those_of_the_tables():
    assert sms.gsm_encode("@€ü~") == bytes([0x00, 0x1B, 0x65, 0x7E, 0x1B, 0x3D])


def test_a_foreign_character_cannot_be_encoded():
    with pytest.raises(ValueError, match="GSM-7 has no character '`'"):
        sms.gsm_encode("a`")


@pytest.mark.parametrize(
    ("data", "text"),
    [(b"\x1b\x41", "A"), (b"\x1b\x1b", " "), (b"a\x1b", "a"), (b"\x1b\x1b\x65", " e")],
)
def test_odd_escapes_are_read_as_handsets_do(data, text):
    assert sms.gsm_decode(data) == text


def test_an_octet_beyond_seven_bits_is_refused():
    with pytest.raises(ValueError, match="0x80"):
        sms.gsm_decode(b"a\x80")


def test_septets_are_packed_for_modems():
    assert sms.gsm_pack(sms.gsm_encode("hello")).hex() == "e8329bfd06"


# --- smart encoding ------------------------------------------------------------------------


def test_conformance_2_typography_costs_nothing_with_smart_encoding():
    typed = "“Hi” – it’s 5€…"
    assert sms.smart_encode(typed) == '"Hi" - it\'s 5€...'
    assert sms.segments(sms.smart_encode(typed)).alphabet == "gsm7"
    assert sms.segments(sms.smart_encode(typed)).count == 1
    assert sms.segments(typed).alphabet == "ucs2"


@pytest.mark.parametrize("text", ["“Hi” 😀", "fi\u200dancé “ж”", "“”👨\u200d👩"])
def test_conformance_3_text_that_still_would_not_fit_stays_as_it_was(text):
    assert sms.smart_encode(text) == text


def test_conformance_4_decomposed_text_is_gsm_after_composing():
    assert sms.smart_encode("e\u0301te\u0301") == "été"


@pytest.mark.parametrize(
    ("text", "encoded"),
    [
        ("it´s `so`", "it's 'so'"),
        ("a\u00a0b\u2009c\td", "a b c d"),
        ("a\u200bb\u00adc", "abc"),
        ("one\r\ntwo\u2028three", "one\ntwo\nthree"),
        ("«ça» ‹x›", '"Ça" <x>'),
        ("• no", "- no"),
        ("1⁄2 © ® ™", "1/2 (c) (r) (tm)"),
        ("Ｈｉ！｀", "Hi!'"),
        ("plain", "plain"),
    ],
)
def test_look_alikes_replace_what_gsm_lacks(text, encoded):
    assert sms.smart_encode(text) == encoded


def test_accents_are_taken_away_only_on_request():
    assert sms.smart_encode("Zoë") == "Zoë"
    assert sms.smart_encode("Zoë Ângela", accents=True) == "Zoe Angela"


@given(ANY_TEXT)
def test_smart_encoding_changes_all_or_nothing(text):
    encoded = sms.smart_encode(text)
    assert encoded == text or sms.alphabet(encoded) == "gsm7"


# --- keywords ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "meaning"),
    [
        ("STOP", "stop"),
        ("stop.", "stop"),
        (" Stop all ", "stop"),
        ("“Stop”!", "stop"),
        ("STOP\nALL", "stop"),
        ("opt-out", "stop"),
        ("OPTOUT", "stop"),
        ("ARRÊT", "stop"),
        ("arre\u0302t", "stop"),
        ("Unsubscribe", "stop"),
        ("cancel", "stop"),
        ("End", "stop"),
        ("quit", "stop"),
        ("revoke", "stop"),
        ("START", "start"),
        ("unstop", "start"),
        ("help?", "help"),
        ("Info", "help"),
        ("aide", "help"),
        ("YES", None),
        ("please stop by at 5", None),
        ("Stop by later", None),
        (".stop", None),
        ("", None),
        ("“”", None),
    ],
)
def test_conformance_12_a_keyword_is_the_whole_message(text, meaning):
    assert sms.keyword(text) == meaning


def test_yes_is_a_start_only_where_the_caller_says_so():
    assert sms.keyword("Yes!", yes_starts=True) == "start"
    assert sms.keyword("yes please", yes_starts=True) is None


# --- addresses -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("address", "region", "expected"),
    [
        ("015112345678", "DE", "+4915112345678"),
        ("06 1234 5678", "IT", "+390612345678"),
        ("8 912 345 67 89", "RU", "+79123456789"),
        ("011 15 2345-6789", "AR", "+5491123456789"),
        ("+5215512345678", None, None),
        ("+525512345678", None, "+525512345678"),
        ("+551112345678", None, "+551112345678"),
        ("+22507123456", None, None),
        ("+447911123456", "DE", "+447911123456"),
        ("+44 7911 123456 #5", None, None),
        ("0049 1511 2345678", None, "+4915112345678"),
        ("٠١٥١١٢٣٤٥٦٧٨", "DE", "+4915112345678"),
        ("015112345678", None, None),
        ("+", "DE", None),
        ("", "DE", None),
    ],
)
def test_numbers_get_one_spelling(address, region, expected):
    assert sms.to_e164(address, region) == expected


@pytest.mark.parametrize("address", ["447700900000", " 447700900000", "00447700900000"])
def test_conformance_9_a_missing_plus_is_put_back(address):
    assert sms.to_e164(address, international=True) == "+447700900000"


@pytest.mark.parametrize("name", ["AcmeShop", "1-800-FLOWERS", "whatsapp:+15005550006"])
def test_conformance_10_a_name_is_kept_and_known_as_one(name):
    assert sms.to_e164(name, "US") == name
    assert sms.address_kind(name) == "alphanumeric"


def test_conformance_11_a_short_code_is_kept():
    assert sms.to_e164("12345", "US") == "12345"
    assert sms.address_kind("12345") == "short"
    assert sms.address_kind("+15005550006") == "number"


@pytest.mark.parametrize(
    ("text", "sender"),
    [
        ("+1 (500) 555-0006", "+15005550006"),
        ("+15550100", "+15550100"),
        ("12345", "12345"),
        (" Acme Shop ", "Acme Shop"),
    ],
)
def test_senders_are_tidied(text, sender):
    assert sms.to_sender(text) == sender


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("5005550006", "with [+] and the country code"),
        ("+", "with [+] and the country code"),
        ("", "with [+] and the country code"),
        ("Acme Shop Berlin", "1 to 11 letters"),
        ("Café", "1 to 11 letters"),
    ],
)
def test_what_cannot_send_is_refused(text, reason):
    with pytest.raises(ValueError, match=reason):
        sms.to_sender(text)


@given(st.text(max_size=20), st.sampled_from([None, "DE", "US"]), st.booleans())
def test_no_address_breaks_the_parser(address, region, international):
    found = sms.to_e164(address, region, international=international)
    assert found is None or sms.to_e164(found, region) is not None


@pytest.mark.parametrize(
    ("number", "dialled"),
    [("+4915112345678", "015112345678"), ("+16502530000", "6502530000"), ("12345", "12345")],
)
def test_a_number_is_dialled_within_its_country(number, dialled):
    assert sms.to_national(number) == dialled
