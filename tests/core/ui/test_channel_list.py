"""The list of channels, and the pages of one: states in words, filters, and what can be mended."""

import json
import re
from datetime import timedelta
from html import unescape

from hubbub.connect.routes import WantedRoutes, save_routes
from hubbub.plugins import PluginStatus
from hubbub.ui.channels.listing import spark
from tests.core.ui.kit import found


def names(page):
    return re.findall(r'alt="" width="20" height="20"> ([^<]*)</a>', page.text)


def test_a_spark_has_a_bar_for_each_hour_with_traffic():
    assert spark([0] * 24) == ""
    assert spark([0, 10, 5, 0]) == "M4 20V0h3V20zM8 20V10h3V20z"
    # One message among very many is still seen.
    assert spark([1, 1000]).startswith("M0 20V19")


def test_channels_are_found_by_name_type_and_status(admin, world, line):
    world.channel(name="Oak 100%", perch="oak")
    world.write("UPDATE channels SET status = 'error' WHERE name = 'Perch'")
    assert names(admin.get("/channels")) == ["Oak 100%", "Perch"]
    assert names(admin.get("/channels?q=0%25")) == ["Oak 100%"]
    assert names(admin.get("/channels?q=PER")) == ["Perch"]
    assert names(admin.get("/channels?state=error")) == ["Perch"]
    assert names(admin.get("/channels?type=parrot&state=connected")) == ["Oak 100%"]
    none = admin.get("/channels?q=nothing")
    assert names(none) == []
    assert "None fits what you asked for." in none.text
    assert 'value="nothing"' in none.text


def test_a_channel_without_its_plugin_is_found_among_those_in_error(admin, world, line):
    del world.hub.plugins.channels["parrot"]
    world.hub.plugins.__dict__.pop("_channel_hooks")
    assert names(admin.get("/channels?state=error")) == ["Perch"]
    assert names(admin.get("/channels?state=connected")) == []


def test_it_is_told_where_what_comes_in_goes(admin, world, line):
    def goes():
        return found(
            r'data-label="Goes to">(?:<a [^>]*>|<span [^>]*>)([^<]*)<', admin.get("/channels")
        )

    def route(*to, fallback=None, when=None):
        rules = [
            {
                "name": name,
                "when": {"first_message": True} if when is None else when,
                "to": {"type": "inbox", "team": name},
                "enabled": enabled,
            }
            for name, enabled in to
        ]
        save_routes(
            world.hub,
            line.id,
            WantedRoutes(routes=rules, fallback=fallback, accept_conflicts=True),
            actor="cli",
        )

    assert goes() == "Team inbox"
    route(("Sales", True), ("Ghosts", False))
    assert goes() == "Team inbox, team Sales; else Team inbox"
    route(("Sales", True), ("Service", True))
    assert goes() == "Team inbox, team Sales; or 2 others"
    # After a rule for everything nothing is left.
    route(("Sales", True), ("Service", True), when={})
    assert goes() == "Team inbox, team Sales"
    del world.hub.plugins.channels["parrot"]
    world.hub.plugins.__dict__.pop("_channel_hooks")
    world.hub.directory._lines.clear()
    assert goes() == "not known"


def test_many_channels_are_shown_page_by_page(admin, world, monkeypatch):
    monkeypatch.setattr("hubbub.ui.channels.listing._PAGE", 2)
    for number in range(3):
        world.channel(name=f"Channel {number}", perch=str(number))
    page = admin.get("/channels?q=Channel")
    assert names(page) == ["Channel 2", "Channel 1"]
    (older,) = re.findall(r'id="older" href="([^"]+)"', page.text)
    last = admin.get(unescape(older))
    assert names(last) == ["Channel 0"]
    assert 'id="older"' not in last.text


def test_a_channel_in_error_says_why_and_how_much_waits(admin, world, line):
    conversation = world.one("SELECT id FROM conversations")["id"]
    world.write("UPDATE channels SET status = 'error', status_reason = 'The token was revoked.'")
    admin.fill(f"/inbox/{conversation}/reply", text="Soon.", key="k")
    for path in ("/channels", f"/channels/{line.id}"):
        page = admin.get(path).text
        assert "The token was revoked." in page
        assert "1 message waits." in page


def test_the_end_of_a_token_is_told_in_time(admin, world, line):
    def ends(after):
        until = (world.clock.now + after).isoformat()
        kept = {"code": "token", "ok": True, "detail": "", "fix": "", "until": until}
        world.write("UPDATE channels SET findings = :found", found=json.dumps([kept]))
        return admin.get("/channels").text

    assert "Token ends in 3 days" in ends(timedelta(days=3, hours=1))
    assert "Token has ended" in ends(-timedelta(hours=1))
    assert "Token" not in ends(timedelta(days=60))
    assert "Token ends" in admin.get(f"/channels/{line.id}").text


