"""Give tests real mail servers, and a hub that watches a mailbox there."""

import itertools
from dataclasses import replace
from datetime import timedelta

import pytest

from hubbub import process
from hubbub.connect import work as connect
from hubbub.listener import Listener
from hubbub.mailbox.patience import Pace
from hubbub.sdk.mailbox import Mailbox
from hubbub.store.session import make_engine
from tests.services.dovecot import until
from tests.services.mailsim import sandbox_mailbox
from tests.services.mortal import POSTBOX, watching
from tests.services.peers import serve
from tests.services.postbox import Mailboxes
from tests.services.pymap import pymap
from tests.services.relay import Relay
from tests.services.world import make_world

__all__ = ["pymap", "serve"]

PACE_OF_POLLS = timedelta(seconds=0.2)
PACE = Pace(first_pause=0.05, longest_pause=0.2, look=0.05, grace=0.3, silence=5.0)
_numbers = itertools.count()


@pytest.fixture
def host(dovecot):
    """A mailbox of the test's own on Dovecot."""
    dovecot.username = f"ann{next(_numbers)}"
    return dovecot


@pytest.fixture(params=["pymap", "sandbox"])
def simpler(request):
    """A server that can do less than Dovecot."""
    if request.param == "pymap":
        yield request.getfixturevalue("pymap")
        return
    with sandbox_mailbox() as mailbox:
        yield mailbox


@pytest.fixture
def relay():
    """Put a relay before a port: ``relay(port, budget)``."""
    made = []

    def make(*given):
        made.append(Relay(*given))
        return made[-1]

    yield make
    for one in made:
        one.close()


class Office:
    """A hub with one channel, and the listeners that watch its mailbox."""

    def __init__(self, world):
        self.world = world
        self.hub = world.hub
        self.channel_id = connect.create_channel(
            world.hub, type="postbox", name="Office", credentials={}, settings={}, actor="cli"
        )
        self.listeners = []

    def watch(self, server, *, pace=PACE, hub=None, **given):
        """Begin to watch; returns the listener."""
        defaults = {"server": server, "poll_every": PACE_OF_POLLS}
        Mailboxes.now = Mailbox(**{**defaults, **given})
        listener = Listener(replace(self.hub, **(hub or {})), pace)
        self.listeners.append(listener)
        listener.look()
        return listener

    def begin(self, host, **given):
        """Watch until the mailbox has been seen, and nothing is new any more."""
        listener = self.watch(host.server(), **given)
        until(self.cursor, "The mailbox was not looked into.")
        return listener

    def line(self):
        return self.world.line(self.channel_id)

    def cursor(self):
        rows = self.world.rows("SELECT cursor FROM source_cursors")
        return rows[0]["cursor"] if rows else ""

    def calls(self):
        return self.world.rows("SELECT * FROM calls ORDER BY id")

    def subjects(self):
        """The subjects of the letters that were kept, in order."""
        return [
            bytes(one["body"]).split(b"\r\n")[0].decode("utf-8", "replace") for one in self.calls()
        ]

    def have(self, count):
        until(lambda: len(self.calls()) >= count, lambda: f"{self.subjects()}, not {count}")
        return self.subjects()

    def quiet(self, host, expected):
        """Wait until every letter of INBOX is marked; return how many there are."""
        with host.owner() as owner:
            owner.select_folder("INBOX", readonly=True)
            until(lambda: len(owner.search("SEEN")) == expected, "Letters are not marked.")


@pytest.fixture
def sqlite_engine(sqlite_url):
    engine = make_engine(sqlite_url)
    yield engine
    engine.dispose()


@pytest.fixture
def make_mortal(office, sqlite_url, tmp_path):
    """Watch the office's mailbox in another process: ``make_mortal(mailbox)``."""
    made = []
    settings = {
        "database_url": sqlite_url,
        "data_dir": tmp_path / "var",
        "secret_key": "a key for tests alone",
        "allow_private_networks": "127.0.0.0/8",
    }

    def make(mailbox):
        made.append(watching(settings, tmp_path / "mortal", mailbox, PACE))
        made[-1].start()
        return made[-1]

    yield make
    for one in made:
        one.kill()
        one.join()


@pytest.fixture
def office(make_settings, sqlite_engine, fake_redis, tmp_path):
    settings = make_settings(allow_private_networks="127.0.0.0/8")
    world = make_world(
        settings,
        sqlite_engine,
        fake_redis,
        tmp_path,
        guests=[POSTBOX],
        sections="[plugins.postbox]\n",
    )
    made = Office(world)
    yield made
    for listener in made.listeners:
        listener.stop()
    Mailboxes.now = None
    process.stop_couriers()
