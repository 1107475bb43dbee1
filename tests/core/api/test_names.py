"""Names that people give are kept as they are read, and once."""

from hubbub.people import team_queries
from hubbub.store.session import transaction

TYPED = "\u202eSa\u200bles\u202c"
PERSIAN = "می\u200cرود"


def test_every_name_that_people_give_is_kept_as_it_is_read(api, add_channel, add_conversation):
    channel_id = add_channel(api)
    path = f"/conversations/{add_conversation(api, channel_id)}"
    contact = f"/contacts/{api.get(path)['contact_id']}"
    user = {"email": "ada@example.com", "password": "correct horse", "name": TYPED}
    view = {"name": TYPED, "filters": {}}
    user_id = api.post("/users", user)["id"]
    names = [
        api.get(f"/users/{user_id}")["name"],
        api.post(f"/users/{user_id}/views", view)["name"],
        api.post("/teams", {"name": TYPED})["name"],
        api.post("/tokens", {"name": TYPED})["name"],
        api.patch(f"/channels/{channel_id}", {"name": TYPED})["name"],
        api.patch(contact, {"name": TYPED})["name"],
        *api.patch(path, {"tags": [TYPED]})["tags"],
    ]
    assert names == ["Sales"] * 7
    assert api.post("/canned-replies", {"shortcut": TYPED, "text": "x"})["shortcut"] == "sales"
    assert api.post("/teams", {"name": PERSIAN})["name"] == PERSIAN


def test_a_name_of_which_nobody_sees_anything_is_none(api, add_channel):
    blank = {"name": "\u200b\u3164"}
    assert api.fields("POST", "/teams", blank) == ["name"]
    assert api.fields("POST", "/tokens", blank) == ["name"]
    assert api.fields("PATCH", f"/channels/{add_channel(api)}", blank) == ["name"]


def test_names_that_differ_by_case_alone_are_no_two_teams(every_api):
    api = every_api
    sales = api.post("/teams", {"name": "Überseesales"})
    refused = api("POST", "/teams", {"name": "überseeSALES"}, status=409).get_json()
    assert refused["type"].endswith("/name-taken")
    assert refused["detail"] == "There is already a team called Überseesales."
    other = api.post("/teams", {"name": "Support"})["id"]
    api("PATCH", f"/teams/{other}", {"name": "ÜberseeSales"}, status=409)
    renamed = api.patch(f"/teams/{sales['id']}", {"name": "überseesales"})
    assert renamed["name"] == "überseesales"


def test_two_teams_of_before_that_differ_by_case_go_on(every_api):
    api = every_api
    ids = [api.post("/teams", {"name": name})["id"] for name in ("Sales", "Support")]
    with transaction(api.hub.engine) as db:
        team_queries.rename(db, ids[1], "sales")
        called = [team_queries.called(db, word) for word in ("Sales", "sales", "SALES", ids[1])]
    assert [team and team.id for team in called] == [*ids, ids[0], ids[1]]
    path = f"/teams/{ids[1]}"
    assert api.patch(path, {"name": "sales", "members": []})["name"] == "sales"
    assert api.patch(path, {"name": "Support"})["name"] == "Support"


def test_names_that_differ_by_case_alone_are_no_two_views(api):
    user = api.post("/users", {"email": "ada@example.com", "password": "correct horse"})
    path = f"/users/{user['id']}/views"
    api.post(path, {"name": "Late", "filters": {}})
    refused = api("POST", path, {"name": "late", "filters": {}}, status=409).get_json()
    assert refused["detail"] == "There is already a view called Late."
