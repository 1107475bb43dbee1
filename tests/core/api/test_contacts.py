import io
import json
import zipfile

import pytest
from sqlalchemy import insert, select, text, update

from hubbub.media import Missing
from hubbub.store.session import reading, transaction
from hubbub.store.tables import Call, Receipt, metadata, table
from hubbub.store.types import new_id

HELLO = {"type": "text", "text": "Hello from Ada"}


@pytest.fixture
def contact(every_api, add_channel, add_conversation):
    """A contact who has a conversation."""
    conversation_id = add_conversation(every_api, add_channel(every_api), "ada-lovelace")
    contact_id = every_api.get(f"/conversations/{conversation_id}")["contact_id"]
    return every_api.get(f"/contacts/{contact_id}")


def _path(contact):
    return f"/contacts/{contact['id']}"


def test_a_contact_is_shown_with_their_addresses(every_api, contact):
    assert set(contact) == {"id", "name", "attributes", "blocked", "addresses", "created_at"}
    (address,) = contact["addresses"]
    assert (address["address"], address["state"]) == ("ada-lovelace", "ok")
    assert every_api.get("/contacts")["items"] == [contact]


@pytest.mark.parametrize(("q", "found"), [("LOVE", 1), ("Ada%20L", 1), ("bob", 0), ("%25", 0)])
def test_contacts_are_found_by_part_of_a_name_or_address(every_api, contact, q, found):
    every_api.patch(_path(contact), {"name": "Ada L."})
    assert len(every_api.get(f"/contacts?q={q}")["items"]) == found


def test_attributes_are_merged_and_taken_away(every_api, contact):
    path = _path(contact)
    every_api.patch(path, {"attributes": {"city": "London", "age": 36}})
    changed = every_api.patch(path, {"attributes": {"age": None, "vip": True}})
    assert changed["attributes"] == {"city": "London", "vip": True}
    assert every_api.fields("PATCH", path, {"attributes": {"deep": {}}}) != []


@pytest.mark.parametrize("number", ["1e999", "-1e999"])
def test_a_number_that_no_database_keeps_is_refused(every_api, contact, number):
    raw = f'{{"attributes": {{"shoe": {number}}}}}'
    refused = every_api("PATCH", _path(contact), raw=raw, status=422)
    assert refused.get_json()["errors"] == [
        {"field": "attributes.shoe", "message": "Take a number that is not endless."}
    ]


def test_a_contact_is_named_blocked_and_let_in_again(every_api, contact):
    path = _path(contact)
    changed = every_api.patch(path, {"name": " Ada ", "blocked": True})
    assert (changed["name"], changed["blocked"]) == ("Ada", True)
    assert every_api.patch(path, {"name": None})["blocked"] is True
    assert every_api.patch(path, {"blocked": False})["blocked"] is False


def test_an_erased_contact_leaves_nothing_of_theirs_behind(
    every_api, contact, add_conversation, add_inbound
):
    api = every_api
    (address,) = contact["addresses"]
    (conversation,) = api.get("/conversations")["items"]
    upload = api.client.post(
        "/api/v1/media",
        data={"file": (io.BytesIO(b"\x89PNG\r\n\x1a\n" + bytes(20)), "ada.png")},
        headers={"Authorization": f"Bearer {api.token}"},
    ).get_json()
    call_id, _ = add_inbound(api, conversation["id"], HELLO, seq=100)
    image = {"type": "image", "media": {"id": upload["id"]}}
    to = {"conversation_id": conversation["id"]}
    api.post("/messages", {**to, "content": image}, status=202)
    api.post(f"/conversations/{conversation['id']}/notes", {"text": "Ada called."})
    api.patch(_path(contact), {"name": "Ada"})
    other = add_conversation(api, address["channel_id"], "bob")

    api.delete(_path(contact))

    with reading(api.hub.engine) as db:
        left = {name: db.execute(select(rows)).all() for name, rows in metadata.tables.items()}
    everything = str(left)
    for trace in ("ada-lovelace", "Hello from Ada", "Ada called", "ada.png"):
        assert trace not in everything
    assert [row.id for row in left["calls"]] == [call_id]
    assert left["calls"][0].body == b""
    with pytest.raises(Missing):
        api.hub.media.get(upload["id"])
    assert [one["id"] for one in api.get("/conversations")["items"]] == [other]
    api("GET", _path(contact), status=404)
    with reading(api.hub.engine) as db:
        last = db.execute(text("SELECT action FROM audit ORDER BY id DESC")).scalar()
    assert last == "contact.erased"


