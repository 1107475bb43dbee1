"""The pages of who operates the hub."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from hubbub.api.work import ConversationChange, Order, change_conversation, send
from hubbub.connect.work import delete_channel
from hubbub.contacts.erase import erase_contact
from hubbub.contacts.work import choose
from hubbub.health import BACKUP, BACKUP_VERIFIED, Check, Health
from hubbub.people.audit import audit
from hubbub.people.teams import create_team, delete_team
from hubbub.requeue.work import go_on
from hubbub.sdk.content import Text
from hubbub.store.session import transaction
from tests.core.ui.kit import Reader, asked, conversation, found


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
    code = world.one("SELECT error ->> 'code' AS code FROM deliveries WHERE state = 'failed'")
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


def try_all_again(world, admin):
    cause = world.one("SELECT channel_id, error ->> 'code' AS cause FROM deliveries")
    admin.post("/operate/failed", kind="failed", per_minute="60", **cause)
    for _ in range(2):
        go_on(world.hub)
        world.pass_time(seconds=2)


def test_what_was_tried_again_is_said_to_have_failed_again(world, admin, lost):
    conversation_id = world.one("SELECT conversation_id FROM deliveries")["conversation_id"]
    assert "Failed again" not in admin.get(f"/inbox/{conversation_id}").text
    world.provider.will((400, {"error": "no such bird"}))
    try_all_again(world, admin)
    assert "<strong>1 failed again</strong>" in admin.get("/operate/failed").text
    assert "What failed: tried again<br>" in admin.get("/operate/audit?action=requeue").text
    page = admin.get(f"/inbox/{conversation_id}").text
    assert "Failed again, after 2 tries: " in page
    assert ">Retry</button>" in page
    try_all_again(world, admin)
    assert "failed again" not in admin.get("/operate/failed").text


def test_who_looks_at_many_tries_asks_no_more_than_who_looks_at_one(world, admin, lost):
    def questions():
        with asked(world.hub.engine) as statements:
            page = admin.get("/operate/failed").text
        return len(statements), page.count("1 failed again")

    world.provider.will(*[(400, {"error": "no such bird"})] * 3)
    try_all_again(world, admin)
    one, failed = questions()
    assert failed == 1
    for _ in range(2):
        try_all_again(world, admin)
    assert questions() == (one, 3)


def test_nothing_is_tried_again_in_vain(world, admin, line, lost):
    cause = world.one("SELECT conversation_id, error ->> 'code' AS cause FROM deliveries")
    world.hear(line, {"address": "+9", "state": "blocked", "key": "one_way"})
    for path in ("", f"/failed/{line.id}?cause={cause['cause']}"):
        page = admin.get(f"/operate/failed{path}").text
        assert "Would fail again: nothing can be sent to this contact now." in page
        assert "Try 1 again" not in page
    assert ">Retry</button>" not in admin.get(f"/inbox/{cause['conversation_id']}").text


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


def test_what_happened_is_told_in_words_for_people(world, admin, line):
    message = world.one("SELECT id, call_id FROM messages")
    page = admin.get(f"/messages/{message['id']}/trace").text
    for said in (">Reading</span>", "Went to Team inbox", "<dt>provider&#39;s id</dt>"):
        assert said in page
    assert (
        "<strong>applied</strong> Message received"
        in admin.get(f"/calls/{message['call_id']}").text
    )


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
    assert "Run <code>hubbub migrate</code>." in page


@pytest.mark.parametrize(
    ("limited", "said"),
    [(False, "All 2 parts are in order."), (True, "1 part in order, 1 to note.")],
)
def test_what_is_only_to_note_is_not_said_to_be_in_order(admin, monkeypatch, limited, said):
    well, other = Check(name="A", ok=True, detail=""), Check(name="B", ok=True, detail="")
    checks = (well, replace(other, limited=limited))
    shown = Health(version="1", python="3", checks=checks)
    monkeypatch.setattr("hubbub.ui.operate.instance.health", lambda _: shown)
    assert said in admin.get("/operate").text


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


@pytest.fixture
def log(world, admin):
    """Return a line of the audit log about something, without the words of the page."""

    def line(object_id):
        page = admin.get(f"/operate/audit?object_id={object_id}")
        return found(r"(?s)data-label=.What.>(.*?)</tr>", page)

    return line


def test_the_audit_log_names_what_there_is_and_leads_there(world, line, people, log):
    team = create_team(world.hub, name="Sales", members=[], actor="cli")
    change = ConversationChange(assignee=people["agent"], team=team)
    talk, ada = conversation(world), world.one("SELECT id FROM contacts")["id"]
    change_conversation(world.hub, talk, change, actor="cli")
    choose(
        world.hub, ada, world.one("SELECT id FROM addresses")["id"], marketing=False, actor="cli"
    )
    assert f'<a href="/channels/{line.id}"><bdi>Perch</bdi></a>' in log(line.id)
    told = log(talk)
    assert f'<a href="/inbox/{talk}"><bdi>Ada on Perch</bdi></a>' in told
    assert f'<a href="/operate/people/{people["agent"]}"><bdi>agent@example.org</bdi></a>' in told
    assert f'<a href="/operate/teams/{team}"><bdi>Sales</bdi></a>' in told
    assert "address</span> <bdi>+1</bdi>," in log(ada)


def test_the_audit_log_says_a_time_in_the_zone_of_who_reads_it(world, line, log):
    until = datetime(2030, 1, 2, 9, 5, 0, 123_456, tzinfo=UTC)
    talk = conversation(world)
    change = ConversationChange(status="snoozed", snoozed_until=until)
    change_conversation(world.hub, talk, change, actor="cli")
    assert 'data-as="moment">2 January 2030, 09:05 UTC</time>' in log(talk)


def test_the_audit_log_tells_of_a_backup_and_until_when_it_held_all(world, log):
    until = {"until": "2026-01-02T03:04:05Z"}
    with transaction(world.hub.engine) as db:
        now = world.hub.now()
        audit(db, now=now, actor="cli", action=BACKUP_VERIFIED, object_id=BACKUP, detail=until)
    told = log(BACKUP)
    assert 'Backup: verified<br><a href="/operate/audit?object_id=backup"><bdi>backup</bdi>' in told
    assert "(deleted)" not in told
    assert 'data-as="moment">2 January 2026, 03:04 UTC</time>' in told


def test_the_audit_log_names_what_is_gone_as_far_as_it_knows(world, line, admin, log):
    team = create_team(world.hub, name="Sales", members=[], actor="cli")
    delete_team(world.hub, team, actor="cli")
    assert "<bdi>Sales</bdi></a> (deleted)" in log(team)
    ada = world.one("SELECT id FROM contacts")["id"]
    erase_contact(world.hub, ada, actor="cli")
    assert f"<bdi>{ada}</bdi></a> (deleted)" in log(ada)
    delete_channel(world.hub, line.id, actor="cli")
    assert "<bdi>Perch</bdi></a> (deleted)" in log(line.id)
    assert "Only of <strong><bdi>Perch" in admin.get(f"/operate/audit?object_id={line.id}").text


@pytest.mark.parametrize(
    ("zone", "found"), [("Europe/Berlin", True), ("UTC", False), ("Nowhere", False)]
)
def test_the_days_of_the_audit_log_are_those_of_who_reads_it(world, admin, zone, found):
    world.write("UPDATE audit SET at = '2026-03-01 23:30:00'")
    page = admin.get(f"/operate/audit?since=2026-03-02&until=2026-03-02&zone={zone}").text
    assert ("1 March 2026, 23:30 UTC" in page) is found
    assert f'name="zone" value="{zone}"' in page
