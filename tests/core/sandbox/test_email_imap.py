"""The mailbox of the hub, judged by IMAPClient and imaplib."""

import base64
import imaplib
import socket
from contextlib import suppress
from datetime import UTC, date, datetime
from email import message_from_bytes

import pytest
from imapclient.exceptions import IMAPClientError, LoginError

MIXED = b"""\
From: "Ann, of the Example" <ann@example.net>\r
To: Support <support@example.com>, <bob@example.net>\r
Subject: =?utf-8?q?Gr=C3=BC=C3=9Fe?=\r
Date: Sat, 28 Nov 2026 10:00:00 +0000\r
Message-ID: <mixed@example.net>\r
In-Reply-To: <1@example.com>\r
MIME-Version: 1.0\r
Content-Type: multipart/mixed; boundary="outer"\r
\r
For old programs\r
--outer\r
Content-Type: multipart/alternative; boundary=inner\r
\r
--inner\r
Content-Type: text/plain; charset=utf-8\r
Content-Transfer-Encoding: quoted-printable\r
\r
Gr=C3=BC=C3=9Fe\r
\r
--inner\r
Content-Type: text/html\r
\r
<b>Hi</b>\r
--inner--\r
--outer\r
Content-Type: application/pdf; name="a b.pdf"\r
Content-Disposition: attachment; filename="a b.pdf"\r
Content-Transfer-Encoding: base64\r
\r
QUJD\r
--outer\r
Content-Type: message/rfc822\r
\r
Subject: Inner\r
From: <carl@example.net>\r
\r
Inside\r
--outer--\r
"""


@pytest.fixture
def client(mail):
    client = mail.imap()
    yield client
    with suppress(OSError, IMAPClientError, imaplib.IMAP4.abort):
        client.logout()
    with suppress(OSError):
        client.shutdown()


def put(mail, *letters, **more):
    for letter in letters:
        mail.act("letters", raw=base64.b64encode(letter).decode(), **more)


def simple(number, text="Hello"):
    return f"Subject: {number}\r\nMessage-ID: <{number}@a.test>\r\n\r\n{text}\r\n".encode()


def test_folders_are_listed_with_their_use(mail, client):
    mail.register(folders=["Kunden/Köln & Bonn"])
    found = {name: flags for flags, _, name in client.list_folders()}
    assert set(found) == {"INBOX", "Sent", "Junk", "Trash", "Kunden/Köln & Bonn"}
    assert rb"\Junk" in found["Junk"]
    assert [name for _, _, name in client.list_folders(pattern="K%/*")] == ["Kunden/Köln & Bonn"]
    assert client.folder_exists("Nowhere") is False


def test_a_folders_name_goes_in_modified_utf7(mail):
    answer = mail.register(folders=["Köln & Bonn"])
    with imaplib.IMAP4("127.0.0.1", answer["imap_port"]) as server:
        server.authenticate("PLAIN", lambda _: f"\0{mail.address}\0{mail.password}".encode())
        assert rb'(\HasNoChildren) "/" "K&APY-ln &- Bonn"' in server.list()[1]
        assert server.select('"K&APY-ln &- Bonn"')[0] == "OK"


def test_folders_are_made_renamed_and_deleted(client):
    client.create_folder("Über")
    with pytest.raises(IMAPClientError, match="ALREADYEXISTS"):
        client.create_folder("Über")
    client.subscribe_folder("Über")
    client.rename_folder("Über", "Done")
    assert client.folder_status("Done", ["MESSAGES", "UIDNEXT"])[b"MESSAGES"] == 0
    client.delete_folder("Done")
    with pytest.raises(IMAPClientError, match="NONEXISTENT"):
        client.select_folder("Done")


def test_a_folder_tells_its_numbers(mail, client):
    put(mail, simple(1), simple(2))
    said = client.select_folder("INBOX")
    assert (said[b"EXISTS"], said[b"UIDNEXT"]) == (2, 3)
    status = client.folder_status("INBOX", ["UIDNEXT", "UIDVALIDITY", "UNSEEN"])
    assert status == {b"UIDNEXT": 3, b"UIDVALIDITY": said[b"UIDVALIDITY"], b"UNSEEN": 2}