@pytest.mark.parametrize("by", ["message", "receipt"])
def test_calls_that_told_again_of_an_erased_contact_are_emptied_and_no_others(
    every_api, contact, add_inbound, by
):
    api = every_api
    (conversation,) = api.get("/conversations")["items"]
    _, message_id = add_inbound(api, conversation["id"], HELLO, seq=100)
    again, _ = add_inbound(api, conversation["id"], HELLO, seq=101)
    other, _ = add_inbound(api, conversation["id"], HELLO, seq=102)
    sent = {"conversation_id": conversation["id"], "content": HELLO}
    api.post("/messages", sent, status=202)
    told = {"message": {"message_id": message_id}, "receipt": {"key": "bounce", "message_id": None}}
    with transaction(api.hub.engine) as db:
        db.execute(text("UPDATE messages SET call_id = NULL WHERE seq > 100"))
        db.execute(update(table(Call)).where(table(Call).c.id == again).values(outcomes=[told[by]]))
        db.execute(
            update(table(Call)).where(table(Call).c.id == other).values(outcomes=[{"key": "no"}])
        )
        bounce = {
            "id": new_id(),
            "channel_id": contact["addresses"][0]["channel_id"],
            "event_key": "bounce",
            "delivery_id": db.execute(text("SELECT id FROM deliveries")).scalar(),
            "state": "failed",
            "received_at": api.hub.now(),
        }
        db.execute(insert(table(Receipt)).values(bounce))

    api.delete(_path(contact))

    with reading(api.hub.engine) as db:
        bodies = dict(db.execute(select(table(Call).c.id, table(Call).c.body)).all())
    assert bodies[again] == b""
    assert bodies[other] != b""


@pytest.mark.parametrize("method", ["GET", "PATCH", "DELETE"])
def test_an_unknown_contact_is_404(api, method):
    api(method, "/contacts/nothing", {} if method == "PATCH" else None, status=404)


@pytest.fixture
def other(every_api, contact, add_conversation):
    """Another contact on the same channel."""
    conversation_id = add_conversation(every_api, contact["addresses"][0]["channel_id"], "countess")
    contact_id = every_api.get(f"/conversations/{conversation_id}")["contact_id"]
    return every_api.get(f"/contacts/{contact_id}")


def test_contacts_are_merged_and_parted_again(every_api, contact, other):
    api, path = every_api, _path(contact)
    api.patch(_path(other), {"attributes": {"vip": True}})
    asked = {"contact_id": other["id"]}
    would = api.get(f"{path}/merge?contact_id={other['id']}")
    assert (would["moves"]["addresses"], would["attributes"]) == (1, {"vip": True})

    both = api.post(f"{path}/merge", asked, status=200)
    assert [one["address"] for one in both["addresses"]] == ["ada-lovelace", "countess"]
    for method in ("GET", "PATCH", "DELETE"):
        gone = api(method, _path(other), {} if method == "PATCH" else None, status=410).get_json()
        assert gone["contact_id"] == contact["id"]
    assert api.fields("POST", f"{path}/merge", {"contact_id": contact["id"]}) == ["contact_id"]

    (merge,) = api.get(f"{path}/merges")["items"]
    again = api.post(f"{path}/merges/{merge['id']}/undo", status=200)
    assert again == {**other, "attributes": {"vip": True}}
    assert api.get(path) == contact


