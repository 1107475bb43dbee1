"""The channel through a whole hub: everything is real but Meta."""

import io
import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from hubbub import process
from hubbub.connect import work as connect
from hubbub.deliver import work as deliver
from hubbub.deliver.actors import nudge_deliver
from hubbub.deliver.rules import Refused
from hubbub.sdk import Attachment, Choices, Media, Option, OutcomeUnknown, Text
from hubbub.store.session import make_engine, transaction
from hubbub.track.trace import trace
from tests.plugins.messenger.conftest import (
    ANN,
    APP_ID,
    APP_SECRET,
    GRAPH,
    PAGE_ID,
    PAYLOADS,
    TOKEN,
    signature,
)
from tests.services.world import make_world

SENT = "m_TEST-OUT-1"
OTHER_PAGE = "999999999999999"
PERSON = "user:u1"
ADD_PERSON = (
    "INSERT INTO users (id, email, name, role, password_hash, created_at) "
    "VALUES ('u1', 'a@example.org', 'Ann', 'agent', '', :now)"
)


class Hub:
    """A hub with one channel, and short words for what Meta and the hub's people do."""

    def __init__(self, world):
        self.world = world
        self.line: Any = None
        self.subscribed = True
        world.clock.now = datetime(2026, 11, 18, 11, 6, 45, tzinfo=UTC)

    def open(self, page=PAGE_ID, secret=APP_SECRET, **settings):
        self.world.provider.will(*[self._graph] * 8)
        channel_id = connect.create_channel(
            self.world.hub,
            type="messenger",
            name=f"Shop {page}",
            credentials={"page_access_token": TOKEN, "app_secret": secret},
            settings={"page_id": page, "app_id": APP_ID, **settings},
            actor="cli",
        )
        self.line = self.world.line(channel_id)
        self.forget()
        return self

    def forget(self):
        self.world.provider.answers.clear()
        self.world.provider.requests.clear()

    def graph(self, *more, times=12):
        """Let Meta answer what a check or a set-up asks, and then ``more``."""
        self.world.provider.will(*[self._graph] * times, *more)

    def _graph(self, request):
        path = request.url.partition("?")[0].removeprefix(GRAPH)
        if request.method == "POST" and path.endswith("messages"):
            return taken()
        if request.method == "POST":
            self.subscribed = self.subscribed or path.endswith("subscribed_apps")
            return 200, {"success": True}
        names = {
            "subscriptions": "webhooks",
            "subscribed_apps": "subscribed",
            "debug_token": "token",
        }
        name = next((name for part, name in names.items() if path.endswith(part)), "me")
        said = json.loads((PAYLOADS / f"{name}_200.json").read_bytes())
        if name == "me":
            said["id"] = self._page()
        if name == "subscribed" and not self.subscribed:
            said["data"] = []
        if name == "token":
            said["data"]["granular_scopes"] = []
        return 200, said

    def _page(self):
        return self.world.rows("SELECT account FROM channels ORDER BY created_at, id")[-1][
            "account"
        ]

    def hear(self, body, *, signed=None, method="POST", query=""):
        """Let Meta call us, and do the work that follows; return status and body of our answer."""
        body = (PAYLOADS / f"{body}.json").read_bytes() if isinstance(body, str) else body
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

    def hears(self, name, **changes):
        """Let Meta tell a recorded event with some of its values changed."""
        return self.hear(changed(name, **changes))

    def text(self, words="Hello", mid="m_TEST-IN-0001", sender=ANN):
        """Let somebody write."""
        said = {"mid": mid, "text": words}
        self.world.provider.will(*[name] * (not self.known(sender)))
        return self.hears("message_text", sender={"id": sender}, message=said)

    def known(self, sender):
        return self.world.rows("SELECT 1 FROM addresses WHERE address = :a", a=sender)

    def write(self, content, *answers, to=ANN, author="api:t", **more):
        self.world.provider.will(*answers)
        content = Text(text=content) if isinstance(content, str) else content
        with transaction(self.world.hub.engine) as db:
            conversation = deliver.start_conversation(
                self.world.hub, db, channel_id=self.line.id, address=to
            )
            deliver.submit(
                self.world.hub,
                db,
                conversation_id=conversation,
                content=content,
                author=author,
                **more,
            )
        nudge_deliver(self.world.hub)
        self.world.work()

    def inbound(self):
        rows = self.world.rows(
            "SELECT content FROM messages WHERE direction = 'inbound' ORDER BY seq"
        )
        return [json.loads(row["content"]) for row in rows]

    def outbound(self, columns="status"):
        return self.world.rows(
            f"SELECT {columns} FROM messages WHERE direction = 'outbound' ORDER BY id"
        )

    def statuses(self):
        return [row["status"] for row in self.outbound()]

    def bodies(self):
        sent = [r for r in self.world.provider.requests if "/messages?" in r.url]
        return [json.loads(request.body) for request in sent]

    def reference(self):
        return self.bodies()[-1]["message"]["metadata"]

    def echo(self, mid=SENT, **changes):
        """Let Meta tell of the message that we sent last."""
        said = {"mid": mid, "is_echo": True, "app_id": int(APP_ID), "text": "x"}
        return self.hears("echo_ours", message=said | {"metadata": self.reference()}, **changes)

    def watermark(self, kind, at):
        milliseconds = int(at.timestamp() * 1000)
        name = {"delivery": "delivery_watermark", "read": "read"}[kind]
        return self.hears(name, **{kind: {"watermark": milliseconds}})

    def error(self):
        rows = self.world.rows("SELECT error FROM messages WHERE error IS NOT NULL ORDER BY id")
        return json.loads(rows[-1]["error"])

    def channel(self):
        return self.world.one("SELECT status, status_reason FROM channels")

    def count(self, table):
        return self.world.one(f"SELECT COUNT(*) AS n FROM {table}")["n"]

    @property
    def now(self):
        return self.world.clock.now


