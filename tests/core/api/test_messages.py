import io
import json
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import select, text, update

from hubbub.deliver.queries import pause_bulk, pause_channel
from hubbub.deliver.record import UNTIL_MENDED
from hubbub.store.session import reading, transaction
from hubbub.store.tables import Address, Delivery, MediaFile, Message, MessageVersion, table
from tests.core.api.kit import FakeChannel

HELLO = {"type": "text", "text": "Hello"}
_LOST = {"code": "timeout", "provider_code": None, "detail": "No answer.", "retryable": True}
KEYS = {
    "id",
    "channel_id",
    "conversation_id",
    "contact_id",
    "direction",
    "content",
    "sender",
    "external_id",
    "reply_to",
    "reply_to_external_id",
    "status",
    "automatic",
    "send_at",
    "waits_for",
    "error",
    "provider_at",
    "created_at",
    "edited_at",
    "deleted_at",
}


def _count(api):
    with reading(api.hub.engine) as db:
        return db.execute(text("SELECT count(*) FROM messages")).scalar_one()


def _order(channel_id, content=None, address="ada", **more):
    to = {"channel_id": channel_id, "to": {"address": address}}
    return {**to, "content": content or HELLO, **more}


def test_an_address_is_written_as_the_channel_writes_it(api, add_channel):
    channel_id = add_channel(api)
    said = [_send(api, _order(channel_id, address=address)) for address in ("ADA", "ada")]
    assert said[0]["conversation_id"] == said[1]["conversation_id"]
    assert said[0]["sender"]["address"] == "@support"
    refused = api.post("/messages", _order(channel_id, address="!ada"), status=422)
    assert refused["errors"] == [
        {"field": "to.address", "message": "An address begins with a letter."}
    ]


def _send(api, body, key=None, status=202):
    headers = {"Idempotency-Key": key} if key else {}
    return api("POST", "/messages", body, status=status, headers=headers).get_json()


def _fail(api, message_id, **error):
    """Let a message fail as if its provider had refused it."""
    fault = {"code": "rejected", "provider_code": "131047", "detail": "No.", "retryable": False}
    with transaction(api.hub.engine) as db:
        for name, column in ((Message, "id"), (Delivery, "message_id")):
            rows = table(name)
            state = {"status": "failed"} if name is Message else {"state": "failed"}
            found = update(rows).where(rows.c[column] == message_id)
            db.execute(found.values(**state, error={**fault, **error}))


def test_a_message_is_queued_and_shown_with_every_key(every_api, add_channel):
    channel_id = add_channel(every_api)
    message = _send(every_api, _order(channel_id))
    assert set(message) == KEYS
    assert (message["status"], message["direction"]) == ("queued", "outbound")
    assert message["content"] == HELLO
    assert message["created_at"] == "2026-01-02T03:04:05Z"
    assert set(message["sender"]) == {"address", "name"}
    assert every_api.get(f"/messages/{message['id']}") == {**message, "versions": []}
    assert every_api.get("/messages")["items"] == [message]
    assert every_api.hub.nudges.lanes == ["deliver"]


def test_a_message_goes_into_a_conversation(api, add_channel, add_conversation):
    conversation_id = add_conversation(api, add_channel(api))
    message = _send(api, {"conversation_id": conversation_id, "content": HELLO})
    assert message["conversation_id"] == conversation_id


