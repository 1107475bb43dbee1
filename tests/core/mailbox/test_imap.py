"""A server is reached safely, and what it refuses is told apart. Checks change nothing."""

import base64
from dataclasses import replace
from datetime import timedelta
from time import monotonic

import pytest
from fakeredis import FakeRedis

from hubbub.guard import Guard, Refused
from hubbub.imap.client import connected, leave, telling
from hubbub.imap.folders import opened
from hubbub.media import MediaStore
from hubbub.sdk.errors import AuthFailed, Transient
from hubbub.sdk.mail import MailServer
from hubbub.sdk.mailbox import Mailbox, looked_at, looking
from hubbub.transports import Transports
from tests.core.io.test_smtp import context_pem
from tests.services.peers import LOOPBACK

HERE = Guard(LOOPBACK, lookup=lambda host, port, **_: [(0, 0, 0, "", ("127.0.0.1", port))])
#: Seconds within which ends what must end by its deadline of a fraction of one, on slow machines.
SOON = 20


class Clerk:
    """An IMAP server that says what a test wants; ``heard`` is what it was told."""

    def __init__(self, *, login="OK in", features="IMAP4rev1 AUTH=PLAIN AUTH=XOAUTH2", hello="OK"):
        self.verdict, self.features, self.hello = login, features, hello
        self.heard = []

    def __call__(self, peer):
        peer.send(f"* {self.hello} hello\r\n".encode())
        while True:
            tag, _, rest = peer._until(b"\r\n").decode().partition(" ")
            self.heard.append(rest)
            getattr(self, rest.split()[0].lower())(peer, tag)

    def capability(self, peer, tag):
        peer.send(f"* CAPABILITY {self.features}\r\n{tag} OK done\r\n".encode())

    def authenticate(self, peer, tag):
        peer.send(b"+ \r\n")
        self.heard.append(base64.b64decode(peer._until(b"\r\n")).decode())
        if "XOAUTH2" in self.heard[-2] and self.verdict.startswith("NO"):
            peer.send(b"+ eyJzdGF0dXMiOiI0MDAifQ==\r\n")
            self.heard.append(peer._until(b"\r\n").decode())
        self._judge(peer, tag)

    def _judge(self, peer, tag):
        if self.verdict == "cut":
            raise ConnectionError
        peer.send(f"{tag} {self.verdict}\r\n".encode())

    def logout(self, peer, tag):
        peer.send(f"* BYE bye\r\n{tag} OK bye\r\n".encode())

    def __getattr__(self, name):
        return self._judge


@pytest.fixture
def clerk(serve):
    """Start a server: the clerk, and where it is."""

    def start(**given):
        clerk = Clerk(**given)
        port = serve(clerk).port
        return clerk, MailServer(
            host="imap.test", port=port, security="none", username="us", password="pässwörd"
        )

    return start


@pytest.mark.parametrize(
    ("said", "kind", "code"),
    [
        ("NO [AUTHENTICATIONFAILED] Authentication failed.", AuthFailed, "auth_failed"),
        ("NO LOGIN failed.", AuthFailed, "auth_failed"),
        ("NO [EXPIRED] Choose another password.", AuthFailed, "auth_failed"),
        ("NO [CONTACTADMIN] Disabled.", AuthFailed, "auth_failed"),
        ("NO [LIMIT] Maximum number of connections exceeded", Transient, "imap_busy"),
        ("NO [UNAVAILABLE] Try later", Transient, "imap_busy"),
        ("NO [INUSE] Locked", Transient, "imap_busy"),
        ("NO [ALERT] Too many simultaneous connections. (Failure)", Transient, "imap_busy"),
        ("BAD User is authenticated but not connected.", Transient, "imap_refused"),
        ("cut", Transient, "imap_unreachable"),
    ],
)
@pytest.mark.parametrize("features", ["IMAP4rev1 AUTH=PLAIN", "IMAP4rev1"])
def test_conformance_04_a_wrong_password_is_told_from_a_server_that_is_busy(
    clerk, said, kind, code, features
):
    _, server = clerk(login=said, features=features)
    if "PLAIN" not in features:
        server = MailServer(**{**vars(server), "password": "ascii"})

    with pytest.raises(kind) as raised:
        connected(server, HERE.connect)

    assert raised.value.code == code
    assert "pässwörd" not in str(raised.value)
    assert "b'" not in str(raised.value)


def test_a_password_may_hold_any_letter(clerk):
    there, server = clerk()
    leave(connected(server, HERE.connect))
    assert "\0us\0pässwörd" in there.heard


def test_where_a_password_cannot_be_said_that_is_told(clerk):
    there, server = clerk(features="IMAP4rev1")
    with pytest.raises(AuthFailed, match="beyond ASCII"):
        connected(server, HERE.connect)
    assert not any("LOGIN" in said for said in there.heard)


