"""Give the tests of people a hub."""

import pytest
from argon2 import PasswordHasher

from tests.core.api.kit import build_hub


@pytest.fixture(autouse=True)
def _cheap_hashes(monkeypatch):
    """Hash passwords in no time; the default cost is asked for where it matters."""
    cheap = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
    monkeypatch.setattr("hubbub.people.users._HASHER", cheap)


@pytest.fixture
def make_hub(make_settings, fake_redis):
    """Return hubs on a database; their engines are closed at the end."""
    made = []

    def make(url):
        made.append(build_hub(make_settings(public_url="https://hub.example"), url, fake_redis))
        return made[-1]

    yield make
    for hub in made:
        hub.engine.dispose()


@pytest.fixture
def hub(make_hub, sqlite_url):
    """A hub on SQLite."""
    return make_hub(sqlite_url)


@pytest.fixture
def every_hub(make_hub, database_url):
    """A hub on each kind of database in turn."""
    return make_hub(database_url)