def changed(name, **changes):
    said = json.loads((PAYLOADS / f"{name}.json").read_bytes())
    (item,) = said["entry"][0]["messaging"]
    item.update(changes)
    return json.dumps(said).encode()


def name(request):
    """Answer who somebody is."""
    assert "fields=first_name" in request.url
    return 200, {"first_name": "Ann", "last_name": "Test"}


def taken(mid=SENT):
    return 200, {"recipient_id": ANN, "message_id": mid}


def refused(code, subcode=None, status=400):
    return status, {"error": {"code": code, "error_subcode": subcode, "message": "Words"}}


@pytest.fixture
def hub(make_settings, sqlite_url, fake_redis, tmp_path):
    engine = make_engine(sqlite_url)
    settings = make_settings(public_url="https://hub.example.com")
    world = make_world(settings, engine, fake_redis, tmp_path, sections="[plugins.messenger]\n")
    yield Hub(world).open()
    process.stop_couriers()
    engine.dispose()


def test_a_conversation(hub):
    assert hub.channel() == {"status": "connected", "status_reason": ""}
    assert hub.text("Is it open?") == (200, b"")
    assert hub.inbound() == [{"type": "text", "text": "Is it open?"}]
    assert hub.world.one("SELECT name FROM contacts") == {"name": "Ann Test"}
    hub.write("Yes, till 6", taken())
    (body,) = hub.bodies()
    assert len(body["message"].pop("metadata")) == 26
    assert body == {
        "recipient": {"id": ANN},
        "messaging_type": "RESPONSE",
        "message": {"text": "Yes, till 6"},
    }
    assert hub.echo() == (200, b"")
    hub.watermark("delivery", hub.now)
    assert hub.statuses() == ["delivered"]
    hub.watermark("read", hub.now)
    assert hub.statuses() == ["read"]
    assert hub.outbound("sender_address") == [{"sender_address": PAGE_ID}]


def test_conformance_01_the_handshake(hub):
    token = hub.line.connection.verify_token
    query = "hub.mode=subscribe&hub.verify_token={}&hub.challenge=1158201444"
    assert hub.hear(b"", method="GET", query=query.format(token)) == (200, b"1158201444")
    assert hub.hear(b"", method="GET", query=query.format("wrong"))[0] == 403
    assert hub.count("calls") == 0


