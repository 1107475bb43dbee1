"""A hub whose channel is bound to the sandbox's message centre."""

import threading
import time
from datetime import timedelta

import pytest

from hubbub import listener as listening
from hubbub.connect import work as connect
from hubbub.guard import Guard
from hubbub.listener import Listener
from hubbub.transports import Transports
from tests.plugins.conftest import LOOPBACK, PATIENCE

ADA, OURS = "+447700900123", "+15550100"
SYSTEM_ID, PASSWORD = "shop", "pass-canary"


class BoundHub:
    """A hub, a message centre, and a listener that holds the session between them."""

    def __init__(self, joined):
        self.joined = joined
        self.world = joined.world
        self.listener = Listener(joined.world.hub)
        made = joined.control(
            "centres", {"system_id": SYSTEM_ID, "password": PASSWORD, "numbers": [OURS]}
        )
        self.address = made["address"]

    def open(self, **settings):
        """Add the channel."""
        channel_id = connect.create_channel(
            self.world.hub,
            type="sms_smpp",
            name="Shop",
            credentials={"password": settings.pop("password", PASSWORD)},
            settings={
                "api_base": self.address,
                "system_id": SYSTEM_ID,
                "from_number": OURS,
                **settings,
            },
            actor="cli",
        )
        self.line = self.world.line(channel_id)
        return self

    def hold(self, sessions=1):
        """Let the listener take the channel, and wait until it is bound."""
        self.listener.look()
        self.until(lambda: self.world.hub.redis.exists(f"hubbub:session:{self.line.id}:held"))
        # A check may have tried a bind of its own a moment ago.
        self.until(lambda: self.sessions() == sessions)
        return self

    def sessions(self):
        return self.account()["sessions"]

    def account(self):
        """Return what the centre says of the channel's account."""
        (account,) = self.joined.http.get("/_sandbox/centres").json["items"]
        return account

    def say(self, text, **more):
        """Let a customer write."""
        self.joined.control(
            f"smsc/{SYSTEM_ID}/messages", {"from": ADA, "to": OURS, "text": text, **more}
        )

    def status(self):
        return self.world.one("SELECT status, status_reason FROM channels")

    @staticmethod
    def until(condition):
        """Wait until ``condition`` holds."""
        pause, end = threading.Event(), time.monotonic() + PATIENCE
        while not condition():
            assert time.monotonic() < end, "It did not come to pass."
            pause.wait(0.005)


@pytest.fixture
def bound(joined, fake_redis, monkeypatch):
    monkeypatch.setattr(listening, "_RECONNECT", timedelta(milliseconds=20))
    joined.world.hub.http = Transports(Guard(LOOPBACK), fake_redis, joined.world.hub.media)
    joined.control("rules", {"smsc_sent_after": 0, "smsc_delivered_after": 0}, method="PATCH")
    made = BoundHub(joined)
    yield made
    made.listener.stop()