def test_the_author_is_the_token(api, add_channel):
    message = _send(api, _order(add_channel(api)))
    with reading(api.hub.engine) as db:
        author = db.execute(select(table(Message).c.author)).scalar_one()
    assert author.startswith("api:")
    assert "author" not in message


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"content": HELLO}, "channel_id"),
        ({"content": HELLO, "channel_id": "x"}, "to.address"),
        ({"content": HELLO, "channel_id": "x", "to": {"address": " "}}, "to.address"),
        ({"content": HELLO, "channel_id": "x", "to": {}}, "to.address"),
        ({"content": HELLO, "channel_id": "x", "to": {"address": "a"}}, "channel_id"),
        ({"content": HELLO, "conversation_id": "x"}, "conversation_id"),
        ({"content": HELLO, "conversation_id": "x", "channel_id": "y"}, "conversation_id"),
        ({"conversation_id": "x"}, "content"),
        ({"conversation_id": "x", "content": "Hello"}, "content"),
        ({"conversation_id": "x", "content": HELLO, "send_at": "tomorrow"}, "send_at"),
        ({"conversation_id": "x", "content": HELLO, "send_at": "2026-01-02T03:04:05"}, "send_at"),
        (
            {"conversation_id": "x", "content": HELLO, "send_at": "9999-12-31T23:59:59-12:00"},
            "send_at",
        ),
        (
            {"conversation_id": "x", "content": HELLO, "send_at": "0001-01-01T00:00:00+12:00"},
            "send_at",
        ),
    ],
)
def test_a_message_needs_to_know_where_it_goes(api, body, field):
    assert api.fields("POST", "/messages", body) == [field]


FILE = {"url": "https://files.example/cat.png"}
LETTER = {"type": "email", "subject": "Order 12", "text": "It is ready."}
OPTIONS = [{"id": "1", "title": "Yes"}, {"id": "2", "title": "No"}]


@pytest.mark.parametrize(
    ("content", "field"),
    [
        ({}, "content.type"),
        ({"type": "song"}, "content.type"),
        ({"type": 5}, "content.type"),
        ({"type": ["text"]}, "content.type"),
        ({"type": "choice", "id": "1", "title": "Yes"}, "content.type"),
        ({"type": "system", "event": "started"}, "content.type"),
        ({"type": "unsupported", "provider_type": "poll"}, "content.type"),
        ({"type": "form", "fields": {}}, "content.type"),
        ({"type": "order"}, "content.type"),
        ({"type": "text"}, "content.text"),
        ({"type": "text", "text": ""}, "content.text"),
        ({"type": "text", "text": " \n"}, "content.text"),
        ({"type": "text", "text": 5}, "content.text"),
        ({"type": "text", "text": "x" * 100_001}, "content.text"),
        ({"type": "text", "text": "x", "colour": "red"}, "content.colour"),
        ({"type": "image"}, "content.media"),
        ({"type": "image", "media": "cat"}, "content.media"),
        ({"type": "image", "media": {}}, "content.media"),
        ({"type": "image", "media": {**FILE, "id": "x"}}, "content.media"),
        ({"type": "image", "media": {**FILE, "ref": "x"}}, "content.media.ref"),
        ({"type": "image", "media": {**FILE, "state": "ready"}}, "content.media.state"),
        ({"type": "image", "media": {"url": "file:///etc/passwd"}}, "content.media.url"),
        ({"type": "image", "media": {"url": "http://"}}, "content.media.url"),
        ({"type": "image", "media": {"url": "http://[::1"}}, "content.media.url"),
        ({"type": "image", "media": {"url": 5}}, "content.media.url"),
        ({"type": "image", "media": {"id": "nothing"}}, "content.media.id"),
        ({"type": "image", "media": {"id": 5}}, "content.media.id"),
        ({"type": "image", "media": FILE, "caption": "x" * 100_001}, "content.caption"),
        ({"type": "location", "latitude": "north", "longitude": 1}, "content.latitude"),
        ({"type": "location", "latitude": 91, "longitude": 1}, "content.latitude"),
        ({"type": "location", "latitude": 1, "longitude": -180.5}, "content.longitude"),
        ({"type": "choices", "text": "Well?", "options": []}, "content.options"),
        ({"type": "choices", "text": "", "options": OPTIONS}, "content.text"),
        ({"type": "choices", "text": "x", "options": [OPTIONS[0]] * 2}, "content.options"),
        ({"type": "choices", "text": "x", "options": [{"id": "1"}]}, "content.options.0.title"),
        ({"type": "template", "name": "", "language": "en"}, "content.name"),
        (
            {"type": "reaction", "emoji": "x", "target_external_id": ""},
            "content.target_external_id",
        ),
        ({"type": "email", "subject": "", "text": "x"}, "content.subject"),
        ({"type": "email", "text": "x"}, "content.subject"),
        ({**LETTER, "subject": "x\r\nBcc: eve@example.org"}, "content.subject"),
        ({**LETTER, "subject": "a\u202eb"}, "content.subject"),
        ({**LETTER, "subject": "a\u2028b"}, "content.subject"),
        ({**LETTER, "subject": "x" * 1001}, "content.subject"),
        ({"type": "email", "subject": "x"}, "content.text"),
        ({**LETTER, "text": " ", "html": "\n"}, "content.text"),
        ({**LETTER, "html": "x" * 500_001}, "content.html"),
        ({**LETTER, "visible": "x"}, "content.visible"),
        ({**LETTER, "attachments": [{}]}, "content.attachments.0"),
        ({**LETTER, "attachments": [FILE, {"id": "nothing"}]}, "content.attachments.1.id"),
        ({**LETTER, "attachments": [{**FILE, "ref": "x"}]}, "content.attachments.0.ref"),
        ({**LETTER, "attachments": [{**FILE, "cid": "<x>"}]}, "content.attachments.0.cid"),
        ({**LETTER, "attachments": [{**FILE, "cid": "x"}] * 2}, "content.attachments.1.cid"),
        (
            {**LETTER, "attachments": [{**FILE, "filename": "a\r\nb"}]},
            "content.attachments.0.filename",
        ),
        ({**LETTER, "attachments": [FILE] * 51}, "content.attachments"),
        ({"type": "image", "media": {**FILE, "cid": "x"}}, "content.media.cid"),
    ],
)
def test_content_that_cannot_be_sent_is_named_by_its_field(api, add_channel, content, field):
    body = {"channel_id": add_channel(api), "to": {"address": "ada"}, "content": content}
    assert api.fields("POST", "/messages", body) == [field]
    assert _count(api) == 0


