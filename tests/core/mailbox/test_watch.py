"""What comes into a mailbox is kept once, and marked afterwards. Cases 1 to 5 are conformance."""

import json
import random
import threading
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from email import message_from_bytes, policy

import pytest
from imapclient.response_parser import parse_fetch_response

from hubbub.connect import work as connect
from hubbub.connect.queries import mark_checked
from hubbub.guard import Guard
from hubbub.imap import letters
from hubbub.imap.client import Client
from hubbub.listener import Listener
from hubbub.mailbox.watch import MailboxWatch
from hubbub.normalise.work import normalise
from hubbub.receive import queries
from hubbub.sdk import AuthFailed, Renewed, Transient
from hubbub.sdk.mail import MailServer
from hubbub.sdk.mailbox import End, Letter, Mailbox, letter_of
from hubbub.steps import step
from hubbub.store.calls import kept_call
from hubbub.store.session import reading, transaction
from tests.core.mailbox.conftest import PACE
from tests.services.dovecot import until
from tests.services.postbox import Mailboxes

#: Letters of the long test; some twenty seconds at most.
MANY = 1000


class Killed(BaseException):
    """What a process does not survive."""


def letter(number, text="Hello"):
    return (
        f"Subject: {number}\r\nFrom: Ada <ada@a.test>\r\nMessage-ID: <{number}@a.test>\r\n\r\n"
        f"{text}\r\n"
    ).encode()


def put(host, *numbers, folder="INBOX", flags=(), at=None, **given):
    with host.owner() as owner:
        for number in numbers:
            owner.append(folder, letter(number, **given), flags, at)


def said_of(office):
    """What the server said of each letter."""
    with reading(office.hub.engine) as db:
        rows = [queries.call(db, one["id"]) for one in office.calls()]
    return [letter_of(kept_call(row)) for row in rows if row is not None]


def test_what_was_there_before_is_left_and_what_comes_is_kept_and_marked(office, host):
    put(host, 1)
    office.begin(host)
    put(host, 2, 3)
    assert office.have(2) == ["Subject: 2", "Subject: 3"]
    office.quiet(host, 2)


@pytest.mark.parametrize("made_anew", [False, True])
def test_what_came_between_the_choice_of_a_folder_and_the_first_look_is_new(
    office, host, made_anew
):
    now = office.hub.now()
    with host.owner() as owner:
        owner.create_folder("Shop")
        put(host, "before", folder="Shop", at=now)
        told = owner.folder_status("Shop", ["UIDVALIDITY", "UIDNEXT"])
        if made_anew:
            owner.delete_folder("Shop")
            owner.create_folder("Shop")
    put(host, 1, folder="Shop", at=now)
    office.watch(
        host.server(),
        folders=("Shop",),
        ends={"Shop": End(told[b"UIDVALIDITY"], told[b"UIDNEXT"])},
    )
    assert office.have(1) == ["Subject: 1"]
    assert not said_of(office)[0].historical


def test_no_mailbox_is_watched_before_the_check_that_follows_a_change(office, host):
    with transaction(office.hub.engine) as db:
        mark_checked(db, office.channel_id, now=None)
    listener = office.watch(host.server())
    assert f"source-{office.channel_id}" not in {one.name for one in threading.enumerate()}
    connect.check_channel(office.hub, office.channel_id)
    listener.look()
    until(office.cursor, "The mailbox was not looked into.")


def test_a_letter_is_kept_byte_for_byte_with_what_the_server_says_of_it(office, host):
    office.begin(host)
    raw = b"Subject: \xe9\xff\r\n\r\n\x80\xfe raw\r\n.\r\n"
    with host.owner() as owner:
        at = datetime(2026, 2, 3, 4, 5, 6, tzinfo=UTC)
        owner.append("INBOX", raw, [rb"\Flagged"], at)
        validity = owner.select_folder("INBOX", readonly=True)[b"UIDVALIDITY"]
    office.have(1)
    assert bytes(office.calls()[0]["body"]) == raw
    (said,) = said_of(office)
    assert r"\Flagged" in said.flags
    assert replace(said, flags=frozenset()) == Letter(
        folder="INBOX", uidvalidity=validity, uid=1, arrived_at=at, size=len(raw)
    )


