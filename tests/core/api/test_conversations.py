from urllib.parse import quote

import pytest
from sqlalchemy import select, text, update

from hubbub.people.users import add_user, change_user
from hubbub.store.session import reading, transaction
from hubbub.store.tables import Address, Conversation, table

HELLO = {"type": "text", "text": "Hello"}
KEYS = {
    "id",
    "channel_id",
    "contact_id",
    "contact_name",
    "address",
    "status",
    "assignee",
    "owner",
    "tags",
    "unread",
    "preview",
    "last_message_at",
    "last_inbound_at",
    "version",
    "created_at",
    "related_id",
    "snoozed_until",
    "team",
}


@pytest.fixture
def conversations(every_api, add_channel, add_conversation):
    """Three conversations, the first one the oldest, a minute apart."""
    channel_id = add_channel(every_api)
    ids = []
    for address in ("ada", "bob", "100%_\\"):
        ids.append(add_conversation(every_api, channel_id, address))
        every_api.hub.now.advance(minutes=1)
    return ids


def _user(api, email="ada@example.com"):
    return add_user(api.hub, email=email, password="correct horse", actor="cli")


def _ids(api, query=""):
    return [one["id"] for one in api.get(f"/conversations?{query}")["items"]]


def test_conversations_are_listed_the_latest_first(every_api, conversations):
    found = every_api.get("/conversations")
    assert [one["id"] for one in found["items"]] == conversations[::-1]
    assert set(found["items"][0]) == KEYS
    assert every_api.get(f"/conversations/{conversations[0]}") == found["items"][-1]


def test_pages_of_conversations_neither_skip_nor_repeat(every_api, conversations):
    with transaction(every_api.hub.engine) as db:
        rows = table(Conversation)
        # The same moment: then the id decides.
        db.execute(update(rows).values(last_message_at=every_api.hub.now()))
    seen, cursor = [], ""
    while cursor is not None:
        page = every_api.get(f"/conversations?limit=1{cursor and f'&cursor={cursor}'}")
        seen += [one["id"] for one in page["items"]]
        cursor = page["next_cursor"]
    assert seen == conversations[::-1]


def test_conversations_are_found_by_the_beginning_of_an_address(every_api, conversations):
    assert _ids(every_api, "q=AD") == conversations[:1]
    assert _ids(every_api, "q=100%25_%5C") == conversations[2:]
    assert _ids(every_api, "q=nobody") == []


@pytest.mark.parametrize(
    "q", ["+44 7700 900001", "(07700) 900-001", "900.001", "44 7700", "7700900001"]
)
def test_a_number_is_found_however_people_write_it(every_api, conversations, q):
    with transaction(every_api.hub.engine) as db:
        one = conversations[1]
        whose = select(table(Conversation).c.address_id).where(table(Conversation).c.id == one)
        rows = table(Address)
        there = update(rows).where(rows.c.id == whose.scalar_subquery())
        db.execute(there.values(address="+447700900001"))
    assert _ids(every_api, f"q={quote(q)}") == [one]
    assert len(every_api.get(f"/contacts?q={quote(q)}")["items"]) == 1


def test_conversations_are_found_by_their_contacts_name(every_api, conversations):
    contact_id = every_api.get(f"/conversations/{conversations[1]}")["contact_id"]
    every_api.patch(f"/contacts/{contact_id}", {"name": "Robert"})
    assert _ids(every_api, "q=robert") == conversations[1:2]
    assert every_api.get(f"/conversations/{conversations[1]}")["contact_name"] == "Robert"


def test_conversations_are_found_by_channel_status_and_assignee(every_api, conversations):
    api = every_api
    user_id = _user(api)
    api.patch(f"/conversations/{conversations[0]}", {"assignee": user_id, "status": "resolved"})
    channel_id = api.get(f"/conversations/{conversations[0]}")["channel_id"]
    assert _ids(api, f"assignee={user_id}") == conversations[:1]
    assert _ids(api, "assignee=none") == conversations[:0:-1]
    assert _ids(api, "status=resolved") == conversations[:1]
    assert _ids(api, f"channel_id={channel_id}&status=open") == conversations[:0:-1]
    assert _ids(api, "channel_id=other") == []
    assert api.fields("GET", "/conversations?status=lost") == ["status"]


def test_whoever_is_given_a_conversation_owns_it_under_a_new_version(every_api, conversations):
    api, path = every_api, f"/conversations/{conversations[0]}"
    user_id = _user(api)
    before = api.get(path)
    assert (before["owner"], before["assignee"]) == ("queue", None)
    given = api.patch(path, {"assignee": user_id})
    assert (given["owner"], given["assignee"]) == (f"user:{user_id}", user_id)
    assert given["version"] == before["version"] + 1
    back = api.patch(path, {"assignee": None})
    assert (back["owner"], back["assignee"]) == ("queue", None)
    assert back["version"] == before["version"] + 2