@pytest.mark.parametrize(
    "content",
    [
        {"type": "text", "text": "x" * 100_000},
        {"type": "image", "media": FILE, "caption": "A cat"},
        {"type": "location", "latitude": 1.5, "longitude": -2, "name": "Here"},
        {"type": "choices", "text": "Well?", "options": OPTIONS},
        {"type": "reaction", "emoji": "", "target_external_id": "7"},
        {"type": "contacts", "contacts": [{"name": "Bob", "phones": ["1"], "emails": []}]},
        LETTER,
        {"type": "email", "subject": "👩‍🚀 Order", "html": "<b>Hello</b>"},
        {"type": "email", "subject": "Order", "attachments": [FILE]},
    ],
)
def test_content_that_can_be_sent_is_taken(api, add_channel, content):
    message = _send(api, _order(add_channel(api), content))
    assert message["content"]["type"] == content["type"]


BOSS = {"cc": [{"address": "BOSS"}], "bcc": [{"address": "max", "name": "Max"}]}


def test_there_are_no_copies_where_no_letters_go(api, add_channel):
    copied = _order(add_channel(api), {**LETTER, **BOSS})
    assert api.fields("POST", "/messages", copied) == ["content.cc"]


def test_copies_of_a_letter_go_to_addresses_of_the_channel(api, add_channel, monkeypatch):
    can = FakeChannel.capabilities
    outbound = can.outbound | {"email"}
    monkeypatch.setattr(FakeChannel, "capabilities", replace(can, outbound=outbound))
    channel_id = add_channel(api)
    copied = _order(channel_id, {**LETTER, **BOSS})
    assert _send(api, copied)["content"]["cc"] == [{"address": "boss"}]
    assert api.fields("POST", "/messages", {**copied, "bulk": True}) == ["content.cc"]
    for name in ("cc", "bcc"):
        wrong = _order(channel_id, {**LETTER, name: [{"address": "!boss"}]})
        assert api.fields("POST", "/messages", wrong) == [f"content.{name}"]
    many = _order(channel_id, {**LETTER, "cc": [{"address": f"a{n}"} for n in range(51)]})
    assert api.fields("POST", "/messages", many) == ["content.cc"]