# --- case 1 --------------------------------------------------------------------------------


@pytest.fixture
def deaths(monkeypatch):
    """Let keeping die at random, before, within and after the transaction: ``deaths(share)``."""
    dice = random.Random(4)
    died = []

    def start(share):
        def perhaps(where, call):
            def done(*args, **more):
                result = call(*args, **more)
                if dice.random() < share:
                    died.append(where)
                    raise Killed
                return result

            return done

        monkeypatch.setattr("hubbub.receive.work.step", perhaps("around", step))
        monkeypatch.setattr(queries, "keep", perhaps("within", queries.keep))
        return died

    return start


def watch_until(office, mailbox, kept, stop=None):
    """Watch, as one process after the other, until so many letters are kept."""
    stop = stop or threading.Event()

    def enough():
        if len(office.calls()) >= kept and '"unmarked"' not in office.cursor():
            stop.set()
        return True

    while not stop.is_set():
        at = office.cursor() or ""
        with suppress(Killed):
            MailboxWatch(
                office.hub,
                office.line(),
                mailbox,
                at,
                guard=Guard(office.hub.settings.private_networks),
                stop=stop,
                still=enough,
                tell=lambda error: None,
                renew=lambda: False,
                pace=PACE,
            ).run()


def test_conformance_01_killed_around_the_transaction_each_letter_is_kept_once_and_marked_in_the_end(
    office, host, deaths, monkeypatch
):
    monkeypatch.setattr(letters, "_TOGETHER", 3)
    office.begin(host).stop()
    put(host, *range(40))
    died = deaths(0.3)
    watch_until(office, Mailbox(server=host.server(), poll_every=timedelta(seconds=0.1)), 40)
    assert office.subjects() == [f"Subject: {number}" for number in range(40)]
    assert {"around", "within"} <= set(died)
    office.quiet(host, 40)


def test_a_thousand_letters_are_kept_once_and_in_order_while_all_breaks(
    office, host, relay, make_mortal
):
    office.begin(host).stop()
    with host.owner() as owner:
        for start in range(0, MANY, 100):
            owner.multiappend("INBOX", [letter(one) for one in range(start, start + 100)])
    dice = random.Random(5)
    cut = relay(host.port, lambda: dice.randint(10_000, 100_000))
    deaths = 0
    while (kept := len(office.calls())) < MANY:
        enough = kept + dice.randint(50, 200)
        listener = make_mortal(Mailbox(server=host.server(port=cut.port)))
        until(lambda enough=enough: len(office.calls()) >= min(enough, MANY), "Nothing comes.")
        listener.kill()
        listener.join()
        deaths += 1
    assert office.subjects() == [f"Subject: {number}" for number in range(MANY)]
    normalise(office.hub, office.line().id)
    entries = office.world.rows("SELECT conversation_id, content FROM messages ORDER BY seq")
    assert [json.loads(one["content"])["text"] for one in entries] == [*map(str, range(MANY))]
    assert len({one["conversation_id"] for one in entries}) == 1
    assert cut.connections > deaths > 3
    # What the last one left unmarked is marked by the next one.
    make_mortal(Mailbox(server=host.server()))
    office.quiet(host, MANY)


# --- case 2 --------------------------------------------------------------------------------


def test_conformance_02_a_folder_made_anew_adds_only_what_is_new(office, host):
    now = office.hub.now()
    with host.owner() as owner:
        owner.create_folder("Shop")
    office.begin(host, folders=("Shop",), idle_renewal=timedelta(seconds=0.3))
    put(host, 1, 2, folder="Shop", at=now)
    office.have(2)
    with host.owner() as owner:
        owner.delete_folder("Shop")
        owner.create_folder("Shop")
    put(host, "ancient", folder="Shop", at=now - timedelta(days=30))
    put(host, 1, 2, 3, folder="Shop", at=now)
    until(lambda: "Subject: 3" in office.subjects(), "The new letter is missing.")
    office.world.work()
    told = office.world.rows("SELECT external_id FROM messages ORDER BY id")
    assert [one["external_id"] for one in told] == [f"<{number}@a.test>" for number in (1, 2, 3)]
    assert not said_of(office)[-1].historical