def test_a_token_goes_by_xoauth2_and_a_refusal_is_heard_to_its_end(clerk):
    there, server = clerk(login="NO [AUTHENTICATIONFAILED] no")
    with pytest.raises(AuthFailed):
        connected(MailServer(**{**vars(server), "token": "tok"}), HERE.connect)
    at = there.heard.index("AUTHENTICATE XOAUTH2")
    assert there.heard[at + 1 : at + 3] == ["user=us\x01auth=Bearer tok\x01\x01", ""]


def test_without_starttls_no_password_is_told(clerk):
    there, server = clerk()
    with pytest.raises(Transient) as raised:
        connected(MailServer(**{**vars(server), "security": "starttls"}), HERE.connect)
    assert raised.value.code == "imap_security"
    assert "AUTHENTICATE PLAIN" not in there.heard


def test_a_server_that_lets_us_in_before_it_encrypts_is_not_believed(clerk):
    there, server = clerk(hello="PREAUTH", features="IMAP4rev1 STARTTLS")
    with pytest.raises(Transient):
        connected(MailServer(**{**vars(server), "security": "starttls"}), HERE.connect)
    assert not any("AUTH" in said for said in there.heard)


def test_tls_spoken_to_a_port_of_plain_text_is_explained(clerk):
    _, server = clerk()
    with pytest.raises(Transient, match="does not speak TLS from the beginning") as raised:
        connected(MailServer(**{**vars(server), "security": "tls"}), HERE.connect)
    assert raised.value.code == "imap_security"


def test_plain_text_spoken_to_a_port_of_tls_is_soon_explained(dovecot, monkeypatch):
    server = dovecot.server(port=dovecot.imaps, security="starttls")
    monkeypatch.setattr("hubbub.imap.client._TO_GREET", 0.3)
    with pytest.raises(Transient, match="may want TLS") as raised:
        connected(server, HERE.connect)
    assert raised.value.code == "imap_security"
    assert f"The IMAP server {server.host} (port {server.port})" in raised.value.detail


def test_a_private_server_is_not_reached(clerk):
    there, server = clerk()
    with pytest.raises(Refused, match="private"):
        connected(MailServer(**{**vars(server), "host": "127.0.0.1"}), Guard().connect)
    assert there.heard == []


def test_a_server_may_not_drown_us(clerk):
    there, server = clerk()
    client = connected(server, HERE.connect)
    there.noop = lambda peer, tag: peer.send(b"* 1 FETCH (BODY[] {9999999999}\r\n")
    with pytest.raises(client.AbortError, match="9999999999 bytes at once"):
        client.noop()
    leave(client)


def test_an_answer_without_end_is_not_heard_out(clerk):
    there, server = clerk()
    client = connected(server, HERE.connect)
    unasked = b"* 1 FETCH (BODY[] {1048576}\r\n" + b"x" * (1 << 20) + b")\r\n"
    there.noop = lambda peer, tag: peer.send(unasked * 17 + f"{tag} OK done\r\n".encode())
    with pytest.raises(client.AbortError, match="more than 16777216 bytes"):
        client._imap.noop()
    leave(client)


def test_a_search_may_find_more_letters_than_fit_a_line_of_imaplib(clerk):
    there, server = clerk()
    many = range(20_000_000, 20_115_000)
    found = b"* SEARCH " + " ".join(map(str, many)).encode() + b"\r\n"
    there.select = lambda peer, tag: peer.send(f"{tag} OK [READ-WRITE] open\r\n".encode())
    there.uid = lambda peer, tag: peer.send(found + f"{tag} OK done\r\n".encode())
    client = connected(server, HERE.connect)
    client.select_folder("INBOX")
    assert len(client.search("ALL")) == len(many)
    leave(client)


@pytest.mark.parametrize("said", ["* OK [UIDNEXT soon] next", "* OK [UIDVALIDITY] valid"])
def test_a_folder_of_which_no_sense_is_made_is_the_fault_of_the_server(clerk, said):
    there, server = clerk()
    there.select = lambda peer, tag: peer.send(f"{said}\r\n{tag} OK open\r\n".encode())
    client = connected(server, HERE.connect)
    with pytest.raises(Transient, match="what it says of 'INBOX' makes no sense"), telling(server):
        opened(client, "INBOX")
    leave(client)


@pytest.mark.parametrize("drop", [b"* OK wait\r\n", b"*", b"* 1 FETCH (BODY[] {99999}\r\n"])
def test_an_answer_that_drips_is_waited_for_no_longer_than_any(clerk, drop):
    there, server = clerk()

    def noop(peer, _):
        while not peer.stopped.wait(0.03):
            peer.send(drop)

    there.noop = noop
    client = connected(server, HERE.connect, silence=0.1)
    began = monotonic()
    with pytest.raises((client.AbortError, TimeoutError)):
        client.noop()
    assert monotonic() - began < SOON
    leave(client)


