"""Alphabets and segments, both ways."""

import pytest
from hypothesis import given, strategies as st

from hubbub.sdk.sms import GSM_BASIC, GSM_EXTENSION
from hubbub_sms_smpp import texts
from hubbub_sms_smpp.pdu import Tag
from tests.plugins.sms_smpp.made import sms

GSM = st.text(st.sampled_from([*GSM_BASIC, *GSM_EXTENSION]), min_size=1, max_size=500)
ANY = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=300)
MODES = ["udh", "udh8", "sar", "payload"]


def sent(text, default="gsm7", mode="udh", reference=0x1234):
    return texts.segments(text, sms(b""), default=default, mode=mode, reference=reference)


def back(messages, default="gsm7"):
    found = [texts.segment(one) for one in messages]
    return texts.joined(found, messages[0].data_coding, default)


@pytest.mark.parametrize("mode", MODES)
@given(text=GSM)
def test_gsm_text_comes_back_as_it_was(text, mode):
    messages = sent(text, mode=mode)
    assert {one.data_coding for one in messages} == {0}
    assert back(messages) == text


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("default", ["gsm7", "latin1", "ucs2"])
@given(text=ANY)
def test_any_text_comes_back_composed(text, default, mode):
    import unicodedata

    composed = unicodedata.normalize("NFC", text)
    assert back(sent(composed, default, mode), default) == composed


@pytest.mark.parametrize(
    ("text", "default", "mode", "octets"),
    [
        ("a" * 160, "gsm7", "udh", [160]),
        ("a" * 161, "gsm7", "udh8", [159, 14]),
        ("a" * 161, "gsm7", "udh", [159, 16]),
        ("€" * 80, "gsm7", "udh", [160]),
        ("я" * 70, "gsm7", "udh", [140]),
        ("я" * 71, "gsm7", "udh8", [140, 14]),
        ("😀" * 36, "gsm7", "udh8", [138, 18]),
        ("é" * 141, "latin1", "udh8", [140, 13]),
        ("a" * 71, "ucs2", "udh8", [140, 14]),
    ],
)
def test_segments_are_as_long_as_a_phone_takes(text, default, mode, octets):
    assert [len(one.short_message) for one in sent(text, default, mode)] == octets


def test_the_header_numbers_the_segments():
    assert [one.short_message[:7].hex() for one in sent("a" * 161)] == [
        "06080412340201",
        "06080412340202",
    ]
    assert [one.short_message[:6].hex() for one in sent("a" * 161, mode="udh8")] == [
        "050003340201",
        "050003340202",
    ]
    assert {one.esm_class for one in sent("a" * 161)} == {0x40}
    assert sent("a")[0].esm_class == 0


def test_sar_numbers_them_beside_the_text():
    second = sent("a" * 161, mode="sar")[1]
    assert second.tlvs == {
        Tag.SAR_MSG_REF_NUM: b"\x12\x34",
        Tag.SAR_TOTAL_SEGMENTS: b"\2",
        Tag.SAR_SEGMENT_SEQNUM: b"\2",
    }
    assert second.esm_class == 0


def test_a_payload_is_whole_and_short_ones_stay_where_they_were():
    (long,) = sent("a" * 300, mode="payload")
    assert (long.short_message, long.tlvs[Tag.MESSAGE_PAYLOAD]) == (b"", b"a" * 300)
    assert sent("a", mode="payload")[0].short_message == b"a"


@pytest.mark.parametrize(
    ("coding", "data", "text"),
    [
        (0x00, b"\x00\x1b\x65", "@€"),
        (0x00, b"caf\xe9", "café"),  # no septets: Latin-1
        (0x01, b"@", "@"),
        (0x03, b"@\xe9", "@é"),
        (0x08, "Привет 😀".encode("utf-16-be"), "Привет 😀"),
        (0x18, b"\x00", "@"),
        (0xE0, "Ж".encode("utf-16-be"), "Ж"),
        (0xF0, b"\x00", "@"),
        (0x04, b"\x00", None),
        (0xF5, b"\x00", None),
    ],
)
def test_a_text_is_read_by_its_data_coding(coding, data, text):
    assert back([sms(data, data_coding=coding)]) == text


def test_the_default_alphabet_is_the_centres():
    assert back([sms(b"@")], "latin1") == "@"
    assert back([sms(b"@")], "gsm7") == "¡"


def test_a_character_cut_by_the_end_of_a_segment_is_whole_in_the_text():
    octets = "a😀b".encode("utf-16-be")
    halves = (octets[:4], octets[4:])
    messages = [
        sms(b"\x05\x00\x03\x07\x02" + bytes((place,)) + half, esm_class=0x40, data_coding=8)
        for place, half in enumerate(halves, 1)
    ]
    assert back(messages) == "a😀b"


def test_missing_segments_leave_one_mark_for_each_gap():
    found = [
        sms(b"\x05\x00\x03\x07\x06" + bytes((place,)) + text, esm_class=0x40)
        for place, text in ((2, b"two"), (5, b"five"))
    ]
    assert back(found) == "[…]two[…]five[…]"


@given(st.binary(max_size=40), st.integers(0, 255), st.integers(0, 255))
def test_whatever_header_a_message_has_it_is_one_segment_or_a_sound_one(data, esm, coding):
    part = texts.segment(sms(data, esm_class=esm))
    assert 1 <= part.place <= part.total <= 255
    texts.joined([part], coding, "gsm7")
