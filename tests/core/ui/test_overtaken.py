"""Two windows, one thing: the second to save is told, sees both versions, and loses nothing."""

import html
import json

import pytest

from tests.core.ui.kit import Reader, found

TOLD = 'id="overtaken"'


@pytest.fixture
def admin(browser):
    return Reader(browser("admin"))


def seen(page):
    return found(r'name="seen" value="([^"]*)"', page)


def opened(admin, path):
    """The mark of what a form shows."""
    return seen(admin.get(path))


def test_a_canned_reply_is_not_written_over_blindly(world, admin):
    admin.post("/canned/new", shortcut="thanks", text="Thank you.", shared="yes")
    path = f"/canned/{world.one('SELECT id FROM canned_replies')['id']}"
    first = second = opened(admin, path)
    admin.post(path, shortcut="thanks", text="Many thanks.", seen=first)
    told = admin.post(path, shortcut="thanks", text="Thanks a lot.", seen=second)
    assert told.status_code == 409
    for words in (TOLD, "Many thanks.", "Thanks a lot."):
        assert words in told.text
    assert world.one("SELECT text FROM canned_replies")["text"] == "Many thanks."
    # What is wrong otherwise makes nobody forget what the form had shown.
    odd = admin.post(path, shortcut="", text="Thanks a lot.", seen=second)
    assert (odd.status_code, TOLD in odd.text) in {(422, False), (409, True)}
    again = admin.post(path, shortcut="thanks", text="Thanks a lot.", seen=seen(told))
    assert again.status_code == 200
    assert world.one("SELECT text FROM canned_replies")["text"] == "Thanks a lot."


def test_a_contact_is_changed_by_two_unless_it_is_the_same(world, admin, line):
    contact = world.one("SELECT id FROM contacts")["id"]
    path = f"/contacts/{contact}/about"
    world.write("UPDATE contacts SET attributes = :a", a='{"city": "London", "shoe": "38"}')
    was = {"was.name": "", "was.value.city": "London", "was.value.shoe": "38"}
    shown = {"name": "", "value.city": "London", "value.shoe": "38"}
    admin.post(path, **was, **{**shown, "value.city": "Rome"})
    other = admin.post(path, **was, **{**shown, "value.shoe": "39"})
    assert TOLD not in other.text
    told = admin.post(path, **was, **{**shown, "value.city": "Oslo"})
    assert told.status_code == 409
    assert TOLD in told.text
    assert '<dd class="said" dir="auto">Rome</dd>' in told.text
    assert 'name="value.city" value="Oslo"' in told.text
    kept = world.one("SELECT attributes FROM contacts")["attributes"]
    assert json.loads(kept) == {"city": "Rome", "shoe": "39"}
    admin.post(path, **{**shown, "value.city": "Oslo"}, **{**was, "was.value.city": "Rome"})
    kept = world.one("SELECT attributes FROM contacts")["attributes"]
    assert json.loads(kept)["city"] == "Oslo"


def test_what_somebody_took_away_meanwhile_is_no_word_lost(world, admin, line):
    contact = world.one("SELECT id FROM contacts")["id"]
    form = {"value.city": "Oslo", "was.value.city": "London"}
    told = admin.post(f"/contacts/{contact}/about", **form)
    assert told.status_code == 409
    assert 'name="value.city" value="Oslo"' in told.text


def test_the_settings_of_a_channel_are_not_written_over_blindly(world, admin, line):
    path = f"/channels/{line.id}"
    mark = opened(admin, f"{path}/settings")
    world.write("UPDATE channels SET name = 'Roost'")
    told = admin.post(f"{path}/change", name="Nest", seen=mark)
    assert told.status_code == 409
    for words in (TOLD, ">Roost</dd>", 'value="Nest"'):
        assert words in told.text
    assert world.one("SELECT name FROM channels")["name"] == "Roost"
    admin.post(f"{path}/change", name="Nest", seen=seen(told))
    assert world.one("SELECT name FROM channels")["name"] == "Nest"


def test_a_channel_that_learns_something_by_itself_is_in_nobodys_way(world, admin, line):
    mark = opened(admin, f"/channels/{line.id}/settings")
    world.write("UPDATE channels SET version = version + 1, facts = '{}'")
    assert admin.post(f"/channels/{line.id}/change", name="Nest", seen=mark).status_code == 200


@pytest.mark.parametrize("rule", ["a rule", "fallback"])
def test_one_rule_in_two_windows(world, admin, line, rule):
    path = f"/channels/{line.id}/routing"
    where = f"{path}/rules/fallback"
    if rule != "fallback":
        page = admin.post(f"{path}/add")
        where = page.request.path
    first = second = opened(admin, where)
    form = {"name": "Mine", "when.mode": "all", "to.type": "inbox", "do": "done"}
    admin.post(where, **form, seen=first, **{"to.team": "sales"})
    told = admin.post(where, **{**form, "name": "Yours"}, seen=second, **{"to.team": "care"})
    assert told.status_code == 409
    assert TOLD in told.text
    assert 'value="care"' in told.text
    assert "sales" in html.unescape(told.text)
    assert "care" not in admin.get(where).text
    again = admin.post(where, **form, seen=seen(told), **{"to.team": "care"})
    assert again.status_code == 200
    assert 'value="care"' in admin.get(where).text


def test_a_rule_that_keeps_itself_goes_on_doing_so(admin, line):
    page = admin.post(f"/channels/{line.id}/routing/add")
    where = page.request.path
    form = {"when.mode": "all", "to.type": "inbox", "do": "keep"}
    mark = seen(page)
    for name in ("H", "Ho", "Hours"):
        script = {"X-Script": "1"}
        token = found(r'name="form_token" value="([^"]*)"', page)
        data = {**form, "name": name, "seen": mark, "form_token": token}
        answer = admin.client.post(where, data=data, headers=script)
        assert answer.status_code == 200
        mark = answer.text
    data["seen"] = seen(page)
    assert admin.client.post(where, data=data, headers=script).status_code == 409
    assert 'value="Hours"' in admin.get(where).text


def test_a_team_is_not_written_over_blindly(world, admin, people):
    admin.post("/operate/teams/new", name="Sales", member=people["admin"])
    path = f"/operate/teams/{world.one('SELECT id FROM teams')['id']}"
    first = second = opened(admin, path)
    admin.post(path, name="Sales", member=people["agent"], seen=first)
    told = admin.post(path, name="Shop", member=people["admin"], seen=second)
    assert told.status_code == 409
    for words in (TOLD, ">Sales</dd>", ">agent@example.org</dd>", 'value="Shop"'):
        assert words in told.text
    assert world.one("SELECT user_id FROM team_members")["user_id"] == people["agent"]
    odd = admin.post(path, name="", member=people["admin"], seen=second)
    assert odd.status_code == 422
    again = admin.post(path, name="Shop", member=people["admin"], seen=seen(told))
    assert again.status_code == 200
    assert world.one("SELECT user_id FROM team_members")["user_id"] == people["admin"]
