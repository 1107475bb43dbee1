"""What people write, and what their servers and mail programs tell."""

import base64
from email import message_from_bytes
from email.policy import default

import pytest

from hubbub.sandbox.email.provider import address_of
from hubbub.sandbox.providers import Persona

LONG_ID = f"<{'x' * 120}@example.com>"


@pytest.fixture
def sent(mail, sandbox):
    """A letter of the hub's, as people have it."""
    mail.send(letter=mail.letter("Reply-To: support+k7@example.com"))
    return sandbox.sent()[0]["params"]["id"]


def parts(letter):
    return [part.get_content_type() for part in letter.walk()]


def test_a_person_writes_a_proper_letter(mail):
    written = mail.write("Where is it?", name="Ann Ü", subject="Order 12: größe?")
    [letter] = mail.inbox()
    assert letter["from"] == "Ann Ü <ann@example.net>"
    assert letter["to"] == "support@example.com"
    assert letter["subject"] == "Order 12: größe?"
    assert letter["message-id"] == written["message_id"]
    assert letter["date"].datetime
    assert letter["return-path"] == "<ann@example.net>"
    assert letter["delivered-to"] == "support@example.com"
    assert letter.get_content() == "Where is it?\n"


def test_a_letter_may_have_files_and_html(mail):
    file = {
        "filename": "größe.txt",
        "mime_type": "text/plain",
        "data": base64.b64encode(b"X").decode(),
    }
    mail.write("Look <here>", html=True, files=[file])
    [letter] = mail.inbox()
    assert parts(letter) == [
        "multipart/mixed",
        "multipart/alternative",
        "text/plain",
        "text/html",
        "text/plain",
    ]
    assert "Look &lt;here&gt;" in letter.get_body(("html",)).get_content()
    [attached] = letter.iter_attachments()
    assert (attached.get_filename(), attached.get_content()) == ("größe.txt", "X")
    mail.write(html="<b>Mine</b>")
    assert mail.inbox()[1].get_body(("html",)).get_content().strip() == "<b>Mine</b>"


def test_an_answer_names_the_letter_and_quotes_it(mail, sent):
    mail.write("Thanks", html=True, answers=sent)
    [letter] = mail.inbox()
    assert letter["subject"] == "Re: Your order"
    assert letter["to"] == "support+k7@example.com", "where the letter wants its answers"
    assert letter["delivered-to"] == "support+k7@example.com"
    assert letter["in-reply-to"] == letter["references"] == "<1@example.com>"
    assert letter.get_body(("plain",)).get_content().splitlines() == [
        "Thanks",
        "",
        "On Sat, 28 Nov 2026 10:00:00 +0000, Shop <support@example.com> wrote:",
        "> Ready at 5",
    ]
    assert '<div class="gmail_quote">' in letter.get_body(("html",)).get_content()


def test_an_answer_may_quote_nothing(mail, sent):
    mail.write("Thanks", answers=sent, quoted=False, subject="Another matter")
    [letter] = mail.inbox()
    assert (letter["subject"], letter.get_content()) == ("Another matter", "Thanks\n")


def test_long_ids_are_not_broken(mail, sandbox):
    mail.send(letter=mail.letter(f"References: {LONG_ID} <0@example.com>"))
    mail.write("Thanks", answers="<1@example.com>")
    with mail.imap() as client:
        client.select_folder("INBOX")
        raw = client.fetch([1], ["BODY.PEEK[]"])[1][b"BODY[]"]
    assert f"References: {LONG_ID}\r\n <0@example.com>\r\n <1@example.com>\r\n".encode() in raw


def test_somebody_goes_on_after_a_letter_of_their_own(mail):
    first = mail.write("Where is it?", subject="Order 12")
    mail.write("Hello?", answers=first["id"])
    assert mail.inbox()[1]["to"] == "support@example.com"
    assert mail.inbox()[1]["in-reply-to"] == first["message_id"]