def test_conformance_02_letters_stay_in_order_in_a_folder_made_anew(office, host, monkeypatch):
    now = office.hub.now()
    with host.owner() as owner:
        owner.create_folder("Shop")
    office.begin(host, folders=("Shop",)).stop()
    with host.owner() as owner:
        owner.delete_folder("Shop")
        owner.create_folder("Shop")
    put(host, 1, 2, folder="Shop", at=now)
    real = letters.listed

    def listed(client, uids):
        monkeypatch.setattr("hubbub.mailbox.reader.listed", real)
        put(host, 3, folder="Shop", at=now)
        yield from real(client, uids)

    monkeypatch.setattr("hubbub.mailbox.reader.listed", listed)
    monkeypatch.setattr("hubbub.mailbox.reader._PAST", 1)
    office.watch(host.server(), folders=("Shop",))
    assert office.have(3) == ["Subject: 1", "Subject: 2", "Subject: 3"]


def test_conformance_02_a_letter_that_somebody_has_seen_is_kept(office, host):
    office.begin(host)
    put(host, 1, flags=[rb"\Seen"])
    assert office.have(1) == ["Subject: 1"]


# --- case 3 --------------------------------------------------------------------------------


def test_conformance_03_what_is_gone_between_search_and_fetch_holds_nothing_up(
    office, host, monkeypatch
):
    office.begin(host).stop()
    put(host, 1, 2, 3)
    real = letters.listed

    def listed(client, uids):
        with host.owner() as owner:
            owner.select_folder("INBOX")
            owner.add_flags([uids[0]], [rb"\Deleted"])
            owner.uid_expunge([uids[0]])
        monkeypatch.undo()
        yield from real(client, uids)

    monkeypatch.setattr("hubbub.mailbox.reader.listed", listed)
    office.watch(host.server())
    assert office.have(2) == ["Subject: 2", "Subject: 3"]
    put(host, 4)
    assert office.have(3)[2:] == ["Subject: 4"]


def test_conformance_03_a_range_beyond_the_end_brings_nothing(office, host):
    office.begin(host)
    put(host, 1)
    office.have(1)
    office.quiet(host, 1)
    # A gap in the numbers, so that the next search goes beyond the end.
    with host.owner() as owner:
        owner.append("INBOX", letter(2), [rb"\Deleted"])
    office.have(2)
    assert office.subjects() == ["Subject: 1", "Subject: 2"]


def test_a_server_that_does_not_tell_the_next_number_is_read_as_well(office, host, monkeypatch):
    real = Client.select_folder

    def select_folder(self, folder, readonly=False):  # noqa: FBT002  # as it is there
        said = real(self, folder, readonly)
        del said[b"UIDNEXT"]
        return said

    monkeypatch.setattr(Client, "select_folder", select_folder)
    put(host, 1)
    office.begin(host, idle=False)
    put(host, 2)
    office.have(1)
    office.quiet(host, 1)
    before = office.cursor()
    with host.owner() as owner:
        owner.select_folder("INBOX")
        owner.delete_messages([2])
        owner.expunge()
    put(host, 3)
    assert office.have(2) == ["Subject: 2", "Subject: 3"]
    assert '"past"' not in before + office.cursor()


# --- case 4 --------------------------------------------------------------------------------


def test_conformance_04_a_connection_that_is_closed_while_we_listen_is_made_again(
    office, host, relay
):
    between = relay(host.port)
    office.watch(host.server(port=between.port), idle_renewal=timedelta(hours=1))
    until(office.cursor, "The mailbox was not looked into.")
    put(host, 1)
    office.have(1)
    between.cut()
    put(host, 2)
    assert office.have(2) == ["Subject: 1", "Subject: 2"]
    assert between.connections == 2


def test_conformance_04_a_connection_that_freezes_is_made_again(office, host, relay):
    between = relay(host.port)
    pace = replace(PACE, silence=0.5)
    office.watch(host.server(port=between.port), pace=pace, idle_renewal=timedelta(seconds=0.5))
    until(office.cursor, "The mailbox was not looked into.")
    between.freeze()
    put(host, 1)
    assert office.have(1) == ["Subject: 1"]


