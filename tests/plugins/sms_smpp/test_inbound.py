"""What the centre delivers, as events."""

from datetime import UTC, datetime
from typing import Any

import pytest

from hubbub.sdk import Ignored, MessageReceived, Piece, ReceiptReceived, ReceiptState, Unreadable
from hubbub_sms_smpp import inbound
from hubbub_sms_smpp.ids import as_answered, as_received
from hubbub_sms_smpp.pdu import Address, Tag
from tests.plugins.sms_smpp.made import OURS, call, connection, receipt, segment, sms

TEXT = (
    "id:0A1B sub:001 dlvrd:001 submit date:2611222155 done date:2611222156 stat:{state} err:{error} "
    "text:Ready"
)


def events(message, **settings) -> list[Any]:
    return list(inbound.events(call(message), connection(**settings)))


def told(state, error="000"):
    return receipt(TEXT.format(state=state, error=error))


@pytest.mark.parametrize(
    ("word", "state"),
    [
        ("ENROUTE", "sent"),
        ("ACCEPTD", "sent"),
        ("DELIVRD", "delivered"),
        ("EXPIRED", "failed"),
        ("DELETED", "failed"),
        ("UNDELIV", "failed"),
        ("UNKNOWN", "failed"),
        ("REJECTD", "failed"),
    ],
)
def test_a_receipt_tells_the_state_by_its_word(word, state):
    (event,) = events(told(word))
    assert isinstance(event, ReceiptReceived)
    assert (event.state, event.external_id) == (ReceiptState(state), "a1b")
    assert (event.fault is not None) == (state == "failed")
    assert event.provider_at == datetime(2026, 11, 22, 21, 56, tzinfo=UTC)


@pytest.mark.parametrize(
    ("number", "state"),
    list(enumerate(["sent", "sent", "delivered", *["failed"] * 3, "sent", *["failed"] * 2])),
)
def test_the_parameters_of_a_receipt_go_before_its_text(number, state):
    tlvs = {Tag.RECEIPTED_MESSAGE_ID: b"00FF\0", Tag.MESSAGE_STATE: bytes((number,))}
    (event,) = events(receipt("id:1 stat:DELETED", tlvs=tlvs))
    assert (event.external_id, event.state) == ("ff", ReceiptState(state))


def test_a_failure_quotes_the_networks_code():
    (event,) = events(told("UNDELIV", "027"))
    assert (event.fault.provider_code, event.fault.retryable) == ("UNDELIV err:027", False)
    assert events(told("EXPIRED"))[0].fault.retryable


def test_case_14_ids_are_compared_whatever_their_case_zeros_and_base():
    assert as_answered("0A1B") == as_received("a1b", "as_is") == "a1b"
    assert as_answered("0A1B") == as_received("2587", "dec_to_hex")
    assert as_answered("2587") == as_received("00000A1B", "hex_to_dec")
    assert as_received("no-number", "dec_to_hex") == "no-number"
    assert as_answered("000") == "0"


@pytest.mark.parametrize("text", ["", "stat:DELIVRD", "id:1", "id:1 stat:PONDERED"])
def test_a_receipt_that_says_too_little_is_unreadable(text):
    (event,) = events(receipt(text))
    assert isinstance(event, Unreadable)


def test_an_intermediate_notification_is_a_receipt():
    from dataclasses import replace

    (event,) = events(replace(told("ENROUTE"), esm_class=0x20))
    assert event.state == ReceiptState.SENT


def test_an_acknowledgement_of_a_phone_is_passed_over():
    (event,) = events(sms(esm_class=0x10))
    assert isinstance(event, Ignored)


@pytest.mark.parametrize(
    ("source", "address"),
    [
        (Address(text="447700900123", ton=1, npi=1), "+447700900123"),
        (Address(text="+447700900123"), "+447700900123"),
        (Address(text="07700900123", ton=2), "+447700900123"),
        (Address(text="12345", ton=3), "12345"),
        (Address(text="12345", ton=1), "12345"),
        (Address(text="15550113", ton=1), "+15550113"),  # longer than most short codes, in no table
    ],
)
def test_who_writes_has_one_spelling(source, address):
    (event,) = events(sms(source=source), default_region="GB")
    assert event.sender.address == address
    assert event.our_address == "+15005550001"


def test_a_name_that_writes_cannot_be_answered():
    message, blocked = events(sms(source=Address(text="AcmeShop", ton=5)))
    assert (message.sender.address, blocked.state) == ("AcmeShop", "blocked")


@pytest.mark.parametrize(
    ("text", "meant"), [(b"stop.", True), (b"Stop by later", None), (b"START", False)]
)
def test_stop_and_start_are_understood(text, meant):
    assert events(sms(text))[0].opt_out is meant


def test_equal_texts_are_two_messages():
    (event,) = events(sms())
    assert event.key is None


def test_a_segment_is_a_piece():
    (event,) = events(segment(2, b"bar", total=3))
    assert event.piece == Piece(of="7", number=2, total=3)
    assert (event.content.text, event.opt_out) == ("bar", None)


def test_a_segment_numbered_beside_its_text_is_a_piece_too():
    tlvs = {
        Tag.SAR_MSG_REF_NUM: b"\x12\x34",
        Tag.SAR_TOTAL_SEGMENTS: b"\2",
        Tag.SAR_SEGMENT_SEQNUM: b"\2",
    }
    (event,) = events(sms(b"bar", tlvs=tlvs))
    assert event.piece == Piece(of="4660", number=2, total=2)


def test_what_another_call_says_under_the_same_id_is_another_receipt():
    message = receipt("id:7 stat:DELIVRD")
    first, second = (
        getattr(event, "key", "")
        for id_ in "ab"
        for event in inbound.events(call(message, id_), connection())
    )
    assert first != second


def test_the_word_stop_in_one_of_several_pieces_asks_for_nothing():
    assert events(segment(1, b"stop"))[0].opt_out is None


def test_what_is_no_text_is_shown_as_such():
    (event,) = events(sms(b"\0\1", data_coding=4))
    assert isinstance(event, MessageReceived)
    assert event.content.type == "unsupported"


def test_a_text_in_message_payload_is_read():
    message = sms(b"", dest=OURS, tlvs={Tag.MESSAGE_PAYLOAD: b"a" * 300})
    assert events(message)[0].content.text == "a" * 300
