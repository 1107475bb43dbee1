"""The channel through a whole hub: everything is real but Meta."""

import io
import json
from typing import Any

import pytest

from hubbub import process
from hubbub.connect import work as connect
from hubbub.connect.actors import nudge_templates
from hubbub.deliver import work as deliver
from hubbub.deliver.actors import nudge_deliver
from hubbub.deliver.rules import Refused
from hubbub.sdk import Choices, Option, Template, Text
from hubbub.store.session import make_engine, reading, transaction
from tests.plugins.whatsapp_cloud.conftest import (
    ACCOUNT_ID,
    ANN,
    APP_ID,
    APP_SECRET,
    GRAPH,
    NUMBER_ID,
    PAYLOADS,
    TOKEN,
    signature,
)
from tests.services.world import make_world

SENT = "wamid.OUT0001"
BOB = "+15550100111"
TEMPLATES = ("templates_first_200.json", "templates_last_200.json")
WELCOME = Template(
    name="welcome", language="en_US", parameters={"header.first_name": "Ann", "city": "Oslo"}
)
CODE = Template(name="code", language="en_US", parameters={"1": "123", "button.0.url": "123"})


class Hub:
    """A hub with one channel, and short words for what Meta and the hub's people do."""

    def __init__(self, world):
        self.world = world
        self.line: Any = None
        self.dead = False

    def open(self, number=NUMBER_ID, **settings):
        self.world.provider.will(*[self._graph] * 8)
        channel_id = connect.create_channel(
            self.world.hub,
            type="whatsapp_cloud",
            name=f"Shop {number}",
            credentials={"access_token": TOKEN, "app_secret": APP_SECRET},
            settings={
                "phone_number_id": number,
                "business_account_id": ACCOUNT_ID,
                "app_id": APP_ID,
                **settings,
            },
            actor="cli",
        )
        self.line = self.world.line(channel_id)
        self.asked = list(self.world.provider.requests)
        self.world.provider.answers.clear()
        self.world.provider.requests.clear()
        return self

    def _graph(self, request):
        """Let Meta answer what a check or a set-up asks."""
        names = {
            "subscribed_apps": "subscribed_200.json",
            "phone_numbers": "numbers_200.json",
            "debug_token": "token_200.json",
        }
        name = next((names[part] for part in names if part in request.url), "number_200.json")
        said = json.loads((PAYLOADS / name).read_bytes())
        if request.method == "POST":
            return 200, {"success": True}
        if name == "number_200.json":
            said["webhook_configuration"] = {"phone_number": self._webhook()}
        return 200, said

    def _webhook(self):
        rows = self.world.rows("SELECT webhook_key FROM channels ORDER BY created_at, id")
        return f"https://hub.example.com/webhooks/{rows[-1]['webhook_key']}"

    def hear(self, body, *, signed=None, method="POST", query=""):
        """Let Meta call us, and do the work that follows; return status and body of our answer."""
        body = (PAYLOADS / body).read_bytes() if isinstance(body, str) else body
        environ = {
            "REQUEST_METHOD": method,
            "PATH_INFO": f"/webhooks/{self.line.webhook_key}",
            "QUERY_STRING": query,
            "CONTENT_TYPE": "application/json",
            "CONTENT_LENGTH": str(len(body)),
            "wsgi.input": io.BytesIO(body),
            "HTTP_X_HUB_SIGNATURE_256": signature(body) if signed is None else signed,
        }
        answered = []
        said = self.world.webhooks(environ, lambda status, fields: answered.append(status))
        self.world.work()
        return int(answered[0].split()[0]), b"".join(said)

    def text(self, words="Hello", **changes):
        """Let somebody write."""
        return self.hear(_changed("message_text.json", "messages", text={"body": words}, **changes))

    def tell(self, name, **changes):
        """Let Meta tell what became of our last message."""
        reference = json.loads(self.world.provider.requests[-1].body)["biz_opaque_callback_data"]
        told = {"biz_opaque_callback_data": reference} | changes
        return self.hear(_changed(f"status_{name}.json", "statuses", **told))

    def write(self, content, *answers, to=ANN):
        self.world.provider.will(*answers)
        content = Text(text=content) if isinstance(content, str) else content
        with transaction(self.world.hub.engine) as db:
            conversation = deliver.start_conversation(
                self.world.hub, db, channel_id=self.line.id, address=to
            )
            deliver.submit(
                self.world.hub, db, conversation_id=conversation, content=content, author="api:t"
            )
        nudge_deliver(self.world.hub)
        self.world.work()

    def read_templates(self):
        """Let the scheduler have the templates of the account read, where that is due."""
        pages = [(200, json.loads((PAYLOADS / name).read_bytes())) for name in TEMPLATES]
        self.world.provider.answers.clear()
        self.world.provider.will(*pages)
        nudge_templates(self.world.hub)
        self.world.work()
        assert not self.world.provider.answers
        self.line = self.world.line(self.line.id)

    def takes_marketing(self):
        return bool(self.world.one("SELECT marketing FROM addresses")["marketing"])

    def sendable(self):
        conversation = self.world.one("SELECT id FROM conversations")["id"]
        with reading(self.world.hub.engine) as db:
            return deliver.sendable(self.world.hub, db, conversation, author="api:t")

    def inbound(self):
        rows = self.world.rows(
            "SELECT content FROM messages WHERE direction = 'inbound' ORDER BY seq"
        )
        return [json.loads(row["content"]) for row in rows]

    def bodies(self):
        return [json.loads(r.body) for r in self.world.provider.requests if "messages" in r.url]

    def statuses(self):
        rows = self.world.rows(
            "SELECT status FROM messages WHERE direction = 'outbound' ORDER BY id"
        )
        return [row["status"] for row in rows]

    def error(self):
        rows = self.world.rows("SELECT error FROM messages WHERE error IS NOT NULL ORDER BY id")
        return json.loads(rows[-1]["error"])

    def channel(self):
        return self.world.one("SELECT status, status_reason FROM channels")

    def count(self, table):
        return self.world.one(f"SELECT COUNT(*) AS n FROM {table}")["n"]


