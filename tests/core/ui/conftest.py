"""Give the tests of the console people who log in, and a channel with a first message."""

import pytest
from argon2 import PasswordHasher

from hubbub.people.sessions import cookie_name, open_session
from hubbub.people.users import add_user
from hubbub.web import create_app
from tests.core.ui.kit import form_token
from tests.services.peers import serve

__all__ = ["serve"]


@pytest.fixture(autouse=True)
def _cheap_hashes(monkeypatch):
    """Hash passwords in no time; what it should cost is tested beside the passwords."""
    cheap = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
    monkeypatch.setattr("hubbub.people.users._HASHER", cheap)


@pytest.fixture
def database_url(sqlite_url):
    """A fresh database: most of the console does not depend on its kind."""
    return sqlite_url


@pytest.fixture
def people(world):
    """An admin and an agent."""
    return {
        role: add_user(
            world.hub, email=f"{role}@example.org", password="long enough", role=role, actor="cli"
        )
        for role in ("admin", "agent")
    }


@pytest.fixture
def browser(world, people):
    """Return a browser logged in as somebody of a role, or as nobody."""
    app = create_app(hub=world.hub)

    def make(role=None):
        client = app.test_client()
        if role:
            cookie = open_session(world.hub, people[role])
            client.set_cookie(cookie_name(world.hub.settings), cookie)
        return client

    return make


@pytest.fixture
def line(world):
    line = world.channel(name="Perch")
    world.hear(line, {"id": "m1", "from": "+1", "name": "Ada", "text": "Hello"})
    return line


@pytest.fixture
def admin(browser):
    """An admin who fills in forms."""
    client = browser("admin")
    token = form_token(client.get("/inbox"))

    def post(url, **data):
        return client.post(url, data={"form_token": token, **data})

    client.fill = post
    return client
