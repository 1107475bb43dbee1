"""Letters of the hub: which are taken, and how others are refused; smtplib is the judge."""

import base64
import json
import smtplib

import pytest

TO = ("ann@example.net",)


def told(session, *to, letter, sender="support@example.com", options=()):
    """Return what the server says to each command, as far as it comes."""
    said = [session.mail(sender, options)]
    said += [session.rcpt(one) for one in to]
    if said[0][0] == 250 and any(code == 250 for code, _ in said[1:]):
        said.append(session.data(letter))
    return [f"{code} {text.decode()}" for code, text in said]


def test_a_letter_is_taken_and_kept_byte_for_byte(mail, sandbox):
    letter = mail.letter(text=".dots\r\n..and more")
    mail.send("ann@example.net", "bob@example.net", letter=letter)
    ann, bob = sandbox.sent(provider="email")
    assert (ann["address"], bob["address"]) == ("ann@example.net", "bob@example.net")
    assert ann["external_id"] == "<1@example.com>"
    assert ann["text"] == ".dots\n..and more"
    assert ann["params"]["subject"] == "Your order"
    assert ann["params"]["recipients"] == ["ann@example.net", "bob@example.net"]
    raw = sandbox.http.get(ann["params"]["files"][-1]["path"])
    assert raw.data == letter


def test_what_is_sent_is_filed_as_google_and_microsoft_do(mail, sandbox):
    mail.send()
    assert [one["message-id"] for one in mail.inbox("Sent")] == ["<1@example.com>"]
    sandbox.rules(email_files_sent=False)
    mail.send()
    assert len(mail.inbox("Sent")) == 1


def test_a_wrong_login_is_refused(mail):
    for user, password in ((mail.address, "wrong"), ("other@example.com", "x")):
        with mail.smtp() as session, pytest.raises(smtplib.SMTPAuthenticationError) as refused:
            session.login(user, password)
        assert refused.value.smtp_code == 535


def test_without_login_nothing_is_taken(mail):
    with mail.smtp() as session:
        session.ehlo()
        assert session.mail(mail.address)[0] == 530


@pytest.mark.parametrize(
    "sender", ["support@example.com", "support+x@example.com", "shop@other.example", ""]
)
def test_an_account_writes_from_its_own_addresses(mail, sender):
    mail.register(aliases=["shop@other.example"])
    with mail.logged_in() as session:
        assert told(session, *TO, letter=mail.letter(), sender=sender)[-1].startswith("250")


def test_an_account_writes_from_nobody_elses_address(mail):
    with mail.logged_in() as session:
        [said] = told(session, letter=mail.letter(), sender="boss@example.com")
    assert said.startswith("553 5.7.1 <boss@example.com>")


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("nobody", "550 5.1.1"),
        ("nobody+tag", "550 5.1.1"),
        ("full", "452 4.2.2"),
        ("busy", "421 4.7.0"),
        ("greylist", "450 4.2.0"),
    ],
)
def test_some_addresses_refuse_letters(mail, name, said):
    with mail.logged_in() as session:
        assert told(session, f"{name}@example.net", letter=mail.letter())[-1].startswith(said)


def test_after_421_the_connection_is_closed(mail):
    with mail.logged_in() as session:
        told(session, "busy@example.net", letter=mail.letter())
        with pytest.raises(smtplib.SMTPServerDisconnected):
            session.noop()


def test_greylisting_takes_the_same_envelope_the_second_time(mail, sandbox):
    to = "greylist@example.net"
    with mail.logged_in() as session:
        for expected in ("450", "250", "250"):
            assert told(session, to, letter=mail.letter())[1].startswith(expected)
            session.rset()
        other = told(session, to, letter=mail.letter(), sender="support+b@example.com")
    assert other[-1].startswith("450")


def test_a_letter_that_looks_like_spam_is_refused_after_the_dot(mail, sandbox):
    with mail.logged_in() as session:
        said = told(session, "spam@example.net", letter=mail.letter())
    assert said[-1] == "554 5.7.1 Message rejected as spam"
    assert sandbox.sent() == []


def test_of_several_recipients_some_may_be_refused(mail, sandbox):
    with mail.logged_in() as session:
        refused = session.sendmail(
            mail.address,
            ["nobody@example.net", "ann@example.net", "full@example.net"],
            mail.letter(),
        )
    assert {one: code for one, (code, _) in refused.items()} == {
        "nobody@example.net": 550,
        "full@example.net": 452,
    }
    assert [one["address"] for one in sandbox.sent()] == ["ann@example.net"]


def test_a_letter_that_is_too_large_is_refused(mail, sandbox):
    sandbox.rules(email_size_limit=500)
    with mail.logged_in() as session:
        assert session.esmtp_features["size"] == "500"
        assert session.mail(mail.address, ["SIZE=501"])[0] == 552
        assert told(session, *TO, letter=mail.letter(text="x" * 501))[-1].startswith("552")


