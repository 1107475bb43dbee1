import pytest

from hubbub.connect.work import find_channel
from tests.core.api.kit import TOKEN

NEW = {"type": "fake", "name": "Support", "credentials": {"token": TOKEN}, "settings": {}}
KEYS = {
    "id",
    "type",
    "name",
    "status",
    "status_reason",
    "status_since",
    "webhook_url",
    "verify_token",
    "last_active_at",
    "enabled",
    "settings",
    "old_credentials_until",
    "bulk_paused_until",
    "created_at",
}


def test_every_installed_type_is_listed_with_its_form(api):
    types = {one["type"]: one for one in api.get("/channel-types")["items"]}
    fake = types["fake"]
    assert set(fake) == {
        "type",
        "label",
        "description",
        "legacy",
        "icon_url",
        "plugin",
        "fields",
        "capabilities",
        "setup",
        "group",
        "needs",
        "minutes",
        "changes",
    }
    assert fake["plugin"] == "fake"
    assert fake["setup"] == [
        {"title": "Ask for a token", "text": "At the provider.", "link": None, "at": "start"}
    ]
    assert fake["capabilities"]["text_limit"] == 4096
    assert types["windowed"]["icon_url"] is None


def test_the_form_is_one_schema_with_the_providers_titles_and_marked_secrets(api):
    fields = api.get("/channel-types")["items"][0]["fields"]
    credentials = fields["properties"]["credentials"]["properties"]
    assert credentials["token"]["title"] == "Bot token"
    assert credentials["token"]["writeOnly"] is True
    assert credentials["second"]["writeOnly"] is True
    assert "writeOnly" not in fields["properties"]["settings"]["properties"]["mode"]
    assert "$ref" not in str(fields)


def test_an_icon_can_be_loaded_by_an_image_and_runs_nothing(api):
    api.token = ""
    answer = api("GET", "/channel-types/fake/icon.svg", status=200)
    assert answer.content_type.startswith("image/svg+xml")
    assert "script-src" not in answer.headers["Content-Security-Policy"]
    assert answer.headers["Content-Security-Policy"].startswith("default-src 'none'")
    plain = api("GET", "/channel-types/windowed/icon.svg", status=200)
    assert plain.data.startswith(b"<svg")
    assert plain.data != answer.data


def test_a_channel_is_created_and_never_returns_its_credentials(every_api):
    answer = every_api("POST", "/channels", NEW, status=201)
    channel = answer.get_json()
    assert set(channel) == KEYS
    assert channel["status"] == "connected"
    assert channel["webhook_url"].startswith("https://hub.example/webhooks/")
    assert channel["verify_token"]
    assert channel["created_at"] == "2026-01-02T03:04:05Z"
    assert channel["settings"] == {}
    assert "very-secret" not in answer.get_data(as_text=True)
    assert every_api.get(f"/channels/{channel['id']}") == channel
    assert every_api.get("/channels")["items"] == [channel]


def test_a_channel_whose_provider_is_away_is_created_all_the_same(api):
    api.hub.http.be_away()
    channel = api.post("/channels", NEW)
    assert channel["status"] == "inactive"
    assert "cannot be reached" in channel["status_reason"]
    api.hub.http.error = None
    checked = api.post(f"/channels/{channel['id']}/check", status=200)
    assert checked["status"] == "connected"
    assert checked["findings"] == [
        {"code": "webhook", "ok": True, "detail": "All is well.", "fix": "", "until": None}
    ]


def test_credentials_are_tried_without_a_channel(api):
    trial = {"type": "fake", "credentials": {"token": TOKEN}}
    tried = api.post("/channels/try", trial, status=200)
    assert (tried["status"], tried["findings"][0]["detail"]) == ("connected", "All is well.")
    api.hub.http.be_away()
    assert api.post("/channels/try", trial, status=200)["status"] == "inactive"
    assert api.fields("POST", "/channels/try", {"type": "fake"}) == ["credentials.token"]
    assert api.fields("POST", "/channels/try", {**trial, "type": "nothing"}) == ["type"]
    assert api.get("/channels")["items"] == []


def test_the_health_of_a_channel_counts_a_day_by_the_hour(every_api, add_channel):
    channel = add_channel(every_api)
    health = every_api.get(f"/channels/{channel}/health")
    assert [part["name"] for part in health["parts"]] == ["auth", "webhook", "inbound", "outbound"]
    assert health["hours"] == [0] * 24
    assert (health["waiting"], health["quarantined"], health["expires_at"]) == (0, 0, None)


