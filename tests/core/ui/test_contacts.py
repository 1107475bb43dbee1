"""The pages of contacts."""

import html
import json
import re

import pytest

from hubbub.api.work import Order, send
from hubbub.sdk.content import from_json
from tests.core.ui.kit import Reader, conversation, found

HOSTILE = "<b>Ada</b>\"'&"


@pytest.fixture
def ada(world, line):
    return world.one("SELECT id FROM contacts")["id"]


@pytest.fixture
def bob(world, line, ada):
    world.hear(line, {"id": "m2", "from": "+2", "name": HOSTILE, "text": "Me too"})
    return world.one("SELECT id FROM contacts WHERE id <> :id", id=ada)["id"]


@pytest.fixture
def agent(browser):
    return Reader(browser("agent"))


def test_contacts_are_listed_found_and_turned_over_by_pages(world, agent, line, monkeypatch):
    monkeypatch.setattr("hubbub.ui.contacts.page._PAGE", 2)
    for number in range(2, 6):
        world.hear(
            line, {"id": f"p{number}", "from": f"+{number}", "name": f"N{number}", "text": "Hi"}
        )
    page = agent.get("/contacts")
    shown = re.findall(r"<bdi>(N\d|Ada)</bdi></a>", page.text)
    older = html.unescape(found(r'id="older" href="([^"]*)"', page))
    assert shown == ["N5", "N4"]
    assert re.findall(r"<bdi>(N\d|Ada)</bdi></a>", agent.get(older).text) == ["N3", "N2"]
    assert "N3" in agent.get("/contacts?q=N3").text
    assert "Nobody is found" in agent.get("/contacts?q=zebra").text
    assert "Nobody is found" in agent.get("/contacts?blocked=yes").text


def test_a_contact_shows_addresses_with_their_proof_and_what_was_said(agent, ada):
    page = agent.get(f"/contacts/{ada}").text
    for text in ("+1", "Wrote from it", "Perch", "Hello", "Not asked"):
        assert text in page
    assert agent.get("/contacts/nobody").status_code == 404


@pytest.mark.parametrize(
    ("state", "reason", "shown"),
    [
        ("ok", "", "Can be reached"),
        ("blocked", "", "Blocked us"),
        ("blocked", "This bot knows no such chat.", "Cannot be reached: This bot knows no such"),
        ("opted_out", "They wrote STOP.", "Asked not to be written to: They wrote STOP."),
    ],
)
def test_an_address_that_cannot_be_reached_says_why(world, agent, ada, state, reason, shown):
    world.write("UPDATE addresses SET state = :state, state_reason = :why", state=state, why=reason)
    assert shown in agent.get(f"/contacts/{ada}").text


def test_a_contact_shows_the_tags_of_their_conversations_and_leads_there(world, agent, ada):
    assert "Tags of their conversations" not in agent.get(f"/contacts/{ada}").text
    where = f"/inbox/{conversation(world)}"
    agent.post(f"{where}/change", what="tag", tag="vip, fragile")
    tagged = found(r'(?s)id="tagged">(.*?)</section>', agent.get(f"/contacts/{ada}"))
    assert f'<a href="{where}">Perch</a>' in tagged
    assert re.findall(r"<bdi>(\w+)</bdi>", tagged) == ["vip", "fragile"]


def test_attributes_are_changed_added_and_taken_away_and_nothing_else_is_touched(world, agent, ada):
    about = '{"city": "London", "age": 36, "vip": true, "verified": {"plan": "pro"}}'
    world.write("UPDATE contacts SET attributes = :about", about=about)
    form = {
        "name": "Ada L.",
        "was.name": "Ada",
        "value.city": "",
        "was.value.city": "London",
        "value.age": "37",
        "was.value.age": "36",
        # Somebody else changes this meanwhile: it is not what this form was about.
        "value.vip": "yes",
        "was.value.vip": "yes",
        "new.0": "shoe size",
        "new.0.value": "38",
    }
    world.write("UPDATE contacts SET attributes = :a", a=about.replace("true", '"gold"'))
    page = agent.post(f"/contacts/{ada}/about", **form).text
    kept = world.one("SELECT name, attributes FROM contacts")
    assert kept["name"] == "Ada L."
    known = {"age": 37, "vip": "gold", "verified": {"plan": "pro"}, "shoe size": "38"}
    assert json.loads(kept["attributes"]) == known
    assert re.search(r"<bdi>pro</bdi>\s*<span class=.chip connected.>Proven by the site", page)


