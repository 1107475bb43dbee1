"""The channel through a real Kannel: out to the centre, in to the hub, and receipts back."""

import json
from contextlib import contextmanager
from urllib.parse import unquote_to_bytes

import pytest

from hubbub.connect import work as connect
from hubbub.sdk import Text
from tests.services.kannel import INBOUND, PASSWORD, STATUS_PASSWORD, USER, wait_for

TOKEN = "an inbound token"
OURS, ADA = "12345", "+15005550006"
CALLS = "SELECT * FROM calls ORDER BY id"


class Shop:
    """A hub and a Kannel that know each other."""

    def __init__(self, joined, kannel, line):
        self.joined, self.kannel, self.line, self._seen = joined, kannel, line, 0

    def write(self, text, to=ADA):
        self.joined.write(self.line, to, Text(text=text))

    def heard(self, calls=1):
        """Wait for Kannel's calls, and do the work that follows."""
        self._seen += calls
        wait_for(
            lambda: len(self.joined.world.rows(CALLS)) >= self._seen,
            f"Kannel made no {self._seen} calls.",
        )
        self.joined.world.pass_time(seconds=1)

    def contents(self):
        read = (row["content"] for row in self.joined.inbound())
        return [json.loads(one) if isinstance(one, str) else one for one in read]


@pytest.fixture
def shop(joined, kannel):
    """Connect a hub to a Kannel; the preset can be chosen."""

    @contextmanager
    def open_shop(preset="kannel", **more):
        line = _channel(joined, preset, "http://127.0.0.1:9", **more)
        inbound = f"{line.connection.webhook_url}?token={TOKEN.replace(' ', '%20')}&{INBOUND}"
        boxes = kannel(inbound)
        change = connect.ChannelChange(
            settings={"api_base": boxes.url, "status_page": boxes.status_page}
        )
        connect.change_channel(joined.world.hub, line.id, change, actor="cli")
        with boxes.centre() as centre:
            connect.check_channel(joined.world.hub, line.id)
            yield Shop(joined, boxes, joined.world.line(line.id)), centre

    return open_shop


def _channel(joined, preset, base, **more):
    channel_id = connect.create_channel(
        joined.world.hub,
        type="sms_gateway",
        name="Shop",
        credentials={
            "username": USER,
            "password": PASSWORD,
            "inbound_token": TOKEN,
            "status_password": STATUS_PASSWORD,
        },
        settings={"preset": preset, "api_base": base, "from_number": OURS, **more},
        actor="cli",
    )
    return joined.world.line(channel_id)


@pytest.mark.parametrize("preset", ["kannel", "kannel_query"])
def test_a_conversation_goes_through_a_real_kannel(shop, preset):
    with shop(preset) as (hub, centre):
        assert hub.joined.world.one("SELECT status FROM channels")["status"] == "connected"
        centre.text("15005550006", OURS, "Hello two  spaces")
        hub.heard()
        assert hub.contents() == [{"type": "text", "text": "Hello two  spaces"}]
        (address,) = hub.joined.world.rows("SELECT address FROM addresses")
        assert address["address"] == ADA

        hub.write('Ready & "waiting" + 100%\nat {5}')
        assert centre.heard() == b'12345 +15005550006 text Ready & "waiting" + 100%'
        assert centre.heard() == b"at {5}"
        # The fake driver tells "accepted by the centre" (8) and "delivered" (1).
        hub.heard(2)
        assert hub.joined.statuses() == ["delivered"]


@pytest.mark.parametrize("preset", ["kannel", "kannel_query"])
def test_other_alphabets_and_emoji_pass_a_real_kannel_in_both_directions(shop, preset):
    with shop(preset) as (hub, centre):
        centre.text_ucs2("15005550006", OURS, "Привет 😀")
        hub.heard()
        assert hub.contents() == [{"type": "text", "text": "Привет 😀"}]
        hub.write("Да 😀")
        sender, receiver, kind, words = centre.heard().split(b" ", 3)
        assert (sender, receiver, kind) == (b"12345", b"+15005550006", b"ucs-2")
        assert _octets(words).decode("utf-16-be") == "Да 😀"


