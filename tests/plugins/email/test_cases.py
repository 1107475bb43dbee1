"""Section 13 of the fact sheet, cases 11 to 15, through a whole hub.

Cases 1 to 5 are in tests/core/mailbox, 6 to 10 and more of 11 to 14 beside this module, and more of
13 in tests/core/io/test_smtp.py: all are named test_conformance_NN.
"""

import json
import re

import pytest

from hubbub.connect.routes import WantedRoutes, save_routes
from hubbub.sdk import Email, Text
from hubbub_email import tokens
from hubbub_email.manifest import CEILINGS
from hubbub_email.tokens import Purpose
from tests.plugins.email.conftest import ADA, OURS
from tests.plugins.email.letters import raw

BOT = {"type": "keyword", "otherwise": "We are closed."}
THEIR_SUPPORT = "help@other.test"
#: What says that a letter is automatic.
MARKS = re.compile(
    rb"^(auto-submitted|x-auto[^:]*|x-hubbub-id):.*\r\n", re.IGNORECASE | re.MULTILINE
)


def with_bot(post):
    """Let a bot answer whatever comes in."""
    wanted = WantedRoutes(routes=[], fallback=BOT)
    save_routes(post.world.hub, post.channel_id, wanted, actor="cli")
    return post


def states(post):
    return [row["status"] for row in post.outbound()]


def error(post):
    return json.loads(post.outbound()[-1]["error"])


def ids(post, name="conversation_id"):
    return [row[name] for row in post.inbound()]


# --- 11: loops -------------------------------------------------------------------------------


def test_conformance_11_a_bot_answers_a_person_and_says_what_it_is(post):
    with_bot(post.open()).hears()
    (sent,) = post.letters
    assert sent["Auto-Submitted"] == "auto-replied"
    assert sent["X-Auto-Response-Suppress"] == "All"
    assert sent["Precedence"] is None


@pytest.mark.parametrize(
    "fields",
    [
        {"Auto_Submitted": "auto-replied"},
        {"List_Id": "<news.a.example>"},
        {"Return_Path": "<>"},
        {"sender": "mailer-daemon@a.example"},
    ],
)
def test_conformance_11_a_bot_does_not_answer_a_program(post, fields):
    with_bot(post.open()).hears(**fields)
    assert len(post.inbound()) == 1
    assert post.letters == []


@pytest.mark.parametrize("forgetful", [False, True])
def test_conformance_11_two_hubs_that_answer_each_other_stop_after_one_exchange(
    make_post, tmp_path, forgetful
):
    """``forgetful``: a server between them takes away what says that a letter is automatic."""
    hubs = {OURS: make_post(tmp_path / "a"), THEIR_SUPPORT: make_post(tmp_path / "b")}
    for address, hub in hubs.items():
        hub.awake()
        with_bot(hub.open(from_address=address))
    hubs[THEIR_SUPPORT].hears("Hello", sender=OURS, to=THEIR_SUPPORT)
    carried = 0
    while waiting := [(hub, hub.office.letters.pop(0)) for hub in hubs.values() if hub.letters]:
        for hub, whole in waiting:
            other = next(one for one in hubs.values() if one is not hub)
            other.awake()
            other.arrive(MARKS.sub(b"", whole) if forgetful else whole)
            carried += 1
    assert carried == (2 * CEILINGS.conversation if forgetful else 1)


def test_conformance_11_a_bot_does_not_answer_another_channel_of_its_hub(post):
    with_bot(post.open(from_address=THEIR_SUPPORT))
    with_bot(post.open())
    post.hears(sender=THEIR_SUPPORT)
    assert post.letters == []
    assert [one["unread"] for one in post.conversations()] == [1]


def test_conformance_11_our_own_letter_come_back_is_nobodys_message(post):
    post.open().write(Email(subject="Hello", text="It is ready."))
    (sent,) = post.office.letters
    post.arrive(sent)
    assert post.inbound() == []


# --- 12: reports -----------------------------------------------------------------------------


def bounced(post, name, *, key=None):
    """Let a report about the last letter come in, with a MAC made with ``key``."""
    (delivery,) = post.world.rows("SELECT id FROM deliveries")
    key = key or tokens.key_of(post.line.connection.webhook_secret)
    sealed = tokens.seal(Purpose.DELIVERY, delivery["id"], key).encode()
    post.arrive(raw(name).replace(b"OUR-ID", sealed).replace(b"ada@example.org", ADA.encode()))


def test_conformance_12_a_bounce_fails_its_letter_and_marks_the_address(post):
    post.open().write(Text(text="Hello"))
    bounced(post, "dsn_failed")
    assert states(post) == ["failed"]
    assert error(post)["code"] == "recipient_gone"
    assert post.world.one("SELECT state FROM addresses")["state"] == "gone"


@pytest.mark.parametrize(("name", "key"), [("dsn_failed", b"forged"), ("dsn_delayed", None)])
def test_conformance_12_a_forged_bounce_and_a_delay_change_nothing(post, name, key):
    post.open().write(Text(text="Hello"))
    bounced(post, name, key=key)
    assert states(post) == ["sent"]


@pytest.mark.parametrize(
    ("name", "state"), [("dsn_delivered", "delivered"), ("mdn_displayed", "read")]
)
def test_conformance_12_a_report_of_success_is_a_receipt(post, name, state):
    post.open().write(Text(text="Hello"))
    bounced(post, name)
    assert states(post) == [state]


# --- 13: what a mail server says ----------------------------------------------------------------


