"""The channel from end to end at the simulated client, which was written from the fact sheet."""

import base64
import json

import pytest

from hubbub.connect.work import check_channel, delete_channel
from hubbub.sdk import (
    Attachment,
    Card,
    Choices,
    Contacts,
    Location,
    Media,
    Option,
    Reaction,
    Template,
    Text,
)
from hubbub.store.session import transaction
from hubbub.store.tables import MediaFile, table
from hubbub.store.types import new_id
from tests.plugins.whatsapp_onprem.conftest import PASSWORD, USERNAME

ANN, BOB = "+15550100199", "+15550100111"
CLIENT = {"username": USERNAME, "password": PASSWORD, "namespace": "aaaa_bbbb"}
JPEG = b"\xff\xd8\xff\xe0 a picture"


class Shop:
    """A hub with one client, as customers see it."""

    def __init__(self, joined):
        self.joined = joined
        joined.control("clients", CLIENT)
        joined.control(
            "rules", {"whatsapp_sent_after": 0, "whatsapp_delivered_after": 0}, method="PATCH"
        )
        self.line = joined.channel(
            "whatsapp_onpremise",
            {"username": USERNAME, "password": PASSWORD},
            namespace="aaaa_bbbb",
        )

    def act(self, action, **body):
        """Act as a customer."""
        return self.joined.control(f"onprem/{USERNAME}/{action}", body)

    def hear(self, text="Hello", sender=ANN, **more):
        """Let a customer write, and the hub read it."""
        said = self.act("messages", **{"from": sender, "name": "Ann", "text": text, **more})
        assert self.joined.heard() == [200]
        return said

    def say(self, *contents, to=ANN):
        self.joined.write(self.line, to, *contents)

    def told(self, calls=2):
        """Wait for what the client tells of a message."""
        assert set(self.joined.heard(calls)) == {200}

    def client(self):
        (client,) = self.joined.http.get("/_sandbox/clients").json["items"]
        return client

    def contents(self):
        return [json.loads(row["content"]) for row in self.joined.inbound()]

    def store(self, data, mime_type):
        """Keep a file of ours."""
        media_id = new_id()
        hub = self.joined.world.hub
        hub.media.put(media_id, data)
        row = {"id": media_id, "state": "ready", "mime_type": mime_type, "filename": "cup.jpg"}
        with transaction(hub.engine) as db:
            now = hub.now()
            more = {"size": len(data), "created_at": now, "due_at": now}
            db.execute(table(MediaFile).insert(), {**row, **more})
        return Media(id=media_id)


@pytest.fixture
def shop(joined):
    return Shop(joined)


def test_a_channel_logs_in_once_and_enters_its_webhook(shop):
    client = shop.client()
    assert client["webhook"] == shop.line.connection.webhook_url
    assert client["logins"] == 1
    assert all(one.ok for one in check_channel(shop.joined.world.hub, shop.line.id))
    assert shop.line.hooks.sender(shop.line.connection) == "+442079460100"
    assert shop.client()["logins"] == 1


def test_what_people_write_and_send_is_heard(shop):
    shop.hear("Hello")
    shop.hear(
        "mine",
        upload={
            "kind": "image",
            "data": base64.b64encode(JPEG).decode(),
            "mime_type": "image/jpeg",
        },
    )
    shop.hear("", upload={"kind": "voice", "data": base64.b64encode(b"OggS").decode()})
    said = shop.contents()
    assert [one["type"] for one in said] == ["text", "image", "voice"]
    assert said[0]["text"] == "Hello"
    rows = shop.joined.world.rows("SELECT state FROM media ORDER BY created_at")
    assert [row["state"] for row in rows] == ["ready", "ready"]


def test_everything_that_can_be_said_arrives_and_is_told_of(shop):
    heard = shop.hear()
    contents = (
        Text(text="See https://example.org"),
        Location(latitude=48.1, longitude=11.5, name="Cafe"),
        Contacts(contacts=(Card(name="Bob", phones=(BOB,)),)),
        Reaction(emoji="👍", target_external_id=heard["id"]),
        Choices(text="Ready?", options=(Option(id="y", title="Yes"), Option(id="n", title="No"))),
        Attachment(type="image", media=shop.store(JPEG, "image/jpeg"), caption="Blue"),
    )
    shop.say(*contents)
    kinds = [one["params"]["type"] for one in shop.joined.sent()]
    assert kinds == ["text", "location", "contacts", "interactive", "image"]
    shop.told(11)  # a reaction is never delivered
    assert shop.joined.statuses() == [*["delivered"] * 3, "sent", *["delivered"] * 2]


def test_a_button_that_is_pressed_is_a_choice(shop):
    shop.hear()
    shop.say(Choices(text="Ready?", options=(Option(id="y", title="Yes"),)))
    shop.told()
    (sent,) = shop.joined.sent()
    shop.act("presses", **{"from": ANN, "message_id": sent["external_id"], "data": "y"})
    shop.joined.heard()
    assert shop.contents()[-1] == {"type": "choice", "id": "y", "title": "Yes"}


def test_a_template_reaches_who_never_wrote(shop):
    shop.say(Template(name="hello_world", language="en_US"), to=BOB)
    (sent,) = shop.joined.sent()
    assert sent["params"]["template"]["name"] == "hello_world"


def test_who_is_known_by_another_number_is_found_and_written_to(shop):
    shop.act("people", **{"from": "+551187650000", "dialled": ["5511987650000"]})
    shop.say(Template(name="hello_world", language="en_US"), to="+5511987650000")
    assert [one["params"]["to"] for one in shop.joined.sent()] == ["551187650000"]
    row = shop.joined.world.one("SELECT address FROM addresses")
    assert row["address"] == "+551187650000"


def test_who_is_not_on_whatsapp_is_not_written_to_again(shop):
    shop.act("people", **{"from": BOB, "on_whatsapp": False})
    shop.say(Template(name="hello_world", language="en_US"), to=BOB)
    assert shop.joined.statuses() == ["failed"]
    assert shop.joined.sent() == []


def test_a_login_that_ended_is_renewed_in_the_middle_of_a_send(shop):
    shop.hear()
    shop.joined.fault("token_revoked", "Messages.send", times=1)
    shop.say(Text(text="Hello"))
    assert [one["text"] for one in shop.joined.sent()] == ["Hello"]


def test_a_client_that_is_disconnected_is_found(shop):
    shop.joined.control("clients", {**CLIENT, "gateway_status": "disconnected"})
    found = check_channel(shop.joined.world.hub, shop.line.id)
    assert [one.code for one in found if not one.ok] == ["health"]


def test_a_number_that_changed_is_the_same_contact(shop):
    shop.hear()
    shop.act("moves", **{"from": ANN, "to": "+15550100177", "user_id": "US.7"})
    shop.joined.heard()
    row = shop.joined.world.one("SELECT address FROM addresses")
    assert row["address"] == "+15550100177"


def test_a_channel_that_is_deleted_is_called_no_more(shop):
    delete_channel(shop.joined.world.hub, shop.line.id, actor="cli")
    assert (shop.client()["webhook"], shop.client()["logins"]) == ("", 0)
