"""Teams, while several people and messages meet at them at once."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import update

from hubbub.api.work import ConversationChange, change_conversation
from hubbub.connect.routes import WantedRoutes, save_routes
from hubbub.people import team_queries, teams
from hubbub.people.errors import Conflict, Invalid, NotFound
from hubbub.people.teams import change_team, create_team, delete_team
from hubbub.people.users import add_user
from hubbub.store.session import transaction
from hubbub.store.tables import Conversation, table
from hubbub.store.threads import by_ids
from tests.services.locks import wait_for_who_waits


@pytest.fixture
def sales(world):
    return create_team(world.hub, name="Sales", actor="cli")


@pytest.fixture
def talk(world):
    """Return conversations in the order of their ids, the one with the latest message first."""
    line = world.channel()
    for number in range(2):
        world.hear(line, {"from": f"+{number}", "text": "Hi"})
    ids = [row["id"] for row in world.rows("SELECT id FROM conversations ORDER BY id")]
    world.clock.forward(seconds=1)
    world.hear(line, {"from": "+0", "text": "Hi again"})
    return ids


def give(world, conversation_id, team_id, **more):
    change = ConversationChange(team=team_id, **more)
    change_conversation(world.hub, conversation_id, change, actor="cli")


def _give(conversation_id, team_id):
    """As somebody who is faster."""
    conversations = table(Conversation)
    this = update(conversations).where(conversations.c.id == conversation_id)
    return this.values(team_id=team_id)


def teams_of_all(world):
    return [row["team_id"] for row in world.rows("SELECT team_id FROM conversations ORDER BY id")]


def test_no_two_teams_are_called_alike_and_if_they_are_rules_know_them_apart(world, monkeypatch):
    sales = create_team(world.hub, name="Sales", actor="cli")
    other = create_team(world.hub, name="Service", actor="cli")
    with pytest.raises(Conflict, match="already a team called Sales"):
        create_team(world.hub, name="sales", actor="cli")
    with pytest.raises(Conflict, match="already a team called Sales"):
        change_team(world.hub, other, name="SALES", actor="cli")
    change_team(world.hub, sales, name="SALES", actor="cli")
    # As if two had been made at once.
    monkeypatch.setattr(teams, "_refuse_double", lambda *_, **__: None)
    change_team(world.hub, other, name="sales", actor="cli")
    with transaction(world.hub.engine) as db:
        found = [team_queries.called(db, name) for name in ("SALES", " sales", "Sales")]
    assert [team.id for team in found if team] == [sales, other, sales]


def test_a_team_that_goes_while_it_is_assigned_is_not_there(world, sales, talk, monkeypatch):
    user_id = add_user(world.hub, email="a@example.org", password="long enough", actor="cli")
    hand = teams.hand_to_team

    def late(db, thread, team_id):
        with ThreadPoolExecutor(1) as other:
            other.submit(delete_team, world.hub, sales, actor="cli").result()
        return hand(db, thread, team_id)

    if world.hub.engine.dialect.name == "postgresql":
        monkeypatch.setattr("hubbub.api.work.hand_to_team", late)
    else:
        # There only one transaction writes at a time.
        delete_team(world.hub, sales, actor="cli")
    with pytest.raises(Invalid) as refused:
        give(world, talk[0], sales, assignee=user_id)
    assert refused.value.complaints[0].field == "team"
    assert teams_of_all(world) == [None, None]


def test_a_message_for_a_team_that_goes_meanwhile_waits_for_everybody(world, sales, monkeypatch):
    line = world.channel()
    wanted = WantedRoutes(routes=[], fallback={"type": "inbox", "team": "sales"})
    save_routes(world.hub, line.id, wanted, actor="cli")
    called = team_queries.called

    def late(db, word):
        found = called(db, word)
        if world.hub.engine.dialect.name == "postgresql":
            with ThreadPoolExecutor(1) as other:
                other.submit(delete_team, world.hub, sales, actor="cli").result()
        else:
            team_queries.delete_team(db, sales)
        return found

    monkeypatch.setattr(team_queries, "called", late)
    world.hear(world.line(line.id), {"from": "+1", "text": "Hi"})
    assert "There is no team called sales" in str(world.one("SELECT decision FROM messages"))
    assert world.one("SELECT state FROM calls")["state"] == "done"


def test_who_deletes_a_team_and_who_holds_its_conversations_do_not_wait_in_a_circle(
    world, sales, talk
):
    if world.hub.engine.dialect.name != "postgresql":
        pytest.skip("On SQLite only one transaction writes at a time.")
    for conversation_id in talk:
        give(world, conversation_id, sales)
    with ThreadPoolExecutor(1) as other:
        with transaction(world.hub.engine) as db:
            by_ids(db, talk[:1])
            deleted = other.submit(delete_team, world.hub, sales, actor="cli")
            wait_for_who_waits(world.hub.engine)
            by_ids(db, talk[1:])
            team_queries.team(db, sales, hold=True)
        deleted.result()
    assert teams_of_all(world) == [None, None]


def test_a_team_that_is_given_a_conversation_while_it_goes_is_emptied_again(
    world, sales, talk, monkeypatch
):
    empty, given = team_queries.empty_queue, list(talk)

    def emptied(db, team_id):
        empty(db, team_id)
        if given:
            db.execute(_give(given.pop(), team_id))

    monkeypatch.setattr(team_queries, "empty_queue", emptied)
    delete_team(world.hub, sales, actor="cli")
    assert teams_of_all(world) == [None, None]
    with pytest.raises(NotFound):
        delete_team(world.hub, sales, actor="cli")


def test_a_team_that_is_given_conversations_without_end_stays_and_that_is_said(
    world, sales, talk, monkeypatch
):
    empty = team_queries.empty_queue

    def emptied(db, team_id):
        empty(db, team_id)
        db.execute(_give(talk[0], team_id))

    monkeypatch.setattr(team_queries, "empty_queue", emptied)
    with pytest.raises(Conflict, match="try again"):
        delete_team(world.hub, sales, actor="cli")
    assert teams_of_all(world) == [sales, None]


def test_teams_are_held_in_one_order_whatever_comes_first(world, monkeypatch):
    ids = {name: create_team(world.hub, name=name, actor="cli") for name in ("first", "second")}
    line = world.channel()
    to = [
        {"id": name, "name": name, "when": {"text": {"contains": name}}, "to": team}
        for name in ids
        for team in [{"type": "inbox", "team": name}]
    ]
    save_routes(world.hub, line.id, WantedRoutes(routes=to, accept_conflicts=True), actor="cli")
    held, team = [], team_queries.team

    def noted(db, team_id, *, hold=False):
        if hold:
            held.append(team_id)
        return team(db, team_id, hold=hold)

    monkeypatch.setattr(team_queries, "team", noted)
    world.hear(
        world.line(line.id),
        *({"from": f"+{name}", "text": name} for name in ("second", "first", "second")),
    )
    assert held == [ids["first"], ids["second"], ids["second"]]