def test_a_conversation_taken_meanwhile_is_a_conflict(every_api, conversations):
    api, path = every_api, f"/conversations/{conversations[0]}"
    one, other = _user(api), _user(api, "bob@example.com")
    seen = api.get(path)["version"]
    api.patch(path, {"assignee": one, "version": seen})
    problem = api("PATCH", path, {"assignee": other, "version": seen}, status=409).get_json()
    assert problem["type"].endswith("/version-conflict")
    assert api.get(path)["assignee"] == one


def test_tags_and_status_leave_the_owner_alone(every_api, conversations):
    path = f"/conversations/{conversations[0]}"
    before = every_api.get(path)
    after = every_api.patch(path, {"tags": ["vip", "vip", "late"], "status": "snoozed"})
    assert (after["tags"], after["status"]) == (["vip", "late"], "snoozed")
    assert (after["owner"], after["version"]) == (before["owner"], before["version"])
    assert every_api.patch(path, {}) == after


def test_nobody_disabled_or_unknown_is_given_a_conversation(every_api, conversations):
    api, path = every_api, f"/conversations/{conversations[0]}"
    user_id = _user(api)
    change_user(api.hub, user_id, actor="cli", disabled=True)
    assert api.fields("PATCH", path, {"assignee": user_id}) == ["assignee"]
    assert api.fields("PATCH", path, {"assignee": "nobody"}) == ["assignee"]


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"status": "lost"}, "status"),
        ({"tags": [""]}, "tags.0"),
        ({"tags": "vip"}, "tags"),
        ({"version": "1"}, "version"),
        ({"owner": "me"}, "owner"),
    ],
)
def test_a_change_that_cannot_be_made_is_named(api, body, field):
    assert api.fields("PATCH", "/conversations/x", body) == [field]


def test_messages_of_a_conversation_come_oldest_first_page_by_page(every_api, conversations):
    api, path = every_api, f"/conversations/{conversations[0]}/messages"
    body = {"conversation_id": conversations[0], "content": HELLO}
    ids = [api.post("/messages", body, status=202)["id"] for _ in range(3)]
    first = api.get(f"{path}?limit=2")
    assert [message["id"] for message in first["items"]] == ids[:2]
    # One that arrives meanwhile is not missed.
    ids.append(api.post("/messages", body, status=202)["id"])
    rest = api.get(f"{path}?limit=2&cursor={first['next_cursor']}")
    assert [message["id"] for message in rest["items"]] == ids[2:]
    assert rest["next_cursor"] is None


@pytest.mark.parametrize("cursor", ["WyIxZSJd", "WyI5OTk5OTk5OTk5OTk5Il0", "WyLCsiJd"])
def test_a_cursor_of_messages_that_is_no_number_is_422(api, add_channel, add_conversation, cursor):
    conversation_id = add_conversation(api, add_channel(api))
    path = f"/conversations/{conversation_id}/messages?cursor={cursor}"
    assert api.fields("GET", path) == ["cursor"]


@pytest.mark.parametrize("cursor", ["WyJ5ZXN0ZXJkYXkiLCJ4Il0", "WyIyMDI2LTAxLTAyIiwieCJd"])
def test_a_cursor_of_conversations_that_is_no_time_is_422(api, cursor):
    assert api.fields("GET", f"/conversations?cursor={cursor}") == ["cursor"]


def test_a_conversation_is_snoozed_until_a_time_to_come(every_api, conversations):
    api, path = every_api, f"/conversations/{conversations[0]}"
    until = "2026-01-03T03:04:05Z"
    assert api.patch(path, {"status": "snoozed", "snoozed_until": until})["snoozed_until"] == until
    assert api.patch(path, {"status": "open"})["snoozed_until"] is None
    over = {"status": "snoozed", "snoozed_until": "2026-01-01T00:00:00Z"}
    assert api.fields("PATCH", path, over) == ["snoozed_until"]
    awake = {"status": "open", "snoozed_until": until}
    assert api.fields("PATCH", path, awake) == ["snoozed_until"]


def test_tags_are_taken_away_where_there_are_too_many(every_api, conversations):
    api, path = every_api, f"/conversations/{conversations[0]}"
    with transaction(api.hub.engine) as db:
        rows = table(Conversation)
        mine = update(rows).where(rows.c.id == conversations[0])
        db.execute(mine.values(tags=[f"{number}  x " for number in range(60)]))
    assert api.fields("PATCH", path, {"add_tags": ["vip"]}) == ["tags"]
    assert len(api.patch(path, {"remove_tags": ["0  x "]})["tags"]) == 59