def test_conformance_02_a_wrong_signature_is_refused_and_nothing_is_stored(hub):
    assert hub.hear("message_text", signed="sha256=" + "0" * 64)[0] == 401
    assert hub.inbound() == []
    assert {row["state"] for row in hub.world.rows("SELECT state FROM calls")} == {"quarantined"}


def test_conformance_03_each_page_of_an_app_gets_what_is_its_own(hub):
    first = hub.line
    second = hub.open(page=OTHER_PAGE).line
    hub.line = first
    hub.world.provider.will(name, name)
    assert hub.hear("batch")[0] == 200
    rows = hub.world.rows("SELECT channel_id, content FROM messages ORDER BY id")
    said = [(row["channel_id"], json.loads(row["content"])["text"]) for row in rows]
    assert said == [(first.id, "One"), (first.id, "Two"), (second.id, "For the other Page")]


def test_conformance_03_a_call_that_was_handed_on_goes_no_further_and_is_handed_on_once(hub):
    first = hub.line
    hub.open(page=OTHER_PAGE)
    hub.line = first
    hub.world.provider.will(name, name)
    hub.hear("batch")
    rows = hub.world.rows("SELECT channel_id, outcomes, dead FROM calls ORDER BY id")
    assert len(rows) == 2
    kinds = [[(o["kind"], o["outcome"]) for o in json.loads(row["outcomes"])] for row in rows]
    assert kinds[0][-1] == ("ForAccount", "applied")
    assert kinds[1] == [("ForAccount", "ignored"), ("MessageReceived", "applied")]


def test_conformance_03_a_page_of_another_app_is_not_handed_anything(hub):
    first = hub.line
    hub.open(page=OTHER_PAGE, secret="another")
    hub.line = first
    hub.world.provider.will(name)
    assert hub.hear("batch")[0] == 200
    assert {row["channel_id"] for row in hub.world.rows("SELECT channel_id FROM messages")} == {
        first.id
    }
    outcome = json.loads(hub.world.one("SELECT outcomes FROM calls")["outcomes"])[-1]
    assert outcome["outcome"] == "ignored"
    assert OTHER_PAGE in outcome["reason"]


def test_conformance_04_a_message_told_twice_is_one(hub):
    hub.text()
    hub.text()
    assert len(hub.inbound()) == 1


def test_conformance_05_what_is_not_understood_keeps_its_call(hub):
    hub.world.provider.will(name)
    hub.hear("message_invented")
    assert hub.inbound() == [{"type": "unsupported", "provider_type": "hologram"}]
    assert b"hologram" in hub.world.one("SELECT body FROM calls")["body"]


@pytest.mark.parametrize("before", [True, False])
def test_conformance_07_an_echo_of_ours_makes_no_second_message(hub, before):
    hub.text()

    def answer(request):
        hub.echo()
        return taken()

    hub.write("Ready", answer if before else taken())
    hub.echo()
    hub.hears("echo_bare", message={"mid": SENT, "is_echo": True, "text": "Ready"})
    assert hub.statuses() == ["sent"]
    assert hub.count("deliveries") == 1


@pytest.mark.parametrize(
    ("told", "author"),
    [("echo_inbox", "elsewhere:Page inbox"), ("echo_app", "elsewhere:app 500500500500")],
)
def test_conformance_07_what_others_wrote_is_shown_and_answered_by_nobody(hub, told, author):
    hub.text()
    hub.hear(told)
    hub.hear(told)
    (row,) = hub.outbound("author, status, provider_at, call_id, id")
    assert (row["author"], row["status"]) == (author, "sent")
    assert hub.bodies() == []
    assert hub.count("conversations") == 1
    hub.watermark("read", hub.now)
    assert hub.statuses() == ["read"]
    with hub.world.hub.engine.connect() as db:
        stages = [item.what for item in trace(db, row["id"])]
    assert stages == ["call kept", "message stored", "receipt: read"]


def test_conformance_07_a_page_that_writes_first_begins_a_conversation(hub):
    hub.world.provider.will(name)
    hub.hear("echo_inbox")
    assert hub.world.one("SELECT unread, preview, last_inbound_at FROM conversations") == {
        "unread": 0,
        "preview": "From the inbox",
        "last_inbound_at": None,
    }
    assert hub.world.one("SELECT name FROM contacts") == {"name": "Ann Test"}


