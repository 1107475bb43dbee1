"""Teams: who is in one, who is given its conversations, and what becomes of them without it."""

import pytest

from hubbub.api.work import ConversationChange, change_conversation
from hubbub.connect.routes import WantedRoutes, save_routes
from hubbub.people.leaving import give_back
from hubbub.people.teams import create_team, delete_team, list_teams
from hubbub.people.users import add_user, change_user
from tests.core.ui.kit import Reader, conversation, form_token


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request):
    """A fresh database of each kind: whose turn it is, is asked in SQL."""
    return request.getfixturevalue(f"{request.param}_url")


@pytest.fixture
def sales(world, people):
    """A team of three, to which all that comes in is routed."""
    third = add_user(world.hub, email="c@example.org", password="long enough", actor="cli")
    members = [people["admin"], people["agent"], third]
    create_team(world.hub, name="Sales", members=members, actor="cli")
    line = world.channel()
    wanted = WantedRoutes(routes=[], fallback={"type": "inbox", "team": "sales"})
    save_routes(world.hub, line.id, wanted, actor="cli")
    return members, world.line(line.id)


def given(world):
    rows = world.rows("SELECT assignee_id FROM conversations ORDER BY id")
    return [row["assignee_id"] for row in rows]


def test_members_are_given_conversations_in_turn_and_who_is_away_is_not(world, sales):
    members, line = sales
    world.hear(line, *({"from": f"+{n}", "text": "Hi"} for n in range(3)))
    assert sorted(given(world)) == sorted(members)
    change_user(world.hub, members[1], actor="cli", available=False)
    world.hear(line, *({"from": f"+{n}", "text": "Hi"} for n in range(3, 7)))
    later = given(world)[3:]
    assert sorted(later) == sorted([members[0], members[2]] * 2)
    world.hear(line, {"from": "+0", "text": "Me again"})
    assert len(given(world)) == 7


def test_what_waits_for_who_was_disabled_goes_to_the_next_of_their_team(world, sales):
    (stays, gone, done), line = sales
    world.hear(line, *({"from": f"+{n}", "text": "Hi"} for n in range(3)))
    world.write("UPDATE conversations SET status = 'resolved' WHERE assignee_id = :id", id=done)
    change_user(world.hub, gone, actor="cli", disabled=True)
    change_user(world.hub, done, actor="cli", disabled=True)
    give_back(world.hub)
    assert sorted(given(world)) == sorted([done, stays, stays])
    owners = {row["owner"] for row in world.rows("SELECT owner FROM conversations")}
    assert owners == {f"user:{done}", f"user:{stays}"}
    (noted,) = world.rows("SELECT actor, detail FROM audit WHERE action = 'conversation.changed'")
    assert noted["actor"] == "hub"
    assert gone in str(noted["detail"])
    give_back(world.hub)
    assert len(world.rows("SELECT id FROM audit WHERE action = 'conversation.changed'")) == 1
    world.hear(line, *({"from": f"+{n}", "text": "Hi"} for n in range(3, 6)))
    assert given(world)[3:] == [stays] * 3


def test_what_waits_for_who_was_disabled_is_everybodys_where_there_is_no_team(
    world, browser, line, people
):
    change = ConversationChange(assignee=people["agent"], status="snoozed")
    change_conversation(world.hub, conversation(world), change, actor="cli")
    give_back(world.hub)
    assert given(world) == [people["agent"]]
    change_user(world.hub, people["agent"], actor="cli", disabled=True)
    give_back(world.hub)
    assert given(world) == [None]
    assert world.one("SELECT owner FROM conversations")["owner"] == "queue"
    page = browser("admin").get("/operate/audit").text
    assert "The hub itself" in page
    assert "They were disabled." in page


def test_without_anybody_there_a_conversation_waits_in_the_queue(world, sales, browser):
    members, line = sales
    for one in members:
        change_user(world.hub, one, actor="cli", available=False)
    world.hear(line, {"from": "+1", "name": "Ada", "text": "Hi"})
    assert given(world) == [None]
    page = browser("agent").get("/inbox").text
    team = world.one("SELECT id FROM teams")["id"]
    assert f'href="/inbox?team={team}"' in page
    assert "Ada" in browser("agent").get(f"/inbox?team={team}").text
    assert "you are away" in page.lower()