def test_the_traffic_of_a_day_is_counted_for_each_channel(admin, world, line):
    page = admin.get("/channels").text
    assert "1 in, 0 out" in page
    assert 'class="spark"' in page
    world.clock.forward(hours=25)
    page = admin.get("/channels").text
    assert "0 in, 0 out" in page
    assert 'class="spark"' not in page


def test_quarantined_calls_are_counted_explained_and_released_once_they_are_proven(
    admin, world, line
):
    where = f"/channels/{line.id}/quarantine"
    assert "every call was proven" in admin.get(where).text
    for text in ("One", "Two"):
        world.call(line, {"items": [{"id": text, "from": "+1", "text": text}]}, secret="mended")
    assert '<span class="chip quarantined">2</span>' in admin.get(f"/channels/{line.id}").text
    assert "The header x-parrot-signature is not ours." in admin.get(where).text
    call = world.rows("SELECT id FROM calls WHERE state = 'quarantined'")[0]["id"]
    assert "still not authentic" in admin.fill(where, call=call).text
    assert "0 of 2 were released." in admin.fill(where).text
    change = {"name": "Perch", "credentials.secret": "mended"}
    assert admin.fill(f"/channels/{line.id}/change", **change).status_code == 302
    assert admin.fill(where, call=call).status_code == 302
    assert "1 of 1 were released." in admin.fill(where).text
    world.work()
    assert world.rows("SELECT id FROM calls WHERE state = 'quarantined'") == []


def test_the_templates_of_a_channel_are_listed_with_their_status(admin, world, line):
    world.hub.plugins.channel("parrot")
    world.write(
        "INSERT INTO templates (id, channel_id, name, language, status, provider_status, reason, "
        "category, quality, parameter_format, components, created_at, changed_at) VALUES "
        "('t', :channel, 'greeting', 'de', 'rejected', 'REJECTED', 'Too pushy.', 'MARKETING', '', "
        "'', '[]', '2026-01-01 00:00:00', '2026-01-01 00:00:00')",
        channel=line.id,
    )
    page = admin.get(f"/channels/{line.id}/templates").text
    for told in ("greeting", "rejected", "Too pushy.", "MARKETING"):
        assert told in page


def test_what_people_did_to_a_channel_is_listed_page_by_page(admin, line, monkeypatch):
    monkeypatch.setattr("hubbub.ui.channels.tabs._ENTRIES", 1)
    admin.fill(f"/channels/{line.id}/change", name="Branch")
    page = admin.get(f"/channels/{line.id}/audit").text
    assert "changed its name" in page
    assert "added the channel" not in page
    (older,) = re.findall(r'href="([^"]+)">Older entries', page)
    assert "added the channel" in admin.get(unescape(older)).text


def test_it_is_told_which_settings_were_changed_and_nothing_that_was_not(admin, line):
    settings = {"name": line.name, "settings.messages_per_second": "7"}
    admin.fill(f"/channels/{line.id}/change", **settings)
    page = admin.get(f"/channels/{line.id}/audit").text
    # A box that is not in the form was not ticked.
    assert "changed its settings (messages_per_second, read_receipts)" in page
    admin.fill(f"/channels/{line.id}/change", **settings)
    again = admin.get(f"/channels/{line.id}/audit").text
    assert again.count("changed its") == page.count("changed its") == 1
    assert "changed nothing" not in again


def test_pages_of_one_channel_are_not_there_for_a_channel_that_is_not(admin):
    for tab in ("webhook", "templates", "quarantine", "settings", "audit", "setup/test"):
        assert admin.get(f"/channels/nowhere/{tab}").status_code == 404, tab


def test_types_are_grouped_searched_and_those_that_failed_to_load_say_why(
    admin, world, monkeypatch
):
    page = admin.get("/channels/add").text
    assert "More from plugins" in page
    assert "Parrot" in page
    found = admin.get("/channels/add?q=nothing").text
    assert "No type is called “<span data-asked>nothing</span>”" in found
    broken = PluginStatus(name="cockatoo", state="refused", reason="It has flown.")
    monkeypatch.setattr(world.hub.plugins, "statuses", [broken])
    page = admin.get("/channels/add").text
    assert "Failed to load" in page
    assert "It has flown." in page
