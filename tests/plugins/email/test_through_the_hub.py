"""Letters through a whole hub: kept, read, routed, answered, and handed to a mail server."""

import json
from urllib.parse import parse_qs, urlsplit

import pytest

from hubbub.connect.routes import WantedRoutes, save_routes
from hubbub.connect.work import ChannelChange, change_channel
from hubbub.listener import Listener
from hubbub.mailbox.patience import Pace
from hubbub.people.errors import Conflict, Invalid
from hubbub.sdk import Attachment, Correspondent, Email, Media, Text
from hubbub.store.session import reading
from hubbub.track.trace import trace
from hubbub.web import create_app
from tests.plugins.email.letters import letter, raw
from tests.services.dovecot import until
from tests.services.pymap import pymap

__all__ = ["pymap"]


def test_a_letter_comes_in_and_its_answer_goes_out_in_the_same_thread(post):
    post.open()
    theirs = post.hears("Is it open today?", subject="Opening hours")
    (conversation,) = post.conversations()
    (heard,) = post.inbound()
    assert json.loads(heard["content"]) == {
        "type": "email",
        "subject": "Opening hours",
        "text": "Is it open today?",
        "attachments": [],
        "to": [{"address": "support@hub.test"}],
        "cc": [],
        "bcc": [],
    }

    post.write(Text(text="Until six."), conversation=conversation["id"])
    (sent,) = post.letters
    assert sent["To"] == "ada@a.example"
    assert sent["From"] == "Shop <support@hub.test>"
    assert sent["Subject"] == "Re: Opening hours"
    assert sent["In-Reply-To"] == theirs
    assert sent["Auto-Submitted"] is None
    assert sent.get_content() == "Until six.\r\n"
    (answer,) = post.outbound()
    assert (answer["status"], answer["external_id"]) == ("sent", sent["Message-ID"])

    post.hears("Thanks", subject="AW: Opening hours", In_Reply_To=sent["Message-ID"])
    assert len(post.conversations()) == 1
    assert len(post.inbound()) == 2


def test_a_letter_in_a_forged_name_is_marked_and_stands_beside_what_it_answers(post):
    post.open(trusted_authserv_ids=["mx.hub.test"])
    failed = "Authentication-Results: mx.hub.test; spf=fail; dmarc=fail header.from=example.org"
    answers = ("Message-ID: <two@example.org>", "In-Reply-To: <one@example.org>")
    post.arrive(letter("Subject: Order"), letter("Subject: Re: Order", *answers, failed))
    true, forged = post.inbound()
    assert true["conversation_id"] != forged["conversation_id"]
    assert "DMARC failed" not in str(true["content"])
    assert "DMARC failed" in str(forged["content"])
    assert "DMARC failed" in str(forged["decision"])


def test_files_of_a_letter_are_stored_and_a_file_goes_out_as_it_is(post):
    post.open()
    post.arrive(raw("related_inline"))
    files = post.world.rows("SELECT * FROM media ORDER BY id")
    assert {(row["state"], row["mime_type"]) for row in files} == {("ready", "image/png")}
    assert bytes(post.world.hub.media.get(files[0]["id"])).startswith(b"\x89PNG")

    stored = Media(id=files[0]["id"], filename="logo.png")
    post.write(Attachment(type="image", media=stored, caption="Our logo"), to="ada@example.org")
    (sent,) = post.letters
    assert sent.get_body().get_content() == "Our logo\r\n"
    (file,) = sent.iter_attachments()
    assert (file.get_content_type(), file.get_filename()) == ("image/png", "logo.png")
    assert file.get_content() == post.world.hub.media.get(files[0]["id"])


def test_a_picture_in_the_html_of_a_letter_goes_out_within_it(post):
    post.open().arrive(raw("related_inline"))
    (stored, *_) = post.world.rows("SELECT id FROM media ORDER BY id")
    logo = Media(id=stored["id"], filename="logo.png", cid="logo@shop")
    page = '<p><img src="cid:logo@shop"></p>'
    post.write(Email(subject="Hi", text="", html=page, attachments=(logo,)), to="ada@example.org")
    (sent,) = post.letters
    (picture,) = (part for part in sent.walk() if part.get_content_type() == "image/png")
    assert picture["Content-ID"] == "<logo@shop>"


def test_a_letter_that_was_there_before_the_hub_is_shown_and_nobody_answers_it(post):
    post.open()
    save_routes(
        post.world.hub,
        post.channel_id,
        WantedRoutes(routes=[], fallback={"type": "keyword", "otherwise": "Hi"}),
        actor="cli",
    )
    post.arrive(letter(), historical=True)
    assert len(post.inbound()) == 1
    assert post.letters == []


def test_of_a_letter_that_is_too_large_the_beginning_is_shown_and_where_the_rest_is(post):
    post.open().arrive(letter(), truncated=True, size=50_000_000)
    text = json.loads(post.inbound()[0]["content"])["text"]
    assert text.startswith("words\n\n[The letter is too large: of its 50 MB")