def _changed(name, items, **changes):
    said = json.loads((PAYLOADS / name).read_bytes())
    (item,) = said["entry"][0]["changes"][0]["value"][items]
    item.update(changes)
    for gone in [key for key, value in item.items() if value is None]:
        del item[gone]
    return json.dumps(said).encode()


def taken(external_id=SENT, wa_id="15550100199"):
    return 200, {"contacts": [{"input": "x", "wa_id": wa_id}], "messages": [{"id": external_id}]}


def refused(code, status=400):
    return status, {"error": {"code": code, "message": "Words"}}


@pytest.fixture
def hub(make_settings, sqlite_url, fake_redis, tmp_path):
    engine = make_engine(sqlite_url)
    settings = make_settings(public_url="https://hub.example.com")
    world = make_world(
        settings, engine, fake_redis, tmp_path, sections="[plugins.whatsapp_cloud]\n"
    )
    yield Hub(world).open()
    process.stop_couriers()
    engine.dispose()


def test_a_conversation(hub):
    assert hub.channel() == {"status": "connected", "status_reason": ""}
    assert hub.hear("message_text.json") == (200, b"")
    assert hub.inbound() == [{"type": "text", "text": "Is it open today? Café 😀"}]
    hub.write("Yes, till 6", taken())
    (request,) = hub.world.provider.requests
    body = json.loads(request.body)
    assert len(body.pop("biz_opaque_callback_data")) == 26
    assert (request.method, request.url) == ("POST", f"{GRAPH}/{NUMBER_ID}/messages")
    assert request.headers["authorization"] == f"Bearer {TOKEN}"
    assert body == {
        "messaging_product": "whatsapp",
        "recipient_type": "individual",
        "to": "15550100199",
        "type": "text",
        "text": {"body": "Yes, till 6"},
    }
    for name in ("sent", "delivered", "read"):
        assert hub.tell(name) == (200, b"")
        assert hub.statuses() == [name]
    assert hub.world.one("SELECT sender_address FROM messages WHERE direction='outbound'") == {
        "sender_address": "+15550100100"
    }


def test_the_set_up_registers_the_webhook_of_the_number(hub):
    bodies = [json.loads(request.body) for request in hub.asked if request.method == "POST"]
    override = bodies[-1]["webhook_configuration"]
    assert override["override_callback_uri"] == hub.line.connection.webhook_url
    assert override["verify_token"] == hub.line.connection.verify_token


def test_conformance_01_the_handshake(hub):
    token = hub.line.connection.verify_token
    query = "hub.mode=subscribe&hub.verify_token={}&hub.challenge=1158201444"
    assert hub.hear(b"", method="GET", query=query.format(token)) == (200, b"1158201444")
    assert hub.hear(b"", method="GET", query=query.format("wrong"))[0] == 403
    assert hub.count("calls") == 0