# --- how far a message has come ----------------------------------------------------------------


def sent(hub):
    hub.text()
    hub.write("Ready", taken())
    return hub


@pytest.mark.parametrize(
    ("told", "end"),
    [
        (["delivery"], "delivered"),
        (["read"], "read"),
        (["read", "delivery"], "read"),
    ],
)
def test_conformance_08_watermarks_in_any_order_end_right(hub, told, end):
    sent(hub)
    for kind in told:
        hub.watermark(kind, hub.now)
    assert hub.statuses() == [end]


def test_conformance_08_a_delivery_with_ids_is_enough(hub):
    sent(hub)
    hub.hears("delivery", delivery={"mids": [SENT], "watermark": 1})
    assert hub.statuses() == ["delivered"]


def test_conformance_08_a_watermark_before_the_message_says_nothing_of_it(hub):
    sent(hub)
    hub.watermark("read", hub.now - timedelta(seconds=3))
    assert hub.statuses() == ["sent"]


def test_conformance_08_the_echo_tells_the_time_to_compare_with(hub):
    sent(hub)
    hub.echo(timestamp=int((hub.now + timedelta(seconds=1)).timestamp() * 1000))
    hub.watermark("read", hub.now)
    assert hub.statuses() == ["sent"]
    hub.watermark("read", hub.now + timedelta(seconds=1))
    assert hub.statuses() == ["read"]


def test_conformance_08_a_watermark_settles_all_that_went_before_it_and_nothing_after(hub):
    hub.text()
    for number in range(3):
        hub.write(f"{number}", taken(f"m_OUT-{number}"))
        hub.world.pass_time(seconds=10)
    hub.watermark("read", hub.now - timedelta(seconds=15))
    assert hub.statuses() == ["read", "read", "sent"]


def test_conformance_08_a_watermark_is_for_one_contact(hub):
    sent(hub)
    hub.text(sender="8880001112223334", mid="m_BOB")
    hub.write("Hello Bob", taken("m_OUT-BOB"), to="8880001112223334")
    hub.watermark("read", hub.now)
    assert hub.statuses() == ["read", "sent"]


def test_conformance_08_a_watermark_before_the_answer_waits_for_its_message(hub):
    hub.text()

    def answer(request):
        hub.watermark("read", hub.now)
        return taken()

    hub.write("Ready", answer)
    assert hub.statuses() == ["read"]


def test_a_watermark_proves_nothing_of_a_send_whose_answer_was_lost(hub):
    hub.text()
    hub.write("Ready", OutcomeUnknown("The connection broke."))
    hub.watermark("read", hub.now)
    assert hub.statuses() == ["unknown"]
    # Once its echo does, what the watermark said of that time counts for it too.
    hub.echo()
    assert hub.statuses() == ["read"]


# --- changes -----------------------------------------------------------------------------------


def test_conformance_09_an_edit_and_a_deletion_change_the_message_once(hub):
    hub.text("Hi")
    hub.hear("edit")
    hub.hear("edit")
    assert hub.inbound() == [{"type": "text", "text": "Hi there"}]
    assert hub.count("message_versions") == 1
    hub.hear("message_deleted")
    assert hub.world.one("SELECT deleted_at FROM messages")["deleted_at"]


def test_conformance_10_a_referral_opens_a_conversation_and_the_window(hub):
    hub.world.provider.will(name)
    hub.hear("referral")
    (content,) = hub.inbound()
    assert (content["type"], content["event"]) == ("system", "started")
    hub.write("Welcome", taken())
    assert hub.statuses() == ["sent"]


def test_conformance_11_a_caption_follows_its_picture(hub):
    hub.text()
    media = Media(url="https://files.example.org/p.jpg", mime_type="image/jpeg")
    content = Attachment(type="image", media=media, caption="The plan")
    hub.write(content, taken("m_OUT-1"), taken("m_OUT-2"))
    picture, words = hub.bodies()
    assert "attachment" in picture["message"]
    assert words["message"]["text"] == "The plan"


