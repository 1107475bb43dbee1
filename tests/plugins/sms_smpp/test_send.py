"""What is submitted, and what the centre's answers mean."""

from datetime import timedelta
from typing import Any

import pytest

from hubbub.sdk import (
    Accepted,
    AuthFailed,
    Draft,
    Headers,
    HttpResponse,
    OutcomeUnknown,
    Part,
    Permanent,
    RateLimited,
    Text,
    Transient,
)
from hubbub_sms_smpp import pdu
from hubbub_sms_smpp.channel import SmsSmpp
from hubbub_sms_smpp.pdu import Command, Pdu
from tests.plugins.sms_smpp.made import connection

ADA = "+447700900123"


def part(text, **more):
    return Part(content=Text(text=text), address=ADA, reference="r1", **more)


def answer(status=0, message_id="0A1B", command=0x80000004):
    body = message_id.encode() + b"\0" if not status else b""
    unit = Pdu(command=command, status=status, sequence=1, body=body)
    return HttpResponse(status=status, headers=Headers({}), body=unit.encoded())


def submitted(drive, text, answers=1, **settings):
    exchange = SmsSmpp().send(part(text), connection(**settings))
    requests, accepted = drive(
        exchange, *(answer(message_id=f"{at:X}") for at in range(1, answers + 1))
    )
    return [pdu.sms(pdu.decode(request.body).body) for request in requests], accepted, requests


def test_a_text_is_one_submit_sm_over_the_session(drive):
    (message,), accepted, (request,) = submitted(drive, "Ready at 5€")
    assert (message.source.text, message.source.ton, message.source.npi) == ("15005550001", 1, 1)
    assert (message.dest.text, message.dest.ton, message.dest.npi) == ("447700900123", 1, 1)
    assert (message.data_coding, message.registered_delivery) == (0, 1)
    assert message.short_message == b"Ready at 5\x1b\x65"
    assert (request.url, request.method, request.safe) == ("session:c1", "SUBMIT_SM", False)
    assert pdu.decode(request.body).command == Command.SUBMIT_SM
    assert accepted == Accepted(external_id="1", note="1 segment")


def test_a_long_text_asks_for_the_receipt_of_its_last_segment(drive):
    messages, accepted, _ = submitted(drive, "a" * 400, 3)
    assert [one.registered_delivery for one in messages] == [0, 0, 1]
    assert accepted == Accepted(external_id="3", note="3 segments")


def test_segments_are_numbered_the_same_each_time_and_otherwise_for_another_message(drive):
    first, again = (submitted(drive, "a" * 161, 2)[0] for _ in range(2))
    assert first == again
    exchange = SmsSmpp().send(
        Part(content=Text(text="a" * 161), address=ADA, reference="r2"), connection()
    )
    (other, _), _ = drive(exchange, answer(), answer())
    assert pdu.sms(pdu.decode(other.body).body).short_message[:7] != first[0].short_message[:7]


@pytest.mark.parametrize(
    ("sender", "ton", "npi"), [("+15005550001", 1, 1), ("12345", 3, 0), ("AcmeShop", 5, 0)]
)
def test_the_sender_has_the_type_of_what_it_is(drive, sender, ton, npi):
    (message,), _, _ = submitted(drive, "Hi", from_number=sender)
    assert (message.source.ton, message.source.npi) == (ton, npi)


def test_the_types_can_be_set_for_a_centre_that_wants_others(drive):
    (message,), _, _ = submitted(drive, "Hi", source_ton=0, source_npi=9, dest_ton=2, dest_npi=3)
    assert (message.source.ton, message.source.npi) == (0, 9)
    assert (message.dest.ton, message.dest.npi) == (2, 3)


def test_the_validity_is_a_relative_time(drive):
    (message,), _, _ = submitted(drive, "Hi", validity_hours=50)
    assert message.validity_period == "000002020000000R"


def test_a_text_of_too_many_segments_becomes_several_messages():
    kind = SmsSmpp()
    text = "word " * 700
    parts: Any = kind.render(Draft(content=Text(text=text)), part(text), connection(max_parts=3))
    assert len(parts) > 5
    assert "".join(one.content.text.strip() for one in parts).replace(" ", "") == "word" * 700


def test_smart_encoding_saves_segments_where_it_is_wanted(drive):
    (plain,), _, _ = submitted(drive, "“Hi”")
    (smart,), _, _ = submitted(drive, "“Hi”", smart_encoding=True)
    assert (plain.data_coding, smart.data_coding) == (8, 0)


def refused(status):
    exchange = SmsSmpp().send(part("Hi"), connection())
    next(exchange)
    with pytest.raises((Permanent, Transient, OutcomeUnknown)) as raised:
        exchange.send(answer(status))
    return raised.value


@pytest.mark.parametrize(
    ("status", "kind", "code"),
    [
        *(
            (status, Permanent, "bad_request")
            for status in (1, 2, 3, 6, 7, 0x43, 0x44, 0x61, 0x62, 0x63, 0xC0, 0xC4)
        ),
        *((status, Transient, "not_bound") for status in (4, 5)),
        *((status, Transient, "centre_busy") for status in (8, 0x14, 0x64)),
        *((status, Permanent, "misconfigured") for status in (0x0A, 0x48, 0x49)),
        *((status, Permanent, "bad_address") for status in (0x50, 0x51)),
        *((status, AuthFailed, "auth_failed") for status in (0x0D, 0x0E, 0x0F)),
        *((status, Permanent, "rejected") for status in (0x45, 0x65, 0x66, 0x400, 0x4FF)),
    ],
)
def test_a_refusal_has_the_class_of_its_status(status, kind, code):
    error = refused(status)
    assert (type(error), error.code, error.provider_code) == (kind, code, f"{status:#04x}")


def test_case_13_throttled_pauses_the_channel():
    error = refused(0x58)
    assert (type(error), error.whole_channel) == (RateLimited, True)
    assert timedelta(seconds=1) <= error.retry_after <= timedelta(seconds=15)


def test_case_13_a_bad_destination_is_for_good():
    error = refused(0x0B)
    assert (type(error), error.code) == (Permanent, "bad_address")


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<html>",
        answer().body[:-1],
        answer(message_id="").body,
        answer(command=0x80000015).body,
    ],
)
def test_an_answer_that_cannot_be_read_leaves_the_outcome_open(body):
    exchange = SmsSmpp().send(part("Hi"), connection())
    next(exchange)
    with pytest.raises(OutcomeUnknown):
        exchange.send(HttpResponse(status=0, headers=Headers({}), body=body))


@pytest.mark.parametrize(
    "address",
    ["smsc.example.com", "http://smsc.example.com", "smpp://", "smpp://h/path", "smpp://u@h"],
)
def test_an_address_that_leads_to_no_centre_is_refused(address):
    with pytest.raises(ValueError, match="smpp://"):
        connection(api_base=address)


def test_the_address_says_host_port_and_encryption():
    settings = connection(api_base="smpps://[::1]:3550").fields.settings
    assert (settings.endpoint.host, settings.endpoint.port, settings.endpoint.tls) == (
        "::1",
        3550,
        True,
    )
    assert connection(api_base="smpp://h").fields.settings.endpoint.port == 2775
