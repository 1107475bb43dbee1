"""What people chose about letters to many outlives the channel, and so does the link to choose."""

import pytest

from hubbub.connect.work import ChannelChange, change_channel, delete_channel
from hubbub.contacts.work import choose
from hubbub.deliver.attempt import unsubscribe_url
from hubbub.web import create_app
from tests.core.conftest import world

__all__ = ["world"]

CLICK = {"List-Unsubscribe": "One-Click"}


@pytest.fixture
def browser(world):
    return create_app(hub=world.hub).test_client()


@pytest.fixture
def ada(world):
    """Her address on a channel that she wrote to."""
    line = world.channel(perch="oak")
    world.hear(line, {"id": "1", "from": "+1", "text": "Hello"})
    return world.one("SELECT * FROM addresses")


def path(world, address):
    return unsubscribe_url(world.hub, address["id"]).removeprefix(world.hub.settings.base_url)


def readd(world, ada, **given):
    delete_channel(world.hub, ada["channel_id"], actor="cli")
    return world.channel(**{"perch": "oak", **given})


def wishes(world, line):
    sql = "SELECT address, contact_id, state, marketing FROM addresses WHERE channel_id = :id"
    return [{**row, "marketing": bool(row["marketing"])} for row in world.rows(sql, id=line.id)]


@pytest.mark.parametrize("form", [CLICK, {**CLICK, "content_type": "multipart/form-data"}])
def test_one_click_ends_what_goes_to_many_and_twice_is_once(world, browser, ada, form):
    fields = {"content_type": None, **form}
    kind = fields.pop("content_type")
    for _ in range(2):
        done = browser.post(path(world, ada), data=fields, content_type=kind)
        assert (done.status_code, "unsubscribed" in done.text) == (200, True)
    row = world.one("SELECT state, marketing FROM addresses")
    assert (row["state"], bool(row["marketing"])) == ("ok", False)


def test_who_looks_at_the_link_is_asked_and_nothing_changes(world, browser, ada):
    world.write("UPDATE addresses SET address = '<b>@a.example'")
    for asked in (browser.get(path(world, ada)), browser.post(path(world, ada))):
        assert asked.status_code == 200
        assert '<form method="post">' in asked.text
        assert "&lt;b&gt;@a.example" in asked.text
        assert "<script" not in asked.text
    assert browser.head(path(world, ada)).status_code == 200
    assert world.one("SELECT marketing FROM addresses")["marketing"]


@pytest.mark.parametrize("end", ["", "x", "%00", "01%00x", "%ff", "%ed%a0%80", "\u00e4" * 3000])
def test_a_link_that_was_cut_says_so(browser, end):
    path = f"/unsubscribe/{end}"
    for told in (browser.get(path), browser.post(path, data=CLICK)):
        assert (told.status_code, "the whole link" in told.text) == (404, True)


def test_wishes_and_gone_addresses_hold_when_the_account_is_added_again(world, browser, ada):
    line = world.line(ada["channel_id"])
    world.hear(line, {"id": "2", "from": "+2", "text": "Hello"})
    world.hear(line, {"id": "3", "from": "+3", "text": "Hello"})
    world.hear(line, {"address": "+2", "state": "gone", "key": "g"})
    browser.post(path(world, ada), data=CLICK)
    again = readd(world, ada)
    assert sorted(
        (one["address"], one["state"], one["marketing"]) for one in wishes(world, again)
    ) == [
        ("+1", "ok", False),
        ("+2", "gone", True),
    ]
    world.hear(again, {"id": "4", "from": "+1", "text": "Hello again"})
    assert wishes(world, again)[0]["contact_id"] == ada["contact_id"]
    third = readd(world, {"channel_id": again.id})
    assert len(wishes(world, third)) == 2


def test_wishes_of_a_channel_that_is_deleted_last_are_known_to_its_successor(world, browser, ada):
    # As when providers are changed: the new channel is tried before the old one goes.
    old = world.line(ada["channel_id"])
    new = world.channel(name="New", perch="elm")
    world.hear(old, {"id": "2", "from": "+2", "text": "Hello"})
    world.hear(new, {"id": "3", "from": "+2", "text": "Hello"})
    browser.post(path(world, ada), data=CLICK)
    second = world.one("SELECT * FROM addresses WHERE address = '+2' AND channel_id = :i", i=old.id)
    browser.post(path(world, second), data=CLICK)
    world.write("UPDATE channels SET sender = 'shop@a.example'")
    delete_channel(world.hub, old.id, actor="cli")
    told = sorted((one["address"], one["marketing"]) for one in wishes(world, new))
    assert told == [("+1", False), ("+2", False)]


