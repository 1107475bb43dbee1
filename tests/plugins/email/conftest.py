"""Give tests a hub with an email channel, a mail server that takes its letters, and the post."""

import email
import email.policy
from email.message import EmailMessage

import pytest

from hubbub import process
from hubbub.connect import work as connect
from hubbub.deliver import work as deliver
from hubbub.deliver.actors import nudge_deliver
from hubbub.guard import Guard
from hubbub.receive.work import keep_fetched
from hubbub.sdk import Call, Headers
from hubbub.sdk.mailbox import LETTER, Letter
from hubbub.store.session import make_engine, transaction
from hubbub.transports import Transports
from hubbub.worker import equip
from tests.services.office import Office
from tests.services.peers import LOOPBACK, serve
from tests.services.sqlite import fresh_sqlite
from tests.services.world import make_world

__all__ = ["serve"]

OURS, ADA = "support@hub.test", "ada@a.example"
USUAL = (
    "[plugins.email]\n",
    {"from_address": OURS, "from_name": "Shop", "smtp_security": "none"},
)


class Post:
    """A hub with an email channel; letters go to the office, and come in as a listener brings them."""

    def __init__(self, world, office, port):
        self.world, self.office, self.port = world, office, port
        self.count = 0
        self.channel_id = ""

    def awake(self):
        """Be the hub whose actors run, where there are several."""
        process.stop_couriers()
        process._process.carriers.clear()
        equip(self.world.hub)

    def open(self, *, credentials=None, **settings):
        """Connect the channel."""
        self.channel_id = connect.create_channel(
            self.world.hub,
            type="email",
            name="Shop",
            credentials=credentials or {"smtp_password": "password-of-the-shop"},
            settings={**USUAL[1], "smtp_host": "127.0.0.1", "smtp_port": self.port, **settings},
            actor="cli",
        )
        self.office.heard.clear()
        return self

    @property
    def line(self):
        return self.world.line(self.channel_id)

    def arrive(self, *letters, **said):
        """Let letters come in, and do all the work that follows."""
        calls = []
        for whole in letters:
            self.count += 1
            arrival = Letter(folder="INBOX", uidvalidity=1, uid=self.count, **said)
            calls.append(
                Call(
                    method=LETTER,
                    url="",
                    headers=Headers(arrival.headers()),
                    body=bytes(whole),
                    received_at=self.world.clock.now,
                )
            )
        keep_fetched(self.world.hub, self.line, calls, cursor=str(self.count))
        self.world.work()

    def hears(self, text="Is it open?", *, sender=ADA, subject="Hours", to=OURS, **fields):
        """Let somebody write; returns the letter's Message-ID."""
        self.count += 1
        made = EmailMessage(policy=email.policy.SMTP)
        made["From"], made["To"], made["Subject"] = sender, to, subject
        made["Message-ID"] = f"<{self.count}@a.example>"
        for name, value in fields.items():
            made[name.replace("_", "-")] = value
        made.set_content(text)
        self.arrive(made.as_bytes())
        return str(made["Message-ID"])

    def write(self, content, *, conversation=None, to=ADA, author="api:t", **more):
        """Write to somebody, and carry it out; returns our id of the message."""
        with transaction(self.world.hub.engine) as db:
            conversation = conversation or deliver.start_conversation(
                self.world.hub, db, channel_id=self.channel_id, address=to
            )
            message = deliver.submit(
                self.world.hub,
                db,
                conversation_id=conversation,
                content=content,
                author=author,
                **more,
            )
        nudge_deliver(self.world.hub)
        self.world.work()
        return message

    @property
    def letters(self):
        """What the office took, read by the standard library."""
        return [
            email.message_from_bytes(whole, policy=email.policy.default)
            for whole in self.office.letters
        ]

    def conversations(self):
        return self.world.rows("SELECT * FROM conversations ORDER BY id")

    def outbound(self):
        return self.world.rows("SELECT * FROM messages WHERE direction = 'outbound' ORDER BY id")

    def inbound(self):
        return self.world.rows("SELECT * FROM messages WHERE direction = 'inbound' ORDER BY id")


@pytest.fixture
def make_post(make_settings, fake_redis, serve):
    """Make hubs, each with a mail server that it reaches over loopback; no channel yet."""
    made = []

    def make(folder, *, sections=""):
        folder.mkdir(exist_ok=True)
        office = Office("SIZE 35882577", "AUTH PLAIN LOGIN XOAUTH2")
        world = make_world(
            make_settings(allow_private_networks="127.0.0.0/8"),
            make_engine(fresh_sqlite(folder)),
            fake_redis,
            folder,
            sections=USUAL[0] + sections,
        )
        world.hub.http = Transports(Guard(LOOPBACK), fake_redis, world.hub.media)
        made.append(world)
        return Post(world, office, serve(office).port)

    yield make
    process.stop_couriers()
    for world in made:
        world.hub.http.close()
        world.hub.engine.dispose()


@pytest.fixture
def post(make_post, tmp_path):
    """A hub and a mail server that reach each other over loopback; no channel yet."""
    return make_post(tmp_path)