def test_a_refused_change_loses_no_word(world, agent, ada):
    world.write('UPDATE contacts SET attributes = \'{"city": "London"}\'')
    form = {
        "value.city": "Rome",
        "was.value.city": "London",
        "new.0": "city",
        "new.0.value": "Oslo",
    }
    answer = agent.post(f"/contacts/{ada}/about", **form)
    assert answer.status_code == 422
    for text in ("There is an attribute city already.", 'value="Rome"', 'value="Oslo"'):
        assert text in answer.text


def test_two_new_attributes_of_one_name_are_refused(agent, ada):
    form = {"new.0": "city", "new.0.value": "Oslo", "new.1": "city", "new.1.value": "Bergen"}
    answer = agent.post(f"/contacts/{ada}/about", **form)
    assert answer.status_code == 422
    assert "There is an attribute city already." in answer.text


def test_somebody_is_blocked_and_let_in_and_their_wish_is_noted(world, agent, ada):
    assert "Blocked since" in agent.post(f"/contacts/{ada}/block", blocked="yes").text
    assert "Blocked since" not in agent.post(f"/contacts/{ada}/block", blocked="no").text
    address = world.one("SELECT id FROM addresses")["id"]
    path = f"/contacts/{ada}/addresses/{address}"
    assert "Not wanted" in agent.post(path, marketing="no").text
    assert world.one("SELECT marketing FROM addresses")["marketing"] == 0


def test_a_merge_is_shown_first_then_done_and_undone(world, agent, ada, bob):
    assert f"other={bob}" in agent.get(f"/contacts/{ada}/merge?q=%2B2").text
    would = agent.get(f"/contacts/{ada}/merge?other={bob}").text
    assert (
        html.escape(HOSTILE, quote=True).replace("&#x27;", "&#39;").replace("&quot;", "&#34;")
        in would
    )
    assert "Merge the two" in would

    page = agent.post(f"/contacts/{ada}/merge", other=bob).text
    assert "+2" in page
    # Once more, by a second click or a colleague: it is done already.
    assert agent.post(f"/contacts/{ada}/merge", other=bob).status_code == 200
    assert agent.get(f"/contacts/{bob}").headers["Location"] == f"/contacts/{ada}"

    merge = world.one("SELECT id FROM contact_merges")["id"]
    page = agent.post(f"/contacts/{ada}/merges/{merge}/undo")
    assert page.request.path == f"/contacts/{bob}"
    assert "+2" in page.text


def test_an_admin_erases_a_contact_by_typing_their_name_and_is_told_what_is_gone(
    world, browser, ada
):
    admin = Reader(browser("admin"))
    wrong = admin.post(f"/contacts/{ada}/erase", confirm="ada")
    assert (wrong.status_code, "Nothing was erased" in wrong.text) == (422, True)
    gone = admin.post(f"/contacts/{ada}/erase", confirm="Ada").text
    assert "<strong>1</strong> message" in gone
    assert world.rows("SELECT * FROM contacts") == []
    assert admin.post(f"/contacts/{ada}/erase", confirm="Ada").status_code == 404


def test_an_agent_blocks_and_does_not_erase(world, agent, ada):
    page = agent.get(f"/contacts/{ada}").text
    assert "Erase this contact" not in page
    assert "Only admins" in page
    assert agent.post(f"/contacts/{ada}/erase", confirm="Ada").status_code == 403
    assert len(world.rows("SELECT * FROM contacts")) == 1


def test_only_admins_hand_out_what_is_held(world, browser, ada):
    assert browser("agent").get(f"/contacts/{ada}/export").status_code == 403
    answer = browser("admin").get(f"/contacts/{ada}/export")
    assert (answer.content_type, answer.data[:2]) == ("application/zip", b"PK")
    assert world.rows("SELECT 1 FROM audit WHERE action = 'contact.exported'") != []


def test_what_was_said_names_its_files(world, agent, line, ada):
    media = {"url": "https://files.example/price%20list.pdf", "mime_type": "application/pdf"}
    upload = {"type": "document", "media": media, "caption": "Our prices"}
    order = Order(
        conversation_id=conversation(world), content=from_json(upload), author="cli", key="k"
    )
    send(world.hub, order)
    said = found(r'(?s)<ol class="timeline">(.*?)</ol>', agent.get(f"/contacts/{ada}"))
    assert "Our prices" in said
    assert "price list.pdf" in said


def test_nobody_allowed_marketing_who_was_not_asked(agent, ada):
    page = agent.get(f"/contacts/{ada}").text
    assert "Not asked" in page
    assert {">They allow it</button>", ">They want none</button>"} <= set(
        re.findall(r">They [^<]*</button>", page)
    )
    where = found(r'action="(/contacts/\w+/addresses/\w+)"', agent.get(f"/contacts/{ada}"))
    page = agent.post(where, marketing="yes").text
    assert "Allowed, said" in page
    assert ">They allow it</button>" not in page