def test_missing_credentials_are_named(api):
    assert api.fields("POST", "/channels", {**NEW, "credentials": {}}) == ["credentials.token"]
    assert api.fields("POST", "/channels", {"type": "fake", "name": "x"}) == ["credentials.token"]
    assert api.fields("POST", "/channels", {**NEW, "type": "nothing"}) == ["type"]
    assert api.get("/channels")["items"] == []


def test_a_second_channel_for_an_account_is_409(api):
    api.post("/channels", NEW)
    problem = api.post("/channels", NEW, status=409)
    assert problem["type"].endswith("/account-taken")


def test_a_channel_is_changed_field_by_field(api):
    channel = api.post("/channels", NEW)
    path = f"/channels/{channel['id']}"
    changed = api.patch(path, {"name": "Sales", "settings": {"mode": "polling"}})
    assert (changed["name"], changed["settings"]) == ("Sales", {"mode": "polling"})
    assert api.patch(path, {"enabled": False})["status"] == "inactive"
    assert api.patch(path, {"enabled": True})["status"] == "connected"
    assert api.patch(path, {}) == {**changed, "status": "connected"}
    assert api.fields("PATCH", path, {"enabled": "yes"}) == ["enabled"]
    assert api.fields("PATCH", path, {"status": "connected"}) == ["status"]
    assert api.fields("PATCH", path, {"name": None, "enabled": None}) == ["name", "enabled"]
    assert "deliver" in api.hub.nudges.lanes


def test_new_credentials_are_merged_and_tried(api):
    channel = api.post("/channels", NEW)
    api.hub.http.status = 401
    changed = api.patch(f"/channels/{channel['id']}", {"credentials": {"token": "4711:wrong"}})
    assert changed["status"] == "error"


def test_credentials_are_replaced_with_an_overlap_whose_end_is_shown(every_api):
    channel = every_api.post("/channels", NEW)
    path = f"/channels/{channel['id']}"
    assert channel["old_credentials_until"] is None
    new, day = {"second": "another-secret"}, "2026-01-03T03:04:05Z"
    changed = every_api.patch(path, {"credentials": new, "old_credentials_until": day})
    assert changed["old_credentials_until"] == day
    ended = every_api.patch(path, {"old_credentials_until": "2026-01-02T03:04:05Z"})
    assert ended["old_credentials_until"] is None


@pytest.mark.parametrize("until", ["2026-01-03T03:04:05Z", "2026-03-01T00:00:00Z", "tomorrow"])
def test_an_overlap_without_a_replacement_or_for_too_long_is_422(api, until):
    path = f"/channels/{api.post('/channels', NEW)['id']}"
    assert api.fields("PATCH", path, {"old_credentials_until": until}) == ["old_credentials_until"]


def test_a_deleted_channel_is_gone(api):
    channel = api.post("/channels", NEW)
    hello = {"content": {"type": "text", "text": "Hello"}}
    to = {"channel_id": channel["id"], "to": {"address": "ada"}}
    conversation = api.post("/messages", {**hello, **to}, status=202)["conversation_id"]
    api.delete(f"/channels/{channel['id']}")
    into = {**hello, "conversation_id": conversation}
    problem = api.post("/messages", into, status=409)
    assert problem["type"].endswith("/channel-gone")
    assert api.fields("POST", "/messages", {**hello, **to}) == ["channel_id"]
    api("GET", f"/channels/{channel['id']}", status=404)
    api("DELETE", f"/channels/{channel['id']}", status=404)
    assert api.get("/channels")["items"] == []


def test_lists_go_on_where_the_page_before_ended(every_api):
    ids = [
        every_api.post("/channels", {**NEW, "credentials": {"token": f"{number}:x"}})["id"]
        for number in range(5)
    ]
    seen, path = [], "/channels?limit=2"
    while path:
        page = every_api.get(path)
        seen += [channel["id"] for channel in page["items"]]
        cursor = page["next_cursor"]
        path = cursor and f"/channels?limit=2&cursor={cursor}"
    assert seen == ids[::-1]


def test_a_full_last_page_has_no_next_one(api):
    for number in range(2):
        api.post("/channels", {**NEW, "credentials": {"token": f"{number}:x"}})
    assert api.get("/channels?limit=2")["next_cursor"] is None