def test_a_listener_stops_within_seconds_although_the_server_is_frozen(office, host, relay):
    between = relay(host.port)
    pace = replace(PACE, silence=60.0)
    listener = office.watch(
        host.server(port=between.port), pace=pace, idle_renewal=timedelta(seconds=0.2)
    )
    until(office.cursor, "The mailbox was not looked into.")
    between.freeze()
    listener.stop()
    assert not any(thread.is_alive() for thread in listener._held.values())
    assert office.world.rows("SELECT name FROM leases") == []


def test_a_listener_stops_within_seconds_although_the_server_says_nothing_at_all(office, serve):
    silent = serve(lambda peer: peer.stopped.wait(30))
    pace = replace(PACE, silence=60.0)
    listener = office.watch(
        MailServer(host="127.0.0.1", port=silent.port, security="none"), pace=pace
    )
    until(lambda: silent.connections, "Nobody called.")
    listener.stop()
    assert not any(thread.is_alive() for thread in listener._held.values())


def test_a_channel_that_is_changed_is_watched_as_it_is_now(office, host, monkeypatch):
    monkeypatch.setattr("hubbub.listener._LOOK_AGAIN", 0.0)
    with host.owner() as owner:
        owner.create_folder("Shop")
    office.begin(host)
    Mailboxes.now = replace(Mailboxes.now, folders=("Shop",))
    office.world.write("UPDATE channels SET version = version + 1")
    until(lambda: "Shop" in office.cursor(), "The other folder was not looked into.")
    put(host, 1, folder="Shop")
    assert office.have(1) == ["Subject: 1"]


def test_a_login_that_is_refused_is_shown_at_once_and_holds_up_nothing_yet(office, host):
    listener = office.watch(host.server(password="wrong"))
    until(lambda: _status(office) == "error", "The channel shows nothing.")
    (thread,) = listener._held.values()
    assert thread.is_alive(), "it is to be tried once more"
    with reading(office.hub.engine) as db:
        assert [line.id for line, _ in listener._wanted(db)] == [office.channel_id]


def test_conformance_04_a_login_refused_twice_stops_it_until_it_is_mended(office, host):
    pace = replace(PACE, refused=0.2)
    listener = office.watch(host.server(password="wrong"), pace=pace)
    until(
        lambda: office.world.one("SELECT status FROM channels")["status"] == "error",
        "The channel shows nothing.",
    )
    (thread,) = listener._held.values()
    thread.join(10)
    listener.look()
    assert listener._held == {}
    assert (
        "does not let us in"
        in office.world.one("SELECT status_reason FROM channels")["status_reason"]
    )


class _Tokens:
    """Logins that end: what is renewed is what `Mailboxes` says from then on."""

    def __init__(self, monkeypatch, *results):
        self.asked = 0
        self._results = list(results)
        monkeypatch.setattr(Mailboxes, "renew", self)

    def __call__(self, connection):
        self.asked += 1
        result = self._results.pop(0) if len(self._results) > 1 else self._results[0]
        if isinstance(result, Exception):
            raise result
        if result is None:
            return None
        Mailboxes.now = replace(Mailboxes.now, server=result)
        return Renewed(tokens={"access": f"token {self.asked}"})
        yield


def test_a_login_that_has_its_time_is_renewed_when_it_is_refused(office, host, monkeypatch):
    tokens = _Tokens(monkeypatch, host.server())
    office.watch(host.server(password="old"))
    until(office.cursor, "The mailbox was not looked into.")
    put(host, 1)
    assert office.have(1) == ["Subject: 1"]
    assert tokens.asked == 1
    assert office.line().connection.tokens == {"access": "token 1"}


def test_what_is_renewed_and_refused_again_is_not_renewed_in_a_loop(office, host, monkeypatch):
    tokens = _Tokens(monkeypatch, host.server(password="new and wrong"))
    office.watch(host.server(password="old"), pace=replace(PACE, refused=1.5))
    until(lambda: _status(office) == "error", "The channel shows nothing.")
    assert tokens.asked == 1


def test_a_consent_that_was_taken_back_stops_the_watch_at_once(office, host, monkeypatch):
    _Tokens(monkeypatch, AuthFailed("The refresh token was revoked."))
    office.watch(host.server(password="old"))
    until(lambda: _status(office) == "error", "The channel shows nothing.")
    assert "revoked" in office.world.one("SELECT status_reason FROM channels")["status_reason"]


