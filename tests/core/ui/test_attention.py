"""What asks for whose attention: snoozing, reading for oneself, mentions, tags and filters."""

import html
import re
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from hubbub.api.work import ConversationChange, change_conversation
from hubbub.contacts.erase import erase_contact
from hubbub.people.mentions import mentioned
from hubbub.store import tags
from hubbub.track.sweep import wake
from hubbub.ui.moments import next_monday, tomorrow
from tests.core.ui.kit import conversation, form_token

SCRIPT = {"X-Script": "1"}


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request):
    """A fresh database of each kind: here the lists are asked for."""
    return request.getfixturevalue(f"{request.param}_url")


@pytest.fixture
def desk(world, browser, line):
    """Somebody in front of the one conversation there is."""

    class Desk:
        def __init__(self, role):
            self.client = browser(role)
            self.where = f"/inbox/{conversation(world)}"
            self.token = form_token(self.client.get("/account"))

        def see(self, path=""):
            return self.client.get(path or self.where).text

        def do(self, form="change", **data):
            return self.client.post(f"{self.where}/{form}", data={"form_token": self.token, **data})

        def unread(self):
            found = re.search(
                r'class="count">(\d+)<span class="unseen"> unread', self.see("/inbox")
            )
            return int(found[1]) if found else 0

    return Desk


def test_each_reads_for_themselves_and_may_want_to_read_again(world, line, desk):
    admin, agent = desk("admin"), desk("agent")
    world.hear(line, {"id": "m2", "from": "+1", "text": "Hello?"})
    assert (admin.unread(), agent.unread()) == (2, 2)
    agent.see()
    assert (admin.unread(), agent.unread()) == (2, 0)
    world.hear(line, {"id": "m3", "from": "+1", "text": "Hello??"})
    assert (admin.unread(), agent.unread()) == (3, 1)
    agent.see()
    assert agent.do("unread").headers["Location"] == "/inbox"
    assert agent.unread() == 1
    agent.client.get(agent.where, headers={**SCRIPT, "X-Seen": "0"})
    assert agent.unread() == 1
    agent.see()
    assert agent.unread() == 0


def test_a_newcomer_need_not_read_all_that_was_said_before(world, line, desk):
    world.write("UPDATE users SET created_at = '2027-01-01 00:00:00.000000'")
    admin, agent = desk("admin"), desk("agent")
    admin.see()
    assert agent.unread() == 0


def test_a_snoozed_conversation_wakes_by_itself_and_asks_for_attention(world, desk):
    agent = desk("agent")
    agent.do(what="take")
    agent.see()
    agent.do(what="snooze", until="hour")
    assert "Snoozed until" in agent.see()
    assert "Nothing open." in agent.see("/inbox")
    assert "Wakes" in agent.see("/inbox?view=snoozed")
    world.clock.forward(minutes=59)
    wake(world.hub)
    assert "Nothing open." in agent.see("/inbox")
    world.clock.forward(minutes=1)
    wake(world.hub)
    assert agent.unread() == 1
    assert "Nothing sleeps." in agent.see("/inbox?view=snoozed")


def test_a_snoozed_conversation_wakes_by_a_new_message(world, line, desk):
    agent = desk("agent")
    agent.do(what="snooze", until="message")
    assert "Snoozed until the contact writes." in agent.see()
    world.hear(line, {"id": "m2", "from": "+1", "text": "Hello?"})
    assert "Snoozed" not in agent.see().partition("</nav>")[2].partition("</nav>")[2]


@pytest.mark.parametrize("at", ["", "yesterday", "2020-01-01T10:00", "9999-12-31T23:59"])
def test_a_time_that_is_none_or_over_is_refused(desk, at):
    agent = desk("agent")
    assert agent.do(what="snooze", until="at", at=at, zone="America/New_York").status_code == 409


def test_a_time_is_meant_in_the_readers_zone(world, desk):
    agent = desk("agent")
    agent.do(what="snooze", until="at", at="2026-07-01T09:00", zone="Europe/Berlin")
    assert "2026-07-01T07:00:00.000+00:00" in agent.see()
    agent.do(what="snooze", until="at", at="2026-07-01T09:00", zone="Middle/Earth")
    assert "2026-07-01T09:00:00.000+00:00" in agent.see()