def test_what_a_program_wrote_says_so(api, add_channel):
    order = _order(add_channel(api))
    assert [_send(api, {**order, **one})["automatic"] for one in ({}, {"automatic": True})] == [
        False,
        True,
    ]


def test_a_letter_is_shown_with_its_files(api, add_channel):
    upload = api.client.post(
        "/api/v1/media",
        data={"file": (io.BytesIO(b"%PDF-1.4"), "kept.pdf")},
        headers={"Authorization": f"Bearer {api.token}"},
    ).get_json()
    files = [{"id": upload["id"], "filename": "invoice.pdf"}, {**FILE, "cid": "logo"}]
    letter = {**LETTER, "html": '<script>1</script><img src="cid:logo">', "attachments": files}
    message = _send(api, _order(add_channel(api), letter))
    shown = api.get(f"/messages/{message['id']}")["content"]
    kept, linked = shown.pop("attachments")
    # What programs read is what was sent; the console shows it made harmless.
    said = {name: letter[name] for name in ("type", "subject", "text", "html")}
    assert shown == {**said, "to": [], "cc": [], "bcc": []}
    assert kept == {**upload, "filename": "invoice.pdf", "mime_type": "application/pdf"}
    assert (linked["url"], linked["state"], linked["cid"]) == (FILE["url"], "ready", "logo")


# --- once --------------------------------------------------------------------------------------


def test_the_same_key_answers_the_same_message(every_api, add_channel):
    body = _order(add_channel(every_api))
    first = _send(every_api, body, key="order-1")
    assert _send(every_api, body, key="order-1") == first
    assert _count(every_api) == 1


def test_another_key_or_none_is_another_message(api, add_channel):
    body = _order(add_channel(api))
    ids = {_send(api, body, key=key)["id"] for key in ("1", "2", None, None)}
    assert len(ids) == 4


@pytest.mark.parametrize(
    "change",
    [
        {"content": {"type": "text", "text": "Goodbye"}},
        {"to": {"address": "bob"}},
        {"send_at": "2026-01-03T00:00:00Z"},
        {"bulk": True},
        {"automatic": True},
    ],
)
def test_the_same_key_with_another_request_is_a_conflict(every_api, add_channel, change):
    body = _order(add_channel(every_api))
    _send(every_api, body, key="order-1")
    problem = _send(every_api, {**body, **change}, key="order-1", status=409)
    assert problem["type"].endswith("/idempotency-conflict")
    assert _count(every_api) == 1


def test_the_same_scheduled_message_is_the_same(every_api, add_channel):
    body = _order(add_channel(every_api), send_at="2026-01-03T01:00:00+01:00")
    first = _send(every_api, body, key="k")
    assert first == _send(every_api, body, key="k")
    assert first["send_at"] == "2026-01-03T00:00:00Z"


def test_a_message_that_is_sent_at_once_has_no_time_for_it(api, add_channel):
    assert _send(api, _order(add_channel(api)))["send_at"] is None


def test_what_goes_to_many_waits_behind_answers(api, add_channel):
    _send(api, _order(add_channel(api), bulk=True))
    with reading(api.hub.engine) as db:
        assert db.execute(select(table(Delivery).c.bulk)).scalar_one()


def test_a_program_can_say_that_no_person_wrote_its_message(api, add_channel):
    _send(api, _order(add_channel(api), automatic=True))
    with reading(api.hub.engine) as db:
        author = db.execute(select(table(Message).c.author)).scalar_one()
    assert author.startswith("program:")


def test_a_key_belongs_to_its_token(api, add_channel):
    body = _order(add_channel(api))
    first = _send(api, body, key="order-1")
    api.token = api.post("/tokens", {"name": "another"})["token"]
    assert _send(api, body, key="order-1")["id"] != first["id"]