def test_while_nobody_hands_out_tokens_it_is_tried_again(office, host, monkeypatch):
    tokens = _Tokens(monkeypatch, Transient("Away."), host.server())
    office.watch(host.server(password="old"))
    until(office.cursor, "The mailbox was not looked into.")
    assert tokens.asked == 2
    assert _status(office) == "connected"


def _status(office):
    return office.world.one("SELECT status FROM channels")["status"]


# --- case 5 --------------------------------------------------------------------------------


def test_conformance_05_two_listeners_at_once_keep_nothing_twice(office, host, monkeypatch):
    monkeypatch.setattr(Listener, "_take", lambda self, channel_id: True)
    monkeypatch.setattr(letters, "_TOGETHER", 2)
    office.begin(host)
    office.watch(host.server(), hub={"process_id": "another"})
    put(host, *range(30))
    until(lambda: len(office.calls()) >= 30, "Letters are missing.")
    office.quiet(host, 30)
    assert sorted(office.subjects()) == sorted(f"Subject: {number}" for number in range(30))


def test_conformance_05_a_dead_listener_is_followed_by_another_one(office, host):
    office.begin(host).stop()
    office.world.write(
        "INSERT INTO processes (id, kind, host, started_at, seen_at)"
        " VALUES ('dead', 'listener', 'h', :at, :at)",
        at=office.hub.now() - timedelta(seconds=60),
    )
    office.world.write(
        "INSERT INTO leases (name, holder, expires_at) VALUES (:name, 'dead', :at)",
        name=f"source:{office.channel_id}",
        at=office.hub.now() + timedelta(seconds=60),
    )
    put(host, 1)
    office.watch(host.server())
    assert office.have(1) == ["Subject: 1"]


def test_a_listener_that_lost_its_lease_lets_go(office, host, monkeypatch):
    monkeypatch.setattr("hubbub.listener._LOOK_AGAIN", 0.0)
    monkeypatch.setattr("hubbub.listener._RENEW", 0.0)
    listener = office.begin(host)
    office.world.write("UPDATE leases SET holder = 'another'")
    (thread,) = listener._held.values()
    thread.join(10)
    assert not thread.is_alive()


# --- the past ------------------------------------------------------------------------------


def test_from_a_day_on_the_past_is_fetched_oldest_first_and_said_to_be_old(office, host):
    put(host, "too old", at=datetime(2025, 12, 1, tzinfo=UTC))
    put(host, 1, 2, at=datetime(2026, 1, 1, tzinfo=UTC))
    office.begin(host, since=date(2025, 12, 24))
    put(host, 3)
    assert office.have(3)[:2] == ["Subject: 1", "Subject: 2"]
    assert [one.historical for one in said_of(office)] == [True, True, False]
    until(lambda: '"past"' not in office.cursor(), "The past does not end.")


def test_an_earlier_day_brings_what_was_left_out(office, host, monkeypatch):
    monkeypatch.setattr("hubbub.mailbox.reader._PAST", 2)
    for day in range(1, 8):
        put(host, day, at=datetime(2026, 1, day, 12, tzinfo=UTC))
    office.begin(host, since=date(2026, 1, 6))
    office.have(2)
    until(lambda: '"past"' not in office.cursor(), "The past does not end.")
    office.listeners.pop().stop()
    office.watch(host.server(), since=date(2026, 1, 1))
    office.have(7)
    assert office.subjects() == [f"Subject: {day}" for day in (6, 7, 1, 2, 3, 4, 5)]


# --- letters that are large, or cannot be had ----------------------------------------------


def test_a_large_letter_comes_in_pieces_as_it_is(office, host, monkeypatch):
    monkeypatch.setattr(letters, "PIECE", 1000)
    office.begin(host)
    put(host, 1, text="x" * 4321)
    put(host, 2, text="y" * (1000 - len(letter(2, ""))))
    office.have(2)
    bodies = [bytes(one["body"]) for one in office.calls()]
    assert bodies == [letter(1, "x" * 4321), letter(2, "y" * (1000 - len(letter(2, ""))))]
    assert len(bodies[1]) == 1000


