"""Each channel type from the first word to the last receipt, through the hub's API alone.

The sandbox is the provider: it was written from the fact sheets, and tells what it received.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)
from flask import Flask

from hubbub.api import make_api
from hubbub.loading import load
from hubbub.people.tokens import create_token
from tests.services.kannel import INBOUND

ANN, OURS = "+12065550107", "+12025550100"
QUESTION, ANSWER = "Is it open today? Café 😀", "Yes, till 6 & welcome"
#: What the contract says of every message.
KEYS = {
    *("id", "channel_id", "conversation_id", "contact_id", "direction", "content", "sender"),
    *("external_id", "reply_to", "status", "error", "provider_at", "created_at"),
}
#: Receipts come when the test says so.
QUIET = {
    f"{name}_receipts": False for name in ("twilio", "vonage", "gateway", "whatsapp", "messenger")
}


class Like:
    """Equals every text of a pattern."""

    def __init__(self, pattern):
        self.pattern = pattern

    def __eq__(self, other):
        return isinstance(other, str) and re.fullmatch(self.pattern, other) is not None

    def __hash__(self):
        return hash(self.pattern)

    def __repr__(self):
        return f"Like({self.pattern!r})"


WEBHOOK = r"http://127\.0\.0\.1:\d+/webhooks/[a-z0-9]{20,}"
REFERENCE = Like(r"\w{26}")


@dataclass(frozen=True, kw_only=True)
class Journey:
    """What is special about a channel type on the way of one conversation."""

    type: str
    #: The provider in the sandbox, and the account there.
    at: str
    credentials: Mapping[str, str]
    settings: Mapping[str, str]
    #: How the sandbox learns of the account, before the hub connects or once it has an address.
    known_before: tuple[str, Mapping[str, Any]] | None = None
    known_after: Callable[[str], tuple[str, Mapping[str, Any]]] | None = None
    #: The provider tries the address of the hub.
    shakes_hands: bool = False
    #: What the customer does, what the provider calls it, and who they are to the hub.
    says: Mapping[str, Any]
    named: str
    external_id: str = "{}"
    sender: Mapping[str, Any]
    #: What they say that nobody understands.
    strange: Mapping[str, Any] | None = None
    #: All that the one request with our answer says, and who answers.
    asked: Mapping[str, Any]
    ours: str
    #: What happens to our answer, and the status that follows.
    told: tuple[tuple[str, Mapping[str, Any], str], ...] = ()


def receipts(name, *statuses, **more):
    """Let the provider tell these statuses, each in its own word; ``name`` names the message."""
    return tuple(
        ("receipts", {name: "{}", "status": told, **more}, status) for told, status in statuses
    )


SMS = {"from": ANN, "to": OURS}
SENT, DELIVERED = ("sent", "sent"), ("delivered", "delivered")


def telegram():
    return Journey(
        type="telegram",
        at="telegram/5550900",
        credentials={"token": f"5550900:{'A' * 35}"},
        settings={"mode": "webhook"},
        says={"from": {"id": 5550001, "first_name": "Ann"}, "text": QUESTION},
        named="message_id",
        external_id="5550001:{}",
        sender={"address": "5550001", "name": "Ann"},
        strange={"from": {"id": 5550001, "first_name": "Ann"}, "hologram": {"file_id": "1"}},
        asked={"chat_id": 5550001, "text": ANSWER},
        ours="@sandbox_5550900_bot",
    )


def sms_twilio():
    account = "AC" + "0" * 31 + "9"
    return Journey(
        type="sms_twilio",
        at=f"twilio/{account}",
        credentials={"account_sid": account, "auth_token": "0123456789abcdef0123456789abcdef"},
        settings={"from_number": OURS},
        says=SMS | {"body": QUESTION},
        named="sid",
        sender={"address": ANN, "name": None},
        asked={
            "To": ANN,
            "From": OURS,
            "Body": ANSWER,
            "StatusCallback": Like(WEBHOOK + r"\?d=\w{26}#rc=5&rp=all"),
        },
        ours=OURS,
        told=receipts("sid", SENT, DELIVERED),
    )


def sms_vonage():
    application = "22222222-2222-4222-8222-222222222222"
    account = {"api_key": "abcd1234", "api_secret": "Fict1tiousApiSecret"}
    secret = {"signature_secret": "Fict1tiousSignatureSecret0123456789abcd"}
    key = rsa.generate_private_key(65537, 2048)
    private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
    public = key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()
    ours, ann = OURS.lstrip("+"), ANN.lstrip("+")
    proof = {"application_id": application, **account, **secret}
    return Journey(
        type="sms_vonage",
        at=f"vonage/{application}",
        credentials=proof | {"private_key": private},
        settings={"from_number": OURS},
        known_before=("applications", proof | {"public_key": public, "numbers": [ours]}),
        says={"from": ann, "to": ours, "text": QUESTION},
        named="message_uuid",
        sender={"address": ANN, "name": None},
        strange={"from": ann, "to": ours, "fields": {"message_type": "hologram"}},
        asked={
            "channel": "sms",
            "message_type": "text",
            "to": ann,
            "from": ours,
            "text": ANSWER,
            "client_ref": REFERENCE,
            "webhook_url": Like(WEBHOOK),
            "webhook_version": "v1",
            "sms": {"encoding_type": "auto"},
        },
        ours=OURS,
        told=receipts("message_uuid", ("submitted", "sent"), DELIVERED),
    )


def sms_gateway():
    user = {"username": "chatapp", "password": "Fict1tious"}
    inbound = "token=inbound-word&" + INBOUND
    return Journey(
        type="sms_gateway",
        at="gateway/chatapp",
        credentials=user | {"inbound_token": "inbound-word"},
        settings={"preset": "kannel", "from_number": "12345"},
        known_after=lambda url: (
            "gateways",
            user | {"numbers": ["12345"], "get_url": f"{url}?{inbound}"},
        ),
        says={"from": ANN, "to": "12345", "text": QUESTION},
        named="id",
        sender={"address": ANN, "name": None},
        asked={
            "username": "chatapp",
            "from": "12345",
            "to": ANN,
            "text": ANSWER,
            "coding": "0",
            "charset": "UTF-8",
            "dlr-mask": "31",
            "dlr-url": Like(
                WEBHOOK + r"\?hubbub_ref=\w{26}&token=[\w-]{40,}"
                r"&status=%d&ans=%A&foreign=%F&ts=%T&smsc=%i"
            ),
        },
        ours="12345",
        told=receipts("id", ("accepted", "sent"), DELIVERED),
    )


def whatsapp_cloud():
    proof = {"access_token": "EAATest", "app_secret": "f1c71710" * 4}
    number = {"phone_number_id": "106540352242922", "business_account_id": "102290129340398"}
    app = {"app_id": "700700700700700"}
    return Journey(
        type="whatsapp_cloud",
        at=f"whatsapp/{number['phone_number_id']}",
        credentials=proof,
        settings=number | app,
        known_before=("numbers", number | app | proof | {"display_phone_number": OURS}),
        shakes_hands=True,
        says={"from": ANN, "name": "Ann Test", "text": QUESTION},
        named="id",
        sender={"address": ANN, "name": "Ann Test"},
        strange={"from": ANN, "message": {"type": "hologram", "hologram": {"id": "1"}}},
        asked={
            "messaging_product": "whatsapp",
            "recipient_type": "individual",
            "to": ANN.lstrip("+"),
            "type": "text",
            "text": {"body": ANSWER},
            "biz_opaque_callback_data": REFERENCE,
        },
        ours=OURS,
        told=(*receipts("id", SENT, DELIVERED), ("openings", {"from": ANN}, "read")),
    )


def whatsapp_onpremise():
    user = {"username": "hub-user", "password": "Fict1tious-Passw0rd"}
    return Journey(
        type="whatsapp_onpremise",
        at="onprem/hub-user",
        credentials=user,
        settings={"namespace": "aaaa_bbbb"},
        known_before=("clients", user | {"display_phone_number": OURS}),
        says={"from": ANN, "name": "Ann Test", "text": QUESTION},
        named="id",
        sender={"address": ANN, "name": "Ann Test"},
        strange={"from": ANN, "message": {"type": "hologram", "hologram": {"id": "1"}}},
        asked={
            "to": ANN.lstrip("+"),
            "recipient_type": "individual",
            "type": "text",
            "text": {"body": ANSWER},
        },
        ours=OURS,
        told=(*receipts("id", SENT, DELIVERED), ("openings", {"from": ANN}, "read")),
    )


def messenger():
    page, person = "100000000000001", "7770001112223334"
    proof = {"page_access_token": "EAATest", "app_secret": "f1c71710" * 4}
    app = {"page_id": page, "app_id": "700700700700700"}
    return Journey(
        type="messenger",
        at=f"messenger/{page}",
        credentials=proof,
        settings=app,
        known_before=("pages", app | proof),
        shakes_hands=True,
        says={"from": person, "name": "Ann Test", "text": QUESTION},
        named="mid",
        sender={"address": person, "name": "Ann Test"},
        strange={"from": person, "message": {"attachments": [{"type": "hologram"}]}},
        asked={
            "recipient": {"id": person},
            "messaging_type": "RESPONSE",
            "message": {"text": ANSWER, "metadata": REFERENCE},
        },
        ours=page,
        told=(
            *receipts("id", ("delivered", "delivered"), names=False),
            ("openings", {"from": person}, "read"),
        ),
    )


JOURNEYS = {
    make.__name__: make
    for make in (
        telegram,
        sms_twilio,
        sms_vonage,
        sms_gateway,
        whatsapp_cloud,
        whatsapp_onpremise,
        messenger,
    )
}
#: A listener holds their session or watches their mailbox, or the hub itself is the provider
#: (`tests.core.widget`): tests of their own go this way.
OTHERWISE = {"sms_smpp", "email", "webchat"}
#: Their messages have no kinds, so that none can be unknown.
KINDLESS = {"sms_twilio", "sms_gateway"}


class Traveller:
    """Takes the way of one conversation: as a program at the API, and as the customer."""

    def __init__(self, joined, journey):
        self.joined, self.journey = joined, journey
        app = Flask("test", static_folder=None)
        app.register_blueprint(make_api(joined.world.hub))
        self._http = app.test_client()
        _, self._token = create_token(joined.world.hub, name="test", actor="cli")

    def api(self, method, path, body=None, *, status=200, **headers):
        """Call the API, and do the work that follows."""
        headers["Authorization"] = f"Bearer {self._token}"
        answer = self._http.open(f"/api/v1{path}", method=method, json=body, headers=headers)
        assert answer.status_code == status, answer.text
        self.joined.world.work()
        return answer.json

    def connect(self):
        """Connect the channel, each side knowing the other."""
        way = self.journey
        if way.known_before:
            self.joined.control(*way.known_before)
        base = {"api_base": f"{self.joined.sandbox.url}/{way.at.partition('/')[0]}"}
        body = {"type": way.type, "name": "Shop", "credentials": way.credentials}
        channel = self.api(
            "POST", "/channels", body | {"settings": base | way.settings}, status=201
        )
        if way.known_after:
            self.joined.control(*way.known_after(channel["webhook_url"]))
        if way.shakes_hands:
            assert self.joined.heard() == [200]
        return channel

    def happens(self, what, body):
        """Let something happen at the provider, and the hub hear of it."""
        told = self.joined.control(f"{self.journey.at}/{what}", body)
        (status,) = self.joined.heard()
        assert status in {200, 204}
        return told


@pytest.fixture
def travel(joined):
    """Return a maker of travellers, by type."""
    # Some providers sign the time of day, and windows count from it.
    joined.world.clock.now = datetime.now(UTC)
    joined.control("rules", QUIET, method="PATCH")
    return lambda kind: Traveller(joined, JOURNEYS[kind]())


@pytest.mark.parametrize("kind", JOURNEYS)
def test_a_conversation_from_the_first_word_to_the_last_receipt(travel, kind):
    hub = travel(kind)
    way, channel = hub.journey, hub.connect()
    assert (channel["type"], channel["status"]) == (kind, "connected")
    assert "credentials" not in channel

    said = hub.happens("messages", way.says)
    (conversation,) = hub.api("GET", f"/conversations?channel_id={channel['id']}")["items"]
    (inbound,) = hub.api("GET", f"/conversations/{conversation['id']}/messages")["items"]
    assert inbound.keys() >= KEYS
    assert (inbound["direction"], inbound["status"]) == ("inbound", "received")
    assert inbound["content"] == {"type": "text", "text": QUESTION}
    assert inbound["sender"] == way.sender
    assert inbound["external_id"] == way.external_id.format(said[way.named])

    answer = {"conversation_id": conversation["id"]}
    answer |= {"content": {"type": "text", "text": ANSWER}}
    once = {"status": 202, "Idempotency-Key": "one"}
    message = hub.api("POST", "/messages", answer, **once)
    assert message.keys() >= KEYS
    assert (message["direction"], message["status"]) == ("outbound", "queued")
    assert hub.api("POST", "/messages", answer, **once)["id"] == message["id"]
    (sent,) = hub.joined.sent()
    assert sent["params"] == way.asked

    found = f"/messages/{message['id']}"
    shown = hub.api("GET", found)
    assert shown["status"] == "sent"
    assert shown["sender"]["address"] == way.ours
    for what, body, status in way.told:
        named = {name: sent["external_id"] if one == "{}" else one for name, one in body.items()}
        hub.happens(what, named)
        assert hub.api("GET", found)["status"] == status
    both = hub.api("GET", f"/conversations/{conversation['id']}/messages")["items"]
    assert [one["id"] for one in both] == [inbound["id"], message["id"]]
    stages = {one["stage"] for one in hub.api("GET", f"{found}/trace")["items"]}
    assert stages == ({"deliver", "track"} if way.told else {"deliver"})


def test_every_type_has_gone_this_way():
    built_in = load(Path(__file__).parents[2] / "plugins.toml")
    assert built_in.channels.keys() == JOURNEYS.keys() | OTHERWISE


@pytest.mark.parametrize("kind", [kind for kind in JOURNEYS if kind not in KINDLESS])
def test_what_nobody_understands_is_unsupported_and_its_call_is_kept(travel, kind):
    hub = travel(kind)
    channel = hub.connect()
    hub.happens("messages", hub.journey.strange)
    (message,) = hub.api("GET", f"/messages?channel_id={channel['id']}")["items"]
    assert message["content"] == {"type": "unsupported", "provider_type": "hologram"}
    (event,) = hub.api("GET", f"/events?channel_id={channel['id']}")["items"]
    assert (event["state"], event["applied"], event["dead"]) == ("done", 1, 0)
    assert "hologram" in hub.api("GET", f"/events/{event['id']}")["body"]