def test_a_check_is_done_in_time_although_each_answer_is_slow(clerk):
    there, server = clerk()

    def authenticate(peer, _):
        while not peer.stopped.wait(0.03):
            peer.send(b"* OK wait\r\n")

    there.authenticate = authenticate
    request = replace(looking(Mailbox(server=server)), timeout=timedelta(seconds=0.3))
    began = monotonic()
    with pytest.raises(Transient, match="no answer in time"):
        Transports(HERE, FakeRedis(), MediaStore("memory://")).perform(
            request, files=lambda media: b""
        )
    assert monotonic() - began < SOON


@pytest.mark.parametrize(("security", "port"), [("tls", "imaps"), ("starttls", "port")])
def test_an_encrypted_connection_is_checked_against_the_name(dovecot, certificate, security, port):
    given = {
        "security": security,
        "port": getattr(dovecot, port),
        "trust": context_pem(certificate),
    }
    leave(connected(dovecot.server(host="hub.test", **given), HERE.connect))
    with pytest.raises(Transient, match="certificate is not valid") as raised:
        connected(dovecot.server(host="other.test", **given), HERE.connect)
    assert raised.value.code == "imap_certificate"


# --- checks --------------------------------------------------------------------------------


def check(server, **given):
    """Ask as a plugin does: with a request that the process's transports carry."""
    request = looking(Mailbox(server=server, **given))
    return looked_at(
        Transports(HERE, FakeRedis(), MediaStore("memory://")).perform(
            request, files=lambda media: b""
        )
    )


def test_a_check_finds_everything_well_and_changes_nothing(host):
    with host.owner() as owner:
        owner.append("INBOX", b"Subject: 1\r\n\r\n")
    found = check(host.server(), folders=("INBOX", "Junk"))
    assert (found.stage, found.code, found.missing, found.read_only) == ("ready", "", (), ())
    assert {"INBOX", "Junk"} <= set(found.folders)
    assert found.junk == "Junk"
    assert {"IDLE", "MOVE"} <= set(found.capabilities)
    assert found.can_move
    assert found.ends["INBOX"].uidnext == 2
    assert found.ends.keys() == {"INBOX", "Junk"}
    with host.owner() as owner:
        owner.select_folder("INBOX", readonly=True)
        assert owner.search("UNSEEN") == [1]


def test_a_check_knows_the_folder_for_what_was_sent(host):
    assert check(host.server(), folders=("INBOX", "Sent")).special == {"Sent": "sent"}
    assert check(host.server(), folders=("INBOX",)).special == {}


def test_a_check_names_the_folders_that_are_missing(host):
    found = check(host.server(), folders=("INBOX", "Nowhere"), move_to="Erledigt")
    assert (found.stage, found.missing) == ("folders", ("Nowhere", "Erledigt"))
    assert found.ends.keys() == {"INBOX"}


@pytest.mark.parametrize(
    ("said", "code", "permanent"),
    [
        ("NO [AUTHENTICATIONFAILED] no", "auth_failed", True),
        ("NO [LIMIT] too many", "imap_busy", False),
    ],
)
def test_a_check_tells_why_we_are_not_let_in(clerk, said, code, permanent):
    _, server = clerk(login=said)
    found = check(server)
    assert (found.stage, found.code, found.permanent) == ("login", code, permanent)
    assert "does not let us in" in found.detail


def test_a_check_of_a_server_that_is_not_there_is_an_error(clerk):
    _, server = clerk()
    with pytest.raises(Transient):
        check(MailServer(**{**vars(server), "port": 1}))


def test_no_login_shows_in_a_repr():
    server = MailServer(host="h", port=1, username="u", password="canary", token="canary")
    assert "canary" not in repr(Mailbox(server=server))
    assert "canary" not in repr(looking(Mailbox(server=server)))


@pytest.mark.parametrize(
    ("said", "early", "pushed"),
    [
        (b"* 2 EXISTS\r\n+ idling\r\n", True, []),
        (b"+ idling\r\n", False, []),
        # In one piece: a socket that is waited for has nothing more to tell.
        (b"+ idling\r\n* 2 EXISTS\r\n", False, [(2, b"EXISTS")]),
    ],
)
def test_news_that_come_when_the_server_begins_to_idle_are_heard(clerk, said, early, pushed):
    keeper, server = clerk(features="IMAP4rev1 IDLE AUTH=PLAIN")

    def select(peer, tag):
        peer.send(f"* 1 EXISTS\r\n* OK [UIDNEXT 2] next\r\n{tag} OK [READ-WRITE] open\r\n".encode())

    def idle(peer, tag):
        peer.send(said)
        assert peer._until(b"\r\n") == b"DONE"
        peer.send(f"{tag} OK done\r\n".encode())

    keeper.select, keeper.idle = select, idle
    client = connected(server, HERE.connect)
    assert client.has_capability("IDLE")
    client.select_folder("INBOX")
    client.idle()
    assert client.early_news() is early
    assert client.idle_check(timeout=0.05) == pushed
    client.idle_done()
    leave(client)