def test_what_became_of_a_message_does_not_make_it_another(every_api, add_channel):
    body = _order(add_channel(every_api), send_at="2026-01-03T01:00:00Z")
    message = _send(every_api, body, key="k")
    with transaction(every_api.hub.engine) as db:
        db.execute(update(table(Delivery)).values(starts_at=None, state="failed"))
        db.execute(update(table(Address)).values(address="as the provider knows it"))
        db.execute(update(table(Message)).values(status="failed", content={"type": "text"}))
    assert _send(every_api, body, key="k")["id"] == message["id"]
    assert _count(every_api) == 1


@pytest.mark.parametrize(
    "other",
    [
        {"content": {"type": "text", "text": "Hello!"}},
        {"to": {"address": "bob"}},
        {"send_at": "2026-01-03T01:00:00Z"},
    ],
)
def test_one_of_two_requests_under_one_key_at_the_same_moment_is_refused(
    every_api, add_channel, other
):
    body = _order(add_channel(every_api))
    bodies = [body, {**body, **other}] * 4
    clients = [every_api.client.application.test_client() for _ in bodies]
    headers = {"Authorization": f"Bearer {every_api.token}", "Idempotency-Key": "k"}

    def send(client, asked):
        answer = client.post("/api/v1/messages", json=asked, headers=headers)
        return answer.status_code, answer.get_json().get("id")

    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(send, clients, bodies))
    assert sorted({status for status, _ in answers}) == [202, 409]
    assert len({answered for status, answered in answers if status == 202}) == 1
    assert {answers[n][0] for n in (0, 2, 4, 6)} != {answers[n][0] for n in (1, 3, 5, 7)}
    assert _count(every_api) == 1


def test_the_same_key_at_the_same_moment_sends_once(every_api, add_channel):
    body = _order(add_channel(every_api))
    client = every_api.client.application

    def send(_):
        answer = client.test_client().post(
            "/api/v1/messages",
            json=body,
            headers={"Authorization": f"Bearer {every_api.token}", "Idempotency-Key": "k"},
        )
        return answer.status_code, answer.get_json()["id"]

    with ThreadPoolExecutor(8) as pool:
        answers = set(pool.map(send, range(16)))
    assert {status for status, _ in answers} == {202}
    assert len(answers) == 1
    assert _count(every_api) == 1


def test_a_key_answers_its_message_even_when_nothing_may_be_sent_any_more(api, add_channel):
    channel_id = add_channel(api)
    body = _order(channel_id)
    first = _send(api, body, key="k")
    api.patch(f"/channels/{channel_id}", {"enabled": False})
    assert _send(api, body, key="k") == first
    assert _send(api, body, key="l", status=409)["type"].endswith("/channel-disabled")


@pytest.mark.parametrize("key", [" ", "x" * 256])
def test_a_key_that_is_none_is_422(api, add_channel, key):
    body = _order(add_channel(api))
    fields = api.fields("POST", "/messages", body, headers={"Idempotency-Key": key})
    assert fields == ["Idempotency-Key"]


# --- the gate ----------------------------------------------------------------------------------


def test_a_closed_window_refuses_with_its_own_type(every_api, add_channel):
    channel_id = add_channel(every_api, kind="windowed")
    problem = _send(every_api, _order(channel_id), status=409)
    assert problem["type"].endswith("/window-closed")
    assert problem["detail"].startswith("The contact has never written: ")
    assert _count(every_api) == 0


def test_what_the_channel_cannot_say_is_refused(api, add_channel):
    template = {"type": "template", "name": "welcome", "language": "en"}
    problem = _send(api, _order(add_channel(api), template), status=409)
    assert problem["type"].endswith("/unsupported")
    assert _count(api) == 0


def test_a_blocked_contact_gets_nothing(api, add_channel):
    channel_id = add_channel(api)
    message = _send(api, _order(channel_id))
    api.patch(f"/contacts/{message['contact_id']}", {"blocked": True})
    assert _send(api, _order(channel_id), status=409)["type"].endswith("/contact-blocked")


