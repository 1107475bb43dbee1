"""What letters mean to the hub: section 13 of the fact sheet, cases 11, 12 and 15, and more."""

from dataclasses import replace

import pytest

from hubbub.sdk import (
    Answers,
    Email,
    Fault,
    Ignored,
    MessageReceived,
    ReceiptReceived,
    ReceiptState,
    preview,
    to_json,
)
from hubbub_email import tokens
from hubbub_email.authentication import BESIDE
from hubbub_email.events import Account, events_of, thread_of
from hubbub_email.files import file_bytes
from hubbub_email.letter import read_letter
from hubbub_email.tokens import Purpose
from tests.plugins.email.letters import letter, raw, read

KEY = b"k" * 32
ID = "01hzyx8k3m0v9q2r4t6w8y0a1b"
CONVERSATION = "01hzyx8k3m0v9q2r4t6w8y0abc"
ACCOUNT = Account(address="support@example.com", key=KEY)
OURS = tokens.message_id(ID, "example.com", KEY)


def about_ours(name, *, key=KEY):
    """Return a report about a delivery of ours, with a MAC made with ``key``."""
    return (
        raw(name)
        .replace(b"OUR-ID", tokens.seal(Purpose.DELIVERY, ID, key).encode())
        .replace(b"BOUNCE-ID", tokens.seal(Purpose.BOUNCE, ID, key).encode())
    )


def events(whole):
    return list(events_of(read(whole), ACCOUNT))


def message(whole):
    (event,) = events(whole)
    assert isinstance(event, MessageReceived)
    return event


# --- messages --------------------------------------------------------------------------------


def test_a_letter_is_a_message_with_an_email_in_it():
    event = message("related_inline")

    assert event.sender.address == "ada@example.org"
    assert event.sender.name == "Ada Berg"
    assert event.external_id == "<related.inline@example.org>"
    assert event.not_routed == ""
    assert isinstance(event.content, Email)
    assert event.content.subject == "Order"
    assert event.content.text == "See [our logo] and"
    assert event.content.visible is None
    shown, unused = event.content.attachments
    assert (shown.cid, unused.cid) == ("logo@example", None)
    assert shown.ref
    assert file_bytes(raw("related_inline"), shown.ref).startswith(b"\x89PNG")


def test_what_is_quoted_is_in_the_text_but_not_in_what_is_visible():
    event = message(
        letter(body=b"Yes please\r\n\r\nOn Mon, 2 Mar 2026 at 10:15 Bob wrote:\r\n> Tea?")
    )
    assert isinstance(event.content, Email)
    assert event.content.text.endswith("> Tea?")
    assert event.content.visible == "Yes please"


def test_an_invitation_is_a_file_and_a_line_of_text():
    event = message("alternative_invitation")
    assert isinstance(event.content, Email)
    assert event.content.text == (
        "Please come\n\nInvitation: Review, part 2 2026-03-10 10:00 Europe/Berlin (Berg, Ada)"
    )
    assert [file.mime_type for file in event.content.attachments] == ["text/calendar"]


def test_an_encrypted_letter_says_that_it_is():
    event = message("encrypted_pgp")
    assert isinstance(event.content, Email)
    assert event.content.text.startswith("This letter is encrypted")
    assert [file.filename for file in event.content.attachments] == ["Order.eml"]


def test_a_letter_of_nobody_can_be_seen_but_not_answered():
    event = message("from_two_in_one")
    assert event.sender.address.endswith("@sender.invalid")
    assert event.sender.name == "alice@example.org)bob@example.com"
    assert event.not_routed == "Who wrote it cannot be read."


def test_whom_a_web_form_names_is_not_proven():
    event = message(letter("From: support@example.com", "Reply-To: Eve <ada@example.org>"))
    assert (event.sender.address, event.answers.doubted) == ("ada@example.org", True)
    assert event.content.doubt is None


def test_who_is_named_beside_several_writers_is_doubted():
    several = "From: eve@example.net, max@example.net"
    event = message(letter(several, "Sender: ada@example.org", f"In-Reply-To: {OURS}"))
    assert (event.sender.address, event.answers.doubted) == ("ada@example.org", True)
    assert event.content.doubt == event.not_routed == BESIDE
    assert message(letter("Sender: ada@example.org")).content.doubt is None


