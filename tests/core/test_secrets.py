"""No secret leaves: canaries are planted in every place for a secret, and looked for everywhere."""

import io
import json
from types import SimpleNamespace

import pytest
from sqlalchemy import select

from hubbub import logs
from hubbub.connect.routes import WantedRoutes, save_routes
from hubbub.people.tokens import create_token
from hubbub.people.users import add_user
from hubbub.store.session import reading
from hubbub.store.tables import metadata
from hubbub.vault import Vault
from hubbub.web import create_app

CREDENTIAL = "canary-credential-4711"
BOT_SECRET = "canary-bot-secret-4711"
PASSWORD = "canary-password-4711"
TO_BOT = {"type": "chatbot", "url": "https://bot.example/in", "secret": BOT_SECRET}


@pytest.fixture
def log():
    """Everything that is logged."""
    stream = io.StringIO()
    logs.configure("web", json=True, stream=stream)
    return stream


@pytest.fixture
def line(world):
    """A channel whose every message goes to a bot."""
    line = world.channel(secret=CREDENTIAL)
    routes = [{"id": "bot", "name": "Bot", "when": {"text": {"word": "bot"}}, "to": TO_BOT}]
    save_routes(world.hub, line.id, WantedRoutes(routes=routes, fallback=TO_BOT), actor="cli")
    return world.line(line.id)


def kept(world):
    """Return the whole database as text."""
    with reading(world.hub.engine) as db:
        rows = [row for one in metadata.sorted_tables for row in db.execute(select(one))]
    return "\n".join(str(tuple(row)) for row in rows)


def told_to_bot(world):
    asked = [r for r in world.provider.requests if r.url == TO_BOT["url"]]
    return [json.loads(request.body)["callback"] for request in asked]


def live(world, line, client, token):
    """Let all of it happen that could spill a secret: answers that echo it, failures, callbacks."""
    world.provider.will(
        # The bot echoes what signs its requests, then promises an answer, then breaks.
        (418, {"secret": BOT_SECRET, "said": f"you are {BOT_SECRET}"}),
        (202, {}),
        lambda request: (500, {"echo": json.loads(request.body), "key": BOT_SECRET}),
    )
    for number in (1, 2, 3):
        world.hear(
            line,
            {"id": f"m{number}", "from": f"+{number}", "text": "bot"},
            secret=CREDENTIAL,
        )
    world.call(line, {"items": []}, secret="a wrong one")
    world.call(line, b"\xff not json", secret=CREDENTIAL)
    callback = told_to_bot(world)[1]
    path = callback["url"].removeprefix(world.hub.settings.base_url)
    answer = {"actions": [{"type": "reply", "text": "late"}]}
    bearer = {"Authorization": f"Bearer {callback['token']}"}
    world.provider.will((401, {"you": f"are not {CREDENTIAL}"}))
    assert client.post(path, json=answer, headers=bearer).status_code == 202
    world.work()
    sent = {
        "channel_id": line.id,
        "to": {"address": "+9"},
        "content": {"type": "text", "text": "x"},
    }
    client.post("/api/v1/messages", json=sent, headers={"Authorization": f"Bearer {token}"})
    world.work()
    return callback["token"]


def api_answers(client, token, world, line):
    """Yield every answer of the API to who may see all."""
    named = {
        "channels": [line.id],
        "messages": [row["id"] for row in world.rows("SELECT id FROM messages")],
        "events": [row["id"] for row in world.rows("SELECT id FROM calls")],
        "conversations": [row["id"] for row in world.rows("SELECT id FROM conversations")],
    }
    paths = ["/channel-types", "/channels", "/messages", "/events", "/conversations", "/users"]
    paths += [f"/{kind}/{one}" for kind, ids in named.items() for one in ids]
    paths += [f"/channels/{line.id}/routes", "/tokens"]
    paths += [f"/messages/{one}/trace" for one in named["messages"]]
    bearer = {"Authorization": f"Bearer {token}"}
    for path in paths:
        answer = client.get(f"/api/v1{path}", headers=bearer)
        assert answer.status_code == 200, path
        yield answer.text
    asked = {"content": {"type": "text", "text": "bot"}}
    routes = f"/api/v1/channels/{line.id}/routes"
    shown = client.get(routes, headers=bearer).get_json()
    yield client.post(f"{routes}/explain", json=asked, headers=bearer).text
    yield client.put(routes, json=shown, headers=bearer).text
    shown["routes"].append({"name": "x", "to": {**TO_BOT, "url": "no address"}})
    yield client.put(routes, json=shown, headers=bearer).text
    yield client.post(f"/api/v1/channels/{line.id}/check", headers=bearer).text