def test_conformance_11_a_button_comes_back_as_the_choice_that_it_stands_for(hub):
    hub.text()
    hub.write(Choices(text="Sure?", options=(Option(id="yes", title="Yes"),)), taken())
    (button,) = hub.bodies()[0]["message"]["attachment"]["payload"]["buttons"]
    tapped = {"mid": "m_TAP", "title": button["title"], "payload": button["payload"]}
    hub.hears("postback", postback=tapped)
    assert hub.inbound()[-1] == {"type": "choice", "id": "yes", "title": "Yes"}


# --- the window --------------------------------------------------------------------------------


def test_conformance_12_within_a_day_everybody_may_answer(hub):
    hub.text()
    hub.world.clock.forward(hours=23)
    hub.write("Still there?", taken(), author="bot:chatbot")
    hub.write("News", taken("m_OUT-2"), bulk=True)
    hub.world.pass_time(seconds=2)
    assert [body["messaging_type"] for body in hub.bodies()] == ["RESPONSE", "UPDATE"]


def test_conformance_12_after_a_day_people_may_where_the_app_has_the_feature(hub):
    hub.open(page=OTHER_PAGE, human_agent_enabled=True)
    hub.world.write(ADD_PERSON, now=hub.now)
    body = changed("message_text", recipient={"id": OTHER_PAGE}).replace(
        PAGE_ID.encode(), OTHER_PAGE.encode()
    )
    hub.world.provider.will(name)
    hub.hear(body)
    hub.world.clock.forward(hours=30)
    hub.write("Sorry for the delay", taken(), author=PERSON)
    assert hub.bodies()[0]["messaging_type"] == "MESSAGE_TAG"
    assert hub.bodies()[0]["tag"] == "HUMAN_AGENT"
    for author in ("bot:chatbot", "api:t"):
        with pytest.raises(Refused) as caught:
            hub.write("Still there?", author=author)
        assert caught.value.code == "window-closed"
    hub.world.clock.forward(days=6)
    with pytest.raises(Refused):
        hub.write("Still there?", author=PERSON)


def test_conformance_12_without_the_feature_nobody_may(hub):
    hub.text()
    hub.world.clock.forward(hours=30)
    with pytest.raises(Refused) as caught:
        hub.write("Still there?", author=PERSON)
    assert caught.value.code == "window-closed"
    assert "nothing may be sent" in caught.value.detail


def test_conformance_12_what_meta_takes_for_closed_is_closed(hub):
    hub.text()
    hub.write("Ready", refused(10, 2018278, 403))
    assert (hub.statuses(), hub.error()["code"]) == (["failed"], "window_closed")


def test_who_never_wrote_cannot_be_written_to(hub):
    with pytest.raises(Refused) as caught:
        hub.write("Hello")
    assert caught.value.code == "cannot-initiate"


# --- trouble -----------------------------------------------------------------------------------


def test_conformance_13_a_dead_token_stops_sending_until_it_is_replaced(hub):
    hub.text()
    hub.write("Ready", refused(190, 460, 401))
    assert hub.channel()["status"] == "error"
    hub.world.pass_time(minutes=3)
    assert len(hub.bodies()) == 1
    hub.forget()
    hub.graph()
    new = connect.ChannelChange(credentials={"page_access_token": "EAANew"})
    connect.change_channel(hub.world.hub, hub.line.id, new, actor="cli")
    hub.world.pass_time(minutes=1)
    assert hub.channel()["status"] == "connected"
    assert hub.statuses() == ["sent"]


def test_conformance_13_a_restricted_page_is_in_error(hub):
    hub.text()
    hub.write("Ready", refused(10, 1893063, 403))
    channel = hub.channel()
    assert channel["status"] == "error"
    assert "restricted the Page" in channel["status_reason"]


def test_conformance_13_a_lost_subscription_is_found_and_mended(hub):
    hub.subscribed = False
    hub.graph()
    connect.check_channel(hub.world.hub, hub.line.id)
    assert hub.channel()["status"] == "error"
    connect.check_channel(hub.world.hub, hub.line.id)
    assert hub.subscribed
    assert hub.channel()["status"] == "connected"