def test_an_account_that_was_mistyped_at_first_inherits_once_it_is_right(world, browser, ada):
    browser.post(path(world, ada), data=CLICK)
    again = readd(world, ada, perch="aok")
    assert wishes(world, again) == []
    change = ChannelChange(settings={"perch": "oak"})
    change_channel(world.hub, again.id, change, actor="cli")
    assert [one["marketing"] for one in wishes(world, again)] == [False]


def test_the_last_choice_on_any_channel_of_the_account_counts(world, browser, ada):
    browser.post(path(world, ada), data=CLICK)
    again = readd(world, ada)
    world.clock.forward(days=1)
    address = world.one("SELECT * FROM addresses WHERE channel_id = :id", id=again.id)
    choose(world.hub, address["contact_id"], address["id"], marketing=True, actor="cli")
    third = readd(world, {"channel_id": again.id})
    assert all(one["marketing"] for one in wishes(world, third))


@pytest.mark.parametrize("other", [{"perch": "elm"}, {"perch": ""}])
def test_another_account_knows_of_no_wishes(world, browser, ada, other):
    browser.post(path(world, ada), data=CLICK)
    assert wishes(world, readd(world, ada, **other)) == []


def test_a_link_works_while_its_channel_is_deleted(world, browser, ada):
    delete_channel(world.hub, ada["channel_id"], actor="cli")
    assert browser.post(path(world, ada), data=CLICK).status_code == 200
    assert [one["marketing"] for one in wishes(world, world.channel(perch="oak"))] == [False]


@pytest.mark.parametrize("known", [False, True])
def test_a_link_of_a_deleted_channel_holds_where_its_account_is_now(world, browser, ada, known):
    again = readd(world, ada)
    if known:
        world.hear(again, {"id": "4", "from": "+1", "text": "Hello"})
    browser.post(path(world, ada), data=CLICK)
    assert [one["marketing"] for one in wishes(world, again)] == [False]
    world.hear(again, {"id": "5", "from": "+1", "text": "Hello"})
    assert len(wishes(world, again)) == 1


def test_who_is_blocked_stays_so_when_the_account_is_added_again(world, ada):
    world.write("UPDATE contacts SET blocked_at = created_at")
    again = readd(world, ada)
    world.hear(again, {"id": "4", "from": "+1", "text": "Hello again"})
    assert wishes(world, again)[0]["contact_id"] == ada["contact_id"]
    assert len(world.rows("SELECT id FROM contacts WHERE blocked_at IS NOT NULL")) == 1
    assert len(world.rows("SELECT id FROM contacts")) == 1


@pytest.fixture
def beside(world, ada):
    """Another channel that writes from the same address, where she is known too."""
    line = world.channel("Beside", perch="elm")
    world.write("UPDATE channels SET sender = 'shop@a.example'")
    world.hear(line, {"id": "5", "from": "+1", "text": "Hello"})
    world.clock.forward(minutes=1)
    return line


def complain(world, ada):
    world.hear(world.line(ada["channel_id"]), {"address": "+1", "key": "c", "marketing": False})


def tell(world, ada):
    choose(world.hub, ada["contact_id"], ada["id"], marketing=False, actor="cli")


@pytest.mark.parametrize("say", [complain, tell])
def test_a_choice_holds_at_once_on_another_channel_of_the_account(world, ada, beside, say):
    say(world, ada)
    assert [one["marketing"] for one in wishes(world, beside)] == [False]


@pytest.mark.parametrize("say", [complain, tell])
def test_a_choice_holds_where_they_become_known_later(world, ada, say):
    line = world.channel("Beside", perch="elm")
    world.write("UPDATE channels SET sender = 'shop@a.example'")
    say(world, ada)
    world.hear(line, {"id": "5", "from": "+1", "text": "Hello"})
    assert [one["marketing"] for one in wishes(world, line)] == [False]
