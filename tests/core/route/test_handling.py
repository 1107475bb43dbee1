"""What a bot over HTTP is asked, and what becomes of what it answers, at once or later."""

import json
from datetime import timedelta

import pytest

from hubbub.connect.routes import WantedRoutes, save_routes
from hubbub.web import create_app

TO_BOT = {
    "type": "chatbot",
    "url": "https://bot.example/in",
    "secret": "a secret of sixteen",
    "wait_seconds": 60,
}
ANSWER = {"actions": [{"type": "reply", "text": "Found it."}]}


@pytest.fixture
def line(world):
    """A channel whose every message goes to a bot, and then to people."""
    line = world.channel()
    rule = {"id": "bot", "name": "Bot", "when": {}, "to": TO_BOT}
    save_routes(world.hub, line.id, WantedRoutes(routes=[rule]), actor="cli")
    return world.line(line.id)


@pytest.fixture
def client(world):
    """What calls the callback."""
    return create_app(hub=world.hub).test_client()


def asked(world):
    """Return what the bot was asked, each time."""
    return [json.loads(r.body) for r in world.provider.requests if r.url == TO_BOT["url"]]


def hear(world, line, number, *answers):
    world.provider.will(*answers)
    world.hear(line, {"id": f"m{number}", "from": "+1", "text": str(number)})


def call_back(world, client, *, answer=ANSWER, token=None, **more):
    """Answer the bot's last question through its callback; return the answer's status."""
    callback = asked(world)[-1]["callback"]
    path = callback["url"].removeprefix(world.hub.settings.base_url)
    bearer = callback["token"] if token is None else token
    given = {"headers": {"Authorization": f"Bearer {bearer}"}, "json": answer, **more}
    answered = client.post(path, **given)
    world.work()
    return answered.status_code


def owner(world):
    return world.one("SELECT owner FROM conversations")["owner"]


def test_a_bot_is_told_whether_the_contact_wrote_before(world, line):
    for number in (1, 2):
        hear(world, line, number, (204, {}))
    assert [one["message"]["first"] for one in asked(world)] == [True, False]


def test_a_bot_that_is_asked_again_is_told_the_same(world, line):
    hear(world, line, 1, (503, {}))
    world.pass_time(minutes=1)
    assert [one["message"]["first"] for one in asked(world)] == [True, True]