@pytest.mark.parametrize("limit", [refused(613), refused(4), (429, b"")])
def test_conformance_14_a_limit_is_waited_out_in_order(hub, limit):
    hub.text()
    hub.write("One", limit)
    hub.write("Two")
    assert hub.statuses()[1] == "queued"
    hub.world.provider.will(taken("m_A"), taken("m_B"))
    hub.world.pass_time(minutes=2, seconds=2)
    hub.world.pass_time(seconds=2)
    assert [body["message"]["text"] for body in hub.bodies()] == ["One", "One", "Two"]
    assert hub.statuses() == ["sent", "sent"]


@pytest.mark.parametrize("gone", [refused(551, 1545041), refused(10, 2018108, 403)])
def test_conformance_14_who_is_unavailable_is_marked_until_they_write(hub, gone):
    hub.text()
    hub.write("Ready", gone)
    assert hub.world.one("SELECT state FROM addresses") == {"state": "blocked"}
    with pytest.raises(Refused):
        hub.write("Still there?")
    hub.text("Here I am", mid="m_TEST-IN-0002")
    hub.write("Good", taken("m_OUT-2"))
    assert hub.statuses() == ["failed", "sent"]


def test_conformance_15_standby_is_shown_and_nobody_is_asked(hub):
    hub.world.provider.will(name)
    hub.hear("standby_message")
    row = hub.world.one("SELECT decision FROM messages")
    assert "standby" in json.loads(row["decision"])["not_routed"]
    assert hub.world.one("SELECT unread FROM conversations") == {"unread": 0}


def test_conformance_15_a_change_of_who_answers_is_shown_and_opens_no_window(hub):
    hub.text()
    (before,) = hub.world.rows("SELECT last_inbound_at FROM conversations")
    hub.world.clock.forward(hours=1)
    hub.hear("control_passed")
    hub.hear("control_taken")
    details = [json.loads(row["content"])["detail"] for row in hub.outbound("content")]
    assert details == ["from us, to Page inbox", "from Page inbox, to us"]
    assert hub.world.one("SELECT last_inbound_at FROM conversations") == before


def test_conformance_15_another_host_is_not_asked_for_a_file(hub):
    evil = {"type": "image", "payload": {"url": "https://evil.example/p.jpg"}}
    hub.world.provider.will(name)
    hub.hears("message_images", message={"mid": "m_EVIL", "attachments": [evil]})
    hub.world.pass_time(seconds=5)
    assert hub.world.one("SELECT state FROM media") == {"state": "failed"}
    assert all("evil" not in request.url for request in hub.world.provider.requests)


def test_conformance_15_a_lost_answer_is_settled_by_the_echo_and_not_sent_again(hub):
    hub.text()
    hub.write("Ready", OutcomeUnknown("The connection broke."))
    assert hub.statuses() == ["unknown"]
    hub.echo()
    assert hub.statuses() == ["sent"]
    hub.world.pass_time(hours=1)
    assert len(hub.bodies()) == 1


def test_a_picture_is_fetched_from_where_the_message_says(hub):
    url = "https://cdn.fbsbx.com/p.jpg"
    hub.world.provider.will((200, b"\xff\xd8\xff\xe0 picture"), name)
    attached = [{"type": "image", "payload": {"url": url}}]
    hub.hears("message_images", message={"mid": "m_P", "attachments": attached})
    assert hub.world.one("SELECT state, mime_type, filename FROM media") == {
        "state": "ready",
        "mime_type": "image/jpeg",
        "filename": "p.jpg",
    }
    assert hub.world.provider.requests[0].url == url


def test_a_name_that_was_not_learnt_is_asked_for_with_the_next_message(hub):
    hub.world.provider.will((500, b""))
    hub.hear("message_text")
    assert hub.world.one("SELECT name FROM contacts") == {"name": None}
    hub.world.provider.will(name)
    hub.hears("message_text", message={"mid": "m_2", "text": "Hello?"})
    assert hub.world.one("SELECT name FROM contacts") == {"name": "Ann Test"}


def test_no_secret_is_kept_in_a_call_or_an_attempt(hub):
    hub.text()
    hub.write("Ready", refused(190, 460, 401))
    for table in ("calls", "attempts", "messages"):
        kept = repr(hub.world.rows(f"SELECT * FROM {table}"))
        assert TOKEN not in kept
        assert APP_SECRET not in kept