def test_a_letter_is_fetched_byte_for_byte(mail, client):
    at = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
    put(mail, MIXED, at=at.timestamp(), flags=["$Mine"])
    client.select_folder("INBOX")
    names = ["RFC822.SIZE", "INTERNALDATE", "FLAGS", "BODY.PEEK[]", "RFC822.HEADER"]
    letter = client.fetch([1], names)[1]
    assert letter[b"BODY[]"] == MIXED
    assert letter[b"RFC822.SIZE"] == len(MIXED)
    assert letter[b"INTERNALDATE"] == at
    assert letter[b"FLAGS"] == (b"$Mine",)
    assert letter[b"RFC822.HEADER"] == MIXED.partition(b"For old")[0]


def test_a_large_letter_comes_in_pieces(mail, client):
    letter = simple(1, "x" * 2_500_000)
    put(mail, letter)
    client.select_folder("INBOX")
    pieces = []
    for start in range(0, len(letter) + 1_000_000, 1_000_000):
        found = client.fetch([1], [f"BODY.PEEK[]<{start}.1000000>"])[1]
        pieces.append(found[f"BODY[]<{start}>".encode()])
    assert b"".join(pieces) == letter


@pytest.mark.parametrize(
    ("section", "expected"),
    [
        (
            "HEADER.FIELDS (SUBJECT message-id)",
            b"Subject: =?utf-8?q?Gr=C3=BC=C3=9Fe?=\r\nMessage-ID: <mixed@example.net>\r\n\r\n",
        ),
        ("1.1", b"Gr=C3=BC=C3=9Fe\r\n"),
        ("1.2.MIME", b"Content-Type: text/html\r\n\r\n"),
        ("2", b"QUJD"),
        ("3.HEADER", b"Subject: Inner\r\nFrom: <carl@example.net>\r\n\r\n"),
        ("3.TEXT", b"Inside"),
        ("3.1", b"Inside"),
        ("9.9", b""),
    ],
)
def test_sections_are_found(mail, client, section, expected):
    put(mail, MIXED)
    client.select_folder("INBOX")
    found = client.fetch([1], [f"BODY.PEEK[{section}]"])[1]
    assert next(value for name, value in found.items() if name.startswith(b"BODY[")) == expected


def test_all_but_some_headers_are_found(mail, client):
    put(mail, MIXED)
    client.select_folder("INBOX")
    found = client.fetch([1], ["BODY.PEEK[HEADER.FIELDS.NOT (FROM TO DATE CONTENT-TYPE)]"])[1]
    [said] = [value for name, value in found.items() if name.startswith(b"BODY[")]
    kept = message_from_bytes(said).keys()
    assert kept == ["Subject", "Message-ID", "In-Reply-To", "MIME-Version"]


def test_a_letter_is_described(mail, client):
    put(mail, MIXED)
    client.select_folder("INBOX")
    letter = client.fetch([1], ["BODYSTRUCTURE", "ENVELOPE"])[1]
    (alternative, pdf, inner), subtype = letter[b"BODYSTRUCTURE"][:2]
    assert subtype == b"mixed"
    assert [one[1] for one in alternative[0]] == [b"plain", b"html"]
    assert alternative[0][0][5:8] == (b"quoted-printable", 17, 1)
    assert pdf[:3] == (b"application", b"pdf", (b"name", b"a b.pdf"))
    assert pdf[8] == (b"attachment", (b"filename", b"a b.pdf"))
    assert inner[:2] == (b"message", b"rfc822")
    envelope = letter[b"ENVELOPE"]
    assert envelope.subject == b"=?utf-8?q?Gr=C3=BC=C3=9Fe?="
    assert (envelope.from_[0].name, envelope.from_[0].mailbox) == (b"Ann, of the Example", b"ann")
    assert [one.host for one in envelope.to] == [b"example.com", b"example.net"]
    assert envelope.in_reply_to == b"<1@example.com>"


