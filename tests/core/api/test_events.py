import base64
import json
from dataclasses import replace

import pytest
from sqlalchemy import update

from hubbub.connect.rules import open_connection
from hubbub.connect.work import delete_channel, find_channel
from hubbub.people.tokens import create_token
from hubbub.store.session import transaction
from hubbub.store.tables import Call, Message, table
from tests.core.api.kit import TOKEN

SUMMARY = {
    "id",
    "channel_id",
    "received_at",
    "method",
    "url",
    "state",
    "reason",
    "settled_at",
    "events",
    "applied",
    "duplicate",
    "ignored",
    "dead",
}


@pytest.fixture
def call(every_api, add_channel, add_conversation, add_inbound):
    """The id of a kept call."""
    conversation_id = add_conversation(every_api, add_channel(every_api))
    return add_inbound(every_api, conversation_id)[0]


def _change(api, **values):
    with transaction(api.hub.engine) as db:
        db.execute(update(table(Call)).values(**values))


def test_kept_calls_are_listed_by_channel_and_state(every_api, call):
    (event,) = every_api.get("/events")["items"]
    assert set(event) == SUMMARY
    assert (event["id"], event["state"], event["applied"]) == (call, "done", 1)
    channel_id = event["channel_id"]
    assert len(every_api.get(f"/events?channel_id={channel_id}&state=done")["items"]) == 1
    assert every_api.get("/events?state=dead")["items"] == []
    assert every_api.get("/events?channel_id=other")["items"] == []
    with transaction(every_api.hub.engine) as db:
        db.execute(update(table(Message)).values(call_id=call))
    (message,) = every_api.get("/messages")["items"]
    (brought,) = every_api.get(f"/events?message_id={message['id']}")["items"]
    assert brought["id"] == call
    assert every_api.get("/events?message_id=other")["items"] == []
    assert every_api.fields("GET", "/events?state=lost") == ["state"]


def test_a_kept_call_is_shown_whole_but_for_its_secrets(every_api, call):
    event = every_api.get(f"/events/{call}")
    assert set(event) == SUMMARY | {"headers", "body", "body_encoding", "outcomes"}
    assert event["body_encoding"] == "text"
    assert '"Hello"' in event["body"]
    assert TOKEN not in event["body"]
    assert event["headers"]["content-type"] == "application/json"
    assert "abcdefgh" not in event["headers"]["authorization"]
    assert event["outcomes"][0]["outcome"] == "applied"


def test_the_hubs_own_secret_is_masked_too(every_api, call):
    channel = find_channel(every_api.hub, every_api.get(f"/events/{call}")["channel_id"])
    secret = open_connection(every_api.hub, channel).webhook_secret
    _change(every_api, headers={"x-some-header": secret}, body=secret.encode())
    assert secret not in str(every_api.get(f"/events/{call}"))


def test_bytes_that_are_no_text_come_in_base64(api, add_channel, add_conversation, add_inbound):
    call_id, _ = add_inbound(api, add_conversation(api, add_channel(api)))
    _change(api, body=b"\xff\x00" + TOKEN.encode())
    event = api.get(f"/events/{call_id}")
    assert event["body_encoding"] == "base64"
    body = base64.b64decode(event["body"])
    assert body.startswith(b"\xff\x00")
    assert TOKEN.encode() not in body


def test_the_calls_of_a_deleted_channel_are_shown_without_what_may_hold_its_secrets(
    every_api, call
):
    channel_id = every_api.get(f"/events/{call}")["channel_id"]
    delete_channel(every_api.hub, channel_id, actor="cli")
    event = every_api.get(f"/events/{call}")
    assert (event["body"], event["body_encoding"]) == ("", "withheld")
    assert TOKEN not in json.dumps(event)
    problem = every_api.post(f"/events/{call}/replay", {}, status=409)
    assert problem["type"].endswith("/not-releasable")


def test_a_call_is_run_again(every_api, call):
    assert every_api.post(f"/events/{call}/replay", {}, status=200)["state"] == "pending"
    assert any("normalise" in lane for lane in every_api.hub.nudges.lanes)


def test_a_call_can_be_run_again_without_a_body(every_api, call):
    answer = every_api("POST", f"/events/{call}/replay", status=200)
    assert answer.get_json()["id"] == call


def test_a_quarantined_call_is_released_by_a_persons_word(
    api, add_channel, add_conversation, add_inbound
):
    call_id, _ = add_inbound(api, add_conversation(api, add_channel(api)))
    _change(api, state="quarantined", reason="Wrong signature.")
    assert api.post(f"/events/{call_id}/replay", {"force": True}, status=200)["state"] == "pending"


def test_nobody_but_an_admin_releases_what_is_not_proven(
    api, add_channel, add_conversation, add_inbound
):
    call_id, _ = add_inbound(api, add_conversation(api, add_channel(api)))
    _change(api, state="quarantined", reason="Wrong signature.")
    _, token = create_token(api.hub, name="narrow", actor="cli", scopes=["read", "write"])
    narrow = replace(api, token=token)
    assert narrow("POST", f"/events/{call_id}/replay", {"force": True}).status_code == 403
    assert narrow("POST", f"/events/{call_id}/replay", {}).status_code == 409


def test_a_letter_is_handed_out_as_mail_programs_open_it(every_api, call):
    letter = b"Subject: \xe4\r\n\r\n<script>1</script>"
    _change(every_api, method="LETTER", body=letter + TOKEN.encode())
    answer = every_api("GET", f"/events/{call}/letter", status=200)
    assert answer.content_type == "message/rfc822"
    assert answer.headers["Content-Disposition"] == f'attachment; filename="letter-{call}.eml"'
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.get_data().startswith(letter)
    assert TOKEN.encode() not in answer.get_data()


def test_a_letter_is_for_admins_alone(every_api, call):
    _change(every_api, method="LETTER")
    every_api.token = every_api.post("/tokens", {"name": "reader", "scopes": ["read", "write"]})[
        "token"
    ]
    assert every_api("GET", f"/events/{call}/letter", status=403).is_json


def test_a_letter_whose_secrets_nobody_knows_any_more_is_withheld(every_api, call):
    _change(every_api, method="LETTER")
    delete_channel(every_api.hub, every_api.get(f"/events/{call}")["channel_id"], actor="cli")
    every_api("GET", f"/events/{call}/letter", status=404)


@pytest.mark.parametrize(("method", "path"), [("GET", ""), ("GET", "/letter"), ("POST", "/replay")])
def test_an_unknown_event_is_404(api, method, path):
    api(method, f"/events/nothing{path}", {} if method == "POST" else None, status=404)