def test_a_channel_without_its_plugin_is_shown_with_an_error(api):
    channel = api.post("/channels", NEW)
    api.hub.plugins.channels.pop("fake")
    api.hub.plugins.__dict__.pop("_channel_hooks")
    shown = api.get(f"/channels/{channel['id']}")
    assert shown["status"] == "error"
    assert "not loaded" in shown["status_reason"]
    problem = api("PATCH", f"/channels/{channel['id']}", {"settings": {}}, status=409).get_json()
    assert problem["type"].endswith("/unknown-type")


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/channels/x"),
        ("PATCH", "/channels/x"),
        ("DELETE", "/channels/x"),
        ("POST", "/channels/x/check"),
        ("GET", "/channels/x/routes"),
    ],
)
def test_an_unknown_channel_is_404(api, method, path):
    api(method, path, {} if method == "PATCH" else None, status=404)


def test_routes_are_read_and_written_with_their_secrets_hidden(api, add_channel):
    path = f"/channels/{add_channel(api)}/routes"
    assert api.get(path) == {"version": 1, "routes": [], "fallback": {"type": "inbox"}}
    bot = {"type": "bot", "url": "https://bot.example", "secret": "hush-hush"}
    rule = {"name": "Prices", "when": {"text": {"contains": ["price"]}}, "to": bot}
    saved = api("PUT", path, {"routes": [rule], "fallback": {"type": "inbox"}}, status=200)
    assert "hush" not in saved.get_data(as_text=True)
    (route,) = saved.get_json()["routes"]
    assert set(route) == {"id", "name", "when", "to", "enabled"}
    assert api.get(path) == saved.get_json()


def test_conflicting_routes_are_409_with_examples(api, add_channel):
    path = f"/channels/{add_channel(api)}/routes"
    rule = {"name": "One", "when": {"text": {"contains": ["price"]}}, "to": {"type": "inbox"}}
    other = {**rule, "name": "Two", "to": {"type": "bot", "url": "https://bot.example"}}
    body = {"routes": [rule, other]}
    problem = api("PUT", path, body, status=409).get_json()
    (conflict,) = problem["conflicts"]
    assert conflict["kind"] == "duplicate"
    assert len(conflict["routes"]) == 2
    assert set(conflict) == {"kind", "routes", "example"}
    api("PUT", path, {**body, "accept_conflicts": True}, status=200)


def test_invalid_routes_are_422(api, add_channel):
    path = f"/channels/{add_channel(api)}/routes"
    rule = {"name": "One", "when": {"colour": "red"}, "to": {"type": "inbox"}}
    assert api.fields("PUT", path, {"routes": [rule]}) == ["routes.0.when.colour"]
    assert api.fields("PUT", path, {"routes": "all"}) == ["routes"]
    null = {"name": "One", "when": {"text": None}, "to": {"type": "inbox"}}
    assert api.fields("PUT", path, {"routes": [null]}) == ["routes.0.when"]


@pytest.mark.parametrize("sender", ["+15550100", {"address": "+15550100", "name": "Ada"}, None])
def test_a_decision_is_explained_rule_by_rule(api, add_channel, sender):
    path = f"/channels/{add_channel(api)}/routes"
    bot = {"type": "bot", "url": "https://bot.example", "secret": "hush-hush"}
    rule = {"name": "Prices", "when": {"text": {"contains": ["price"]}}, "to": bot}
    api("PUT", path, {"routes": [rule]}, status=200)
    body = {
        "content": {"type": "text", "text": "What is the price?"},
        "sender": sender,
        "at": "2026-01-05T10:00:00+01:00",
    }
    found = api.post(f"{path}/explain", body, status=200)
    assert found["destination"] == {**bot, "secret": "********"}
    assert found["considered"][0]["matched"] is True
    assert "Prices" in found["explanation"]
    assert "hush" not in str(found)
    other = api.post(f"{path}/explain", {"content": {"type": "text", "text": "Hi"}}, status=200)
    assert other["fallback"] is True


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"content": {"type": "text"}}, "content.text"),
        ({"content": {"type": "text", "text": "x"}, "at": "2026-01-05T10:00:00"}, "at"),
        ({}, "content"),
    ],
)
def test_what_cannot_be_explained_is_422(api, add_channel, body, field):
    path = f"/channels/{add_channel(api)}/routes/explain"
    assert api.fields("POST", path, body) == [field]


def test_the_channel_that_the_api_made_is_the_one_in_the_database(api):
    channel = api.post("/channels", NEW)
    assert find_channel(api.hub, channel["id"]).name == "Support"