def test_headers_may_be_others(mail):
    mail.write(
        headers={"Precedence": "bulk", "Date": "", "X-Mine": "yes"}, message_id="<same@a.test>"
    )
    [letter] = mail.inbox()
    assert (letter["precedence"], letter["date"], letter["x-mine"]) == ("bulk", None, "yes")
    assert letter["message-id"] == "<same@a.test>"


@pytest.mark.parametrize(
    ("body", "why"),
    [
        ({"from": "nobody"}, "from"),
        ({"to": "else@example.org"}, "Nobody but support@example.com"),
        ({"subject": "a\r\nBcc: b"}, ""),
        ({"files": [{"filename": "a", "data": "%"}]}, ""),
        ({"unknown": 1}, "unknown"),
    ],
)
def test_a_letter_that_cannot_be_is_refused(mail, body, why):
    assert why in mail.act("messages", 422, **{"from": mail.ann, **body})["error"]


def test_what_is_not_there_is_unknown(mail):
    mail.act("messages", 404, **{"from": mail.ann, "answers": "<none@a.test>"})
    mail.act("dances", 404)
    mail.act("letters", 404, raw="", folder="Nowhere")
    assert mail.http.post("/_sandbox/email/x@y.z/revoke", json={}).status_code == 404
    assert mail.http.get("/email/").status_code == 404


def test_accounts_write_to_each_other(mail, sandbox):
    """As two hubs do that are pointed at each other."""
    other = {"address": "other@example.org", "password": "x"}
    assert sandbox.http.post("/_sandbox/mailboxes", json=other).status_code == 201
    mail.send("other@example.org")
    found = sandbox.http.get("/_sandbox/mailboxes").json["items"]
    assert {one["address"]: one["folders"]["INBOX"]["letters"] for one in found} == {
        "support@example.com": 0,
        "other@example.org": 1,
    }


@pytest.mark.parametrize(
    ("kind", "letters"), [("drop_before", 0), ("duplicate_webhooks", 2), ("slow", 1)]
)
def test_a_letter_may_be_lost_doubled_or_late(mail, sandbox, kind, letters):
    sandbox.fault(provider="email", operation="webhook", kind=kind, times=1, delay_ms=0)
    with mail.imap() as client:
        client.select_folder("INBOX")
        client.idle()
        mail.write("One")
        if letters:
            assert client.idle_check(30)
        client.idle_done()
    assert len(mail.inbox()) == letters
    mail.write("Two")
    assert len(mail.inbox()) == letters + 1


@pytest.mark.parametrize(
    ("status", "action", "code"),
    [
        ("bounced", "failed", "5.1.1"),
        ("delayed", "delayed", "4.4.1"),
        ("delivered", "delivered", "2.0.0"),
    ],
)
def test_a_server_tells_what_became_of_a_letter(mail, sent, status, action, code):
    mail.act("receipts", id=sent, status=status)
    [report] = mail.inbox()
    assert report["return-path"] == "<>"
    assert report["auto-submitted"] == "auto-replied"
    assert report["content-type"].params["report-type"] == "delivery-status"
    text, told, original = report.iter_parts()
    assert "ann@example.net" in text.get_content()
    message, recipient = told.get_payload()
    assert message["reporting-mta"] == "dns; mx.example.net"
    assert recipient["final-recipient"] == "rfc822; ann@example.net"
    assert (recipient["action"], recipient["status"]) == (action, code)
    assert original.get_content_type() == "text/rfc822-headers"
    assert "Message-ID: <1@example.com>" in original.get_content()


def test_a_letter_from_nobody_comes_back_to_nobody(mail, sandbox):
    mail.send(sender="")
    mail.act("receipts", id=sandbox.sent()[0]["params"]["id"], status="bounced")
    assert mail.inbox() == []


