"""What is sent twice, by a second click or because the answer was lost, has the effect of once."""

import html
import re
from concurrent.futures import ThreadPoolExecutor

import pytest

from hubbub.loading import read_plugins_file, switch
from hubbub.people import canned
from hubbub.people.canned import add_canned
from hubbub.people.errors import Conflict
from tests.core.ui.kit import Reader, conversation, form_token, found


@pytest.fixture
def agent(browser, line):
    return Reader(browser("agent"))


@pytest.fixture
def admin(browser, line):
    return Reader(browser("admin"))


def test_a_note_whose_answer_was_lost_is_added_once(world, agent):
    path = f"/inbox/{conversation(world)}/note"
    key = found(r'name="key" value="([^"]*)"', agent.get(path.removesuffix("/note")))
    for _ in range(2):
        assert agent.post(path, text="Call back", key=key).status_code == 200
    assert [row["text"] for row in world.rows("SELECT text FROM notes")] == ["Call back"]
    other = agent.post(path, text="Call back today", key=key)
    assert (other.status_code, "The first version of this was sent" in other.text) == (409, True)
    again = found(r'name="key" value="([^"]*)"', other)
    assert agent.post(path, text="Call back today", key=again).status_code == 200
    assert len(world.rows("SELECT id FROM notes")) == 2


def test_who_takes_a_conversation_first_has_it(world, people, agent, admin):
    where = f"/inbox/{conversation(world)}"

    def seen():
        return found(r'name="version" value="(\d+)">\s*<button id="assign"', agent.get(where))

    def has_it():
        return world.one("SELECT assignee_id FROM conversations")["assignee_id"]

    before = seen()
    assert agent.post(f"{where}/change", what="take", version=before).status_code == 200
    late = admin.post(f"{where}/change", what="take", version=before)
    assert (late.status_code, "changed hands meanwhile" in late.text) == (409, True)
    assert has_it() == people["agent"]
    # Nor is it taken from who has it by somebody who thinks that they have it themselves.
    before = seen()
    given = {"what": "assign", "to": f"user:{people['admin']}", "version": before}
    assert admin.post(f"{where}/change", **given).status_code == 200
    assert agent.post(f"{where}/change", what="leave", version=before).status_code == 409
    assert has_it() == people["admin"]


@pytest.mark.parametrize("what", ["resolve", "snooze"])
def test_what_came_in_meanwhile_is_not_put_away_unseen(world, line, agent, what):
    where = f"/inbox/{conversation(world)}"

    def put_away():
        return agent.post(f"{where}/change", what=what, until="message", seen=shown)

    def last():
        return found(r'name="what" value="snooze"><input[^>]* name="seen" value="(\w*)"', page)

    page = agent.get(where)
    shown = last()
    assert page.text.count(f'name="seen" value="{shown}"') == len(["snooze", "resolve", "reply"])
    world.hear(line, {"id": "m2", "from": "+1", "text": "One more thing."})
    refused = put_away()
    assert refused.status_code == 409
    assert "Something was said meanwhile: “One more thing.” Read it" in html.unescape(refused.text)
    assert world.one("SELECT status FROM conversations")["status"] == "open"
    page = agent.get(where)
    shown = last()
    assert put_away().status_code == 200
    assert world.one("SELECT status FROM conversations")["status"] != "open"


def test_a_draft_becomes_one_channel_though_it_is_connected_twice_at_once(
    world, browser, monkeypatch
):
    client = browser("admin")
    token = {"form_token": form_token(client.get("/inbox"))}
    draft = client.post("/channels/add/parrot", data=token).headers["Location"]
    form = {**token, "name": "Pete", "credentials.secret": "polly wants a cracker"}
    views, answers = "hubbub.ui.channels.wizard.create_channel", []
    from hubbub.connect.work import create_channel

    def slowly(hub, **given):
        monkeypatch.setattr(views, create_channel)
        answers.append(client.post(draft, data={**form, "do": "insist"}).status_code)
        return create_channel(hub, **{**given, "name": "Paula"})

    monkeypatch.setattr(views, slowly)
    answers.append(client.post(draft, data={**form, "do": "insist"}).status_code)
    assert answers == [302, 404]
    assert [row["name"] for row in world.rows("SELECT name FROM channels")] == ["Pete"]


def test_a_shortcut_is_taken_once_though_two_take_it_at_once(world, people, monkeypatch):
    def taken(user_id):
        for _ in range(2):
            given = {"shortcut": "hi", "text": "Hello", "user_id": user_id, "actor": "cli"}
            try:
                add_canned(world.hub, **given)
            except Conflict as error:
                yield error.code

    # As if each looked before the other had written.
    monkeypatch.setattr(canned, "_refuse_double", lambda *_, **__: None, raising=False)
    assert list(taken(None)) == ["name_taken"]
    assert list(taken(people["agent"])) == ["name_taken"]
    assert list(taken(people["admin"])) == ["name_taken"]


def test_plugins_that_are_switched_at_once_are_all_switched(tmp_path):
    path = tmp_path / "plugins.toml"
    names = ["chatbot", "email", "messenger", "telegram", "webchat"]
    path.write_text("".join(f"[plugins.{name}]  # kept\n" for name in names))
    for on in (False, True, False):
        with ThreadPoolExecutor(len(names)) as several:
            list(several.map(lambda name, on=on: switch(path, name, on=on), names))
        sections = read_plugins_file(path)
        assert {name: sections[name]["enabled"] for name in names} == dict.fromkeys(names, on)
    assert [one.name for one in tmp_path.iterdir()] == ["plugins.toml"]


def test_a_form_that_made_no_token_makes_one_once_it_is_mended(world, admin):
    key = found(r'name="key" value="([^"]*)"', admin.get("/operate/tokens"))
    assert admin.post("/operate/tokens", key=key, name="", scope="read").status_code == 422
    page = admin.post("/operate/tokens", key=key, name="Robot", scope="read")
    assert re.search(r'value="hub_\w+"', page.text)


def test_who_was_refused_finds_the_way_back(world, people, agent):
    where = f"/inbox/{conversation(world)}"
    for form, status in (
        ({"what": "take", "version": "0"}, 409),
        ({"what": "nonsense"}, 400),
        ({"what": "tag", "tag": "x" * 61}, 409),
    ):
        refused = agent.post(f"{where}/change?view=all&tag=50%25", **form)
        assert refused.status_code == status
        back = html.unescape(found(r'href="([^"]*)">Back to the page<', refused))
        assert back == f"{where}?view=all&tag=50%25"
        assert agent.get(back).status_code == 200
    assert "Back to the page" not in agent.post("/inbox/none/change", what="take").text