def test_a_message_quotes_one_of_its_conversation(api, add_channel, add_conversation):
    channel_id = add_channel(api)
    conversation_id = add_conversation(api, channel_id)
    body = {"conversation_id": conversation_id, "content": HELLO}
    first = _send(api, body)
    assert _send(api, {**body, "reply_to": first["id"]})["reply_to"] == first["id"]
    other = _send(api, _order(channel_id, address="bob"))
    assert api.fields("POST", "/messages", {**body, "reply_to": other["id"]}) == ["reply_to"]
    assert api.fields("POST", "/messages", {**body, "reply_to": "nothing"}) == ["reply_to"]


# --- lists -------------------------------------------------------------------------------------


def test_messages_are_found_by_what_they_are(every_api, add_channel, add_conversation, add_inbound):
    api = every_api
    channel_id = add_channel(api)
    conversation_id = add_conversation(api, channel_id)
    _, inbound = add_inbound(api, conversation_id, external_id="SM123")
    other = _send(api, _order(channel_id, address="bob"))["id"]

    def ids(query):
        return [message["id"] for message in api.get(f"/messages?{query}")["items"]]

    assert ids("") == [other, inbound]
    assert ids("direction=inbound") == [inbound]
    assert ids("status=queued") == [other]
    assert ids(f"conversation_id={conversation_id}") == [inbound]
    assert ids(f"channel_id={channel_id}&direction=outbound") == [other]
    assert ids("external_id=SM123") == [inbound]
    assert ids("external_id=nothing") == []
    assert api.fields("GET", "/messages?status=lost") == ["status"]
    assert api.fields("GET", "/messages?direction=up") == ["direction"]


def test_an_outbound_message_is_found_by_the_id_of_any_part(every_api, add_channel):
    message = _send(every_api, _order(add_channel(every_api)))
    with transaction(every_api.hub.engine) as db:
        db.execute(update(table(Delivery)).values(external_id="part-2"))
    (found,) = every_api.get("/messages?external_id=part-2")["items"]
    assert found["id"] == message["id"]


def test_an_inbound_message_is_shown_as_the_contract_says(
    api, add_channel, add_conversation, add_inbound
):
    conversation_id = add_conversation(api, add_channel(api), "+15550100")
    _, message_id = add_inbound(
        api, conversation_id, external_id="SM123", reply_to_external_id="SM122"
    )
    message = api.get(f"/messages/{message_id}")
    assert message["sender"] == {"address": "+15550100", "name": "Ada"}
    assert message["status"] == "received"
    assert message["provider_at"] == "2026-01-02T03:04:05Z"
    assert (message["reply_to"], message["reply_to_external_id"]) == (None, "SM122")


def test_a_sender_without_a_name_is_called_as_their_contact(
    every_api, add_channel, add_conversation, add_inbound
):
    api = every_api
    ada = add_conversation(api, add_channel(api), "+15550100")
    contact_id = api.get(f"/conversations/{ada}")["contact_id"]
    api.patch(f"/contacts/{contact_id}", {"name": "Ada L."})
    ours = _send(api, {"conversation_id": ada, "content": {"type": "text", "text": "Hi"}})["id"]
    _, named = add_inbound(api, ada, seq=2)
    _, nameless = add_inbound(api, ada, seq=3, sender_name=None)
    _, of_a_member = add_inbound(api, ada, seq=4, sender_name=None, sender_address="+15550199")
    names = {one["id"]: one["sender"]["name"] for one in api.get("/messages")["items"]}
    assert names == {named: "Ada", nameless: "Ada L.", of_a_member: None, ours: None}


def test_earlier_versions_are_shown_oldest_first(api, add_channel, add_conversation, add_inbound):
    channel_id = add_channel(api)
    _, message_id = add_inbound(api, add_conversation(api, channel_id))
    with transaction(api.hub.engine) as db:
        for number in (1, 2):
            db.execute(
                table(MessageVersion)
                .insert()
                .values(
                    id=f"v{number}",
                    message_id=message_id,
                    channel_id=channel_id,
                    event_key=str(number),
                    content={"type": "text", "text": f"Version {number}"},
                    replaced_at=api.hub.now(),
                )
            )
    versions = api.get(f"/messages/{message_id}")["versions"]
    assert [one["content"]["text"] for one in versions] == ["Version 1", "Version 2"]