def test_looking_is_not_reading(mail, client):
    put(mail, simple(1))
    client.select_folder("INBOX")
    client.fetch([1], ["BODY.PEEK[]"])
    assert client.search("UNSEEN") == [1]
    assert b"\\Seen" in client.fetch([1], ["BODY[]", "FLAGS"])[1][b"FLAGS"]
    assert client.search("SEEN") == [1]


def test_who_may_only_look_changes_nothing(mail, client):
    put(mail, simple(1))
    client.select_folder("INBOX", readonly=True)
    client.fetch([1], ["BODY[]"])
    with pytest.raises(IMAPClientError, match="READ-ONLY"):
        client.add_flags([1], [rb"\Seen"])
    assert client.search("UNSEEN") == [1]


@pytest.mark.parametrize(
    ("criteria", "expected"),
    [
        ("ALL", [1, 2, 3]),
        (["UID", "2:*"], [2, 3]),
        (["UID", "9:*"], [3]),
        ("1,3", [1, 3]),
        (["SUBJECT", "ORDER"], [1]),
        (["HEADER", "Message-ID", "<2@a.test>"], [2]),
        (["OR", "SEEN", "SUBJECT", "order"], [1, 2]),
        (["NOT", ["SEEN"]], [1, 3]),
        (["UNSEEN", "TEXT", "hello"], [3]),
        (["SINCE", date(2026, 2, 1)], [3]),
        (["BEFORE", date(2026, 2, 1), "UNKEYWORD", "$Mine"], [1]),
        (["LARGER", 80], [1]),
        ("NEW", []),
    ],
)
def test_letters_are_found(mail, client, criteria, expected):
    january = datetime(2026, 1, 2, tzinfo=UTC).timestamp()
    put(mail, simple("Your order", "x" * 60), at=january)
    put(mail, simple(2), at=january, flags=["\\Seen", "$Mine"])
    put(mail, simple(3))
    client.select_folder("INBOX")
    assert client.search(criteria) == expected


def test_words_beyond_ascii_are_found(mail, client):
    put(mail, simple(1, "Straße"), simple(2))
    client.select_folder("INBOX")
    assert client.search(["BODY", "straße"], charset="UTF-8") == [1]


def test_letters_are_marked_copied_moved_and_removed(mail, client):
    put(mail, simple(1), simple(2), simple(3))
    client.select_folder("INBOX")
    client.add_flags([1, 2], [rb"\Deleted", "$Mine"])
    assert client.remove_flags([2], [rb"\Deleted"])[2] == (b"$Mine",)
    client.copy([2], "Trash")
    client.move([3], "Junk")
    assert client.search() == [1, 2]
    client.uid_expunge([2])
    assert client.search() == [1, 2], "it was not marked as deleted"
    client.expunge()
    assert client.search() == [2]
    assert [client.folder_status(one, ["MESSAGES"])[b"MESSAGES"] for one in ("Trash", "Junk")] == [
        1,
        1,
    ]
    with pytest.raises(IMAPClientError, match="TRYCREATE"):
        client.move([2], "Nowhere")


def test_a_client_may_put_letters_in(client):
    at = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
    said = client.append("INBOX", simple(1), [rb"\Flagged"], at)
    assert b"APPENDUID" in said
    with pytest.raises(IMAPClientError, match="TRYCREATE"):
        client.append("Nowhere", simple(1))
    client.select_folder("INBOX")
    found = client.fetch([1], ["FLAGS", "INTERNALDATE", "BODY.PEEK[]"])[1]
    assert (found[b"FLAGS"], found[b"INTERNALDATE"]) == ((rb"\Flagged",), at)
    assert found[b"BODY[]"] == simple(1)


