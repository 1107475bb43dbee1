"""What a bot over HTTP is asked, and what becomes of what it answers, at once or later."""

import io
import json

import pytest

from hubbub.connect.routes import WantedRoutes, save_routes
from hubbub.connect.templates import read_templates
from hubbub.store.session import DatabaseDown, reading
from hubbub.track.trace import trace
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


def test_a_bot_is_not_asked_about_what_its_author_has_taken_back(world, line):
    world.hear(line, {"id": "m1", "from": "+1", "text": "Oops"}, {"delete": "m1"})
    assert asked(world) == []


def test_a_bot_gives_no_more_tags_than_people_may(world, line):
    for number in (1, 2, 3):
        given = ["   ", *(f" {number}  {n} " for n in range(19))]
        tags = [{"type": "tag", "tag": tag} for tag in given]
        hear(world, line, number, (200, {"actions": tags}))
    tags = world.one("SELECT tags FROM conversations")["tags"]
    tags = json.loads(tags) if isinstance(tags, str) else tags
    assert (len(tags), tags[0], tags[-1]) == (50, "1 0", "3 11")
    assert {row["name"] for row in world.rows("SELECT name FROM tags")} == set(tags)


def test_a_bot_gives_a_tag_as_it_is_written_elsewhere(world, line):
    for sender, tag in (("+1", "VIP"), ("+2", "vip")):
        world.provider.will((200, {"actions": [{"type": "tag", "tag": tag}]}))
        world.hear(line, {"from": sender, "text": "Hi"})
    assert world.rows("SELECT name, carried FROM tags") == [{"name": "VIP", "carried": 2}]
    tags = [row["tags"] for row in world.rows("SELECT tags FROM conversations")]
    assert [one if isinstance(one, list) else json.loads(one) for one in tags] == [["VIP"]] * 2


def test_a_bot_is_told_the_contacts_name_where_a_message_says_none(world, line):
    hear(world, line, 1, (204, {}))
    world.write("UPDATE contacts SET name = 'Ada'")
    hear(world, line, 2, (204, {}))
    assert [one["contact"]["name"] for one in asked(world)] == [None, "Ada"]


def test_a_bot_that_is_asked_again_is_told_the_same(world, line):
    hear(world, line, 1, (503, {}))
    world.pass_time(minutes=1)
    assert [one["message"]["first"] for one in asked(world)] == [True, True]


def test_an_answer_that_comes_later_is_carried_out_once(world, line, client):
    hear(world, line, 1, (202, {}))
    assert call_back(world, client) == 202
    assert call_back(world, client) == 409
    assert world.provider.said == ["Found it."]
    world.pass_time(minutes=5)
    assert world.provider.said == ["Found it."]
    assert owner(world) == "bot:chatbot"


def test_the_callback_may_be_faster_than_the_promise_of_it(world, line, client):
    hear(world, line, 1, lambda request: (call_back_meanwhile(world, client), (202, {}))[1])
    world.work()
    assert world.provider.said == ["Found it."]
    assert call_back(world, client) == 409
    world.pass_time(minutes=5)
    assert world.provider.said == ["Found it."]
    assert owner(world) == "bot:chatbot"


@pytest.mark.parametrize("then", [(500, {}), (418, {}), (200, ANSWER)])
def test_a_callback_counts_whatever_the_request_then_came_to(world, line, client, then):
    hear(world, line, 1, lambda request: (call_back_meanwhile(world, client), then)[1])
    world.pass_time(minutes=5)
    assert world.provider.said == ["Found it."]
    assert len(asked(world)) == 1
    assert owner(world) == "bot:chatbot"


def call_back_meanwhile(world, client):
    """Call back while the hub still waits for the answer to its question."""
    callback = asked(world)[-1]["callback"]
    path = callback["url"].removeprefix(world.hub.settings.base_url)
    bearer = {"Authorization": f"Bearer {callback['token']}"}
    assert client.post(path, json=ANSWER, headers=bearer).status_code == 202


def test_an_answer_after_its_time_is_refused_and_the_fallback_has_acted(world, line, client):
    hear(world, line, 1, (202, {}))
    world.pass_time(seconds=59)
    assert owner(world) == "bot:chatbot"
    world.pass_time(seconds=2)
    assert owner(world) == "people"
    assert call_back(world, client) == 409
    assert world.provider.said == []


@pytest.mark.parametrize("token", ["", "wrong", "Größe".encode().decode("latin-1")])
def test_a_callback_takes_its_own_token_alone(world, line, client, token):
    hear(world, line, 1, (202, {}))
    assert call_back(world, client, token=token) == 401
    other = asked(world)[-1]["callback"]["token"]
    headers = {"Authorization": f"Bearer {other}"}
    assert client.post("/callbacks/another", json=ANSWER, headers=headers).status_code == 401
    assert call_back(world, client) == 202


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"not json", 400),
        (b"\xff", 400),
        (b"[" * 100_000, 400),
        (b"null", 422),
        (b'{"actions": [{"type": "dance"}]}', 422),
        (b'{"actions": [], "more": 1}', 422),
        (b" " * (256 << 10) + b"{}", 413),
    ],
)
def test_an_answer_that_cannot_be_used_may_be_sent_again_mended(world, line, client, body, status):
    hear(world, line, 1, (202, {}))
    given = {"data": body, "content_type": "application/json", "json": None}
    assert call_back(world, client, **given) == status
    assert call_back(world, client) == 202
    assert world.provider.said == ["Found it."]