@pytest.mark.parametrize(
    ("says", "status", "code"),
    [
        ({"RCPT": "550 5.1.1 who?"}, "failed", "recipient_gone"),
        ({"RCPT": "421 4.3.2 bye"}, "sending", "temporary"),
        ({"MAIL": "552 5.3.4 too large"}, "failed", "too_large"),
        ({"DOT": "554 5.7.1 spam"}, "failed", "rejected"),
        ({"DOT": "451 4.3.0 later"}, "sending", "temporary"),
    ],
)
def test_conformance_13_a_refusal_is_what_its_code_says(post, says, status, code):
    post.open()
    post.office.says = {verb: [reply] for verb, reply in says.items()}
    post.write(Text(text="Hello"))
    assert states(post) == [status]
    failed = post.world.one("SELECT error FROM deliveries")["error"]
    assert json.loads(failed)["code"] == code


def test_conformance_13_a_refused_login_pauses_the_channel_and_its_letters_wait(post):
    post.open()
    post.office.says = {"AUTH": ["535 5.7.8 no"]}
    # A kept session would not log in again.
    post.world.hub.http.close()
    post.write(Text(text="Hello"))
    assert states(post) == ["sending"]
    channel = post.world.one("SELECT status, status_reason FROM channels")
    assert channel["status"] == "error"
    assert "refused the login" in channel["status_reason"]


def test_conformance_13_a_greylisted_letter_goes_later_as_the_very_same(post):
    post.open()
    post.office.says = {"RCPT": ["450 4.2.0 greylisted"]}
    message = post.write(Text(text="Hello"))
    post.world.pass_time(seconds=20)
    assert post.letters == []
    post.world.pass_time(minutes=10)
    (sent,) = post.letters
    assert states(post) == ["sent"]
    assert sent["Message-ID"] == post.outbound()[0]["external_id"]
    senders = [line for line in post.office.heard if line.startswith("mail")]
    assert len(set(senders)) == 1
    assert message


def test_conformance_13_an_answer_lost_after_the_last_dot_is_unknown_and_not_sent_again(post):
    post.open()
    post.office.says = {"DOT": ["cut"]}
    post.write(Text(text="Hello"))
    post.world.pass_time(hours=1)
    assert states(post) == ["unknown"]
    assert len(post.letters) == 1


# --- 14: what must not get into a header -----------------------------------------------------------


@pytest.mark.parametrize("evil", ["\r\nBcc: eve@x.example", "\nX: 1", "\0", "\u202e"])
def test_conformance_14_nothing_that_somebody_writes_becomes_a_header(post, evil):
    post.open().write(Email(subject=f"Hello{evil}", text=f"Hi{evil}"))
    (whole,) = post.office.letters
    head = whole.partition(b"\r\n\r\n")[0]
    assert not re.search(rb"(?m)^(Bcc|X):", head)
    assert b"\0" not in whole
    (sent,) = post.letters
    assert "\u202e" not in str(sent["Subject"])


def test_conformance_14_letters_before_the_at_need_a_server_that_takes_them(post):
    post.open().write(Text(text="Hello"), to="jörg@a.example")
    assert states(post) == ["failed"]
    assert error(post)["code"] == "smtputf8_unsupported"
    assert post.letters == []


def test_conformance_14_letters_before_the_at_go_to_a_server_that_takes_them(post):
    post.open()
    post.office.features = ("SMTPUTF8", "AUTH PLAIN")
    post.world.hub.http.close()
    post.write(Text(text="Hello"), to="jörg@a.example")
    assert states(post) == ["sent"]
    assert "To: jörg@a.example\r\n".encode() in post.office.letters[0]


def test_conformance_14_a_domain_with_other_letters_is_written_as_dns_has_it(post):
    post.open().write(Text(text="Hello"), to="ada@straße.example")
    (sent,) = post.letters
    assert sent["To"] == "ada@xn--strae-oqa.example"


# --- 15: threads -----------------------------------------------------------------------------------


def test_conformance_15_the_same_subject_of_others_is_another_conversation(post):
    post.open()
    for who in ("ada@a.example", "eve@b.example", "ada@a.example"):
        post.hears(subject="Order", sender=who)
    assert len(set(ids(post))) == 3


def test_conformance_15_a_token_in_the_address_finds_the_thread_though_ids_were_rewritten(post):
    post.open(plus_addressing=True).hears(subject="Order")
    post.write(Text(text="Yes"), conversation=ids(post)[0])
    (sent,) = post.letters
    post.hears("Thanks", subject="Other", to=str(sent["Reply-To"]))
    assert len(set(ids(post))) == 1


def test_conformance_15_a_token_with_a_wrong_mac_proves_nothing(post):
    post.open(plus_addressing=True).hears(subject="Order")
    forged = tokens.reply_address(OURS, ids(post)[0], b"another key")
    post.hears("Thanks", subject="Order", to=forged)
    assert len(set(ids(post))) == 2


def test_conformance_15_an_id_of_ours_finds_the_thread_from_far_back_in_the_references(post):
    post.open().hears(subject="Order")
    post.write(Text(text="Yes"), conversation=ids(post)[0])
    (sent,) = post.letters
    post.hears("Thanks", References=f"{sent['Message-ID']} <x@a.example> <y@a.example>")
    assert len(set(ids(post))) == 1


def test_conformance_15_whoever_else_knows_an_id_begins_a_conversation_that_names_the_other(post):
    post.open().hears(subject="Order")
    post.write(Text(text="Yes"), conversation=ids(post)[0])
    (sent,) = post.letters
    post.hears("I read along", sender="eve@b.example", In_Reply_To=str(sent["Message-ID"]))
    first, second = ids(post)
    assert first != second
    related = {row["id"]: row["related_id"] for row in post.conversations()}
    assert related == {first: None, second: first}