def test_a_mail_program_tells_that_a_letter_was_read(mail, sent):
    mail.act("receipts", id=sent, status="read")
    [report] = mail.inbox()
    _, told = report.iter_parts()
    assert report["content-type"].params["report-type"] == "disposition-notification"
    assert report["to"] == "support+k7@example.com"
    said = message_from_bytes(told.get_payload()[0].as_bytes())
    assert said["original-message-id"] == "<1@example.com>"
    assert said["disposition"].endswith("displayed")


def test_a_provider_tells_of_a_complaint(mail, sent):
    mail.act("receipts", id=sent, status="complaint")
    [report] = mail.inbox()
    _, told, original = report.iter_parts()
    assert report["content-type"].params["report-type"] == "feedback-report"
    assert "Feedback-Type: abuse" in told.as_string()
    assert original.get_content()["message-id"] == "<1@example.com>"


def test_a_mail_program_answers_while_somebody_is_away(mail, sent):
    mail.act("receipts", id=sent, status="away")
    [answer] = mail.inbox()
    assert answer["subject"] == "Automatic reply: Your order"
    assert answer["in-reply-to"] == "<1@example.com>"
    assert answer["auto-submitted"] == "auto-replied"


def test_a_program_does_not_answer_a_program(mail, sandbox):
    mail.send(letter=mail.letter("Auto-Submitted: auto-generated"))
    mail.act("receipts", id=sandbox.sent()[0]["params"]["id"], status="away")
    assert mail.inbox() == []


@pytest.mark.parametrize(
    ("name", "subject"),
    [
        ("bounce", "Undelivered Mail Returned to Sender"),
        ("delayed+x", "Delayed Mail (still being retried)"),
        ("away", "Automatic reply: Your order"),
    ],
)
def test_some_addresses_tell_by_themselves(mail, name, subject):
    with mail.imap() as client:
        client.select_folder("INBOX")
        client.idle()
        mail.send(f"{name}@example.net")
        assert client.idle_check(30)
        client.idle_done()
    assert [one["subject"] for one in mail.inbox()] == [subject]


def test_only_letters_of_the_hub_have_receipts(mail):
    written = mail.write()
    mail.act("receipts", 404, id=written["id"], status="read")


def test_a_closed_mailbox_takes_nothing(mail):
    mail.act("closings", address=mail.ann)
    with mail.logged_in() as session:
        session.mail(mail.address)
        assert session.rcpt(mail.ann)[1].startswith(b"5.1.1")
        mail.act("closings", address=mail.ann, closed=False)
        assert session.rcpt(mail.ann)[0] == 250


def test_one_click_leaves_a_mailing_list(mail, sandbox, hub):
    heads = [
        f"List-Unsubscribe: <mailto:x@example.com>, <{hub.url}/u/abc?d=1>",
        "List-Unsubscribe-Post: List-Unsubscribe=One-Click",
    ]
    mail.send(letter=mail.letter(*heads))
    sent = sandbox.sent()[0]["params"]["id"]
    assert mail.act("unsubscribes", id=sent)["answer"] == 200
    [told] = hub.told
    assert (told.path, told.body) == ("/u/abc?d=1", b"List-Unsubscribe=One-Click")
    assert told.headers["Content-Type"] == "application/x-www-form-urlencoded"
    assert [one["kind"] for one in sandbox.calls()] == ["unsubscribe"]


def test_without_one_click_there_is_nothing_to_click(mail, sandbox, hub):
    mail.send(letter=mail.letter(f"List-Unsubscribe: <{hub.url}/u>"))
    mail.act("unsubscribes", 404, id=sandbox.sent()[0]["params"]["id"])


def test_a_reset_forgets_accounts_and_ends_sessions(mail, sandbox):
    assert sandbox.http.post("/_sandbox/reset").status_code == 204
    assert sandbox.http.get("/_sandbox/mailboxes").json["items"] == []


