"""The conformance kit, on a mail server whose answers are replies and whose calls are letters."""

import json
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from hubbub.sdk import (
    AuthFailed,
    Headers,
    HttpResponse,
    Letter,
    OutcomeUnknown,
    Permanent,
    RecipientGone,
    Reject,
    Text,
    Transient,
)
from hubbub.sdk.dns import answer as dns
from hubbub.sdk.mailbox import LETTER, Looked, answer as mailbox_answer
from hubbub.testing import REFERENCE, ChannelConformance, Recorded, Refused
from hubbub_email import tokens
from hubbub_email.channel import EmailChannel
from hubbub_email.tokens import Purpose
from tests.plugins.email.letters import letter, raw

KEY = tokens.key_of("s" * 48)
SAID = {
    "folder": "INBOX",
    "uidvalidity": "7",
    "uid": "42",
    "internaldate": "2026-03-02T09:20:00+00:00",
    "size": "1000",
    "flags": "",
    "truncated": "no",
    "historical": "no",
}


OURS = ("From: Support@Example.com", "X-Hubbub-Id: OUR-ID")


def posted(code=250, text="2.0.0 queued as 17", phase="accepted", refused=None, **features):
    body = {
        "phase": phase,
        "reply": {"code": code, "text": text},
        "refused": {
            address: {"code": reply[0], "text": reply[1]}
            for address, reply in (refused or {}).items()
        },
        "features": features,
    }
    return HttpResponse(status=code, headers=Headers({}), body=json.dumps(body).encode())


def looked(**given):
    defaults: dict[str, Any] = {"stage": "ready", "capabilities": ("IDLE", "MOVE")}
    return mailbox_answer(Looked(**{**defaults, **given}))


def arrived(whole, *says, **more):
    body = (
        (raw(whole) if isinstance(whole, str) else whole)
        .replace(b"OUR-ID", tokens.seal(Purpose.DELIVERY, REFERENCE, KEY).encode())
        .replace(b"BOUNCE-ID", tokens.seal(Purpose.BOUNCE, REFERENCE, KEY).encode())
    )
    return Recorded(method=LETTER, headers=SAID, body=body, says=says, **more)


def refused(error, *given, **more):
    return Refused(answers=(posted(*given, **more),), error=error)


