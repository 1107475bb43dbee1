import pytest
from sqlalchemy import text

from hubbub.connect.hidden import HIDDEN
from hubbub.connect.routes import (
    RoutesClash,
    WantedRoutes,
    current_routes,
    save_routes,
    shown_routes,
)
from hubbub.connect.work import find_channel
from hubbub.people.errors import Conflict, Invalid, NotFound
from hubbub.store.session import reading

TO_BOT = {"type": "bot", "url": "https://bot.example", "secret": "hush-hush"}


def _rule(word="hello", name="Greeting", to=None, **more):
    when = {"text": {"contains": [word]}}
    return {"name": name, "when": when, "to": to or {"type": "inbox"}, **more}


def _save(hub, channel_id, *routes, **more):
    return save_routes(hub, channel_id, WantedRoutes(routes=routes, **more), actor="cli")


def test_a_new_channel_sends_everything_to_people(every_hub, add_channel):
    routes = current_routes(every_hub, add_channel(every_hub))
    assert (routes.version, routes.routes, routes.fallback.type) == (1, (), "inbox")


def test_saved_routes_are_in_force_in_a_new_version(every_hub, add_channel):
    channel_id = add_channel(every_hub)
    before = find_channel(every_hub, channel_id).version
    _save(every_hub, channel_id, _rule(), fallback=TO_BOT)
    routes = current_routes(every_hub, channel_id)
    assert routes.version == 2
    assert [route.name for route in routes.routes] == ["Greeting"]
    assert routes.fallback.type == "bot"
    assert find_channel(every_hub, channel_id).version == before + 1
    with reading(every_hub.engine) as db:
        line = every_hub.directory.current(db, [channel_id])[channel_id]
    assert line.routes.version == 2


@pytest.mark.parametrize(
    ("route", "field"),
    [
        ({"name": "", "to": {"type": "inbox"}}, "routes.0.name"),
        ({"name": "x", "to": {"type": "nowhere"}}, "routes.0.to.type"),
        ({"name": "x", "to": {"type": "bot"}}, "routes.0.to.url"),
        ({"name": "x", "to": {"type": "inbox", "url": "x"}}, "routes.0.to.url"),
        ({"name": "x"}, "routes.0.to"),
        ({"name": "x", "to": "inbox"}, "routes.0.to"),
        (_rule(to={**TO_BOT, "secret": HIDDEN}), "routes.0.to.secret"),
    ],
)
def test_a_route_that_cannot_be_used_is_named_by_its_field(hub, add_channel, route, field):
    channel_id = add_channel(hub)
    with pytest.raises(Invalid) as caught:
        _save(hub, channel_id, route)
    assert caught.value.complaints[0].field == field
    assert current_routes(hub, channel_id).version == 1


def test_a_fallback_that_cannot_be_used_is_named_by_its_field(hub, add_channel):
    with pytest.raises(Invalid) as caught:
        _save(hub, add_channel(hub), fallback={"type": "bot"})
    assert caught.value.complaints[0].field == "fallback.url"


def test_routes_in_each_others_way_need_a_word(hub, add_channel):
    channel_id = add_channel(hub)
    clash = (_rule(), _rule(name="Again", to=TO_BOT))
    with pytest.raises(RoutesClash) as caught:
        _save(hub, channel_id, *clash)
    assert [conflict.kind for conflict in caught.value.conflicts] == ["duplicate"]
    assert current_routes(hub, channel_id).version == 1
    assert _save(hub, channel_id, *clash, accept_conflicts=True).version == 2


def test_secrets_of_destinations_are_hidden_and_kept_when_saved_again(hub, add_channel):
    channel_id = add_channel(hub)
    _save(hub, channel_id, _rule(to=TO_BOT), fallback=TO_BOT)
    shown = shown_routes(hub.plugins, current_routes(hub, channel_id))
    assert "hush-hush" not in str(shown)
    assert shown["routes"][0]["to"] == {**TO_BOT, "secret": HIDDEN}
    saved = _save(hub, channel_id, *shown["routes"], fallback=shown["fallback"])
    assert saved.routes[0].to.settings["secret"] == "hush-hush"
    assert saved.fallback.settings["secret"] == "hush-hush"


def test_a_hidden_secret_cannot_be_carried_over_to_another_kind(hub, add_channel):
    channel_id = add_channel(hub)
    _save(hub, channel_id, _rule(to={"type": "inbox"}, id="one"))
    with pytest.raises(Invalid):
        _save(hub, channel_id, _rule(to={**TO_BOT, "secret": HIDDEN}, id="one"))


def test_a_hidden_secret_cannot_be_carried_over_to_another_address(hub, add_channel):
    channel_id = add_channel(hub)
    _save(hub, channel_id, fallback=TO_BOT)
    with pytest.raises(Invalid) as raised:
        _save(
            hub, channel_id, fallback={**TO_BOT, "url": "https://thief.example", "secret": HIDDEN}
        )
    (complaint,) = raised.value.complaints
    assert (complaint.field, "while the address stays" in complaint.message) == (
        "fallback.secret",
        True,
    )


def test_who_saves_at_the_same_moment_second_is_told(hub, add_channel, monkeypatch):
    channel_id = add_channel(hub)
    stale = current_routes(hub, channel_id)
    _save(hub, channel_id, _rule())
    monkeypatch.setattr("hubbub.connect.routes.current_routes", lambda *_: stale)
    with pytest.raises(Conflict) as caught:
        _save(hub, channel_id, _rule("other"))
    assert caught.value.code == "version_conflict"


def test_there_are_no_routes_of_an_unknown_channel(hub):
    with pytest.raises(NotFound):
        current_routes(hub, "nothing")
    with pytest.raises(NotFound):
        _save(hub, "nothing")


def test_saving_is_in_the_audit_log(hub, add_channel):
    channel_id = add_channel(hub)
    _save(hub, channel_id, _rule(to=TO_BOT))
    with reading(hub.engine) as db:
        last = db.execute(text("SELECT action, detail FROM audit ORDER BY id DESC LIMIT 1")).one()
    assert last.action == "routes.saved"
    assert "hush" not in last.detail