@pytest.mark.parametrize("reply_to", ["orders@example.org", "eve@example.net", "nonsense"])
def test_who_wrote_is_answered_whatever_address_is_named_for_that(reply_to):
    event = message(letter(f"Reply-To: {reply_to}"))
    assert event.sender.address == "ada@example.org"
    assert ("Its writer asks for answers at" in event.content.text) is ("@" in reply_to)


def test_what_a_form_sends_from_our_own_address_is_from_whom_it_names():
    event = message(letter("From: support@example.com", "Reply-To: eve@example.net"))
    assert event.sender.address == "eve@example.net"
    assert (event.not_routed != "", event.quiet) == (True, False)
    # Whoever can write that may name anybody.
    named = message(letter("From: support@example.com", f"In-Reply-To: {OURS}"))
    assert named.answers == Answers(doubted=True)


def test_a_letter_of_each_day_with_one_id_is_a_letter_each_day():
    days = (letter(f"Date: Mon, {day} Mar 2026 09:00:00 +0000") for day in ("02", "03"))
    first, second = (message(one) for one in days)
    assert first.key != second.key


@pytest.mark.parametrize(
    ("field", "quiet"),
    [
        ("List-Id: <news.example.org>", False),
        ("Auto-Submitted: auto-replied", False),
        ("X-Spam-Flag: YES", True),
        ("Return-Path: <>", True),
    ],
)
def test_only_what_nobody_need_read_asks_for_no_attention(field, quiet):
    assert message(letter(field)).quiet is quiet


def test_a_mailbox_that_a_list_of_its_own_address_feeds_gets_letters_of_persons():
    fields = ("List-Id: Support <support.example.com>", "Precedence: list")
    arrival = replace(read(letter()).arrival, mailbox="support@example.com")
    (event,) = events_of(read_letter(letter(*fields), arrival), ACCOUNT)
    assert isinstance(event, MessageReceived)
    assert event.not_routed == ""


def test_copies_of_a_letter_share_their_key_however_a_server_ends_its_lines():
    whole = raw("alternative")
    copy = whole.replace(b"\r\n", b"\n") + b"\n\n"
    assert read(whole).dedupe_key == read(copy).dedupe_key


def test_two_letters_with_one_id_are_two():
    assert message(letter(body=b"one")).key != message(letter(body=b"two")).key


@pytest.mark.parametrize("written", ["Message-ID:", "Message-ID: <>", "Message-ID: <null@x>"])
def test_letters_without_an_id_are_told_apart_by_what_they_say(written):
    first = message(letter(written, "Subject: one"))
    assert first.external_id is None
    assert first.key == message(letter(written, "Subject: one")).key
    assert first.key != message(letter(written, "Subject: two")).key


# --- threads ---------------------------------------------------------------------------------


def test_the_same_subject_ties_nothing_together():
    first, second = (
        thread_of(read(letter("Subject: Order", f"From: {who}@example.org")), KEY)
        for who in ("ada", "eve")
    )
    assert first == second
    assert (first.conversation_id, first.references, first.external_ids) == (None, (), ())


@pytest.mark.parametrize("name", ["To", "Cc", "Delivered-To", "X-Original-To", "Envelope-To"])
def test_a_token_in_the_address_proves_a_conversation_whatever_became_of_ids(name):
    address = tokens.reply_address("support@example.com", CONVERSATION, KEY)
    found = thread_of(read(letter(f"{name}: Support <{address}>")), KEY)
    assert found.conversation_id == CONVERSATION


def test_a_token_with_a_wrong_mac_proves_nothing():
    address = tokens.reply_address("support@example.com", CONVERSATION, b"another key")
    assert thread_of(read(letter(f"To: {address}")), KEY).conversation_id is None


def test_ids_are_asked_from_the_latest_to_the_first():
    found = thread_of(read(letter("In-Reply-To: <c@x>", "References: <a@x> <b@x>\r\n <c@x>")), KEY)
    assert found.external_ids == ("<c@x>", "<b@x>", "<a@x>")


def test_an_answer_to_ours_names_our_letter_even_where_others_came_between():
    event = message(letter("In-Reply-To: <other@x>", f"References: {OURS} <other@x>"))
    assert event.reply_to_external_id == OURS
    assert thread_of(read(letter(f"References: {OURS}")), KEY).references == (ID,)