class TestEmail(ChannelConformance):
    channel_type = EmailChannel
    one_id_one_message = False
    credentials = {"smtp_password": "password-of-the-shop", "imap_password": "imap-of-the-shop"}
    other_credentials = {"smtp_password": "password-of-others", "imap_password": "imap-of-others"}
    settings = {
        "from_address": "support@example.com",
        "smtp_host": "smtp.example.com",
        "imap_host": "imap.example.com",
    }
    received_at = datetime(2026, 3, 2, 12, tzinfo=UTC)
    address = "ada@example.org"
    bad_addresses = ("", "Ada", "ada@", "@example.org", "a b@example.org", "ada@example..org")

    proves = False
    inbound = {
        "letter": arrived(letter(body=b"Zebra stripes"), "email", words=("Zebra stripes",)),
        "files": arrived("related_inline", "email"),
        "encrypted": arrived("encrypted_pgp", "email"),
        "failed": arrived("dsn_failed", "receipt failed"),
        "delivered": arrived("dsn_delivered", "receipt delivered"),
        "read": arrived("mdn_displayed", "receipt read"),
        "complaint": arrived("arf_abuse", "receipt sent"),
        "echo": arrived(letter(*OURS, "To: ada@example.org"), "ignored"),
        "to ourselves": arrived(letter(*OURS, "Message-ID: <2@a.test>"), "receipt delivered"),
    }
    unknown = arrived(b"", "unreadable")

    accepted = (posted(),)
    external_id = tokens.message_id(REFERENCE, "example.com", KEY)
    expected_errors = frozenset({AuthFailed, Permanent, RecipientGone, Transient})
    refusals = {
        "login": refused(AuthFailed, 535, "5.7.8 no", "login"),
        "microsoft": refused(AuthFailed, 550, "5.7.30 Basic authentication is off", "sender"),
        "sender": refused(AuthFailed, 553, "5.7.1 not yours", "sender"),
        "unknown user": refused(RecipientGone, 550, "5.1.1 who?", "recipients"),
        "greylisted": refused(Transient, 450, "4.2.0 later", "recipients"),
        "too large": refused(Permanent, 552, "5.3.4 too large", "sender"),
        "spam": refused(Permanent, 554, "5.7.1 spam", "letter"),
        "going": refused(Transient, 421, "4.3.2 bye", "letter"),
    }
    healthy = (
        posted(size="1000", smtputf8=""),
        looked(),
        dns(("v=spf1 mx -all",)),
        dns(("v=DMARC1; p=none",)),
    )

    def sign(self, call, connection):
        return call

    # --- letters are fetched by the hub itself, and no webhook brings them ------------------

    def test_a_call_of_the_provider_is_accepted(self, recorded):
        assert isinstance(self.kind.verify(self.call(recorded), self.connection()), Reject)

    @pytest.mark.parametrize("said", list(inbound.values()))
    def test_one_channel_does_not_colour_another(self, said):
        kind = self.kind
        before = list(kind.parse(self.call(said), self.connection()))
        list(kind.parse(self.call(said), self.other_connection()))
        assert list(kind.parse(self.call(said), self.connection())) == before

    # --- what HTTP says by its status, a mail server says by its reply ----------------------

    def _error_of(self, *given, **more):
        ran, _ = self.send(posted(*given, **more))
        return ran.error

    def test_too_many_requests_are_no_failure(self):
        assert isinstance(self._error_of(451, "4.7.1 too fast", "letter"), Transient)

    test_the_header_retry_after_is_heeded = test_too_many_requests_are_no_failure
    test_an_odd_retry_after_still_waits = test_too_many_requests_are_no_failure

    @pytest.mark.parametrize("phase", ["hello", "login", "sender", "recipients", "letter"])
    def test_an_error_of_the_server_is_not_for_good(self, phase):
        assert isinstance(self._error_of(454, "4.3.0 later", phase), Transient)

    def test_a_refused_login_stops_the_channel(self):
        assert isinstance(self._error_of(535, "5.7.8 no", "login"), AuthFailed)

    def test_a_yes_that_cannot_be_read_is_an_unknown_outcome(self):
        for body in (b"", b"[]", b"null", b"{}", b'"250"', b"\xff", b"[" * 100_000):
            ran, _ = self.send(HttpResponse(status=250, headers=Headers({}), body=body))
            assert isinstance(ran.error, OutcomeUnknown), body[:20]

    @pytest.mark.parametrize("phase", ["hello", "login", "sender", "recipients", "letter"])
    def test_no_other_status_counts_as_accepted(self, phase):
        assert self._error_of(250, "2.0.0 ok", phase)

    def test_a_refused_login_is_found(self):
        ran, _ = self.ran(
            self.kind.check(self.connection()), (posted(535, "5.7.8 no", "login"), looked())
        )
        assert ran.value is not None
        assert [one.code for one in ran.value.findings if not one.ok] == ["smtp_auth"]

    # --- a letter is no request of HTTP ------------------------------------------------------

    @pytest.mark.parametrize("text", ["Hi", "\0\r\n{}", "é" * 500, "\ud800", "'\"<b>", ".\r\n."])
    def test_requests_are_sound(self, text):
        ran, transport = self.send(*self.accepted, part=self.part(Text(text=text)))
        assert ran.error is None
        (request,) = transport.requests
        assert (request.method, request.url) == ("SEND", "smtps://smtp.example.com:465")
        assert request.headers["rcpt-to"] == "ada@example.org"
        assert isinstance(request.body, Letter)

    test_a_hostile_text_stays_a_text = test_requests_are_sound

    def test_the_base_address_can_be_changed(self):
        """Where letters go is the server's address; the base is that of access tokens."""
        changed = self.connection(smtp_host="relay.example", smtp_port=587)
        request = next(self.kind.send(self.part(), changed))
        assert request.url == "smtp+starttls://relay.example:587"

    @pytest.mark.parametrize(
        "address", ["ada@x.example, eve@x.example", "a@b\r\nRCPT TO:<eve@x>", "<a@b.example>", "a"]
    )
    def test_a_hostile_address_reaches_no_other_place(self, address):
        ran, transport = self.send(*self.accepted, part=replace(self.part(), address=address))
        assert isinstance(ran.error, Permanent)
        assert transport.requests == []