def test_what_comes_is_pushed(mail, client):
    client.select_folder("INBOX")
    client.idle()
    put(mail, simple(1))
    assert client.idle_check(30) == [(1, b"EXISTS")]
    put(mail, simple(2))
    assert client.idle_check(30) == [(2, b"EXISTS")]
    mail.act("expunges", uids=[1])
    assert client.idle_check(30) == [(1, b"EXPUNGE")]
    client.idle_done()
    assert client.search() == [2]


def test_what_another_session_does_is_told(mail, client):
    put(mail, simple(1), simple(2))
    client.select_folder("INBOX")
    with mail.imap() as other:
        other.select_folder("INBOX")
        other.add_flags([2], [rb"\Seen"])
        other.move([1], "Junk")
    _, news = client.noop()
    assert news == [(1, b"EXPUNGE"), (1, b"FETCH", (b"UID", 2, b"FLAGS", (rb"\Seen",)))]


def test_numbers_of_letters_stay_until_the_client_heard_of_it(mail, client):
    put(mail, simple(1), simple(2))
    client.select_folder("INBOX")
    mail.act("expunges", uids=[1])
    client.use_uid = False
    assert client.fetch([2], ["UID"])[2][b"UID"] == 2
    assert client.fetch([1], ["UID"]) == {}
    client.noop()
    assert client.fetch([1], ["UID"])[1][b"UID"] == 2


def test_a_server_may_push_nothing(mail, sandbox, client):
    assert client.has_capability("IDLE")
    sandbox.rules(email_idle=False)
    with mail.imap() as other:
        assert not other.has_capability("IDLE")


def test_a_folder_with_new_numbers_is_another_one(mail, client):
    put(mail, simple(1), simple(2))
    mail.act("expunges", uids=[1])
    before = client.select_folder("INBOX")[b"UIDVALIDITY"]
    mail.act("renumberings")
    with pytest.raises(imaplib.IMAP4.abort):
        client.noop()
    with mail.imap() as other:
        assert other.select_folder("INBOX")[b"UIDVALIDITY"] > before
        assert other.search() == [1]


def test_a_letter_with_a_new_number_is_told_of_when_it_is_fetched(mail, sandbox):
    mail.write()
    mail.act("renumberings")
    with mail.imap() as client:
        client.select_folder("INBOX")
        client.fetch([1], ["BODY[]"])
    assert len(sandbox.calls(1, kind="message")) == 1


def test_what_nobody_has_marked_is_told(mail, client):
    put(mail, simple(1), simple(2))
    client.select_folder("INBOX")
    client.add_flags([2], [rb"\Seen"])
    (account,) = mail.http.get("/_sandbox/mailboxes").json["items"]
    assert account["folders"]["INBOX"]["unseen"] == 1


def test_a_wrong_password_is_refused(mail):
    client = mail.stranger()
    for log_in in (client.login, client.plain_login):
        with pytest.raises(LoginError, match="AUTHENTICATIONFAILED"):
            log_in(mail.address, "wrong")
    client.logout()


def test_a_login_by_an_access_token(mail):
    token = new_token(mail)
    client = mail.stranger()
    with pytest.raises(LoginError, match="AUTHENTICATIONFAILED"):
        client.oauth2_login(mail.address, "wrong")
    with pytest.raises(LoginError):
        client.oauth2_login("other@example.com", token)
    client.oauth2_login(mail.address, token)
    client.select_folder("INBOX")
    client.logout()


@pytest.mark.parametrize(
    ("fault", "said"),
    [
        ({"kind": "status"}, "AUTHENTICATIONFAILED"),
        ({"kind": "rate_limit"}, "LIMIT"),
        ({"kind": "status", "body": "[UNAVAILABLE] Later"}, "UNAVAILABLE"),
    ],
)
def test_a_login_may_be_refused_whatever_the_password(mail, sandbox, fault, said):
    sandbox.fault(provider="email", operation="imap.login", times=1, **fault)
    client = mail.stranger()
    with pytest.raises(LoginError, match=said):
        client.plain_login(mail.address, mail.password)
    client.plain_login(mail.address, mail.password)
    client.logout()