def test_a_click_on_the_link_in_a_letter_to_many_ends_marketing(post):
    post.open().write(Text(text="News"), bulk=True)
    post.world.pass_time(seconds=5)
    (sent,) = post.letters
    assert sent["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    assert sent["Auto-Submitted"] == "auto-generated"
    link = urlsplit(str(sent["List-Unsubscribe"]).strip("<>"))
    clicked = (
        create_app(hub=post.world.hub)
        .test_client()
        .post(link.path, data={"List-Unsubscribe": "One-Click"})
    )
    assert clicked.status_code == 200
    assert not post.world.one("SELECT marketing FROM addresses")["marketing"]


def test_nobody_can_bring_letters_to_the_webhook(post):
    status, _ = post.world.call(post.open().line, letter())
    post.world.work()
    assert (status, post.inbound()) == (401, [])


def test_access_tokens_are_got_kept_and_replaced_while_letters_go(post, serve):
    given: list[str] = []

    def provider(peer):
        peer.request()
        given.append(f"token-{len(given) + 1}-of-the-provider")
        told = json.dumps({"access_token": given[-1], "expires_in": 3600})
        peer.answer(told.encode(), "200 OK", "Date: Mon, 02 Mar 2026 12:00:00 GMT")

    oauth = {"client_id": "shop", "client_secret": "x" * 12, "refresh_token": "r" * 12}
    post.open(credentials={"oauth": oauth}, api_base=serve(provider).url("/token"))
    assert post.line.connection.tokens == {"access": "token-1-of-the-provider"}

    post.office.says = {"AUTH": ["535 5.7.8 expired"]}
    post.world.hub.http.close()
    post.write(Text(text="Hello"))
    assert [row["status"] for row in post.outbound()] == ["sent"]
    assert len(post.letters) == 1
    assert post.line.connection.tokens == {"access": "token-2-of-the-provider"}
    attempts = json.dumps(post.world.rows("SELECT * FROM attempts"), default=str)
    assert "of-the-provider" not in attempts
    assert "r" * 12 not in attempts


def test_a_refresh_token_that_was_replaced_survives_changes_that_are_not_about_the_login(
    post, serve
):
    asked: list[str] = []

    def provider(peer):
        _, body = peer.request()
        asked.append(parse_qs(body.decode())["refresh_token"][0])
        told = {"access_token": "a" * 12, "refresh_token": f"replaced-{len(asked)}"}
        peer.answer(json.dumps(told).encode())

    oauth = {"client_id": "shop", "client_secret": "x" * 12, "refresh_token": "entered-at-first"}
    api_base = serve(provider).url("/token")
    post.open(credentials={"oauth": oauth}, api_base=api_base)
    known = {"access": "a" * 12, "refresh": "replaced-1"}
    assert post.line.connection.tokens == known

    def change(**what):
        change_channel(post.world.hub, post.channel_id, ChannelChange(**what), actor="cli")

    change(settings={"from_name": "The Shop"})
    assert post.line.connection.tokens == known
    change(credentials={"oauth": {"refresh_token": "entered-anew"}})
    assert post.line.connection.tokens == {**known, "refresh": "replaced-2"}
    change(settings={"api_base": f"{api_base}?another"})
    assert asked == ["entered-at-first", "entered-anew", "entered-anew"]


def test_what_comes_once_the_channel_is_saved_is_answered_in_its_thread(post, pymap):
    with pymap.owner() as owner:
        owner.append("INBOX", letter("Subject: Before"))
    post.open(
        credentials={"smtp_password": "password-of-the-shop", "imap_password": pymap.password},
        imap_host="127.0.0.1",
        imap_port=pymap.port,
        imap_security="none",
        imap_username=pymap.username,
    )
    assert post.world.one("SELECT status FROM channels")["status"] == "connected"
    # Before the listener has looked for the first time.
    with pymap.owner() as owner:
        owner.append("INBOX", letter("Subject: Order"))
    listener = Listener(post.world.hub, Pace(look=0.05, grace=0.3))
    listener.look()
    try:
        until(lambda: post.world.rows("SELECT * FROM calls"), "The letter was not fetched.")
    finally:
        listener.stop()
    post.world.work()
    (heard,) = post.inbound()
    post.write(Text(text="Yes"), conversation=heard["conversation_id"])
    (sent,) = post.letters
    assert (sent["To"], sent["Subject"]) == ("ada@example.org", "Re: Order")
    assert sent["In-Reply-To"] == "<one@example.org>"


def test_two_channels_cannot_take_letters_of_one_mailbox(post):
    given = {"imap_host": "127.0.0.1", "imap_port": post.port, "imap_security": "none"}
    post.open(**given)
    with pytest.raises(Conflict, match="already connected"):
        post.open(**given)


def test_through_the_api_secrets_stay_hidden_and_what_is_wrong_is_told_at_its_field(post):
    assert set(post.open().line.connection.fields.credentials.model_dump()) >= {
        "smtp_password",
        "imap_password",
        "oauth",
    }
    oauth = {"client_id": "shop", "refresh_token": "r" * 12}
    with pytest.raises(Invalid) as refused:
        post.open(credentials={"oauth": {"client_id": "shop"}}, api_base="https://a.example/t")
    assert [one.field for one in refused.value.complaints] == ["credentials.oauth.refresh_token"]
    change = ChannelChange(
        credentials={"oauth": oauth}, settings={"api_base": "https://a.example/t"}
    )
    change_channel(post.world.hub, post.channel_id, change, actor="cli")
    change = ChannelChange(credentials={"oauth": {"client_id": "other"}})
    change_channel(post.world.hub, post.channel_id, change, actor="cli")
    kept = post.line.connection.fields.credentials.oauth
    assert (kept.client_id, kept.refresh_token) == ("other", "r" * 12)


# --- copies that are put off -----------------------------------------------------------------

COPIED = Email(
    subject="Order",
    text="Hi",
    cc=(Correspondent(address="boss@b.example"),),
    bcc=(Correspondent(address="max@b.example"),),
)


def recipients(post):
    return [line[8:].strip(" <>\r\n") for line in post.office.heard if line[:4] in {"rcpt", "RCPT"}]


def bounce_of(sent, recipient):
    body = (
        "--b\r\nContent-Type: text/plain\r\n\r\nIt came back.\r\n"
        "--b\r\nContent-Type: message/delivery-status\r\n\r\nReporting-MTA: dns; mx.test\r\n\r\n"
        f"Final-Recipient: rfc822; {recipient}\r\nAction: failed\r\nStatus: 5.1.1\r\n\r\n"
        "--b\r\nContent-Type: text/rfc822-headers\r\n\r\n"
        f"Message-ID: {sent['Message-ID']}\r\n\r\n--b--\r\n"
    )
    return letter(
        "From: MAILER-DAEMON@mx.test",
        "Message-ID: <dsn@mx.test>",
        "Content-Type: multipart/report; report-type=delivery-status; boundary=b",
        body=body.encode(),
    )


def states(post):
    rows = post.world.rows("SELECT destination, address, state FROM deliveries ORDER BY id")
    return [(row["destination"], row["address"], row["state"]) for row in rows]


def test_a_copy_that_was_put_off_is_tried_again_alone_until_it_is_taken(post):
    post.open()
    post.office.says["RCPT"] = [None, "450 4.2.0 greylisted", None, "451 4.7.1 later", None]
    message = post.write(COPIED)
    assert recipients(post) == ["ada@a.example", "boss@b.example", "max@b.example"]
    assert [row["status"] for row in post.outbound()] == ["sent"]
    post.office.heard.clear()
    post.world.pass_time(minutes=2)
    assert recipients(post) == ["boss@b.example"]
    post.world.pass_time(minutes=10)
    assert recipients(post) == ["boss@b.example"] * 2
    post.world.pass_time(days=2)
    assert recipients(post) == ["boss@b.example"] * 2
    first, again = post.letters
    assert again["Message-ID"] == first["Message-ID"]
    assert again["Date"] == first["Date"]
    assert (again["To"], again["Cc"]) == ("ada@a.example", "boss@b.example")
    assert states(post) == [
        ("contact", "ada@a.example", "sent"),
        ("copy", "boss@b.example", "sent"),
    ]
    (row,) = post.outbound()
    assert (row["id"], row["status"], row["external_id"]) == (message, "sent", first["Message-ID"])
    with reading(post.world.hub.engine) as db:
        told = [item for item in trace(db, message) if item.detail.get("address")]
    assert [item.what for item in told] == ["attempt 1: transient", "attempt 2: accepted"]


def test_a_copy_that_is_refused_for_good_later_fails_alone(post):
    post.open()
    post.hears(sender="boss@b.example")
    post.office.says["RCPT"] = [None, "450 4.2.0 greylisted", None, "550 5.1.1 nobody"]
    post.write(COPIED)
    post.world.pass_time(minutes=2)
    assert states(post)[-1] == ("copy", "boss@b.example", "failed")
    assert post.outbound()[-1]["status"] == "sent"
    assert {row["state"] for row in post.world.rows("SELECT state FROM addresses")} == {"ok"}


def test_a_bounce_of_a_letter_whose_copy_was_tried_again_is_about_the_letter(post):
    post.open()
    post.office.says["RCPT"] = [None, "450 4.2.0 greylisted"]
    post.write(COPIED)
    post.world.pass_time(minutes=2)
    post.arrive(bounce_of(post.letters[0], "ada@a.example"))
    assert states(post) == [
        ("contact", "ada@a.example", "failed"),
        ("copy", "boss@b.example", "sent"),
    ]
    assert post.outbound()[-1]["status"] == "failed"
