"""The API can do with routes what the console can."""

import pytest

RULE = {"name": "Prices", "when": {"text": {"contains": ["price"]}}, "to": {"type": "inbox"}}
BOT = {"type": "bot", "url": "https://bot.example", "secret": "hush-hush"}


@pytest.fixture
def path(api, add_channel):
    return f"/channels/{add_channel(api)}/routes"


def put(api, path, *rules, status=200, **more):
    answer = api("PUT", path, {"routes": list(rules), **more}, status=status)
    return answer.get_json()


def test_a_rule_that_is_switched_off_stays_and_is_not_asked(api, path):
    saved = put(api, path, {**RULE, "enabled": False, "to": BOT})
    assert [route["enabled"] for route in saved["routes"]] == [False]
    said = api.post(f"{path}/explain", {"content": {"type": "text", "text": "price"}}, 200)
    assert (said["fallback"], said["considered"][0]["off"]) == (True, True)
    assert "rule 1 “Prices” is switched off" in said["explanation"]


def test_what_was_read_can_only_be_written_back_while_nobody_else_wrote(api, path):
    read = api.get(path)
    put(api, path, RULE)
    problem = api("PUT", path, read, status=409).get_json()
    assert problem["type"].endswith("/version-conflict")
    assert api("PUT", path, api.get(path), status=200).get_json()["version"] == 3


def test_rules_are_explained_before_they_are_in_force(api, path):
    wanted = {"routes": [{**RULE, "to": BOT}], "fallback": {"type": "inbox"}}
    supposed = {"content": {"type": "text", "text": "What price?"}, "rules": wanted}
    said = api.post(f"{path}/explain", supposed, 200)
    assert (said["route_name"], said["destination"]["secret"]) == ("Prices", "********")
    assert api.get(path)["routes"] == []


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "content"),
        ({"message_id": "x", "sender": "+1"}, "message_id"),
        ({"message_id": "x", "content": {"type": "text", "text": "a"}}, "message_id"),
    ],
)
def test_either_a_message_or_its_id_is_explained(api, path, body, field):
    assert api.fields("POST", f"{path}/explain", body) == [field]


def test_a_message_that_nobody_wrote_is_404(api, path):
    api("POST", f"{path}/explain", {"message_id": "x"}, status=404)


def test_rules_are_tried_on_what_came_in(every_api, add_channel, add_conversation, add_inbound):
    api, channel_id = every_api, add_channel(every_api)
    path, conversation = f"/channels/{channel_id}/routes", add_conversation(api, channel_id)
    _, message_id = add_inbound(api, conversation, {"type": "text", "text": "What price?"})
    add_inbound(api, conversation, seq=2)
    wanted = {"routes": [{"id": "a", **RULE, "to": BOT}]}
    found = api.post(f"{path}/dry-run", wanted, 200)
    assert (found["asked"], found["more"], found["moved_count"]) == (2, False, 1)
    assert [(one["route_id"], one["count"]) for one in found["rules"]] == [("a", 1), (None, 1)]
    (moved,) = found["moved"]
    assert (moved["message_id"], moved["preview"]) == (message_id, "What price?")
    assert (moved["now"]["route_id"], moved["then"]["route_id"]) == (None, "a")
    assert "hush" not in str(found)
    said = api.post(f"{path}/explain", {"message_id": message_id, "rules": wanted}, 200)
    assert said["route_id"] == "a"


def test_versions_are_listed_read_and_restored(api, path):
    put(api, path, {"id": "a", **RULE, "to": BOT})
    put(api, path)
    listed = api.get(f"{path}/versions?limit=2")
    assert [one["version"] for one in listed["items"]] == [3, 2]
    assert listed["items"][0]["changes"] == [
        "Removed rule 1 “Prices”: If the text contains “price”, then to Bot."
    ]
    rest = api.get(f"{path}/versions?limit=2&cursor={listed['next_cursor']}")
    assert [one["version"] for one in rest["items"]] == [1]
    whole = api.get(f"{path}/versions/2")
    assert whole["rules"]["routes"][0]["to"]["secret"] == "********"
    restored = api("POST", f"{path}/versions/2/restore", status=200).get_json()
    assert (restored["version"], restored["routes"][0]["id"]) == (4, "a")
    again = api("POST", f"{path}/versions/4/restore", status=409).get_json()
    assert again["type"].endswith("/conflict")


@pytest.mark.parametrize("version", ["99", "x", "999999999999999"])
def test_a_version_that_is_not_there_is_404(api, path, version):
    api("GET", f"{path}/versions/{version}", status=404)
    api("POST", f"{path}/versions/{version}/restore", status=404)