def test_mornings_are_those_of_the_reader():
    berlin, night = ZoneInfo("Europe/Berlin"), datetime(2026, 3, 28, 23, 30, tzinfo=UTC)
    assert tomorrow(night, berlin) == datetime(2026, 3, 30, 7, tzinfo=UTC)
    assert next_monday(night, berlin) == datetime(2026, 3, 30, 7, tzinfo=UTC)
    assert next_monday(datetime(2026, 3, 30, 7, tzinfo=UTC), berlin).day == 6


def test_a_note_speaks_to_whom_it_names(world, desk):
    admin, agent = desk("admin"), desk("agent")
    agent.do("note", text="What do you think, @admin@example.org?")
    page = admin.see("/inbox?view=mentions")
    assert '>Mentions <span class="count">1' in page
    assert f'href="{admin.where}?view=mentions"' in page
    assert '<span class="chip">to you</span>' in admin.see()
    assert '<span class="chip">to you</span>' not in agent.see()
    page = admin.see("/inbox?view=mentions")
    assert '<span class="count">' not in page.partition("Mentions")[2].partition("</a>")[0]
    assert "No note speaks to you." in agent.see("/inbox?view=mentions")


@pytest.mark.parametrize(
    ("text", "who"),
    [
        ("@Ada look", "a"),
        ("see @ada.", "a"),
        ("@Ada Lovelace, @Ada", "la"),
        ("@adam", ""),
        ("mail@ada", ""),
        ("@l@example.org and (@ada)", "la"),
        ("@", ""),
        ("@ada_", ""),
    ],
)
def test_a_name_after_an_at_is_a_mention(text, who):
    people = [("a", "Ada", "a@example.org"), ("l", "Ada Lovelace", "l@example.org"), ("n", "", "")]
    assert "".join(mentioned(text, people)) == who


def test_tags_are_added_suggested_filtered_by_and_removed(world, line, desk):
    agent = desk("agent")
    for tag in (" very   important ", "Ünusual", "very important"):
        agent.do(what="tag", tag=tag)
    assert world.rows("SELECT name FROM tags ORDER BY name") == [
        {"name": "very important"},
        {"name": "Ünusual"},
    ]
    assert agent.do(what="tag", tag=" ").status_code == 409
    agent.do(what="tag", tag="vip, , Fragile goods,vip")
    assert {"vip", "Fragile goods"} <= {row["name"] for row in world.rows("SELECT name FROM tags")}
    long = agent.do(what="tag", tag=f"short, {'x' * 61}")
    assert long.status_code == 409
    assert "A tag has 1 to 60 characters." in long.text
    assert not world.rows("SELECT name FROM tags WHERE name = 'short'")
    world.hear(line, {"id": "m2", "from": "+2", "name": "Bob", "text": "Hi"})
    found = agent.see("/inbox?tag=%C3%9Cnusual")
    assert "Ada" in found
    assert "Bob" not in found
    assert '<option value="Ünusual" selected>' in found
    agent.do(what="untag", tag="Ünusual")
    assert "No conversation is like this." in agent.see("/inbox?tag=%C3%9Cnusual")


def test_a_tag_is_suggested_while_a_conversation_has_it(world, line, desk):
    agent = desk("agent")
    option = '<option value="biling"></option>'
    for what in ("tag", "untag"):
        agent.do(what=what, tag="biling")
    assert option not in agent.see()
    agent.do(what="tag", tag="biling")
    world.hear(line, {"id": "m2", "from": "+2", "name": "Bob", "text": "Hi"})
    other = world.one("SELECT id FROM conversations ORDER BY id DESC LIMIT 1")["id"]
    change_conversation(world.hub, other, ConversationChange(add_tags=("biling",)), actor="cli")
    agent.do(what="untag", tag="biling")
    assert option in agent.see()
    contact = world.one("SELECT contact_id FROM conversations ORDER BY id DESC LIMIT 1")[
        "contact_id"
    ]
    erase_contact(world.hub, contact, actor="cli")
    assert option not in agent.see()


