"""Who the contact is, beside the open conversation."""

import json
import re

import pytest

from hubbub.store.session import reading
from hubbub.ui.inbox import queries
from hubbub.ui.inbox.side import side_of
from tests.core.ui.kit import Reader, asked, conversation, found, read_through


@pytest.fixture
def agent(browser):
    return Reader(browser("agent"))


@pytest.fixture
def where(world, line):
    return f"/inbox/{conversation(world)}"


@pytest.fixture
def others(world, line, where):
    """Return what gives the contact more addresses, each with a conversation."""

    def make(*numbers):
        for number in numbers:
            said = {"id": f"o{number}", "from": f"+4{number}", "text": f"Before {number}"}
            world.hear(line, said)
        for table in ("addresses", "conversations", "messages"):
            column = "contact_id = (SELECT id FROM contacts WHERE name = 'Ada')"
            world.write(f"UPDATE {table} SET {column}")

    world.write("UPDATE contacts SET name = 'Ada'")
    return make


def side(agent, where):
    """The panel alone."""
    return found(r'(?s)(<aside class="side.*?</aside>)', agent.get(where))


def test_the_contact_stands_beside_their_conversation(world, agent, where, others):
    others(1)
    about = {"city": "London", "verified": {"plan": "pro"}, "unverified": {"mail": "a@b.example"}}
    world.write("UPDATE contacts SET attributes = :a WHERE name = 'Ada'", a=json.dumps(about))
    shown = side(agent, where)
    for words in ("+1", "+41", "Wrote from it", "Perch", "London", "Before 1", "Add tag"):
        assert words in shown
    assert re.search(r"<bdi>pro</bdi>\s*<span class=.chip connected.>Proven", shown)
    assert re.search(r"<bdi>a@b.example</bdi>\s*<span class=.chip inactive.>Not proven", shown)
    contact = world.one("SELECT id FROM contacts WHERE name = 'Ada'")["id"]
    assert f'href="/contacts/{contact}"' in shown
    assert f'href="/contacts/{contact}/merge"' in shown


def test_a_blocked_contact_is_said_to_be(world, agent, where):
    assert 'id="blocked"' not in side(agent, where)
    contact = world.one("SELECT id FROM contacts")["id"]
    agent.post(f"/contacts/{contact}/block", blocked="yes")
    assert "nothing is sent" in side(agent, where)


@pytest.mark.parametrize(
    ("url", "link"),
    [
        ("https://shop.example/cart", 'href="https://shop.example/cart"'),
        ("javascript:alert(1)", ""),
    ],
)
def test_the_page_they_are_on_is_led_to_where_it_is_one(world, agent, where, url, link):
    about = json.dumps({"unverified": {"page": url, "page_title": "Your cart"}})
    world.write("UPDATE contacts SET attributes = :a", a=about)
    place = found(r'(?s)(<p id="visited">.*?</p>)', agent.get(where))
    assert "Your cart" in place
    assert "Not proven" in place
    assert link in place
    assert "javascript:" not in side(agent, where)


def test_a_few_other_conversations_are_named_and_the_way_to_all(agent, where, others):
    others(*range(1, 8))
    shown = side(agent, where)
    assert re.findall(r"Before (\d)", shown) == ["7", "6", "5", "4", "3"]
    assert "There are more" in shown


def test_the_panel_asks_little_however_much_there_is(world, where, others):
    def ask():
        with asked(world.hub.engine) as statements, reading(world.hub.engine) as db:
            row = queries.conversation(db, where.rpartition("/")[2])
            assert row is not None
            side_of(world.hub, db, row)
        return [one for one in statements if one[0].startswith("SELECT")]

    few = ask()
    others(*range(1, 9))
    many = ask()
    assert len(many) == len(few) <= 3
    assert read_through(world.hub.engine, many) == []
