"""What the web answers while the database is away."""

import io

import pytest

from hubbub import logs
from hubbub.people.sessions import cookie_name
from hubbub.store.session import make_engine
from hubbub.web import create_app


@pytest.fixture
def log():
    """Everything that is logged."""
    stream = io.StringIO()
    logs.configure("web", json=True, stream=stream)
    return stream


@pytest.fixture
def client(world, log):
    """A browser with a cookie, and a hub whose database refuses connections."""
    client = create_app(hub=world.hub).test_client()
    client.set_cookie(cookie_name(world.hub.settings), "a cookie")
    world.hub.engine = away = make_engine("postgresql+psycopg://hub:canary@127.0.0.1:1/hub")
    yield client
    away.dispose()


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/api/v1/channels"),
        ("POST", "/api/v1/messages"),
        ("GET", "/inbox"),
        ("GET", "/channels"),
        ("POST", "/login"),
        ("POST", "/logout"),
        ("GET", "/readyz"),
    ],
)
def test_it_is_said_in_a_sentence_that_the_database_is_away(client, log, method, path):
    data = {"email": "a@example.org", "password": "long enough"} if path == "/login" else None
    headers = {"Authorization": "Bearer hub_x"} if path.startswith("/api") else {}
    answer = client.open(path, method=method, data=data, headers=headers)
    said = answer.text + log.getvalue()
    assert answer.status_code == 503, answer.text
    assert "atabase" in answer.text
    assert "Traceback" not in said
    assert "canary" not in said


def test_a_callback_is_asked_to_come_again(client, world, log):
    bearer = {"Authorization": f"Bearer {world.hub.vault.sign('callback:one')}"}
    answer = client.post("/callbacks/one", json={"actions": []}, headers=bearer)
    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "5")
    assert "Traceback" not in log.getvalue()


def test_the_process_still_lives_and_counts(client):
    assert client.get("/healthz").status_code == 200
    assert "hubbub_database_up 0.0" in client.get("/metrics").text