def test_a_file_is_shown_as_it_is_by_now_and_without_the_providers_handle(
    every_api, add_channel, add_conversation, add_inbound
):
    api = every_api
    conversation_id = add_conversation(api, add_channel(api))
    content = {
        "type": "image",
        "media": {"id": "0123456789", "ref": "provider-handle", "state": "pending"},
    }
    _, message_id = add_inbound(api, conversation_id, content)

    def media():
        return api.get(f"/messages/{message_id}")["content"]["media"]

    assert media() == {
        "id": "0123456789",
        "url": None,
        "mime_type": None,
        "filename": None,
        "size": None,
        "state": "pending",
    }
    with transaction(api.hub.engine) as db:
        db.execute(
            table(MediaFile)
            .insert()
            .values(
                id="0123456789",
                message_id=message_id,
                ref="provider-handle",
                state="ready",
                reason="",
                mime_type="image/png",
                size=3,
                width=1,
                height=2,
                attempts=1,
                created_at=api.hub.now(),
            )
        )
    shown = media()
    assert (shown["state"], shown["mime_type"], shown["width"]) == ("ready", "image/png", 1)
    assert shown["url"].startswith("https://hub.example/api/v1/media/0123456789?sig=")
    assert "provider-handle" not in json.dumps(api.get("/messages"))


def test_a_failed_message_says_why_and_can_be_tried_again(every_api, add_channel):
    api = every_api
    message = _send(api, _order(add_channel(api)))
    path = f"/messages/{message['id']}"
    assert api("POST", f"{path}/retry", status=409).get_json()["type"].endswith("/not-retryable")
    _fail(api, message["id"], retryable=True)
    failed = api.get(path)
    assert failed["status"] == "failed"
    assert failed["error"] == {
        "code": "rejected",
        "provider_code": "131047",
        "detail": "No.",
        "retryable": True,
    }
    api.hub.nudges.lanes.clear()
    again = api.post(f"{path}/retry", status=200)
    assert again["status"] in {"queued", "sending"}
    assert again["id"] == message["id"]
    assert api.hub.nudges.lanes == ["deliver"]


def test_a_queued_message_can_be_cancelled_once(every_api, add_channel):
    message = _send(every_api, _order(add_channel(every_api)))
    path = f"/messages/{message['id']}/cancel"
    assert every_api.post(path, status=200)["status"] == "cancelled"
    refused = every_api.post(path, status=409)
    assert refused["type"].endswith("/not-cancellable")
    assert refused["detail"] == "The message was cancelled before."


def _delivery(api, message_id, **values):
    """Let it be written of the carrying of a message."""
    with transaction(api.hub.engine) as db:
        rows = table(Delivery)
        db.execute(update(rows).where(rows.c.message_id == message_id).values(values))


@pytest.mark.parametrize(("arrived", "status"), [(True, "sent"), (False, "failed")])
def test_whoever_finds_out_what_became_of_an_unknown_message_says_so(
    every_api, add_channel, arrived, status
):
    message = _send(every_api, _order(add_channel(every_api)))
    path = f"/messages/{message['id']}/settle"
    assert every_api.post(path, {"arrived": arrived}, status=409)["type"].endswith("/not-unknown")
    _delivery(every_api, message["id"], state="unknown", error={**_LOST, "code": "lost"})
    settled = every_api.post(path, {"arrived": arrived}, status=200)
    assert settled["status"] == status
    assert (settled["error"] or {}).get("code") == (None if arrived else "not_arrived")
    every_api.post(path, {"arrived": arrived}, status=409)


def test_a_message_that_is_tried_again_says_what_its_last_try_met(every_api, add_channel):
    message = _send(every_api, _order(add_channel(every_api)))
    _delivery(every_api, message["id"], state="retrying", error=_LOST)
    shown = every_api.get(f"/messages/{message['id']}")
    assert shown["error"] == _LOST
    assert shown["waits_for"] == {
        "reason": "It is tried again then.",
        "message_id": None,
        "until": shown["created_at"],
    }