def console_pages(client, world, line):
    """Yield every page of the console that shows something of the channel."""
    paths = ["/inbox", "/channels", f"/channels/{line.id}", "/operate/people", "/operate/tokens"]
    paths += [f"/inbox/{row['id']}" for row in world.rows("SELECT id FROM conversations")]
    paths += [f"/messages/{row['id']}/trace" for row in world.rows("SELECT id FROM messages")]
    for path in paths:
        page = client.get(path)
        assert page.status_code == 200, path
        yield page.text


def test_no_secret_is_in_the_database_a_log_an_answer_or_a_page(world, log, line):
    hub = world.hub
    add_user(hub, email="a@example.org", password=PASSWORD, role="admin", actor="cli")
    _, token = create_token(hub, name="canary", actor="cli")
    client = create_app(hub=hub).test_client()
    given = {"email": "a@example.org", "password": PASSWORD}
    cookie = client.post("/login", data=given).headers["Set-Cookie"]
    cookie = cookie.partition("=")[2].partition(";")[0]
    callback = live(world, line, client, token)
    told = "\n".join(
        [*api_answers(client, token, world, line), *console_pages(client, world, line)]
    )
    line = world.line(line.id)
    secrets = {
        "credential": CREDENTIAL,
        "destination's secret": BOT_SECRET,
        "password": PASSWORD,
        "token": token,
        "cookie": cookie,
        "callback token": callback,
        "webhook secret": line.connection.webhook_secret,
        "encryption key": hub.settings.keys[0],
    }
    places = SimpleNamespace(database=kept(world), log=log.getvalue(), answers=told)
    assert log.getvalue(), "nothing was logged, so nothing was looked at"
    found = [
        f"the {name} is in the {place}"
        for name, secret in secrets.items()
        for place, text in vars(places).items()
        if secret in text
    ]
    assert found == []


def test_the_signature_of_a_file_is_in_no_log_and_not_in_the_database(world, log, line):
    from hubbub.deliver.attempt import media_url

    signature = media_url(world.hub, "01file").partition("sig=")[2]
    client = create_app(hub=world.hub).test_client()
    assert client.get(f"/api/v1/media/01file?sig={signature}").status_code == 404
    assert signature not in log.getvalue() + kept(world)


def test_a_delivery_is_carried_though_its_rule_is_gone(world, line):
    world.hear(line, secret=CREDENTIAL)
    world.provider.will((503, {}))
    world.hear(line, {"id": "m1", "from": "+1", "text": "bot"}, secret=CREDENTIAL)
    save_routes(world.hub, line.id, WantedRoutes(routes=[]), actor="cli")
    world.provider.will((200, {"actions": [{"type": "reply", "text": "Here I am."}]}))
    world.pass_time(minutes=2)
    assert world.provider.said == ["Here I am."]


def test_a_delivery_that_waits_goes_to_where_its_rule_now_leads(world, line):
    world.provider.will((503, {}))
    world.hear(line, {"id": "m1", "from": "+1", "text": "bot"}, secret=CREDENTIAL)
    mended = {**TO_BOT, "url": "https://bot.example/mended"}
    rule = {"id": "bot", "name": "Bot", "when": {}, "to": mended}
    save_routes(world.hub, line.id, WantedRoutes(routes=[rule]), actor="cli")
    world.provider.will((204, {}))
    world.pass_time(minutes=2)
    assert [r.url for r in world.provider.requests][-2:] == [TO_BOT["url"], mended["url"]]


def test_what_an_earlier_key_encrypted_is_still_read(world, line):
    first = world.hub.settings.keys[0]
    world.hub.vault = Vault(["a newer key", first])
    world.hub.directory._lines.clear()
    again = world.line(line.id)
    assert again.routes.fallback.settings["secret"] == BOT_SECRET
    world.hub.vault = Vault(["a newer key"])
    world.hub.directory._lines.clear()
    assert world.line(line.id) is None
