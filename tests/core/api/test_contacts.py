import io

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
