"""What operators ask for: what failed, how the hub is, who changed what."""

import pytest
from sqlalchemy import update

from hubbub.store.session import transaction
from hubbub.store.tables import Delivery, Message, table

HELLO = {"type": "text", "text": "Hello"}


@pytest.fixture
def failed(api, add_channel, add_conversation):
    """A message that failed, and its channel."""
    conversation = add_conversation(api, add_channel(api))
    sent = {"conversation_id": conversation, "content": HELLO}
    message = api.post("/messages", sent, status=202)
    error = {"code": "recipient_gone", "detail": "Nobody there.", "retryable": False}
    with transaction(api.hub.engine) as db:
        db.execute(update(table(Delivery)).values(state="failed", error=error))
        db.execute(update(table(Message)).values(status="failed", error=error))
    return message


def test_what_failed_is_told_by_cause_and_tried_again(api, failed):
    (cause,) = api.get("/failures")["items"]
    assert (cause["kind"], cause["cause"], cause["count"]) == ("failed", "recipient_gone", 1)
    assert cause["detail"] == "Nobody there."
    asked = {name: cause[name] for name in ("kind", "channel_id", "cause")}
    begun = api.post("/requeues", asked, status=202)
    assert (begun["state"], begun["total"], begun["per_minute"]) == ("running", 1, 60)
    again = api("POST", "/requeues", asked, status=409).get_json()
    assert again["type"].endswith("/requeue-running")
    assert api.get("/requeues")["items"] == [begun]
    assert api.post(f"/requeues/{begun['id']}/stop", status=200)["state"] == "stopped"
    assert api.get(f"/requeues/{begun['id']}")["finished_at"] is not None
    api("POST", "/requeues", {**asked, "cause": "other"}, status=404)
    api("GET", "/requeues/none", status=404)


def test_a_rehearsal_says_what_a_call_would_become_and_does_nothing(
    api, add_channel, add_conversation, add_inbound
):
    call, _ = add_inbound(api, add_conversation(api, add_channel(api)))
    before = api.get("/events")["items"]
    would = api.get(f"/events/{call}/rehearsal")
    assert [one["outcome"] for one in would["before"]] == ["applied"]
    # The channel of these tests can read nothing.
    assert [one["outcome"] for one in would["after"]] == ["dead"]
    assert would["messages"] == []
    assert api.get("/events")["items"] == before
    api("GET", "/events/none/rehearsal", status=404)


def test_the_instance_says_how_it_is(api):
    found = api.get("/health")
    names = {one["name"] for one in found["checks"]}
    assert {"Database", "Redis", "Disk", "Media store"} <= names
    assert [one["waiting"] for one in found["queues"]] == [0, 0, 0, 0, 0]


def test_plugins_are_told_of_and_switched_for_the_next_start(api):
    (plugin,) = api.get("/plugins")["items"]
    assert (plugin["name"], plugin["state"], plugin["enabled"]) == ("fake", "loaded", True)
    assert api.patch("/plugins/fake", {"enabled": False})["enabled"] is False
    assert api.get("/plugins")["items"][0]["state"] == "loaded"
    why = api("PATCH", "/plugins/fake", {"enabled": True}, status=409).get_json()
    assert "No installed package" in why["detail"]
    api("PATCH", "/plugins/other", {"enabled": True}, status=404)


def test_a_text_in_a_plugins_settings_is_never_told(api):
    api.hub.settings.plugins_file.write_text(
        '[plugins.fake]\ndsn = "postgres://u:hush@db"\nretries = 3\n'
    )
    (plugin,) = api.get("/plugins")["items"]
    assert plugin["settings"] == {"dsn": "********", "retries": 3}


def test_the_audit_log_is_asked_by_who_what_and_when(api, add_channel):
    channel = add_channel(api)
    user = api.post("/users", {"email": "ada@example.org"})
    lines = api.get("/audit")["items"]
    assert [one["action"] for one in lines] == [
        *("user.created", "channel.created", "token.created"),
    ]
    for query, actions in (
        (f"object_id={channel}", ["channel.created"]),
        ("action=user", ["user.created"]),
        ("actor=cli", ["channel.created", "token.created"]),
        ("since=2026-01-03T00:00:00Z", []),
        ("until=2026-01-02T00:00:00Z", []),
    ):
        assert [one["action"] for one in api.get(f"/audit?{query}")["items"]] == actions, query
    page = api.get("/audit?limit=1")
    assert api.get(f"/audit?limit=2&cursor={page['next_cursor']}")["items"] == lines[1:]

    invite = api.post(f"/users/{user['id']}/invite")
    assert invite["url"].startswith(f"https://hub.example/welcome/{user['id']}/")
    api.delete(f"/users/{user['id']}/sessions")
    api("DELETE", "/users/nobody/sessions", status=404)
    api("POST", "/users/nobody/invite", status=404)