# --- loops -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "field",
    [
        "Auto-Submitted: auto-replied",
        "Auto-Submitted: auto-generated; type=x",
        "X-Auto-Response-Suppress: DR, OOF, AutoReply",
        "X-Auto-Response-Suppress: All",
        "Precedence: bulk",
        "Precedence: junk",
        "Precedence: list",
        "List-Id: <news.example.org>",
        "List-Unsubscribe: <mailto:x@example.org>",
        "Feedback-ID: 1:2:3",
        "X-Autoreply: yes",
        "X-Autorespond: 1",
        "X-Auto-Reply-From: a@b.example",
        "X-Loop: a@b.example",
        "Return-Path: <>",
        "Content-Type: multipart/report; boundary=b",
        "From: MAILER-DAEMON@example.net",
        "From: postmaster@example.net",
        "From: no-reply@example.net",
        "From: noreply+7@example.net",
        "From: do-not-reply@example.net",
        "From: bounces+123=ada@example.net",
        "X-Spam-Flag: YES",
        f"X-Hubbub-Id: {tokens.seal(Purpose.DELIVERY, ID, KEY)}",
    ],
)
def test_conformance_11_a_letter_that_a_program_wrote_is_shown_and_not_answered(field):
    assert message(letter(field)).not_routed


@pytest.mark.parametrize(
    "field",
    [
        "Auto-Submitted: no",
        "X-Auto-Response-Suppress: DR",
        "Precedence: first-class",
        "Return-Path: <ada@example.org>",
        "From: bouncer@example.net",
        "From: nora.reply@example.net",
        "X-Spam-Flag: NO",
        "Subject: Automatic reply: away",
        f"X-Hubbub-Id: {tokens.seal(Purpose.DELIVERY, ID, b'another key')}",
    ],
)
def test_a_letter_that_a_person_wrote_is_answered(field):
    assert message(letter(field)).not_routed == ""


def test_a_letter_in_the_folder_for_spam_is_shown_and_not_answered():
    whole = read(letter())
    junk = replace(whole.arrival, folder="Junk", junk=True)
    (event,) = events_of(read_letter(letter(), junk), ACCOUNT)
    assert isinstance(event, MessageReceived)
    assert event.not_routed == "It was in Junk, which is for spam."


def test_conformance_11_our_own_letter_come_back_is_no_message():
    proof = f"X-Hubbub-Id: {tokens.seal(Purpose.DELIVERY, ID, KEY)}"
    ours = ("From: Support <Support@example.com>", proof)
    (event,) = events(letter(*ours, "To: ada@example.org"))
    assert isinstance(event, Ignored)
    # What we wrote to ourselves has arrived.
    (event,) = events(letter(*ours))
    assert isinstance(event, ReceiptReceived)
    assert (event.state, event.reference) == (ReceiptState.DELIVERED, ID)


def test_an_out_of_office_answer_is_no_bounce():
    event = message(about_ours("out_of_office"))
    assert event.reply_to_external_id == OURS
    assert "Auto-Submitted" in event.not_routed


# --- reports ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "status", "gone"),
    [
        ("dsn_failed", "5.1.1", True),
        ("dsn_to_token", "5.1.1", True),
        ("dsn_full", "5.2.2", False),
        ("bounce_qmail", "5.1.1", True),
        ("bounce_exim", None, False),
        ("bounce_exchange", "5.1.1", True),
    ],
)
def test_conformance_12_a_bounce_of_ours_fails_its_delivery_and_marks_who_is_gone(
    name, status, gone
):
    receipt, *others = events(about_ours(name))

    assert isinstance(receipt, ReceiptReceived)
    assert (receipt.state, receipt.reference) == (ReceiptState.FAILED, ID)
    assert isinstance(receipt.fault, Fault)
    assert receipt.fault.provider_code == status
    assert receipt.fault.code == ("recipient_gone" if gone else "bounced")
    assert receipt.fault.detail
    assert receipt.fault.recipient == ("gone" if gone else None)
    assert receipt.fault.address == "ada@example.org"
    # What is no report by any standard may be a person's.
    shown = ["MessageReceived"] if name == "bounce_exchange" else []
    assert [type(one).__name__ for one in others] == shown


def test_a_person_who_asks_about_a_bounce_fails_nothing():
    fields = ("From: postmaster@firm.example", f"In-Reply-To: {OURS}")
    event = message(letter(*fields, body=b"Our server said: user unknown. Who is it?"))
    assert event.not_routed


def test_a_bounce_that_names_nobody_marks_whom_we_wrote_to():
    whole = about_ours("dsn_failed").replace(b"Final-Recipient: rfc822; ada@example.org\r\n", b"")
    (receipt,) = events(whole)
    assert isinstance(receipt, ReceiptReceived)
    assert receipt.fault
    assert receipt.fault.recipient == "gone"