@pytest.mark.parametrize("kind", ["drop_before", "drop_after_accept", "garbage", "timeout"])
def test_a_connection_may_end_at_a_command(mail, sandbox, client, kind):
    put(mail, simple(1))
    client.select_folder("INBOX")
    sandbox.fault(provider="email", operation="imap.store", kind=kind, times=1, delay_ms=0)
    with pytest.raises((imaplib.IMAP4.abort, IMAPClientError)):
        client.add_flags([1], [rb"\Seen"])
        client.noop()
    with mail.imap() as other:
        other.select_folder("INBOX")
        done = kind in {"drop_after_accept", "garbage"}
        assert other.search("SEEN") == ([1] if done else [])


def test_a_command_may_be_refused_or_slow(mail, sandbox, client):
    client.select_folder("INBOX")
    sandbox.fault(provider="email", operation="imap.search", kind="status", times=1)
    with pytest.raises(IMAPClientError, match="UNAVAILABLE"):
        client.search()
    sandbox.fault(provider="email", operation="imap.search", kind="slow", delay_ms=1, times=1)
    assert client.search() == []


def test_a_server_may_refuse_to_talk(mail, sandbox):
    port = mail.register()["imap_port"]
    sandbox.fault(provider="email", operation="imap.connect", kind="status", times=1)
    with socket.create_connection(("127.0.0.1", port)) as link, link.makefile("rb") as said:
        assert said.read() == b"* BYE [UNAVAILABLE] Try again later\r\n"
    mail.imap().logout()


def test_a_connection_is_cut_while_it_idles(mail, client):
    client.select_folder("INBOX")
    client.idle()
    mail.act("hangup")
    client.idle_check(30)
    with pytest.raises(imaplib.IMAP4.abort):
        client.idle_done()


def test_a_connection_freezes_while_it_idles(mail, client):
    client.select_folder("INBOX")
    client.idle()
    mail.act("freeze")
    put(mail, simple(1))
    assert client.idle_check(0.05) == []
    client.socket().settimeout(0.05)
    with pytest.raises(TimeoutError):
        client.idle_done()
    mail.imap().logout()


@pytest.mark.parametrize(
    ("sent", "said"),
    [
        (b"nonsense\r\n", b"* BAD"),
        (b"a1 SELECT INBOX\r\n", b"a1 BAD"),
        (b"a1 NOTHING\r\n", b"a1 BAD"),
        (b"a1 LIST (\r\n", b"* BAD"),
        (b"a1 LOGIN {3+}\r\nann {3+}\r\nbob\r\n", b"a1 NO [AUTHENTICATIONFAILED]"),
        (b"a1 LOGIN {3}\r\nann bob\r\n", b"+ go on"),
        (b"a1 AUTHENTICATE X\r\n", b"a1 NO"),
        (b"a1 AUTHENTICATE PLAIN\r\n*\r\n", b"+ "),
        (b"a1 LOGIN {99999999}\r\n", b"* BAD"),
    ],
)
def test_what_nobody_should_say_is_answered(mail, sent, said):
    client = mail.stranger()
    client.socket().sendall(sent)
    assert client._imap.readline().startswith(said)
    client.shutdown()


def test_whoever_fetches_a_letter_of_a_person_has_it(mail, sandbox, client):
    written = mail.write("Where is it?")
    assert sandbox.calls() == []
    client.select_folder("INBOX")
    client.fetch([1], ["BODY.PEEK[HEADER]"])
    assert sandbox.calls() == []
    client.fetch([1], ["BODY.PEEK[]<0.1000>"])
    client.fetch([1], ["BODY.PEEK[]"])
    [call] = sandbox.calls(1)
    assert (call["kind"], call["key"]) == ("message", written["message_id"])


def new_token(mail):
    account = mail.register(oauth={"client_id": "app"})
    asked = {
        "grant_type": "refresh_token",
        "client_id": "app",
        "refresh_token": account["oauth"]["refresh_token"],
    }
    return mail.http.post("/email/oauth/token", data=asked).json["access_token"]
