"""The codec: what it writes it reads, and what is broken it refuses."""

from contextlib import suppress

import pytest
from hypothesis import given, strategies as st

from hubbub_sms_smpp import pdu
from hubbub_sms_smpp.pdu import Address, Command, Malformed, Pdu, Sms
from tests.plugins.sms_smpp.made import sms

OCTET = st.integers(0, 255)
WORDS = st.text(st.characters(min_codepoint=1, max_codepoint=255), max_size=20)
ADDRESSES = st.builds(Address, text=WORDS, ton=OCTET, npi=OCTET)
MESSAGES = st.builds(
    Sms,
    source=ADDRESSES,
    dest=ADDRESSES,
    esm_class=OCTET,
    data_coding=OCTET,
    validity_period=WORDS,
    registered_delivery=OCTET,
    short_message=st.binary(max_size=254),
    tlvs=st.dictionaries(st.integers(0, 0xFFFF), st.binary(max_size=300), max_size=4),
)


@given(MESSAGES)
def test_a_message_is_read_as_it_was_written(message):
    assert pdu.sms(message.encoded()) == message


@given(MESSAGES, st.data())
def test_a_message_that_is_cut_off_is_refused_or_has_fewer_parameters(message, data):
    body = message.encoded()
    cut = body[: data.draw(st.integers(0, len(body) - 1))]
    with suppress(Malformed):
        assert pdu.sms(cut).short_message == message.short_message


@given(st.binary(max_size=400))
def test_whatever_a_body_holds_it_is_read_or_refused(body):
    for read in (pdu.sms, pdu.first_text, pdu.decode):
        with suppress(Malformed):
            read(body)


@given(st.lists(st.binary(max_size=40), max_size=5), st.data())
def test_units_are_found_in_whatever_pieces_they_come(bodies, data):
    units = [Pdu(command=0x05, sequence=number, body=body) for number, body in enumerate(bodies)]
    stream = b"".join(unit.encoded() for unit in units)
    framer = pdu.Framer()
    found: list[Pdu] = []
    while stream:
        size = data.draw(st.integers(1, len(stream)))
        found += framer.feed(stream[:size])
        stream = stream[size:]
    assert found == units


def test_a_submit_sm_is_what_the_specification_says_octet_by_octet():
    message = sms(b"Hi", registered_delivery=1, tlvs={0x020C: b"\0\7"})
    unit = Pdu(command=Command.SUBMIT_SM, sequence=2, body=message.encoded())
    assert unit.encoded().hex(" ", -4) == (
        "00000040 00000004 00000000 00000002 00010134 34373730 30393030 31323300 01013135 30303535"
        " 35303030 31000000 00000001 00000002 4869020c 00020007"
    ).replace("\n", "")


def test_what_does_not_fit_into_short_message_is_refused():
    with pytest.raises(ValueError, match="255 octets"):
        sms(b"x" * 255).encoded()


def test_two_units_are_not_one():
    unit = Pdu(command=Command.UNBIND).encoded()
    for data in (unit + unit, unit[:-1], b""):
        with pytest.raises(Malformed):
            pdu.decode(data)


def test_the_password_is_in_no_repr():
    unit = pdu.bind(
        Command.BIND_TRANSMITTER, system_id="s", password="canary", system_type="", sequence=1
    )
    assert "canary" not in repr(unit)
    assert b"canary" in unit.encoded()
