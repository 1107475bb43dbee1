"""What a webhook call is answered, and what is kept of it."""

import json

import pytest

HELLO = {"items": [{"id": "m1", "from": "+1", "text": "Hello"}]}


def test_an_authentic_call_is_kept_before_it_is_answered(world):
    line = world.channel()
    assert world.call(line, HELLO) == (200, b"squawk")
    row = world.one("SELECT state, body FROM calls")
    assert row["state"] == "pending"
    assert json.loads(bytes(row["body"])) == HELLO


def test_the_address_that_was_called_is_the_public_one_whatever_the_request_says(world):
    line = world.channel()
    inner = {"HTTP_HOST": "10.0.0.7:8080", "HTTP_X_FORWARDED_HOST": "evil.example"}
    world.call(line, HELLO, QUERY_STRING="a=1", **inner)
    assert world.one("SELECT url FROM calls")["url"] == f"{line.connection.webhook_url}?a=1"


@pytest.mark.parametrize("secret", ["", "wrong", "explode", "exit"])
def test_a_call_that_is_not_authentic_is_quarantined(world, secret):
    line = world.channel()
    status, _ = world.call(line, HELLO, secret=secret)
    world.work()
    assert status == 401
    assert world.one("SELECT state FROM calls")["state"] == "quarantined"
    assert world.rows("SELECT id FROM messages") == []


@pytest.mark.parametrize(
    "path", ["/webhooks/", "/webhooks/short", f"/webhooks/{'a' * 32}", f"/webhooks/{'a' * 32}/x"]
)
def test_an_unknown_webhook_is_404(world, path):
    line = world.channel()
    assert world.call(line, HELLO, path=path)[0] == 404


def test_a_body_over_the_limit_is_413_and_not_kept(world):
    line = world.channel()
    assert world.call(line, b"x", length=(1 << 20) + 1)[0] == 413
    assert world.rows("SELECT id FROM calls") == []


def test_a_body_that_ends_early_is_400_and_not_kept(world):
    line = world.channel()
    assert world.call(line, b"{}", length=500)[0] == 400
    assert world.rows("SELECT id FROM calls") == []


def test_a_call_that_cannot_be_kept_is_503(world, monkeypatch):
    line = world.channel()
    monkeypatch.setattr("hubbub.receive.work.queries.keep", _database_down)
    assert world.call(line, HELLO)[0] == 503


def test_a_deleted_channel_is_404_at_once(world):
    from hubbub.connect.work import delete_channel

    line = world.channel()
    assert world.call(line, HELLO)[0] == 200
    delete_channel(world.hub, line.id, actor="cli")
    assert world.call(line, HELLO)[0] == 404


def _database_down(*_):
    from sqlalchemy.exc import OperationalError

    raise OperationalError("INSERT", {}, Exception("server closed the connection"))


def test_what_proves_a_call_authentic_is_not_kept_with_it(world):
    line = world.channel()
    world.call(line, HELLO, secret="polly wants a cracker")
    assert "cracker" not in str(world.rows("SELECT headers FROM calls"))