def test_the_timeline_tells_of_all_conversations_page_by_page(
    every_api, contact, other, add_inbound
):
    api = every_api
    threads = {one["contact_id"]: one["id"] for one in api.get("/conversations")["items"]}
    said = [
        add_inbound(api, threads[whose["id"]], {"type": "text", "text": text}, seq=seq)[1]
        for seq, (whose, text) in enumerate(
            [(contact, "one"), (other, "two"), (contact, "three")], start=1
        )
    ]
    api.post(f"{_path(contact)}/merge", {"contact_id": other["id"]}, status=200)
    page = api.get(f"{_path(contact)}/timeline?limit=2")
    rest = api.get(f"{_path(contact)}/timeline?limit=2&cursor={page['next_cursor']}")
    assert [one["id"] for one in page["items"] + rest["items"]] == said[::-1]
    assert rest["next_cursor"] is None


def test_consent_is_noted_by_address(every_api, contact):
    (address,) = contact["addresses"]
    path = f"{_path(contact)}/addresses/{address['id']}"
    (changed,) = every_api.patch(path, {"marketing": False})["addresses"]
    assert (changed["marketing"], changed["marketing_at"]) == (False, "2026-01-02T03:04:05Z")
    every_api("PATCH", f"{_path(contact)}/addresses/none", {"marketing": True}, status=404)


@pytest.mark.parametrize("name", ["verified", "unverified"])
def test_what_a_site_has_signed_is_not_written_over(api, add_channel, add_conversation, name):
    conversation_id = add_conversation(api, add_channel(api))
    path = f"/contacts/{api.get(f'/conversations/{conversation_id}')['contact_id']}"
    asked = {"attributes": {name: "everything"}}
    assert api.fields("PATCH", path, asked) == [f"attributes.{name}"]


def test_an_export_holds_all_that_is_held(every_api, contact, add_inbound):
    api, path = every_api, _path(contact)
    (conversation,) = api.get("/conversations")["items"]
    upload = api.client.post(
        "/api/v1/media",
        data={"file": (io.BytesIO(b"\x89PNG\r\n\x1a\n" + bytes(20)), "../ada.png")},
        headers={"Authorization": f"Bearer {api.token}"},
    ).get_json()
    add_inbound(api, conversation["id"], HELLO, seq=100)
    image = {"type": "image", "media": {"id": upload["id"]}}
    api.post("/messages", {"conversation_id": conversation["id"], "content": image}, status=202)
    api.post(f"/conversations/{conversation['id']}/notes", {"text": "Ada called."})

    answer = api("GET", f"{path}/export", status=200)

    with zipfile.ZipFile(io.BytesIO(answer.get_data())) as archive:
        assert archive.testzip() is None
        held = {name: archive.read(name) for name in archive.namelist()}
    about = json.loads(held["contact.json"])
    assert about["addresses"][0]["address"] == "ada-lovelace"
    said = [json.loads(line)["content"] for line in held["messages.jsonl"].splitlines()]
    assert [one["type"] for one in said] == ["image", "text"]
    assert b"Ada called." in held["notes.jsonl"]
    assert held[f"files/{upload['id']}-ada.png"].startswith(b"\x89PNG")
    held_of_them = api.get(f"{path}/holdings")
    assert (held_of_them["messages"], held_of_them["notes"], held_of_them["files"]) == (2, 1, 1)


def test_a_file_that_is_lost_is_named_in_the_export(api, add_channel, add_conversation):
    conversation_id = add_conversation(api, add_channel(api))
    contact_id = api.get(f"/conversations/{conversation_id}")["contact_id"]
    upload = api.client.post(
        "/api/v1/media",
        data={"file": (io.BytesIO(b"\x89PNG\r\n\x1a\n" + bytes(20)), "ada.png")},
        headers={"Authorization": f"Bearer {api.token}"},
    ).get_json()
    image = {"type": "image", "media": {"id": upload["id"]}}
    api.post("/messages", {"conversation_id": conversation_id, "content": image}, status=202)
    api.hub.media.delete(upload["id"])
    answer = api("GET", f"/contacts/{contact_id}/export", status=200)
    with zipfile.ZipFile(io.BytesIO(answer.get_data())) as archive:
        assert upload["id"] in archive.read("missing.txt").decode()