def test_a_team_that_nobody_knows_is_everybody_and_the_decision_says_so(world):
    line = world.channel()
    wanted = WantedRoutes(routes=[], fallback={"type": "inbox", "team": "Nobody"})
    save_routes(world.hub, line.id, wanted, actor="cli")
    world.hear(world.line(line.id), {"from": "+1", "text": "Hi"})
    assert "There is no team called Nobody" in str(world.one("SELECT decision FROM messages"))
    assert given(world) == [None]


def test_an_admin_makes_changes_and_deletes_a_team(world, browser, people):
    admin = browser("admin")
    assert "Make the first team" in admin.get("/operate/teams").text
    token = form_token(admin.get("/operate/teams/new"))
    form = {"form_token": token, "name": "  Night   shift ", "member": people["agent"]}
    assert admin.post("/operate/teams/new", data=form).status_code == 302
    again = admin.post("/operate/teams/new", data={**form, "name": "\u202enight shift"})
    assert (again.status_code, "already a team called Night shift" in again.text) == (422, True)
    assert f'value="{people["agent"]}" checked' in again.text
    assert 'value="night shift"' in again.text
    assert "agent@example.org" in admin.get("/operate/teams").text
    team = f"/operate/teams/{world.one('SELECT id FROM teams')['id']}"
    assert admin.post(team, data={"form_token": token, "name": ""}).status_code == 422
    assert admin.post(team, data={"form_token": token, "name": "Day"}).status_code == 302
    assert world.rows("SELECT * FROM team_members") == []
    assert "0 conversations are in its queue" in admin.get(team).text
    assert admin.post(f"{team}/delete", data={"form_token": token}).status_code == 302
    assert admin.get(team).status_code == 404
    actions = [row["action"] for row in world.rows("SELECT action FROM audit ORDER BY id")]
    assert actions[-3:] == ["team.created", "team.changed", "team.deleted"]


def test_an_agent_sees_no_page_of_teams(browser, people):
    assert browser("agent").get("/operate/teams").status_code == 403


def test_who_has_a_conversation_and_who_answers_in_it_are_both_told(world, browser, line, people):
    where = f"/inbox/{conversation(world)}"
    world.write(
        "UPDATE conversations SET assignee_id = :has, owner = :answers",
        has=people["admin"],
        answers=f"user:{people['agent']}",
    )
    told = "Assigned to admin@example.org. agent@example.org handles this."
    assert told in browser("agent").get(where).text


def test_a_conversation_is_given_to_a_colleague_a_team_and_nobody(world, browser, line, people):
    team = create_team(world.hub, name="Sales", members=[people["admin"]], actor="cli")
    agent, where = browser("agent"), f"/inbox/{conversation(world)}"
    token = form_token(agent.get(where))

    def give(to, version=None):
        form = {"form_token": token, "what": "assign", "to": to, "version": version}
        return agent.post(f"{where}/change", data=form)

    give(f"user:{people['admin']}")
    assert "admin@example.org handles this." in agent.get(where).text
    give(f"user:{people['agent']}")
    give(f"team:{team}")
    assert "admin@example.org handles this. In the queue of Sales." in agent.get(where).text
    stale = give("", version="1")
    assert "The conversation changed hands meanwhile" in stale.text
    give("")
    row = world.one("SELECT assignee_id, team_id, owner FROM conversations")
    assert row == {"assignee_id": None, "team_id": None, "owner": "queue"}
    give(f"team:{team}")
    delete_team(world.hub, team, actor="cli")
    assert given(world) == [people["admin"]]
    assert give("team:nothing").status_code == 409


def test_who_is_disabled_stays_in_their_team_when_it_is_saved(world, browser, people):
    members = [people["admin"], people["agent"]]
    team_id = create_team(world.hub, name="Sales", members=members, actor="cli")
    change_user(world.hub, people["agent"], actor="cli", disabled=True)
    admin = Reader(browser("admin"))
    admin.post(f"/operate/teams/{team_id}", name="Shop", member=people["admin"])
    (kept,) = list_teams(world.hub)
    assert (kept.name, sorted(kept.members)) == ("Shop", sorted(members))
