"""The conformance kit, on a centre whose answers are units and whose calls come over the session."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from hubbub.sdk import (
    AuthFailed,
    Endpoint,
    Headers,
    HttpResponse,
    OutcomeUnknown,
    Permanent,
    RateLimited,
    ReceiptReceived,
    Reject,
    Text,
    Transient,
)
from hubbub.testing import ChannelConformance, Recorded, Refused
from hubbub_sms_smpp import pdu
from hubbub_sms_smpp.channel import SmsSmpp
from hubbub_sms_smpp.pdu import Pdu
from hubbub_sms_smpp.session import SmppSessions
from tests.plugins.sms_smpp.made import deliver, receipt, segment, sms


def delivered(message, *says):
    return Recorded(method="POLL", body=deliver(message).encoded(), says=says)


def told(word, *says):
    return delivered(receipt(f"id:0A1B sub:001 done date:2611222155 stat:{word} err:001"), *says)


def answered(status=0, body=b"", command=0x80000004):
    unit = Pdu(command=command, status=status, sequence=1, body=body)
    return HttpResponse(status=status, headers=Headers({}), body=unit.encoded())


def refused(status, error, wait=None):
    return Refused(answers=(answered(status),), error=error, wait=wait)


class TestSmpp(ChannelConformance):
    channel_type = SmsSmpp
    credentials = {"password": "password-of-the-shop"}
    other_credentials = {"password": "password-of-others"}
    settings = {
        "api_base": "smpp://smsc.example.com:2775",
        "system_id": "shop",
        "from_number": "+15005550001",
    }
    received_at = datetime(2026, 11, 22, 22, tzinfo=UTC)
    address = "+447700900123"
    bad_addresses = ("", "Ada", "+", "Example Ltd")

    proves = False
    inbound = {
        "text": replace(delivered(sms(), "text"), words=("Ready?",)),
        "piece": delivered(segment(1, b"Rea"), "text"),
        "binary": delivered(sms(data_coding=4), "unsupported"),
        "accepted": told("ACCEPTD", "receipt sent"),
        "delivered": told("DELIVRD", "receipt delivered"),
        "failed": told("UNDELIV", "receipt failed"),
        "acknowledged": delivered(sms(esm_class=0x08), "ignored"),
    }
    unknown = told("PONDERED", "unreadable")

    accepted = (answered(body=b"0A1B\0"),)
    external_id = "a1b"
    refusals = {
        "throttled": refused(0x58, RateLimited, timedelta(seconds=2)),
        "destination": refused(0x0B, Permanent),
        "queue full": refused(0x14, Transient),
        "system id": refused(0x0F, AuthFailed),
        "vendor specific": refused(0x417, Permanent),
    }
    healthy = (answered(command=0x80000015),)

    def sign(self, call, connection):
        return call

    def test_a_call_of_the_provider_is_accepted(self, recorded):
        """Who calls is no centre: those have a session, which asks nobody for a proof."""
        assert isinstance(self.kind.verify(self.call(recorded), self.connection()), Reject)

    def test_a_call_that_comes_twice_has_the_same_keys(self, recorded):
        """A receipt that comes again changes nothing again; the ids in them do come again."""
        events: list[Any] = self.events(replace(self.call(recorded), id="another"))
        receipts = [event for event in events if isinstance(event, ReceiptReceived)]
        assert all(receipt.key.endswith(":another") for receipt in receipts)

    def _error_of(self, status):
        ran, _ = self.send(answered(status))
        return ran.error

    # What HTTP says by its status, a centre says by the status of its answer.

    def test_too_many_requests_are_no_failure(self):
        assert isinstance(self._error_of(0x58), RateLimited)

    test_the_header_retry_after_is_heeded = test_too_many_requests_are_no_failure
    test_an_odd_retry_after_still_waits = test_too_many_requests_are_no_failure

    def test_an_error_of_the_server_is_not_for_good(self):
        assert isinstance(self._error_of(0x08), Transient)

    def test_a_refused_login_stops_the_channel(self):
        assert isinstance(self._error_of(0x0E), AuthFailed)

    def test_a_yes_that_cannot_be_read_is_an_unknown_outcome(self):
        for body in (b"", b"\0", b"x" * 100):
            ran, _ = self.send(answered(body=body))
            assert isinstance(ran.error, OutcomeUnknown)

    def test_no_other_status_counts_as_accepted(self):
        for status in (1, 8, 0x58, 0xFF, 0x400, 0xFFFFFFFF):
            ran, _ = self.send(answered(status, b"0A1B\0"))
            assert ran.value is None

    def test_a_refused_login_is_found(self):
        nobody = Transient("Nobody holds it.", code="no_session")
        refusal = answered(0x0E, command=0x80000002)
        ran, transport = self.ran(self.kind.check(self.connection()), (nobody, refusal))
        assert isinstance(ran.error, AuthFailed)
        assert [request.url for request in transport.requests] == [
            "session:c1",
            "frame://smsc.example.com:2775",
        ]

    # A session is no HTTP: its requests have the methods, addresses and bodies of units.

    @pytest.mark.parametrize("text", ["Hi", "\0\r\n{}", "é" * 500, "\ud800", "'\"<b>"])
    def test_requests_are_sound(self, text):
        ran, transport = self.send(
            *self.accepted * 10, part=self.part(Text(text=text), reference="r" * 26)
        )
        assert ran.error is None
        requests: list[Any] = list(transport.requests)
        for request in requests:
            assert (request.method, request.url) == ("SUBMIT_SM", "session:c1")
            assert pdu.sms(pdu.decode(request.body).body).dest.text == "447700900123"

    test_a_hostile_text_stays_a_text = test_requests_are_sound

    def test_the_base_address_can_be_changed(self):
        changed = self.connection(api_base="smpps://other.example")
        (bind,) = SmppSessions().begin(changed)
        assert bind.endpoint == Endpoint(host="other.example", port=2775, tls=True)

    def test_a_hostile_address_reaches_no_other_place(self):
        """Where a message goes is the session's: what it is addressed to has no say in that."""
        ran, transport = self.send(
            *self.accepted, part=replace(self.part(), address="http://127.0.0.1/\0x")
        )
        assert ran.error is None
        assert [request.url for request in transport.requests] == ["session:c1"]

    @pytest.mark.parametrize("said", list(inbound.values()))
    def test_one_channel_does_not_colour_another(self, said):
        kind = self.kind
        before = list(kind.parse(self.call(said), self.connection()))
        list(kind.parse(self.call(said), self.other_connection()))
        assert list(kind.parse(self.call(said), self.connection())) == before
