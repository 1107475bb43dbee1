"""A letter is handed over once, and every failure says whether the server may have it."""

import base64
import json
import ssl
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from time import monotonic

import pytest

from hubbub.guard import Guard, Refused
from hubbub.sdk.errors import OutcomeUnknown
from hubbub.sdk.mail import MailServer, greeting, posted, posting
from hubbub.smtp.transport import MailTransport
from hubbub.transport import NotSent
from tests.services.office import Office
from tests.services.peers import LOOPBACK

LETTER = b"Subject: Hello\r\n\r\n.First\r\n"


@pytest.fixture
def closing_transport():
    """Make a transport that is closed at the end."""
    made = []

    def make(guard):
        made.append(MailTransport(guard))
        return made[-1]

    yield make
    for one in made:
        one.close()


@pytest.fixture
def transport(closing_transport):
    return closing_transport(Guard(LOOPBACK))


@pytest.fixture
def office(serve):
    """Start a mail server: the office, and where it is."""

    def start(*features, **says):
        office = Office(*features, **says)
        return office, MailServer(host="127.0.0.1", port=serve(office).port, security="none")

    return start


def send(transport, server, *to, letter=LETTER, sender="us@hub.test", seconds=5.0):
    request = posting(server, sender=sender, recipients=to or ("ann@a.test",), letter=letter)
    return posted(transport.perform(_within(request, seconds), files=no_files))


def no_files(media):
    raise AssertionError(media)


def _within(request, seconds):
    return type(request)(**{**vars(request), "timeout": timedelta(seconds=seconds)})


def test_a_letter_arrives_as_it_was_with_first_dots_doubled(transport, office):
    there, server = office()

    done = send(transport, server, "ann@a.test", "bob@a.test")

    assert (done.phase, done.reply.code, done.reply.text) == ("accepted", 250, "2.0.0 queued as 17")
    assert done.refused == {}
    assert done.features["size"] == "1000"
    assert there.letters == [b"Subject: Hello\r\n\r\n..First\r\n"]
    assert there.heard == [
        "ehlo hub.test",
        "mail FROM:<us@hub.test> size=26",
        "rcpt TO:<ann@a.test>",
        "rcpt TO:<bob@a.test>",
        "DATA",
    ]


def test_a_session_serves_the_next_letter_after_it_was_asked_whether_it_is_there(transport, office):
    there, server = office()

    send(transport, server)
    send(transport, server)

    assert len(there.letters) == 2
    assert [line for line in there.heard if line.startswith("ehlo")] == ["ehlo hub.test"]
    assert there.heard.count("RSET") == 1


def test_a_kept_session_that_died_meanwhile_costs_nothing(transport, office):
    there, server = office(RSET="cut")

    send(transport, server)
    send(transport, server)

    assert len(there.letters) == 2
    assert there.heard.count("ehlo hub.test") == 2


def test_sessions_are_not_shared_by_those_who_log_in_otherwise(transport, office):
    there, server = office()
    ann = MailServer(**{**vars(server), "username": "ann", "password": "one"})
    bob = MailServer(**{**vars(server), "username": "bob", "password": "two"})

    send(transport, ann)
    send(transport, bob)

    assert sum(line.startswith("AUTH") for line in there.heard) == 2


def test_a_password_may_hold_any_letter(transport, office):
    there, server = office(AUTH="334 ")
    login = MailServer(**{**vars(server), "username": "us@hub.test", "password": "pässwörd"})

    assert send(transport, login).phase == "login"

    assert there.heard[1] == "AUTH PLAIN"
    assert base64.b64decode(there.heard[2]) == "\0us@hub.test\0pässwörd".encode()


def test_login_goes_in_two_steps_where_that_is_all_there_is(transport, office):
    there, server = office("AUTH LOGIN")
    there.says = {"AUTH": ["334 VXNlcm5hbWU6"], "DXM=": ["334 UGFzc3dvcmQ6"], "CHC=": ["235 ok"]}
    login = MailServer(**{**vars(server), "username": "us", "password": "pw"})

    assert send(transport, login).phase == "accepted"

    assert there.heard[1:4] == ["AUTH LOGIN", "dXM=", "cHc="]