def test_a_tag_is_written_as_it_is_elsewhere_whatever_the_case(world, line, desk):
    agent = desk("agent")
    agent.do(what="tag", tag="VIP")
    agent.do(what="tag", tag="vip")
    world.hear(line, {"id": "m2", "from": "+2", "name": "Bob", "text": "Hi"})
    other = world.one("SELECT id FROM conversations ORDER BY id DESC LIMIT 1")["id"]
    change_conversation(world.hub, other, ConversationChange(add_tags=("vip",)), actor="cli")
    assert world.rows("SELECT name, carried FROM tags") == [{"name": "VIP", "carried": 2}]
    found = agent.see("/inbox?tag=vip")
    assert "Ada" in found
    assert "Bob" in found
    change_conversation(world.hub, other, ConversationChange(remove_tags=("vip",)), actor="cli")
    assert world.rows("SELECT name, carried FROM tags") == [{"name": "VIP", "carried": 1}]


def test_a_tag_that_is_suggested_no_more_is_found_as_it_is_written(world, line, desk, monkeypatch):
    agent = desk("agent")
    agent.do(what="tag", tag="VIP")
    monkeypatch.setattr(tags, "MOST", 1)
    world.hear(line, {"id": "m2", "from": "+2", "name": "Bob", "text": "Hi"})
    other = world.one("SELECT id FROM conversations ORDER BY id DESC LIMIT 1")["id"]
    for tag in ("other", "vip"):
        world.clock.forward(seconds=1)
        change_conversation(world.hub, other, ConversationChange(add_tags=(tag,)), actor="cli")
    old, new = agent.see("/inbox?tag=VIP"), agent.see("/inbox?tag=vip")
    assert ("<bdi>Ada" in old, "<bdi>Bob" in old) == (True, False)
    assert ("<bdi>Ada" in new, "<bdi>Bob" in new) == (False, True)


def test_who_searches_for_a_tag_is_led_to_what_has_it(desk):
    agent = desk("agent")
    agent.do(what="tag", tag="VIP")
    page = agent.see("/inbox?view=all&q=vip")
    link = re.search(r'<a href="([^"]*)">Conversations tagged <span class="tag"><bdi>VIP<', page)
    assert link is not None
    assert "<strong><bdi>Ada" in agent.see(html.unescape(link[1]))
    assert "Conversations tagged" not in agent.see("/inbox?q=Hello")


def test_a_list_is_narrowed_by_channel_and_colleague(world, line, desk, people):
    agent = desk("agent")
    assert "Ada" in agent.see(f"/inbox?channel={line.id}&assignee=none")
    assert "No conversation is like this." in agent.see("/inbox?channel=other")
    assert "No conversation is like this." in agent.see(f"/inbox?assignee={people['admin']}")
    agent.do(what="take")
    assert "Ada" in agent.see(f"/inbox?assignee={people['agent']}")
    # A conversation that is opened from there keeps the filter in its address.
    assert f"?assignee={people['agent']}" in agent.see(f"/inbox?assignee={people['agent']}")


def test_preferences_are_kept(world, desk):
    agent = desk("agent")
    form = {"form_token": agent.token, "undo": "yes"}
    answer = agent.client.post("/account/preferences", data=form, follow_redirects=True)
    assert "Saved." in answer.text
    assert 'name="undo" value="yes" checked' in answer.text
    assert 'name="shortcuts" value="yes">' in answer.text
    assert "My teams" in answer.text
    assert world.one("SELECT away_at FROM users WHERE email = 'agent@example.org'")["away_at"]


def test_a_view_is_saved_shown_and_forgotten(world, desk):
    agent, admin = desk("agent"), desk("admin")
    where = "/inbox/views?view=mine&tag=vip&show=80"
    for status in (302, 409):
        answer = agent.client.post(where, data={"form_token": agent.token, "name": " My  VIPs "})
        assert answer.status_code == status
    page = agent.see("/inbox?view=mine&tag=vip")
    assert re.search(r'href="/inbox\?[^"]*" aria-current="page"><span[^>]*>Saved view ', page)
    assert "Forget the view <bdi>My VIPs</bdi>" in page
    assert "My VIPs" not in admin.see("/inbox")
    view = f"/inbox/views/{world.one('SELECT id FROM saved_views')['id']}/delete"
    assert admin.client.post(view, data={"form_token": admin.token}).status_code == 404
    assert agent.client.post(view, data={"form_token": agent.token}).status_code == 302
    assert "My VIPs" not in agent.see("/inbox")
