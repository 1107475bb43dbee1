"""A letter's whole way with servers that others wrote: Dovecot holds the mailbox, aiosmtpd sends."""

import email
import email.policy
from email.message import EmailMessage

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult, LoginPassword

from hubbub.listener import Listener
from hubbub.mailbox.patience import Pace
from hubbub.sdk import Email, Text
from tests.plugins.email.conftest import ADA, OURS
from tests.services.dovecot import free_ports, until

PASSWORD = "password-of-the-shop"
PACE = Pace(first_pause=0.05, longest_pause=0.2, look=0.05, grace=0.3, silence=5.0)


class Sent:
    """What the server took."""

    def __init__(self):
        self.envelopes = []
        self.port = 0

    async def handle_DATA(self, server, session, envelope):  # noqa: N802  # the library's name
        self.envelopes.append(envelope)
        return "250 2.0.0 Taken"


def known(server, session, envelope, mechanism, data):
    right = isinstance(data, LoginPassword) and data == LoginPassword(
        OURS.encode(), PASSWORD.encode()
    )
    return AuthResult(success=right)


@pytest.fixture
def sent():
    handler = Sent()
    (handler.port,) = free_ports(1)
    controller = Controller(
        handler,
        hostname="127.0.0.1",
        port=handler.port,
        authenticator=known,
        auth_require_tls=False,
    )
    controller.start()
    yield handler
    controller.stop()


@pytest.fixture
def shop(post, dovecot, sent):
    """A hub whose channel has its mailbox at these servers, and that is listening."""
    dovecot.username = "shop"
    post.open(
        credentials={"smtp_password": PASSWORD, "imap_password": dovecot.password},
        smtp_port=sent.port,
        imap_host="127.0.0.1",
        imap_port=dovecot.port,
        imap_security="none",
        imap_username=dovecot.username,
    )
    listener = Listener(post.world.hub, PACE)
    listener.look()
    until(lambda: post.world.rows("SELECT cursor FROM source_cursors"), "It was not looked into.")
    yield post
    listener.stop()


def letter(**fields):
    made = EmailMessage(policy=email.policy.SMTP)
    for name, value in {"From": f"Ada <{ADA}>", "To": OURS, **fields}.items():
        made[name.replace("_", "-")] = value
    made.set_content("Is it open?")
    made.add_attachment(b"%PDF-1.4", maintype="application", subtype="pdf", filename="plan.pdf")
    return made.as_bytes()


def put(dovecot, shop, **fields):
    before = len(shop.world.rows("SELECT id FROM calls"))
    with dovecot.owner() as owner:
        owner.append("INBOX", letter(**fields))
    until(lambda: len(shop.world.rows("SELECT id FROM calls")) > before, "Nothing came.")
    shop.world.work()


def test_a_letter_comes_in_is_answered_and_goes_on_in_the_same_conversation(shop, dovecot, sent):
    assert shop.world.one("SELECT status FROM channels")["status"] == "connected"
    put(dovecot, shop, Subject="Hours", Message_ID="<1@a.example>")
    (conversation,) = shop.conversations()
    (media,) = shop.world.rows("SELECT state, filename FROM media")
    assert media == {"state": "ready", "filename": "plan.pdf"}

    shop.write(Text(text="Until six."), conversation=conversation["id"])
    (envelope,) = sent.envelopes
    assert (envelope.mail_from, envelope.rcpt_tos) == (OURS, [ADA])
    answer = email.message_from_bytes(envelope.content, policy=email.policy.default)
    assert (answer["Subject"], answer["In-Reply-To"]) == ("Re: Hours", "<1@a.example>")
    assert [one["status"] for one in shop.outbound()] == ["sent"]

    put(
        dovecot,
        shop,
        Subject="AW: Hours",
        Message_ID="<2@a.example>",
        References=answer["Message-ID"],
    )
    assert len(shop.conversations()) == 1
    with dovecot.owner() as owner:
        owner.select_folder("INBOX", readonly=True)
        until(lambda: not owner.search("UNSEEN"), "They are not marked.")


def test_a_letter_with_a_page_and_a_file_is_what_others_read(shop, sent):
    shop.write(Email(subject="Größe", text="Groß", html="<p>Groß</p>"))
    (envelope,) = sent.envelopes
    read = email.message_from_bytes(envelope.content, policy=email.policy.default)
    assert read["Subject"] == "Größe"
    page, plain = read.get_body(("html",)), read.get_body(("plain",))
    assert page is not None
    assert plain is not None
    assert page.get_content().strip() == "<p>Groß</p>"
    assert plain.get_content().strip() == "Groß"