def test_an_access_token_goes_by_xoauth2_and_a_refusal_is_heard_to_its_end(transport, office):
    there, server = office()
    challenge = base64.b64encode(b'{"status":"400"}').decode()
    there.says = {"AUTH": ["334 "], "": ["535 5.7.8 no"]}
    answer = base64.b64encode(b"user=us@hub.test\x01auth=Bearer tok\x01\x01").decode()
    there.says[answer.upper()] = [f"334 {challenge}"]
    login = MailServer(**{**vars(server), "username": "us@hub.test", "token": "tok"})

    done = send(transport, login)

    assert (done.phase, done.reply.code, done.reply.enhanced) == ("login", 535, "5.7.8")
    assert there.heard[1:4] == ["AUTH XOAUTH2", answer, ""]


def test_a_server_without_a_way_to_log_in_is_told_apart_from_a_wrong_password(transport, office):
    _, server = office("AUTH GSSAPI")
    login = MailServer(**{**vars(server), "username": "us", "password": "pw"})

    done = send(transport, login)

    assert (done.phase, done.reply.code) == ("login", 504)


def test_without_starttls_no_password_is_told(transport, office):
    there, server = office()
    login = MailServer(
        **{**vars(server), "security": "starttls", "username": "us", "password": "pw"}
    )

    done = send(transport, login)

    assert (done.phase, done.reply.enhanced) == ("hello", "5.7.10")
    assert there.heard == ["ehlo hub.test"]


@pytest.mark.parametrize("security", ["starttls", "tls"])
def test_an_encrypted_connection_is_checked_against_the_name(
    serve, certificate, security, closing_transport
):
    context, _ = certificate
    pem = context_pem(certificate)
    office = Office("STARTTLS" if security == "starttls" else "SIZE 1000", tls=context)
    served = serve(office, tls=context if security == "tls" else None)
    guard = Guard(LOOPBACK, lookup=lambda host, port, **_: [(0, 0, 0, "", ("127.0.0.1", port))])
    transport = closing_transport(guard)
    whom = {"port": served.port, "security": security, "trust": pem}

    done = send(transport, MailServer(host="hub.test", **whom))
    with pytest.raises(NotSent, match="certificate is not valid") as refused:
        send(transport, MailServer(host="other.test", **whom))

    assert done.phase == "accepted"
    assert refused.value.code == "smtp_certificate"


def test_tls_spoken_to_a_port_of_starttls_is_explained(transport, office):
    _, server = office()

    with pytest.raises(NotSent, match="does not speak TLS from the beginning") as refused:
        send(transport, MailServer(**{**vars(server), "security": "tls"}))
    assert refused.value.code == "smtp_security"


def test_plain_words_spoken_to_a_port_of_tls_are_explained(transport, office):
    _, server = office(HELLO="silence")

    with pytest.raises(NotSent, match="may want TLS from the beginning") as refused:
        send(transport, server, seconds=0.2)
    assert refused.value.code == "smtp_security"


def test_who_waits_for_a_check_hears_soon_that_a_server_says_nothing(
    transport, office, monkeypatch
):
    monkeypatch.setattr("hubbub.smtp.transport._GREETED", timedelta(seconds=0.2))
    _, server = office(HELLO="silence")

    with pytest.raises(NotSent, match="may want TLS") as refused:
        transport.perform(greeting(server, sender="us@hub.test"), files=no_files)
    assert f"The SMTP server 127.0.0.1 (port {server.port})" in refused.value.detail


def test_an_answer_tells_the_time(transport, office):
    _, server = office()

    response = transport.perform(_within(greeting(server, sender="us@hub.test"), 5), files=no_files)

    told = parsedate_to_datetime(response.headers["date"])
    assert abs(datetime.now(UTC) - told) < timedelta(minutes=1)