TOO_LARGE = b"""Subject: Large\r
From: ada@a.test\r
MIME-Version: 1.0\r
Content-Type: multipart/mixed; boundary="outer"\r
\r
--outer\r
Content-Type: multipart/alternative; boundary="inner"\r
\r
--inner\r
Content-Type: text/plain; charset=utf-8\r
Content-Transfer-Encoding: base64\r
\r
SGVsbG8=\r
--inner\r
Content-Type: text/html\r
\r
<p>Hello</p>\r
--inner--\r
--outer\r
Content-Type: application/zip\r
\r
%s\r
--outer--\r
"""


def test_of_a_letter_that_is_too_large_head_and_text_are_kept(office, host):
    office.begin(host, max_letter=2000)
    with host.owner() as owner:
        owner.append("INBOX", TOO_LARGE % (b"z" * 3000))
        owner.append("INBOX", letter(2, "w" * 3000))
    put(host, 3)
    assert office.have(3) == ["Subject: Large", "Subject: 2", "Subject: 3"]
    assert [one.truncated for one in said_of(office)] == [True, True, False]
    assert said_of(office)[0].size == len(TOO_LARGE % (b"z" * 3000))
    first = message_from_bytes(bytes(office.calls()[0]["body"]), policy=policy.default)
    whole, text = first.walk()
    assert whole.get_content_type() == "multipart/mixed"
    assert text.get_content() == "Hello"
    assert first.defects == []


def test_a_letter_that_the_server_cannot_hand_out_holds_up_no_other(office, host, monkeypatch):
    office.begin(host).stop()
    put(host, 1, 2, 3)
    real = letters.bodies

    def bodies(client, uids, most):
        if 2 in uids:
            raise OSError("The server breaks at this one.")
        return real(client, uids, most)

    monkeypatch.setattr("hubbub.mailbox.reader.bodies", bodies)
    monkeypatch.setattr("hubbub.mailbox.places._TRIES_WHOLE", 3)
    office.watch(host.server())
    assert office.have(3) == ["Subject: 1", "Subject: 2", "Subject: 3"]
    assert [one.truncated for one in said_of(office)] == [False, True, False]


class Sparing(Client):
    """A client of a server that leaves one letter out of its answers, as often as it wants."""

    def __init__(self, uids, left_out, times):
        self.uids, self.left_out, self.times = uids, left_out, times

    def fetch(self, uids, _):
        said = {uid: {b"BODY[]<0>": b"letter"} for uid in uids if uid in self.uids}
        if self.left_out in said and self.times:
            self.times -= 1
            said[self.left_out] = {b"FLAGS": b""}
        return said

    def search(self, criteria):
        return [uid for uid in self.uids if str(uid) == criteria[1]]


@pytest.mark.parametrize(
    ("head", "day"),
    [
        ("Date: Mon, 2 Mar 2026 10:15:00 +0100", date(2026, 3, 2)),
        ("Subject: x\r\n folded\r\ndATE:Mon, 02 Mar 2026 10:15:00 -0000", date(2026, 3, 2)),
        ("Subject: x\r\n\r\nDate: Mon, 2 Mar 2026 10:15:00 +0100", None),
        ("Resent-Date: Mon, 2 Mar 2026 10:15:00 +0100", None),
        ("Date: yesterday", None),
        ("Date: Mon, 2 Mar 2026 10:15:00 +9999", None),
        ("Date: \u0661", None),
        ("", None),
    ],
)
def test_when_a_letter_was_written_is_read_where_it_is_told_soundly(head, day):
    found = letters.written(f"{head}\r\n\r\nHello".encode())
    assert (found and found.date()) == day


def test_a_letter_that_is_left_out_of_an_answer_is_asked_for_alone():
    found = letters.bodies(Sparing([1, 2, 3], 2, times=1), [1, 2, 3, 4], 100)
    assert found == {1: b"letter", 2: b"letter", 3: b"letter"}


def test_a_letter_that_is_there_and_not_handed_out_is_not_taken_for_one_that_is_gone():
    with pytest.raises(Transient, match="does not hand out letter 2"):
        letters.bodies(Sparing([1, 2, 3], 2, times=2), [1, 2, 3], 100)