def test_a_handshake_is_noted_with_what_was_wrong_with_it(hub):
    def noted():
        return json.loads(hub.world.one("SELECT handshake FROM channels")["handshake"])["problem"]

    query = "hub.mode=subscribe&hub.verify_token={}&hub.challenge=1158201444"
    token = hub.line.connection.verify_token
    hub.hear(b"", method="GET", query=query.format("mistaken"))
    assert f"8 characters came, ending in “en”; ours has {len(token)}" in noted()
    assert token not in noted()
    hub.hear(b"", method="GET", query=query.format(f"{token}%20"))
    assert noted() == "The verify token came with blanks around it."
    hub.hear(b"", method="GET", query=query.format(token))
    assert noted() == ""


def test_conformance_02_a_wrong_signature_is_refused_and_nothing_is_stored(hub):
    assert hub.hear("message_text.json", signed="sha256=" + "0" * 64)[0] == 401
    assert hub.hear("message_text.json", signed="")[0] == 401
    assert hub.inbound() == []
    assert {row["state"] for row in hub.world.rows("SELECT state FROM calls")} == {"quarantined"}


def test_conformance_03_the_good_items_of_a_batch_are_stored(hub):
    assert hub.hear("batch.json")[0] == 200
    assert [content["text"] for content in hub.inbound()] == ["One", "Two", "Three"]
    assert hub.count("conversations") == 1


def test_conformance_04_another_number_is_answered_200_and_ignored_with_a_reason(hub):
    assert hub.hear("other_number.json")[0] == 200
    assert hub.inbound() == []
    (outcome,) = json.loads(hub.world.one("SELECT outcomes FROM calls")["outcomes"])
    assert outcome["outcome"] == "ignored"
    assert "another number" in outcome["reason"]


def test_two_numbers_of_an_app_share_one_address_and_take_what_is_theirs(hub):
    first = hub.line
    hub.open(number="999999999999999")
    for line in (first, hub.line):
        hub.line = line
        hub.hear("message_text.json")
        hub.hear("other_number.json")
    rows = hub.world.rows("SELECT channel_id, content FROM messages")
    said = {row["channel_id"]: json.loads(row["content"])["text"] for row in rows}
    assert said == {first.id: "Is it open today? Café 😀", hub.line.id: "Not for you"}
    assert len(rows) == 2


def test_conformance_05_what_is_not_understood_keeps_its_call(hub):
    hub.hear("message_invented.json")
    assert hub.inbound() == [{"type": "unsupported", "provider_type": "hologram"}]
    assert b"hologram" in hub.world.one("SELECT body FROM calls")["body"]


def test_conformance_07_a_new_number_keeps_contact_and_conversation(hub):
    hub.text()
    # The event and the message share an id in the files only.
    hub.hear(_changed("message_changed_number.json", "messages", id="wamid.MOVE"))
    hub.text("It is me", id="wamid.TEST0002", **{"from": "15550100177"}, from_user_id=None)
    assert hub.count("conversations") == hub.count("contacts") == 1
    known = {"address": "+15550100177", "also": "US.70000000000000000002"}
    assert hub.world.one("SELECT address, also FROM addresses") == known
    # Their number may be hidden from now on.
    hub.text("Me again", id="wamid.TEST0003", **{"from": None}, from_user_id=known["also"])
    assert hub.count("conversations") == 1


def test_conformance_07_a_new_user_id_keeps_contact_and_conversation(hub):
    hub.hear("message_user_id_only.json")
    hub.hear(_changed("message_changed_user_id.json", "messages", id="wamid.MOVE"))
    assert hub.count("contacts") == 1
    assert hub.world.one("SELECT address FROM addresses")["address"] == "US.70000000000000000002"


def test_conformance_07_who_was_known_by_the_user_id_is_known_by_the_number_once_it_is_told(hub):
    hub.hear("message_user_id_only.json")
    (known,) = hub.world.rows("SELECT address FROM addresses")
    hub.text("My number", id="wamid.TEST0002", from_user_id=known["address"])
    row = {"address": "+15550100199", "also": known["address"]}
    assert hub.world.one("SELECT address, also FROM addresses") == row
    assert hub.count("conversations") == hub.count("contacts") == 1


def test_conformance_08_a_picture_is_fetched_and_a_lost_one_is_marked(hub):
    lookup = (200, json.loads((PAYLOADS / "media_200.json").read_bytes()))
    hub.world.provider.will(lookup, (200, b"\xff\xd8\xff\xe0 picture"))
    hub.hear("message_image.json")
    hub.world.pass_time(seconds=5)
    media = hub.world.one("SELECT state, mime_type FROM media")
    assert media == {"state": "ready", "mime_type": "image/jpeg"}
    hub.world.provider.will(lookup, (404, b""), lookup, (404, b""))
    hub.hear(_changed("message_image.json", "messages", id="wamid.TEST0002"))
    hub.world.pass_time(seconds=5)
    states = hub.world.rows("SELECT state FROM media ORDER BY id")
    assert [row["state"] for row in states] == ["ready", "failed"]