@pytest.mark.parametrize(
    ("says", "phase", "code"),
    [
        ({"HELLO": "554 no"}, "hello", 554),
        ({"HELLO": "421 busy"}, "hello", 421),
        ({"MAIL": "550 5.7.60 not yours"}, "sender", 550),
        ({"MAIL": "530 5.7.0 log in"}, "sender", 530),
        ({"RCPT": "450 4.7.1 greylisted"}, "recipients", 450),
        ({"RCPT": "421 busy"}, "recipients", 421),
        ({"DATA": "451 later"}, "letter", 451),
        ({"DOT": "554 5.7.1 spam"}, "letter", 554),
        ({"DOT": "552 5.3.4 too large"}, "letter", 552),
    ],
)
def test_a_refusal_is_an_answer_with_its_phase_and_the_next_letter_goes(
    transport, office, says, phase, code
):
    there, server = office(**says)

    done = send(transport, server)
    after = send(transport, server)

    assert (done.phase, done.reply.code) == (phase, code)
    assert after.phase == "accepted"
    assert len(there.letters) == (2 if "DOT" in says else 1)


@pytest.mark.parametrize(
    ("said", "phase", "letters"),
    [(["250 ok", "550 5.1.1 nobody"], "accepted", 1), (["450 no", "250 ok"], "recipients", 0)],
)
def test_conformance_13_without_whom_it_is_to_nobody_gets_a_letter_and_a_refused_copy_is_told(
    transport, office, said, phase, letters
):
    there, server = office(RCPT=said)

    done = send(transport, server, "ann@a.test", "boss@a.test")

    assert (done.phase, len(done.refused)) == (phase, 1)
    assert len(there.letters) == letters


def test_conformance_13_of_recipients_refused_for_different_reasons_each_is_told(transport, office):
    there, server = office(RCPT=["452 4.2.2 full", "550 5.1.1 nobody"])

    done = send(transport, server, "full@a.test", "gone@a.test")

    assert done.phase == "recipients"
    assert [reply.code for reply in done.refused.values()] == [452, 550]
    assert there.letters == []


def test_a_letter_larger_than_the_server_takes_is_not_handed_over(transport, office):
    there, server = office()

    done = send(transport, server, letter=b"x" * 998 + b"\r\n\r\n")

    assert (done.phase, done.reply.code, done.reply.enhanced) == ("sender", 552, "5.3.4")
    assert there.heard == ["ehlo hub.test"]


def test_an_address_beyond_ascii_goes_only_where_the_server_takes_it(transport, office):
    _, plain = office()
    there, modern = office("SMTPUTF8", "8BITMIME")

    assert send(transport, plain, "jürgen@a.test").reply.code == 553
    assert send(transport, modern, "jürgen@a.test").phase == "accepted"
    assert there.heard[1:3] == ["mail FROM:<us@hub.test> SMTPUTF8", "rcpt TO:<jürgen@a.test>"]


@pytest.mark.parametrize("verb", ["HELLO", "EHLO", "MAIL", "RCPT", "DATA"])
@pytest.mark.parametrize("how", ["cut", "silence", "HTTP/1.1 400 Bad Request"])
def test_what_breaks_off_before_the_letter_is_complete_was_not_sent(transport, office, verb, how):
    _, server = office(**{verb: how})

    with pytest.raises(NotSent):
        send(transport, server, seconds=0.3)


@pytest.mark.parametrize(
    ("how", "why"),
    [
        ("cut", "it closed the connection"),
        ("silence", "no answer in time"),
        ("HTTP/1.1 400 Bad Request", "does not speak as mail servers do"),
    ],
)
def test_conformance_13_an_answer_lost_after_the_last_dot_is_unknown(transport, office, how, why):
    there, server = office(DOT=how)

    with pytest.raises(OutcomeUnknown, match=why):
        send(transport, server, seconds=0.3)

    assert len(there.letters) == 1


