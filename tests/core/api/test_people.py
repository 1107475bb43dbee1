import pytest

from hubbub.people.tokens import create_token


def test_a_token_is_shown_once_and_works_at_once(api):
    made = api.post("/tokens", {"name": "Shop", "scopes": ["read"]})
    assert set(made) == {
        "id",
        "name",
        "scopes",
        "created_at",
        "last_used_at",
        "revoked_at",
        "token",
    }
    assert "token" not in api.get("/tokens")["items"][0]
    mine, api.token = api.token, made["token"]
    api.get("/channels")
    api("POST", "/messages", {}, status=403)
    api.token = mine
    api.delete(f"/tokens/{made['id']}")
    api.token = made["token"]
    api("GET", "/channels", status=401)


def test_a_token_gives_no_scope_that_it_lacks(api):
    _, api.token = create_token(api.hub, name="boss", scopes=["admin"], actor="cli")
    assert api.fields("POST", "/tokens", {"name": "x", "scopes": ["admin", "write"]}) == ["scopes"]
    api.post("/tokens", {"name": "x", "scopes": ["admin"]})


@pytest.mark.parametrize(
    ("body", "field"),
    [({}, "name"), ({"name": ""}, "name"), ({"name": "x", "scopes": []}, "scopes")],
)
def test_a_token_that_cannot_be_made_is_422(api, body, field):
    assert api.fields("POST", "/tokens", body) == [field]


def test_people_are_added_listed_and_changed(every_api):
    new = {"email": "Ada@Example.com", "password": "correct horse", "name": "Ada"}
    user = every_api.post("/users", new)
    assert user == {
        "id": user["id"],
        "email": "ada@example.com",
        "name": "Ada",
        "role": "agent",
        "disabled": False,
        "available": True,
        "preferences": {"shortcuts": True, "undo": True},
        "created_at": "2026-01-02T03:04:05Z",
    }
    assert every_api.get("/users")["items"] == [user]
    path = f"/users/{user['id']}"
    assert every_api.patch(path, {"disabled": True})["disabled"] is True
    assert every_api.patch(path, {"disabled": False, "role": "admin"})["role"] == "admin"
    assert every_api.get(path)["name"] == "Ada"
    liked = every_api.patch(path, {"available": False, "preferences": {"undo": False}})
    assert liked["available"] is False
    assert liked["preferences"] == {"shortcuts": True, "undo": False}
    problem = every_api("POST", "/users", new, status=409).get_json()
    assert problem["type"].endswith("/email-taken")


def test_views_are_kept_for_a_user(every_api):
    new = {"email": "ada@example.com", "password": "correct horse"}
    path = f"/users/{every_api.post('/users', new)['id']}/views"
    view = every_api.post(path, {"name": "VIPs", "filters": {"tag": "vip"}})
    assert every_api.get(path)["items"] == [view]
    every_api("POST", path, {"name": "VIPs", "filters": {}}, status=409)
    every_api("POST", "/users/nobody/views", {"name": "VIPs", "filters": {}}, status=404)
    every_api.delete(f"{path}/{view['id']}")
    every_api("DELETE", f"{path}/{view['id']}", status=404)


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"email": "nobody", "password": "correct horse"}, "email"),
        ({"email": "a@b.c", "password": "short"}, "password"),
        ({"email": "a@b.c", "password": "correct horse", "role": "root"}, "role"),
    ],
)
def test_a_person_who_cannot_be_added_is_422(api, body, field):
    answer = api("POST", "/users", body, status=422)
    assert [error["field"] for error in answer.get_json()["errors"]] == [field]
    assert "short" not in answer.get_data(as_text=True).replace("shorter", "")


def test_unknown_people_and_tokens_are_404(api):
    api("GET", "/users/nobody", status=404)
    api("PATCH", "/users/nobody", {}, status=404)
    api("DELETE", "/tokens/nothing", status=404)