def test_letters_beyond_ascii_in_an_address_need_smtputf8(mail, sandbox):
    with mail.logged_in() as session:
        session.command_encoding = "utf-8"
        assert told(session, "zoë@example.net", letter=mail.letter())[-1].startswith("553 5.6.7")
        session.rset()
        said = told(session, "zoë@example.net", letter=mail.letter(), options=["SMTPUTF8"])
        assert said[-1].startswith("250")
    sandbox.rules(email_smtputf8=False)
    with mail.logged_in() as session:
        assert not session.has_extn("smtputf8")


@pytest.mark.parametrize(
    ("operation", "place"), [("smtp.mail", 0), ("smtp.rcpt", 1), ("smtp.dot", 2)]
)
def test_a_fault_may_befall_each_command(mail, sandbox, operation, place):
    body = "4.7.1 Come back with a fresh mind"
    sandbox.fault(
        provider="email", operation=operation, kind="status", status=451, body=body, times=1
    )
    with mail.logged_in() as session:
        assert told(session, *TO, letter=mail.letter())[place] == f"451 {body}"
        session.rset()
        assert told(session, *TO, letter=mail.letter())[-1].startswith("250")


def test_a_fault_may_befall_the_data_command(mail, sandbox):
    sandbox.fault(provider="email", operation="smtp.data", kind="status", status=451)
    with mail.logged_in() as session, pytest.raises(smtplib.SMTPDataError) as refused:
        session.sendmail(mail.address, TO, mail.letter())
    assert refused.value.smtp_code == 451


@pytest.mark.parametrize("kind", ["status", "rate_limit"])
def test_a_greeting_may_be_a_refusal(mail, sandbox, kind):
    sandbox.fault(provider="email", operation="smtp.connect", kind=kind, status=554)
    with pytest.raises(smtplib.SMTPConnectError) as refused:
        mail.smtp()
    assert refused.value.smtp_code == (554 if kind == "status" else 421)


def test_a_fault_may_be_for_some_letters_alone(mail, sandbox):
    sandbox.fault(provider="email", kind="status", status=550, match={"address": "bob@example.net"})
    sandbox.fault(provider="email", kind="status", status=554, match={"text_contains": "casino"})
    mail.send()
    with pytest.raises(smtplib.SMTPRecipientsRefused):
        mail.send("bob@example.net")
    with pytest.raises(smtplib.SMTPDataError):
        mail.send(letter=mail.letter(text="Visit the casino"))


@pytest.mark.parametrize(
    ("operation", "kind", "kept"),
    [
        ("smtp.data", "drop_before", 0),
        ("smtp.dot", "drop_before", 0),
        ("smtp.dot", "drop_after_accept", 1),
        ("smtp.dot", "timeout", 0),
    ],
)
def test_a_connection_may_end_around_the_letter(mail, sandbox, operation, kind, kept):
    sandbox.fault(provider="email", operation=operation, kind=kind, times=1, delay_ms=0)
    with pytest.raises(smtplib.SMTPServerDisconnected):
        mail.send()
    assert len(sandbox.sent()) == kept
    mail.send()
    assert len(sandbox.sent()) == kept + 1


def test_an_answer_may_be_no_smtp(mail, sandbox):
    sandbox.fault(provider="email", operation="smtp.dot", kind="garbage", body="Hello")
    with mail.logged_in() as session:
        assert told(session, *TO, letter=mail.letter())[-1].startswith("-1")
    assert len(sandbox.sent()) == 1


def test_a_slow_server_takes_the_letter_nevertheless(mail, sandbox):
    sandbox.fault(provider="email", operation="smtp.dot", kind="slow", delay_ms=1)
    mail.send()
    assert len(sandbox.sent()) == 1


def test_a_login_by_an_access_token(mail, sandbox):
    token = new_token(mail, mail.register(oauth={"client_id": "app", "client_secret": "s"}))
    for proof, expected in ((token, 235), ("wrong", 535)):
        with mail.smtp() as session:
            session.ehlo()
            assert by_xoauth2(session, mail.address, proof)[0] == expected
    mail.act("expire")
    with mail.smtp() as session:
        session.ehlo()
        code, _ = by_xoauth2(session, mail.address, token)
    assert code == 535


def test_a_refused_token_is_explained_before_it_is_refused(mail):
    with mail.smtp() as session:
        session.ehlo()
        code, said = session.docmd("AUTH", f"XOAUTH2 {encoded(mail.address, 'wrong')}")
        assert (code, json.loads(base64.b64decode(said))["status"]) == (334, "401")
        assert session.docmd("")[0] == 535


def new_token(mail, account):
    asked = {
        "grant_type": "refresh_token",
        "client_id": "app",
        "client_secret": "s",
        "refresh_token": account["oauth"]["refresh_token"],
    }
    return mail.http.post("/email/oauth/token", data=asked).json["access_token"]


def encoded(user, token):
    return base64.b64encode(f"user={user}\x01auth=Bearer {token}\x01\x01".encode()).decode()


def by_xoauth2(session, user, token):
    code, said = session.docmd("AUTH", f"XOAUTH2 {encoded(user, token)}")
    return session.docmd("") if code == 334 else (code, said)