@pytest.mark.parametrize(
    ("name", "address"),
    [
        ("Ann", "ann@example.net"),
        (" Ann  Example ", "ann.example@example.net"),
        ("bob@shop.example", "bob@shop.example"),
        ("Zoë", f"customer-{Persona('ZOË').number}@example.net"),
    ],
)
def test_a_persona_has_an_address(name, address):
    assert address_of(Persona(name)) == address


def refreshed(mail, path, **changes):
    asked = {
        "grant_type": "refresh_token",
        "client_id": "app",
        "client_secret": "secret",
        "refresh_token": "first",
        **changes,
    }
    return mail.http.post(f"/email/{path}", data=asked)


@pytest.fixture
def app(mail):
    mail.register(
        oauth={
            "client_id": "app",
            "client_secret": "secret",
            "refresh_token": "first",
            "tenant": "t1",
        }
    )
    return mail


def test_google_grants_access_tokens_for_the_same_refresh_token(app):
    for _ in range(2):
        answer = refreshed(app, "oauth/token")
        assert answer.status_code == 200
        assert set(answer.json) == {"access_token", "expires_in", "token_type", "scope"}


def test_microsoft_grants_another_refresh_token_each_time(app):
    first = refreshed(app, "t1/oauth2/v2.0/token").json
    assert first["refresh_token"] != "first"
    again = refreshed(app, "t1/oauth2/v2.0/token")
    assert (again.status_code, again.json["error"]) == (400, "invalid_grant")
    second = refreshed(app, "t1/oauth2/v2.0/token", refresh_token=first["refresh_token"])
    assert second.json["access_token"] != first["access_token"]


@pytest.mark.parametrize(
    ("changes", "path", "status", "error"),
    [
        ({"refresh_token": "other"}, "oauth/token", 400, "invalid_grant"),
        ({"client_secret": "other"}, "oauth/token", 401, "invalid_client"),
        ({"client_id": "other"}, "t1/oauth2/v2.0/token", 401, "invalid_client"),
        ({}, "t2/oauth2/v2.0/token", 401, "invalid_client"),
        ({"grant_type": "password"}, "oauth/token", 400, "unsupported_grant_type"),
    ],
)
def test_who_may_not_have_a_token_is_told_why(app, changes, path, status, error):
    answer = refreshed(app, path, **changes)
    assert (answer.status_code, answer.json["error"]) == (status, error)
    assert answer.json["error_description"].startswith("AADSTS") == ("v2.0" in path)


def test_a_token_may_be_revoked_or_run_out(app, sandbox):
    app.act("revoke")
    assert refreshed(app, "oauth/token").json["error"] == "invalid_grant"
    token = app.register(
        oauth={"client_id": "app", "client_secret": "secret", "refresh_token": "new"}
    )
    assert token["oauth"]["refresh_token"] == "new"
    sandbox.rules(email_token_seconds=0)
    granted = refreshed(app, "oauth/token", refresh_token="new").json
    client = app.stranger()
    with pytest.raises(Exception, match="AUTHENTICATIONFAILED"):
        client.oauth2_login(app.address, granted["access_token"])
    client.shutdown()


def test_a_fault_may_befall_the_token_endpoint(app, sandbox):
    sandbox.fault(provider="email", operation="token", kind="status", status=503, times=1)
    assert refreshed(app, "oauth/token").status_code == 503
    assert refreshed(app, "oauth/token").status_code == 200


class Seat:
    """A person in front of the page."""

    def __init__(self, http):
        self.http = http
        self.seat = {"channel": "email:support@example.com", "persona": "Ann"}

    def post(self, path, **form):
        answer = self.http.post(path, data={**self.seat, **form})
        assert answer.status_code == 303, answer.text

    def text(self):
        return self.http.get("/thread", query_string=self.seat).text


@pytest.fixture
def seat(mail):
    return Seat(mail.http)


def test_the_page_shows_letters_with_their_subjects_and_files(seat, mail, sent):
    text = seat.text()
    assert '<h3 class="subject">Your order</h3>' in text
    assert "Ready at 5" in text
    assert "letter.eml" in text
    assert "Answer to this letter" in text
    page = mail.http.get("/", query_string=seat.seat).text
    assert 'name="subject"' in page
    assert "ann@example.net" in page