def test_an_edit_changes_the_message_and_a_revocation_takes_it_back(hub):
    hub.text("fxied", id="wamid.IN0001")
    hub.hear(_changed("message_edit.json", "messages", id="wamid.EDIT"))
    row = hub.world.one("SELECT content, edited_at FROM messages")
    assert json.loads(row["content"])["text"] == "fixed"
    assert row["edited_at"]
    hub.hear(_changed("message_revoke.json", "messages", id="wamid.REVOKE"))
    row = hub.world.one("SELECT content, deleted_at FROM messages")
    assert json.loads(row["content"])["event"] == "deleted"
    assert row["deleted_at"]


def test_a_button_comes_back_as_the_choice_that_it_stands_for(hub):
    hub.text()
    long = "x" * 300
    hub.write(
        Choices(text="Sure?", options=(Option(id=long, title="Yes"),)), taken("wamid.OUT0002")
    )
    reply = json.loads((PAYLOADS / "message_button_reply.json").read_bytes())
    message = reply["entry"][0]["changes"][0]["value"]["messages"][0]
    (button,) = hub.bodies()[0]["interactive"]["action"]["buttons"]
    message["interactive"]["button_reply"]["id"] = button["reply"]["id"]
    message["id"] = "wamid.TEST0002"
    hub.hear(json.dumps(reply).encode())
    assert hub.inbound()[-1] == {"type": "choice", "id": long, "title": "Yes"}


@pytest.mark.parametrize(
    ("told", "end"),
    [
        (["read"], "read"),
        (["read", "sent", "delivered"], "read"),
        (["played", "sent"], "read"),
        (["failed_bare", "delivered"], "delivered"),
        (["delivered", "failed_bare"], "delivered"),
    ],
)
def test_conformance_10_statuses_in_any_order_end_right(hub, told, end):
    hub.text()
    hub.write("Ready", taken())
    for name in told:
        hub.tell(name)
    assert hub.statuses() == [end]


def test_conformance_10_a_status_before_the_answer_waits_for_its_message(hub):
    hub.text()

    def answer(request):
        hub.hear(_changed("status_delivered.json", "statuses", biz_opaque_callback_data=None))
        return taken()

    hub.write("Ready", answer)
    assert hub.statuses() == ["delivered"]


def test_conformance_11_a_closed_window_told_at_once_and_later_is_the_same(hub):
    hub.text()
    hub.write("Ready", refused(131047))
    assert (hub.statuses(), hub.error()["code"]) == (["failed"], "window_closed")
    hub.write("Ready", taken())
    hub.tell("failed_131047")
    assert hub.statuses() == ["failed", "failed"]
    assert hub.error()["code"] == "window_closed"
    hub.world.pass_time(hours=2)
    assert len(hub.bodies()) == 2


def test_conformance_11_after_24_hours_only_templates_may_be_sent(hub):
    hub.text()
    hub.world.clock.forward(hours=24, seconds=1)
    with pytest.raises(Refused) as caught:
        hub.write("Still there?")
    assert caught.value.code == "window-closed"


def test_conformance_12_a_pair_limit_holds_up_only_that_recipient(hub):
    hub.text()
    hub.text("Hi", id="wamid.TEST0002", **{"from": BOB[1:]}, from_user_id=None)
    hub.write("One", refused(131056))
    hub.write("Two")
    hub.write("Hello Bob", taken("wamid.OUT0009", BOB[1:]), to=BOB)
    assert [body["to"] for body in hub.bodies()] == [ANN[1:], BOB[1:]]
    hub.world.provider.will(taken("wamid.A"), taken("wamid.B"))
    hub.world.pass_time(seconds=8)
    hub.world.pass_time(seconds=8)
    said = [body["text"]["body"] for body in hub.bodies() if body["to"] == ANN[1:]]
    assert said == ["One", "One", "Two"]


def test_conformance_14_templates_are_read_page_by_page_and_sent_when_the_window_is_shut(hub):
    hub.read_templates()
    assert len(hub.line.templates) == 5
    hub.world.clock.forward(hours=25)
    hub.write(CODE, taken())
    (body,) = hub.bodies()
    assert body["template"]["name"] == "code"
    assert hub.statuses() == ["sent"]


