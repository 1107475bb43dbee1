"""The pages of who operates the hub."""

import pytest

from hubbub.api.work import Order, send
from hubbub.requeue.work import go_on
from hubbub.sdk.content import Text
from tests.core.ui.kit import Reader


@pytest.fixture
def admin(browser, line):
    return Reader(browser("admin"))


@pytest.fixture
def lost(world, line):
    """A message that was not sent."""
    world.provider.will((400, {"error": "no such bird"}))
    content = Text(text="Are you there?")
    sent = send(world.hub, Order(channel_id=line.id, address="+9", content=content, author="cli"))
    world.pass_time(seconds=1)
    return sent


def test_what_failed_is_shown_tried_again_and_stopped(world, admin, line, lost):
    page = admin.get("/operate/failed").text
    for text in ("Messages that were not sent", "Perch", "Try 1 again"):
        assert text in page
    code = world.one("SELECT error ->> '$.code' AS code FROM deliveries WHERE state = 'failed'")
    path = f"/operate/failed/failed/{line.id}?cause={code['code']}"
    assert "Are you there?" in admin.get(path).text
    form = {"kind": "failed", "channel_id": line.id, "cause": code["code"], "per_minute": "60"}
    begun = admin.post("/operate/failed", **form).text
    assert "0 of 1 messages tried again" in begun
    # A second click begins nothing more.
    assert admin.post("/operate/failed", **form).status_code == 200
    requeue = world.one("SELECT id FROM requeues")["id"]
    assert "stopped" in admin.post(f"/operate/failed/{requeue}/stop").text
    admin.post("/operate/failed", **form)
    for _ in range(2):
        go_on(world.hub)
        world.pass_time(seconds=2)
    assert "1 of 1 messages" in admin.get("/operate/failed").text
    assert admin.get(path).status_code == 404


def test_calls_are_listed_by_their_cause_and_with_nothing_wrong_it_says_so(world, admin, line):
    assert "Nothing failed" in admin.get("/operate/failed").text
    world.call(line, {"items": []}, secret="wrong")
    reason = world.one("SELECT reason FROM calls WHERE state = 'quarantined'")["reason"]
    assert reason in admin.get("/operate/failed?kind=quarantined").text
    assert "Nothing of this kind" in admin.get("/operate/failed?kind=dead").text
    page = admin.client.get(
        f"/operate/failed/quarantined/{line.id}", query_string={"cause": reason}
    )
    assert "/calls/" in page.text


def test_a_call_shows_what_running_it_again_would_change(world, admin, line):
    call = world.one("SELECT id FROM calls")["id"]
    assert "Nothing would change" in admin.get(f"/calls/{call}/rehearsal").text
    world.hear(line, {"nonsense": 1})
    dead = world.one("SELECT id FROM calls WHERE state = 'dead'")["id"]
    body = b'{"items": [{"id": "m9", "from": "+7", "text": "Read at last"}]}'
    world.write("UPDATE calls SET body = :body WHERE id = :id", body=body, id=dead)
    page = admin.get(f"/calls/{dead}/rehearsal").text
    for text in ("Something would be otherwise", "Dead:", "Applied", "Read at last"):
        assert text in page
    assert world.rows("SELECT id FROM messages WHERE external_id = 'm9'") == []
    assert admin.get("/calls/none/rehearsal").status_code == 404


def test_the_health_page_says_what_is_to_mend(admin):
    page = admin.get("/operate").text
    for text in ("to mend", "What waits", "Calls to read", "hubbub doctor"):
        assert text in page


def test_plugins_are_switched_for_the_next_start(world, admin, make_settings, tmp_path):
    world.hub.settings = make_settings(plugins_file=tmp_path / "plugins.toml")
    name = next(one.name for one in world.hub.plugins.statuses if one.state == "loaded")
    page = admin.post(f"/operate/plugins/{name}", enabled="no").text
    assert "Does not run from the next start on." in page
    assert "Restart the hub" in page
    assert admin.post("/operate/plugins/nothing", enabled="no").status_code == 422
    assert "enabled = false" in (tmp_path / "plugins.toml").read_text()


def test_the_audit_log_is_filtered_and_turned_over_by_pages(world, admin, people, monkeypatch):
    monkeypatch.setattr("hubbub.ui.operate.instance._PAGE", 2)
    page = admin.get("/operate/audit").text
    assert 'id="older"' in page
    assert "Command line" in page
    only = admin.get("/operate/audit?action=channel").text
    assert "Channel: created" in only
    assert "User: created" not in only
    assert "Nothing was changed like this" in admin.get("/operate/audit?until=2020-01-01").text
    assert "A day is written as" in admin.get("/operate/audit?since=yesterday").text
    assert "A day is written as" in admin.get("/operate/audit?until=9999-12-31").text


@pytest.mark.parametrize(
    ("zone", "found"), [("Europe/Berlin", True), ("UTC", False), ("Nowhere", False)]
)
def test_the_days_of_the_audit_log_are_those_of_who_reads_it(world, admin, zone, found):
    world.write("UPDATE audit SET at = '2026-03-01 23:30:00'")
    page = admin.get(f"/operate/audit?since=2026-03-02&until=2026-03-02&zone={zone}").text
    assert ("1 March 2026, 23:30 UTC" in page) is found
    assert f'name="zone" value="{zone}"' in page