def test_on_the_page_a_person_writes_and_answers(seat, mail, sent):
    seat.post("/say", subject="Another thing", text="Hello")
    seat.post("/say", quotes=sent, text="Thanks")
    new, answer = mail.inbox()
    assert (new["subject"], new["from"]) == ("Another thing", "Ann <ann@example.net>")
    assert (answer["subject"], answer["in-reply-to"]) == ("Re: Your order", "<1@example.com>")
    assert "&gt; Ready at 5" not in seat.text(), "what is quoted stands above already"


def test_on_the_page_a_letter_without_a_subject_answers_the_last_one(seat, mail, sent):
    seat.post("/say", text="Thanks")
    (answer,) = mail.inbox()
    assert (answer["subject"], answer["in-reply-to"]) == ("Re: Your order", "<1@example.com>")


def test_on_the_page_a_person_closes_the_mailbox_and_tells_of_letters(seat, mail, sent):
    seat.post("/confirm", message=sent, receipt="bounced")
    assert 'class="meta problem"' in seat.text()
    assert len(mail.inbox()) == 1
    assert "Close my mailbox" in seat.text()
    seat.post("/leave", left="1")
    assert "Open my mailbox" in seat.text()


def test_on_the_page_a_person_leaves_a_mailing_list(seat, mail, hub, sandbox):
    mail.send(
        letter=mail.letter(
            f"List-Unsubscribe: <{hub.url}/u>", "List-Unsubscribe-Post: List-Unsubscribe=One-Click"
        )
    )
    assert ">Unsubscribe</button>" in seat.text()
    seat.post("/press", message=sandbox.sent()[0]["params"]["id"], data="unsubscribe")
    assert len(hub.told) == 1
    assert "left the mailing list" in seat.text()


def test_a_letter_in_html_alone_is_shown_as_text(seat, mail):
    letter = mail.letter(
        "Content-Type: text/html", text="<p>Fish &amp; <b>chips</b></p><script>x()</script>"
    )
    mail.send(letter=letter)
    assert "Fish &amp; chips" in seat.text()
    assert "<script>x" not in seat.text()


@pytest.mark.parametrize(
    "letter",
    [
        b"\r\n",
        b"Subject: =?x-foo?q?a?=\r\nContent-Type: text/plain; charset=x-foo\r\n\r\n\xff\r\n",
        b"Message-ID: <[abc]@d\r\nFrom: (((\r\nDate: never\r\n\r\nHi\r\n",
        b"Content-Type: multipart/mixed; boundary=a\r\n\r\n--a\r\n\r\nx\r\n",
    ],
)
def test_a_broken_letter_is_shown_as_far_as_it_goes(seat, mail, sandbox, letter):
    mail.send(letter=letter)
    assert "letter.eml" in seat.text()
    mail.act("letters", raw=base64.b64encode(letter).decode())
    with mail.imap() as client:
        client.select_folder("INBOX")
        found = client.fetch([1], ["BODYSTRUCTURE", "ENVELOPE", "BODY.PEEK[TEXT]", "BODY.PEEK[1]"])
    assert b"BODYSTRUCTURE" in found[1]


def test_a_letter_is_read_by_the_library_as_we_wrote_it(mail):
    mail.write("Zeile\n" * 3 + "x" * 2000, subject="ä" * 200)
    with mail.imap() as client:
        client.select_folder("INBOX")
        raw = client.fetch([1], ["BODY.PEEK[]"])[1][b"BODY[]"]
    assert max(map(len, raw.split(b"\r\n"))) <= 998
    letter = message_from_bytes(raw.replace(b"\r\n", b"\n"), policy=default)
    assert letter["subject"] == "ä" * 200
    assert letter.get_content() == "Zeile\n" * 3 + "x" * 2000 + "\n"
