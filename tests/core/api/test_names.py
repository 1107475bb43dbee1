"""Names that people give are kept as they are read."""

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
