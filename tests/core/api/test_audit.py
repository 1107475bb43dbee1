"""The audit log tells what changed, and nothing else."""

import pytest

from hubbub.people.users import find_user
from tests.core.api.kit import TOKEN


def _lines(api, action):
    return [one["detail"] for one in api.get("/audit")["items"] if one["action"] == action]


@pytest.fixture
def contact(api, add_channel, add_conversation):
    """The path of a contact called Ada."""
    conversation = api.get(f"/conversations/{add_conversation(api, add_channel(api))}")
    path = f"/contacts/{conversation['contact_id']}"
    api.patch(path, {"name": "Ada"})
    return path


def test_a_channel_that_is_saved_as_it_is_is_no_line(api, add_channel):
    path = f"/channels/{add_channel(api)}"
    as_it_is = {"name": "Support", "credentials": {"token": TOKEN}, "settings": {}, "enabled": True}
    api.patch(path, as_it_is)
    assert _lines(api, "channel.changed") == []
    api.patch(path, {**as_it_is, "name": "Sales"})
    assert _lines(api, "channel.changed") == [{"changed": ["name"]}]


def test_a_team_that_is_saved_as_it_is_is_no_line(api):
    user = api.post("/users", {"email": "ada@example.com", "password": "correct horse"})["id"]
    team = {"name": "Sales", "members": [user]}
    path = f"/teams/{api.post('/teams', team)['id']}"
    api.patch(path, team)
    assert _lines(api, "team.changed") == []
    api.patch(path, {**team, "members": []})
    assert _lines(api, "team.changed") == [{"members": 0}]


def test_a_canned_reply_that_is_saved_as_it_is_is_no_line_and_not_new(api):
    reply = {"shortcut": "thanks", "text": "Thanks!"}
    made = api.post("/canned-replies", reply)
    path = f"/canned-replies/{made['id']}"
    api.hub.now.advance(minutes=1)
    assert api.patch(path, reply) == made
    assert _lines(api, "canned_reply.changed") == []
    api.patch(path, {**reply, "text": "Thank you!"})
    assert len(_lines(api, "canned_reply.changed")) == 1


def test_a_user_who_is_saved_as_they_are_is_no_line_and_disabled_since_then(api):
    ada = {"email": "ada@example.com", "password": "correct horse", "name": "Ada"}
    path = f"/users/{api.post('/users', ada)['id']}"
    as_it_is = {"name": " Ada ", "role": "agent", "disabled": False, "available": True}
    api.patch(path, {**as_it_is, "preferences": {"undo": True}})
    assert _lines(api, "user.changed") == []
    api.patch(path, {**as_it_is, "disabled": True})
    disabled_at = find_user(api.hub, path.rpartition("/")[2]).disabled_at
    api.hub.now.advance(minutes=1)
    api.patch(path, {**as_it_is, "disabled": True, "available": False})
    assert find_user(api.hub, path.rpartition("/")[2]).disabled_at == disabled_at
    assert _lines(api, "user.changed") == [{"changed": ["available"]}, {"changed": ["disabled"]}]


def test_a_contact_that_is_saved_as_it_is_is_no_line(api, contact):
    about = {"name": "Ada", "attributes": {}, "blocked": False}
    api.patch(contact, about)
    assert _lines(api, "contact.changed") == [{"changed": ["name"]}]
    api.patch(contact, {**about, "blocked": True})
    assert _lines(api, "contact.changed")[0] == {"changed": ["blocked"]}


def test_a_tag_that_a_conversation_has_is_no_line(api, add_channel, add_conversation):
    path = f"/conversations/{add_conversation(api, add_channel(api))}"
    for _ in range(2):
        api.patch(path, {"add_tags": ["vip"]})
    assert _lines(api, "conversation.changed") == [{"tags": ["vip"]}]