def test_conversations_are_found_by_tag_and_team(every_api, conversations):
    api, path = every_api, f"/conversations/{conversations[0]}"
    user_id = _user(api)
    team = api.post("/teams", {"name": "Sales", "members": [user_id]})
    assert api.get("/teams")["items"] == [team] == [api.get(f"/teams/{team['id']}")]
    given = api.patch(path, {"team": team["id"], "add_tags": ["50%", "vip"]})
    assert (given["team"], given["assignee"]) == (team["id"], user_id)
    assert api.patch(path, {"remove_tags": ["vip"]})["tags"] == ["50%"]
    assert _ids(api, "tag=50%25") == _ids(api, f"team={team['id']}") == conversations[:1]
    assert _ids(api, "tag=vip") == []
    assert api.fields("PATCH", path, {"team": "nothing"}) == ["team"]
    assert api.patch(f"/teams/{team['id']}", {"members": []})["members"] == []
    assert api.fields("PATCH", f"/teams/{team['id']}", {"members": ["x"]}) == ["members"]
    api("POST", "/teams", {"name": "Sales"}, status=409)
    api("DELETE", f"/teams/{team['id']}", status=204)
    assert api.get(path)["team"] is None
    assert api.get(path)["assignee"] == user_id


def test_a_note_names_users_and_a_reading_is_theirs(every_api, conversations):
    api, path = every_api, f"/conversations/{conversations[0]}"
    user_id = _user(api)
    note = api.post(f"{path}/notes", {"text": "Look, @ada@example.com"})
    assert note["mentions"] == [user_id]
    assert api.get(f"{path}/notes")["items"] == [note]
    api("PUT", f"{path}/readings/{user_id}", {"read": True}, status=204)
    api("PUT", f"{path}/readings/{user_id}", {"read": False}, status=204)
    api("PUT", f"{path}/readings/nobody", {"read": True}, status=404)
    contact = api.get(path)["contact_id"]
    api("DELETE", f"/contacts/{contact}", status=204)
    api("PUT", f"{path}/readings/{user_id}", {"read": True}, status=404)


def test_a_preview_tells_the_parts_and_sends_nothing(api, add_channel, add_conversation):
    path = f"/conversations/{add_conversation(api, add_channel(api))}/preview"
    shown = api.post(path, {"content": HELLO}, status=200)
    assert shown == {"parts": [HELLO], "segments": None}
    assert api.fields("POST", path, {"content": {"type": "text", "text": ""}}) == ["content.text"]
    assert api.get("/messages")["items"] == []


def test_canned_replies_of_everybody_are_kept(every_api):
    api = every_api
    one = api.post("/canned-replies", {"shortcut": "/Thanks", "text": "Thanks, {name}!"})
    assert (one["shortcut"], one["text"]) == ("thanks", "Thanks, {name}!")
    path = f"/canned-replies/{one['id']}"
    assert api.get("/canned-replies?q=THA")["items"] == [one] == [api.get(path)]
    assert api.get("/canned-replies?q=nothing")["items"] == []
    taken = api("POST", "/canned-replies", {"shortcut": "thanks", "text": "x"}, status=409)
    assert taken.get_json()["type"].endswith("/name-taken")
    assert api.fields("POST", "/canned-replies", {"shortcut": "a b", "text": "x"}) == ["shortcut"]
    assert api.patch(path, {"text": "Ta!"})["shortcut"] == "thanks"
    api.delete(path)
    api("GET", path, status=404)


def test_notes_are_kept_and_never_sent(every_api, conversations):
    api, path = every_api, f"/conversations/{conversations[0]}/notes"
    note = api.post(path, {"text": "Call her back."})
    assert set(note) == {"id", "conversation_id", "author", "text", "mentions", "created_at"}
    assert note["author"].startswith("token:")
    assert api.get(path)["items"] == [note]
    assert api.get(f"/conversations/{conversations[0]}/messages")["items"] == []
    assert api.fields("POST", path, {"text": ""}) == ["text"]


def test_what_may_be_sent_is_told_with_the_reasons(api, add_channel, add_conversation, add_inbound):
    conversation_id = add_conversation(api, add_channel(api, kind="windowed"))
    path = f"/conversations/{conversation_id}/sendable"
    shut = api.get(path)
    assert set(shut) == {"kinds", "templates", "until", "reasons", "withheld", "stopped"}
    assert shut["kinds"] == ["template"]
    assert "text" in shut["reasons"]
    assert shut["stopped"] is None
    with transaction(api.hub.engine) as db:
        db.execute(update(table(Address)).values(marketing=False))
        db.execute(update(table(Conversation)).values(last_inbound_at=api.hub.now()))
    open_now = api.get(path)
    assert "text" in open_now["kinds"]
    assert open_now["stopped"] == "The contact stopped messages that go to many."
    assert open_now["until"] == "2026-01-03T03:04:05Z"


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("GET", "", None),
        ("PATCH", "", {"status": "open"}),
        ("GET", "/messages", None),
        ("GET", "/notes", None),
        ("POST", "/notes", {"text": "x"}),
        ("GET", "/sendable", None),
    ],
)
def test_an_unknown_conversation_is_404(api, method, path, body):
    api(method, f"/conversations/nothing{path}", body, status=404)


def test_changes_are_in_the_audit_log(every_api, conversations):
    every_api.patch(f"/conversations/{conversations[0]}", {"status": "resolved"})
    with reading(every_api.hub.engine) as db:
        found = db.execute(text("SELECT actor, action FROM audit ORDER BY id DESC LIMIT 1")).one()
    assert found.action == "conversation.changed"
    assert found.actor.startswith("token:")