def test_a_long_text_leaves_a_real_kannel_in_segments(shop):
    with shop() as (hub, centre):
        hub.write("a" * 307)
        lines = [centre.heard() for _ in range(3)]
        assert all(line.startswith(b"12345 +15005550006 udh ") for line in lines)
        assert [len(line) - len(line.rstrip(b"a")) for line in lines] == [153, 153, 1]


def test_wrong_words_are_told_by_a_real_kannel(shop, joined):
    with shop() as (hub, _):
        wrong = connect.ChannelChange(credentials={"password": "wrong"})
        connect.change_channel(joined.world.hub, hub.line.id, wrong, actor="cli")
        row = joined.world.one("SELECT status, status_reason FROM channels")
        assert row["status"] == "error"
        assert "Authorization failed for sendsms" in row["status_reason"]


def test_a_wrong_status_password_is_told_by_a_real_kannel(shop, joined):
    with shop() as (hub, _):
        wrong = connect.ChannelChange(credentials={"status_password": "wrong"})
        connect.change_channel(joined.world.hub, hub.line.id, wrong, actor="cli")
        row = joined.world.one("SELECT status, status_reason FROM channels")
        assert (row["status"], "Denied" in row["status_reason"]) == ("error", True)


def test_the_fake_centre_of_debian_texts_and_is_answered(joined, kannel):
    line = _channel(joined, "kannel", "http://127.0.0.1:9")
    token = TOKEN.replace(" ", "%20")
    boxes = kannel(f"{line.connection.webhook_url}?token={token}&{INBOUND}")
    change = connect.ChannelChange(settings={"api_base": boxes.url})
    connect.change_channel(joined.world.hub, line.id, change, actor="cli")
    report = boxes.fake_centre("15005550006 12345 text Is it  ready?")
    shop = Shop(joined, boxes, joined.world.line(line.id))
    shop.heard()
    assert shop.contents() == [{"type": "text", "text": "Is it  ready?"}]
    shop.write("Yes, it is")
    said = b"12345 +15005550006 text Yes, it is"
    wait_for(lambda: said in report.read_bytes(), "The fake centre got nothing.")
    shop.heard(2)
    assert joined.statuses() == ["delivered"]


def _octets(text):
    return unquote_to_bytes(text.replace(b"+", b" "))


SMPP = """
group = smsc
smsc = smpp
smsc-id = lab
host = 127.0.0.1
port = {port}
transceiver-mode = true
smsc-username = kannel
smsc-password = word
system-type = ""
interface-version = 34
source-addr-autodetect = true
"""


def test_a_real_kannel_finds_in_the_sandbox_a_message_centre_that_speaks_smpp(joined, kannel):
    """An outside judge of the sandbox's side of SMPP, by which the type `sms_smpp` is tested."""
    account = {"system_id": "kannel", "password": "word", "numbers": [OURS]}
    port = joined.control("centres", account)["address"].rpartition(":")[2]
    joined.control("rules", {"smsc_sent_after": 0, "smsc_delivered_after": 0}, method="PATCH")
    line = _channel(joined, "kannel", "http://127.0.0.1:9")
    inbound = f"{line.connection.webhook_url}?token={TOKEN.replace(' ', '%20')}&{INBOUND}"
    boxes = kannel(inbound, SMPP.format(port=port))
    boxes.until_online()
    change = connect.ChannelChange(settings={"api_base": boxes.url})
    connect.change_channel(joined.world.hub, line.id, change, actor="cli")
    shop = Shop(joined, boxes, joined.world.line(line.id))
    long = "Überall €uro und 😀, " * 10

    for text in ("Hello {two}", long):
        joined.control("smsc/kannel/messages", {"from": ADA, "to": OURS, "text": text})
        shop.heard()
    assert [content["text"] for content in shop.contents()] == ["Hello {two}", long]

    # Kannel tells each step: taken, on its way, delivered.
    shop.write(long)
    shop.heard(3)
    assert joined.statuses() == ["delivered"]
    assert [sent["text"] for sent in joined.sent()] == [long]