def test_conformance_15_a_stop_of_marketing_fails_marketing_and_leaves_the_chat_open(hub):
    hub.text()
    hub.write("Sale!", taken())
    hub.tell("failed_131050")
    assert hub.error()["code"] == "marketing_opt_out"
    assert not hub.takes_marketing()
    hub.write("Your order is ready", taken("wamid.OUT0002"))
    assert hub.statuses() == ["failed", "sent"]


def test_conformance_15_an_answer_that_names_a_stop_marks_it_too(hub):
    hub.text()
    hub.write("Sale!", (400, {"error": {"code": 131050, "message": "User has stopped"}}))
    assert (hub.error()["code"], hub.takes_marketing()) == ("marketing_opt_out", False)


def test_conformance_15_who_stopped_marketing_is_sent_other_templates_alone(hub):
    hub.text()
    hub.read_templates()
    hub.hear(preference("stop", 1))
    with pytest.raises(Refused, match="stopped marketing") as refused:
        hub.write(WELCOME)
    assert refused.value.code == "marketing-opt-out"
    hub.write(CODE, taken())
    sendable = hub.sendable()
    assert {template.name for template in sendable.templates} == {"order_ok", "code"}
    whys = {template.name: why for template, why in sendable.withheld}
    assert "stopped marketing" in whys["welcome"]


@pytest.mark.parametrize("word", ["resume", "signup"])
def test_conformance_15_who_takes_marketing_again_is_sent_it(hub, word):
    hub.text()
    hub.read_templates()
    for value, at in (("stop", 1), (word, 2), ("stop", 1)):
        hub.hear(preference(value, at))
    assert hub.takes_marketing()
    hub.write(WELCOME, taken())
    assert hub.statuses() == ["sent"]


def test_of_choices_about_marketing_the_latest_counts_in_whatever_order_they_come(hub):
    hub.text()
    hub.hear(preference("stop", 20))
    hub.hear(preference("resume", 10))
    assert not hub.takes_marketing()
    hub.hear(preference("resume", 30))
    assert hub.takes_marketing()


def test_a_late_receipt_of_an_earlier_stop_does_not_undo_a_later_choice(hub):
    hub.text()
    hub.write("Sale!", taken())
    hub.hear(preference("resume", 1_795_000_020))
    hub.tell("failed_131050")  # at 1795000010
    assert hub.takes_marketing()


def test_who_stopped_marketing_before_anybody_wrote_is_sent_none(hub):
    hub.read_templates()
    hub.hear(preference("stop", 1))
    with pytest.raises(Refused, match="stopped marketing"):
        hub.write(WELCOME)
    hub.text()
    assert hub.world.one("SELECT count(*) AS count FROM addresses") == {"count": 1}
    assert not hub.takes_marketing()


def test_a_choice_about_something_else_changes_nothing(hub):
    hub.text()
    hub.hear(preference("stop", 1, category="poems"))
    assert hub.takes_marketing()


def preference(value, at, **changes):
    """Let somebody choose about marketing."""
    return _changed(
        "account_preferences.json", "user_preferences", value=value, timestamp=at, **changes
    )


def test_who_is_not_on_whatsapp_is_marked_until_they_write(hub):
    hub.text()
    hub.write("Ready", taken())
    hub.tell("failed_131026")
    with pytest.raises(Refused):
        hub.write("Still there?")
    hub.text("Here I am", id="wamid.TEST0002")
    hub.write("Good", taken("wamid.OUT0002"))
    assert hub.statuses() == ["failed", "sent"]


def test_no_secret_is_kept_in_a_call_or_an_attempt(hub):
    hub.text()
    hub.write("Ready", refused(190, 401))
    for table in ("calls", "attempts", "messages"):
        kept = repr(hub.world.rows(f"SELECT * FROM {table}"))
        assert TOKEN not in kept
        assert APP_SECRET not in kept


def test_conformance_07_a_move_and_a_message_in_one_call_keep_one_contact(hub):
    hub.text()
    moved = json.loads((PAYLOADS / "message_changed_number.json").read_bytes())
    messages = moved["entry"][0]["changes"][0]["value"]["messages"]
    messages[0]["id"] = "wamid.MOVE"
    after = {"id": "wamid.TEST0002", "type": "text", "text": {"body": "It is me"}}
    messages.append(after | {"from": "15550100177", "timestamp": "1795000002"})
    hub.hear(json.dumps(moved).encode())
    assert [content["text"] for content in hub.inbound()] == ["Hello", "It is me"]
    assert hub.count("conversations") == hub.count("contacts") == 1