@pytest.mark.parametrize("name", ["dsn_failed", "bounce_qmail"])
def test_a_bounce_finds_its_letter_though_a_server_gave_that_another_id(name):
    sealed = tokens.seal(Purpose.DELIVERY, ID, KEY)
    head = f"Message-ID: <0102@email.amazonses.com>\r\nX-Hubbub-Id: {sealed}".encode()
    whole = raw(name).replace(b"Message-ID: <OUR-ID@example.com>", head)
    assert events(whole)[0].reference == ID


def test_a_bounce_quotes_what_the_server_said():
    event = events(about_ours("dsn_failed"))[0]
    assert isinstance(event, ReceiptReceived)
    assert event.fault
    assert event.fault.detail == (
        "550 5.1.1 <ada@example.org>: Recipient address rejected: User unknown"
    )


@pytest.mark.parametrize("name", ["dsn_failed", "dsn_full", "bounce_qmail", "bounce_exchange"])
@pytest.mark.parametrize("forge", ["another key", "no id"])
def test_conformance_12_a_forged_bounce_changes_nothing_and_is_shown(name, forge):
    whole = about_ours(name, key=b"another") if forge == "another key" else raw(name)
    assert message(whole).not_routed


def test_a_bounce_that_names_no_letter_is_shown():
    assert message("dsn_of_nobody").not_routed


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("dsn_delayed", "Delivery is delayed"),
        ("bounce_delay_by_hand", "Delivery is delayed"),
        ("dsn_relayed", "It was passed on"),
    ],
)
def test_conformance_12_a_delay_and_a_letter_passed_on_change_nothing(name, why):
    event = next(iter(events(about_ours(name))))
    assert isinstance(event, Ignored)
    assert event.reason.startswith(why)


@pytest.mark.parametrize(
    ("name", "state"),
    [("dsn_delivered", ReceiptState.DELIVERED), ("mdn_displayed", ReceiptState.READ)],
)
def test_a_report_of_success_moves_the_delivery_on(name, state):
    (event,) = events(about_ours(name))
    assert isinstance(event, ReceiptReceived)
    assert (event.state, event.reference, event.fault) == (state, ID, None)


@pytest.mark.parametrize("name", ["dsn_expanded", "mdn_deleted", "dsn_empty"])
def test_a_report_that_says_nothing_of_a_person_is_shown(name):
    assert message(about_ours(name)).not_routed


@pytest.mark.parametrize("name", ["arf_abuse", "arf_redacted"])
def test_a_complaint_stops_what_goes_to_many_for_whom_we_wrote_to(name):
    (event,) = events(about_ours(name))
    assert isinstance(event, ReceiptReceived)
    assert event.fault
    assert (event.reference, event.fault.recipient) == (ID, "no_marketing")


def test_a_forged_complaint_changes_nothing():
    assert message(about_ours("arf_abuse", key=b"another")).not_routed


# --- whom letters name, and what wrote them --------------------------------------------------


def test_all_whom_a_letter_names_are_told_and_none_of_the_tokens_in_our_address():
    ours = tokens.reply_address(ACCOUNT.address, CONVERSATION, KEY)
    content = message(
        letter(f"To: Shop <{ours}>, max@example.org", "Cc: The Boss <boss@example.org>, max@x.test")
    ).content
    assert isinstance(content, Email)
    assert [(one.address, one.name) for one in content.to] == [
        ("support@example.com", "Shop"),
        ("max@example.org", None),
    ]
    assert [one.address for one in content.cc] == ["boss@example.org", "max@x.test"]
    assert "+" not in str(to_json(content)["to"])


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ([], None),
        (["List-Id: <news.example.org>"], "It was sent to many (List-Id)."),
        (["X-Autoreply: yes"], "It was written by a program (X-Autoreply)."),
        (["X-Spam-Flag: YES"], None),
    ],
)
def test_a_letter_of_a_program_says_so(fields, reason):
    content = message(letter(*fields)).content
    assert isinstance(content, Email)
    assert content.automatic == reason
    assert preview(content).startswith("Automatic · ") is bool(reason)


@pytest.mark.parametrize(("answered", "quiet"), [(OURS, True), ("<x@elsewhere.example>", False)])
def test_only_what_a_program_answers_to_us_asks_nobody_for_attention(answered, quiet):
    event = message(letter("Auto-Submitted: auto-replied", f"In-Reply-To: {answered}"))
    assert event.quiet is quiet
