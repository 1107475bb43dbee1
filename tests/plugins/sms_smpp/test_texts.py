"""Alphabets and segments, both ways."""

from datetime import timedelta

import pytest
from hypothesis import given, strategies as st

from hubbub.sdk.sms import GSM_BASIC, GSM_EXTENSION, whole
from hubbub_sms_smpp import texts
from hubbub_sms_smpp.pdu import Tag
from tests.plugins.sms_smpp.made import segment, sms

GSM = st.text(st.sampled_from([*GSM_BASIC, *GSM_EXTENSION]), min_size=1, max_size=500)
ANY = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=300)
MODES = ["udh", "udh8", "sar", "payload"]


def sent(text, default="gsm7", mode="udh", reference=0x1234):
    return texts.segments(text, sms(b""), default=default, mode=mode, reference=reference)


def back(messages, default="gsm7"):
    found = [texts.words(one, default, cut=len(messages) > 1) for one in messages]
    return None if None in found else whole("".join(filter(None, found)))


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
    messages = [segment(place, half, data_coding=8) for place, half in enumerate(halves, 1)]
    assert back(messages) == "a😀b"


@given(st.binary(max_size=40), st.integers(0, 255), st.integers(0, 255))
def test_whatever_header_a_message_has_it_is_a_whole_or_a_sound_piece(data, esm, coding):
    message = sms(data, esm_class=esm, data_coding=coding)
    part = texts.piece_of(message, timedelta(minutes=5))
    texts.words(message, "gsm7", cut=part is not None)