def test_a_message_says_that_its_channel_keeps_it_waiting(every_api, add_channel):
    channel_id = add_channel(every_api)
    reply, campaign = (_send(every_api, _order(channel_id)) for _ in range(2))
    _delivery(every_api, campaign["id"], bulk=True)
    until = every_api.hub.now() + timedelta(hours=24)

    def waits(message):
        return every_api.get(f"/messages/{message['id']}")["waits_for"]

    with transaction(every_api.hub.engine) as db:
        pause_bulk(db, channel_id, until=until)
    assert every_api.get(f"/channels/{channel_id}")["bulk_paused_until"] == "2026-01-03T03:04:05Z"
    assert waits(reply) is None
    assert waits(campaign) == {
        "reason": "The provider limits campaigns for a while; replies go on.",
        "message_id": None,
        "until": "2026-01-03T03:04:05Z",
    }
    with transaction(every_api.hub.engine) as db:
        mended = every_api.hub.now() + UNTIL_MENDED
        pause_channel(
            db, channel_id, until=mended, status="error", reason="No.", now=every_api.hub.now()
        )
    assert waits(reply) == waits(campaign) == {"reason": "No.", "message_id": None, "until": None}


def test_a_deleted_channel_is_the_reason_why_nothing_is_sendable(
    api, add_channel, add_conversation
):
    channel_id = add_channel(api)
    conversation_id = add_conversation(api, channel_id)
    api("DELETE", f"/channels/{channel_id}", status=204)
    answer = api.get(f"/conversations/{conversation_id}/sendable")
    assert (answer["kinds"], answer["reasons"]["text"]) == ([], "The channel was deleted.")


@pytest.mark.parametrize("path", ["", "/trace"])
def test_an_unknown_message_is_404(api, path):
    api("GET", f"/messages/nothing{path}", status=404)


@pytest.mark.parametrize("verb", ["retry", "cancel", "settle"])
def test_an_unknown_message_cannot_be_acted_upon(api, verb):
    api("POST", f"/messages/nothing/{verb}", {"arrived": True}, status=404)


def test_the_trace_tells_what_happened_oldest_first(
    api, add_channel, add_conversation, add_inbound
):
    _, message_id = add_inbound(api, add_conversation(api, add_channel(api)))
    items = api.get(f"/messages/{message_id}/trace")["items"]
    assert [item["stage"] for item in items] == ["receive", "normalise"]
    assert set(items[0]) == {"at", "stage", "what", "detail", "duration_ms"}


def test_pages_of_messages_neither_skip_nor_repeat(every_api, add_channel):
    channel_id = add_channel(every_api)
    ids = [_send(every_api, _order(channel_id))["id"] for _ in range(5)]
    seen, cursor = [], ""
    while cursor is not None:
        page = every_api.get(f"/messages?limit=2{cursor and f'&cursor={cursor}'}")
        seen += [message["id"] for message in page["items"]]
        cursor = page["next_cursor"]
        # What arrives meanwhile stands before the first page.
        _send(every_api, _order(channel_id))
    assert seen == ids[::-1]


def test_who_names_what_they_saw_is_told_what_was_said_since(
    every_api, add_channel, add_conversation, add_inbound
):
    api = every_api
    conversation_id = add_conversation(api, add_channel(api))
    _, seen = add_inbound(api, conversation_id, seq=100)
    send = {"conversation_id": conversation_id, "content": HELLO, "seen": seen}
    api.post("/messages", send, status=202)
    # One's own words are no news.
    api.post("/messages", send, status=202)
    add_inbound(api, conversation_id, {"type": "text", "text": "Stop!"}, seq=101)
    problem = api("POST", "/messages", send, status=409).get_json()
    assert problem["type"].endswith("/unseen")
    assert "“Stop!”" in problem["detail"]