@pytest.mark.parametrize(
    "said", ["354 go on", "25O taken", "", "Welcome", "250-", "199 ?", "999 ?"]
)
def test_nonsense_after_the_last_dot_is_unknown(transport, office, said):
    there, server = office(DOT=f"{said}\r\nso it is")

    with pytest.raises(OutcomeUnknown, match="does not speak as mail servers do"):
        send(transport, server)

    assert len(there.letters) == 1


@pytest.mark.parametrize("verb", ["HELLO", "MAIL", "DATA"])
def test_nonsense_before_the_letter_is_no_refusal(transport, office, verb):
    _, server = office(**{verb: "so it is"})

    with pytest.raises(NotSent, match="does not speak as mail servers do"):
        send(transport, server)


@pytest.mark.parametrize(
    "much",
    ["250-x\r\n" * 101, "250-" + "x" * 65536, ("250-" + "x" * 4096 + "\r\n") * 17],
    ids=["lines", "a line", "bytes"],
)
def test_a_reply_without_end_is_not_heard_out(transport, office, much):
    _, server = office(EHLO=f"{much}\r\n250 ok")

    with pytest.raises(NotSent):
        send(transport, server)


@pytest.mark.parametrize("drop", [b"250-x\r\n", b"2"])
@pytest.mark.parametrize(("verb", "kind"), [("ehlo", NotSent), ("data", OutcomeUnknown)])
def test_a_reply_that_drips_is_waited_for_no_longer_than_any(
    transport, office, monkeypatch, drop, verb, kind
):
    there, server = office()

    def drip(peer):
        if verb == "data":
            peer.send(b"354 go ahead\r\n")
            peer._until(b"\r\n.\r\n")
        while not peer.stopped.wait(0.05):
            peer.send(drop)

    monkeypatch.setattr(there, verb, drip, raising=False)
    began = monotonic()

    with pytest.raises(kind, match="no answer in time"):
        send(transport, server, seconds=0.3)

    assert monotonic() - began < 20


def test_sessions_of_those_who_do_not_come_back_are_closed(transport, office, serve, monkeypatch):
    _, server = office()
    monkeypatch.setattr("hubbub.smtp.transport._IDLE", 0.0)
    for token in ("one", "two", "three"):
        send(transport, MailServer(**{**vars(server), "username": "us", "token": token}))

    assert len(transport._idle) == 1


def test_a_check_asks_for_the_sender_and_hands_nothing_over(transport, office):
    there, server = office()

    done = posted(transport.perform(greeting(server, sender="us@hub.test"), files=no_files))

    assert (done.phase, done.features["auth"]) == ("accepted", "PLAIN LOGIN XOAUTH2")
    assert there.heard == ["ehlo hub.test", "mail FROM:<us@hub.test>", "RSET"]


@pytest.mark.parametrize(
    "letter", [b"a\nb\r\n", b"a\rb\r\n", b"a\0\r\n", b"x\n.\r\nMAIL FROM:<>\r\n"]
)
def test_a_letter_that_could_hide_another_one_is_refused(transport, office, letter):
    there, server = office()

    with pytest.raises(Refused):
        send(transport, server, letter=letter)

    assert there.heard == []


@pytest.mark.parametrize("address", ["a@b.test\r\nDATA", "a b@c.test", "<a@b.test>", "a\0@b.test"])
def test_an_address_that_could_hide_a_command_is_refused(transport, office, address):
    there, server = office()

    with pytest.raises(Refused):
        send(transport, server, address)

    assert there.heard == []


def test_a_private_server_is_not_reached(office):
    _, server = office()

    with pytest.raises(Refused, match="private"):
        send(MailTransport(Guard()), server)


def test_no_login_shows_in_a_repr():
    server = MailServer(host="h", port=1, username="u", password="canary", token="canary")

    assert "canary" not in repr(server)
    assert "canary" not in repr(posting(server, sender="", recipients=["a@b.test"], letter=b""))
    assert json.dumps("canary") not in repr(greeting(server, sender=""))


def context_pem(certificate):
    """Return the server's certificate as PEM, from who trusts it."""
    return ssl.DER_cert_to_PEM_cert(certificate[1].get_ca_certs(binary_form=True)[0])