def test_an_answer_that_cannot_be_used_is_told_with_its_field(world, line, client):
    hear(world, line, 1, (202, {}))
    callback = asked(world)[-1]["callback"]
    refused = client.post(
        callback["url"].removeprefix(world.hub.settings.base_url),
        json={"actions": [{"type": "reply", "txt": "Hi"}]},
        headers={"Authorization": f"Bearer {callback['token']}"},
    ).get_json()
    [error] = refused["errors"]
    assert error["field"].startswith("actions.0")
    assert error["message"]
    assert refused["type"] == f"{world.hub.settings.base_url}/docs/problems/invalid"


def test_the_trace_tells_of_a_bot_that_kept_silent_in_the_order_of_things(world, line):
    hear(world, line, 1, (202, {}))
    world.pass_time(minutes=2)
    with reading(world.hub.engine) as db:
        told = [item.what for item in trace(db, world.one("SELECT id FROM messages")["id"])]
    assert told[-4:] == [
        "attempt 1: accepted",
        "ended without a request: permanent",
        "now failed",
        "fell back to inbox",
    ]


def test_the_trace_names_the_team_whose_queue_it_is(world):
    line = world.channel()
    sales = {"type": "inbox", "team": "sales"}
    rule = {"id": "sales", "name": "Sales", "when": {"text": {"contains": "price"}}, "to": sales}
    save_routes(world.hub, line.id, WantedRoutes(routes=[rule]), actor="cli")
    world.hear(line, {"id": "m1", "from": "+1", "text": "The price?"})
    with reading(world.hub.engine) as db:
        [item] = [
            item
            for item in trace(db, world.one("SELECT id FROM messages")["id"])
            if item.stage == "route"
        ]
    assert item.what == "went to inbox, team sales"
    assert item.detail["destination"] == sales


def test_a_body_of_unknown_length_is_limited_too(world, line, client):
    hear(world, line, 1, (202, {}))
    body = io.BytesIO(b" " * (300 << 10) + json.dumps(ANSWER).encode())
    chunked = {"wsgi.input_terminated": True, "HTTP_TRANSFER_ENCODING": "chunked"}
    given = {"json": None, "input_stream": body, "environ_overrides": chunked}
    assert call_back(world, client, **given) == 413


@pytest.mark.parametrize("when", ["at once", "later"])
def test_a_text_that_no_database_keeps_is_cleaned(world, line, client, when):
    answer = {"actions": [{"type": "reply", "text": "a\0b"}]}
    hear(world, line, 1, (200, answer) if when == "at once" else (202, {}))
    if when == "later":
        assert call_back(world, client, answer=answer) == 202
    assert world.provider.said == ["a\ufffdb"]


def test_what_people_took_over_meanwhile_is_dropped(world, line, client):
    hear(world, line, 1, (202, {}))
    world.write("UPDATE conversations SET owner = 'user:1', owner_version = owner_version + 1")
    assert call_back(world, client) == 202
    assert world.provider.said == []


@pytest.mark.parametrize("answer", [(400, {}), (302, {}), (200, {"nonsense": 1}), (200, b"<html>")])
def test_what_a_bot_should_not_say_gives_the_message_to_people(world, line, answer):
    hear(world, line, 1, answer)
    assert owner(world) == "people"
    assert len(asked(world)) == 1


def test_a_bot_sends_no_template_that_the_gate_refuses(world, line):
    read_templates(world.hub, line.id)
    content = {"type": "template", "name": "bye", "language": "en", "parameters": {}}
    hear(world, line, 1, (200, {"actions": [{"type": "reply", "content": content}]}))
    decision = world.one("SELECT decision FROM messages")["decision"]
    decided = json.loads(decision) if isinstance(decision, str) else decision
    why = "content.name: The template is pending."
    assert decided["errors"] == [f"An answer could not be sent: {why}"]


def test_a_bot_that_stays_ill_gives_the_message_to_people(world, line):
    hear(world, line, 1, *[(503, {})] * 20)
    for _ in range(20):
        world.pass_time(minutes=20)
    assert owner(world) == "people"
    decision = world.one("SELECT decision FROM messages")["decision"]
    assert "503" in (decision if isinstance(decision, str) else json.dumps(decision))


def test_without_a_database_the_bot_is_asked_to_come_again(world, line, client, monkeypatch):
    hear(world, line, 1, (202, {}))

    def down(*_):
        raise DatabaseDown("The database (db) did not answer.")

    with monkeypatch.context() as patch:
        patch.setattr("hubbub.route.views.resume", down)
        assert call_back(world, client) == 503
    assert call_back(world, client) == 202