@pytest.mark.parametrize(
    "told",
    [
        b'1 (UID 7 INTERNALDATE "01-Jan-2026 10:00:00 +9999" RFC822.SIZE NIL FLAGS (5))',
        b'1 (UID 7 INTERNALDATE "31-Dec-9999 23:59:00 -0500" FLAGS NIL)',
        b"1 (UID 7)",
    ],
)
def test_what_a_server_says_of_a_letter_need_not_make_sense(told):
    said = parse_fetch_response([told], normalise_times=False)[7]
    one = letters.letter(said, folder="INBOX", uidvalidity=1, uid=7, truncated=False)
    assert (one.arrived_at, one.size, one.flags) == (None, 0, frozenset())
    assert one.headers()["internaldate"] == ""


# --- folders -------------------------------------------------------------------------------


@pytest.mark.parametrize("without", [set(), {"MOVE"}, {"MOVE", "UIDPLUS"}])
def test_kept_letters_are_moved_where_that_does_no_harm(office, host, monkeypatch, without):
    real = Client.has_capability
    monkeypatch.setattr(
        Client, "has_capability", lambda self, name: name not in without and real(self, name)
    )
    put(host, "to be deleted by its owner", flags=[rb"\Deleted"])
    with host.owner() as owner:
        owner.create_folder("Erledigt & später")
    office.begin(host, move_to="Erledigt & später")
    put(host, 1, 2)
    office.have(2)
    moves = without != {"MOVE", "UIDPLUS"}
    with host.owner() as owner:

        def left():
            return owner.select_folder("INBOX", readonly=True)[b"EXISTS"]

        until(lambda: left() == (1 if moves else 3), "The letters are not moved.")
        if not moves:
            until(lambda: left() and owner.search("SEEN") == [2, 3], "The letters are not marked.")
        there = owner.select_folder("Erledigt & später", readonly=True)[b"EXISTS"]
        assert there == (2 if moves else 0)


def test_what_lies_in_the_folder_for_kept_letters_already_is_not_moved(office, host):
    with host.owner() as owner:
        owner.create_folder("Done")
    office.begin(host, folders=("INBOX", "Done"), move_to="Done")
    put(host, 1)
    office.have(2)
    with host.owner() as owner:
        owner.select_folder("Done", readonly=True)
        until(lambda: owner.search("SEEN"), "The letter is not marked.")
        assert owner.search() == [1]
    assert len(office.calls()) == 2


def test_a_mailbox_may_be_left_as_it_is(office, host):
    office.begin(host, mark_seen=False)
    put(host, 1)
    office.have(1)
    put(host, 2)
    office.have(2)
    office.quiet(host, 0)


def test_several_folders_are_read_and_one_that_is_missing_harms_no_other(office, host):
    office.begin(host, folders=("INBOX", "Nowhere", "Junk"))
    until(lambda: "Junk" in office.cursor(), "Junk was not looked into.")
    put(host, 1, folder="Junk")
    put(host, 2)
    office.have(2)
    assert {one.folder for one in said_of(office)} == {"INBOX", "Junk"}
    row = office.world.one("SELECT status, status_reason FROM channels")
    assert row["status"] == "error"
    assert row["status_reason"].startswith("The mailbox has no folder 'Nowhere'")


def test_a_mailbox_is_asked_where_nothing_is_to_be_pushed(office, host):
    office.begin(host, idle=False)
    put(host, 1)
    assert office.have(1) == ["Subject: 1"]


def test_a_simpler_server_is_watched_as_well(office, simpler, relay):
    between = relay(simpler.port)
    with simpler.owner() as owner:
        owner.create_folder("Done")
    office.watch(simpler.server(port=between.port), move_to="Done")
    until(office.cursor, "The mailbox was not looked into.")
    put(simpler, 1, 2)
    office.have(2)
    between.cut()
    put(simpler, 3, text="x" * 2_000_000)
    assert office.have(3) == ["Subject: 1", "Subject: 2", "Subject: 3"]
    assert bytes(office.calls()[2]["body"]) == letter(3, "x" * 2_000_000)
    with simpler.owner() as owner:
        moved = lambda: owner.select_folder("Done", readonly=True)[b"EXISTS"] == 3  # noqa: E731
        until(moved, "The letters are not moved.")
